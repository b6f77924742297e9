//! Why a text is not YAML, in a person's words, at the line where the mistake begins.
//!
//! The parser notices many mistakes far below their cause: a quote that is not closed, a colon without a space. Its kind of error
//! and the lines around it tell the cause. Where they do not, the parser's own place and words stay.

use granit_parser::{ErrorKind, ScanError};

use super::super::mistake::{Lines, Mistake};
use super::super::tree::{DEEPEST, Span};
use super::words::words;

/// The mistake of a text that the parser refuses.
pub(super) fn refused(text: &str, error: &ScanError) -> Mistake {
    let marker = error.marker();
    let at = marker
        .byte_offset()
        .unwrap_or_else(|| Lines::of(text).byte(marker.line(), marker.col() + 1))
        .min(text.len());
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(Span::new(at..at + length(text, at)));
    }
    let looking = Looking { text, at };
    let info = error.info();
    let cause = looking.cause(error.kind()).unwrap_or_else(|| {
        let (message, help) = words(error.kind()).unwrap_or((&info, ""));
        Cause { at, message: message.to_owned(), help: help.to_owned() }
    });
    let span = Span::new(cause.at..cause.at + length(text, cause.at));
    Mistake::at(span, format!("this is not YAML: {}", cause.message)).help(cause.help)
}

pub(super) fn too_deep(span: Span) -> Mistake {
    Mistake::at(span, format!("values nest deeper than {DEEPEST} levels"))
}

/// The bytes of the character at a place.
fn length(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

/// A cause that is told instead of the parser's words.
pub(super) struct Cause {
    at: usize,
    message: String,
    help: String,
}

pub(super) fn cause(at: usize, message: impl Into<String>, help: impl Into<String>) -> Option<Cause> {
    Some(Cause { at, message: message.into(), help: help.into() })
}

/// A line of the text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
}

impl<'a> Line<'a> {
    fn indentation(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// It without its indentation, and without a comment that is all of it.
    pub(super) fn content(&self) -> &'a str {
        let content = self.text.trim();
        if content.starts_with('#') { "" } else { content }
    }

    /// Where its content begins.
    fn begin(&self) -> usize {
        self.start + self.indentation()
    }

    /// Its content behind the dashes of list items, and the column of that, counted from 0.
    pub(super) fn item(&self) -> (usize, &'a str) {
        let mut rest = self.text.trim_start_matches(' ');
        while let Some(item) = rest.strip_prefix("- ") {
            rest = item.trim_start_matches(' ');
        }
        (self.text.len() - rest.len(), rest.trim_end())
    }

    /// Its key, with the text behind `: `.
    pub(super) fn pair(&self) -> Option<(&'a str, &'a str)> {
        let (_, item) = self.item();
        let (key, value) = item.split_once(": ").or_else(|| Some((item.strip_suffix(':')?, "")))?;
        is_key(key).then_some((key, value.trim()))
    }
}

/// Whether a text looks like a key, so that a message may repeat it: a value may be a secret.
pub(super) fn is_key(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    !text.is_empty() && text.len() <= 40 && text.chars().all(is_part)
}

pub(super) struct Looking<'a> {
    pub(super) text: &'a str,
    /// Where the parser noticed it.
    pub(super) at: usize,
}

impl<'a> Looking<'a> {
    fn cause(&self, kind: &ErrorKind) -> Option<Cause> {
        match kind {
            ErrorKind::TabInIndentation
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabNotAllowed
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart => {
                cause(self.tab()?, "a tab stands where only spaces may", "indent with spaces")
            }
            ErrorKind::UnclosedQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::DocumentIndicatorInQuotedScalar => self.open_quote(),
            ErrorKind::InvalidTrailingDoubleQuotedScalar => self.behind_quote('"'),
            ErrorKind::InvalidTrailingSingleQuotedScalar => self.behind_quote('\''),
            ErrorKind::UnknownQuotedScalarEscape => self.escape(),
            ErrorKind::UnexpectedCharacter { character } => cause(
                self.at,
                format!("a text cannot begin with `{}`", character.escape_default()),
                "put the text in quotes",
            ),
            ErrorKind::MappingValueNotAllowed => self.second_colon(),
            ErrorKind::SimpleKeyExpected => self.no_key(self.line(self.at)),
            ErrorKind::ExpectedBlockMappingKey => self.indentation(),
            ErrorKind::FlowMappingValueAdjacentCollection => {
                let key = self.line(self.at).text.get(..self.at - self.line(self.at).start)?;
                let key = key.rsplit(['{', ',', ' ']).next()?.trim_end_matches(':');
                cause(self.at, "a space is missing after the colon", spaced(key))
            }
            ErrorKind::MisplacedFlowCollectionEnd => self.stray_bracket(),
            ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator
            | ErrorKind::InvalidColonPlacement
            | ErrorKind::InvalidFlowScalarIndent
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::UnexpectedEofFlowSequence
            | ErrorKind::UnexpectedEofImplicitFlowMapping
            | ErrorKind::UnexpectedEof
            | ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::MismatchedFlowCollectionEnd { .. } => self.brackets(kind),
            ErrorKind::InvalidQuotedScalarHexEscape => self.escape(),
            _ => None,
        }
    }

