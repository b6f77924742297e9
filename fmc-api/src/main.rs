//! The list of public items of a crate, from rustdoc's JSON: written to a golden file, or compared with it.
//!
//! `fmc-api write|compare GOLDEN JSON`, and `fmc-api review DOCUMENT JSON…` for all crates together; `cargo xtask api` and `cargo xtask golden api` run it for every crate.
//!
//! The form of rustdoc's JSON is not stable: it has a number, and a toolchain with another number may
//! describe the same API differently. So a golden file records its form. If the forms are the same, a
//! difference is a failure. If they are not, an equal list passes, and a different one is reported without a
//! failure, unless the variable `CI` is set.
//!
//! The crate `public-api` makes such lists too. Each of its versions reads the one form that the nightly
//! toolchain of its day writes; this workspace is judged on the stable toolchain, whose form changes with
//! every release.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod list;
mod render;
mod review;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::process::ExitCode;

use serde_json::Value;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["write", golden, json] => write(golden, json),
        ["compare", golden, json] => compare(golden, json),
        ["review", document, crates @ ..] if !crates.is_empty() => judge(document, crates),
        _ => Err("usage: fmc-api write|compare GOLDEN JSON, or fmc-api review DOCUMENT JSON…".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(golden: &str, json: &str) -> Result<(), Box<dyn Error>> {
    let api = Api::read(json)?;
    fs::write(golden, format!("{}{}\n{}", HEADER, api.form, api.list))?;
    Ok(())
}

fn compare(golden: &str, json: &str) -> Result<(), Box<dyn Error>> {
    let api = Api::read(json)?;
    let committed = fs::read_to_string(golden)?;
    let (header, list) = committed.split_once('\n').ok_or("the golden file is empty")?;
    if list == api.list {
        println!("    {golden}: {} items, as committed", list.lines().count());
        return Ok(());
    }
    let difference = difference(list, &api.list);
    let form: u64 = header.strip_prefix(HEADER).ok_or("the golden file has no header")?.parse()?;
    if form == api.form || std::env::var_os("CI").is_some() {
        return Err(format!("{golden} differs from the public items:\n{difference}`cargo xtask golden api` updates it; every changed line is a change for users").into());
    }
    println!(
        "    {golden}: NOT COMPARED. This toolchain's rustdoc writes form {}, and the golden file has form {form}: \
         the lists differ, but the API may be the same. `rustup run TOOLCHAIN cargo xtask api` with a toolchain \
         of that form judges it.",
        api.form
    );
    Ok(())
}

/// Compares the crates with what the review in a document decided.
fn judge(document: &str, crates: &[&str]) -> Result<(), Box<dyn Error>> {
    let read = |path: &&str| Ok(serde_json::from_str(&fs::read_to_string(path)?)?);
    let crates = crates.iter().map(read).collect::<Result<Vec<Value>, Box<dyn Error>>>()?;
    let wrong = review::review(&fs::read_to_string(document)?, &crates).ok_or("a crate has no root")?;
    if wrong.is_empty() {
        println!("    {document}: crates of others and complete enums, as reviewed");
        return Ok(());
    }
    Err(format!("{document} does not have what there is:\n  {}", wrong.join("\n  ")).into())
}

const HEADER: &str = "# Public items, by `cargo xtask golden api`, from rustdoc's JSON of form ";

struct Api {
    form: u64,
    list: String,
}

impl Api {
    fn read(path: &str) -> Result<Self, Box<dyn Error>> {
        let json: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
        let form = json.get("format_version").and_then(Value::as_u64).ok_or("it is no JSON of rustdoc's")?;
        Ok(Self { form, list: list::list(&json).ok_or("the crate has no root")? })
    }
}

/// The lines that are only in one of two lists.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (old.lines().collect(), new.lines().collect());
    let gone = old.difference(&new).map(|line| format!("- {line}\n"));
    let come = new.difference(&old).map(|line| format!("+ {line}\n"));
    gone.chain(come).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_difference_is_the_lines_of_one_list_only() {
        assert_eq!(super::difference("a\nb\n", "b\nc\n"), "- a\n+ c\n");
    }
}
