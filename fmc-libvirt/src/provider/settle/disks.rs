//! Questions about the disks in a domain's document.

use crate::xml::outline::{Node, Outline};

/// Whether a document uses a volume as the source of a disk.
pub(super) fn names_disk(xml: &str, name: &str) -> bool {
    Outline::read(xml).is_some_and(|outline| disks(&outline).any(|disk| is_source(disk, name)))
}

pub(super) fn disks<'a>(outline: &'a Outline<'a>) -> impl Iterator<Item = Node<'a>> {
    outline.root().at("devices").into_iter().flat_map(Node::children).filter(|device| device.name() == "disk")
}

/// Whether a document has a disk with a serial.
pub(super) fn has_serial(xml: &str, serial: Option<&str>) -> bool {
    let own = |disk: Node<'_>| disk.at("serial").is_some_and(|own| own.text() == serial);
    serial.is_some() && Outline::read(xml).is_some_and(|outline| disks(&outline).any(own))
}

pub(super) fn is_source(disk: Node<'_>, name: &str) -> bool {
    let file = disk.at("source").and_then(|source| source.attribute("file"));
    file.and_then(|file| file.strip_suffix(name)).is_some_and(|folder| folder.ends_with('/'))
}

/// The format in which a document uses a volume as a disk.
pub(super) fn format_of(xml: &str, name: &str) -> Option<String> {
    let outline = Outline::read(xml)?;
    let disk = disks(&outline).find(|disk| is_source(*disk, name))?;
    disk.at("driver")?.attribute("type").map(str::to_owned)
}
