//! Secrets by name and generation: the user's own, and those made from the root key. Values here never hold
//! the bytes of a secret.
//!
//! A compiled artifact has a typed hole for each secret (see [`crate::template`]). The writer of the artifact
//! fills it from a [`Secrets`]; this crate does not read files or the environment.

mod access;
mod derivation;
mod generated;

use std::fmt;

use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Deserialize, Serialize};

use crate::draft::{Look, Setting};
use crate::finding::{At, Finding, ValueProblem, leaf};
use crate::given::Given;
use crate::name::SecretName;
use crate::rust::{Expr, Names, Unsaid, quoted};
pub use access::{AdminSecrets, ClientKubeconfig, ClusterAccess, Kubeconfigs};
pub use derivation::{Derivation, RootKeyCheck, SecretScope, SecretSettings};
pub use generated::{Authority, CertificateUsage, Generated, JoinToken, LeafCertificate};
pub(crate) use generated::{derived_name, shared_name};

/// A secret: its name, the source of its bytes, and its generation.
///
/// Raise the generation when the secret changes: fmc never compares bytes, so a new password in the same file
/// counts as a change only with a new generation. A secret made from the root key has other bytes in another
/// generation.
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
    /// Raise it when the bytes change; 1 by default.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    generation: u32,
    /// The source of its bytes.
    source: SecretSource,
}

/// The source of a secret's bytes, as seen by the program that applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SecretSource {
    /// A file, by its path.
    File(String),
    /// An environment variable, by its name.
    Environment(String),
    /// The cloud's root key, from which the bytes are made.
    Generated(Generated),
}

impl Secret {
    /// A secret in a file, by its path on the computer that applies.
    pub fn file(name: impl Into<Given<SecretName>>, path: impl Into<String>) -> Self {
        Self { name: name.into(), generation: first(), source: SecretSource::File(path.into()) }
    }

    /// A secret in an environment variable of the program that applies.
    pub fn environment(name: impl Into<Given<SecretName>>, variable: impl Into<String>) -> Self {
        Self { name: name.into(), generation: first(), source: SecretSource::Environment(variable.into()) }
    }

    /// The generation; 1 by default. Raise it when the bytes change.
    #[must_use]
    pub fn generation(mut self, generation: u32) -> Self {
        self.generation = generation;
        self
    }

    /// Whether both secrets have the same source. The root key makes different bytes for each name.
    pub(crate) fn is_from_where(&self, other: &Self) -> bool {
        let is_made = matches!(self.source, SecretSource::Generated(_));
        self.source == other.source && (!is_made || self.name == other.name)
    }

    /// The secret as a checked cloud has it; `None` if its name or its source is wrong.
    pub fn reference(&self) -> Option<SecretRef> {
        self.checked(&At::ROOT, &mut Vec::new())
    }

    /// The secret with a valid name, or a finding.
    pub(crate) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<SecretRef> {
        let name = leaf(&self.name, &at.key("name"), findings).cloned();
        let source = self.source.checked(&at.key("source"), findings);
        Some(SecretRef { name: name?, generation: self.generation, source: source? })
    }
}

impl Setting for Secret {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.checked(at, look.findings);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let name = self.name.rust(names)?.line();
        let mut secret = Expr::new(match &self.source {
            SecretSource::File(path) => format!("Secret::file({name}, {})", quoted(path)),
            SecretSource::Environment(variable) => {
                format!("Secret::environment({name}, {})", quoted(variable))
            }
            SecretSource::Generated(Generated::Password) => format!("Secret::password({name})"),
            SecretSource::Generated(
                what @ (Generated::Token | Generated::PrivateKey | Generated::SshHostKey),
            ) => format!("Secret::generated({name}, Generated::{what:?})"),
            SecretSource::Generated(_) => return Err("a secret that a role makes of others".to_owned()),
        });
        if self.generation != first() {
            secret.call("generation", self.generation.to_string());
        }
        Ok(secret)
    }
}

impl SecretSource {
    fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<Self> {
        let (key, problem) = match self {
            Self::File(path) if path.is_empty() || path.contains('\0') => ("file", ValueProblem::SecretFile),
            Self::Environment(variable) if variable.is_empty() || variable.contains(['=', '\0']) => {
                ("environment", ValueProblem::SecretVariable)
            }
            _ => return Some(self.clone()),
        };
        findings.push(problem.at(at.key(key)));
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

/// A secret of a checked cloud: its name is valid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretRef {
    /// Its name.
    pub name: SecretName,
    /// Its generation.
    pub generation: u32,
    /// The source of its bytes.
    pub source: SecretSource,
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {} generation {}", self.name, self.generation)
    }
}

/// Bytes that are protected from accidental display: `Debug` is redacted, and the memory is overwritten when
/// they are dropped.
#[derive(Clone, Debug)]
pub struct SecretBytes(SecretSlice<u8>);

impl SecretBytes {
    /// Takes ownership of bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// The bytes. The caller writes them to their destination, and nowhere else.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

/// Supplies the bytes of secrets: from a program's files and environment, or from a test.
pub trait Secrets {
    /// The bytes of one secret.
    ///
    /// # Errors
    ///
    /// Names the secret and how to provide it.
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError>;

    /// The check that tells their root key from another one, if they are made from one: see [`RootKeyCheck`].
    fn root_key_check(&self) -> Option<RootKeyCheck> {
        None
    }
}

/// Has no secrets, and returns an error for each.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        Err(SecretError::unavailable(secret, "no secret may be read here"))
    }
}

/// Why a secret's bytes cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Its bytes are not available.
    #[error("read {secret} from {}: {why}", secret.source)]
    Unavailable {
        /// The secret.
        secret: Box<SecretRef>,
        /// The cause.
        why: String,
    },
    /// Its bytes are not one line of text, as its place requires.
    #[error("use {secret} from {}: it must be one line of text", secret.source)]
    NoLine {
        /// The secret.
        secret: Box<SecretRef>,
    },
    /// Its bytes are not the hash of a password, as its place requires.
    #[error(
        "use {secret} from {}: it must be the hash of a password, as `openssl passwd -6` prints it ($6$…), not the password",
        secret.source
    )]
    NoHash {
        /// The secret.
        secret: Box<SecretRef>,
    },
    /// Its bytes are not UTF-8 text, as its place requires.
    #[error("use {secret} from {}: it must be text in UTF-8", secret.source)]
    NoText {
        /// The secret.
        secret: Box<SecretRef>,
    },
}

impl SecretError {
    /// The bytes are not available, for this cause.
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
