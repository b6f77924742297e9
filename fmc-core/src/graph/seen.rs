//! The existing objects.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::address::{Address, Place};
use crate::digest::hex;

/// A hash of a document as it was read, without our mark in it. Two reads of an unchanged object give the
/// same hash.
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

/// A text that cannot be read as a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {0:?} as a fingerprint: it must be 32 lower-case hexadecimal digits")]
pub struct NotAFingerprint(String);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The knowledge about an object.
#[derive(Debug)]
pub enum State<O: ?Sized> {
    /// It exists.
    Present {
        /// The object as the provider read it.
        object: Arc<O>,
        /// The fingerprint of the object.
        fingerprint: Fingerprint,
    },
    /// It could not be read; objects that depend on it are deferred.
    Unknown {
        /// Why.
        cause: String,
    },
    /// The object that would contain it is not built or started yet; the next phase plans it again.
    NotYet {
        /// The steps that come first, as `the pool fmc-lab is started`.
        phase: String,
        /// Whether it is certain that the object does not exist, because its container is built first. A plan
        /// then announces its creation. Otherwise the object may turn out to exist, and a plan announces
        /// nothing.
        is_new: bool,
    },
}

impl<O> State<O> {
    /// An existing object: the object as the provider read it, and its fingerprint.
    pub fn present(object: O, fingerprint: Fingerprint) -> Self {
        Self::Present { object: Arc::new(object), fingerprint }
    }
}

impl<O: ?Sized> Clone for State<O> {
    fn clone(&self) -> Self {
        match self {
            Self::Present { object, fingerprint } => {
                Self::Present { object: Arc::clone(object), fingerprint: *fingerprint }
            }
            Self::Unknown { cause } => Self::Unknown { cause: cause.clone() },
            Self::NotYet { phase, is_new } => Self::NotYet { phase: phase.clone(), is_new: *is_new },
        }
    }
}

/// The observed objects, by address. An object that is not listed is absent. A clone shares the objects.
#[derive(Debug)]
pub struct Seen<O: ?Sized> {
    /// Our objects, wanted or not, and foreign ones whose name a wanted one takes. While one of our objects
    /// at a place is [`State::Unknown`], nothing is deleted at that place, because that object might need it.
    pub objects: BTreeMap<Address, State<O>>,
    /// Places that could not be read, with the cause; an address there is unknown, not absent. A [whole
    /// provider](Place::all_of) stands for all of its places.
    pub unknown: BTreeMap<Place, String>,
}

impl<O: ?Sized> Seen<O> {
    /// An existing object.
    pub fn object(&self, at: &Address) -> Option<&O> {
        match self.objects.get(at) {
            Some(State::Present { object, .. }) => Some(object),
            _ => None,
        }
    }

    /// The existing objects.
    pub fn present(&self) -> impl Iterator<Item = (&Address, &O)> {
        self.objects.iter().filter_map(|(at, state)| match state {
            State::Present { object, .. } => Some((at, &**object)),
            State::Unknown { .. } | State::NotYet { .. } => None,
        })
    }

    /// The place that could not be read, with the cause: this place, or its whole provider.
    pub fn unknown_at(&self, place: &Place) -> Option<(&Place, &str)> {
        if self.unknown.is_empty() {
            return None;
        }
        let found = self.unknown.get_key_value(place);
        let found = found.or_else(|| self.unknown.get_key_value(&Place::all_of(place.provider())));
        found.map(|(place, cause)| (place, cause.as_str()))
    }
}

impl<O: ?Sized> Clone for Seen<O> {
    fn clone(&self) -> Self {
        Self { objects: self.objects.clone(), unknown: self.unknown.clone() }
    }
}

impl<O: ?Sized> Default for Seen<O> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), unknown: BTreeMap::new() }
    }
}

/// Why the observation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObserveError {
    /// A provider does not answer.
    #[error("reach {what}: {cause}")]
    Unreachable {
        /// The system that was called.
        what: String,
        /// Why not, and what to do.
        cause: String,
    },
    /// A provider answered with an error.
    #[error("read {what}: {cause}")]
    Read {
        /// The subject of the failed read.
        what: String,
        /// The provider's words.
        cause: String,
    },
}
