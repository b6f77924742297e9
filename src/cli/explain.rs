//! `explain KIND`: the page of a kind of finding; `explain` alone lists the kinds. `explain plan`: the words of a plan.

use fmc_core::finding::Kind;
use fmc_core::nearest::nearest;

use super::DONE;
use super::args::Args;
use super::failure::Failure;
use super::io::Io;
use super::markdown::rendered;
use super::style::{Paint, STRONG};
use super::table::Table;
use crate::json::{KindsView, PageView, Versioned};

/// The words of a plan.
const PLAN: &str = include_str!("explain/plan.md");

pub(super) fn run(name: Option<&str>, kinds: &[Kind], args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let Some(name) = name else { return list(kinds, args, io) };
    if name == "plan" && !args.json {
        io.show(PLAN)?;
        return Ok(DONE);
    }
    let found = kinds.iter().copied().find(|kind| kind.as_str() == name);
    let Some(kind) = found else { return Err(unknown(name, kinds, &args.program)) };
    let (severity, page) = (kind.severity(), kind.page());
    if args.json {
        io.json(&Versioned::new(PageView::with_page(kind)))?;
        return Ok(DONE);
    }
    let colour = io.colour_out;
    let acceptable = if kind.is_acceptable() { "a cloud can accept it" } else { "no cloud can accept it" };
    io.show(format_args!("{} ({severity}; {acceptable})\n\n", Paint(kind.as_str(), STRONG, colour)))?;
    // A reader of a pipe gets the page as it is.
    if io.draw_out {
        io.show(rendered(page.trim_end(), colour))?;
    } else {
        io.show(format_args!("{}\n", page.trim_end()))?;
    }
    Ok(DONE)
}

/// All kinds, each with its severity.
fn list(kinds: &[Kind], args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    if args.json {
        let kinds = kinds.iter().map(|kind| PageView::of(*kind)).collect();
        io.json(&Versioned::new(KindsView { kinds }))?;
        return Ok(DONE);
    }
    let mut table = Table::new(["kind", "severity", "acceptable"]);
    for kind in kinds {
        let acceptable = if kind.is_acceptable() { "yes" } else { "no" };
        table.row([kind.as_str().to_owned(), kind.severity().to_string(), acceptable.to_owned()]);
    }
    io.show(format_args!(
        "{table}\n`{0} explain KIND` shows the page of one, `{0} explain plan` the words of a plan.\n",
        args.program
    ))?;
    Ok(DONE)
}

fn unknown(name: &str, kinds: &[Kind], program: &str) -> Failure {
    let failure = Failure::usage(format!("there is no kind of finding `{name}`"));
    let of_a_plan: Vec<&str> = words_of_a_plan().collect();
    let known = kinds.iter().map(|kind| kind.as_str()).chain(["plan"]).chain(of_a_plan.iter().copied());
    let near = nearest(name, known);
    match near {
        Some(word) if of_a_plan.contains(&word) => {
            failure.help(format!("`{word}` is a word of a plan: `{program} explain plan` says what it means"))
        }
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help(format!(
            "`{program} explain` lists the kinds, and `{program} explain plan` has the words of a plan"
        )),
    }
}

/// The words that the page explains: each begins a line, after a sign if it has one.
fn words_of_a_plan() -> impl Iterator<Item = &'static str> {
    let lines = PLAN.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    lines.filter_map(|line| {
        let word = line.trim_start_matches(['+', '~', '±', '-', ' ']);
        word.split_once("  ").map(|(word, _)| word)
    })
}
