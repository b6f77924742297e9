//! Reads the data of a record from the words of a zone file.

use std::str::FromStr;

use super::data::{RecordData, TYPES};
use super::name::RecordName;
use crate::given::{Leaf as _, LeafError};

/// The most bytes of a record's texts. A message has 65,535 at most, and carries more than one record.
const MOST_TEXT: usize = 16_384;

/// The most bytes of one text (RFC 1035 §3.3).
const MOST_IN_TEXT: usize = 255;

/// Reads a type and its data, as `MX 10 mail`.
pub(super) fn data(text: &str) -> Result<RecordData<RecordName>, LeafError> {
    let (kind, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    if !TYPES.iter().any(|(known, _)| *known == kind) {
        let known: Vec<&str> = TYPES.iter().map(|(known, _)| *known).collect();
        let upper = kind.to_ascii_uppercase();
        return Err(if known.contains(&upper.as_str()) {
            LeafError::mending(format!("write the type in upper case: {upper}"))
        } else {
            LeafError::new(format!("{kind:?} is not a known type: {}", known.join(", ")))
        });
    }
    let mut words = Words::of(rest, kind)?;
    let data = match kind {
        "A" => RecordData::A(words.value("IPv4 address")?),
        "AAAA" => RecordData::Aaaa(words.value("IPv6 address")?),
        "CAA" => RecordData::Caa {
            flags: words.value("number from 0 to 255")?,
            tag: words.tag()?,
            value: words.text("value")?,
        },
        "CNAME" => RecordData::Cname(words.name()?),
        "DNAME" => RecordData::Dname(words.name()?),
        "MX" => RecordData::Mx { preference: words.number()?, exchange: words.name()? },
        "NAPTR" => RecordData::Naptr {
            order: words.number()?,
            preference: words.number()?,
            flags: words.short_text("flags")?,
            services: words.short_text("services")?,
            regexp: words.short_text("regular expression")?,
            replacement: words.name()?,
        },
        "NS" => RecordData::Ns(words.name()?),
        "PTR" => RecordData::Ptr(words.name()?),
        "SRV" => RecordData::Srv {
            priority: words.number()?,
            weight: words.number()?,
            port: words.number()?,
            target: words.name()?,
        },
        "SSHFP" => {
            let (algorithm, hash) =
                (words.value("number from 0 to 255")?, words.value("number from 0 to 255")?);
            RecordData::Sshfp {
                algorithm,
                hash,
                fingerprint: words.hash(match hash {
                    1 => Some(20),
                    2 => Some(32),
                    _ => None,
                })?,
            }
        }
        "TLSA" => {
            let (usage, selector) =
                (words.value("number from 0 to 255")?, words.value("number from 0 to 255")?);
            let matching = words.value("number from 0 to 255")?;
            RecordData::Tlsa {
                usage,
                selector,
                matching,
                data: words.hash(match matching {
                    1 => Some(32),
                    2 => Some(64),
                    _ => None,
                })?,
            }
        }
        "TXT" => return texts(rest).map(RecordData::Txt),
        _ => RecordData::Uri {
            priority: words.number()?,
            weight: words.number()?,
            target: words.text("target")?,
        },
    };
    words.end()?;
    Ok(data)
}

/// The words of a record's data.
struct Words<'a> {
    kind: &'a str,
    words: std::vec::IntoIter<String>,
}

impl<'a> Words<'a> {
    fn of(text: &str, kind: &'a str) -> Result<Self, LeafError> {
        // A text of TXT is read whole.
        let words =
            if kind == "TXT" { Vec::new() } else { split(text)?.into_iter().map(|(word, _)| word).collect() };
        Ok(Self { kind, words: words.into_iter() })
    }

    fn next(&mut self, what: &str) -> Result<String, LeafError> {
        self.words.next().ok_or_else(|| LeafError::new(format!("its {what} is missing: {}", form(self.kind))))
    }

    /// A hash, of so many bytes if its type says so (RFC 4255, RFC 6594, RFC 6698).
    fn hash(&mut self, length: Option<usize>) -> Result<Vec<u8>, LeafError> {
        let bytes = self.bytes()?;
        match length {
            Some(length) if length != bytes.len() => Err(LeafError::new(format!(
                "its hash has {} bytes, and this type of hash has {length}: {}",
                bytes.len(),
                form(self.kind)
            ))),
            _ => Ok(bytes),
        }
    }

    fn end(&mut self) -> Result<(), LeafError> {
        match self.words.next() {
            None => Ok(()),
            Some(word) => Err(LeafError::new(format!("{word:?} is too much: {}", form(self.kind)))),
        }
    }

    fn value<T: FromStr>(&mut self, what: &str) -> Result<T, LeafError> {
        let word = self.next(what)?;
        word.parse()
            .map_err(|_| LeafError::new(format!("{word:?} is not a valid {what}: {}", form(self.kind))))
    }

    fn number(&mut self) -> Result<u16, LeafError> {
        self.value("number from 0 to 65535")
    }

    fn name(&mut self) -> Result<RecordName, LeafError> {
        let word = self.next("name")?;
        RecordName::parse(&word).map_err(|error| error.before(&format!("{word}: ")))
    }

    fn tag(&mut self) -> Result<String, LeafError> {
        let tag = self.next("tag")?;
        let is_right =
            !tag.is_empty() && tag.len() <= 15 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_right {
            return Ok(tag.to_ascii_lowercase());
        }
        Err(LeafError::new(format!("{tag:?} is not a tag: {}", form(self.kind))))
    }

