//! Interfaces: how a machine is on a network.

use serde::{Deserialize, Serialize};

use crate::addr::{Ip, Mac};
use crate::given::Given;
use crate::name::NetworkName;

/// An interface of a machine on a network.
///
/// It gets its address by DHCP unless an address is said: [`address`](Self::address) writes it inside the guest and
/// reserves it, [`reserved`](Self::reserved) only reserves it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Interface {
    /// The network that it is on.
    pub network: Given<NetworkName>,
    /// A static IPv4 address: written inside the guest, and reserved in DHCP. Without one it asks by DHCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Given<Ip>>,
    /// A static IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address6: Option<Given<Ip>>,
    /// A reserved IPv4 address: the guest asks for it by DHCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Given<Ip>>,
    /// A reserved IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved6: Option<Given<Ip>>,
    /// Its MAC; derived from owner, machine and network if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Given<Mac>>,
    /// Whether the default route goes through it; the first interface that can has it if none says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_route: Option<bool>,
}

impl Interface {
    /// An interface on a network.
    pub fn on(network: impl Into<Given<NetworkName>>) -> Self {
        Self {
            network: network.into(),
            address: None,
            address6: None,
            reserved: None,
            reserved6: None,
            mac: None,
            default_route: None,
        }
    }

    /// A static address: written inside the guest, and reserved in the network's DHCP. Prefix, gateway and resolvers
    /// are the network's. One of each family can be said.
    #[must_use]
    pub fn address(mut self, address: impl Into<Given<Ip>>) -> Self {
        let address = address.into();
        match address.ok() {
            Some(ip) if !ip.is_ipv4() => self.address6 = Some(address),
            _ => self.address = Some(address),
        }
        self
    }

    /// A reserved address: the guest asks for it by DHCP.
    #[must_use]
    pub fn reserved(mut self, address: impl Into<Given<Ip>>) -> Self {
        let address = address.into();
        match address.ok() {
            Some(ip) if !ip.is_ipv4() => self.reserved6 = Some(address),
            _ => self.reserved = Some(address),
        }
        self
    }

    /// Its MAC; derived from owner, machine and network if not said.
    #[must_use]
    pub fn mac(mut self, mac: impl Into<Given<Mac>>) -> Self {
        self.mac = Some(mac.into());
        self
    }

    /// Whether the default route goes through it. If no interface says so, it goes through the first whose network
    /// has a gateway and is forwarded.
    #[must_use]
    pub fn default_route(mut self, on: bool) -> Self {
        self.default_route = Some(on);
        self
    }
}
