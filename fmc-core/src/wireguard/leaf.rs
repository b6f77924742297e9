//! Where people come to a gateway.

use std::fmt;
use std::net::IpAddr;

use crate::addr::Ip;
use crate::given::{Leaf, LeafError, leaf_traits};
use crate::name::Fqdn;

/// Where a gateway is reached from outside, without the port: an address or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TunnelEndpoint {
    /// By its address.
    Address(IpAddr),
    /// By its name, which a device looks up when its tunnel comes up, and not again.
    Name(Fqdn),
}

impl fmt::Display for TunnelEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Leaf for TunnelEndpoint {
    const WHAT: &'static str = "endpoint";
    const EXAMPLE: &'static str = "vpn.example.org";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
        match text.parse::<IpAddr>() {
            Ok(_) => Ip::parse(text).map(|ip| Self::Address(ip.get())),
            Err(_) => match text.rsplit_once(':') {
                Some((host, port)) if is_port(port) => {
                    let host = host.trim_start_matches('[').trim_end_matches(']');
                    Err(LeafError::mending(format!("write {host}, and the port by itself: `port: {port}`")))
                }
                _ => Fqdn::parse(text).map(Self::Name),
            },
        }
    }
}

leaf_traits!(TunnelEndpoint);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn endpoints_are_addresses_or_names_without_a_port() {
        for right in ["198.51.100.7", "2001:db8::7", "vpn.example.org"] {
            reads_back(&TunnelEndpoint::parse(right).unwrap());
        }
        for (wrong, why) in [
            ("vpn.example.org:51820", "write vpn.example.org, and the port by itself: `port: 51820`"),
            ("[2001:db8::7]:51820", "write 2001:db8::7, and the port by itself: `port: 51820`"),
            (
                "127.0.0.1",
                "it is a loopback address: write the address of one machine, for example 10.17.3.10",
            ),
        ] {
            assert_eq!(TunnelEndpoint::parse(wrong).unwrap_err().why(), why, "{wrong}");
        }
        for wrong in ["", "vpn", "a_b.example.org", "https://vpn.example.org"] {
            TunnelEndpoint::parse(wrong).unwrap_err();
        }
    }
}
