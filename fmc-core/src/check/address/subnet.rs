//! DHCP ranges, and subnets that overlap where both are seen.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::view::{View, text};
use super::place::subnet_of;
use crate::addr::{IpRange, Subnet, is_public};
use crate::finding::{Finding, problems};
use crate::network::NetworkMode;
use crate::sort;

/// Looks at ranges and subnets.
pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    for net in &view.networks {
        for (field, family) in [("dhcp", &net.ipv4), ("dhcp6", &net.ipv6)] {
            let Some((family, range)) = family.as_ref().and_then(|family| Some((family, family.dhcp?)))
            else {
                continue;
            };
            let hosts = family.subnet.hosts();
            let of_family = range.first().is_ipv4() == hosts.first().is_ipv4();
            if of_family && !(hosts.contains(range.first()) && hosts.contains(range.last())) {
                let (subnet, hosts) = (family.subnet, hosts.to_string());
                let problem = SubnetProblem::RangeOutside { range, subnet, hosts };
                findings.push(problem.at(format_args!("networks.{}.{field}", net.draft.name)));
            }
        }
    }
    special(view, findings);
    overlaps(view, findings);
}

/// Subnets whose addresses no machine can have, and those that belong to others (RFC 6890 and its registry).
fn special(view: &View<'_>, findings: &mut Vec<Finding>) {
    for net in &view.networks {
        for (field, family) in [("subnet", &net.ipv4), ("ipv6", &net.ipv6)] {
            let Some(subnet) = family.as_ref().map(|family| family.subnet) else { continue };
            let network = net.draft.name.to_string();
            let is_hidden = matches!(net.draft.mode, NetworkMode::Nat | NetworkMode::Isolated);
            let problem = if let Some(block) = impossible(&subnet) {
                SubnetProblem::Special { subnet, block, field: field.to_owned() }
            } else if net.is_own() && is_link_local(&subnet) {
                SubnetProblem::LinkLocal { subnet, network, field: field.to_owned() }
            } else if is_hidden && is_public(subnet.first_host()) {
                SubnetProblem::Public { subnet, network, field: field.to_owned() }
            } else {
                continue;
            };
            findings.push(problem.at(format_args!("networks.{}.{field}", net.draft.name)));
        }
    }
}

/// The block that a subnet has addresses of, and that no network of machines can have.
fn impossible(subnet: &Subnet) -> Option<&'static str> {
    match (subnet.network(), subnet.broadcast()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let ([first, ..], [last, ..]) = (first.octets(), last.octets());
            let has = |block: u8| (first..=last).contains(&block);
            if has(0) {
                Some("0.0.0.0/8, which means this network")
            } else if has(127) {
                Some("127.0.0.0/8, which each machine has for itself")
            } else if last >= 240 {
                Some("240.0.0.0/4, which is reserved")
            } else {
                (last >= 224).then_some("224.0.0.0/4, which is for multicast")
            }
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let ([first, ..], [last, ..]) = (first.segments(), last.segments());
            if first < 0x100 {
                Some("::/8, which is reserved, for example for IPv4 addresses in IPv6 form")
            } else if first <= 0xfebf && last >= 0xfe80 {
                Some("fe80::/10, which each interface has for itself")
            } else {
                (last >= 0xff00).then_some("ff00::/8, which is for multicast")
            }
        }
        _ => None,
    }
}

fn is_link_local(subnet: &Subnet) -> bool {
    matches!(subnet.network(), IpAddr::V4(first) if first.is_link_local())
}

/// The scope of a subnet: one host, or all machines that a host routes to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Host(usize),
    Routed,
}

struct Seen {
    scope: Scope,
    first: IpAddr,
    last: IpAddr,
    subnet: Subnet,
    network: usize,
}

