//! Networks: how machines reach each other, the host and the world.

use serde::{Deserialize, Serialize};

use crate::addr::{Ip, IpRange, Mac, Subnet};
use crate::field::{is_yes, yes};
use crate::given::Given;
use crate::name::{BridgeName, DomainName, HostName, Hostname, NetworkName};
use crate::named::{Keyed, unnamed};
use crate::unit::Mtu;

/// How a network forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NetworkMode {
    /// Masqueraded by libvirt: machines reach the world, nothing new reaches them.
    Nat,
    /// Routed by the host, with libvirt's rules for its subnet. The host's nft table masquerades what leaves it.
    Routed,
    /// Routed by the host, without any rule of libvirt's.
    Open,
    /// Not forwarded: machines reach each other and the host.
    Isolated,
    /// A bridge that the host has already: machines are on the host's own LAN.
    Bridge,
}

/// A DHCP reservation for something that is no machine of the cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Reservation {
    /// Whose address it is.
    pub mac: Given<Mac>,
    /// The address.
    pub address: Given<Ip>,
    /// The name that DHCP gives with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Given<Hostname>>,
}

impl Reservation {
    /// This MAC gets this address.
    pub fn new(mac: impl Into<Given<Mac>>, address: impl Into<Given<Ip>>) -> Self {
        Self { mac: mac.into(), address: address.into(), hostname: None }
    }

    /// The name that it gets.
    #[must_use]
    pub fn hostname(mut self, name: impl Into<Given<Hostname>>) -> Self {
        self.hostname = Some(name.into());
        self
    }
}

/// A network. Gateway, bridge, UUID and MAC are derived and stable; what is said overrides what is derived.
///
/// ```
/// use fmc_core::network::Network;
///
/// let lab = Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199").domain("lab.example.com");
/// let lan = Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1");
/// # let _ = (lab, lan);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Network {
    /// Its name.
    #[serde(skip, default = "unnamed")]
    pub name: Given<NetworkName>,
    /// How it forwards: `nat`, `routed`, `open`, `isolated`, or `bridge` for one that the host has already.
    pub mode: NetworkMode,
    /// The host that it is on. Needed only in a cloud of several hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Given<HostName>>,
    /// Its bridge; derived from its name if not said, the host's own for the mode `bridge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<Given<BridgeName>>,
    /// Its IPv4 subnet, as `10.17.3.0/24`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<Given<Subnet>>,
    /// Its IPv4 gateway; the subnet's first address if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Given<Ip>>,
    /// The range of IPv4 addresses that DHCP hands out; none if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp: Option<Given<IpRange>>,
    /// Its IPv6 subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Given<Subnet>>,
    /// Its IPv6 gateway; the subnet's first address if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway6: Option<Given<Ip>>,
    /// The range of IPv6 addresses that DHCP hands out; none if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp6: Option<Given<IpRange>>,
    /// Addresses reserved for what is no machine of the cloud.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<Reservation>,
    /// Its DNS domain; the cloud's if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Given<DomainName>>,
    /// The largest packet on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Given<Mtu>>,
    /// Whom its machines ask for names, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<Given<Ip>>,
    /// Whether it starts with the host; it does if not said.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub autostart: bool,
}

impl Network {
    /// A network of a mode; the named constructors say more.
    pub fn new(name: impl Into<Given<NetworkName>>, mode: NetworkMode) -> Self {
        Self {
            name: name.into(),
            mode,
            host: None,
            bridge: None,
            subnet: None,
            gateway: None,
            dhcp: None,
            ipv6: None,
            gateway6: None,
            dhcp6: None,
            reservations: Vec::new(),
            domain: None,
            mtu: None,
            resolvers: Vec::new(),
            autostart: true,
        }
    }

    /// A masqueraded network with an IPv4 subnet.
    pub fn nat(name: impl Into<Given<NetworkName>>, subnet: impl Into<Given<Subnet>>) -> Self {
        Self::new(name, NetworkMode::Nat).subnet(subnet)
    }

    /// A routed network with an IPv4 subnet.
    pub fn routed(name: impl Into<Given<NetworkName>>, subnet: impl Into<Given<Subnet>>) -> Self {
        Self::new(name, NetworkMode::Routed).subnet(subnet)
    }

