//! Names of addresses, and the zones that they are in.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::DnsName;
use crate::addr::{Subnet, is_rfc1918};

/// The name of an address in the reverse tree (RFC 1035 §3.5, RFC 3596 §2.5).
pub(super) fn name_of(address: IpAddr) -> Option<DnsName> {
    named(address, if address.is_ipv4() { 4 } else { 32 })
}

/// The name of the first steps of an address: octets of IPv4, and of IPv6 nibbles.
fn named(address: IpAddr, steps: usize) -> Option<DnsName> {
    let mut text = String::new();
    match address {
        IpAddr::V4(address) => {
            for octet in address.octets().iter().take(steps).rev() {
                let _ = write!(text, "{octet}.");
            }
            text.push_str("in-addr.arpa.");
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            let nibbles: Vec<u8> = nibbles.take(steps).collect();
            for nibble in nibbles.iter().rev() {
                let _ = write!(text, "{nibble:x}.");
            }
            text.push_str("ip6.arpa.");
        }
    }
    DnsName::parse(&text).ok()
}

/// The reverse zone of a subnet that an address of it is in. A zone ends at an octet of IPv4 or a nibble of IPv6, so a subnet
/// between two of them has several.
///
/// A public subnet of IPv4 smaller than a /24 has a classless zone (RFC 2317), as `64-127.2.0.192.in-addr.arpa`, into which the
/// owner of the /24 leads by CNAME records. Private addresses have no such owner, so their zone is that of the whole /24.
pub(super) fn zone_of(subnet: &Subnet, address: IpAddr) -> Option<DnsName> {
    let length = usize::from(subnet.prefix_len());
    if let Some(range) = classless(subnet) {
        return named(address, 3)?.below(&range).ok();
    }
    let steps = if subnet.is_ipv4() { length.div_ceil(8).min(3) } else { length.div_ceil(4).min(31) };
    named(address, steps.max(1))
}

/// The most zones that a subnet between two octets or nibbles has without any name in them.
const MOST: u32 = 16;

/// The reverse zones of a subnet, which it has without any name too, so that one that was there does not go with its last name. None if
/// there are more than 16: then those are made that have names.
pub(super) fn zones_of(subnet: &Subnet) -> Vec<DnsName> {
    let length = subnet.prefix_len();
    let step: u8 = if subnet.is_ipv4() { 8 } else { 4 };
    let is_only = length.is_multiple_of(step) || (subnet.is_ipv4() && length > 24);
    let end = length.next_multiple_of(step);
    let count = 1_u32 << if is_only { 0 } else { end - length };
    if count > MOST {
        return Vec::new();
    }
    let nth = |number: u32| match subnet.network() {
        IpAddr::V4(first) => IpAddr::V4(Ipv4Addr::from(
            u32::from(first) + number.checked_shl(u32::from(32 - end.min(32))).unwrap_or(0),
        )),
        IpAddr::V6(first) => {
            let shift = u32::from(128 - end.min(128));
            IpAddr::V6(Ipv6Addr::from(u128::from(first) + u128::from(number).checked_shl(shift).unwrap_or(0)))
        }
    };
    (0..count).filter_map(|number| zone_of(subnet, nth(number))).collect()
}

/// The name of an address in a reverse zone: below a classless one stands the last octet alone.
pub(super) fn name_in(zone: &DnsName, address: IpAddr) -> Option<DnsName> {
    let plain = name_of(address)?;
    if plain.is_within(zone) {
        return Some(plain);
    }
    let IpAddr::V4(address) = address else { return None };
    let (first, last) = zone.labels().next()?.split_once('-')?;
    let octet = last_octet(address);
    let range = first.parse::<u8>().ok()?..=last.parse::<u8>().ok()?;
    let parent = named(IpAddr::V4(address), 3)?;
    let is_its = range.contains(&octet)
        && zone.is_within(&parent)
        && zone.labels().count() == parent.labels().count() + 1;
    if is_its { zone.below(&octet.to_string()).ok() } else { None }
}

fn classless(subnet: &Subnet) -> Option<String> {
    let (IpAddr::V4(first), IpAddr::V4(last)) = (subnet.network(), subnet.broadcast()) else { return None };
    let is_small = subnet.prefix_len() > 24 && !is_rfc1918(subnet.network());
    is_small.then(|| format!("{}-{}", last_octet(first), last_octet(last)))
}

const fn last_octet(address: Ipv4Addr) -> u8 {
    let [.., octet] = address.octets();
    octet
}
