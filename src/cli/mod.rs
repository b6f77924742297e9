//! The commands, for any program that has a cloud.
//!
//! ```no_run
//! use fmc::prelude::*;
//!
//! fn main() -> ExitCode {
//!     fmc::cli::main(Cloud::new("first").host(Host::local()))
//! }
//! ```
//!
//! | command | does |
//! | --- | --- |
//! | `check` | shows all findings and what the cloud takes of each host |
//! | `explain KIND` | shows the page of a kind of finding |
//!
//! # Exit codes
//!
//! | code | means |
//! | --- | --- |
//! | 0 | done |
//! | 1 | failed, or the cloud has findings of severity error |
//! | 2 | changes are pending: `plan --detailed-exitcode` only |
//! | 64 | wrong usage |
//!
//! Results go to standard output, with `--json` nothing but JSON; findings that refuse a command, errors and progress go
//! to standard error.

mod args;
mod check;
mod explain;
mod failure;
mod io;
mod style;
mod table;

use std::ffi::OsString;
use std::io::{IsTerminal as _, stderr, stdin, stdout};
use std::process::ExitCode;

use fmc_core::cloud::Cloud;

use args::{Args, Command};
use failure::Failure;
pub use io::Io;

/// Done.
pub const DONE: u8 = 0;
/// Failed, or findings of severity error.
pub const FAILED: u8 = 1;
/// Changes are pending.
pub const PENDING: u8 = 2;
/// Wrong usage: `EX_USAGE` of sysexits.h.
pub const USAGE: u8 = 64;

/// Runs the command that the program's arguments name.
pub fn main(cloud: Cloud) -> ExitCode {
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (mut out, mut err) = (stdout().lock(), stderr());
    let mut input = stdin().is_terminal().then(|| stdin().lock());
    let mut io = Io {
        colour_out: colour && out.is_terminal(),
        colour_err: colour && err.is_terminal(),
        bars: err.is_terminal(),
        out: &mut out,
        input: input.as_mut().map(|input| input as &mut dyn std::io::BufRead),
        err: &mut err,
    };
    ExitCode::from(run(cloud, std::env::args_os(), &mut io))
}

/// Runs the command that the arguments name, the first of which is the program's own name, and gives its exit code.
pub fn run(cloud: Cloud, arguments: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
    let args = match Args::read(arguments) {
        Ok(args) => args,
        Err(said) => return said.say(io),
    };
    match command(cloud, &args, io) {
        Ok(code) => code,
        Err(failure) => failure.say(io),
    }
}

fn command(cloud: Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    if let Command::Explain { kind } = &args.command {
        return explain::run(kind, args, io);
    }
    let cloud = if args.lab { cloud.lab() } else { cloud };
    let cloud = if args.set.is_empty() { cloud } else { crate::set::set(&cloud, &args.set)? };
    match &args.command {
        Command::Check => check::run(&cloud, args, io),
        Command::Explain { .. } => Ok(DONE),
    }
}
