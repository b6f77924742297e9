//! Waiting until what a step started is up: not a step of its own, since it changes nothing and holds nobody up.
//!
//! # Why waiting is not a step
//!
//! Waiting changes nothing, so it is neither part of a plan nor a state. An apply waits for each machine that it started,
//! once the step is done, beside the lanes. The deadline is counted by the provider's own time, so that the simulation
//! waits in no time. A wait holds no lane, and only one question is asked of a guest agent at a time, because libvirt
//! waits 5 s for an agent that hangs.

use std::fmt;

/// What is waited for once a step is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The signal in a few words, as `a DHCP lease`.
    pub signal: String,
    /// How long it may take, in seconds.
    pub seconds: u64,
}

/// Something that is not known to be up. Its step is done, and stays done: the next plan is empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct NotUp {
    /// Why it is not.
    pub cause: NotUpCause,
    /// The last lines of its serial console, control characters made harmless; none if nothing is kept of it.
    pub console: Vec<String>,
    /// What to look at.
    pub help: Vec<String>,
}

/// Why something is not known to be up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotUpCause {
    /// The signal did not come.
    Deadline {
        /// The signal.
        signal: String,
        /// How long it was waited for, in seconds.
        seconds: u64,
        /// The last error of those who asked for it, if that was the end of it.
        error: Option<String>,
    },
    /// It went off while it was waited for.
    Off {
        /// After so many seconds.
        seconds: u64,
    },
    /// The apply was stopped while it was waited for.
    Stopped,
    /// It cannot be asked.
    Failed(String),
}

impl fmt::Display for NotUpCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { signal, seconds, error } => {
                write!(f, "{signal} did not come within {seconds} s")?;
                error.iter().try_for_each(|error| write!(f, " (the last look failed: {error})"))
            }
            Self::Off { seconds } => write!(f, "it went off after {seconds} s"),
            Self::Stopped => f.write_str("the apply was stopped before it was seen up"),
            Self::Failed(error) => f.write_str(error),
        }
    }
}

impl NotUp {
    /// For this cause, with nothing more to say.
    pub fn new(cause: NotUpCause) -> Self {
        Self { cause, console: Vec::new(), help: Vec::new() }
    }
}
