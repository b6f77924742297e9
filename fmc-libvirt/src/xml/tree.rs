//! Reading XML: short ways through a `roxmltree` document.

pub use roxmltree::{Document, Node};

/// The children that are elements.
pub fn elements<'a, 'input: 'a>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

/// The first child of a name.
pub fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    elements(node).find(|child| child.tag_name().name() == name)
}

/// The children of a name.
pub fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    elements(node).filter(move |child| child.tag_name().name() == name)
}

/// The first element at the end of a path of names below a node, as `target/path`.
pub fn at<'a, 'input>(node: Node<'a, 'input>, path: &str) -> Option<Node<'a, 'input>> {
    path.split('/').try_fold(node, child)
}

/// The text at the end of a path of names, without space around it.
pub fn text<'a>(node: Node<'a, '_>, path: &str) -> Option<&'a str> {
    at(node, path).and_then(own_text)
}

/// An attribute at the end of a path of names.
pub fn attribute<'a>(node: Node<'a, '_>, path: &str, name: &str) -> Option<&'a str> {
    at(node, path)?.attribute(name)
}

/// The text of an element that has no children, without space around it.
pub fn own_text<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let text = node.text()?.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_followed() {
        let document = Document::parse(
            "<domain><devices><disk><target dev='vda'/></disk><disk><serial> data </serial></disk></devices></domain>",
        )
        .unwrap();
        let root = document.root_element();
        assert_eq!(attribute(root, "devices/disk/target", "dev"), Some("vda"));
        let devices = child(root, "devices").unwrap();
        assert_eq!(children(devices, "disk").count(), 2);
        assert_eq!(children(devices, "disk").find_map(|disk| text(disk, "serial")), Some("data"));
        assert_eq!(at(root, "devices/interface"), None);
    }
}
