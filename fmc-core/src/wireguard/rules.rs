//! The rules about a tunnel.

mod reach;
mod settings;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Wireguard;
use super::address::{Who, room};
use crate::addr::{Subnet, is_public};
use crate::checked::{Checked, Forward, Machine, Network};
use crate::count::counted;
use crate::finding::OwnKind;
use crate::given::Given;
use crate::image::Os;
use crate::name::MachineName;
use crate::role::{RoleFindings, SpanSite};
use crate::unit::Mtu;

pub(super) use settings::settings;

const ADDRESS: OwnKind =
    OwnKind::error("wireguard-address", include_str!("pages/address.md")).never_accepted();
const OVERLAP: OwnKind =
    OwnKind::error("wireguard-overlap", include_str!("pages/overlap.md")).never_accepted();
const ROOM: OwnKind = OwnKind::error("wireguard-room", include_str!("pages/room.md")).never_accepted();
const MEMBERS: OwnKind =
    OwnKind::error("wireguard-members", include_str!("pages/members.md")).never_accepted();
const INTERFACE: OwnKind =
    OwnKind::error("wireguard-interface", include_str!("pages/interface.md")).never_accepted();
const PORT: OwnKind = OwnKind::error("wireguard-port", include_str!("pages/port.md")).never_accepted();
const ENDPOINT: OwnKind = OwnKind::error("wireguard-endpoint", include_str!("pages/endpoint.md"));
const ENDPOINT_NAME: OwnKind =
    OwnKind::warning("wireguard-endpoint-name", include_str!("pages/endpoint-name.md"));
const UNKNOWN: OwnKind =
    OwnKind::error("wireguard-unknown", include_str!("pages/unknown.md")).never_accepted();
const NO_REACH: OwnKind = OwnKind::warning("wireguard-no-reach", include_str!("pages/no-reach.md"));
const REACH: OwnKind = OwnKind::error("wireguard-reach", include_str!("pages/reach.md"));
const LOOP: OwnKind = OwnKind::error("wireguard-loop", include_str!("pages/loop.md")).never_accepted();
const MTU: OwnKind = OwnKind::error("wireguard-mtu", include_str!("pages/mtu.md")).never_accepted();
const RESOLVER: OwnKind = OwnKind::error("wireguard-resolver", include_str!("pages/resolver.md"));
const SYSTEM: OwnKind = OwnKind::error("wireguard-system", include_str!("pages/system.md")).never_accepted();

/// The kinds of findings about tunnels.
pub(super) const KINDS: &[OwnKind] = &[
    ADDRESS,
    OVERLAP,
    ROOM,
    MEMBERS,
    INTERFACE,
    PORT,
    ENDPOINT,
    ENDPOINT_NAME,
    UNKNOWN,
    NO_REACH,
    REACH,
    LOOP,
    MTU,
    RESOLVER,
    SYSTEM,
];

/// Everything that is wrong with a tunnel in its cloud.
pub(super) fn check(tunnel: &Wireguard, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cloud = site.cloud();
    members(tunnel, findings);
    others(tunnel, site, findings);
    subnets(tunnel, site, findings);
    addresses(tunnel, findings);
    endpoint(tunnel, cloud, findings);
    people(tunnel, cloud, findings);
    reach::check(tunnel, cloud, findings);
    mtu(tunnel, cloud, findings);
    systems(tunnel, cloud, findings);
}

/// Peers for whom there is nobody.
fn members(tunnel: &Wireguard, findings: &mut RoleFindings<'_>) {
    let (machines, people) = (tunnel.machines.len(), tunnel.people.len());
    match tunnel.gateway_name() {
        Some(gateway) => {
            if machines + people == 0 {
                findings.find(
                    &MEMBERS,
                    format!("nobody comes to the gateway {gateway}"),
                    "name people or machines: `people: {ana: {reach: [{network: core}]}}`",
                );
            }
            if tunnel.machines.get(gateway.as_str()).is_some() {
                findings.part(&format!("machines.{gateway}"), |findings| {
                    findings.find(
                        &MEMBERS,
                        format!("{gateway} is the gateway, and would be a peer of itself"),
                        "leave it out of the `machines`",
                    );
                });
            }
        }
        None => {
            if machines < 2 {
                findings.find(
                    &MEMBERS,
                    format!("a mesh of {} leads nowhere", counted(machines, "machine")),
                    "name the machines that talk to each other, or the `gateway` that they come to",
                );
            }
            if people > 0 {
                findings.find(
                    &MEMBERS,
                    "people come to a gateway, and the tunnel has none",
                    "name a machine: `gateway: vpn`",
                );
            }
        }
    }
}

