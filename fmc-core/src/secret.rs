//! Secrets: what the user has and what is made from the root key, by name and generation. No value here ever holds the
//! bytes of one.
//!
//! A compiled artifact has a typed hole where a secret belongs (see [`crate::template`]). Whoever writes the artifact
//! out fills it from a [`Secrets`]; this crate reads no file and no environment itself.

mod generated;

use std::fmt;

use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Deserialize, Serialize};

use crate::finding::{At, Finding, Kind, leaf};
use crate::given::Given;
use crate::name::SecretName;
pub(crate) use generated::derived_name;
pub use generated::{Authority, CertificateUsage, Generated, JoinToken, LeafCertificate};

/// A secret: its name, where its bytes are, and its generation.
///
/// The generation is what changes when the secret does: fmc never compares bytes, so a new password in the same file is
/// a change only with a new generation. What is made from the root key has other bytes with another generation.
///
/// ```
/// use fmc_core::secret::Secret;
///
/// let hash = Secret::file("ops-password", "secrets/ops.hash").generation(2);
/// let key = Secret::environment("tls-key", "TLS_KEY");
/// let made = Secret::password("grafana-admin"); // from the cloud's root key
/// # let _ = (hash, key, made);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Its name.
    name: Given<SecretName>,
    /// Raise it when the bytes change; 1 if not said.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    generation: u32,
    /// Where its bytes are.
    source: SecretSource,
}

/// Where the bytes of a secret are, as seen by the program that applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SecretSource {
    /// A file, by its path.
    File(String),
    /// A variable of the environment, by its name.
    Environment(String),
    /// The cloud's root key, from which they are made.
    Generated(Generated),
}

impl Secret {
    /// A secret whose bytes are a file's, by its path on the machine that applies.
    pub fn file(name: impl Into<Given<SecretName>>, path: impl Into<String>) -> Self {
        Self { name: name.into(), generation: first(), source: SecretSource::File(path.into()) }
    }

    /// A secret whose bytes are a variable of the environment of the program that applies.
    pub fn environment(name: impl Into<Given<SecretName>>, variable: impl Into<String>) -> Self {
        Self { name: name.into(), generation: first(), source: SecretSource::Environment(variable.into()) }
    }

    /// The generation; 1 if not said. Raise it when the bytes change.
    #[must_use]
    pub fn generation(mut self, generation: u32) -> Self {
        self.generation = generation;
        self
    }

    /// Whether the bytes come from where those of another one do. What the root key makes is another secret for each name.
    pub(crate) fn is_from_where(&self, other: &Self) -> bool {
        let is_made = matches!(self.source, SecretSource::Generated(_));
        self.source == other.source && (!is_made || self.name == other.name)
    }

    /// The secret with a name that is right, or a finding.
    pub(crate) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<SecretRef> {
        let name = leaf(&self.name, &at.key("name"), findings).cloned();
        let source = self.source.checked(&at.key("source"), findings);
        Some(SecretRef { name: name?, generation: self.generation, source: source? })
    }
}

impl SecretSource {
    fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<Self> {
        let (key, wrong) = match self {
            Self::File(path) if path.is_empty() || path.contains('\0') => {
                ("file", "the path of a secret's file is empty or has a NUL")
            }
            Self::Environment(variable) if variable.is_empty() || variable.contains(['=', '\0']) => {
                ("environment", "the name of a secret's variable is empty, or has '=' or a NUL")
            }
            _ => return Some(self.clone()),
        };
        findings.push(Finding::new(
            Kind::ValueInvalid,
            at.key(key),
            wrong,
            "name a file or a variable that the program that applies can read",
        ));
        None
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {path}"),
            Self::Environment(variable) => write!(f, "the environment variable {variable}"),
            Self::Generated(_) => f.write_str("the root key"),
        }
    }
}

/// A secret of a checked cloud: its name is right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretRef {
    /// Its name.
    pub name: SecretName,
    /// Its generation.
    pub generation: u32,
    /// Where its bytes are.
    pub source: SecretSource,
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {} generation {}", self.name, self.generation)
    }
}

/// Bytes that nobody sees by accident: `Debug` is redacted, and the memory is overwritten when they are dropped.
#[derive(Clone, Debug)]
pub struct SecretBytes(SecretSlice<u8>);

impl SecretBytes {
    /// Takes bytes in.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// The bytes. Whoever calls this writes them to where they belong, and nowhere else.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

/// Gives the bytes of secrets: a program's files and environment, or a test's own.
pub trait Secrets {
    /// The bytes of one.
    ///
    /// # Errors
    ///
    /// Says which secret it is, and how to provide it.
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError>;
}

/// Has no secret, and says so for each.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        Err(SecretError::unavailable(secret, "no secret may be read here"))
    }
}

/// Why a secret cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Its bytes are not there.
    #[error("read {secret} from {}: {why}", secret.source)]
    Unavailable {
        /// Which one.
        secret: Box<SecretRef>,
        /// What is in the way.
        why: String,
    },
    /// Its bytes do not fit where they go.
    #[error("use {secret} from {}: it must be one line of text", secret.source)]
    NoLine {
        /// Which one.
        secret: Box<SecretRef>,
    },
    /// Its bytes do not fit where they go.
    #[error("use {secret} from {}: it must be text in UTF-8", secret.source)]
    NoText {
        /// Which one.
        secret: Box<SecretRef>,
    },
}

impl SecretError {
    /// The bytes are not there, and why.
    pub fn unavailable(secret: &SecretRef, why: impl Into<String>) -> Self {
        Self::Unavailable { secret: Box::new(secret.clone()), why: why.into() }
    }
}

const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_first(generation: &u32) -> bool {
    *generation == first()
}
