//! A document of ours as a value: it is read, changed by its structure, and written back unchanged otherwise.

use super::outline::{Node, Outline};
use super::writer::Writer;

/// An element with its content: text, or other elements. Our documents have no text beside elements, and no
/// comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document; `None` if it is not XML.
    pub(crate) fn read(xml: &str) -> Option<Self> {
        Outline::read(xml).map(|outline| Self::of(outline.root()))
    }

    fn of(node: Node<'_>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            name: node.written_name().to_owned(),
            attributes: node.declarations().chain(node.attributes()).map(owned).collect(),
            text: node.text().unwrap_or_default().to_owned(),
            children: node.children().map(Self::of).collect(),
        }
    }

    /// Writes it as a document; a document of our own writer comes out byte for byte.
    pub(crate) fn write(&self) -> String {
        Writer::document(&self.name, |w| self.write_inside(w))
    }

    fn write_inside(&self, w: &mut Writer) {
        for (name, value) in &self.attributes {
            w.attr(name, value);
        }
        if !self.text.is_empty() {
            w.text(&self.text);
        }
        for child in &self.children {
            w.el(&child.name, |w| child.write_inside(w));
        }
    }

    /// The first element at the end of a path of names, as `metadata/fmc:mark`.
    pub(crate) fn at(&mut self, path: &str) -> Option<&mut Self> {
        path.split('/').try_fold(self, |element, name| element.children_named(name).next())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn children(&mut self) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut()
    }

    pub(crate) fn children_named(&mut self, name: &str) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut().filter(move |child| child.name == name)
    }

    /// Removes the elements of a name that satisfy a condition.
    pub(crate) fn remove(&mut self, name: &str, is_so: impl Fn(&mut Self) -> bool) {
        self.children.retain_mut(|child| child.name != name || !is_so(child));
    }

    /// Adds an element at the end.
    pub(crate) fn push(&mut self, child: Self) {
        self.children.push(child);
    }

    pub(crate) fn attribute(&mut self, name: &str) -> Option<&mut String> {
        self.attributes.iter_mut().find_map(|(own, value)| (own == name).then_some(value))
    }

    pub(crate) fn set_attribute(&mut self, name: &str, value: String) {
        match self.attribute(name) {
            Some(own) => *own = value,
            None => self.attributes.push((name.to_owned(), value)),
        }
    }

    pub(crate) fn remove_attribute(&mut self, name: &str) {
        self.attributes.retain(|(own, _)| own != name);
    }

    pub(crate) fn set_text(&mut self, text: &str) {
        text.clone_into(&mut self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::documents;
    use crate::fixture;

    #[test]
    fn what_we_wrote_comes_out_as_it_was() {
        let wanted = documents(&fixture::checked());
        assert!(wanted.nodes.len() > 3);
        for node in wanted.nodes.values() {
            let xml = node.document.xml();
            assert_eq!(Element::read(xml).unwrap().write(), xml);
        }
    }

    #[test]
    fn it_is_changed_by_its_structure() {
        let xml = Writer::document("volume", |w| {
            w.leaf("name", "a&b");
            w.el("target", |w| w.el("format", |w| w.attr("type", "raw")));
            w.el("x:more", |w| {
                w.attr("xmlns:x", "urn:x");
                w.attr("n", 1);
            });
        });
        let mut volume = Element::read(&xml).unwrap();
        volume.at("name").unwrap().set_text("raw");
        volume.at("target/format").unwrap().attribute("type").unwrap().push('2');
        volume.at("x:more").unwrap().remove_attribute("n");
        let changed = xml.replace("a&amp;b", "raw").replace("'raw'", "'raw2'").replace(" n='1'", "");
        assert_eq!(volume.write(), changed);
        volume.remove("x:more", |_| true);
        assert!(volume.at("x:more").is_none() && volume.at("target").is_some());
    }
}
