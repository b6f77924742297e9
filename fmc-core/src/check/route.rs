//! Default routes, gateways and resolvers: whether a machine reaches what its configuration names.

use std::net::IpAddr;

use super::view::{Net, Placed, Plugged, View, route_of, text};
use crate::addr::Subnet;
use crate::finding::{Finding, Remedy, problems};

pub(super) mod resolver;

/// Looks at routes and resolvers.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    for net in &view.networks {
        gateway(net, findings);
    }
    for placed in &view.machines {
        default_routes(placed, findings);
        // A lab has isolated networks in place of host bridges, so the rules about the way out do not apply there.
        if !view.cloud.lab {
            unusable(view, placed, findings);
            missing(view, placed, findings);
        }
    }
    resolver::check(view, findings);
}

/// A gateway is in the subnet or on the link, or no machine can send to it.
fn gateway(net: &Net<'_>, findings: &mut Vec<Finding>) {
    for (field, family) in [("gateway", &net.ipv4), ("gateway6", &net.ipv6)] {
        let Some(family) = family else { continue };
        let subnet = family.subnet;
        let Some(gateway) = family.gateway.filter(|gateway| gateway.is_ipv4() == subnet.is_ipv4()) else {
            continue;
        };
        if !subnet.is_host(gateway) {
            let first = subnet.first_host();
            // libvirt gives its own bridges the gateway's address; a LAN's router may be anywhere on the link.
            let is_on_link = !net.is_own() && !subnet.contains(gateway);
            if is_on_link && (subnet.first_host() == subnet.last_host() || is_link_local(gateway)) {
                continue;
            }
            let problem = if subnet.contains(gateway) {
                RouteProblem::GatewayReserved { gateway, subnet, first }
            } else if is_on_link {
                let network = text(&net.draft.name).to_owned();
                RouteProblem::GatewayOnLink { gateway, subnet, first, network }
            } else {
                RouteProblem::GatewayOutside { gateway, subnet, first }
            };
            findings.push(problem.at(format_args!("networks.{}.{field}", net.draft.name)));
        }
    }
}

/// An IPv6 address that exists on its link only, as routers have one.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

fn default_routes(placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    let said = placed.links.iter().enumerate().filter(|(_, link)| link.draft.default_route == Some(true));
    let mut said = said.map(|(index, _)| index);
    let Some(first) = said.next() else { return };
    let at = |index: usize| format!("machines.{}.interfaces[{index}].default_route", placed.draft.name);
    for second in said {
        findings.push(RouteProblem::Twice.at(at(second)).also(at(first)));
    }
}

/// Whether an interface learns its gateway by DHCP, together with its address.
fn by_dhcp(link: &Plugged<'_>) -> bool {
    link.draft.address.is_none() && link.draft.address6.is_none()
}

fn has_gateway(net: &Net<'_>) -> bool {
    [&net.ipv4, &net.ipv6].into_iter().flatten().any(|family| family.gateway.is_some())
}

/// Whether a default route through the interface leads anywhere.
fn leads_out(net: &Net<'_>, link: &Plugged<'_>) -> bool {
    net.is_forwarded() && (has_gateway(net) || (!net.is_own() && by_dhcp(link)))
}

/// A default route that is asked for on a network without one.
fn unusable(view: &View<'_>, placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    for (index, link) in placed.links.iter().enumerate() {
        let Some(net) = link.network.and_then(|at| view.network(at)) else { continue };
        // A network without a right subnet is a finding of its own.
        let unknown = net.is_own() && net.is_forwarded() && !has_gateway(net);
        if link.draft.default_route != Some(true) || leads_out(net, link) || unknown {
            continue;
        }
        let name = &net.draft.name;
        let network = name.to_string();
        let problem = if net.is_forwarded() {
            RouteProblem::NoGateway { network }
        } else {
            RouteProblem::NothingBehind { network }
        };
        let at = format_args!("machines.{}.interfaces[{index}].default_route", placed.draft.name);
        findings.push(problem.at(at));
    }
}

/// A configured machine without a way out, unless `default_route: false` says that this is intended.
fn missing(view: &View<'_>, placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    if placed.draft.image.os.provisioner().is_none() {
        return;
    }
    let unknown = placed.links.iter().any(|link| link.network.is_none());
    let meant = placed.links.iter().any(|link| link.draft.default_route.is_some());
    if unknown || meant {
        return;
    }
    let route = route_of(view, placed).and_then(|at| placed.links.get(at));
    let leads = route.is_some_and(|link| {
        link.network.and_then(|at| view.network(at)).is_some_and(|net| leads_out(net, link))
    });
    // A forwarded network without a right subnet is a finding of its own.
    let incomplete = placed.links.iter().filter_map(|link| view.network(link.network?));
    let mut incomplete = incomplete.filter(|net| net.is_own() && net.is_forwarded() && !has_gateway(net));
    if leads || incomplete.next().is_some() {
        return;
    }
    let name = &placed.draft.name;
    let problem = if placed.links.is_empty() { RouteProblem::NoInterface } else { RouteProblem::NoWayOut };
    findings.push(problem.at(format_args!("machines.{name}.interfaces")));
}

problems! {
    /// Problems with routes and gateways.
    pub enum RouteProblem {
        GatewayReserved { gateway: IpAddr, subnet: Subnet, first: IpAddr } is GatewayUnreachable:
            "{gateway} is reserved in {subnet}: no machine can have it",
            "write an address of it, for example {first}";
        GatewayOutside { gateway: IpAddr, subnet: Subnet, first: IpAddr } is GatewayUnreachable:
            "{gateway} is not in {subnet}",
            "write an address of it, for example {first}";
        GatewayOnLink { gateway: IpAddr, subnet: Subnet, first: IpAddr, network: String } is GatewayOnLink:
            "{gateway} is not in {subnet} of {network}",
            "write an address of it, for example {first}; or accept it with a reason if the router answers on that link, as at a hoster: guests then send to it directly";
        NoGateway { network: String } is GatewayUnreachable:
            "{network} has no gateway for a default route",
            "name the LAN's router on {network}, for example {gateway}, or set the default route on another interface",
            gateway = Remedy::set("gateway", "192.168.0.1");
        NothingBehind { network: String } is GatewayUnreachable:
            "{network} is isolated: nothing is behind its gateway",
            "let the default route go through an interface on a network that is forwarded";
        Twice is DefaultRouteDuplicate:
            "two interfaces of the machine have the default route",
            "keep one: with two, chance decides which one a packet takes";
        NoInterface is DefaultRouteMissing:
            "the machine has no default route: it has no interface",
            "add an interface on a nat or routed network";
        NoWayOut is DefaultRouteMissing:
            "the machine has no default route: none of its networks has a gateway to the world",
            "add an interface on a nat or routed network, or write {none} if that is intended",
            none = Remedy::set("default_route", "false");
    }
}
