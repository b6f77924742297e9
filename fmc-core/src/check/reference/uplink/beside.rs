//! What the cloud has beside the uplinks of its hosts: bridges and VLAN interfaces of the same name, subnets and addresses that
//! are a host's own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::super::resolve::bridge_of;
use super::super::super::view::{Net, View, text};
use super::super::vlan::own_bridge;
use crate::addr::Subnet;
use crate::checked::on_host;
use crate::finding::{Finding, problems};
use crate::host::{BridgeAddress, Host, Uplink};

/// Looks at the hosts that have uplinks.
pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut own: BTreeMap<IpAddr, (&str, &str)> = BTreeMap::new();
    if view.hosts.iter().all(|host| host.uplinks.is_empty()) {
        return;
    }
    let bridges = bridges(view);
    for (at, host) in view.hosts.iter().enumerate().filter(|(_, host)| !host.uplinks.is_empty()) {
        names(view, host, &bridges, findings);
        for uplink in &host.uplinks {
            let Some((address, subnet)) = static_of(uplink) else { continue };
            let place = (text(&host.name), text(&uplink.bridge));
            if let Some((other, bridge)) = own.insert(address, place) {
                let problem =
                    BesideProblem::Hosts { address, host: other.to_owned(), bridge: bridge.to_owned() };
                findings.push(problem.at(format_args!("hosts.{}.uplinks.{}.address", place.0, place.1)));
            }
            subnets(view, at, host, uplink, subnet, findings);
        }
    }
    for machine in &view.machines {
        for (index, link) in machine.links.iter().enumerate() {
            let Some(address) = link.draft.address.as_ref().and_then(|ip| ip.ok()).map(|ip| ip.get()) else {
                continue;
            };
            if let Some((host, bridge)) = own.get(&address) {
                let problem = BesideProblem::Machine {
                    address,
                    host: (*host).to_owned(),
                    bridge: (*bridge).to_owned(),
                };
                let at = format_args!("machines.{}.interfaces[{index}].address", machine.draft.name);
                findings.push(problem.at(at).also(format_args!("hosts.{host}.uplinks.{bridge}.address")));
            }
        }
    }
}

fn static_of(uplink: &Uplink) -> Option<(IpAddr, Subnet)> {
    match uplink.address.ok()? {
        BridgeAddress::Static(own) => Some((own.ip(), own.subnet())),
        _ => None,
    }
}

/// The bridges that libvirt or fmc makes for networks, each with its network.
fn bridges<'v>(view: &'v View<'_>) -> BTreeMap<String, &'v str> {
    let each = view.networks.iter().filter_map(|net| {
        let name = text(&net.draft.name);
        let bridge = if net.is_own() {
            match &net.draft.bridge {
                Some(bridge) => bridge.ok()?.to_string(),
                None => bridge_of(&on_host(view.prefix(), name))?.to_string(),
            }
        } else {
            net.draft.vlan.as_ref()?;
            own_bridge(view, name)?.to_string()
        };
        Some((bridge, name))
    });
    each.collect()
}

/// Names that two things on the host would have.
fn names(view: &View<'_>, host: &Host, bridges: &BTreeMap<String, &str>, findings: &mut Vec<Finding>) {
    for uplink in &host.uplinks {
        let (bridge, interface) = (text(&uplink.bridge), text(&uplink.interface));
        let at = format!("hosts.{}.uplinks.{bridge}", host.name);
        if let Some(network) = bridges.get(bridge) {
            let problem = BesideProblem::Bridge { bridge: bridge.to_owned(), network: (*network).to_owned() };
            findings.push(problem.at(&at).also(format_args!("networks.{network}")));
        }
        if let Some(network) = bridges.get(interface) {
            let problem =
                BesideProblem::Port { interface: interface.to_owned(), network: (*network).to_owned() };
            findings
                .push(problem.at(format_args!("{at}.interface")).also(format_args!("networks.{network}")));
        }
    }
    for net in view.networks.iter().filter(|net| !net.is_own()) {
        let trunk = net.draft.bridge.as_ref().and_then(|bridge| bridge.ok());
        let Some((trunk, id)) = trunk.zip(net.draft.vlan.as_ref().and_then(|id| id.ok())) else { continue };
        let Some(carrier) = host.uplinks.iter().find(|uplink| text(&uplink.bridge) == trunk.as_str()) else {
            continue;
        };
        let tagged = format!("{}.{id}", text(&carrier.interface));
        for uplink in host.uplinks.iter().filter(|uplink| text(&uplink.interface) == tagged) {
            let network = net.draft.name.to_string();
            let problem = BesideProblem::Tagged { interface: tagged.clone(), network: network.clone() };
            let at = format_args!("hosts.{}.uplinks.{}.interface", host.name, uplink.bridge);
            findings.push(problem.at(at).also(format_args!("networks.{network}.vlan")));
        }
    }
}