    /// The line of a place.
    pub(super) fn line(&self, at: usize) -> Line<'a> {
        let start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let text = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        Line { start, text }
    }

    /// The lines with content before one, the nearest first.
    pub(super) fn above(&self, line: Line<'a>) -> impl Iterator<Item = Line<'a>> {
        let mut start = line.start;
        let lines = std::iter::from_fn(move || {
            let above = self.line(start.checked_sub(1)?);
            start = above.start;
            Some(above)
        });
        lines.filter(|line| !line.content().is_empty())
    }

    /// The tab that the parser means: it names a place behind the tab, or the end of the line before.
    fn tab(&self) -> Option<usize> {
        let (before, behind) = self.text.split_at_checked(self.at)?;
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        let indentation = before.get(line..).filter(|indentation| indentation.trim().is_empty());
        let within = indentation.and_then(|indentation| indentation.find('\t')).map(|tab| line + tab);
        within.or_else(|| behind.find('\t').map(|tab| self.at + tab))
    }

    /// A quote whose line does not close it.
    fn open_quote(&self) -> Option<Cause> {
        let noticed = self.line(self.at);
        let lines = std::iter::once(noticed).chain(self.above(noticed));
        let (at, quote) =
            lines.take(100).find_map(|line| opened(line).map(|(at, sign)| (line.start + at, sign)))?;
        cause(
            at,
            "a quote is opened here and not closed",
            format!("close it with `{quote}` where the text ends"),
        )
    }

    /// A text in quotes that something follows. If it began in an earlier line, its quote was not closed there.
    fn behind_quote(&self, quote: char) -> Option<Cause> {
        let before = self.text.get(..self.at)?.trim_end();
        let end = before.strip_suffix(quote).map_or(before, |before| before).len();
        let begin = opening(before.get(..end)?, quote)?;
        let (first, last) = (self.line(begin), self.line(end));
        if first.start == last.start {
            let help = match quote {
                '"' => "write `\\\"` for a quote within it, or put the whole text in single quotes",
                _ => "write `''` for a quote within it, or put the whole text in double quotes",
            };
            return cause(begin, "a text in quotes ends before the end of its value", help);
        }
        let help = format!("close it with `{quote}` where the text ends");
        cause(begin, "a quote is opened here and not closed in its line", help)
    }

    /// A backslash that is no escape.
    fn escape(&self) -> Option<Cause> {
        let text = self.text.get(self.at..)?;
        let mut signs = text.char_indices();
        let at = loop {
            if let (at, '\\') = signs.next()? {
                let (_, sign) = signs.next()?;
                if !"0abtnvfre \"/\\N_LPxuU\t\n".contains(sign) {
                    break at;
                }
                let digits = match sign {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => continue,
                };
                let is_whole = text.get(at + 2..at + 2 + digits).is_some_and(is_hexadecimal);
                if !is_whole {
                    let help = format!(
                        "write {digits} hexadecimal digits behind `\\{sign}`, or `\\\\` for a backslash"
                    );
                    return cause(self.at + at, "an escape has too few digits", help);
                }
            }
        };
        cause(
            self.at + at,
            "this backslash begins no escape of YAML",
            "write `\\\\` for a backslash, or put the text in single quotes, which have no escapes",
        )
    }

    /// A colon where no value may begin.
    fn second_colon(&self) -> Option<Cause> {
        let line = self.line(self.at);
        let before = line.text.get(..self.at - line.start)?;
        let (column, item) = line.item();
        if let Some((key, _)) =
            before.get(column..).and_then(|_| item.split_once(": ")).filter(|_| before.contains(": "))
        {
            let help = if is_key(key) {
                format!("put the value in quotes, as `{key}: \"…\"`, or the second key in a line of its own")
            } else {
                "put the value in quotes, or the second key in a line of its own".to_owned()
            };
            return cause(line.start + column, "a `: ` follows in a value that has no quotes", help);
        }
        let above = self.above(line).next()?;
        match above.pair() {
            Some((key, value)) if !value.is_empty() && line.indentation() > above.item().0 => {
                let (own, _) = line.pair()?;
                let help = format!("put `{own}` in one column with `{key}`");
                cause(
                    line.begin(),
                    format!("this line is indented deeper than `{key}` above it, and so goes on its value"),
                    help,
                )
            }
            None => self.no_key(above),
            Some(_) => None,
        }
    }

    /// A line without a key and its colon.
    fn no_key(&self, line: Line<'a>) -> Option<Cause> {
        let (column, item) = line.item();
        if item.is_empty() || item.contains(": ") || item.starts_with(['"', '\'', '&', '*', '!', '|', '>']) {
            return None;
        }
        let begins_text = |above: &Line<'_>| {
            let value = above.item().1;
            let sign = value.rsplit([':', ' ']).next()?;
            let is_sign = sign.starts_with(['|', '>'])
                && sign.chars().skip(1).all(|c| c == '-' || c == '+' || c.is_ascii_digit());
            (is_sign && above.pair().is_some()).then(|| above.item().0 + 2)
        };
        if let Some(above) = self.above(line).next()
            && let Some(least) = begins_text(&above)
            && line.indentation() < least
        {
            let help = format!("indent its lines by {least} spaces or more");
            return cause(line.begin(), "the text after `|` or `>` is indented deeper than its key", help);
        }
        let at = line.start + column;
        if item.starts_with('-') {
            return cause(at, "a space is missing after the dash", "write `- …` for each item of a list");
        }
        match item.split_once(':') {
            Some((key, value)) if is_key(key) && !value.is_empty() => {
                cause(at, "a space is missing after the colon", spaced(key))
            }
            Some(_) => None,
            None => cause(at, "this line has no colon", "write `key: value`, with a space after the colon"),
        }
    }

    /// A line whose column is that of no key above it.
    fn indentation(&self) -> Option<Cause> {
        let line = self.line(self.at);
        let own = line.indentation();
        if line.begin() != self.at && line.start + line.item().0 != self.at {
            return None;
        }
        // The keys above it that are still open, the innermost first.
        let mut open: Vec<(usize, &str)> = Vec::new();
        for above in self.above(line) {
            let (column, _) = above.item();
            let least = open.last().map_or(usize::MAX, |(column, _)| *column);
            if let Some((key, _)) = above.pair().filter(|_| column < least) {
                open.push((column, key));
            }
            if above.indentation() == 0 {
                break;
            }
        }
        if line.content().starts_with("- ") {
            let item = self.above(line).find(|above| above.content().starts_with("- "));
            if let Some(item) = item.filter(|item| item.indentation() > own) {
                let column = item.indentation() + 1;
                return cause(
                    line.begin(),
                    format!(
                        "this item begins in column {}, and the items above it in column {column}",
                        own + 1
                    ),
                    format!("begin it in column {column}"),
                );
            }
            let help =
                "the items of a list begin below their key, each with `- `, and the keys of a map without";
            return cause(line.begin(), "a list's item stands where a key is expected", help);
        }
        if open.iter().any(|(column, _)| *column == own) {
            return None;
        }
        let inner = open.iter().rev().find(|(column, _)| *column > own);
        let outer = open.iter().find(|(column, _)| *column < own);
        let beside = |(column, key): &(usize, &str)| format!("in column {} beside `{key}`", column + 1);
        let places: Vec<String> = [inner, outer].into_iter().flatten().map(beside).collect();
        if places.is_empty() {
            return None;
        }
        cause(
            line.begin(),
            format!("no key above this line begins in its column, {}", own + 1),
            format!("begin it {}", places.join(", or ")),
        )
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn spaced(key: &str) -> String {
    if is_key(key) { format!("write `{key}: …`") } else { "write `key: value`".to_owned() }
}

/// The quote that a line opens and does not close, with its place in the line.
fn opened(line: Line<'_>) -> Option<(usize, char)> {
    let mut open: Option<(usize, char)> = None;
    let mut last = ' ';
    let mut signs = line.text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match open {
            Some((_, '"')) if sign == '\\' => {
                signs.next();
            }
            Some((_, quote)) if quote == sign => open = None,
            Some(_) => {}
            None if sign == '#' && last == ' ' => break,
            None if matches!(sign, '"' | '\'') && (last == ' ' || "[{,".contains(last)) => {
                open = Some((at, sign))
            }
            None => {}
        }
        last = sign;
    }
    open
}

/// Where the quoted text begins that ends behind `before`: the last quote in it that is no part of a text.
fn opening(before: &str, quote: char) -> Option<usize> {
    let mut end = before.len();
    loop {
        let at = before.get(..end)?.rfind(quote)?;
        let head = before.get(..at)?;
        let escapes = head.len() - head.trim_end_matches('\\').len();
        if quote == '"' && escapes % 2 == 1 {
            end = at;
        } else if quote == '\'' && head.ends_with('\'') {
            end = at - 1;
        } else {
            return Some(at);
        }
    }
}
