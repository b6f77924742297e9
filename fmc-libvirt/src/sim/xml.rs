//! Parsing the simulation's input documents, and editing them where libvirt would.

use roxmltree::{Document, Node};

use super::trouble::Trouble;

/// Parses a document whose root is `root`.
pub(super) fn parse<'a>(xml: &'a str, root: &str) -> Result<Document<'a>, Trouble> {
    let document = Document::parse(xml).map_err(|cause| Trouble::failed(format!("(document): {cause}")))?;
    if document.root_element().tag_name().name() != root {
        let found = document.root_element().tag_name().name().to_owned();
        return Err(Trouble::failed(format!(
            "XML error: unexpected root element <{found}>, expecting <{root}>"
        )));
    }
    Ok(document)
}

/// The first child element of that name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// The element at a path of names below a node.
pub(super) fn at<'a, 'i>(node: Node<'a, 'i>, path: &[&str]) -> Option<Node<'a, 'i>> {
    path.iter().try_fold(node, |node, name| child(node, name))
}

/// The text of the element at a path, trimmed; `None` if it is not there or empty.
pub(super) fn text<'a>(node: Node<'a, '_>, path: &[&str]) -> Option<&'a str> {
    at(node, path)?.text().map(str::trim).filter(|text| !text.is_empty())
}

/// The text of the element at a path, which is required.
pub(super) fn required<'a>(node: Node<'a, '_>, path: &[&str]) -> Result<&'a str, Trouble> {
    text(node, path).ok_or_else(|| {
        let missing = path.last().copied().unwrap_or_default();
        Trouble::failed(format!("XML error: missing {missing} element in <{}>", node.tag_name().name()))
    })
}

/// A size in bytes, from an element as `<capacity unit='GiB'>20</capacity>`.
pub(super) fn bytes(node: Node<'_, '_>) -> Option<u64> {
    let number: u64 = node.text()?.trim().parse().ok()?;
    let scale = match node.attribute("unit").unwrap_or("bytes") {
        "B" | "b" | "byte" | "bytes" => 1,
        "k" | "K" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(scale)
}

/// The document with text put in at a byte.
pub(super) fn insert(xml: &str, at: usize, text: &str) -> String {
    let (before, after) = xml.split_at_checked(at).unwrap_or((xml, ""));
    format!("{before}{text}{after}")
}

/// The document with the bytes of a range replaced.
pub(super) fn replace(xml: &str, range: std::ops::Range<usize>, text: &str) -> String {
    let before = xml.get(..range.start).unwrap_or(xml);
    let after = xml.get(range.end..).unwrap_or_default();
    format!("{before}{text}{after}")
}

/// The document without a range of bytes and the white space before it.
pub(super) fn cut(xml: &str, range: std::ops::Range<usize>) -> String {
    let before = xml.get(..range.start).unwrap_or(xml).trim_end();
    let after = xml.get(range.end..).unwrap_or_default();
    format!("{before}{after}")
}

/// The start of an element's end tag, if it has one.
pub(super) fn end_tag(xml: &str, node: Node<'_, '_>) -> Option<usize> {
    let range = node.range();
    let start = range.start;
    xml.get(range)?.rfind("</").map(|offset| start + offset)
}
