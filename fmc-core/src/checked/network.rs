//! A network of a checked cloud.

use std::net::IpAddr;

use uuid::Uuid;

use super::host::Host;
use super::index::Idx;
use crate::addr::{IpRange, Mac, Subnet};
use crate::dns::DnsName;
use crate::name::{BridgeName, DomainName, FormerNetworkName, Fqdn, Hostname, NetworkName};
use crate::unit::{Mtu, VlanId};

/// How a network forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forward {
    /// Masqueraded by libvirt; nothing new comes in.
    Nat,
    /// Routed, with libvirt's own rules: in and out by the subnet's addresses.
    Routed,
    /// Routed, without any rule of libvirt's.
    Open,
    /// Not forwarded.
    Isolated,
    /// A bridge that the host has already.
    Bridge,
}

/// A network.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Network {
    /// Its name.
    pub name: NetworkName,
    /// The name that it had before, if it was called otherwise.
    pub former_name: Option<FormerNetworkName>,
    /// The hosts that it is on: one, or for a host bridge every host whose machines use it.
    pub hosts: Vec<Idx<Host>>,
    /// How it forwards.
    pub forward: Forward,
    /// The bridge on the host: derived from the name, or the host's own.
    pub bridge: BridgeName,
    /// The VLAN that it is, if it is one: `bridge` is its own then.
    pub vlan: Option<Vlan>,
    /// IPv4, if the network has it.
    pub ipv4: Option<Family>,
    /// IPv6, if the network has it.
    pub ipv6: Option<Family>,
    /// The DNS domain of its machines.
    pub domain: Option<DomainName>,
    /// Its MTU, if it is not the default of 1,500 bytes.
    pub mtu: Option<Mtu>,
    /// DHCP reservations, by address: those of machines' interfaces and the user's own.
    pub reservations: Vec<Reservation>,
    /// Names that it answers for the roles of machines that ask it, by address; see
    /// [`CustomRole::names`](crate::role::CustomRole::names).
    pub names: Vec<PublishedName>,
    /// The zones of the cloud's own DNS whose names it asks their servers for. Empty for a host bridge.
    pub forwarders: Vec<ZoneForwarder>,
    /// Its UUID, derived from owner and name.
    pub uuid: Uuid,
    /// The MAC of the bridge, derived from the UUID; a host's own bridge has its own.
    pub mac: Mac,
    /// Whether it starts with the host.
    pub autostart: bool,
}

/// A VLAN of a host's bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vlan {
    /// The host's bridge whose uplink carries it.
    pub trunk: BridgeName,
    /// Its tag.
    pub id: VlanId,
}

/// One address family of a network.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Family {
    /// Its subnet.
    pub subnet: Subnet,
    /// The router's address in it: the bridge's own, or on a host bridge the LAN router's. `None` on a host bridge
    /// without one.
    pub gateway: Option<IpAddr>,
    /// The dynamic range of DHCP.
    pub dhcp: Option<IpRange>,
}

/// A DHCP reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reservation {
    /// Its owner.
    pub mac: Mac,
    /// The reserved address.
    pub address: IpAddr,
    /// The name that it gets.
    pub hostname: Option<Hostname>,
}

/// The names of an address in DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedName {
    /// The address.
    pub address: IpAddr,
    /// Its names, at least one. A reverse lookup gives the first, which is the name of its machine.
    pub names: Vec<Fqdn>,
}

/// A server that a network's forwarder asks for the names of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneForwarder {
    /// The zone.
    pub zone: DnsName,
    /// The address of its server, which listens on port 53.
    pub server: IpAddr,
}
