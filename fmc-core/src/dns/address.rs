//! Where a server of zones is asked.

use std::fmt;
use std::net::IpAddr;

use crate::addr::Ip;
use crate::given::{Given, Leaf, LeafError, LeafGroup, leaf_traits};

/// The address at which a server is asked: that of a machine, or a loopback address, behind which a tunnel leads to the server.
/// Machines do not find a server by a loopback address, so no record has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsServerAddress(IpAddr);

impl DnsServerAddress {
    /// The address.
    pub const fn get(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for DnsServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for DnsServerAddress {
    const WHAT: &'static str = "address of a DNS server";
    const EXAMPLE: &'static str = "10.17.3.11";
    const GROUP: LeafGroup = LeafGroup::Address;

    fn parse(text: &str) -> Result<Self, LeafError> {
        match text.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Ok(Self(address)),
            _ => Ip::parse(text).map(|ip| Self(ip.get())),
        }
    }
}

leaf_traits!(DnsServerAddress);

impl From<IpAddr> for Given<DnsServerAddress> {
    fn from(address: IpAddr) -> Self {
        Self::text(&address.to_string())
    }
}
