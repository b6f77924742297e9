//! The derivation of secrets from the root key, and the owner that they are made for.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::draft::{choice, draft};
use crate::name::OwnerId;

/// A way of making secrets from the root key. A running cloud keeps the one that its machines were made with: another
/// one gives other host keys, tokens and authorities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[non_exhaustive]
pub enum Derivation {
    /// From the secret's name alone, as before fmc knew another: two clouds with one root key, or a cloud and its lab, have the
    /// same secrets.
    V1,
    /// From the owner of the cloud's objects and the secret's name. The default.
    #[default]
    V2,
}

choice!(Derivation);

impl Derivation {
    /// Its number, as in a file.
    pub const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

impl From<Derivation> for u8 {
    fn from(derivation: Derivation) -> Self {
        derivation.number()
    }
}

impl TryFrom<u8> for Derivation {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            _ => Err("the derivation of secrets is 1 (from their names alone) or 2 (from the owner, too)"),
        }
    }
}

impl fmt::Display for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Derivation {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Derivation".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "enum": [1, 2] })
    }
}

draft! {
    /// How a cloud's secrets are made.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::secret::{Derivation, SecretSettings};
    ///
    /// let old = Cloud::new("shop").secrets(SecretSettings::new().derivation(Derivation::V1));
    /// assert_eq!(old.check()?.secret_scope().derivation(), Derivation::V1);
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    #[derive(Default, Eq)]
    pub struct SecretSettings {
        /// How they are made from the root key: 1, from their names alone, or 2, from the owner of the cloud's objects too,
        /// so that two clouds with one root key have nothing in common. By default as the machines that are there were made, and
        /// 2 in a new cloud.
        pub derivation: Option<Derivation>,
    }

    /// None.
    pub fn new(..);
}

/// Whose secrets are made from a root key, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretScope {
    owner: OwnerId,
    derivation: Derivation,
}

impl SecretScope {
    /// The secrets of an owner's cloud.
    pub const fn new(owner: OwnerId, derivation: Derivation) -> Self {
        Self { owner, derivation }
    }

    /// The secrets of an owner's new cloud.
    pub fn of(owner: OwnerId) -> Self {
        Self::new(owner, Derivation::default())
    }

    /// How they are made.
    pub const fn derivation(&self) -> Derivation {
        self.derivation
    }

    /// Whose secrets they are, in any derivation.
    pub const fn whose(&self) -> &OwnerId {
        &self.owner
    }

    /// The owner, if the secrets depend on it.
    pub const fn owner(&self) -> Option<&OwnerId> {
        match self.derivation {
            Derivation::V1 => None,
            Derivation::V2 => Some(&self.owner),
        }
    }

    /// Feeds a hash of what has secrets that are made from the root key. The first derivation feeds nothing, so that old names stay.
    pub(crate) fn update(&self, hash: &mut Sha256) {
        if let Some(owner) = self.owner() {
            hash.update(b"secrets of\0");
            hash.update(owner.as_str());
        }
    }
}

/// A short public value that tells one root key of an owner from another: the mark of a machine records it. It is a digest that
/// is made for this alone: it says nothing of the key or of a secret, and another owner's is another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootKeyCheck(Arc<str>);

impl RootKeyCheck {
    /// The first form: a number, and hexadecimal digits.
    const VERSION: &str = "1-";

    /// From bytes that are derived from the key for this.
    pub fn of(bytes: [u8; 8]) -> Self {
        Self(format!("{}{}", Self::VERSION, crate::digest::hex(&bytes)).into())
    }

    /// One that was recorded; `None` if it has the form of a later version, which cannot be compared.
    pub fn recorded(text: &str) -> Option<Self> {
        text.starts_with(Self::VERSION).then(|| Self(text.into()))
    }
}

impl fmt::Display for RootKeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_number() {
        let read = |text: &str| serde_json::from_str::<SecretSettings>(text);
        let one = SecretSettings::new().derivation(Derivation::V1);
        assert_eq!(read(r#"{"derivation":1}"#).unwrap(), one);
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"derivation":1}"#);
        assert_eq!(read("{}").unwrap(), SecretSettings::new());
        for wrong in ["0", "3"] {
            let error = read(&format!(r#"{{"derivation":{wrong}}}"#)).unwrap_err().to_string();
            assert!(error.contains("is 1 (from their names alone) or 2"), "{error}");
        }
    }
}
