//! Mistakes in a text, with place and help.

use std::fmt;
use std::ops::Range;

use fmc_core::finding::At;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::tree::Span;

/// The greatest number of reported mistakes.
pub(super) const MOST_MISTAKES: usize = 50;

/// The part of the schema that the help of a mistake may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A right value for the place.
    Example,
    /// A right value for a key that is missing.
    Missing(&'static str),
    /// The place that a key belongs to.
    Key(String),
}

/// One mistake in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub(crate) path: String,
    pub(crate) span: Span,
    pub(crate) also: Option<Span>,
    pub(crate) alias: Option<Span>,
    /// Boxed, because a mistake is the error of many functions.
    pub(crate) wants: Option<Box<Wants>>,
    pub(crate) message: String,
    pub(crate) help: String,
    line: u32,
    column: u32,
}

impl Mistake {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        let (path, help) = (String::new(), String::new());
        Self {
            path,
            span,
            also: None,
            alias: None,
            wants: None,
            message: message.into(),
            help,
            line: 0,
            column: 0,
        }
    }

    pub(crate) fn also(mut self, span: Span) -> Self {
        self.also = Some(span);
        self
    }

    pub(crate) fn below(mut self, at: &At<'_>) -> Self {
        self.path = at.to_string();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Sets its line and column, both counted from 1. A text has less than 4 GiB.
    pub(crate) fn set_place(&mut self, (line, column): (usize, usize)) {
        let at = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        (self.line, self.column) = (at(line), at(column));
    }

    /// Moves it behind a byte order mark, which the reader did not see.
    pub(crate) fn shift(&mut self, offset: usize) {
        self.span = self.span.moved(offset);
        self.also = self.also.map(|span| span.moved(offset));
        self.alias = self.alias.map(|span| span.moved(offset));
    }

    /// The path to the value, as `machines.web`; empty for the whole text, and for a text that is not even YAML, TOML or
    /// JSON.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The range of the mistake in the text.
    pub fn span(&self) -> Range<usize> {
        self.span.range()
    }

    /// A second place, such as the first of two equal keys.
    pub fn also_at(&self) -> Option<Range<usize>> {
        self.also.map(Span::range)
    }

    /// The alias of YAML by which the value is at its path: the value itself, which [`span`](Self::span) shows, stands at the
    /// anchor.
    pub fn alias_at(&self) -> Option<Range<usize>> {
        self.alias.map(Span::range)
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line as usize
    }

    /// The character in the line, counted from 1.
    pub fn column(&self) -> usize {
        self.column as usize
    }

    /// The message. It never quotes a value of the text, because that may be a secret.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The help; empty if there is none.
    pub fn help_text(&self) -> &str {
        &self.help
    }
}

/// With `path`, `line`, `column`, `message` and `help`.
impl Serialize for Mistake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Mistake", 5)?;
        object.serialize_field("path", &self.path)?;
        object.serialize_field("line", &self.line)?;
        object.serialize_field("column", &self.column)?;
        object.serialize_field("message", &self.message)?;
        object.serialize_field("help", &self.help)?;
        object.end()
    }
}

/// `line 3, column 5: machines.web: the key …; did you mean …?`
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// The lines of a text, to find the line of a byte.
#[derive(Clone)]
pub struct Lines<'a> {
    text: &'a str,
    /// The start of each line.
    starts: Vec<usize>,
    /// The characters before each block of bytes: a file may be one long line with many mistakes.
    before: Vec<usize>,
}

/// The bytes whose characters are counted at once.
const BLOCK: usize = 1024;

/// Omits the text, because it may hold secrets.
impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("count", &self.starts.len()).finish()
    }
}

impl<'a> Lines<'a> {
    /// The lines of a text.
    pub fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        let blocks = text.as_bytes().chunks(BLOCK).scan(0, |all, block| {
            let before = *all;
            *all += characters(block);
            Some(before)
        });
        Self { text, starts: starts.collect(), before: blocks.collect() }
    }

    /// The line and the character in it of a byte, both counted from 1.
    pub fn place(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        // A byte order mark is not a character of the first line.
        let mark = usize::from(line == 1 && byte > 0 && self.text.starts_with('\u{feff}'));
        let before = self.characters(byte).saturating_sub(self.characters(start) + mark);
        (line, before + 1)
    }

    /// The characters before a byte.
    fn characters(&self, byte: usize) -> usize {
        let block = byte / BLOCK;
        let Some(before) = self.before.get(block) else {
            // At the end of the last block, or after the text.
            let last = self.before.len().saturating_sub(1);
            let rest = self.text.as_bytes().get(last * BLOCK..).unwrap_or_default();
            return self.before.last().copied().unwrap_or_default() + characters(rest);
        };
        let rest = self.text.as_bytes().get(block * BLOCK..byte.min(self.text.len())).unwrap_or_default();
        before + characters(rest)
    }

    /// The bytes from the beginning of a line to the end of another, both counted from 1.
    #[cfg(feature = "cli")]
    pub(crate) fn range(&self, first: usize, last: usize) -> Range<usize> {
        let start = self.starts.get(first.max(1) - 1).copied().unwrap_or(self.text.len());
        let end = self.starts.get(last).copied().unwrap_or(self.text.len());
        start..end
    }

    /// The byte of a character in a line, both counted from 1.
    #[cfg(feature = "yaml")]
    pub(crate) fn byte(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.max(1) - 1).copied().unwrap_or(self.text.len());
        let sought = self.characters(start) + column.max(1) - 1;
        let block = self.before.partition_point(|before| *before <= sought).saturating_sub(1);
        let bytes = self.text.as_bytes().iter().enumerate().skip(block * BLOCK);
        let mut lead = bytes.filter(|(_, byte)| is_lead(**byte)).map(|(at, _)| at);
        let within = sought - self.before.get(block).copied().unwrap_or_default();
        lead.nth(within).unwrap_or(self.text.len())
    }
}

fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| is_lead(**byte)).count()
}

/// Whether a byte begins a character of UTF-8.
fn is_lead(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_characters_wherever_it_is() {
        let long = "é€x𝄞".repeat(400);
        for text in [format!("\u{feff}{long}\n{long}a\n"), long.clone(), format!("{long}\n\n"), String::new()]
        {
            let lines = Lines::of(&text);
            for (byte, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let start = text[..byte].rfind('\n').map_or(0, |at| at + 1);
                let line = text[..byte].matches('\n').count() + 1;
                let column = text[start..byte].trim_start_matches('\u{feff}').chars().count() + 1;
                assert_eq!(lines.place(byte), (line, column), "{byte}");
                #[cfg(feature = "yaml")]
                if !text.starts_with('\u{feff}') {
                    assert_eq!(lines.byte(line, column), byte);
                }
            }
        }
    }
}
