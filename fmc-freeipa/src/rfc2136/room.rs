//! The provider's part of a cloud: zones and names that follow from its DNS.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::dns::{DnsName, RecordData, ZoneContent, ZoneServer, servers_of, zones_of};
use fmc_core::graph::{Address, Carries, Edge, Model as _, Node, Place, Seen, Verdict, Wanted};
#[cfg(feature = "sim")]
use fmc_core::provider::SimulationError;
use fmc_core::provider::{ByHand, Drift, DriftKind, Drifted, Moved, Room};
use fmc_core::secret::{SecretRef, Secrets};

use super::document::{Access, Document, Name, Part};
use super::model::DnsObject;
use super::observe::inner;
use super::rr::{fingerprint, is_servers_own, sets};
use super::{NAME, NAME_KIND, Rfc2136, ZONE_KIND};

impl Room for Rfc2136 {
    const NAME: &'static str = NAME;

    fn documents(&self, checked: &Checked) -> Wanted<Document> {
        let owner: Arc<str> = checked.owner().as_str().into();
        let mut wanted = Wanted::nothing(Arc::clone(&owner));
        let servers: BTreeMap<String, Arc<Access>> = servers_of(checked)
            .into_iter()
            .filter_map(|server| Some((server.name.clone(), Arc::new(access(server, checked)?))))
            .collect();
        let zones = zones_of(checked);
        for zone in &zones {
            let Some(access) = zone.server.as_ref().and_then(|server| servers.get(server)) else { continue };
            add(&mut wanted, zone, &zones, access, &owner);
        }
        hosts_first(&mut wanted);
        wanted
    }

    /// The zones as files, for servers that take no updates and for a server's first start.
    fn by_hand(&self, checked: &Checked) -> Vec<ByHand> {
        let zones = zones_of(checked).into_iter();
        let kept: Vec<String> = servers_of(checked)
            .into_iter()
            .filter(|server| server.key.is_some())
            .map(|server| server.name)
            .collect();
        let by_hand = zones.filter(|zone| zone.server.as_ref().is_none_or(|server| !kept.contains(server)));
        by_hand
            .map(|zone| ByHand {
                place: zone.server.clone().unwrap_or_else(|| zone.name.bare().to_owned()).into(),
                path: format!("dns/{}.zone", zone.name.bare()),
                kind: "zone",
                text: zone.file().into(),
                why: format!("The zone {} is served from its file", zone.name.bare()),
                loads: "named-checkzone",
            })
            .collect()
    }

    fn secrets<'a>(&self, document: &'a Document) -> Vec<&'a SecretRef> {
        document.access.secrets().collect()
    }

    fn with_secrets(&self, secrets: Arc<dyn Secrets + Send + Sync>) -> Option<Self> {
        Some(Self { secrets: Some(secrets), ..self.clone() })
    }

    fn nouns(&self) -> &'static [(&'static str, &'static str)] {
        &[(NAME_KIND, "name")]
    }

    fn former<'a>(&self, object: &'a DnsObject) -> Option<&'a str> {
        object.many.map(|_| object.zone.as_str())
    }

    /// A name whose mark has the hash of the wanted records was changed by somebody else.
    fn drift(&self, wanted: &Wanted<Document>, seen: &Seen<DnsObject>) -> Drift {
        let mut found = Drift::unknown_of(seen);
        for (at, node) in &wanted.nodes {
            let Some((name, object)) = node.document.name().zip(seen.object(at)) else { continue };
            if let Verdict::Differs(changes) = self.compare(at, &node.document, object) {
                let made = object.mark.as_ref().and_then(|mark| mark.made);
                let is_known = made == Some(fingerprint(&name.sets));
                let list = if is_known { &mut found.drift } else { &mut found.unclear };
                list.push(Drifted {
                    address: at.clone(),
                    part_of: None,
                    kind: DriftKind::Changed,
                    changes: changes.into_iter().map(Moved::from).collect(),
                });
            }
        }
        found
    }

    #[cfg(feature = "sim")]
    fn simulation(&self, state: Option<&str>) -> Result<Option<Self>, SimulationError> {
        Self::in_memory(state).map(Some)
    }

    #[cfg(feature = "sim")]
    fn simulated(&self) -> Option<String> {
        self.simulated.as_ref().and_then(super::sim::Simulated::state)
    }
}