/// Other tunnels of the cloud that would be mistaken for this one: by their name, or on a machine of both. The later one tells.
fn others(tunnel: &Wireguard, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let before = site.stated::<Wireguard>().map(|(_, other)| other);
    for other in before.take_while(|other| !std::ptr::eq(*other, tunnel)) {
        if other.instance_name() == tunnel.instance_name() {
            findings.find(
                &INTERFACE,
                format!("two tunnels of the cloud are called {}", tunnel.name),
                "give one of them another name: its keys are made of it",
            );
            continue;
        }
        let mut shared = tunnel.everyone().filter_map(|who| match who {
            Who::Gateway(name) => Some(name.as_str()),
            Who::Machine(machine) => Some(machine.name.ok()?.as_str()),
            Who::Person(_) => None,
        });
        let is_in_both =
            |name: &str| site.cloud().machine(name).is_some_and(|machine| other.member(machine).is_some());
        let Some(machine) = shared.find(|name| is_in_both(name)) else { continue };
        if other.interface_name() == tunnel.interface_name() {
            findings.find(
                &INTERFACE,
                format!(
                    "{machine} is in the tunnels {} and {}, and both have the interface {}",
                    other.name,
                    tunnel.name,
                    tunnel.interface_name()
                ),
                "give one of them another `interface`, or none: it is made of the name",
            );
        }
        if other.udp_port() == tunnel.udp_port() {
            findings.find(
                &PORT,
                format!(
                    "{machine} is in the tunnels {} and {}, and both have UDP port {}",
                    other.name,
                    tunnel.name,
                    tunnel.udp_port()
                ),
                format!("give one of them another: `port: {}`", tunnel.udp_port().saturating_add(1)),
            );
        }
    }
}

/// The subnets of a tunnel lead to it alone, and have room for its peers.
fn subnets(tunnel: &Wireguard, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let taken = taken(tunnel, site);
    let peers = tunnel.machines.len() + tunnel.people.len();
    for (index, subnet) in tunnel.subnets.iter().enumerate() {
        let Some(subnet) = subnet.ok() else { continue };
        findings.part(&format!("subnets[{index}]"), |findings| {
            for (what, other) in taken.iter().filter(|(_, other)| other.overlaps(subnet)) {
                findings.find(
                    &OVERLAP,
                    format!("{subnet} overlaps {other}, {what}: packets would go to one of them"),
                    "take a subnet that nothing else has",
                );
            }
            let room = room(subnet);
            if room < u64::try_from(peers).unwrap_or(u64::MAX) {
                findings.find(
                    &ROOM,
                    format!(
                        "{subnet} has room for the gateway and {}, and the tunnel has {peers}",
                        counted(usize::try_from(room).unwrap_or(usize::MAX), "peer")
                    ),
                    "take a larger subnet, as one of /24",
                );
            }
        });
    }
}

/// The subnets that a tunnel must not have, and what they are.
fn taken(tunnel: &Wireguard, site: &SpanSite<'_>) -> Vec<(String, Subnet)> {
    let cloud = site.cloud();
    let mut taken = Vec::new();
    for network in cloud.networks() {
        let families = [&network.ipv4, &network.ipv6].into_iter().flatten();
        taken.extend(families.map(|family| (format!("the network {}", network.name), family.subnet)));
    }
    for cluster in cloud.clusters() {
        taken.extend(cluster.pods.iter().map(|pods| (format!("the pods of {}", cluster.name), *pods)));
        let services = cluster.services.iter();
        taken.extend(services.map(|services| (format!("the Services of {}", cluster.name), *services)));
    }
    let before = site.stated::<Wireguard>().map(|(_, other)| other);
    for other in before.take_while(|other| !std::ptr::eq(*other, tunnel)) {
        taken.extend(other.own_subnets().map(|subnet| (format!("the tunnel {}", other.name), subnet)));
    }
    taken
}

