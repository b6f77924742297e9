//! The names that networks publish for the roles of machines that ask them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::by_address;
use crate::checked::build::Building;
use crate::checked::{Forward, Idx, Network, PublishedName};
use crate::dns::{DnsName, derive::forwarders_of};
use crate::finding::{At, Finding};
use crate::name::Fqdn;
use crate::role::{Assigned, Site};

/// Lets the cloud's DNS or the networks know the names of all roles. A name in a zone that a server has stands there alone, and each
/// network asks the server for it; every other name is with the networks of the machines that ask for it.
pub(super) fn publish(cloud: &mut Building, assigned: &[Assigned], findings: &mut Vec<Finding>) {
    let mut all: BTreeMap<IpAddr, BTreeSet<Fqdn>> = BTreeMap::new();
    let mut asked: Vec<Asked> = Vec::new();
    for one in assigned {
        let Some(machine) = cloud.at(one.machine) else { continue };
        let site = Site::new(cloud, machine, assigned);
        let names = one.role.names(&site).checked(&At::ROOT.key(&one.at), findings);
        for (address, name) in &names {
            all.entry(*address).or_default().insert(name.clone());
        }
        asked.extend(site.forwarders().map(|(network, _)| Asked { network, names: names.clone() }));
    }
    let published = all.into_iter();
    let published =
        published.map(|(address, names)| PublishedName { address, names: names.into_iter().collect() });
    let published = published.collect();
    cloud.set_published(published);
    forward(cloud);
    let mut by_network: BTreeMap<Idx<Network>, BTreeMap<IpAddr, BTreeSet<Fqdn>>> = BTreeMap::new();
    for Asked { network, names } in asked {
        let forwarders = cloud.at(network).map_or(&[][..], |network| &network.forwarders);
        let is_forwarded = |name: &Fqdn| {
            let name = DnsName::from(name);
            forwarders.iter().any(|forwarder| name.is_within(&forwarder.zone))
        };
        for (address, name) in names.into_iter().filter(|(_, name)| !is_forwarded(name)) {
            by_network.entry(network).or_default().entry(address).or_default().insert(name);
        }
    }
    if by_network.is_empty() {
        return;
    }
    let machines = by_address(cloud);
    for (network, names) in by_network {
        let each = names.into_iter().map(|(address, mut names)| {
            // A reverse lookup gives the first name of an address: the machine's, and not a role's.
            let machine = machines.get(&address).and_then(|&at| cloud.at(at));
            let own = machine.and_then(|machine| machine.fqdn.clone());
            names.retain(|name| Some(name) != own.as_ref());
            PublishedName { address, names: own.into_iter().chain(names).collect() }
        });
        let each = each.collect();
        if let Some(network) = cloud.network_mut(network) {
            network.names = each;
        }
    }
}

/// Lets every network that has a forwarder of its own ask the servers of the cloud's zones.
fn forward(cloud: &mut Building) {
    let forwarders = forwarders_of(cloud);
    if forwarders.is_empty() {
        return;
    }
    for (_, network) in cloud.networks_mut().filter(|(_, network)| network.forward != Forward::Bridge) {
        network.forwarders.clone_from(&forwarders);
    }
}

/// The names that a machine asks a network for.
struct Asked {
    network: Idx<Network>,
    names: Vec<(IpAddr, Fqdn)>,
}
