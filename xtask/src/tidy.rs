//! House rules that no compiler checks. A test of this crate runs them too.

mod imports;
pub(crate) mod layers;
mod names;
mod providers;
mod words;
mod xml;

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::workspace::root;

/// A Rust file with more lines must be split.
const LINES_MOST: usize = 800;
/// A Rust file with more lines is mentioned, since it will need a split soon.
const LINES_LONG: usize = 500;

/// Folders of build output and of tools. The rules do not apply to them.
const OTHERS: [&str; 3] = ["target", "out", ".git"];

/// A text that no file of the kind may contain, with the reason. It is written in two halves, so that this
/// file itself passes.
struct Ban {
    text: &'static str,
    only_in: Option<&'static str>,
    reason: &'static str,
}

const BANS: [Ban; 6] = [
    Ban { text: concat!("/wo", "rk/"), only_in: None, reason: "a path of one machine" },
    Ban { text: concat!("/ro", "ot/"), only_in: None, reason: "a path of one machine" },
    Ban { text: concat!("/tmp/", "target"), only_in: None, reason: "a path of one machine" },
    Ban {
        text: concat!("#[ig", "nore"),
        only_in: Some("rs"),
        reason: "a skipped test looks green: the slow tier is the feature `full`",
    },
    Ban {
        text: concat!("```ig", "nore"),
        only_in: Some("rs"),
        reason: "a skipped doctest looks green: use `no_run`, or `text` if it is not a program",
    },
    Ban { text: concat!("tod", "o!("), only_in: Some("rs"), reason: "what is not built is not there" },
];

/// Checks every text file of the workspace. Long files are only mentioned.
pub(crate) fn tidy() -> Result<(), Failure> {
    let mut wrong = layers::violations()?;
    wrong.extend(names::violations()?);
    wrong.extend(words::violations()?);
    wrong.extend(providers::violations()?);
    wrong.extend(xml::violations()?);
    for path in files(&root())? {
        // Binary files have no lines to check.
        if let Ok(text) = fs::read_to_string(&path) {
            let shown = path.strip_prefix(root()).unwrap_or(&path);
            wrong.extend(violations(shown, &text));
            if let Some(lines) = long(shown, &text) {
                println!("    {}: {lines} lines, aim for less than {LINES_LONG}", shown.display());
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("not tidy:\n  {}", wrong.join("\n  ")).into()) }
}

fn violations(path: &Path, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if is(path, "rs") && text.lines().count() > LINES_MOST {
        wrong.push(format!("{}: more than {LINES_MOST} lines: split it", path.display()));
    }
    for (number, line) in (1..).zip(text.lines()) {
        for ban in BANS.iter().filter(|ban| ban.only_in.is_none_or(|kind| is(path, kind))) {
            if has_at_start_of_word(line, ban.text) {
                wrong.push(format!("{}:{number}: `{}`: {}", path.display(), ban.text, ban.reason));
            }
        }
    }
    wrong
}

fn long(path: &Path, text: &str) -> Option<usize> {
    let lines = text.lines().count();
    (is(path, "rs") && (LINES_LONG + 1..=LINES_MOST).contains(&lines)).then_some(lines)
}

/// Whether `text` occurs in the line at the start of a word, and not as the end of a longer one, such as a
/// deeper path.
fn has_at_start_of_word(line: &str, text: &str) -> bool {
    line.match_indices(text).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || "_-.}".contains(before))
    })
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// Every file below a folder, except those in [`OTHERS`].
fn files(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if OTHERS.iter().any(|other| entry.file_name() == *other) {
                continue;
            } else if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        tidy().unwrap();
    }

    #[test]
    fn a_ban_names_file_line_and_reason() {
        let text = format!("fn a() {{}}\n{}]\n", concat!("#[ig", "nore"));
        let wrong = violations(Path::new("a.rs"), &text);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].starts_with("a.rs:2: ") && wrong[0].contains("looks green"), "{wrong:?}");
        assert!(violations(Path::new("a.md"), &text).is_empty(), "the ban is for Rust only");
    }

    #[test]
    fn a_path_inside_a_longer_one_is_no_machine_path() {
        let machine = concat!("/wo", "rk/");
        assert!(has_at_start_of_word(&format!("see {machine}x"), machine));
        assert!(!has_at_start_of_word(&format!("https://example.org{machine}x"), machine));
    }

    #[test]
    fn a_file_that_is_too_long_is_refused() {
        let text = "\n".repeat(LINES_MOST + 1);
        assert_eq!(violations(Path::new("a.rs"), &text).len(), 1);
        assert!(violations(Path::new("a.md"), &text).is_empty());
    }
}
