//! Addresses: IP addresses, subnets, ranges and MACs.

mod mac;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::given::{Given, Leaf, LeafError, LeafGroup, leaf_traits};

pub use mac::Mac;

/// An IP address that a machine can have: not a network, and not the unspecified, a loopback, multicast or
/// broadcast address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ip(IpAddr);

impl Ip {
    /// Checks that a machine can have the address.
    ///
    /// # Errors
    ///
    /// Names the kind of special address.
    pub fn new(address: IpAddr) -> Result<Self, LeafError> {
        let special = match address {
            _ if address.is_unspecified() => "the unspecified address",
            _ if address.is_loopback() => "a loopback address",
            _ if address.is_multicast() => "a multicast address",
            IpAddr::V4(Ipv4Addr::BROADCAST) => "the broadcast address",
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => {
                    return Err(LeafError::mending(format!(
                        "it is an IPv4 address in IPv6 form: write {v4}"
                    )));
                }
                None => return Ok(Self(address)),
            },
            IpAddr::V4(_) => return Ok(Self(address)),
        };
        Err(LeafError::mending(format!(
            "it is {special}: write the address of one machine, for example 10.17.3.10"
        )))
    }

    /// The address.
    pub const fn get(self) -> IpAddr {
        self.0
    }

    /// Whether it is IPv4.
    pub const fn is_ipv4(self) -> bool {
        self.0.is_ipv4()
    }
}

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Ip> for IpAddr {
    fn from(ip: Ip) -> Self {
        ip.0
    }
}

impl Leaf for Ip {
    const WHAT: &'static str = "IP address";
    const EXAMPLE: &'static str = "10.17.3.10";
    const GROUP: LeafGroup = LeafGroup::Address;

    fn parse(text: &str) -> Result<Self, LeafError> {
        if let Some((address, _)) = text.split_once('/')
            && address.parse::<IpAddr>().is_ok()
        {
            return Err(LeafError::mending(format!("it has a prefix length: write {address}")));
        }
        if ["dhcp", "auto", "automatic"].contains(&text.to_ascii_lowercase().as_str()) {
            return Err(LeafError::mending(
                "an address that DHCP gives is not said: leave it out".to_owned(),
            ));
        }
        Self::new(address(text)?)
    }
}

leaf_traits!(Ip);

impl From<IpAddr> for Given<Ip> {
    fn from(address: IpAddr) -> Self {
        Self::text(&address.to_string())
    }
}

impl From<Ipv4Addr> for Given<Ip> {
    fn from(address: Ipv4Addr) -> Self {
        Self::from(IpAddr::V4(address))
    }
}

impl From<Ipv6Addr> for Given<Ip> {
    fn from(address: Ipv6Addr) -> Self {
        Self::from(IpAddr::V6(address))
    }
}

/// A subnet in CIDR form: a network address, all host bits zero, and a prefix length.
///
/// ```
/// use fmc_core::addr::Subnet;
///
/// let subnet: Subnet = "10.17.3.0/24".parse().unwrap();
/// assert_eq!(subnet.nth(1), "10.17.3.1".parse().ok());
/// let error = "10.17.3.1/24".parse::<Subnet>().unwrap_err();
/// assert_eq!(error.why(), "its host bits are not zero: write 10.17.3.0/24");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet(IpNet);

impl Subnet {
    /// The subnet that has this address and no other: a /32, or a /128.
    pub fn single(address: IpAddr) -> Self {
        Self(IpNet::from(address))
    }

    /// The first address, with all host bits zero.
    pub fn network(&self) -> IpAddr {
        self.0.network()
    }

    /// The last address, with all host bits one: in IPv4 the broadcast address, unless the prefix is /31 or /32.
    pub fn broadcast(&self) -> IpAddr {
        self.0.broadcast()
    }

    /// The number of bits that all its addresses share.
    pub fn prefix_len(&self) -> u8 {
        self.0.prefix_len()
    }

    /// The network mask, as an address.
    pub fn netmask(&self) -> IpAddr {
        self.0.netmask()
    }

    /// Whether it is IPv4.
    pub fn is_ipv4(&self) -> bool {
        matches!(self.0, IpNet::V4(_))
    }

