//! A small YAML writer: it writes the documents of cloud-init and K3s as a person would.
//!
//! It supports the few forms that these documents need, including holes for secrets. Text is written plain if
//! every reader takes it as text, as a literal block if it has several lines, and quoted otherwise.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::secret::SecretRef;
use crate::template::{Encoding, Template, quoted};

/// The output of a document: text with holes.
pub(crate) trait Out: fmt::Write {
    /// The content of a hole.
    type Secret;

    /// Adds text.
    fn push(&mut self, text: &str);

    /// Adds a hole.
    fn hole(&mut self, secret: &Self::Secret, encoding: Encoding);
}

impl Out for Template {
    type Secret = Arc<SecretRef>;

    fn push(&mut self, text: &str) {
        Self::push(self, text);
    }

    fn hole(&mut self, secret: &Arc<SecretRef>, encoding: Encoding) {
        Self::hole(self, Arc::clone(secret), encoding);
    }
}

/// A value of a document.
pub(crate) enum Node<'a, S = Arc<SecretRef>> {
    /// Members by name, in order.
    Map(Vec<(&'a str, Node<'a, S>)>),
    /// Members, each on a line of its own.
    List(Vec<Node<'a, S>>),
    /// Texts, all on one line.
    Line(Vec<Cow<'a, str>>),
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// A value on one line, as JSON writes it, which YAML reads.
    Flow(String),
    /// A secret, in quotes.
    Hole(&'a S, Encoding),
    /// Text that contains secrets, in quotes.
    Parts(Vec<Part<'a, S>>),
}

/// A part of a text that contains secrets.
pub(crate) enum Part<'a, S = Arc<SecretRef>> {
    /// Text.
    Text(&'a str),
    /// A secret in this encoding.
    Hole(&'a S, Encoding),
}

impl<'a, S> Node<'a, S> {
    /// Text.
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Texts on one line.
    pub(crate) fn line<T: Into<Cow<'a, str>>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::Line(texts.into_iter().map(Into::into).collect())
    }

    /// Writes the value, which is a map, as a document.
    pub(crate) fn document(&self, out: &mut impl Out<Secret = S>) {
        if let Self::Map(members) = self {
            map(members, 0, out);
        }
    }

    /// Writes the value after `key:` or `-`.
    fn write(&self, indent: usize, out: &mut impl Out<Secret = S>) {
        match self {
            Self::Map(members) => {
                out.push("\n");
                map(members, indent + 1, out);
            }
            Self::List(values) => {
                out.push("\n");
                for value in values {
                    item(value, indent, out);
                }
            }
            Self::Text(text) if is_block(text) => block(text, indent, out),
            _ => {
                out.push(" ");
                self.scalar(out);
                out.push("\n");
            }
        }
    }

    fn scalar(&self, out: &mut impl Out<Secret = S>) {
        // Writing to text cannot fail.
        let _ = match self {
            Self::Line(texts) => {
                out.push("[");
                for (index, text) in texts.iter().enumerate() {
                    out.push(if index == 0 { "" } else { ", " });
                    scalar(text, out);
                }
                write!(out, "]")
            }
            Self::Text(text) => {
                scalar(text, out);
                Ok(())
            }
            Self::Number(number) => write!(out, "{number}"),
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::Flow(json) => {
                out.push(json);
                Ok(())
            }
            Self::Hole(secret, encoding) => {
                out.push("\"");
                out.hole(secret, *encoding);
                write!(out, "\"")
            }
            Self::Parts(parts) => {
                out.push("\"");
                for part in parts {
                    match part {
                        Part::Text(text) => out.push(&quoted(text)),
                        Part::Hole(secret, encoding) => out.hole(secret, *encoding),
                    }
                }
                write!(out, "\"")
            }
            Self::Map(_) | Self::List(_) => Ok(()),
        };
    }
}

fn map<S>(members: &[(&str, Node<'_, S>)], indent: usize, out: &mut impl Out<Secret = S>) {
    for (name, value) in members {
        spaces(indent, out);
        member(name, value, indent, out);
    }
}

fn member<S>(name: &str, value: &Node<'_, S>, indent: usize, out: &mut impl Out<Secret = S>) {
    scalar(name, out);
    out.push(":");
    value.write(indent, out);
}

fn item<S>(value: &Node<'_, S>, indent: usize, out: &mut impl Out<Secret = S>) {
    spaces(indent, out);
    out.push("-");
    // A map's first member is on the line of its dash.
    let Node::Map(members) = value else { return value.write(indent, out) };
    for (index, (name, value)) in members.iter().enumerate() {
        if index == 0 {
            out.push(" ");
        } else {
            spaces(indent + 1, out);
        }
        member(name, value, indent + 1, out);
    }
}

fn spaces(indent: usize, out: &mut impl Out) {
    for _ in 0..indent {
        out.push("  ");
    }
}

/// A literal block: every line unchanged, with an indentation before it.
fn block(text: &str, indent: usize, out: &mut impl Out) {
    out.push(if text.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in text.lines() {
        if !line.is_empty() {
            spaces(indent + 1, out);
        }
        out.push(line);
        out.push("\n");
    }
}

/// Whether a literal block preserves the text exactly: its first character shows the indentation, it ends
/// with at most one line break, and it has no character that YAML would refuse or fold.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.ends_with("\n\n")
        && text.chars().all(|c| matches!(c, '\n' | '\t') || is_harmless(c))
}

/// Characters that every YAML reader takes literally.
fn is_harmless(c: char) -> bool {
    matches!(c, ' '..='~') || (!c.is_ascii() && c.is_alphanumeric())
}

fn scalar(text: &str, out: &mut impl Out) {
    if is_plain(text) {
        out.push(text);
        return;
    }
    out.push("\"");
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        out.push(text);
        out.push("\"");
        return;
    }
    for c in text.chars() {
        // Writing to text cannot fail.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            c if is_harmless(c) => write!(out, "{c}"),
            c if u32::from(c) <= 0xffff => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push("\"");
}

/// Whether every reader of YAML 1.1 and 1.2 takes the unquoted text as text: it begins with a letter or a
/// slash, and is not a word for a truth value or null.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-@+".contains(&byte))
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(texts: &[String]) -> Node<'_> {
        Node::List(texts.iter().map(|text| Node::text(text.as_str())).collect())
    }

    fn document(texts: &[String]) -> String {
        let deep = Node::Map(vec![("a", list(texts)), ("b", Node::line(texts))]);
        let members =
            vec![("texts", list(texts)), ("deep", Node::List(vec![deep])), ("end", Node::Flag(true))];
        let mut out = Template::default();
        Node::Map(members).document(&mut out);
        out.to_string()
    }

    #[test]
    fn it_reads_as_a_person_would_write_it() {
        let texts = ["plain", "a: b", "two\nlines\n", "12", "no"].map(str::to_owned);
        let expected = "texts:\n- plain\n- \"a: b\"\n- |\n  two\n  lines\n- \"12\"\n- \"no\"\n\
                        deep:\n- a:\n  - plain\n  - \"a: b\"\n  - |\n    two\n    lines\n  - \"12\"\n  - \"no\"\n  \
                        b: [plain, \"a: b\", \"two\\nlines\\n\", \"12\", \"no\"]\nend: true\n";
        assert_eq!(document(&texts), expected);
    }

    proptest! {
        #[test]
        fn every_text_reads_back(
            texts in prop::collection::vec(
                prop_oneof!["[ -~]{0,12}", "[a-z :#'\"\\-\n\t]{0,24}", "\\PC{0,8}", any::<String>()],
                1..6,
            )
        ) {
            let read: serde_json::Value = serde_saphyr::from_str(&document(&texts)).unwrap();
            let list = serde_json::json!(texts);
            prop_assert_eq!(&read["texts"], &list);
            prop_assert_eq!(&read["deep"], &serde_json::json!([{"a": list, "b": list}]));
        }
    }
}
