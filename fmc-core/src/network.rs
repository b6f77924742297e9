//! Networks: how machines reach each other, the host and the world.

use serde::{Deserialize, Serialize};

use crate::addr::{Ip, IpRange, Mac, Subnet};
use crate::draft::{Setting, choice, draft};
use crate::given::Given;
use crate::name::{BridgeName, DomainName, FormerNetworkName, HostName, Hostname, NetworkName};
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::{Mtu, VlanId};

/// How a network forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NetworkMode {
    /// Masqueraded by libvirt: machines reach the world, but new connections cannot reach them.
    Nat,
    /// Routed by the host, with libvirt's rules for its subnet. The host's nft table masquerades its traffic to the
    /// world.
    Routed,
    /// Routed by the host, without any rule of libvirt's.
    Open,
    /// Not forwarded: machines reach each other and the host.
    Isolated,
    /// A bridge that the host has already: machines are on the host's own LAN.
    Bridge,
}

draft! {
    /// A DHCP reservation for a device that is not a machine of the cloud.
    pub struct Reservation {
        /// The MAC of the device.
        #[needed]
        pub mac: Given<Mac>,
        /// The address.
        #[needed]
        pub address: Given<Ip>,
        /// The name that DHCP gives with it.
        pub hostname: Option<Given<Hostname>>,
    }

    /// This MAC gets this address.
    pub fn new(..);
}

draft! {
    /// A network. Gateway, bridge, UUID and MAC are derived and stable; a setting overrides the derived value.
    ///
    /// ```
    /// use fmc_core::network::Network;
    ///
    /// let lab = Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199").domain("lab.example.com");
    /// let lan = Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1");
    /// let office = Network::vlan("office", "br0", 30).subnet("10.30.0.0/24").gateway("10.30.0.1");
    /// # let _ = (lab, lan, office);
    /// ```
    pub struct Network {
        /// Its name.
        #[key]
        pub name: Given<NetworkName>,
        /// The name that it had before: its machines keep their MACs, which their guests know. Leave it here for as long as
        /// machines of that time are there. On its host it is another network.
        pub formerly: Option<Given<FormerNetworkName>>,
        /// How it forwards: `nat`, `routed`, `open`, `isolated`, or `bridge` for an existing bridge of the host.
        #[needed]
        pub mode: NetworkMode,
        /// The host that it is on. Needed only in a cloud of several hosts, and not for a host bridge.
        pub host: Option<Given<HostName>>,
        /// The name of its bridge, at most 15 characters; `br-` and the network's name by default. For the mode
        /// `bridge`, the host's own; with `vlan`, the host's bridge whose uplink carries the VLAN.
        #[setter(bridge_name)]
        pub bridge: Option<Given<BridgeName>>,
        /// The VLAN of `bridge` that it is, 1 to 4094 (IEEE 802.1Q), for the mode `bridge`. Its machines are on a bridge of
        /// its own, `br-` and the network's name, over a VLAN interface of the uplink of `bridge`.
        #[setter(vlan_id)]
        pub vlan: Option<Given<VlanId>>,
        /// Its IPv4 subnet, as `10.17.3.0/24`.
        pub subnet: Option<Given<Subnet>>,
        /// The router's IPv4 address: that of libvirt's bridge, which is the first of the subnet by default; on a host
        /// bridge it is the LAN's router, by default none.
        pub gateway: Option<Given<Ip>>,
        /// The range of IPv4 addresses that DHCP hands out, as `10.17.3.100-10.17.3.199`. Without it only reservations are answered.
        pub dhcp: Option<Given<IpRange>>,
        /// Its IPv6 subnet, beside or instead of the IPv4 one.
        pub ipv6: Option<Given<Subnet>>,
        /// The router's IPv6 address, by the rules of `gateway`.
        pub gateway6: Option<Given<Ip>>,
        /// The range of IPv6 addresses that DHCP hands out. Without it only reservations are answered.
        pub dhcp6: Option<Given<IpRange>>,
        /// Addresses reserved for something that is not a machine of the cloud.
        #[each(reservation)]
        pub reservations: Vec<Reservation>,
        /// Its DNS domain; the cloud's by default.
        pub domain: Option<Given<DomainName>>,
        /// The largest packet on it, in bytes; 1,500 by default.
        pub mtu: Option<Given<Mtu>>,
        /// The resolvers of its machines, in order; by default the cloud's, and without those the gateway.
        #[list]
        pub resolvers: Vec<Given<Ip>>,
        /// Whether it starts with the host; it does by default.
        pub autostart: bool = true,
    }

    /// A network of a mode; the named constructors say more.
    pub fn new(..);
    said Network::said;
}

impl Network {
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

    /// A VLAN of a host's bridge: the uplink of `trunk` carries it with the tag `id`, 1 to 4094. Every host of its machines has
    /// the trunk.
    pub fn vlan(
        name: impl Into<Given<NetworkName>>,
        trunk: impl Into<Given<BridgeName>>,
        id: impl Into<Given<VlanId>>,
    ) -> Self {
        Self { vlan: Some(id.into()), ..Self::bridge(name, trunk) }
    }

    /// Uses the constructor of its mode, if the draft has its arguments.
    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let name = self.name.rust(names)?;
        let constructor = match self.mode {
            NetworkMode::Nat => "Network::nat",
            NetworkMode::Routed => "Network::routed",
            NetworkMode::Open => "Network::open",
            NetworkMode::Isolated => "Network::isolated",
            NetworkMode::Bridge => "Network::bridge",
        };
        let (taken, key): (Option<Expr>, &[&str]) = match (self.mode, &self.bridge, &self.subnet) {
            (NetworkMode::Bridge, Some(bridge), _) => (Some(bridge.rust(names)?), &["bridge"]),
            (NetworkMode::Bridge, None, _) | (_, _, None) => (None, &[]),
            (_, _, Some(subnet)) => (Some(subnet.rust(names)?), &["subnet"]),
        };
        let vlan = self.vlan.as_ref().filter(|_| key == ["bridge"]).map(|id| id.rust(names)).transpose()?;
        let (constructor, key): (_, &[&str]) =
            if vlan.is_some() { ("Network::vlan", &["bridge", "vlan"]) } else { (constructor, key) };
        let mut on = match taken {
            Some(taken) if vlan.is_some() => {
                Expr::of(constructor, [name, taken].into_iter().chain(vlan).collect())
            }
            Some(taken) => Expr::of(constructor, vec![name, taken]),
            None => Expr::of("Network::new", vec![name, self.mode.rust(names)?]),
        };
        self.say_settings(&mut on, key, names)?;
        Ok(on)
    }
}

choice!(NetworkMode);