/// Networks, and other bridges of the host, that have addresses of the subnet in which the host is by a bridge.
fn subnets(
    view: &View<'_>,
    at: usize,
    host: &Host,
    uplink: &Uplink,
    subnet: Subnet,
    findings: &mut Vec<Finding>,
) {
    let path = format!("hosts.{}.uplinks.{}.address", host.name, uplink.bridge);
    let is_its_own = |net: &Net<'_>| {
        let on = net.draft.bridge.as_ref().map(text);
        !net.is_own() && net.draft.vlan.is_none() && on == Some(text(&uplink.bridge))
    };
    let is_here = |net: &Net<'_>| !net.is_own() || net.host == Some(at);
    for net in view.networks.iter().filter(|net| is_here(net) && !is_its_own(net)) {
        let families = [&net.ipv4, &net.ipv6].into_iter().flatten();
        if let Some(other) = families.map(|family| family.subnet).find(|other| other.overlaps(&subnet)) {
            let network = net.draft.name.to_string();
            let problem = BesideProblem::Subnet { subnet, network: network.clone(), other };
            findings.push(problem.at(&path).also(format_args!("networks.{network}.subnet")));
        }
    }
    let before = host.uplinks.iter().take_while(|other| !std::ptr::eq(*other, uplink));
    for other in before.filter(|other| static_of(other).is_some_and(|(_, theirs)| theirs.overlaps(&subnet))) {
        let problem = BesideProblem::Twice { subnet, bridge: other.bridge.to_string() };
        findings.push(
            problem.at(&path).also(format_args!("hosts.{}.uplinks.{}.address", host.name, other.bridge)),
        );
    }
}

problems! {
    /// Problems of uplinks with the cloud beside them.
    pub enum BesideProblem {
        Bridge { bridge: String, network: String } is NetworkConflict:
            "{bridge} is the bridge of the network {network}",
            "give the uplink's bridge another name, as br0";
        Port { interface: String, network: String } is NetworkConflict:
            "{interface} is the bridge of the network {network}, and a bridge is no port of another one",
            "name the network card, as `ip link` on the host shows it";
        Tagged { interface: String, network: String } is NetworkConflict:
            "{interface} is the VLAN interface of the network {network}, and a port of its bridge",
            "leave the uplink out: fmc makes the bridge of a VLAN; or leave `vlan` out of {network}, and name this bridge there";
        Subnet { subnet: Subnet, network: String, other: Subnet } is SubnetOverlap:
            "the host is in {subnet} by this bridge, and {network} has {other}",
            "give the network another subnet: the host would not know which way an address is";
        Twice { subnet: Subnet, bridge: String } is SubnetOverlap:
            "the host is in {subnet} by this bridge and by {bridge}",
            "give it one address in a subnet";
        Hosts { address: IpAddr, host: String, bridge: String } is AddressDuplicate:
            "{address} is the address of {host} by its bridge {bridge}, too",
            "give each its own";
        Machine { address: IpAddr, host: String, bridge: String } is AddressTaken:
            "{address} is the address of the host {host} itself, by its bridge {bridge}",
            "give the machine another address";
    }
}
