//! What is wanted of a server's zones: the zones, and the names in them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::dns::{DnsName, RecordData, ZoneContent, ZoneServer};
use fmc_core::graph::{Address, Carries, Edge, Node, Place, Wanted};

use crate::host_keys::HostKeys;
use crate::object::Mark;
use crate::records::{SSHFP, Sets, fingerprint, is_servers_own, sets};

/// The kind of a name with its records.
pub(crate) const NAME_KIND: &str = "name";

/// The kind of a zone: its names exist once it is served.
pub(crate) const ZONE_KIND: &str = "zone";

/// What a document is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// The zone itself.
    Zone(Box<[DnsName]>),
    /// A name with its records.
    Name(Box<Name>),
}

impl Part {
    /// The wanted name; `None` for a zone.
    pub(crate) fn name(&self) -> Option<&Name> {
        match self {
            Self::Zone(_) => None,
            Self::Name(name) => Some(name),
        }
    }

    /// The servers that the cloud names for a zone; none for a name.
    pub(crate) fn servers(&self) -> &[DnsName] {
        match self {
            Self::Zone(servers) => servers,
            Self::Name(_) => &[],
        }
    }
}

/// A wanted name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) owner: DnsName,
    pub(crate) sets: Sets,
    /// Whose it is.
    pub(crate) cloud: Arc<str>,
    /// The hosts that must have an address before it, as those that take its mail.
    pub(crate) targets: Vec<DnsName>,
    /// Whether it is a machine's with an SSH host key that nobody can tell here: then the fingerprints that are there stay.
    pub(crate) keeps_fingerprints: bool,
}

impl Name {
    /// The records that are wanted beside those that were seen.
    pub(crate) fn beside(&self, seen: &Sets) -> Cow<'_, Sets> {
        match seen.get(&SSHFP).filter(|_| self.keeps_fingerprints) {
            Some(there) => {
                let mut sets = self.sets.clone();
                sets.insert(SSHFP, there.clone());
                Cow::Owned(sets)
            }
            None => Cow::Borrowed(&self.sets),
        }
    }

    /// The mark that is written with it.
    pub(crate) fn mark(&self) -> Mark {
        Mark { owner: self.cloud.to_string(), made: Some(fingerprint(&self.sets)) }
    }
}

/// Adds a zone and its names at a place. `document` makes the provider's document of each part.
pub(crate) fn add<D>(
    wanted: &mut Wanted<D>,
    place: &Place,
    machine: Option<&Address>,
    zone: &ZoneContent,
    zones: &[ZoneContent],
    host_keys: &HostKeys,
    document: impl Fn(Part) -> D,
) {
    wanted.places.insert(place.clone());
    let cloud = Arc::clone(&wanted.owner);
    let at = Address::new(place.clone(), ZONE_KIND, zone.name.bare());
    let edge = |to: &Address| Edge { to: to.clone(), carries: Carries::Exists };
    let node = Node {
        document: Arc::new(document(Part::Zone(zone.servers().cloned().collect()))),
        needs: machine.map(edge).into_iter().collect(),
        part_of: None,
    };
    wanted.nodes.insert(at.clone(), node);
    for (name, all) in &zone.sets {
        let is_apex = *name == zone.name;
        let mut sets = sets(all.iter().filter(|(kind, _)| !is_servers_own(**kind, is_apex)));
        let Some(ttl) = sets.values().next().map(|set| set.ttl) else { continue };
        let keeps_fingerprints = host_keys.add(name, ttl, &mut sets);
        let data = all.values().flat_map(|set| &set.data);
        let targets = data.filter_map(|data| match data {
            RecordData::Mx { exchange, .. } if exchange != name => Some(exchange.clone()),
            _ => None,
        });
        let targets = targets.collect();
        let part = Part::Name(Box::new(Name {
            owner: name.clone(),
            sets,
            cloud: Arc::clone(&cloud),
            targets,
            keeps_fingerprints,
        }));
        let node = Node { document: Arc::new(document(part)), needs: vec![edge(&at)], part_of: None };
        let called = if is_in_inner(name, &zone.name, zones.iter().map(|zone| &zone.name)) {
            inner(name.bare(), &zone.name)
        } else {
            name.bare().to_owned()
        };
        wanted.nodes.insert(Address::new(place.clone(), NAME_KIND, called), node);
    }
}

/// A host that takes mail comes before the record that leads to it: BIND refuses an MX record of a name without an address.
pub(crate) fn hosts_first<D>(wanted: &mut Wanted<D>, name: impl Fn(&D) -> Option<&Name>) {
    let with: BTreeMap<Address, Vec<DnsName>> = wanted
        .nodes
        .iter()
        .filter_map(|(at, node)| Some((at.clone(), name(&node.document)?.targets.clone())))
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

/// The machine that a server is on, as the provider of hypervisors calls it.
pub(crate) fn machine_of(server: &ZoneServer, checked: &Checked) -> Option<Address> {
    machine_called(server.machine.as_ref()?, checked)
}

/// A machine of the cloud, as the provider of hypervisors calls it.
pub(crate) fn machine_called(name: &str, checked: &Checked) -> Option<Address> {
    const MACHINE: (&str, &str) = ("libvirt", "domain");
    let machine = checked.machine(name)?;
    let host = checked.at(machine.host)?;
    Some(Address::new(Place::new(MACHINE.0, host.name.as_str()), MACHINE.1, machine.name.as_str()))
}

/// Whether another one of these zones, inside the zone, has the name too.
pub(crate) fn is_in_inner<'a>(
    name: &DnsName,
    zone: &DnsName,
    zones: impl IntoIterator<Item = &'a DnsName>,
) -> bool {
    let depth = |zone: &DnsName| zone.labels().count();
    zones.into_iter().any(|other| depth(other) > depth(zone) && name.is_within(other))
}

/// How a name is called in a plan if another zone of the server has it too: the servers of a zone inside another one.
pub(crate) fn inner(bare: &str, zone: &DnsName) -> String {
    format!("{bare}@{}", zone.bare())
}
