//! Waiting until a started object is up.
//!
//! # Why waiting is not a step
//!
//! Waiting changes nothing, so it is neither part of a plan nor a state. Once a step has started a machine,
//! the apply waits for that machine beside the lanes. The provider counts the deadline in its own time, so
//! that the simulation does not really wait. A wait holds no lane. A guest agent gets only one question at a
//! time, because libvirt waits 5 s for an agent that hangs.

use std::fmt;

/// The signal that an apply waits for once a step is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The signal in a few words, as `a DHCP lease`, or its condition, as `until its pods are ready`.
    pub signal: String,
    /// The timeout, in seconds.
    pub seconds: u64,
}

/// An object that is not known to be up. Its step stays done: the next plan is empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct NotUp {
    /// Why it is not.
    pub cause: NotUpCause,
    /// The last lines of its serial console, control characters made harmless; empty if the console is not
    /// recorded.
    pub console: Vec<String>,
    /// Advice for a person: where to look.
    pub help: Vec<String>,
}

/// Why an object is not known to be up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotUpCause {
    /// The signal did not come.
    Deadline {
        /// The signal.
        signal: String,
        /// The timeout, in seconds.
        seconds: u64,
        /// The last error of the question for the signal, if it ended with one.
        error: Option<String>,
    },
    /// The machine went off during the wait.
    Off {
        /// The seconds until then.
        seconds: u64,
    },
    /// The apply was stopped during the wait.
    Stopped,
    /// The signal cannot be asked for.
    Failed(String),
}

impl fmt::Display for NotUpCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { signal, seconds, error } => {
                write!(f, "{signal} did not come within {seconds} s")?;
                error.iter().try_for_each(|error| write!(f, " (the last query failed: {error})"))
            }
            Self::Off { seconds } => write!(f, "it went off after {seconds} s"),
            Self::Stopped => f.write_str("the apply was stopped before it was seen up"),
            Self::Failed(error) => f.write_str(error),
        }
    }
}

impl NotUp {
    /// With this cause, and no console or help.
    pub fn new(cause: NotUpCause) -> Self {
        Self { cause, console: Vec::new(), help: Vec::new() }
    }
}
