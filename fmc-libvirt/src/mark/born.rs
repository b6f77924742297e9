//! Birth facts as an element of the mark.
//!
//! The element has the version of its format. Another version's element is not read: what it says is not known then. An
//! element or attribute that this version does not know is skipped.

use std::sync::Arc;

use fmc_core::boot::{self, Born, BornDisk, BornInterface, BornPart, BornSecrets, Family};
use fmc_core::given::Given;
use fmc_core::name::RoleName;
use fmc_core::role::{Facts, RoleFacts};

use crate::xml::outline::Node;
use crate::xml::{Element, Writer};

/// Its local name.
pub(super) const NAME: &str = "born";
/// Its name in our documents.
pub(super) const ELEMENT: &str = "fmc:born";

const VERSION: &str = "1";
const DECLARATION: &str = "xmlns:fmc";

/// Writes the facts inside the mark.
pub(super) fn write(w: &mut Writer, born: &Born) {
    w.el(ELEMENT, |w| inside(w, born));
}

/// The facts as an element of a mark, which declares our namespace.
pub(super) fn element(born: &Born) -> Option<Element> {
    let xml = Writer::document(ELEMENT, |w| {
        w.attr(DECLARATION, super::NAMESPACE);
        inside(w, born);
    });
    let mut element = Element::read(&xml)?;
    element.remove_attribute(DECLARATION);
    Some(element)
}

fn inside(w: &mut Writer, born: &Born) {
    w.attr("version", VERSION);
    w.attr("system", &born.system);
    if !born.version.is_empty() {
        w.attr("release", &born.version);
    }
    if let Some(provisioner) = &born.provisioner {
        w.attr("provisioner", provisioner);
    }
    if born.secrets != BornSecrets::Unknown {
        w.attr("secrets", born.secrets);
    }
    for interface in &born.interfaces {
        w.el("fmc:interface", |w| {
            w.attr("network", &interface.network);
            w.attr("mac", interface.mac);
            for (name, family) in [("ipv4", interface.ipv4), ("ipv6", interface.ipv6)] {
                if let Some(family) = family {
                    w.attr(name, family);
                }
            }
        });
    }
    for disk in &born.disks {
        w.el("fmc:disk", |w| {
            w.attr("name", &disk.name);
            w.attr("serial", &disk.serial);
            for (name, value) in [("filesystem", &disk.filesystem), ("mount", &disk.mount)] {
                if let Some(value) = value {
                    w.attr(name, value);
                }
            }
        });
    }
    for part in &born.parts {
        w.el("fmc:part", |w| {
            w.attr("kind", part.kind);
            w.attr("name", &part.name);
            w.attr("digest", format_args!("{:016x}", part.digest));
        });
    }
    for role in born.roles.iter().filter(|role| !role.facts.is_empty()) {
        w.el("fmc:role", |w| {
            w.attr("kind", &role.kind);
            if let Some(instance) = &role.instance {
                w.attr("instance", instance);
            }
            for fact in role.facts.iter() {
                w.el("fmc:fact", |w| {
                    w.attr("name", &fact.key);
                    w.attr("value", &fact.value);
                });
            }
        });
    }
}

/// The facts in an element of the mark; `None` if they are of another version.
pub(super) fn read(element: Node<'_>) -> Option<Born> {
    if element.attribute("version") != Some(VERSION) {
        return None;
    }
    let text = |name| element.attribute(name).map(Arc::<str>::from);
    let mut born = Born::default();
    born.system = text("system")?;
    born.version = text("release").unwrap_or_default();
    born.provisioner = text("provisioner");
    born.secrets = element.attribute("secrets").and_then(|text| text.parse().ok()).unwrap_or_default();
    born.interfaces = element.children_named("interface").filter_map(interface).collect();
    born.disks = element.children_named("disk").filter_map(disk).collect();
    born.parts = element.children_named("part").filter_map(part).collect();
    born.roles = element.children_named("role").filter_map(role).collect();
    Some(born)
}

fn role(element: Node<'_>) -> Option<RoleFacts> {
    let kind = Given::<RoleName>::text(element.attribute("kind")?).ok()?.clone();
    let each = element.children_named("fact");
    let facts =
        each.fold(Facts::new(), |facts, fact| match (fact.attribute("name"), fact.attribute("value")) {
            (Some(name), Some(value)) => facts.fact(name.to_owned(), value),
            _ => facts,
        });
    Some(RoleFacts::new(kind, element.attribute("instance").map(Into::into), facts))
}

fn interface(element: Node<'_>) -> Option<BornInterface> {
    let family = |name| element.attribute(name).and_then(|text| text.parse::<Family>().ok());
    let mac = boot::mac(element.attribute("mac")?)?;
    Some(BornInterface::new(element.attribute("network")?, mac, family("ipv4"), family("ipv6")))
}

fn disk(element: Node<'_>) -> Option<BornDisk> {
    let text = |name| element.attribute(name).map(Arc::<str>::from);
    let mut disk = BornDisk::new(text("name")?, text("serial")?);
    disk.filesystem = text("filesystem");
    disk.mount = text("mount");
    Some(disk)
}

fn part(element: Node<'_>) -> Option<BornPart> {
    let kind = element.attribute("kind")?.parse().ok()?;
    let digest = u64::from_str_radix(element.attribute("digest")?, 16).ok()?;
    Some(BornPart::new(kind, element.attribute("name")?, digest))
}

#[cfg(test)]
mod tests {

    use crate::documents::documents;
    use crate::fixture;
    use crate::mark::Mark;
    use crate::xml::Outline;

    #[test]
    fn facts_are_read_as_they_were_written() {
        let mut seen = 0;
        for node in documents(&fixture::checked()).nodes.values() {
            let crate::document::Document::Domain(domain) = &*node.document else { continue };
            assert_eq!(Mark::read(&domain.xml).unwrap().born, domain.born);
            seen += 1;
        }
        assert!(seen > 1);
    }

    #[test]
    fn another_version_is_not_known_and_new_words_are_skipped() {
        let read = |xml: &str| Outline::read(xml).and_then(|outline| super::read(outline.root()));
        assert_eq!(read("<born version='2' system='Debian'/>"), None);
        assert_eq!(read("<born system='Debian'/>"), None);
        let born = read(
            "<born version='1' system='Debian' later='x'><later/><part kind='later' name='a' digest='b'/>\
             <part kind='file' name='/a' digest='b'/></born>",
        );
        let born = born.unwrap();
        assert_eq!((&*born.system, born.parts.len()), ("Debian", 1));
    }
}
