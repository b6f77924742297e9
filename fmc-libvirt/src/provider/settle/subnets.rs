//! A network whose subnet changes: libvirt starts it again, and a guest with an address of its own never hears of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fmc_core::boot::{Address as Origin, BornInterface};
use fmc_core::graph::{About, Address, Note, NoteKind, Wanted};

use super::{Document, Object, Owner, Settling, older};
use crate::document::{DomainDocument, kind};
use crate::provider::object::DomainObject;
use crate::xml::Outline;

/// The machines on a network that stay on their roots.
#[derive(Default)]
struct Guests {
    /// Their guests have other addresses of their own than the cloud wants now.
    fixed: Vec<String>,
    /// They ask for their addresses.
    asking: Vec<String>,
    /// A person configures them.
    by_hand: Vec<String>,
}

impl Settling<'_, '_> {
    /// Refuses a network's other subnet while a guest has an address in the former one and stays as it is.
    pub(super) fn subnets(&mut self, wanted: &Wanted<Document>) {
        let mut changed: BTreeMap<Address, String> = BTreeMap::new();
        for (address, node) in &wanted.nodes {
            let Document::Network(network) = &*node.document else { continue };
            let Some(Object::Network(seen)) = self.object(address) else { continue };
            let (was, now) = (addresses(&seen.record.xml), addresses(&network.xml));
            // A bridge of the host has none here.
            if seen.owner == Owner::Us && !was.is_empty() && !now.is_empty() && was != now {
                changed.insert(address.clone(), format!("{} → {}", words(&was), words(&now)));
            }
        }
        if changed.is_empty() {
            return;
        }
        let mut all = self.guests(wanted, &changed.keys().collect());
        for (address, change) in changed {
            let Some(guests) = all.remove(&address) else { continue };
            let mut tell =
                |kind, text| self.notes.push(Note { about: About::Object(address.clone()), kind, text });
            if !guests.fixed.is_empty() {
                let replace: Vec<String> =
                    guests.fixed.iter().map(|name| format!("--replace {name}")).collect();
                let text = format!(
                    "it changes ({change}) under guests that have addresses of their own: {} would be out of reach, because a \
                     guest reads its address on its first boot only. `{}` makes them anew (their data disks stay); or \
                     leave the network as it is",
                    guests.fixed.join(", "),
                    replace.join(" ")
                );
                tell(NoteKind::Refused, text);
            }
            if !guests.by_hand.is_empty() {
                let text = format!(
                    "it changes ({change}): {} got an address of its own from a person, who gives it another",
                    guests.by_hand.join(", ")
                );
                tell(NoteKind::Notice, text);
            }
            if !guests.asking.is_empty() {
                let text = format!(
                    "it changes ({change}): {} must ask for an address again, as a guest does when it starts",
                    guests.asking.join(", ")
                );
                tell(NoteKind::Notice, text);
            }
        }
    }

    /// The machines that will be on networks that change, and whose own network changes.
    fn guests(&self, wanted: &Wanted<Document>, changed: &BTreeSet<&Address>) -> BTreeMap<Address, Guests> {
        let mut were: BTreeMap<&Address, Vec<(IpAddr, u8)>> = BTreeMap::new();
        for (at, object) in self.seen.present() {
            if let Object::Network(network) = object {
                were.insert(at, addresses(&network.record.xml));
            }
        }
        let mut later: BTreeMap<&Address, Vec<(IpAddr, u8)>> = BTreeMap::new();
        for at in changed {
            if let Some(Document::Network(network)) = wanted.nodes.get(*at).map(|node| &*node.document) {
                later.insert(at, addresses(&network.xml));
            }
        }
        let mut all: BTreeMap<Address, Guests> = BTreeMap::new();
        for (address, node) in &wanted.nodes {
            let Document::Domain(domain) = &*node.document else { continue };
            let Some(Object::Domain(seen)) = self.object(address) else { continue };
            if seen.owner != Owner::Us || self.anew.contains_key(address) {
                continue;
            }
            let is_wanted = |one: &BornInterface| {
                let mut now = domain.born.iter().flat_map(|born| &born.interfaces);
                now.any(|now| {
                    (now.mac == one.mac || now.network == one.network)
                        && (now.ipv4, now.ipv6) == (one.ipv4, one.ipv6)
                })
            };
            let has_own = |one: &BornInterface| {
                let mut families = [one.ipv4, one.ipv6].into_iter().flatten();
                families.any(|family| matches!(family.address, Origin::Static(..)))
            };
            let is_recorded = seen.mark.as_ref().is_some_and(|mark| mark.born.is_some());
            // The guest of a blank disk is not configured by fmc.
            let is_configured = domain.born.as_ref().is_some_and(|born| born.provisioner.is_some());
            let mut on: BTreeMap<Address, Vec<&BornInterface>> = BTreeMap::new();
            for interface in known(domain, seen) {
                // A network may be called otherwise now, and another one may have its name.
                let mut born = domain.born.iter().flat_map(|born| &born.interfaces);
                let now = born.find(|now| now.mac == interface.mac);
                let network = address.beside(kind::NETWORK, &*now.unwrap_or(interface).network);
                let was = were.get(&address.beside(kind::NETWORK, &*interface.network));
                let Some(now) = later.get(&network) else { continue };
                if was.is_none_or(|was| was != now) {
                    on.entry(network).or_default().push(interface);
                }
            }
            for (network, interfaces) in on {
                let guests = all.entry(network).or_default();
                let name = domain.name.to_string();
                if interfaces.iter().any(|one| has_own(one) && !(is_recorded && is_wanted(one))) {
                    if is_configured { &mut guests.fixed } else { &mut guests.by_hand }.push(name);
                } else if interfaces.iter().any(|one| !has_own(one)) && seen.record.active {
                    guests.asking.push(name);
                }
            }
        }
        all
    }
}

/// The interfaces as a guest knows them. A mark of an earlier version does not say: then they are as the cloud wants them,
/// unless its boot configuration is the wanted one.
fn known<'a>(domain: &'a DomainDocument, seen: &'a DomainObject) -> &'a [BornInterface] {
    let recorded = seen.mark.as_ref().and_then(|mark| mark.born.as_ref());
    let born = match recorded {
        Some(born) => Some(born),
        None if older(domain, seen).1 => domain.born.as_ref(),
        None => None,
    };
    born.map(|born| born.interfaces.as_slice()).unwrap_or_default()
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
