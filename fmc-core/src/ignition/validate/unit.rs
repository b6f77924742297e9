//! The grammar of unit files, as Ignition's parser has it (go-systemd).

/// The sections of a unit file that have an option, or why it is not one.
pub(super) fn sections(text: &str) -> Result<Vec<String>, String> {
    let mut lexer = Lexer { text, at: 0, filled: 0 };
    let mut found = Vec::new();
    let mut section: Option<String> = None;
    loop {
        lexer.step()?;
        let Some(next) = lexer.next() else { return Ok(found) };
        match (next, &section) {
            ('[', _) => section = Some(lexer.section()?),
            ('#' | ';', _) => {
                lexer.step()?;
                while lexer.line().strip_suffix('\\').is_some() {}
            }
            (_, None) => {}
            (space, Some(_)) if space.is_whitespace() => {}
            (first, Some(name)) => {
                let name = name.clone();
                lexer.option(first)?;
                found.push(name);
            }
        }
    }
}

/// The bytes that the parser holds at once, and the most of a line.
const BUFFER: usize = 4096;
const LINE: usize = 2048;

/// A text that is read through a buffer: a line that is too long is one only where the parser has so much of it before it.
struct Lexer<'t> {
    text: &'t str,
    /// The number of bytes that were taken, and the end of the buffer.
    at: usize,
    filled: usize,
}

impl<'t> Lexer<'t> {
    /// Before each part: what lies in the buffer is not a line that systemd would cut.
    fn step(&self) -> Result<(), String> {
        let held = self.text.as_bytes().get(self.at..self.filled).unwrap_or_default();
        let is_long =
            held.get(..LINE).is_some_and(|line| !line.iter().any(|byte| matches!(byte, b'\r' | b'\n')));
        if is_long { Err(format!("line too long (max {LINE} bytes)")) } else { Ok(()) }
    }

    fn fill(&mut self) {
        self.filled = self.text.len().min(self.at + BUFFER);
    }

    fn left(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.left().chars().next()?;
        if self.at + next.len_utf8() > self.filled {
            self.fill();
        }
        self.at += next.len_utf8();
        Some(next)
    }

    /// The text up to a byte, without it, and whether the byte came.
    fn until(&mut self, end: u8) -> (&'t str, bool) {
        let left = self.left();
        let found = left.bytes().position(|byte| byte == end);
        let taken = found.map_or(left.len(), |found| found + 1);
        let end = self.at + taken;
        while self.filled < end {
            // A full buffer is taken as a whole.
            if self.filled >= self.at + BUFFER {
                self.at = self.filled;
            }
            self.fill();
        }
        self.at = end;
        (left.get(..found.unwrap_or(left.len())).unwrap_or_default(), found.is_some())
    }

    /// The rest of a line.
    fn line(&mut self) -> &'t str {
        let (line, _) = self.until(b'\n');
        line.strip_suffix(' ').unwrap_or(line)
    }

    /// The name of a section, behind its bracket.
    fn section(&mut self) -> Result<String, String> {
        self.step()?;
        let (name, is_whole) = self.until(b']');
        if !is_whole {
            return Err("unable to find end of section".to_owned());
        }
        self.step()?;
        let (rest, _) = self.until(b'\n');
        if !rest.trim().is_empty() {
            return Err(format!("found garbage after section name : {:?}", rest.trim()));
        }
        Ok(name.to_owned())
    }

    /// An option, behind the first letter of its name.
    fn option(&mut self, first: char) -> Result<(), String> {
        self.at -= first.len_utf8();
        self.step()?;
        loop {
            match self.next() {
                Some('=') => break,
                Some('\n' | '\r') => {
                    return Err("unexpected newline encountered while parsing option name".to_owned());
                }
                Some(_) => {}
                None => return Err("EOF".to_owned()),
            }
        }
        loop {
            self.step()?;
            let (value, _) = self.until(b'\n');
            if value.trim().is_empty() || !value.ends_with('\\') {
                return Ok(());
            }
        }
    }
}
