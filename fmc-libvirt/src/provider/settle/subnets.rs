//! A network whose subnet changes: libvirt starts it again, and a guest with an address of its own never hears of it.

use std::net::IpAddr;

use fmc_core::boot::{Address as Origin, BornInterface};
use fmc_core::graph::{About, Address, Note, NoteKind, Wanted};

use super::{Document, Object, Owner, Settling, older};
use crate::document::{DomainDocument, NetworkDocument};
use crate::provider::object::DomainObject;
use crate::xml::Outline;

impl Settling<'_, '_> {
    /// Refuses a network's other subnet while a guest has an address in the former one and stays as it is.
    pub(super) fn subnets(&mut self, wanted: &Wanted<Document>) {
        let mut notes = Vec::new();
        for (address, node) in &wanted.nodes {
            let Document::Network(network) = &*node.document else { continue };
            let Some(Object::Network(seen)) = self.object(address) else { continue };
            let (was, now) = (addresses(&seen.record.xml), addresses(&network.xml));
            // A bridge of the host has none here.
            if seen.owner != Owner::Us || was.is_empty() || now.is_empty() || was == now {
                continue;
            }
            let change = format!("{} → {}", words(&was), words(&now));
            let [fixed, asking, by_hand] = self.guests(wanted, address, network);
            if !fixed.is_empty() {
                let replace: Vec<String> = fixed.iter().map(|name| format!("--replace {name}")).collect();
                let text = format!(
                    "it changes ({change}) under guests that have addresses of their own: {} would be out of reach, because a \
                     guest reads its address on its first boot only. `{}` makes them anew (their data disks stay); or \
                     leave the network as it is",
                    fixed.join(", "),
                    replace.join(" ")
                );
                notes.push((address.clone(), NoteKind::Refused, text));
            }
            if !by_hand.is_empty() {
                let text = format!(
                    "it changes ({change}): {} got an address of its own from a person, who gives it another",
                    by_hand.join(", ")
                );
                notes.push((address.clone(), NoteKind::Notice, text));
            }
            if !asking.is_empty() {
                let text = format!(
                    "it changes ({change}): {} must ask for an address again, as a guest does when it starts",
                    asking.join(", ")
                );
                notes.push((address.clone(), NoteKind::Notice, text));
            }
        }
        let notes = notes.into_iter();
        self.notes.extend(notes.map(|(at, kind, text)| Note { about: About::Object(at), kind, text }));
    }

    /// The machines on a network that stay on their roots: those whose guests have other addresses of their own than the
    /// cloud wants now, those that ask for theirs, and those that a person configures.
    fn guests(
        &self,
        wanted: &Wanted<Document>,
        network: &Address,
        document: &NetworkDocument,
    ) -> [Vec<String>; 3] {
        let (mut fixed, mut asking, mut by_hand) = (Vec::new(), Vec::new(), Vec::new());
        for (address, node) in &wanted.nodes {
            let Document::Domain(domain) = &*node.document else { continue };
            let Some(Object::Domain(seen)) = self.object(address) else { continue };
            if address.place() != network.place()
                || seen.owner != Owner::Us
                || self.anew.contains_key(address)
            {
                continue;
            }
            let known = known(domain, seen, &document.name);
            let is_wanted = |one: &BornInterface| {
                let mut now = domain.born.iter().flat_map(|born| &born.interfaces);
                now.any(|now| now.network == one.network && (now.ipv4, now.ipv6) == (one.ipv4, one.ipv6))
            };
            let has_own = |one: &BornInterface| {
                let mut families = [one.ipv4, one.ipv6].into_iter().flatten();
                families.any(|family| matches!(family.address, Origin::Static(..)))
            };
            let is_recorded = seen.mark.as_ref().is_some_and(|mark| mark.born.is_some());
            if known.iter().any(|one| has_own(one) && !(is_recorded && is_wanted(one))) {
                // The guest of a blank disk is not configured by fmc.
                let is_configured = domain.born.as_ref().is_some_and(|born| born.provisioner.is_some());
                if is_configured { &mut fixed } else { &mut by_hand }.push(domain.name.to_string());
            } else if known.iter().any(|one| !has_own(one)) && seen.record.active {
                asking.push(domain.name.to_string());
            }
        }
        [fixed, asking, by_hand]
    }
}

/// The interfaces on a network as a guest knows them. A mark of an earlier version does not say: then they are as the cloud
/// wants them, unless its boot configuration is the wanted one.
fn known(domain: &DomainDocument, seen: &DomainObject, network: &str) -> Vec<BornInterface> {
    let recorded = seen.mark.as_ref().and_then(|mark| mark.born.as_ref());
    let born = match recorded {
        Some(born) => Some(born),
        None if older(domain, seen).1 => domain.born.as_ref(),
        None => None,
    };
    let interfaces = born.into_iter().flat_map(|born| &born.interfaces);
    interfaces.filter(|one| *one.network == *network).cloned().collect()
}

/// The host's own addresses in a network, which are its guests' gateways, with the lengths of the subnets' prefixes.
fn addresses(xml: &str) -> Vec<(IpAddr, u8)> {
    let Some(outline) = Outline::read(xml) else { return Vec::new() };
    let all = outline.root().children_named("ip").filter_map(|ip| {
        Some((ip.attribute("address")?.parse().ok()?, ip.attribute("prefix")?.parse().ok()?))
    });
    let mut all: Vec<(IpAddr, u8)> = all.collect();
    all.sort_unstable();
    all
}

fn words(all: &[(IpAddr, u8)]) -> String {
    let all: Vec<String> = all.iter().map(|(address, prefix)| format!("{address}/{prefix}")).collect();
    all.join(", ")
}
