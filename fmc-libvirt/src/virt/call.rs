//! A call: its name in messages, the errors that mean absence, and its deadline.

use std::fmt;
use std::time::Duration;

use virt::error::{Error, ErrorNumber};

/// The kind of object of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Domain,
    Network,
    Pool,
    Volume,
}

impl Kind {
    /// Whether an error means that the object of the call itself does not exist. A missing network does not
    /// mean that the domain which needs it is missing.
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
    /// Its name in an error: `define domain web`.
    pub(super) words: String,
    /// The kind of its object.
    pub(super) kind: Kind,
    /// Whether it only reads, so that it can be repeated if the connection was lost meanwhile.
    pub(super) is_read: bool,
    /// The timeout.
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
