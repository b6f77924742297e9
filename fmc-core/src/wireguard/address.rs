//! Addresses in a tunnel, what its peers reach, and the size of its packets.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use super::leaf::TunnelEndpoint;
use super::{TunnelMachine, TunnelPerson, Wireguard};
use crate::addr::{Ip, Subnet};
use crate::checked::{Checked, Machine, Sources};
use crate::flow::Peer;
use crate::given::Given;
use crate::name::MachineName;
use crate::secret::{Generated, Secret};
use crate::unit::Mtu;

/// What `WireGuard` adds to a packet over IPv4: 20 bytes of IP, 8 of UDP, 32 of its own (wireguard.com, *Protocol*).
const OVER_IPV4: u16 = 60;

/// The same over IPv6, whose header has 40 bytes.
const OVER_IPV6: u16 = 80;

/// A peer of a tunnel.
#[derive(Clone, Copy)]
pub(super) enum Who<'a> {
    Gateway(&'a MachineName),
    Machine(&'a TunnelMachine),
    Person(&'a TunnelPerson),
}

impl<'a> Who<'a> {
    /// Its name; `None` if that is wrong.
    pub(super) fn name(self) -> Option<&'a str> {
        Some(match self {
            Self::Gateway(name) => name.as_str(),
            Self::Machine(machine) => machine.name.ok()?.as_str(),
            Self::Person(person) => person.name.ok()?.as_str(),
        })
    }

    /// Whether both are one peer.
    pub(super) fn is(self, other: Self) -> bool {
        (self.word(), self.name()) == (other.word(), other.name())
    }

    /// The machine that it is, in a cloud.
    pub(super) fn machine(self, cloud: &Checked) -> Option<&Machine> {
        match self {
            Self::Gateway(_) | Self::Machine(_) => cloud.machine(self.name()?),
            Self::Person(_) => None,
        }
    }

    /// What it is called in derived names and in messages.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Gateway(_) | Self::Machine(_) => "machine",
            Self::Person(_) => "person",
        }
    }

    /// Its place among the settings.
    pub(super) fn path(self) -> String {
        match self {
            Self::Gateway(_) => "gateway".to_owned(),
            Self::Machine(machine) => format!("machines.{}", machine.name),
            Self::Person(person) => format!("people.{}", person.name),
        }
    }

    /// The addresses that are said for it.
    pub(super) fn said(self) -> &'a [Given<Ip>] {
        match self {
            Self::Gateway(_) => &[],
            Self::Machine(machine) => &machine.addresses,
            Self::Person(person) => &person.addresses,
        }
    }

    /// What it reaches behind the gateway.
    pub(super) fn reach(self) -> &'a [Peer] {
        match self {
            Self::Gateway(_) => &[],
            Self::Machine(machine) => &machine.reach,
            Self::Person(person) => &person.reach,
        }
    }

    fn generation(self, tunnel: &Wireguard) -> u32 {
        match self {
            Self::Gateway(_) => tunnel.generation_of_gateway(),
            Self::Machine(machine) => machine.generation.unwrap_or(1),
            Self::Person(person) => person.generation.unwrap_or(1),
        }
    }
}

