//! What peers reach behind a gateway.

use std::net::IpAddr;

use super::{LOOP, NO_REACH, REACH, RESOLVER, UNKNOWN};
use crate::addr::Subnet;
use crate::checked::{Checked, Forward, Machine, Network, Sources};
use crate::flow::Peer;
use crate::given::Given;
use crate::role::RoleFindings;
use crate::wireguard::address::Who;
use crate::wireguard::{TunnelEndpoint, Wireguard};

/// Targets that are not there or not on the way, and peers who get nowhere.
pub(super) fn check(tunnel: &Wireguard, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let gateway = tunnel.gateway_name().and_then(|name| cloud.machine(name.as_str()));
    for who in tunnel.everyone() {
        findings.part(&who.path(), |findings| {
            if tunnel.gateway.is_none() && !who.reach().is_empty() {
                return findings.refuse(
                    "the machines of a mesh reach each other, and nothing behind each other",
                    "leave `reach` out, or name a `gateway`",
                );
            }
            for (index, peer) in who.reach().iter().enumerate() {
                findings.part(&format!("reach[{index}]"), |findings| {
                    if is_there(peer, cloud, findings)
                        && let Some(gateway) = gateway
                    {
                        target(peer, gateway, cloud, findings);
                        family(tunnel, peer, cloud, findings);
                    }
                });
            }
            if let Who::Person(person) = who
                && person.reach.is_empty()
            {
                findings.find(
                    &NO_REACH,
                    format!("{} comes to the gateway, and from there nowhere", person.name),
                    "say what they reach: `reach: [{network: core}]`",
                );
            }
            loops(tunnel, who, cloud, findings);
            resolvers(tunnel, who, cloud, findings);
        });
    }
}

/// Whether a target is in the cloud, and is a target at all.
fn is_there(peer: &Peer, cloud: &Checked, findings: &mut RoleFindings<'_>) -> bool {
    let missing = match peer {
        Peer::Network(name) => name.ok().filter(|name| cloud.network(name.as_str()).is_none()).map(|name| {
            let (near, _) = cloud.network_names().instead_of(name.as_str());
            (format!("there is no network {name}"), near)
        }),
        Peer::Machine(name) => name.ok().filter(|name| cloud.machine(name.as_str()).is_none()).map(|name| {
            let (near, _) = cloud.machine_names().instead_of(name.as_str());
            (format!("there is no machine {name}"), near)
        }),
        Peer::Anywhere | Peer::Inside { .. } => {
            findings.find(
                &REACH,
                "a tunnel leads to what is named, and to nothing else",
                "name networks, machines or subnets: `reach: [{network: core}]`",
            );
            return false;
        }
        _ => None,
    };
    let Some((message, near)) = missing else { return true };
    let help =
        near.map_or_else(|| "name one of the cloud".to_owned(), |near| format!("did you mean {near}?"));
    findings.find(&UNKNOWN, message, help);
    false
}

/// A target of a family of which the peers of the tunnel have no address.
fn family(tunnel: &Wireguard, peer: &Peer, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let (ipv4, ipv6) = match peer {
        Peer::Subnet(subnet) => {
            let Some(subnet) = subnet.ok() else { return };
            (subnet.is_ipv4(), !subnet.is_ipv4())
        }
        Peer::Network(name) => {
            let Some(network) = name.ok().and_then(|name| cloud.network(name.as_str())) else { return };
            (network.ipv4.is_some(), network.ipv6.is_some())
        }
        Peer::Machine(name) => {
            let Some(machine) = name.ok().and_then(|name| cloud.machine(name.as_str())) else { return };
            let has = |is_ipv4: bool| machine.addresses().any(|address| address.is_ipv4() == is_ipv4);
            (has(true), has(false))
        }
        _ => return,
    };
    let goes = |is_ipv4: bool| tunnel.own_subnets().any(|subnet| subnet.is_ipv4() == is_ipv4);
    if (ipv4 || ipv6) && !(ipv4 && goes(true)) && !(ipv6 && goes(false)) {
        let (has, lacks) = if ipv4 { ("IPv4", "10.8.0.0/24") } else { ("IPv6", "fd00:8::/64") };
        findings.find(
            &REACH,
            format!("it has {has} alone, of which the tunnel has no addresses"),
            format!("give the tunnel a subnet of {has} too, as `subnets: [{lacks}]`"),
        );
    }
}

