//! Compares the birth facts of a machine with the wanted configuration: a guest on its root knows only the former.

use std::sync::Arc;

use fmc_core::addr::Mac;
use fmc_core::boot::{self, BornInterface};
use fmc_core::graph::Address;
use fmc_core::identity;

use super::Settling;
use crate::document::{Document, DomainDocument, NetworkDocument, kind};
use crate::mark;
use crate::provider::object::DomainObject;
use crate::xml::{Element, Outline};

/// The differences of an outdated machine, for its note.
pub(super) fn outdated(wanted: &DomainDocument, seen: &DomainObject, image: bool, config: bool) -> String {
    let born = seen.mark.as_ref().and_then(|mark| mark.born.as_ref());
    let Some((born, wanted)) = born.zip(wanted.born.as_ref()) else {
        let what = match (image, config) {
            (true, true) => "an older image and an older boot configuration",
            (true, false) => "an older image",
            _ => "an older boot configuration",
        };
        return format!("boots with {what}");
    };
    let mut said = born.differences(wanted);
    let is_image = |phrase: &String| phrase.starts_with("image ");
    let has_image = said.iter().any(is_image);
    if config && said.iter().all(is_image) {
        said.push("another secret, a setting that is used on the first boot only, or a newer fmc that writes the boot configuration otherwise".to_owned());
    }
    if image && !has_image {
        said.insert(0, format!("another image of {} {}", wanted.system, wanted.version));
    }
    said.join("; ")
}

/// The interfaces of a machine that stays on its root, where their wanted MACs differ from the ones that its guest knows.
#[derive(Default)]
pub(super) struct Faces {
    kept: Vec<Kept>,
    /// Why the guest would lose its network.
    pub(super) lost: Option<String>,
}

/// An interface that keeps its MAC.
struct Kept {
    network: Arc<str>,
    wanted: Mac,
    known: Mac,
}

impl Faces {
    /// The kept MACs, for a note.
    pub(super) fn words(&self) -> String {
        let words = self
            .kept
            .iter()
            .map(|kept| format!("; its MAC on {} stays {} until then", kept.network, kept.known));
        words.collect()
    }
}

impl Settling<'_, '_> {
    /// A machine that stays on its root keeps what its mark says of its birth.
    pub(super) fn keep_born(&mut self, address: &Address, seen: &DomainObject) {
        let Some(born) = seen.mark.as_ref().and_then(|mark| mark.born.as_ref()) else { return };
        // Looked at first, because a change copies the map.
        let wanted = match self.nodes.get(address).map(|node| &*node.document) {
            Some(Document::Domain(wanted)) if wanted.born.as_ref() != Some(born) => wanted,
            _ => return,
        };
        let document = Arc::new(Document::Domain(Box::new(wanted.born_as(Some(born)))));
        if let Some(node) = self.nodes.to_mut().get_mut(address) {
            node.document = document;
        }
    }

    /// The interfaces whose MACs are derived from the name of a network that is called otherwise now.
    pub(super) fn faces(&self, at: &Address, wanted: &DomainDocument, seen: &DomainObject) -> Faces {
        let (mut faces, known) = (Faces::default(), known(seen));
        let Some((born, mark)) = wanted.born.as_ref().zip(seen.mark.as_ref()) else { return faces };
        let is_in = |all: &[BornInterface], mac: Mac| all.iter().any(|one| one.mac == mac);
        let mut gone: Vec<&BornInterface> =
            known.iter().filter(|one| !is_in(&born.interfaces, one.mac)).collect();
        for (index, now) in born.interfaces.iter().enumerate() {
            if is_in(&known, now.mac) {
                continue;
            }
            let has_address =
                [now.ipv4, now.ipv6].into_iter().flatten().any(|it| it.address != boot::Address::Dynamic);
            let is_alike = |was: &&BornInterface| has_address && (was.ipv4, was.ipv6) == (now.ipv4, now.ipv6);
            let is_renamed =
                |was: &&BornInterface| was.network == now.network || !self.is_network(at, &was.network);
            let alike = gone.iter().position(is_alike);
            let partner = alike.or_else(|| {
                let mut renamed = gone.iter().enumerate().filter(|(_, was)| is_renamed(was));
                renamed.next().filter(|_| renamed.next().is_none()).map(|(index, _)| index)
            });
            let twins =
                born.interfaces.iter().take(index).filter(|other| other.network == now.network).count();
            let is_derived = identity::interface(&mark.owner, &wanted.first, &now.network, twins) == now.mac;
            match partner {
                Some(was) if is_derived => {
                    let was = gone.remove(was);
                    faces.kept.push(Kept {
                        network: Arc::clone(&now.network),
                        wanted: now.mac,
                        known: was.mac,
                    });
                }
                _ => {
                    let was = gone.iter().find(|was| is_alike(was) || was.network == now.network);
                    faces.lost = faces.lost.or_else(|| was.map(|was| lost(&wanted.name, was, now)));
                }
            }
        }
        faces
    }