    /// Whether the address is in the subnet; the network and broadcast addresses count, too.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Whether the two share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.network()) || other.contains(self.network())
    }

    /// The address that comes `index` after the network address, if it is in the subnet.
    pub fn nth(&self, index: u128) -> Option<IpAddr> {
        let address = match self.network() {
            IpAddr::V4(first) => {
                IpAddr::V4(Ipv4Addr::from_bits(first.to_bits().checked_add(u32::try_from(index).ok()?)?))
            }
            IpAddr::V6(first) => IpAddr::V6(Ipv6Addr::from_bits(first.to_bits().checked_add(index)?)),
        };
        self.contains(address).then_some(address)
    }

    /// The first address that a machine can have: the second of the subnet, or the first of a /31, /32, /127
    /// and /128.
    pub fn first_host(&self) -> IpAddr {
        if self.host_bits() < 2 { self.network() } else { self.nth(1).unwrap_or_else(|| self.network()) }
    }

    /// The last address that a machine can have: in IPv4 the one before the broadcast address, or the last of
    /// a /31 and /32; in IPv6 the last.
    pub fn last_host(&self) -> IpAddr {
        match self.broadcast() {
            IpAddr::V4(last) if self.host_bits() >= 2 => IpAddr::V4(Ipv4Addr::from_bits(last.to_bits() - 1)),
            last => last,
        }
    }

    /// The addresses that machines can have.
    pub fn hosts(&self) -> IpRange {
        IpRange { first: self.first_host(), last: self.last_host() }
    }

    /// Whether a machine can have the address: it is in the subnet, and is neither its network nor its
    /// broadcast address.
    pub fn is_host(&self, address: IpAddr) -> bool {
        self.hosts().contains(address)
    }

    /// The address together with this subnet's prefix length, if a machine can have it here.
    pub fn host(&self, address: IpAddr) -> Option<HostAddr> {
        self.is_host(address).then_some(HostAddr { address, subnet: *self })
    }

    fn host_bits(&self) -> u8 {
        self.0.max_prefix_len() - self.prefix_len()
    }

    pub(crate) fn around(address: IpAddr, prefix_len: u8) -> Result<Self, LeafError> {
        IpNet::new(address, prefix_len).map(|net| Self(net.trunc())).map_err(|_| {
            let most = if address.is_ipv4() { 32 } else { 128 };
            LeafError::new(format!("its prefix length is above {most}"))
        })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl Leaf for Subnet {
    const WHAT: &'static str = "subnet";
    const EXAMPLE: &'static str = "10.17.3.0/24";
    const GROUP: LeafGroup = LeafGroup::Address;

    fn parse(text: &str) -> Result<Self, LeafError> {
        let (address, prefix_len) = cidr(text, "10.17.3.0/24")?;
        let subnet = Self::around(address, prefix_len)?;
        if subnet.network() == address {
            Ok(subnet)
        } else {
            Err(LeafError::mending(format!("its host bits are not zero: write {subnet}")))
        }
    }
}

leaf_traits!(Subnet);

impl From<Ipv4Net> for Given<Subnet> {
    fn from(net: Ipv4Net) -> Self {
        Self::text(&net.to_string())
    }
}

impl From<Ipv6Net> for Given<Subnet> {
    fn from(net: Ipv6Net) -> Self {
        Self::text(&net.to_string())
    }
}

/// The address of a machine with the prefix length of its subnet: `10.17.3.1/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostAddr {
    address: IpAddr,
    subnet: Subnet,
}

impl HostAddr {
    /// The address within the subnet of that prefix length around it.
    ///
    /// # Errors
    ///
    /// When a machine cannot have the address there, or the prefix length is above 32 (IPv4) or 128 (IPv6).
    pub fn new(address: IpAddr, prefix_len: u8) -> Result<Self, LeafError> {
        Ip::new(address)?;
        let subnet = Subnet::around(address, prefix_len)?;
        subnet.host(address).ok_or_else(|| {
            let which = if address == subnet.network() { "network" } else { "broadcast" };
            let hosts = subnet.hosts();
            LeafError::mending(format!(
                "it is the {which} address of {subnet}: write one from {} to {}",
                hosts.first, hosts.last
            ))
        })
    }

    /// The address.
    pub fn ip(&self) -> IpAddr {
        self.address
    }

    /// The subnet.
    pub fn subnet(&self) -> Subnet {
        self.subnet
    }

    /// The prefix length of the subnet.
    pub fn prefix_len(&self) -> u8 {
        self.subnet.prefix_len()
    }
}