impl Wireguard {
    /// All peers: the gateway first, then machines, then people.
    pub(super) fn everyone(&self) -> impl Iterator<Item = Who<'_>> {
        let gateway = self.gateway_name().map(Who::Gateway);
        let machines = self.machines.iter().map(Who::Machine);
        gateway.into_iter().chain(machines).chain(self.people.iter().map(Who::Person))
    }

    /// The peers that one of them speaks with: a gateway with all, all with a gateway, and the machines of a mesh with each other.
    pub(super) fn peers_of<'s>(&'s self, own: Who<'s>) -> Vec<Who<'s>> {
        let others = self.everyone().filter(move |other| !other.is(own));
        match (own, self.gateway_name()) {
            (Who::Gateway(_), _) => others.collect(),
            (_, Some(gateway)) => vec![Who::Gateway(gateway)],
            (_, None) => others.filter(|other| matches!(other, Who::Machine(_))).collect(),
        }
    }

    /// The member that a machine of the cloud is.
    pub(super) fn member(&self, machine: &Machine) -> Option<Who<'_>> {
        let name = machine.name.as_str();
        let gateway = self.gateway_name().filter(|gateway| gateway.as_str() == name).map(Who::Gateway);
        let is_it = |other: &&TunnelMachine| other.name.ok().is_some_and(|other| other.as_str() == name);
        gateway.or_else(|| self.machines.iter().find(is_it).map(Who::Machine))
    }

    /// The subnets that are written rightly.
    pub(super) fn own_subnets(&self) -> impl Iterator<Item = Subnet> + '_ {
        self.subnets.iter().filter_map(Given::ok).copied()
    }

    /// The addresses of a peer, one of each subnet: those that are said, and otherwise those that follow from its name.
    pub(super) fn addresses(&self, who: Who<'_>) -> Vec<(IpAddr, Subnet)> {
        let said = |subnet: &Subnet| {
            let mut said = who.said().iter().filter_map(Given::ok).map(|ip| ip.get());
            said.find(|address| subnet.contains(*address))
        };
        let found = self.own_subnets().filter_map(|subnet| {
            let address = said(&subnet).or_else(|| derived(&subnet, who))?;
            Some((address, subnet))
        });
        found.collect()
    }

    /// The same as subnets of their whole length.
    pub(super) fn singles(&self, who: Who<'_>) -> Vec<Subnet> {
        self.addresses(who).into_iter().map(|(address, _)| Subnet::single(address)).collect()
    }

    /// What a peer reaches behind the gateway, each address once.
    pub(super) fn reached(&self, who: Who<'_>, cloud: &Checked) -> Vec<Subnet> {
        outermost(who.reach().iter().flat_map(|peer| self.reached_by(peer, cloud)).collect())
    }

    /// The addresses of one target. A machine of the tunnel is reached in the tunnel.
    pub(super) fn reached_by(&self, peer: &Peer, cloud: &Checked) -> BTreeSet<Subnet> {
        if let Peer::Machine(name) = peer
            && let Some(machine) = name.ok().and_then(|name| cloud.machine(name.as_str()))
            && let Some(member) = self.member(machine)
        {
            return self.singles(member).into_iter().collect();
        }
        match Sources::said(cloud, peer) {
            Some(Sources::Subnets(subnets)) => subnets,
            Some(Sources::Anywhere) | None => BTreeSet::new(),
        }
    }

    /// Where a peer is reached outside of the tunnel by another one; `None` if only it can begin.
    pub(super) fn outside(&self, who: Who<'_>, from: Who<'_>, cloud: &Checked) -> Option<TunnelEndpoint> {
        match (who, from) {
            (Who::Gateway(_), Who::Person(_)) => self.endpoint.as_ref().and_then(Given::ok).cloned(),
            _ => {
                let (machine, from) = (who.machine(cloud)?, from.machine(cloud)?);
                machine.address_towards(from).map(TunnelEndpoint::Address)
            }
        }
    }

    /// The MTU inside the tunnel for one of its peers.
    pub(super) fn tunnel_mtu(&self, who: Who<'_>, cloud: &Checked) -> u16 {
        match self.mtu.as_ref().and_then(Given::ok) {
            Some(said) => said.get(),
            None => self.greatest_mtu(who, cloud),
        }
    }

    /// The greatest MTU with which a packet of the tunnel still fits below it, on the way between a peer and each of its own peers.
    pub(super) fn greatest_mtu(&self, own: Who<'_>, cloud: &Checked) -> u16 {
        let below =
            |who: Who<'_>| who.machine(cloud).map_or(Mtu::ETHERNET.get(), |machine| below(cloud, machine));
        let here = below(own);
        let ways = self.peers_of(own).into_iter().map(|peer| {
            // People begin, so the way to them is the one by which they come.
            let end = match peer {
                Who::Person(_) => self.outside(own, peer, cloud),
                _ => self.outside(peer, own, cloud),
            };
            let added = match end {
                Some(TunnelEndpoint::Address(address)) if address.is_ipv4() => OVER_IPV4,
                _ => OVER_IPV6,
            };
            here.min(below(peer)).saturating_sub(added)
        });
        ways.min().unwrap_or(Mtu::ETHERNET.get() - OVER_IPV6)
    }

    /// The private key of a peer.
    pub(super) fn key(&self, who: Who<'_>) -> Secret {
        // The dot keeps the names of machines and people apart, whatever they are.
        let name = format!("{}-.{}", who.word(), who.name().unwrap_or_default());
        crate::role::SpanningRole::shared_secret(self, &name, Generated::WireguardKey)
            .generation(who.generation(self))
    }

    /// The key that two peers mix into theirs, against a later break of the curve.
    pub(super) fn pair_key(&self, one: Who<'_>, other: Who<'_>) -> Secret {
        let text = |who: Who<'_>| format!("{}.{}", who.word(), who.name().unwrap_or_default());
        let (one_text, other_text) = (text(one), text(other));
        let (low, high) =
            if one_text <= other_text { (one_text, other_text) } else { (other_text, one_text) };
        // It is another one as soon as one of the two has another key.
        let generation = one.generation(self).saturating_add(other.generation(self)).saturating_sub(1);
        crate::role::SpanningRole::shared_secret(
            self,
            &format!("pair-{low}-{high}"),
            Generated::WireguardPair,
        )
        .generation(generation)
    }
}