    /// A routed network without firewall rules of libvirt's.
    pub fn open(name: impl Into<Given<NetworkName>>, subnet: impl Into<Given<Subnet>>) -> Self {
        Self::new(name, NetworkMode::Open).subnet(subnet)
    }

    /// A network that is not forwarded.
    pub fn isolated(name: impl Into<Given<NetworkName>>, subnet: impl Into<Given<Subnet>>) -> Self {
        Self::new(name, NetworkMode::Isolated).subnet(subnet)
    }

    /// A bridge that every host of its machines has already.
    pub fn bridge(name: impl Into<Given<NetworkName>>, bridge: impl Into<Given<BridgeName>>) -> Self {
        Self { bridge: Some(bridge.into()), ..Self::new(name, NetworkMode::Bridge) }
    }

    /// The host that it is on. Needed only in a cloud of several hosts, and not for a host bridge.
    #[must_use]
    pub fn host(mut self, host: impl Into<Given<HostName>>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The name of its bridge, at most 15 characters; `br-` and the network's name if not said.
    #[must_use]
    pub fn bridge_name(mut self, bridge: impl Into<Given<BridgeName>>) -> Self {
        self.bridge = Some(bridge.into());
        self
    }

    /// The IPv4 subnet.
    #[must_use]
    pub fn subnet(mut self, subnet: impl Into<Given<Subnet>>) -> Self {
        self.subnet = Some(subnet.into());
        self
    }

    /// The router's address: the bridge's own, which is the first of the subnet if not said; on a host bridge the
    /// LAN's router, and none if not said.
    #[must_use]
    pub fn gateway(mut self, address: impl Into<Given<Ip>>) -> Self {
        self.gateway = Some(address.into());
        self
    }

    /// The dynamic range of DHCP, as `10.17.3.100-10.17.3.199`. Without it only reservations are answered.
    #[must_use]
    pub fn dhcp(mut self, range: impl Into<Given<IpRange>>) -> Self {
        self.dhcp = Some(range.into());
        self
    }

    /// The IPv6 subnet, beside or instead of the IPv4 one.
    #[must_use]
    pub fn ipv6(mut self, subnet: impl Into<Given<Subnet>>) -> Self {
        self.ipv6 = Some(subnet.into());
        self
    }

    /// The router's IPv6 address, by the rules of [`gateway`](Self::gateway).
    #[must_use]
    pub fn gateway6(mut self, address: impl Into<Given<Ip>>) -> Self {
        self.gateway6 = Some(address.into());
        self
    }

    /// The dynamic range of `DHCPv6`.
    #[must_use]
    pub fn dhcp6(mut self, range: impl Into<Given<IpRange>>) -> Self {
        self.dhcp6 = Some(range.into());
        self
    }

    /// A reservation for something that is no machine of the cloud.
    #[must_use]
    pub fn reservation(mut self, reservation: Reservation) -> Self {
        self.reservations.push(reservation);
        self
    }

    /// The DNS domain of its machines; the cloud's if not said.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<Given<DomainName>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Its MTU in bytes; 1,500 if not said.
    #[must_use]
    pub fn mtu(mut self, mtu: impl Into<Given<Mtu>>) -> Self {
        self.mtu = Some(mtu.into());
        self
    }

    /// Whom its machines ask for names, in order; the cloud's resolvers if not said, and without those the gateway.
    #[must_use]
    pub fn resolvers<R: Into<Given<Ip>>>(mut self, resolvers: impl IntoIterator<Item = R>) -> Self {
        self.resolvers = resolvers.into_iter().map(Into::into).collect();
        self
    }

    /// Whether it starts with the host; it does if not said.
    #[must_use]
    pub fn autostart(mut self, on: bool) -> Self {
        self.autostart = on;
        self
    }
}

impl Keyed for Network {
    type Name = NetworkName;

    fn name(&self) -> &Given<NetworkName> {
        &self.name
    }

    fn with_name(self, name: Given<NetworkName>) -> Self {
        Self { name, ..self }
    }
}
