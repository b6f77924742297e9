//! Why a command failed: `error: …`, `help: …` and an exit code.

use std::fmt;

use super::io::Io;
use super::style::{BAD, GOOD, Paint};
use super::{FAILED, USAGE};

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    help: Vec<String>,
    code: u8,
}

impl Failure {
    /// Something went wrong.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: Vec::new(), code: FAILED }
    }

    /// An operation failed; its error is a fragment that fits "failed to …".
    pub(super) fn to(error: impl fmt::Display) -> Self {
        Self::new(format!("failed to {error}"))
    }

    /// Wrong usage.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, ..Self::new(message) }
    }

    /// The failure was already reported.
    pub(super) fn silent() -> Self {
        Self::new("")
    }

    /// Adds help.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Prints it, and returns the exit code.
    pub(super) fn say(self, io: &mut Io<'_>) -> u8 {
        let colour = io.colour_err;
        if !self.message.is_empty() {
            io.err(format_args!("{}: {}\n", Paint("error", BAD, colour), self.message));
        }
        for help in &self.help {
            io.err(format_args!("  {}: {help}\n", Paint("help", GOOD, colour)));
        }
        self.code
    }
}

impl From<crate::set::SetError> for Failure {
    fn from(error: crate::set::SetError) -> Self {
        match error {
            crate::set::SetError::Cloud(_) => {
                Self::to(error).help("`check` without --set says which, and where")
            }
            wrong => Self::usage(format!("failed to {wrong}")),
        }
    }
}
