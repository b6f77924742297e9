//! Two XML documents compared: the wanted one is a lower bound of the observed one.
//!
//! Elements that libvirt adds (aliases, addresses, controllers) do not count as differences. An unwanted element that
//! libvirt never adds by itself does count: it was added by hand. Repeated elements are paired by their identities, so that
//! the removal of the second disk is not a change of the third.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt::Write as _;

use super::table::{self, Key};
use crate::xml::outline::Node;

/// One difference between a wanted and an observed document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The path without the root element: `devices/disk[vda]/source/@file`.
    pub path: String,
    /// The observed value in words.
    pub from: Option<String>,
    /// The wanted value in words.
    pub to: Option<String>,
}

/// The differences between two elements of the same name, in the order of the wanted one.
///
/// ```
/// use fmc_libvirt::drift::tree;
/// use fmc_libvirt::xml::Outline;
///
/// let wanted = Outline::read("<domain><memory unit='GiB'>2</memory></domain>").unwrap();
/// let seen = Outline::read("<domain id='1'><memory unit='KiB'>1048576</memory><resource/></domain>").unwrap();
/// let differences = tree(wanted.root(), seen.root());
/// assert_eq!(differences.len(), 1);
/// assert_eq!(differences[0].path, "memory");
/// assert_eq!(differences[0].from.as_deref(), Some("1 GiB"));
/// assert_eq!(differences[0].to.as_deref(), Some("2 GiB"));
/// ```
pub fn tree<'a>(wanted: Node<'a>, seen: Node<'a>) -> Vec<Difference> {
    let mut walk = Walk { path: Vec::new(), found: Vec::new() };
    walk.element(wanted, seen);
    walk.found
}

/// With fewer children than this, a scan is faster than an index.
const FEW: usize = 32;

struct Walk<'a> {
    path: Vec<(&'a str, Key<'a>)>,
    found: Vec<Difference>,
}

impl<'a> Walk<'a> {
    fn element(&mut self, wanted: Node<'a>, seen: Node<'a>) {
        if table::is_atomic(wanted) {
            let is_other = wanted.attributes().any(|(name, value)| seen.attribute(name) != Some(value));
            if is_other || !table::names(wanted).eq(table::names(seen)) {
                self.differs(Some(table::words(seen)), Some(table::words(wanted)));
            }
            return;
        }
        let quantity = self.text(wanted, seen);
        for (name, to) in wanted.attributes() {
            if quantity && name == "unit" {
                continue;
            }
            let from = seen.attribute(name);
            if !table::same_attribute(wanted, name, to, from) {
                self.attribute_differs(name, from, Some(to));
            }
        }
        for (name, from) in seen.attributes() {
            if table::is_added_attribute(seen, name) && wanted.attribute(name).is_none() {
                self.attribute_differs(name, Some(from), None);
            }
        }
        self.children(wanted, seen);
    }

    /// Compares the text, and returns whether it is a quantity, so that its unit is not compared as an attribute.
    fn text(&mut self, wanted: Node<'a>, seen: Node<'a>) -> bool {
        let Some(to) = wanted.text() else { return false };
        let from = seen.text();
        let bytes = table::quantity(wanted);
        if from != Some(to) || bytes.is_some() {
            let seen_bytes = table::quantity(seen);
            if bytes.is_none() || bytes != seen_bytes {
                let words = |bytes: Option<u64>, text| bytes.map_or(text, table::size);
                let from = from.map(|from| words(seen_bytes, from.to_owned()));
                self.differs(from, Some(words(bytes, to.to_owned())));
            }
        }
        bytes.is_some()
    }

    fn children(&mut self, wanted: Node<'a>, seen: Node<'a>) {
        let mut there = Pairs::new(seen);
        for child in wanted.children().filter(|child| !table::is_ignored(*child)) {
            let key = table::key(child);
            self.path.push((child.name(), key));
            match there.take(child, key) {
                Some(pair) => self.element(child, pair),
                None => self.only_wanted(child),
            }
            self.path.pop();
        }
        for child in there.rest() {
            if table::is_added(seen, child) {
                self.path.push((child.name(), table::key(child)));
                self.only_seen(child);
                self.path.pop();
            }
        }
    }

    fn only_wanted(&mut self, node: Node<'a>) {
        self.each_part(node, |walk, part| walk.differs(None, Some(table::words(part))));
    }

    fn only_seen(&mut self, node: Node<'a>) {
        self.each_part(node, |walk, part| walk.differs(Some(table::words(part)), None));
    }

    /// An element, or the children of one that is only a list.
    fn each_part(&mut self, node: Node<'a>, report: impl Fn(&mut Self, Node<'a>)) {
        if !table::is_list(node) {
            return report(self, node);
        }
        for part in node.children() {
            self.path.push((part.name(), table::key(part)));
            report(self, part);
            self.path.pop();
        }
    }

    fn differs(&mut self, from: Option<String>, to: Option<String>) {
        let path = self.path();
        self.found.push(Difference { path, from, to });
    }

    fn attribute_differs(&mut self, name: &str, from: Option<&str>, to: Option<&str>) {
        let mut path = self.path();
        if !path.is_empty() {
            path.push('/');
        }
        path.push('@');
        path.push_str(name);
        self.found.push(Difference { path, from: from.map(str::to_owned), to: to.map(str::to_owned) });
    }

    fn path(&self) -> String {
        let mut text = String::new();
        for (name, key) in &self.path {
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(name);
            match key {
                [None, None] => {}
                [Some(one), None] | [None, Some(one)] => {
                    let _ = write!(text, "[{one}]");
                }
                [Some(first), Some(second)] => {
                    let _ = write!(text, "[{first} {second}]");
                }
            }
        }
        text
    }
}

/// The observed children, each of which is paired once.
struct Pairs<'a> {
    nodes: Vec<Option<Node<'a>>>,
    index: Option<Index<'a>>,
}

type Index<'a> = BTreeMap<(&'a str, Key<'a>), VecDeque<usize>>;

impl<'a> Pairs<'a> {
    fn new(parent: Node<'a>) -> Self {
        let nodes: Vec<_> = parent.children().filter(|child| !table::is_ignored(*child)).map(Some).collect();
        let index = (nodes.len() > FEW).then(|| {
            let mut index = Index::new();
            for (at, node) in nodes.iter().enumerate() {
                if let Some(node) = node {
                    index.entry((node.name(), table::key(*node))).or_default().push_back(at);
                }
            }
            index
        });
        Self { nodes, index }
    }

    /// The first remaining child with the name and identity of a wanted one.
    fn take(&mut self, wanted: Node<'a>, key: Key<'a>) -> Option<Node<'a>> {
        let name = wanted.name();
        if let Some(index) = &mut self.index {
            let at = index.get_mut(&(name, key))?.pop_front()?;
            return self.nodes.get_mut(at)?.take();
        }
        self.nodes
            .iter_mut()
            .find_map(|slot| slot.take_if(|node| node.name() == name && table::key(*node) == key))
    }

    fn rest(self) -> impl Iterator<Item = Node<'a>> {
        self.nodes.into_iter().flatten()
    }
}
