//! Mistakes with brackets: one that closes nothing, one that nothing closes, and a missing comma.

use granit_parser::ErrorKind;

use super::refused::{Cause, Looking, cause, is_key};

impl Looking<'_> {
    /// A closing bracket without an opening one.
    pub(super) fn stray_bracket(&self) -> Option<Cause> {
        let line = self.line(self.at);
        let (column, item) = line.item();
        let bracket = item.find(['{', '['])?;
        let key = item.get(..bracket)?.trim_end();
        if key.contains(':') || line.start + column + bracket > self.at {
            return cause(self.at, "this bracket closes nothing", "leave it out, or open it before");
        }
        let help = match item.get(bracket..)?.starts_with('{') {
            _ if !is_key(key) => "write `key: value`, with a space after the colon".to_owned(),
            true => format!("write `{key}: {{…}}`"),
            false => format!("write `{key}: […]`"),
        };
        cause(line.start + column, "a colon is missing before the bracket", help)
    }

    /// A bracket that is not closed, or a missing comma between brackets.
    pub(super) fn brackets(&self, kind: &ErrorKind) -> Option<Cause> {
        if let ErrorKind::MismatchedFlowCollectionEnd { open, close } = kind {
            let end = closing(*open);
            return cause(
                self.at,
                format!("`{open}` is closed by `{close}`"),
                format!("close it with `{end}`"),
            );
        }
        let (at, open) = match kind {
            ErrorKind::UnclosedFlowCollection { open } => (self.at, *open),
            _ => self.open_bracket()?,
        };
        let (line, first) = (self.line(self.at), self.line(at));
        let is_end = self.text.get(self.at..).is_none_or(|rest| rest.trim().is_empty());
        let is_unclosed = matches!(kind, ErrorKind::UnclosedFlowCollection { .. }) || is_end;
        let is_below = first.start < line.start;
        // A line further down that looks like one outside of the brackets, which nothing closes behind it.
        let goes_on = is_below && line.pair().is_some_and(|(_, value)| !value.ends_with(','));
        if is_unclosed || (goes_on && !self.closes_later()) {
            let end = closing(open);
            return cause(
                at,
                format!("`{open}` is opened here and not closed"),
                format!("close it with `{end}`"),
            );
        }
        let above = self.above(line).next().filter(|above| is_below && above.start >= first.start);
        match self.text.get(self.at..)?.chars().next()? {
            _ if let Some(above) =
                above.filter(|above| goes_on && !above.content().ends_with([',', '{', '['])) =>
            {
                cause(
                    above.start + above.text.trim_end().len(),
                    "a comma is missing behind this line",
                    "end each line between the brackets with a comma",
                )
            }
            ',' => cause(self.at, "a comma stands where a value is expected", "leave one of the commas out"),
            ':' => cause(
                self.at,
                "a `: ` follows in a value that has no quotes",
                "put the value in quotes, or a comma before the second key",
            ),
            _ => cause(
                self.at,
                "a comma is missing before this",
                "write a comma between two members, and close each bracket",
            ),
        }
    }

    /// Whether a bracket closes behind this place that nothing opens there.
    fn closes_later(&self) -> bool {
        let mut open = 0_usize;
        for sign in self.text.get(self.at..).unwrap_or_default().chars() {
            match sign {
                '{' | '[' => open += 1,
                '}' | ']' if open == 0 => return true,
                '}' | ']' => open -= 1,
                _ => {}
            }
        }
        false
    }

    /// The innermost bracket that is open where the parser noticed the mistake.
    fn open_bracket(&self) -> Option<(usize, char)> {
        let mut open: Vec<(usize, char)> = Vec::new();
        let mut quote = None;
        let mut last = '\n';
        let mut signs = self.text.get(..self.at)?.char_indices();
        while let Some((at, sign)) = signs.next() {
            match (quote, sign) {
                (Some('"'), '\\') => {
                    signs.next();
                }
                (Some(end), sign) if end == sign => quote = None,
                (Some(_), _) => {}
                (None, '#') if last.is_whitespace() => {
                    signs.by_ref().find(|(_, sign)| *sign == '\n');
                    last = '\n';
                    continue;
                }
                (None, '"' | '\'') if last.is_whitespace() || "[{,".contains(last) => quote = Some(sign),
                (None, '{' | '[') if !open.is_empty() || last.is_whitespace() => open.push((at, sign)),
                (None, '}' | ']') => {
                    open.pop();
                }
                (None, _) => {}
            }
            last = sign;
        }
        open.pop()
    }
}

fn closing(open: char) -> char {
    if open == '{' { '}' } else { ']' }
}
