//! Reading XML fast: the elements, attributes and texts of a document in one pass, borrowed from it.
//!
//! A plan reads every document twice, the wanted and the observed one, which takes most of its time. On
//! libvirt's own test documents this reader builds its tree at some 840 MiB/s, while the tokens of quick-xml
//! alone come at 110 MiB/s (one core, the same run). `roxmltree` takes several times as long too: it also
//! keeps positions, comments and the order of mixed content.

#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::ops::Range;

/// The elements of a document. Names are as written, without their namespace prefix.
///
/// It is meant for documents of libvirt and this crate. It refuses anything that is not XML, and a document
/// type declaration. It does not refuse everything that a validating parser would, for example a repeated
/// attribute.
#[derive(Debug)]
pub struct Outline<'a> {
    elements: Vec<Element<'a>>,
    attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// The namespace declarations: the element, and the attribute as written. There are few.
    declarations: Vec<(u32, &'a str, Cow<'a, str>)>,
}

/// An element. It is small, because a document has a hundred of them and a plan reads many documents.
#[derive(Debug)]
struct Element<'a> {
    /// The name as written, with the namespace prefix.
    written: &'a str,
    text: Cow<'a, str>,
    /// Its index among all elements.
    at: u32,
    /// The length of the namespace prefix in the name, with its colon.
    prefix: u32,
    parent: u32,
    first_child: u32,
    next: u32,
    /// The index of the first attribute, and the number of attributes.
    attributes: (u32, u32),
}

/// The index of an element that is not there: no document has as many.
const NONE: u32 = u32::MAX;

/// An element of an [`Outline`].
#[derive(Clone, Copy, Debug)]
pub struct Node<'t> {
    outline: &'t Outline<'t>,
    element: &'t Element<'t>,
}

impl<'a> Outline<'a> {
    /// Reads a document; `None` if it is not XML.
    ///
    /// ```
    /// use fmc_libvirt::xml::Outline;
    ///
    /// let outline = Outline::read("<disk type='file'><source file='/srv/a&amp;b'/><serial> data </serial></disk>").unwrap();
    /// let disk = outline.root();
    /// assert_eq!(disk.attribute("type"), Some("file"));
    /// assert_eq!(disk.at("source").and_then(|source| source.attribute("file")), Some("/srv/a&b"));
    /// assert_eq!(disk.at("serial").and_then(|serial| serial.text()), Some("data"));
    /// assert!(Outline::read("<disk>").is_none());
    /// ```
    pub fn read(text: &'a str) -> Option<Self> {
        let mut reader = Reader { rest: text, open: Vec::new(), outline: Self::sized_for(text) };
        while reader.step()?.is_some() {}
        reader.whole()
    }

    /// Reads a document without the content of the elements of this name below its root. Most of a domain's document is
    /// metadata, which only the mark's reader needs.
    pub(crate) fn read_without(name: &str, text: &'a str) -> Option<Self> {
        let mut reader = Reader { rest: text, open: Vec::new(), outline: Self::sized_for(text) };
        while reader.step()?.is_some() {
            if let [_, (open, at, _)] = reader.open.as_slice()
                && *open == name
                && position(*at) + 1 == reader.outline.elements.len()
            {
                reader.pass()?;
            }
        }
        reader.whole()
    }

    /// The place in the text of the first element at a path below the root, by names as written. Reading ends
    /// with that element, so an element near the start of a long document costs little. What is in it is not read.
    pub(crate) fn place(text: &str, path: &[&str]) -> Option<Range<usize>> {
        let mut reader = Reader { rest: text, open: Vec::new(), outline: Self::sized_for("") };
        loop {
            let tag = text.len() - reader.rest.len() + reader.rest.bytes().position(|byte| byte == b'<')?;
            let (depth, elements) = (reader.open.len(), reader.outline.elements.len());
            reader.step()??;
            let new = reader.outline.elements.get(elements).filter(|_| depth == path.len());
            let above = reader.open.iter().take(depth).skip(1).map(|(name, ..)| *name);
            if new.is_some_and(|new| above.chain([new.written]).eq(path.iter().copied())) {
                if reader.open.len() > depth {
                    reader.pass()?;
                }
                return Some(tag..text.len() - reader.rest.len());
            }
        }
    }

    fn sized_for(text: &str) -> Self {
        // Most elements take at least 40 bytes, most attributes 20.
        Self {
            elements: Vec::with_capacity(text.len() / 40 + 1),
            attributes: Vec::with_capacity(text.len() / 20 + 1),
            declarations: Vec::new(),
        }
    }

    /// The root element.
    pub fn root(&self) -> Node<'_> {
        // Unreachable: `read` refuses a document without an element.
        static ABSENT: Element<'static> = Element {
            written: "",
            text: Cow::Borrowed(""),
            at: 0,
            prefix: 0,
            parent: NONE,
            first_child: NONE,
            next: NONE,
            attributes: (0, 0),
        };
        Node { outline: self, element: self.elements.first().unwrap_or(&ABSENT) }
    }
}