    fn text(&mut self, what: &str) -> Result<String, LeafError> {
        let text = self.next(what)?;
        if text.len() > MOST_TEXT {
            return Err(too_long(text.len()));
        }
        Ok(text)
    }

    fn short_text(&mut self, what: &str) -> Result<String, LeafError> {
        let text = self.next(what)?;
        if text.len() > MOST_IN_TEXT {
            let length = text.len();
            return Err(LeafError::new(format!(
                "its {what} has {length} bytes, and {MOST_IN_TEXT} is the most"
            )));
        }
        Ok(text)
    }

    /// Hexadecimal bytes, in one word or several.
    fn bytes(&mut self) -> Result<Vec<u8>, LeafError> {
        let text: String = self.words.by_ref().collect();
        let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
        let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0);
        let byte = |pair: &[u32]| pair.iter().fold(0, |byte, digit| byte * 16 + digit);
        let bytes =
            digits.map(|digits| digits.chunks(2).filter_map(|pair| u8::try_from(byte(pair)).ok()).collect());
        bytes.ok_or_else(|| {
            let kind = self.kind;
            LeafError::new(format!("its hash is not of pairs of hexadecimal digits: {}", form(kind)))
        })
    }
}

/// An example of a type's data.
fn form(kind: &str) -> String {
    let example = match kind {
        "A" => "A 10.17.3.80",
        "AAAA" => "AAAA fd00::80",
        "CAA" => "CAA 0 issue \"ca.example\"",
        "CNAME" | "DNAME" | "NS" | "PTR" => return format!("write {kind} web, or {kind} www.example.org."),
        "MX" => "MX 10 mail",
        "NAPTR" => "NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.org!\" .",
        "SRV" => "SRV 0 100 389 ldap1 (priority, weight, port, host)",
        "SSHFP" => "SSHFP 4 2 and the hash of the key in hexadecimal digits",
        "TLSA" => "TLSA 3 1 1 and the hash of the key in hexadecimal digits",
        _ => "URI 10 1 \"https://www.example.org/\"",
    };
    format!("write {example}")
}

/// The texts of a TXT record: texts in quotation marks, or the whole as one text. A text longer than 255 bytes is split.
fn texts(text: &str) -> Result<Vec<String>, LeafError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(LeafError::mending("its text is missing: write TXT \"v=spf1 -all\""));
    }
    let whole = if text.starts_with('"') {
        let words = split(text)?;
        if let Some((word, _)) = words.iter().find(|(_, is_quoted)| !is_quoted) {
            return Err(LeafError::mending(format!("{word:?} stands outside of the quotation marks")));
        }
        words.into_iter().map(|(word, _)| word).collect()
    } else {
        check_characters(text)?;
        vec![text.to_owned()]
    };
    let length: usize = whole.iter().map(String::len).sum();
    if length > MOST_TEXT {
        return Err(too_long(length));
    }
    Ok(whole.iter().flat_map(|text| pieces(text)).collect())
}

fn too_long(length: usize) -> LeafError {
    LeafError::new(format!("its text has {length} bytes, and {MOST_TEXT} is the most"))
}

/// A text in pieces of at most 255 bytes, none of which ends inside a character.
fn pieces(mut text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    while text.len() > MOST_IN_TEXT {
        let end = (0..=MOST_IN_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        let (piece, rest) = text.split_at(end);
        pieces.push(piece.to_owned());
        text = rest;
    }
    pieces.push(text.to_owned());
    pieces
}

fn check_characters(text: &str) -> Result<(), LeafError> {
    if text.chars().any(char::is_control) {
        return Err(LeafError::new("it has a control character in it"));
    }
    Ok(())
}

/// The words of a text, each with whether it stood in quotation marks. There a backslash takes the next character as it is, and
/// `\\DDD` is a byte by its decimal number (RFC 1035 §5.1).
fn split(text: &str) -> Result<Vec<(String, bool)>, LeafError> {
    check_characters(&text.replace('\t', " "))?;
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(&first) = rest.peek() {
        if first.is_whitespace() {
            rest.next();
        } else if first == '"' {
            rest.next();
            words.push((quoted(&mut rest)?, true));
        } else {
            let mut word = String::new();
            while let Some(c) = rest.next_if(|c| !c.is_whitespace()) {
                word.push(c);
            }
            words.push((word, false));
        }
    }
    Ok(words)
}

/// A text up to its closing quotation mark.
fn quoted(rest: &mut impl Iterator<Item = char>) -> Result<String, LeafError> {
    let mut bytes = Vec::new();
    let push = |bytes: &mut Vec<u8>, c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    loop {
        match rest.next() {
            Some('"') => break,
            Some('\\') => match rest.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    let digits: String = std::iter::once(digit).chain(rest.by_ref().take(2)).collect();
                    let byte = digits.parse().ok().filter(|_| digits.len() == 3);
                    bytes.push(byte.ok_or_else(|| {
                        LeafError::new(format!("\\{digits} is not a byte: three digits from 000 to 255 stand behind the backslash"))
                    })?);
                }
                c => c.into_iter().for_each(|c| push(&mut bytes, c)),
            },
            Some(c) => push(&mut bytes, c),
            None => return Err(LeafError::mending("a quotation mark is not closed: end the text with \"")),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| LeafError::new("its text is not in UTF-8"))?;
    check_characters(&text)?;
    Ok(text)
}
