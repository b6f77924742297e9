//! The arguments of every command.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::io::Io;
use super::{DONE, USAGE};
use crate::set::{SetError, Setting};

/// Checks, compiles, plans and applies the cloud of this program.
#[derive(Debug, Parser)]
#[command(
    name = "fmc",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true
)]
pub(super) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,

    /// The small copy of the cloud for a laptop or CI: emulated, tiny, with an owner of its own
    #[arg(long, global = true)]
    pub(super) lab: bool,

    /// Changes a value of the cloud by its path, after --lab; may be repeated. `*` stands for every name, as in
    /// 'machines.*.memory=256MiB'
    #[arg(long, global = true, value_name = "PATH=VALUE", value_parser = setting)]
    pub(super) set: Vec<Setting>,

    /// Writes JSON
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// The program's name.
    #[arg(skip)]
    pub(super) program: String,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shows all findings, and what the cloud takes of each host
    Check,
    /// Shows the page of a kind of finding
    Explain {
        /// The kind, as address-duplicate
        kind: String,
    },
}

/// What clap has to say instead of arguments.
#[derive(Debug)]
pub(super) struct Said(clap::Error);

impl Args {
    /// Reads arguments, the first of which is the program's name.
    pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Said> {
        let mut arguments = arguments.into_iter().peekable();
        let program = arguments
            .peek()
            .map(std::path::Path::new)
            .and_then(std::path::Path::file_name)
            .map_or_else(|| "fmc".to_owned(), |name| name.to_string_lossy().into_owned());
        let command = Self::command().bin_name(program.clone());
        let matches = command.try_get_matches_from(arguments).map_err(Said)?;
        let args = Self::from_arg_matches(&matches).map_err(Said)?;
        Ok(Self { program, ..args })
    }
}

impl Said {
    /// Says it, and gives the exit code.
    pub(super) fn say(&self, io: &mut Io<'_>) -> u8 {
        let text = self.0.render();
        match self.0.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                let shown = if io.colour_out { text.ansi().to_string() } else { text.to_string() };
                match io.out(shown) {
                    Ok(()) => DONE,
                    Err(failure) => failure.say(io),
                }
            }
            _ => {
                io.err(if io.colour_err { text.ansi().to_string() } else { text.to_string() });
                USAGE
            }
        }
    }
}

fn setting(text: &str) -> Result<Setting, SetError> {
    text.parse()
}
