//! `explain KIND`: the page of a kind of finding.

use fmc_core::finding::Kind;
use fmc_core::nearest::nearest;
use serde::Serialize;

use super::DONE;
use super::args::Args;
use super::failure::Failure;
use super::io::Io;
use super::style::{Paint, STRONG};

/// With `--json`, one object.
#[derive(Serialize)]
struct Page {
    kind: &'static str,
    severity: String,
    acceptable: bool,
    page: &'static str,
}

pub(super) fn run(name: &str, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let Some(kind) = Kind::named(name) else { return Err(unknown(name)) };
    let (severity, page) = (kind.severity().to_string(), kind.page());
    if args.json {
        io.json(&Page { kind: kind.as_str(), severity, acceptable: kind.is_acceptable(), page })?;
        return Ok(DONE);
    }
    let colour = io.colour_out;
    let acceptable = if kind.is_acceptable() { "a cloud can accept it" } else { "no cloud can accept it" };
    io.out(format_args!("{} ({severity}; {acceptable})\n\n", Paint(kind.as_str(), STRONG, colour)))?;
    io.out(format_args!("{}\n", page.trim_end()))?;
    Ok(DONE)
}

fn unknown(name: &str) -> Failure {
    let known = || Kind::ALL.iter().map(|kind| kind.as_str());
    let failure = Failure::usage(format!("there is no kind of finding `{name}`"));
    match nearest(name, known()) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help(format!("the kinds are {}", known().collect::<Vec<_>>().join(", "))),
    }
}