/// How a server is reached; `None` if it has no key, so that its zones are files.
fn access(server: ZoneServer, checked: &Checked) -> Option<Access> {
    // The address of a machine, as the provider of hypervisors gives it.
    const MACHINE: (&str, &str) = ("libvirt", "domain");
    let machine = server.machine.as_ref().and_then(|name| checked.machine(name));
    let host = machine.and_then(|machine| checked.at(machine.host));
    let machine = machine.zip(host).map(|(machine, host)| {
        Address::new(Place::new(MACHINE.0, host.name.as_str()), MACHINE.1, machine.name.as_str())
    });
    let key = server.key?;
    let transfer_key = server.transfer_key.unwrap_or_else(|| key.clone());
    Some(Access { name: server.name, address: server.address, port: server.port, key, transfer_key, machine })
}

/// Adds a zone and its names.
fn add(
    wanted: &mut Wanted<Document>,
    zone: &ZoneContent,
    zones: &[ZoneContent],
    access: &Arc<Access>,
    owner: &Arc<str>,
) {
    let place = Place::new(NAME, access.name.as_str());
    wanted.places.insert(place.clone());
    let at = Address::new(place.clone(), ZONE_KIND, zone.name.bare());
    let edge = |to: &Address| Edge { to: to.clone(), carries: Carries::Exists };
    let document = |part| {
        Arc::new(Document { access: Arc::clone(access), zone: zone.name.clone(), part, is_agreed: false })
    };
    let needs = access.machine.iter().map(edge).collect();
    wanted.nodes.insert(at.clone(), Node { document: document(Part::Zone), needs, part_of: None });
    for (name, all) in &zone.sets {
        let is_apex = *name == zone.name;
        let sets = sets(all.iter().filter(|(kind, _)| !is_servers_own(**kind, is_apex)));
        if sets.is_empty() {
            continue;
        }
        let data = all.values().flat_map(|set| &set.data);
        let targets = data.filter_map(|data| match data {
            RecordData::Mx { exchange, .. } if exchange != name => Some(exchange.clone()),
            _ => None,
        });
        let targets = targets.collect();
        let part =
            Part::Name(Box::new(Name { owner: name.clone(), sets, cloud: Arc::clone(owner), targets }));
        let node = Node { document: document(part), needs: vec![edge(&at)], part_of: None };
        let called = if is_in_inner(name, zone, zones) {
            inner(name.bare(), &zone.name)
        } else {
            name.bare().to_owned()
        };
        wanted.nodes.insert(Address::new(place.clone(), NAME_KIND, called), node);
    }
}

/// A host that takes mail comes before the record that leads to it: BIND refuses an MX record of a name without an address.
fn hosts_first(wanted: &mut Wanted<Document>) {
    let mail = |name: &Name| name.targets.clone();
    let with: BTreeMap<Address, Vec<DnsName>> = wanted
        .nodes
        .iter()
        .filter_map(|(at, node)| Some((at.clone(), node.document.name().map(mail)?)))
        .filter(|(_, targets)| !targets.is_empty())
        .collect();
    for (at, targets) in &with {
        let hosts = targets.iter().map(|target| at.beside(NAME_KIND, target.bare()));
        // Two names that lead to each other have no order.
        let hosts = hosts.filter(|host| wanted.nodes.contains_key(host) && !with.contains_key(host));
        let edges: Vec<Edge> = hosts.map(|to| Edge { to, carries: Carries::Exists }).collect();
        if let Some(node) = wanted.nodes.get_mut(at) {
            node.needs.extend(edges);
        }
    }
}

/// Whether another zone inside this one has the name too.
fn is_in_inner(name: &DnsName, zone: &ZoneContent, zones: &[ZoneContent]) -> bool {
    let depth = |zone: &ZoneContent| zone.name.labels().count();
    zones.iter().any(|other| depth(other) > depth(zone) && name.is_within(&other.name))
}
