//! What a terminal shows after a program wrote to it: the control sequences that fmc's commands use, obeyed.

/// How a character looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) bold: bool,
    pub(super) dim: bool,
    /// One of the eight colours, by its number; the terminal's own if none.
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

    /// Its parts of one style each, without spaces at the end.
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

/// The lines that are on the screen at the end, without empty ones below.
pub(super) fn shown(written: &str, columns: usize) -> Vec<Line> {
    let mut screen = Screen { columns, ..Screen::default() };
    let mut rest = written;
    while let Some(character) = rest.chars().next() {
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        match character {
            '\r' => screen.column = 0,
            '\n' => screen.row += 1,
            '\u{1b}' => rest = screen.control(rest),
            _ => screen.put(character),
        }
    }
    while screen.lines.last().is_some_and(|line| line.text().is_empty()) {
        screen.lines.pop();
    }
    screen.lines
}

#[derive(Default)]
struct Screen {
    columns: usize,
    lines: Vec<Line>,
    row: usize,
    /// As many as there are columns after the last one was written: the line is wrapped by the next character only.
    column: usize,
    style: Style,
}

impl Screen {
    fn put(&mut self, character: char) {
        if self.column >= self.columns {
            (self.row, self.column) = (self.row + 1, 0);
        }
        let (row, column) = (self.row, self.column);
        if self.lines.len() <= row {
            self.lines.resize(row + 1, Line::default());
        }
        if let Some(line) = self.lines.get_mut(row) {
            if line.cells.len() <= column {
                line.cells.resize(column + 1, (' ', Style::default()));
            }
            if let Some(cell) = line.cells.get_mut(column) {
                *cell = (character, self.style);
            }
        }
        self.column += 1;
    }

    /// Obeys a control sequence, and gives what is behind it.
    fn control<'a>(&mut self, rest: &'a str) -> &'a str {
        let Some(body) = rest.strip_prefix('[') else { return rest };
        let Some(end) = body.find(|character: char| character.is_ascii_alphabetic()) else { return "" };
        let (parameters, behind) = body.split_at(end);
        let number = |default: usize| parameters.parse().unwrap_or(default);
        match behind.chars().next() {
            Some('m') => self.paint(parameters),
            Some('A') => self.row = self.row.saturating_sub(number(1)),
            Some('B') => self.row += number(1),
            Some('G') => self.column = number(1).saturating_sub(1),
            Some('K') => {
                let from = if number(0) == 0 { self.column } else { 0 };
                if let Some(line) = self.lines.get_mut(self.row) {
                    line.cells.truncate(from);
                }
            }
            Some('J') => self.lines.truncate(self.row + 1),
            // A cursor that is hidden or shown leaves no trace.
            _ => {}
        }
        behind.get(1..).unwrap_or_default()
    }

    fn paint(&mut self, parameters: &str) {
        for parameter in parameters.split(';') {
            match parameter.parse().unwrap_or(0_u8) {
                0 => self.style = Style::default(),
                1 => self.style.bold = true,
                2 => self.style.dim = true,
                22 => (self.style.bold, self.style.dim) = (false, false),
                colour @ 30..=37 => self.style.colour = Some(colour - 30),
                39 => self.style.colour = None,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(written: &str, columns: usize) -> Vec<String> {
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
