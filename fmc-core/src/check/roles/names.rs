//! The names that networks publish for the roles of machines that ask them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::by_address;
use crate::checked::build::Building;
use crate::checked::{Idx, Network, PublishedName};
use crate::finding::{At, Finding};
use crate::name::Fqdn;
use crate::role::{Assigned, Site};

/// Lets the networks know the names of all roles.
pub(super) fn publish(cloud: &mut Building, assigned: &[Assigned], findings: &mut Vec<Finding>) {
    let mut all: BTreeMap<IpAddr, BTreeSet<Fqdn>> = BTreeMap::new();
    let mut by_network: BTreeMap<Idx<Network>, BTreeMap<IpAddr, BTreeSet<Fqdn>>> = BTreeMap::new();
    for one in assigned {
        let Some(machine) = cloud.at(one.machine) else { continue };
        let site = Site::new(cloud, machine, assigned);
        let names = one.role.names(&site).checked(&At::ROOT.key(&one.at), findings);
        for (address, name) in &names {
            all.entry(*address).or_default().insert(name.clone());
        }
        for (network, _) in site.forwarders() {
            let known = by_network.entry(network).or_default();
            for (address, name) in &names {
                known.entry(*address).or_default().insert(name.clone());
            }
        }
    }
    let published = all.into_iter();
    let published =
        published.map(|(address, names)| PublishedName { address, names: names.into_iter().collect() });
    let published = published.collect();
    cloud.set_published(published);
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
