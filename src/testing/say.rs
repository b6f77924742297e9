//! The message of a failed assertion: the fault, the actual state, and what would be right.

use std::fmt;

/// An assertion that failed.
#[derive(Debug)]
pub(super) struct Failed {
    /// The expectation that failed.
    pub(super) what: String,
    /// The actual state, which may have several lines.
    pub(super) there: String,
    /// The expected state.
    pub(super) right: String,
}

impl Failed {
    pub(super) fn new(what: impl Into<String>, there: impl Into<String>, right: impl Into<String>) -> Self {
        Self { what: what.into(), there: there.into(), right: right.into() }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, there, right } = self;
        writeln!(f, "{what}")?;
        part(f, "there:", there)?;
        part(f, "right:", right)
    }
}

/// A label with its text: on the same line if it is one line, otherwise below.
fn part(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let text = text.trim_end();
    if !text.contains('\n') {
        return writeln!(f, "  {label} {text}");
    }
    writeln!(f, "  {label}")?;
    text.lines().try_for_each(|line| writeln!(f, "{}", format!("    {line}").trim_end()))
}

/// Fails the test at the place of the assertion.
#[track_caller]
#[expect(clippy::panic, reason = "a panic is how a unit test fails")]
pub(super) fn or_panic<T>(result: Result<T, Failed>) -> T {
    match result {
        Ok(value) => value,
        Err(failed) => panic!("{failed}"),
    }
}

/// A list in a line, as `a, b, c and 4 more`; `nothing` if it is empty.
pub(super) fn list(items: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.get(..MOST_LISTED) {
        Some(first) if items.len() > MOST_LISTED => {
            format!("{} and {} more", first.join(", "), items.len() - MOST_LISTED)
        }
        _ if items.is_empty() => "nothing".to_owned(),
        _ => items.join(", "),
    }
}

const MOST_LISTED: usize = 40;

/// Compares two texts line by line: `-` marks lines that are only in the actual text, `+` those that are only
/// in the right one, and unchanged lines around them are shown.
pub(super) fn difference(there: &str, right: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (there.lines().collect(), right.lines().collect());
    if old == new {
        return "the line breaks at their ends differ".to_owned();
    }
    let same = |(one, other): &(&&str, &&str)| one == other;
    let before = old.iter().zip(&new).take_while(same).count();
    let shorter = old.len().min(new.len()) - before;
    let after = old.iter().rev().zip(new.iter().rev()).take(shorter).take_while(same).count();
    let middle = |lines: &[&str]| lines.get(before..lines.len() - after).unwrap_or_default().join("\n");
    let mut lines = Vec::new();
    let from = before.saturating_sub(AROUND);
    lines.extend(old.get(from..before).unwrap_or_default().iter().map(|line| format!("  {line}")));
    lines.extend(changed(&middle(&old), &middle(&new)));
    let rest = old.len() - after;
    lines.extend(old.iter().skip(rest).take(AROUND).map(|line| format!("  {line}")));
    lines.join("\n")
}

/// How many equal lines are shown around a difference.
const AROUND: usize = 2;

/// Above this product of line counts, single lines are not compared.
const MOST_COMPARED: usize = 1 << 20;

/// The shortest edit from one text to the other.
fn changed(there: &str, right: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (there.lines().collect(), right.lines().collect());
    let mut lines = Vec::new();
    let (mut row, mut column) = (0, 0);
    if old.len().saturating_mul(new.len()) <= MOST_COMPARED {
        let common = common(&old, &new);
        let left = |row: usize, column: usize| {
            common.get(row).and_then(|line| line.get(column)).copied().unwrap_or_default()
        };
        while let (Some(one), Some(other)) = (old.get(row), new.get(column)) {
            if one == other {
                lines.push(format!("  {one}"));
                (row, column) = (row + 1, column + 1);
            } else if left(row + 1, column) >= left(row, column + 1) {
                lines.push(format!("- {one}"));
                row += 1;
            } else {
                lines.push(format!("+ {other}"));
                column += 1;
            }
        }
    }
    lines.extend(old.iter().skip(row).map(|line| format!("- {line}")));
    lines.extend(new.iter().skip(column).map(|line| format!("+ {line}")));
    lines
}

/// The number of common lines from each pair of lines on.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; new.len() + 1]; old.len() + 1];
    for (row, one) in old.iter().enumerate().rev() {
        let below = table.get(row + 1).cloned().unwrap_or_default();
        let Some(line) = table.get_mut(row) else { continue };
        let mut behind = 0;
        for (column, other) in new.iter().enumerate().rev() {
            let at = |column: usize| below.get(column).copied().unwrap_or_default();
            behind = if one == other { at(column + 1) + 1 } else { at(column).max(behind) };
            if let Some(cell) = line.get_mut(column) {
                *cell = behind;
            }
        }
    }
    table
}