/// A masqueraded or isolated network is visible only on its own host, so two hosts can have the same; a host bridge is
/// visible on every host that lists it. Sorted by first address, subnets are either nested or disjoint, so each is
/// compared only with the widest one so far.
fn overlaps(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut seen = Vec::new();
    for (network, net) in view.networks.iter().enumerate() {
        let mut scopes = Vec::new();
        match &net.draft.bridge {
            _ if net.is_own() => scopes.extend(net.host.map(Scope::Host)),
            Some(bridge) => scopes.extend(view.bridged(text(bridge)).iter().map(|&host| Scope::Host(host))),
            None => {}
        }
        if net.is_routed() {
            scopes.push(Scope::Routed);
        }
        for subnet in [&net.ipv4, &net.ipv6].into_iter().flatten().map(|family| family.subnet) {
            let (first, last) = (subnet.network(), subnet.broadcast());
            seen.extend(scopes.iter().map(|&scope| Seen { scope, first, last, subnet, network }));
        }
    }
    let name = |network: usize| view.network(network).map_or("", |net| text(&net.draft.name));
    // Of two that begin together the wider comes first; equal ones are in the order of their names.
    sort::by(&mut seen, |a, b| {
        (a.scope, a.first, b.last, name(a.network)).cmp(&(b.scope, b.first, a.last, name(b.network)))
    });
    let mut pairs = BTreeSet::new();
    let mut widest: Option<&Seen> = None;
    for one in &seen {
        match widest.filter(|wide| wide.scope == one.scope && one.first <= wide.last) {
            Some(wide) => {
                if wide.network != one.network && name(wide.network) != name(one.network) {
                    let (a, b) = (name(wide.network), name(one.network));
                    let pair =
                        if a < b { (a, wide.subnet, b, one.subnet) } else { (b, one.subnet, a, wide.subnet) };
                    pairs.insert(pair);
                }
            }
            None => widest = Some(one),
        }
    }
    for (first, first_subnet, second, second_subnet) in pairs {
        let field = |subnet: Subnet| if subnet.is_ipv4() { "subnet" } else { "ipv6" };
        let at = format!("networks.{second}.{}", field(second_subnet));
        let also = format!("networks.{first}.{}", field(first_subnet));
        let (first, second) = (first.to_owned(), second.to_owned());
        let problem = if first_subnet == second_subnet {
            SubnetProblem::Same { first, second, subnet: first_subnet }
        } else {
            SubnetProblem::Overlap { first, first_subnet, second, second_subnet }
        };
        findings.push(problem.at(at).also(also));
    }
}

problems! {
    /// Problems with ranges and subnets.
    pub enum SubnetProblem {
        RangeOutside { range: IpRange, subnet: Subnet, hosts: String } is RangeOutside:
            "{range} is not within the machines' addresses of {subnet}",
            "write a range within {hosts}";
        Special { subnet: Subnet, block: &'static str, field: String } is AddressInvalid:
            "{subnet} has addresses of {block}",
            "write a private subnet, for example {private}",
            private = subnet_of(field);
        LinkLocal { subnet: Subnet, network: String, field: String } is SubnetForeign:
            "systems give themselves addresses of {subnet}, the subnet of {network}, and routers do not forward them",
            "write a private subnet, for example {private}",
            private = subnet_of(field);
        Public { subnet: Subnet, network: String, field: String } is SubnetForeign:
            "others have the addresses of {subnet} on the Internet: the machines of {network} do not reach them",
            "write a private subnet, for example {private}, or make {network} routed if it is yours",
            private = subnet_of(field);
        Same { first: String, second: String, subnet: Subnet } is SubnetOverlap:
            "{first} and {second} both have the subnet {subnet}",
            "give {second} a subnet of its own: a router sends an address one way only";
        Overlap { first: String, first_subnet: Subnet, second: String, second_subnet: Subnet } is SubnetOverlap:
            "{second_subnet} of {second} and {first_subnet} of {first} overlap",
            "give {second} a subnet of its own: a router sends an address one way only";
    }
}
