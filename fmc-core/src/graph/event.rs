//! The events of a running apply.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::plan::Action;

/// Something that happened during an apply. For one address: [`Event::Started`], then the events of its step,
/// then [`Event::Done`] or [`Event::Failed`]; or [`Event::Skipped`] alone. If the apply waits for the object
/// after its step, [`Event::Waiting`] and then [`Event::Up`] or [`Event::NotUp`] follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A step began.
    Started {
        /// The object's address.
        address: String,
        /// The step's action.
        action: Action,
    },
    /// A step is under way, as "waits for the guest to shut down".
    Doing {
        /// The object's address.
        address: String,
        /// The present work of the step.
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
        /// The step's action.
        action: Action,
    },
    /// A step failed.
    Failed {
        /// The object's address.
        address: String,
        /// Why.
        error: String,
    },
    /// The apply waits until an object that a step started is up, outside of the step's lane.
    Waiting {
        /// The object's address.
        address: String,
        /// The expected signal, as `a DHCP lease`, or its condition, as `until its pods are ready`.
        signal: String,
        /// How long it may take, in seconds.
        seconds: u64,
    },
    /// The object is up.
    Up {
        /// The object's address.
        address: String,
        /// How long that took from the end of its step, in seconds.
        seconds: u64,
    },
    /// The object is not known to be up.
    NotUp {
        /// The object's address.
        address: String,
        /// Why not.
        cause: String,
        /// The last lines of its serial console, control characters made harmless.
        console: Vec<String>,
    },
    /// A step did not begin, because a step that it needs failed or the apply was stopped.
    Skipped {
        /// The object's address.
        address: String,
        /// Why.
        cause: String,
    },
}

impl Event {
    /// The names of all events, as [`Event::name`] gives them.
    pub const NAMES: &'static [&'static str] =
        &["started", "doing", "progress", "done", "failed", "waiting", "up", "not-up", "skipped"];

    /// The event's name, as `started`: the value of `event` in its JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Doing { .. } => "doing",
            Self::Progress { .. } => "progress",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Waiting { .. } => "waiting",
            Self::Up { .. } => "up",
            Self::NotUp { .. } => "not-up",
            Self::Skipped { .. } => "skipped",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { address, action } => write!(f, "{address}: {action} begins"),
            Self::Doing { address, what } => write!(f, "{address}: {what}"),
            Self::Progress { address, done, total } => write!(f, "{address}: {done} of {total} bytes"),
            Self::Done { address, action } => write!(f, "{address}: {action} done"),
            Self::Failed { address, error } => write!(f, "{address}: failed: {error}"),
            Self::Waiting { address, signal, seconds } => {
                let what = if signal.starts_with("until ") { "" } else { "for " };
                write!(f, "{address}: waits up to {seconds} s {what}{signal}")
            }
            Self::Up { address, seconds } => write!(f, "{address}: up after {seconds} s"),
            Self::NotUp { address, cause, console: _ } => write!(f, "{address}: not up: {cause}"),
            Self::Skipped { address, cause } => write!(f, "{address}: skipped, {cause}"),
        }
    }
}
