//! Writing XML: elements are closures, so that each one is closed; the order of the lines is the order of the
//! elements.

use std::fmt::{self, Display, Write as _};

/// Writes one document, indented by two spaces, with attributes in single quotes as libvirt writes them.
///
/// ```
/// use fmc_libvirt::xml::Writer;
///
/// let xml = Writer::document("disk", |w| {
///     w.attr("type", "file");
///     w.el("source", |w| w.attr("file", "/srv/it's.raw"));
///     w.leaf("serial", "data");
/// });
/// assert_eq!(
///     xml,
///     "<disk type='file'>\n  <source file='/srv/it&apos;s.raw'/>\n  <serial>data</serial>\n</disk>\n"
/// );
/// ```
#[derive(Debug)]
pub struct Writer {
    text: String,
    depth: usize,
    inside: Inside,
    /// The position for the value of the seal.
    seal: Option<usize>,
}

/// The writer's position in the innermost element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// In its start tag: attributes may follow.
    Tag,
    /// After text.
    Text,
    /// After a child, or before the document.
    Children,
}

impl Writer {
    /// A document with a root element of this name and the content that `inside` writes.
    pub fn document(name: &str, inside: impl FnOnce(&mut Self)) -> String {
        Self::sealed(name, inside, |_| String::new())
    }

    /// Like [`document`](Self::document), with a value for its [`seal`](Self::seal) that is computed from the
    /// whole document with an empty seal.
    pub(crate) fn sealed(
        name: &str,
        inside: impl FnOnce(&mut Self),
        value: impl FnOnce(&str) -> String,
    ) -> String {
        // Most of our documents are a little shorter, so they grow without a copy.
        let mut writer =
            Self { text: String::with_capacity(4096), depth: 0, inside: Inside::Children, seal: None };
        writer.el(name, inside);
        if let Some(at) = writer.seal {
            let value = value(&writer.text);
            writer.text.insert_str(at, &value);
        }
        writer.text
    }

    /// An attribute whose value is computed from the whole document: see [`sealed`](Self::sealed). The value
    /// needs no escaping.
    pub(crate) fn seal(&mut self, name: &str) {
        self.attr(name, "");
        self.seal = self.text.len().checked_sub(1);
    }

    /// An element with the content that `inside` writes.
    pub fn el(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        if self.inside == Inside::Tag {
            self.text.push_str(">\n");
        }
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        self.inside = Inside::Tag;
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        match self.inside {
            Inside::Tag => self.text.push_str("/>\n"),
            Inside::Text => self.close(name),
            Inside::Children => {
                self.indent();
                self.close(name);
            }
        }
        self.inside = Inside::Children;
    }

    /// An empty element.
    pub fn empty(&mut self, name: &str) {
        self.el(name, |_| ());
    }

    /// An element that contains only text.
    pub fn leaf(&mut self, name: &str, value: impl Display) {
        self.el(name, |w| w.text(value));
    }

    /// An attribute of the element whose start tag is being written; call it before its text and children.
    pub fn attr(&mut self, name: &str, value: impl Display) {
        debug_assert_eq!(self.inside, Inside::Tag, "the attribute {name} comes after the start tag");
        self.text.push(' ');
        self.text.push_str(name);
        self.text.push_str("='");
        self.escaped(value);
        self.text.push('\'');
    }

    /// The text of the element, which cannot have children then.
    pub fn text(&mut self, value: impl Display) {
        debug_assert_ne!(self.inside, Inside::Children, "text beside children");
        if self.inside == Inside::Tag {
            self.text.push('>');
        }
        self.escaped(value);
        self.inside = Inside::Text;
    }

    fn escaped(&mut self, value: impl Display) {
        // Writing to a `String` cannot fail; only a failing `Display` could, and ours do not fail.
        let _ = write!(Escaped(&mut self.text), "{value}");
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push_str(">\n");
    }
}

struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'&' | b'<' | b'>' | b'\'' | b'"')) {
            self.0.push_str(text);
            return Ok(());
        }
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '\'' => self.0.push_str("&apos;"),
                '"' => self.0.push_str("&quot;"),
                // A parser would turn these characters into spaces in an attribute.
                '\t' | '\n' | '\r' => write!(self.0, "&#{};", u32::from(character))?,
                // XML 1.0 cannot express these characters.
                '\0'..' ' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                character => self.0.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(attribute: String, text in "\\PC*") {
            let xml = Writer::document("a", |w| {
                w.attr("b", &attribute);
                w.leaf("c", &text);
                w.el("d", |w| w.empty("e"));
            });
            let tree = roxmltree::Document::parse(&xml).unwrap();
            let kept = |text: &str| {
                text.replace(|c: char| (c < ' ' && !"\t\n\r".contains(c)) || matches!(c, '\u{fffe}' | '\u{ffff}'), "\u{fffd}")
            };
            assert_eq!(tree.root_element().attribute("b"), Some(kept(&attribute).as_str()));
            let c = tree.root_element().first_element_child().unwrap();
            assert_eq!(c.text().unwrap_or_default(), kept(&text));
            assert_eq!(c.next_sibling_element().unwrap().first_element_child().unwrap().tag_name().name(), "e");
        }
    }
}