impl fmt::Display for HostAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.address, self.prefix_len()))
    }
}

impl Leaf for HostAddr {
    const WHAT: &'static str = "address with its prefix length";
    const EXAMPLE: &'static str = "10.17.3.1/24";
    const GROUP: LeafGroup = LeafGroup::Address;

    fn parse(text: &str) -> Result<Self, LeafError> {
        let (address, prefix_len) = cidr(text, "10.17.3.1/24")?;
        Self::new(address, prefix_len)
    }
}

leaf_traits!(HostAddr);

/// A range of addresses, both ends included: `10.17.3.100-10.17.3.199`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpRange {
    first: IpAddr,
    last: IpAddr,
}

impl IpRange {
    /// The range from `first` to `last`.
    ///
    /// # Errors
    ///
    /// When one is IPv4 and the other IPv6, or `first` comes after `last`.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, LeafError> {
        if first.is_ipv4() != last.is_ipv4() {
            return Err(LeafError::mending("one end is IPv4 and the other IPv6: write two of one family"));
        }
        if first > last {
            return Err(LeafError::mending(format!(
                "its first address comes after its last: write {last}-{first}"
            )));
        }
        Ok(Self { first, last })
    }

    /// The first address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address.
    pub fn last(&self) -> IpAddr {
        self.last
    }

    /// Whether the address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        // All of IPv4 sorts before all of IPv6, and both ends belong to one family.
        (self.first..=self.last).contains(&address)
    }

    /// Whether the two share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.first, self.last))
    }
}

impl Leaf for IpRange {
    const WHAT: &'static str = "range of addresses";
    const EXAMPLE: &'static str = "10.17.3.100-10.17.3.199";
    const GROUP: LeafGroup = LeafGroup::Address;

    fn parse(text: &str) -> Result<Self, LeafError> {
        let (first, last) = text.split_once('-').ok_or_else(|| {
            LeafError::mending(
                "it is not two addresses with '-' between: write, for example, 10.17.3.100-10.17.3.199",
            )
        })?;
        Self::new(address(first.trim_end())?, address(last.trim_start())?)
    }
}

leaf_traits!(IpRange);

/// Whether the address is of RFC 1918: 10/8, 172.16/12 or 192.168/16.
pub fn is_rfc1918(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_private())
}

/// Whether the address may be reached from the internet: it is not in a special block of RFC 6890 and its
/// registry that is not globally reachable.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let special =
                matches!((a, b, c), (0 | 240.., ..) | (100, 64..128, _) | (198, 18..20, _) | (192, 0, 0));
            !(special
                || address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_documentation()
                || address.is_multicast())
        }
        // Global unicast is 2000::/3 (RFC 4291 §2.4), without documentation.
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0xdb8) && first != 0x3fff
        }
    }
}

fn address(text: &str) -> Result<IpAddr, LeafError> {
    text.parse().map_err(|_| {
        if let Some(plain) = without_zeros(text) {
            return LeafError::mending(format!(
                "a number in it begins with 0, which some programs read as octal: write {plain}"
            ));
        }
        LeafError::new(
            "it is neither four numbers from 0 to 255, as 10.17.3.10, nor an IPv6 address, as fd00:17::10",
        )
    })
}

/// An IPv4 address whose numbers begin with zeros, without them.
fn without_zeros(text: &str) -> Option<IpAddr> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    let plain = text.split('.').map(|part| {
        let plain = part.trim_start_matches('0');
        is_number(part).then_some(if plain.is_empty() { "0" } else { plain })
    });
    plain.collect::<Option<Vec<_>>>()?.join(".").parse().ok()
}

fn cidr(text: &str, example: &str) -> Result<(IpAddr, u8), LeafError> {
    let Some((before, after)) = text.split_once('/') else {
        return Err(LeafError::mending(match text.parse::<IpAddr>() {
            Ok(_) => format!("it has no prefix length: write, for example, {text}/24"),
            Err(_) => format!("it is not an address and a prefix length: write, for example, {example}"),
        }));
    };
    let digits = after.len() <= 3 && after.bytes().all(|digit| digit.is_ascii_digit());
    let prefix_len = digits.then(|| after.parse().ok()).flatten().ok_or_else(|| {
        LeafError::mending(format!(
            "its prefix length {after:?} is not a number: write, for example, {example}"
        ))
    })?;
    Ok((address(before)?, prefix_len))
}
