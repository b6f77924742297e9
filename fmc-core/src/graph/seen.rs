//! What is there.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::address::Address;
use crate::digest::hex;

/// A hash of a document as it was read, without our mark in it. Two reads of an unchanged object give the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of bytes: the first 128 bits of their SHA-256.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        let mut first = [0; 16];
        for (to, from) in first.iter_mut().zip(sha2::Sha256::digest(bytes)) {
            *to = from;
        }
        Self(first)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let wrong = || NotAFingerprint(text.to_owned());
        if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;

    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        text.parse()
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {0:?} as a fingerprint: it must be 32 lower-case hexadecimal digits")]
pub struct NotAFingerprint(String);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is known of an object.
#[derive(Clone, Debug)]
pub enum State<O> {
    /// It is there.
    Present {
        /// What the provider read.
        object: O,
        /// The fingerprint of that.
        fingerprint: Fingerprint,
    },
    /// It could not be read; what depends on it is put off.
    Unknown {
        /// Why.
        cause: String,
    },
    /// What holds it is not built or started yet; it is planned again then.
    NotYet {
        /// What has to be done first, as `the pool fmc-lab is started`.
        phase: String,
        /// Whether it is certain that it is not there, because what holds it is built first. A plan then announces that it
        /// creates it. Otherwise it may turn out to be there, and a plan announces nothing.
        is_new: bool,
    },
}

/// What was observed, by address. An object that is not in it is absent.
#[derive(Clone, Debug)]
pub struct Seen<O> {
    /// Our objects, wanted or not, and foreign ones whose name a wanted one takes. While one of ours on a host is
    /// [`State::Unknown`], nothing is deleted on that host: it might need it.
    pub objects: BTreeMap<Address, State<O>>,
    /// Hosts of which nothing is known, with the cause; an address on them is unknown, not absent.
    pub unknown_hosts: BTreeMap<String, String>,
}

impl<O> Default for Seen<O> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), unknown_hosts: BTreeMap::new() }
    }
}

/// Why nothing could be observed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObserveError {
    /// A provider does not answer.
    #[error("reach {what}: {cause}")]
    Unreachable {
        /// Whom.
        what: String,
        /// Why not, and what to do.
        cause: String,
    },
    /// A provider answered with an error.
    #[error("read {what}: {cause}")]
    Read {
        /// What was read.
        what: String,
        /// The provider's words.
        cause: String,
    },
}
