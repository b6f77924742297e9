//! Which addresses a peer stands for.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Addressing, Checked, CheckedGroup, CheckedPeer, Idx, Machine, Network};
use crate::addr::Subnet;
use crate::flow::{Group, Peer};

/// The addresses that a peer calls from, as a firewall writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// All addresses.
    Anywhere,
    /// These subnets; a single address is a subnet of its whole length.
    Subnets(BTreeSet<Subnet>),
}

impl Sources {
    /// The sources of a peer.
    pub fn of(cloud: &Checked, peer: &CheckedPeer) -> Self {
        Self::Subnets(match peer {
            CheckedPeer::Anywhere => return Self::Anywhere,
            CheckedPeer::Subnet(subnet) | CheckedPeer::Inside { subnet, .. } => BTreeSet::from([*subnet]),
            CheckedPeer::Network(network) => {
                // A LAN without a stated subnet is anywhere, as far as anybody knows.
                let subnets = subnets_of(cloud, *network);
                if subnets.is_empty() {
                    return Self::Anywhere;
                }
                subnets
            }
            CheckedPeer::Machine(machine) => {
                cloud.at(*machine).map(|machine| addresses_of(cloud, machine)).unwrap_or_default()
            }
            CheckedPeer::SubnetOfRole(group) => {
                cloud.roles.get(group).map(|members| members.subnets.clone()).unwrap_or_default()
            }
            CheckedPeer::Role(group) => {
                let members = cloud.roles.get(group).into_iter().flat_map(|members| &members.machines);
                let machines = members.filter_map(|&at| cloud.at(at));
                machines.flat_map(|machine| addresses_of(cloud, machine)).collect()
            }
        })
    }

    /// The sources of a peer of a draft; `None` for a peer that is wrong, which has a finding, or inside of the machine.
    pub(crate) fn said(cloud: &Checked, peer: &Peer) -> Option<Self> {
        let group = |group: &Group| {
            Some(Arc::new(CheckedGroup {
                kind: group.kind.ok()?.clone(),
                instance: group.instance.as_deref().map(Into::into),
            }))
        };
        let checked = match peer {
            Peer::Anywhere => CheckedPeer::Anywhere,
            Peer::Network(name) => CheckedPeer::Network(cloud.find(name.ok()?.as_str())?),
            Peer::Subnet(subnet) => CheckedPeer::Subnet(*subnet.ok()?),
            Peer::Machine(name) => CheckedPeer::Machine(cloud.find(name.ok()?.as_str())?),
            Peer::SubnetOfRole(role) => CheckedPeer::SubnetOfRole(group(role)?),
            Peer::Role(role) => CheckedPeer::Role(group(role)?),
            Peer::Inside { .. } => return None,
        };
        Some(Self::of(cloud, &checked))
    }

    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Subnets(subnets) => subnets.iter().any(|subnet| subnet.contains(address)),
        }
    }

    /// Whether all of a subnet is among them.
    pub fn covers(&self, subnet: Subnet) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Subnets(subnets) => subnets
                .iter()
                .any(|other| other.prefix_len() <= subnet.prefix_len() && other.contains(subnet.network())),
        }
    }
}

/// The subnets of a network.
pub(crate) fn subnets_of(cloud: &Checked, network: Idx<Network>) -> BTreeSet<Subnet> {
    let network = cloud.at(network);
    let families = network.into_iter().flat_map(|network| [&network.ipv4, &network.ipv6]);
    families.flatten().map(|family| family.subnet).collect()
}

/// A machine's addresses; for an interface without a fixed address, its network's subnets.
pub(crate) fn addresses_of(cloud: &Checked, machine: &Machine) -> BTreeSet<Subnet> {
    let mut found = BTreeSet::new();
    for interface in &machine.interfaces {
        for addressing in [interface.ipv4, interface.ipv6].into_iter().flatten() {
            match addressing {
                Addressing::Static(address) | Addressing::Reserved(address) => {
                    found.insert(Subnet::single(address));
                }
                Addressing::Dynamic => found.extend(subnets_of(cloud, interface.network)),
            }
        }
    }
    found
}