    /// Whether the cloud wants a network of this name.
    fn is_network(&self, at: &Address, name: &str) -> bool {
        self.nodes.contains_key(&at.beside(kind::NETWORK, name))
    }

    /// Lets the interfaces keep their MACs, in the domain and in the reservations of its networks.
    pub(super) fn keep_faces(&mut self, address: &Address, seen: &DomainObject, faces: &Faces) {
        if faces.kept.is_empty() {
            return;
        }
        let is_recorded = seen.mark.as_ref().is_some_and(|mark| mark.born.is_some());
        if let Some(node) = self.nodes.to_mut().get_mut(address)
            && let Document::Domain(domain) = &*node.document
        {
            let domain = with_macs(domain, &faces.kept, is_recorded);
            node.document = Arc::new(Document::Domain(Box::new(domain)));
        }
        for kept in &faces.kept {
            let network = address.beside(kind::NETWORK, Arc::clone(&kept.network));
            if let Some(node) = self.nodes.to_mut().get_mut(&network)
                && let Document::Network(network) = &*node.document
                && let Some(network) = with_reservation(network, kept)
            {
                node.document = Arc::new(Document::Network(network));
            }
        }
    }
}

/// The interfaces as the guest knows them. A mark of an earlier version does not say: then the definition has their MACs.
fn known(seen: &DomainObject) -> Vec<BornInterface> {
    if let Some(born) = seen.mark.as_ref().and_then(|mark| mark.born.as_ref()) {
        return born.interfaces.clone();
    }
    let Some(outline) = Outline::read(&seen.record.xml) else { return Vec::new() };
    let Some(devices) = outline.root().at("devices") else { return Vec::new() };
    // Where names on the host begin with the owner, those of networks do too.
    let prefix = seen
        .mark
        .as_ref()
        .filter(|mark| mark.name() != seen.record.name)
        .map(|mark| format!("{}-", mark.owner));
    let interfaces = devices.children_named("interface").filter_map(|interface| {
        let mac = boot::mac(interface.at("mac")?.attribute("address")?)?;
        let network = interface.at("source")?.attribute("network")?;
        let plain = prefix.as_deref().and_then(|prefix| network.strip_prefix(prefix));
        Some(BornInterface::new(plain.unwrap_or(network), mac, None, None))
    });
    interfaces.collect()
}

fn lost(machine: &str, was: &BornInterface, now: &BornInterface) -> String {
    format!(
        "its interface on {} has the MAC {}, by which its guest knows it, and would get {}: it would have no network. \
         Leave the MAC as it was, or `--replace {machine}` makes the machine with the new one",
        was.network, was.mac, now.mac
    )
}

fn with_macs(domain: &DomainDocument, kept: &[Kept], is_recorded: bool) -> DomainDocument {
    let mut changed = if is_recorded { domain.clone() } else { domain.born_as(None) };
    let Some(mut document) = Element::read(&changed.xml) else { return changed };
    let devices = document.children().filter(|child| child.name() == "devices");
    for interface in devices.flat_map(|devices| devices.children_named("interface")) {
        if let Some(mac) = interface.at("mac").and_then(|mac| mac.attribute("address"))
            && let Some(kept) = kept.iter().find(|kept| kept.wanted.to_string() == *mac)
        {
            *mac = kept.known.to_string();
        }
    }
    if let Some(ready) = &mut changed.ready {
        for (_, mac) in &mut ready.interfaces {
            if let Some(kept) = kept.iter().find(|kept| kept.wanted == *mac) {
                *mac = kept.known;
            }
        }
    }
    changed.xml = mark::resealed(document, &mark::beside(domain.power, domain.autostart)).into();
    changed
}

/// The network with a reservation for the kept MAC; `None` if it has none for the wanted one.
fn with_reservation(network: &NetworkDocument, kept: &Kept) -> Option<NetworkDocument> {
    let (wanted, known) = (kept.wanted.to_string(), kept.known.to_string());
    if !network.xml.contains(&wanted) {
        return None;
    }
    let mut document = Element::read(&network.xml)?;
    let families = document.children().filter(|child| child.name() == "ip");
    for host in families.flat_map(Element::children).flat_map(|dhcp| dhcp.children_named("host")) {
        for name in ["mac", "id"] {
            if let Some(value) = host.attribute(name)
                && let Some(before) = value.strip_suffix(wanted.as_str()).map(str::to_owned)
            {
                *value = format!("{before}{known}");
            }
        }
    }
    let beside = mark::beside(fmc_core::machine::Power::Running, network.autostart);
    Some(NetworkDocument { xml: mark::resealed(document, &beside).into(), ..network.clone() })
}
