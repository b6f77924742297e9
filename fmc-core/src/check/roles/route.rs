//! Whether one machine's calls reach another over libvirt's networks, and from which address they seem to come.
//!
//! The rules are those of libvirt's *Firewall and network filtering in libvirt*, as for resolvers
//! (`check/route/resolver.rs`): an isolated or masqueraded network takes no new connections, a routed or open one takes
//! all; packets from a masqueraded network have the address of the bridge that they leave by. The model does not
//! include forwarding by a LAN or another host.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::checked::{Checked, Forward, Host, Idx, Machine, Network};

/// The place of a machine on its networks; machines of the same place reach the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The host.
    host: Option<Idx<Host>>,
    /// The networks, by index, in the order of the interfaces.
    pub(super) networks: Vec<Idx<Network>>,
    /// The interface of the default route.
    default: Option<Idx<Network>>,
}

/// The places of a cloud's machines.
pub(super) struct Places {
    /// Each place, once.
    pub(super) all: Vec<Place>,
    /// The place of each machine.
    of: Vec<usize>,
}

/// The way of a call from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// With the address that the caller has on this network.
    Direct { leaves: Idx<Network> },
    /// With an address of the host, which is known on libvirt's own networks.
    Hidden { leaves: Idx<Network>, enters: Idx<Network>, seen: Option<IpAddr> },
    /// By a router between hosts that is not in the cloud.
    Foreign { leaves: Idx<Network>, enters: Idx<Network> },
    /// The network that it would enter takes nothing new.
    Refused { leaves: Idx<Network>, enters: Idx<Network> },
    /// The call cannot leave any of the caller's networks.
    Shut { enters: Idx<Network> },
}

impl Places {
    pub(super) fn of(cloud: &Checked) -> Self {
        let mut known: BTreeMap<Place, usize> = BTreeMap::new();
        let mut of = Vec::with_capacity(cloud.machines().len());
        for machine in cloud.machines() {
            let next = known.len();
            of.push(*known.entry(Place::of(machine)).or_insert(next));
        }
        let mut all: Vec<(usize, Place)> = known.into_iter().map(|(place, at)| (at, place)).collect();
        all.sort_unstable_by_key(|(at, _)| *at);
        Self { all: all.into_iter().map(|(_, place)| place).collect(), of }
    }

    /// The place of a machine.
    pub(super) fn of_machine(&self, machine: Idx<Machine>) -> Option<usize> {
        self.of.get(machine.position()).copied()
    }
}

impl Place {
    fn of(machine: &Machine) -> Self {
        let default = machine.interfaces.iter().find(|interface| interface.default_route);
        Self {
            host: Some(machine.host),
            networks: machine.interfaces.iter().map(|interface| interface.network).collect(),
            default: default.map(|interface| interface.network),
        }
    }

    /// All machines on a network.
    pub(super) fn on(cloud: &Checked, network: Idx<Network>) -> Self {
        let host = cloud.at(network).and_then(|network| network.hosts.first());
        Self { host: host.copied(), networks: vec![network], default: Some(network) }
    }

    /// The best way to another place, by whichever of its networks.
    pub(super) fn way(&self, cloud: &Checked, to: &Self) -> Option<Way> {
        to.networks.iter().filter_map(|&enters| self.enter(cloud, enters)).min()
    }

    fn enter(&self, cloud: &Checked, enters: Idx<Network>) -> Option<Way> {
        if self.networks.contains(&enters) {
            return Some(Way::Direct { leaves: enters });
        }
        let to = cloud.at(enters)?;
        // A machine sends to its host's other routed networks by its own routed interface, and elsewhere by its default route.
        let routed = self.networks.iter().copied().find(|&at| {
            cloud.at(at).is_some_and(|net| is_routed(net) && is_routed(to) && net.hosts == to.hosts)
        });
        let Some(leaves) = routed.or(self.default) else { return Some(Way::Shut { enters }) };
        let from = cloud.at(leaves)?;
        Some(match (from.forward, to.forward) {
            (Forward::Isolated, _) => Way::Shut { enters },
            (_, Forward::Isolated | Forward::Nat) => Way::Refused { leaves, enters },
            // A LAN's router may know the way, and may not.
            (Forward::Bridge, _) => Way::Direct { leaves },
            (_, Forward::Bridge) if self.host.is_some_and(|host| to.hosts.contains(&host)) => {
                Way::Hidden { leaves, enters, seen: None }
            }
            (_, Forward::Bridge) => Way::Foreign { leaves, enters },
            _ if from.hosts != to.hosts => Way::Foreign { leaves, enters },
            (Forward::Nat, _) => Way::Hidden { leaves, enters, seen: gateway(to) },
            _ => Way::Direct { leaves },
        })
    }
}

fn is_routed(network: &Network) -> bool {
    matches!(network.forward, Forward::Routed | Forward::Open)
}

/// The host's address on a network of libvirt's own.
fn gateway(network: &Network) -> Option<IpAddr> {
    network.ipv4.as_ref().or(network.ipv6.as_ref()).and_then(|family| family.gateway)
}

/// How a network forwards, for a message.
pub(super) fn mode(network: &Network) -> &'static str {
    match network.forward {
        Forward::Nat => "masqueraded (nat)",
        Forward::Routed => "routed",
        Forward::Open => "open",
        Forward::Isolated => "isolated",
        Forward::Bridge => "a host bridge",
    }
}