/// One address for each peer, which is said rightly, and free.
fn addresses(tunnel: &Wireguard, findings: &mut RoleFindings<'_>) {
    let mut owners: BTreeMap<IpAddr, Who<'_>> = BTreeMap::new();
    let mut clashes = Vec::new();
    for who in tunnel.everyone() {
        said(tunnel, who, findings);
        for (address, subnet) in tunnel.addresses(who) {
            match owners.get(&address) {
                Some(other) => clashes.push((*other, who, address, subnet)),
                None => drop(owners.insert(address, who)),
            }
        }
    }
    for (other, who, address, subnet) in clashes {
        let called = |who: Who<'_>| who.name().unwrap_or_default().to_owned();
        let free = free(&subnet, &owners);
        findings.part(&who.path(), |findings| {
            findings.find(
                &ADDRESS,
                format!("{} and {} would both be {address} in the tunnel", called(other), called(who)),
                match free {
                    Some(free) => format!("say another one for {}: `addresses: [{free}]`", called(who)),
                    None => "take a larger subnet".to_owned(),
                },
            );
        });
        // The next clash is told of another free one.
        if let Some(free) = free {
            owners.insert(free, who);
        }
    }
}

/// The addresses that are said for a peer.
fn said(tunnel: &Wireguard, who: Who<'_>, findings: &mut RoleFindings<'_>) {
    let mut seen: Vec<Subnet> = Vec::new();
    for (index, address) in who.said().iter().enumerate() {
        let Some(address) = address.ok().map(|ip| ip.get()) else { continue };
        let subnet = tunnel.own_subnets().find(|subnet| subnet.contains(address));
        let wrong = match subnet {
            None => Some(format!("{address} is in none of the tunnel's subnets")),
            Some(subnet) if !subnet.is_host(address) => Some(format!(
                "{address} is the first or the last address of {subnet}, which no peer can have"
            )),
            Some(subnet) if seen.contains(&subnet) => {
                Some(format!("{address} is a second address in {subnet}, and a peer has one"))
            }
            Some(subnet) => {
                seen.push(subnet);
                None
            }
        };
        if let Some(wrong) = wrong {
            findings.part(&format!("{}.addresses[{index}]", who.path()), |findings| {
                findings.find(&ADDRESS, wrong, "write one of the tunnel's subnet, or leave it out");
            });
        }
    }
}

/// The first free address of a subnet, if it is near its beginning.
fn free(subnet: &Subnet, owners: &BTreeMap<IpAddr, Who<'_>>) -> Option<IpAddr> {
    // Among more addresses than owners one is free.
    let most = u128::try_from(owners.len()).ok()? + 2;
    let mut addresses = (2..=most + 1).map_while(|index| subnet.nth(index));
    addresses.find(|address| subnet.is_host(*address) && !owners.contains_key(address))
}

/// Where people come to the gateway.
fn endpoint(tunnel: &Wireguard, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let Some(gateway) = tunnel.gateway_name().filter(|_| !tunnel.people.is_empty()) else { return };
    closed(gateway, cloud, findings);
    let Some(endpoint) = &tunnel.endpoint else {
        let address = cloud.machine(gateway.as_str()).and_then(Machine::address);
        let public = address.filter(|address| is_public(*address));
        return findings.find(
            &ENDPOINT,
            "people are told no address of the gateway: the tunnel has no `endpoint`",
            match public {
                Some(address) => format!("write `endpoint: {address}`"),
                None => "write the address or the name by which the router in front of the gateway is reached, and \
                         let it send the UDP port to the gateway: `endpoint: vpn.example.com`"
                    .to_owned(),
            },
        );
    };
    let Some(endpoint) = endpoint.ok() else { return };
    match endpoint {
        super::TunnelEndpoint::Address(address) if !is_public(*address) => findings.part("endpoint", |findings| {
            findings.find(
                &ENDPOINT,
                format!("{address} is not reached from outside: people who are not on its network cannot come"),
                "write the public address of the router in front of the gateway, or accept it if all people are on that network",
            );
        }),
        super::TunnelEndpoint::Name(name) => findings.part("endpoint", |findings| {
            findings.find(
                &ENDPOINT_NAME,
                format!("{name} is looked up when a tunnel comes up, and not again"),
                "write the address if it stays the same, or accept it: people take the tunnel down and up after a change",
            );
        }),
        super::TunnelEndpoint::Address(_) => {}
    }
}

