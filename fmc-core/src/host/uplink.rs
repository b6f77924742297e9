//! What a host runs for its network, and the interface that connects one of its bridges.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::addr::{HostAddr, Ip};
use crate::draft::{choice, draft};
use crate::given::{Given, Leaf, LeafError, LeafGroup, leaf_traits};
use crate::name::InterfaceName;

/// The program that configures a host's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NetworkDaemon {
    /// systemd-networkd, with files in `/etc/systemd/network` (systemd.network(5)).
    Networkd,
    /// NetworkManager, with keyfiles in `/etc/NetworkManager/system-connections` (nm-settings-keyfile(5)).
    NetworkManager,
}

choice!(NetworkDaemon);

/// How a host's bridge gets its IPv4 address: `dhcp`, an address with its prefix length as `192.168.0.10/24`, or `none`.
///
/// It is never guessed: the bridge takes the place of its interface, and a host whose address is lost cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BridgeAddress {
    /// By DHCP.
    Dhcp,
    /// This address.
    Static(HostAddr),
    /// None: the host has no address there, as on an interface that only carries VLANs.
    None,
}

impl fmt::Display for BridgeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dhcp => f.pad("dhcp"),
            Self::None => f.pad("none"),
            Self::Static(address) => fmt::Display::fmt(address, f),
        }
    }
}

impl Leaf for BridgeAddress {
    const WHAT: &'static str = "address of a bridge";
    const EXAMPLE: &'static str = "192.168.0.10/24";
    const GROUP: LeafGroup = LeafGroup::Address;

    fn parse(text: &str) -> Result<Self, LeafError> {
        match text {
            "dhcp" => Ok(Self::Dhcp),
            "none" => Ok(Self::None),
            _ if text.contains('/') => {
                let address = HostAddr::parse(text)?;
                if address.ip().is_ipv4() {
                    Ok(Self::Static(address))
                } else {
                    Err(LeafError::mending(
                        "IPv6 comes by router advertisements: write dhcp, none, or an IPv4 address",
                    ))
                }
            }
            _ => Err(LeafError::mending(
                "write dhcp, none, or an address with its prefix length, as 192.168.0.10/24",
            )),
        }
    }
}

leaf_traits!(BridgeAddress);

draft! {
    /// The interface that connects a bridge of a host with the network outside. The bridge takes over the interface's
    /// address, so how it gets that must be said.
    ///
    /// ```
    /// use fmc_core::host::{Host, NetworkDaemon, Uplink};
    ///
    /// let by_dhcp = Uplink::new("br0", "eno1", "dhcp");
    /// let fixed = Uplink::new("br1", "eno2", "192.168.0.10/24").gateway("192.168.0.1").resolvers(["192.168.0.1"]);
    /// let host = Host::new("hv1").manager(NetworkDaemon::Networkd).uplink(by_dhcp).uplink(fixed);
    /// # let _ = host;
    /// ```
    pub struct Uplink {
        /// The bridge.
        #[key]
        pub bridge: Given<InterfaceName>,
        /// The interface that is its port, as `eno1`.
        #[needed]
        pub interface: Given<InterfaceName>,
        /// How the bridge gets its IPv4 address: `dhcp`, an address with its prefix length as `192.168.0.10/24`, or `none`.
        #[needed]
        pub address: Given<BridgeAddress>,
        /// The router of the host's default route, beside an address of its own.
        pub gateway: Option<Given<Ip>>,
        /// The host's resolvers, beside an address of its own, in order.
        #[list]
        pub resolvers: Vec<Given<Ip>>,
    }

    /// An uplink by its bridge, its interface, and how the bridge gets its address.
    pub fn new(..);
}