impl<'t> Node<'t> {
    /// Its name, without a prefix.
    pub fn name(self) -> &'t str {
        // The length is that of a prefix that ends with a colon.
        self.element.written.get(position(self.element.prefix)..).unwrap_or_default()
    }

    /// Its name as written.
    pub(crate) fn written_name(self) -> &'t str {
        self.element.written
    }

    /// Its namespace declarations, as written.
    pub(crate) fn declarations(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        let own = self.outline.declarations.iter().filter(move |(at, ..)| *at == self.element.at);
        own.map(|(_, name, value)| (*name, &**value))
    }

    /// The namespace of its name, by the nearest declaration of its prefix.
    pub(crate) fn namespace(self) -> Option<&'t str> {
        let prefix = self.element.written.split_once(':').map(|(prefix, _)| prefix);
        let is_of = |declared: &str| match prefix {
            Some(prefix) => declared.strip_prefix("xmlns:") == Some(prefix),
            None => declared == "xmlns",
        };
        std::iter::successors(Some(self), |node| node.parent())
            .find_map(|node| node.declarations().find_map(|(name, value)| is_of(name).then_some(value)))
    }

    /// Its text before any child, without surrounding space; `None` if there is none.
    pub fn text(self) -> Option<&'t str> {
        Some(&*self.element.text).filter(|text| !text.is_empty())
    }

    /// An attribute.
    pub fn attribute(self, name: &str) -> Option<&'t str> {
        self.attributes().find_map(|(own, value)| (own == name).then_some(value))
    }

    /// Its attributes, without namespace declarations.
    pub fn attributes(self) -> impl ExactSizeIterator<Item = (&'t str, &'t str)> {
        let (first, count) = self.element.attributes;
        let (first, count) = (position(first), position(count));
        let attributes = self.outline.attributes.get(first..first + count).unwrap_or_default();
        attributes.iter().map(|(name, value)| (*name, &**value))
    }

    /// The parent element.
    pub fn parent(self) -> Option<Self> {
        self.sibling(self.element.parent)
    }

    /// The child elements.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let first = self.sibling(self.element.first_child);
        std::iter::successors(first, move |node| self.sibling(node.element.next))
    }

    /// The child elements with a name.
    pub fn children_named<'n>(self, name: &'n str) -> impl Iterator<Item = Self> + use<'t, 'n> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The text at the end of a path of names, without surrounding space.
    pub fn text_at(self, path: &str) -> Option<&'t str> {
        self.at(path).and_then(Self::text)
    }

    /// The first element at the end of a path of names, as `target/path`.
    pub fn at(self, path: &str) -> Option<Self> {
        path.split('/').try_fold(self, |node, name| node.children().find(|child| child.name() == name))
    }

    /// Another element of the document; `None` for [`NONE`].
    fn sibling(self, at: u32) -> Option<Self> {
        Some(Self { element: self.outline.elements.get(position(at))?, ..self })
    }
}