/// A gateway on networks that nothing comes into, whatever the router in front of the host does.
fn closed(gateway: &MachineName, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let Some(machine) = cloud.machine(gateway.as_str()) else { return };
    let networks = machine.interfaces.iter().filter_map(|interface| cloud.at(interface.network));
    let networks: Vec<&Network> = networks.collect();
    let is_closed = |network: &&Network| matches!(network.forward, Forward::Nat | Forward::Isolated);
    if let Some(network) = networks.first().filter(|_| networks.iter().all(is_closed)) {
        let how = if network.forward == Forward::Nat { "masqueraded" } else { "isolated" };
        findings.part("gateway", |findings| {
            findings.find(
                &ENDPOINT,
                format!(
                    "{gateway} is on the network {}, which is {how}: nobody comes in there",
                    network.name
                ),
                "give the gateway an interface on a routed network or on a bridge of the host",
            );
        });
    }
}

/// People whom the cloud's FreeIPA does not know.
fn people(tunnel: &Wireguard, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let Some(known) = cloud.people().filter(|people| !people.users.is_empty()) else { return };
    let others = known.others.iter().flat_map(|others| &others.users).filter_map(Given::ok);
    let others: Vec<&str> = others.map(|login| login.as_str()).collect();
    let logins: Vec<&str> = known.users.iter().filter_map(|user| Some(user.login.ok()?.as_str())).collect();
    for person in tunnel.people.iter() {
        let Some(name) = person.name.ok().map(|name| name.as_str()) else { continue };
        // A second device of a person is `ana-phone`.
        let is =
            |login: &str| name == login || name.strip_prefix(login).is_some_and(|rest| rest.starts_with('-'));
        if logins.iter().chain(&others).any(|login| is(login)) {
            continue;
        }
        findings.part(&format!("people.{name}"), |findings| {
            findings.find(
                &UNKNOWN,
                format!("{name} is not among the cloud's people: {}", logins.join(", ")),
                "add the user to `people` of the cloud, or begin the name with a login, as `ana-phone`",
            );
        });
    }
}

/// The size of packets.
fn mtu(tunnel: &Wireguard, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let has_ipv6 = tunnel.own_subnets().any(|subnet| !subnet.is_ipv4());
    let least = if has_ipv6 { Mtu::IPV6_MIN.get() } else { 576 };
    let members = tunnel.everyone().filter(|who| who.machine(cloud).is_some());
    // A gateway's is the smallest of all.
    let asked = members.take(if tunnel.gateway.is_some() { 1 } else { usize::MAX });
    let greatest = asked.map(|who| tunnel.greatest_mtu(who, cloud)).min();
    let Some(greatest) = greatest else { return };
    let said = tunnel.mtu.as_ref().and_then(Given::ok).map(|mtu| mtu.get());
    if let Some(said) = said.filter(|said| *said > greatest) {
        findings.part("mtu", |findings| {
            findings.find(
                &MTU,
                format!("packets of {said} bytes do not fit: below the tunnel there is room for {greatest} (60 go to WireGuard over IPv4, 80 over IPv6)"),
                format!("leave it out, or write {greatest} or less"),
            );
        });
    }
    let used = said.unwrap_or(greatest);
    if used < least {
        let family = if has_ipv6 { "IPv6 asks for 1280" } else { "IPv4 asks for 576" };
        findings.find(
            &MTU,
            format!("the tunnel has room for packets of {used} bytes, and {family}"),
            if said.is_some() {
                format!("leave `mtu` out, or write {least} or more")
            } else {
                "raise the `mtu` of the networks below it".to_owned()
            },
        );
    }
}

/// Systems whose kernel or network program has no `WireGuard`.
fn systems(tunnel: &Wireguard, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    for who in tunnel.everyone() {
        let Some(machine) = who.machine(cloud) else { continue };
        let image = &machine.image;
        let release: u32 =
            image.version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(u32::MAX);
        let least = match image.os {
            Os::Debian => 12,
            Os::Rocky | Os::Almalinux => 9,
            _ => continue,
        };
        if release < least {
            findings.part(&who.path(), |findings| {
                let why = if image.os == Os::Debian {
                    "does not run systemd-networkd"
                } else {
                    "has no WireGuard in its kernel"
                };
                findings.find(
                    &SYSTEM,
                    format!("{} runs {} {}, which {why}", machine.name, image.os.label(), image.version),
                    format!("give the machine {} {least} or later", image.os.label()),
                );
            });
        }
    }
}
