//! The content of a terminal's screen after a program wrote to it.

use std::num::NonZero;

/// How a character looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) bold: bool,
    pub(super) dim: bool,
    /// One of the eight colours, by its number; `None` is the terminal's own.
    pub(super) colour: Option<u8>,
}

/// A line of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    cells: Vec<(char, Style)>,
}

impl Line {
    pub(super) fn bold(text: &str) -> Self {
        let style = Style { bold: true, ..Style::default() };
        Self { cells: text.chars().map(|character| (character, style)).collect() }
    }

    /// Its text, without spaces at the end.
    pub(super) fn text(&self) -> String {
        let text: String = self.cells.iter().map(|(character, _)| character).collect();
        text.trim_end().to_owned()
    }

    /// Its parts, each of one style, without spaces at the end.
    pub(super) fn runs(&self) -> Vec<(String, Style)> {
        let mut runs: Vec<(String, Style)> = Vec::new();
        for (character, style) in self.cells.iter().take(self.text().chars().count()) {
            match runs.last_mut() {
                Some((text, last)) if last == style => text.push(*character),
                _ => runs.push((character.to_string(), *style)),
            }
        }
        runs
    }
}

/// More lines than any command of the session writes, because lines that scroll off the screen are not drawn.
const ROWS: NonZero<u16> = NonZero::<u16>::MIN.saturating_add(999);

/// The lines on the screen at the end, without the empty ones below.
pub(super) fn shown(written: &str, columns: u16) -> Vec<Line> {
    let mut terminal = vt100::Parser::new(ROWS, NonZero::new(columns).unwrap_or(NonZero::<u16>::MIN), 0);
    terminal.process(written.as_bytes());
    let screen = terminal.screen();
    let mut lines: Vec<Line> = (0..ROWS.get()).map(|row| line(screen, row, columns)).collect();
    while lines.last().is_some_and(|line| line.text().is_empty()) {
        lines.pop();
    }
    lines
}

fn line(screen: &vt100::Screen, row: u16, columns: u16) -> Line {
    let mut cells = Vec::new();
    for cell in (0..columns).filter_map(|column| screen.cell(row, column)) {
        let colour = match cell.fgcolor() {
            vt100::Color::Idx(colour @ 0..=7) => Some(colour),
            _ => None,
        };
        let style = Style { bold: cell.bold(), dim: cell.dim(), colour };
        // An unused cell and the second half of a wide character have no text.
        let text = if cell.has_contents() { cell.contents() } else { " " };
        cells.extend(text.chars().map(|character| (character, style)));
    }
    Line { cells }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(written: &str, columns: u16) -> Vec<String> {
        shown(written, columns).iter().map(Line::text).collect()
    }

    #[test]
    fn lines_are_wrapped_and_written_over() {
        assert_eq!(texts("abcdef\r\n", 4), ["abcd", "ef"]);
        assert_eq!(texts("abcd\r\nef", 4), ["abcd", "ef"]);
        assert_eq!(texts("one\rtwo  \r\n\r\n", 80), ["two"]);
        assert_eq!(texts("bar\r\u{1b}[2Kdone\r\n", 80), ["done"]);
        assert_eq!(texts("a\r\nb\u{1b}[1A\r\u{1b}[2K\u{1b}[1B\r\u{1b}[2K\u{1b}[1Ac", 80), ["c"]);
        assert_eq!(texts("\u{1b}[?25lx\u{1b}[?25h", 80), ["x"]);
    }

    #[test]
    fn colours_are_kept_with_their_characters() {
        let lines = shown("\u{1b}[1m\u{1b}[31mno\u{1b}[0m, yes  ", 80);
        let red = Style { bold: true, dim: false, colour: Some(1) };
        assert_eq!(
            lines.first().map(Line::runs),
            Some(vec![("no".to_owned(), red), (", yes".to_owned(), Style::default())])
        );
    }
}