/// A target that the gateway does not get to.
fn target(peer: &Peer, gateway: &Machine, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let sources = Sources::said(cloud, peer);
    if let Some(Sources::Anywhere) = sources {
        return findings.find(
            &REACH,
            "the network has no subnet, so that no route leads to it",
            "give the network its subnet, or name a subnet: `reach: [{subnet: 192.168.0.0/24}]`",
        );
    }
    let is_on = |network: &Network| {
        gateway.interfaces.iter().any(|own| cloud.at(own.network).is_some_and(|own| own.name == network.name))
    };
    let networks: Vec<&Network> = match peer {
        Peer::Network(name) => name.ok().and_then(|name| cloud.network(name.as_str())).into_iter().collect(),
        Peer::Machine(name) => {
            let machine = name.ok().and_then(|name| cloud.machine(name.as_str()));
            let interfaces = machine.into_iter().flat_map(|machine| &machine.interfaces);
            interfaces.filter_map(|interface| cloud.at(interface.network)).collect()
        }
        _ => Vec::new(),
    };
    // A machine is reached if one of its networks is.
    let is_closed =
        |network: &&Network| matches!(network.forward, Forward::Nat | Forward::Isolated) && !is_on(network);
    if let Some(network) = networks.first().filter(|_| networks.iter().all(is_closed)) {
        let how = if network.forward == Forward::Nat { "masqueraded" } else { "isolated" };
        findings.find(
            &REACH,
            format!(
                "{} is not on the network {}, which is {how}: nothing comes in there",
                gateway.name, network.name
            ),
            format!("give {} an interface on {}, or make the network routed", gateway.name, network.name),
        );
    }
}

/// Packets of the tunnel that would go into the tunnel.
fn loops(tunnel: &Wireguard, who: Who<'_>, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let Some(gateway) = tunnel.gateway_name().map(Who::Gateway).filter(|gateway| !gateway.is(who)) else {
        return;
    };
    let reached = tunnel.reached(who, cloud);
    if let Some(TunnelEndpoint::Address(end)) = tunnel.outside(gateway, who, cloud)
        && let Some(subnet) = reached.iter().find(|subnet| subnet.contains(end))
    {
        return findings.find(
            &LOOP,
            format!(
                "{subnet} has {end} in it, where the tunnel itself ends: its own packets would go into it"
            ),
            "leave it out of what is reached, or let the gateway be reached at another address",
        );
    }
    let Some(machine) = who.machine(cloud) else { return };
    let own = machine.interfaces.iter().filter_map(|interface| cloud.at(interface.network));
    let own = own.flat_map(|network| [&network.ipv4, &network.ipv6]).flatten().map(|family| family.subnet);
    let both =
        own.into_iter().find_map(|own| Some((own, reached.iter().find(|subnet| subnet.overlaps(&own))?)));
    if let Some((own, subnet)) = both {
        findings.find(
            &LOOP,
            format!("{} is on {own} itself, and would reach {subnet} by the tunnel", machine.name),
            "leave it out of what the machine reaches",
        );
    }
}

/// Resolvers that a person is given and does not reach.
fn resolvers(tunnel: &Wireguard, who: Who<'_>, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    if !matches!(who, Who::Person(_)) || tunnel.dns.is_empty() {
        return;
    }
    let gateway = tunnel.gateway_name().map(Who::Gateway);
    let mut reached: Vec<Subnet> = tunnel.reached(who, cloud);
    reached.extend(gateway.into_iter().flat_map(|gateway| tunnel.singles(gateway)));
    let is_reached = |address: &IpAddr| reached.iter().any(|subnet| subnet.contains(*address));
    let resolvers = tunnel.dns.iter().filter_map(Given::ok).map(|ip| ip.get());
    for resolver in resolvers.filter(|resolver| !is_reached(resolver)) {
        findings.find(
            &RESOLVER,
            format!(
                "{} would ask {resolver} for names, and does not reach it",
                who.name().unwrap_or_default()
            ),
            format!("add it to what they reach: `reach: [{{subnet: {}}}]`", Subnet::single(resolver)),
        );
    }
}