/// The smallest MTU of a machine's networks.
pub(super) fn below(cloud: &Checked, machine: &Machine) -> u16 {
    let networks = machine.interfaces.iter().filter_map(|interface| cloud.at(interface.network));
    networks.map(|network| network.mtu.unwrap_or(Mtu::ETHERNET).get()).min().unwrap_or(Mtu::ETHERNET.get())
}

/// How many addresses of a subnet can follow from names: without the network's, the gateway's and the last one.
pub(super) fn room(subnet: &Subnet) -> u64 {
    let whole: u8 = if subnet.is_ipv4() { 32 } else { 128 };
    let bits = u32::from(whole - subnet.prefix_len());
    // Half of the addresses of an IPv6 subnet of the usual size are enough for the 64 bits of a hash.
    1_u64.checked_shl(bits.min(63)).unwrap_or(u64::MAX).saturating_sub(3)
}

/// The address that follows from a name. It depends on nothing else, so that no other peer moves it.
fn derived(subnet: &Subnet, who: Who<'_>) -> Option<IpAddr> {
    if let Who::Gateway(_) = who {
        return Some(subnet.first_host());
    }
    let mut hash = Sha256::new();
    hash.update(b"address in a tunnel\0");
    hash.update(who.word());
    hash.update(b"\0");
    hash.update(who.name()?);
    let digest = hash.finalize();
    let number = digest.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))?;
    let index = number.checked_rem(room(subnet))?;
    subnet.nth(u128::from(index) + 2)
}

/// The subnets that are not inside another one: two subnets are either apart, or one contains the other.
pub(super) fn outermost(subnets: BTreeSet<Subnet>) -> Vec<Subnet> {
    let mut sorted: Vec<Subnet> = subnets.into_iter().collect();
    sorted.sort_by_key(|subnet| (subnet.network(), subnet.prefix_len()));
    let mut kept: Vec<Subnet> = Vec::new();
    for subnet in sorted {
        if kept.last().is_none_or(|last| !last.contains(subnet.network())) {
            kept.push(subnet);
        }
    }
    kept
}
