//! A call: what it is called in a message, what absence means for it, and how long it may take.

use std::fmt;
use std::time::Duration;

use virt::error::{Error, ErrorNumber};

/// What kind of object a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Domain,
    Network,
    Pool,
    Volume,
}

impl Kind {
    /// Whether an error says that the object of the call is not there. A missing network is not the absence of the domain that needs it.
    pub(super) fn is_absence(self, error: &Error) -> bool {
        let absent: &[ErrorNumber] = match self {
            Self::Host => &[],
            Self::Domain => &[ErrorNumber::NoDomain],
            Self::Network => &[ErrorNumber::NoNetwork],
            Self::Pool => &[ErrorNumber::NoStoragePool],
            Self::Volume => &[ErrorNumber::NoStorageVolume, ErrorNumber::NoStoragePool],
        };
        absent.iter().any(|number| error.code().is(*number))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Domain => "domain",
            Self::Network => "network",
            Self::Pool => "pool",
            Self::Volume => "volume",
        })
    }
}

/// A call, before it is made.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// As it stands in an error: `define domain web`.
    pub(super) words: String,
    /// What it is about.
    pub(super) kind: Kind,
    /// Whether it only reads, so that it can be made again when the connection was lost under it.
    pub(super) is_read: bool,
    /// How long it may take.
    pub(super) deadline: Duration,
}

impl Call {
    pub(super) fn read(words: String, kind: Kind, deadline: Duration) -> Self {
        Self { words, kind, is_read: true, deadline }
    }

    pub(super) fn change(words: String, kind: Kind, deadline: Duration) -> Self {
        Self { words, kind, is_read: false, deadline }
    }
}
