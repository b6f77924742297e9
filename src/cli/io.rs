//! The streams of a command.

use std::fmt;
use std::io::{BufRead, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;

use fmc_core::graph::StopFlag;

use super::failure::Failure;
use super::plain::shown;
use super::wrap::wrapped;
use crate::json::Versioned;
use crate::secrets::Environment;

/// The streams of a command: the process's own, or a test's.
pub struct Io<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Diagnostics and progress.
    pub err: &'a mut dyn Write,
    /// The answers of a person; `None` if there is no person to ask.
    pub input: Option<&'a mut dyn BufRead>,
    /// Whether results are coloured.
    pub colour_out: bool,
    /// Whether diagnostics are coloured.
    pub colour_err: bool,
    /// Whether findings in results are drawn with their lines of the cloud's file.
    pub draw_out: bool,
    /// Whether findings in diagnostics are drawn with their lines of the cloud's file.
    pub draw_err: bool,
    /// The width of results for a person; `None` if lines are not broken.
    pub width_out: Option<usize>,
    /// The width of diagnostics; `None` if lines are not broken.
    pub width_err: Option<usize>,
    /// Whether progress is shown as bars, directly on the terminal.
    pub bars: bool,
    /// The folder that relative paths start from; empty for the process's own.
    pub folder: PathBuf,
    /// The environment, which may hold secrets.
    pub environment: Environment,
    /// Is given the means to interrupt an apply, once there is one.
    pub interrupt: &'a dyn Fn(Interrupt),
}

/// The means to interrupt an apply, from any thread.
#[derive(Clone)]
#[non_exhaustive]
pub struct Interrupt {
    /// Stops it.
    pub stop: StopFlag,
    pub(super) save: Arc<dyn Fn() + Send + Sync>,
}

impl Interrupt {
    /// Saves what is simulated as it is now. Call it before the process ends at once: what the last steps made would be
    /// lost. The apply saves nothing afterwards.
    pub fn save_last(&self) {
        (self.save)();
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").field("stop", &self.stop).finish_non_exhaustive()
    }
}

impl<'a> Io<'a> {
    /// For a program or a test: no person to ask, no colours, no drawings, no environment.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self {
            out,
            err,
            input: None,
            colour_out: false,
            colour_err: false,
            draw_out: false,
            draw_err: false,
            width_out: None,
            width_err: None,
            bars: false,
            folder: PathBuf::new(),
            environment: Arc::new(|_: &str| None),
            interrupt: &|_| (),
        }
    }
}

impl fmt::Debug for Io<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            out: _,
            err: _,
            input,
            colour_out,
            colour_err,
            draw_out,
            draw_err,
            width_out,
            width_err,
            bars,
            folder,
            environment: _,
            interrupt: _,
        } = self;
        f.debug_struct("Io")
            .field("input", &input.is_some())
            .field("colour_out", colour_out)
            .field("colour_err", colour_err)
            .field("draw_out", draw_out)
            .field("draw_err", draw_err)
            .field("width_out", width_out)
            .field("width_err", width_err)
            .field("bars", bars)
            .field("folder", folder)
            .finish_non_exhaustive()
    }
}

impl Io<'_> {
    /// Writes a result.
    pub(super) fn out(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        match write!(self.out, "{text}").and_then(|()| self.out.flush()) {
            // The reader has closed the pipe, as `head` does.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| Failure::new(format!("failed to write the output: {error}"))),
        }
    }

    /// Writes a result for a person, in lines that fit the terminal. Text for programs or for copying is not broken.
    pub(super) fn tell(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        let text = text.to_string();
        self.out(wrapped(&shown(&text, self.colour_out), self.width_out))
    }

    /// Writes a result for a person, in the lines that it has.
    pub(super) fn show(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        let text = text.to_string();
        self.out(shown(&text, self.colour_out))
    }

    /// Writes a diagnostic, in lines that fit the terminal.
    pub(super) fn err(&mut self, text: impl fmt::Display) {
        let text = text.to_string();
        self.err_whole(wrapped(&shown(&text, self.colour_err), self.width_err));
    }

    /// Writes a diagnostic in the lines that it has. A failure is ignored, because there is no other stream to report it
    /// on.
    pub(super) fn err_whole(&mut self, text: impl fmt::Display) {
        let text = text.to_string();
        let _ = write!(self.err, "{}", shown(&text, self.colour_err)).and_then(|()| self.err.flush());
    }

    /// Writes a result as one line of JSON, with the version of its form.
    pub(super) fn json_line(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(&Versioned::new(value))
            .map_err(|error| Failure::new(format!("failed to write JSON: {error}")))?;
        self.out(format_args!("{text}\n"))
    }

    /// Writes a result as JSON, with a line break.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::new(format!("failed to write JSON: {error}")))?;
        self.out(format_args!("{text}\n"))
    }
}
