//! What an apply says while it runs.

use std::fmt;

use serde::Serialize;

use super::plan::Action;

/// Something that happened during an apply. Of one address: [`Event::Started`], then what its step says, then
/// [`Event::Done`] or [`Event::Failed`]; or [`Event::Skipped`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A step began.
    Started {
        /// The object's address.
        address: String,
        /// What is done to it.
        action: Action,
    },
    /// A step is somewhere on its way, as "waits for the guest to shut down".
    Doing {
        /// The object's address.
        address: String,
        /// What it does now.
        what: String,
    },
    /// Bytes were sent.
    Progress {
        /// The object's address.
        address: String,
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A step is done.
    Done {
        /// The object's address.
        address: String,
        /// What was done to it.
        action: Action,
    },
    /// A step failed.
    Failed {
        /// The object's address.
        address: String,
        /// Why.
        error: String,
    },
    /// A step was not begun, because one that it needs failed or the apply was stopped.
    Skipped {
        /// The object's address.
        address: String,
        /// Why.
        cause: String,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { address, action } => write!(f, "{address}: {action} begins"),
            Self::Doing { address, what } => write!(f, "{address}: {what}"),
            Self::Progress { address, done, total } => write!(f, "{address}: {done} of {total} bytes"),
            Self::Done { address, action } => write!(f, "{address}: {action} done"),
            Self::Failed { address, error } => write!(f, "{address}: failed: {error}"),
            Self::Skipped { address, cause } => write!(f, "{address}: skipped, {cause}"),
        }
    }
}
