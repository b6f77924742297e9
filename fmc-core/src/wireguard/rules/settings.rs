//! What is wrong with the settings of a tunnel by themselves.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{INTERFACE, ROOM};
use crate::flow::Peer;
use crate::given::Leaf as _;
use crate::name::{BridgeName, IpaLoginName};
use crate::role::RoleFindings;
use crate::wireguard::Wireguard;
use crate::wireguard::address::Who;

/// Each leaf, and what follows from the leaves alone.
pub(in crate::wireguard) fn settings(tunnel: &Wireguard, findings: &mut RoleFindings<'_>) {
    findings.leaf("name", &tunnel.name);
    subnets(tunnel, findings);
    if let Some(gateway) = &tunnel.gateway {
        findings.leaf("gateway", gateway);
    }
    if let Some(endpoint) = &tunnel.endpoint {
        findings.leaf("endpoint", endpoint);
    }
    for (index, resolver) in tunnel.dns.iter().enumerate() {
        findings.leaf(&format!("dns[{index}]"), resolver);
    }
    if let Some(port) = &tunnel.port {
        findings.leaf("port", port);
    }
    if let Some(mtu) = &tunnel.mtu {
        findings.leaf("mtu", mtu);
    }
    interface(tunnel, findings);
    peers("from", tunnel.from.as_deref().unwrap_or_default(), findings);
    for who in tunnel.everyone() {
        findings.part(&who.path(), |findings| {
            for (index, address) in who.said().iter().enumerate() {
                findings.leaf(&format!("addresses[{index}]"), address);
            }
            peers("reach", who.reach(), findings);
        });
    }
    names(tunnel, findings);
}

/// One of a family.
fn subnets(tunnel: &Wireguard, findings: &mut RoleFindings<'_>) {
    for (index, subnet) in tunnel.subnets.iter().enumerate() {
        findings.leaf(&format!("subnets[{index}]"), subnet);
    }
    if tunnel.subnets.is_empty() {
        findings.find(
            &ROOM,
            "the tunnel has no subnet for the addresses of its peers",
            "write one that nothing else has: `subnets: [10.8.0.0/24]`",
        );
    }
    for subnet in tunnel.own_subnets() {
        let network = subnet.network();
        let is_of_nobody = network.is_loopback()
            || network.is_multicast()
            || match network {
                IpAddr::V4(address) => address.is_link_local(),
                IpAddr::V6(address) => address.is_unicast_link_local(),
            };
        if is_of_nobody {
            findings.find(
                &ROOM,
                format!("no peer can have an address of {subnet}"),
                "write a private subnet that nothing else has: `subnets: [10.8.0.0/24]`",
            );
        }
    }
    for is_ipv4 in [true, false] {
        let ours = tunnel.own_subnets().filter(|subnet| subnet.is_ipv4() == is_ipv4).count();
        if ours > 1 {
            let family = if is_ipv4 { "IPv4" } else { "IPv6" };
            findings.refuse(format!("the tunnel has {ours} subnets of {family}"), "keep one of them");
        }
    }
}

/// A name that the kernel takes.
fn interface(tunnel: &Wireguard, findings: &mut RoleFindings<'_>) {
    let said = tunnel.interface.as_ref();
    let name = said.map_or_else(|| tunnel.interface_name(), ToString::to_string);
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let wrong = if name.len() > BridgeName::MAX {
        format!(
            "{name} has {} characters, and the kernel takes {} of an interface",
            name.len(),
            BridgeName::MAX
        )
    } else if !name.chars().all(is_plain) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        format!("{name} is not a name that all files of a tunnel can have")
    } else if is_of_a_card(&name) {
        format!("{name} is a name that systems give to their own interfaces")
    } else {
        return;
    };
    findings.find(
        &INTERFACE,
        wrong,
        "write a short one of lower-case letters, digits and `-`, as `interface: wg0`",
    );
}

/// Whether the kernel or systemd may call a card so (*systemd.net-naming-scheme*).
fn is_of_a_card(name: &str) -> bool {
    let numbered = |start: &str| {
        name.strip_prefix(start).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let named = ["eno", "enp", "ens", "enx", "enP", "wlp", "wlan", "eth", "ib"];
    name == "lo" || named.iter().any(|start| numbered(start)) || name.starts_with("enx")
}

/// The leaves of peers.
fn peers(key: &str, peers: &[Peer], findings: &mut RoleFindings<'_>) {
    for (index, peer) in peers.iter().enumerate() {
        let at = |last: &str| format!("{key}[{index}].{last}");
        match peer {
            Peer::Network(name) => drop(findings.leaf(&at("network"), name)),
            Peer::Subnet(subnet) => drop(findings.leaf(&at("subnet"), subnet)),
            Peer::Machine(name) => drop(findings.leaf(&at("machine"), name)),
            Peer::Role(group) => drop(findings.leaf(&at("role.kind"), &group.kind)),
            Peer::SubnetOfRole(group) => drop(findings.leaf(&at("subnet-of-role.kind"), &group.kind)),
            Peer::Anywhere | Peer::Inside { .. } => {}
        }
    }
}

/// Each machine and each person once. Their paths end in their names: a wrong one is told of there.
fn names(tunnel: &Wireguard, findings: &mut RoleFindings<'_>) {
    let mut seen = BTreeSet::new();
    for who in tunnel.everyone() {
        if let Who::Person(person) = who
            && let Err(error) = IpaLoginName::parse(&person.name.to_string())
        {
            findings.part(&who.path(), |findings| {
                findings.refuse(format!("{} is not a login: {error}", person.name), "write one as `ana`");
            });
        }
        let Some(name) = who.name() else { continue };
        let is_gateway = matches!(who, Who::Gateway(_));
        if !is_gateway && !seen.insert((who.word(), name)) {
            findings.part(&who.path(), |findings| {
                findings.refuse(format!("the {} {name} is there twice", who.word()), "keep one of them");
            });
        }
    }
}
