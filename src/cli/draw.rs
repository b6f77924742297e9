//! Findings drawn beside their lines of the cloud's file.

use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    Severity, SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use crate::file::Lines;

/// The greatest width of a drawing.
const WIDTH: usize = 100;

/// A text whose lines are shown.
pub(super) struct Excerpt<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) lines: &'a Lines<'a>,
    /// The width of the terminal, if there is one.
    pub(super) width: Option<usize>,
}

/// A finding as miette draws it.
struct Drawn<'a> {
    excerpt: &'a Excerpt<'a>,
    code: Option<&'a str>,
    error: bool,
    message: &'a str,
    help: &'a str,
    labels: &'a [(Range<usize>, String)],
}

impl Excerpt<'_> {
    /// Draws a finding: its code, severity, message, help and places.
    pub(super) fn draw(
        &self,
        code: Option<&str>,
        error: bool,
        message: &str,
        help: &str,
        labels: &[(Range<usize>, String)],
        colour: bool,
    ) -> Option<String> {
        let styles = if colour { ThemeStyles::ansi() } else { ThemeStyles::none() };
        let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(self.width.unwrap_or(WIDTH).min(WIDTH))
            .with_links(false)
            .with_context_lines(1);
        let drawn = Drawn { excerpt: self, code, error, message, help, labels };
        let mut text = String::new();
        handler.render_report(&mut text, &drawn).ok()?;
        text.push('\n');
        Some(text)
    }
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drawn").field("message", &self.message).finish_non_exhaustive()
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display + 'a>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.error { Severity::Error } else { Severity::Warning })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(self.help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |(range, text): &(Range<usize>, String)| {
            let text = (!text.is_empty()).then(|| text.clone());
            LabeledSpan::new(text, range.start, range.len())
        };
        Some(Box::new(self.labels.iter().map(label)))
    }
}

/// Uses an index of lines, so that the file is not scanned again for each finding.
impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (first, column) = self.lines.place(span.offset());
        let (last, _) = self.lines.place(span.offset() + span.len().saturating_sub(1));
        let from = first.saturating_sub(before).max(1);
        let lines = self.lines.range(from, last + after);
        let data = self.text.get(lines.clone()).ok_or(MietteError::OutOfBounds)?;
        let start = if before == 0 { column - 1 } else { 0 };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_owned(),
            data.as_bytes(),
            SourceSpan::new(lines.start.into(), lines.len()),
            from - 1,
            start,
            data.lines().count(),
        )))
    }
}
