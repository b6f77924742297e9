//! JSON (RFC 8259) as a tree.

use std::borrow::Cow;

use super::mistake::Mistake;
use super::tree::{DEEPEST, MOST_VALUES, Member, Members, Node, Span, Value};

const NO_COMMENTS: &str = "JSON has no comments; YAML and TOML have";
const NO_LAST_COMMA: &str = "leave the comma before it out";

/// Reads a text. Duplicate keys are mistakes, and the first is kept.
pub(super) fn read<'a>(text: &'a str, mistakes: &mut Vec<Mistake>) -> Result<Node<'a>, Mistake> {
    let mut reader = Reader { text, at: 0, values: 0, mistakes };
    reader.space();
    let node = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.wrong("the text goes on after its value").help("a file is one cloud"));
    }
    Ok(node)
}

struct Reader<'a, 'm> {
    text: &'a str,
    at: usize,
    values: usize,
    mistakes: &'m mut Vec<Mistake>,
}

impl<'a> Reader<'a, '_> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == Some(byte);
        self.at += usize::from(takes);
        takes
    }

    /// A mistake at the character that comes next.
    fn wrong(&self, message: &str) -> Mistake {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        Mistake::at(Span::new(self.at..self.at + length), message)
    }

    fn unexpected(&self, wanted: &str) -> Mistake {
        match self.rest().chars().next() {
            None => self.wrong(&format!("the text ends where {wanted} is expected")),
            Some(found) if found.is_control() => {
                self.wrong(&format!("a control character stands where {wanted} is expected"))
            }
            Some(found) => self.wrong(&format!("`{found}` stands where {wanted} is expected")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, Mistake> {
        self.values += 1;
        if depth > DEEPEST {
            return Err(self.wrong(&format!("values nest deeper than {DEEPEST} levels")));
        }
        if self.values > MOST_VALUES {
            return Err(self.wrong(&format!("the text has more than {MOST_VALUES} values")));
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node::new(start..self.at, value))
    }

    fn word(&mut self) -> Result<Value<'a>, Mistake> {
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in words {
            let follows = self.rest().strip_prefix(word);
            if follows.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric())) {
                self.at += word.len();
                return Ok(value);
            }
        }
        let wrong = self.unexpected("a value");
        Err(match self.peek() {
            Some(b'\'') => wrong.help("write a text in double quotes"),
            Some(b'/' | b'#') => wrong.help(NO_COMMENTS),
            Some(b']') => wrong.help(NO_LAST_COMMA),
            _ => wrong,
        })
    }

    fn map(&mut self, depth: usize) -> Result<Value<'a>, Mistake> {
        self.at += 1;
        let mut members = Vec::new();
        self.space();
        if !self.takes(b'}') {
            loop {
                self.space();
                if self.peek() != Some(b'"') {
                    let wrong = self.unexpected("a key in double quotes");
                    return Err(match self.peek() {
                        Some(b'/' | b'#') => wrong.help(NO_COMMENTS),
                        Some(b'}') => wrong.help(NO_LAST_COMMA),
                        _ => wrong,
                    });
                }
                let start = self.at;
                let key = self.string()?;
                let span = Span::new(start..self.at);
                self.space();
                if !self.takes(b':') {
                    return Err(self.unexpected("`:`"));
                }
                self.space();
                members.push(Member { key, span, node: self.value(depth + 1)? });
                self.space();
                if self.takes(b'}') {
                    break;
                }
                if !self.takes(b',') {
                    return Err(self.unexpected("`,` or `}`"));
                }
            }
        }
        Ok(Value::Map(Members::new(members, self.mistakes)))
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, Mistake> {
        self.at += 1;
        let mut values = Vec::new();
        self.space();
        if !self.takes(b']') {
            loop {
                self.space();
                values.push(self.value(depth + 1)?);
                self.space();
                if self.takes(b']') {
                    break;
                }
                if !self.takes(b',') {
                    return Err(self.unexpected("`,` or `]`"));
                }
            }
        }
        Ok(Value::List(values))
    }

    fn digits(&mut self) -> Result<(), Mistake> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        if count == 0 { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Value<'a>, Mistake> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        } else if self.peek().is_some_and(|next| next.is_ascii_digit()) {
            return Err(self.wrong("a number begins with 0").help("write a text in double quotes"));
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value::Number(Cow::Borrowed(self.text.get(start..self.at).unwrap_or_default())))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Mistake> {
        let open = self.at;
        self.at += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let Some(end) = rest.find(|c: char| c == '"' || c == '\\' || c < ' ') else {
                let quote = Span::new(open..open + 1);
                return Err(Mistake::at(quote, "a text is not closed").help("close it with a double quote"));
            };
            text += rest.get(..end).unwrap_or_default();
            self.at += end;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.to_mut().push(self.escape()?),
                _ => {
                    return Err(self
                        .wrong("a text has a control character")
                        .help("write a line break as \\n"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Mistake> {
        let start = self.at;
        let refused = |end: usize| {
            Mistake::at(Span::new(start..end), "this is not an escape of JSON")
                .help("write a backslash as \\\\")
        };
        let letter = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex().ok_or_else(|| refused(start + 2))?;
                let code = if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    let second = self.hex().filter(|second| (0xdc00..0xe000).contains(second));
                    0x1_0000 + ((first - 0xd800) << 10) + (second.ok_or_else(|| refused(start + 6))? - 0xdc00)
                } else {
                    first
                };
                char::from_u32(code).ok_or_else(|| refused(start + 6))?
            }
            // The byte may be the first of several.
            _ => return Err(refused(start + 1)),
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}