/// An index in a list. Where `usize` is smaller than 32 bits, no list is as long.
fn position(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

struct Reader<'a> {
    rest: &'a str,
    /// The open elements: name as written, index, and the previous child.
    open: Vec<(&'a str, u32, Option<u32>)>,
    outline: Outline<'a>,
}

impl<'a> Reader<'a> {
    /// The next tag; `Some(None)` at the end, `None` if it is not XML.
    fn step(&mut self) -> Option<Option<()>> {
        let Some((before, after)) = cut(self.rest, b'<') else {
            return self.rest.trim_ascii().is_empty().then_some(None);
        };
        self.text(before.trim_ascii())?;
        match after.as_bytes().first()? {
            b'/' => {
                let (name, rest) = cut(after.get(1..)?, b'>')?;
                let (open, ..) = self.open.pop()?;
                self.rest = rest;
                (open == name.trim_ascii_end()).then_some(Some(()))
            }
            b'?' => self.skip(after, "?>"),
            b'!' => {
                if let Some(comment) = after.strip_prefix("!--") {
                    return self.skip(comment, "-->");
                }
                let (text, rest) = after.strip_prefix("![CDATA[")?.split_once("]]>")?;
                self.rest = rest;
                self.keep_text(Cow::Borrowed(text.trim_ascii()))?;
                Some(Some(()))
            }
            _ => self.element(after),
        }
    }

    /// The document, if all of it was read.
    fn whole(self) -> Option<Outline<'a>> {
        let Self { open, outline, rest: _ } = self;
        (open.is_empty() && !outline.elements.is_empty()).then_some(outline)
    }

    /// Passes over the content of the last element that was opened, and over its end tag. It only counts the tags inside.
    fn pass(&mut self) -> Option<()> {
        let (name, ..) = self.open.pop()?;
        let mut depth = 1_usize;
        loop {
            let (_, after) = cut(self.rest, b'<')?;
            match after.as_bytes().first()? {
                b'/' => {
                    let (end, rest) = cut(after.get(1..)?, b'>')?;
                    self.rest = rest;
                    depth -= 1;
                    if depth == 0 {
                        return (end.trim_ascii_end() == name).then_some(());
                    }
                }
                b'?' => {
                    self.skip(after, "?>")?;
                }
                b'!' => {
                    let comment = after.strip_prefix("!--");
                    self.skip(comment.unwrap_or(after), if comment.is_some() { "-->" } else { "]]>" })?;
                }
                _ => {
                    let (is_closed, rest) = end_of_tag(after)?;
                    self.rest = rest;
                    depth += usize::from(!is_closed);
                }
            }
        }
    }

    fn skip(&mut self, from: &'a str, end: &str) -> Option<Option<()>> {
        let (_, rest) = from.split_once(end)?;
        self.rest = rest;
        Some(Some(()))
    }

    fn text(&mut self, text: &'a str) -> Option<()> {
        if text.is_empty() { Some(()) } else { self.keep_text(unescaped(text)?) }
    }

    fn keep_text(&mut self, text: Cow<'a, str>) -> Option<()> {
        let (_, at, _) = self.open.last()?;
        let element = self.outline.elements.get_mut(position(*at))?;
        if element.first_child == NONE {
            if element.text.is_empty() {
                element.text = text;
            } else {
                element.text.to_mut().push_str(&text);
            }
        }
        Some(())
    }

    /// An element, starting after its `<`.
    fn element(&mut self, tag: &'a str) -> Option<Option<()>> {
        let end = tag.bytes().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))?;
        let (name, mut rest) = tag.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
        let first = self.outline.attributes.len();
        let closed = loop {
            rest = rest.trim_ascii_start();
            match rest.as_bytes().first()? {
                b'>' => break false,
                b'/' => break true,
                _ => {}
            }
            let (attribute, after) = cut(rest, b'=')?;
            let after = after.trim_ascii_start();
            let (value, after) = match after.as_bytes().first()? {
                b'\'' => cut(after.get(1..)?, b'\''),
                b'"' => cut(after.get(1..)?, b'"'),
                _ => None,
            }?;
            let attribute = attribute.trim_ascii_end();
            let value = unescaped(value)?;
            if attribute == "xmlns" || attribute.starts_with("xmlns:") {
                let at = u32::try_from(self.outline.elements.len()).ok()?;
                self.outline.declarations.push((at, attribute, value));
            } else {
                self.outline.attributes.push((attribute, value));
            }
            rest = after;
        };
        self.rest = rest.strip_prefix(if closed { "/>" } else { ">" })?;
        let at = self.add(name, first)?;
        if !closed {
            self.open.push((name, at, None));
        }
        Some(Some(()))
    }

    fn add(&mut self, written: &'a str, first_attribute: usize) -> Option<u32> {
        let at = u32::try_from(self.outline.elements.len()).ok().filter(|at| *at != NONE)?;
        let count = self.outline.attributes.len() - first_attribute;
        let attributes = (u32::try_from(first_attribute).ok()?, u32::try_from(count).ok()?);
        let parent = self.open.last_mut().map(|(_, parent, before)| (*parent, before.replace(at)));
        match parent {
            // A document has one root.
            None if at > 0 => return None,
            None => {}
            Some((_, Some(before))) => self.outline.elements.get_mut(position(before))?.next = at,
            Some((parent, None)) => self.outline.elements.get_mut(position(parent))?.first_child = at,
        }
        let parent = parent.map_or(NONE, |(parent, _)| parent);
        let prefix = cut(written, b':').map_or(0, |(prefix, _)| prefix.len() + 1);
        let (prefix, text) = (u32::try_from(prefix).ok()?, Cow::Borrowed(""));
        self.outline.elements.push(Element {
            written,
            text,
            at,
            prefix,
            parent,
            first_child: NONE,
            next: NONE,
            attributes,
        });
        Some(at)
    }
}

/// Text or an attribute's value with resolved references; `None` if XML does not define a reference.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    let Some((mut before, mut rest)) = cut(text, b'&') else { return Some(Cow::Borrowed(text)) };
    let mut whole = String::with_capacity(text.len());
    loop {
        whole.push_str(before);
        let (reference, after) = cut(rest, b';')?;
        whole.push(match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = reference.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                char::from_u32(code.ok()?)?
            }
        });
        match cut(after, b'&') {
            Some(more) => (before, rest) = more,
            None => {
                whole.push_str(after);
                return Some(Cow::Owned(whole));
            }
        }
    }
}

/// Whether a start tag closes its element too, and the text behind it. Values of attributes may contain `>`.
fn end_of_tag(tag: &str) -> Option<(bool, &str)> {
    let mut rest = tag;
    loop {
        let at = rest.bytes().position(|byte| matches!(byte, b'>' | b'\'' | b'"'))?;
        let (before, after) = (rest.get(..at)?, rest.get(at + 1..)?);
        match rest.as_bytes().get(at)? {
            b'>' => return Some((before.ends_with('/'), after)),
            quote => (_, rest) = cut(after, *quote)?,
        }
    }
}

/// The text before and after a byte. Tags and attributes are short, so a plain loop is faster than a prepared
/// search.
fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|each| each == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}
