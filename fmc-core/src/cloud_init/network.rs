//! The network-config, version 2.

use std::net::IpAddr;

use crate::boot::{Address, Family, Inside, Interface};
use crate::image::Os;
use crate::template::Template;
use crate::yaml::Node;

/// The network-config: it matches every interface by its MAC.
pub(crate) fn network_config(inside: &Inside<'_>) -> Template {
    let stems: Vec<String> = (0..inside.interfaces.len()).map(|index| inside.stem(index)).collect();
    let ethernets = stems.iter().zip(&inside.interfaces);
    let ethernets =
        ethernets.map(|(stem, interface)| (stem.as_str(), ethernet(inside, interface))).collect::<Vec<_>>();
    let mut root = vec![("version", Node::Number(2))];
    if !ethernets.is_empty() {
        root.push(("ethernets", Node::Map(ethernets)));
    }
    let mut out = Template::default();
    Node::Map(root).document(&mut out);
    out
}

fn ethernet<'a>(inside: &Inside<'a>, interface: &Interface<'a>) -> Node<'a> {
    let is_asked_for = |family: Option<Family>| family.is_some_and(|family| family.address.is_asked_for());
    let (dhcp4, dhcp6) = (is_asked_for(interface.ipv4), is_asked_for(interface.ipv6));
    let families = || [interface.ipv4, interface.ipv6].into_iter().flatten();

    let mut members = vec![
        ("match", Node::Map(vec![("macaddress", Node::text(interface.mac.to_string()))])),
        ("dhcp4", Node::Flag(dhcp4)),
        ("dhcp6", Node::Flag(dhcp6)),
    ];
    if inside.os == Os::Debian {
        members.push(("accept-ra", Node::Flag(dhcp6)));
        if dhcp4 {
            // The MAC identifies the machine to the DHCP server, also after its root disk is replaced.
            members.push(("dhcp-identifier", Node::text("mac")));
        }
    }
    // cloud-init 22.4 and 23.4 ignore these overrides when they write for NetworkManager: there a command of the
    // user-data takes the default route from an interface.
    for (asked, key) in [(dhcp4, "dhcp4-overrides"), (dhcp6, "dhcp6-overrides")] {
        let mut overrides = Vec::new();
        if !inside.resolvers.is_empty() {
            overrides.push(("use-dns", Node::Flag(false)));
        }
        if !interface.default_route {
            overrides.push(("use-routes", Node::Flag(false)));
        }
        if asked && !overrides.is_empty() {
            members.push((key, Node::Map(overrides)));
        }
    }
    let addresses: Vec<String> = families()
        .filter_map(|family| match family.address {
            Address::Static(address, prefix) => Some(format!("{address}/{prefix}")),
            Address::Reserved(_) | Address::Dynamic => None,
        })
        .collect();
    if !addresses.is_empty() {
        members.push(("addresses", Node::line(addresses)));
    }
    let gateways: Vec<(IpAddr, bool)> =
        families().filter_map(|family| Some((family.gateway?, family.on_link().is_some()))).collect();
    let mut routes: Vec<Node<'_>> = Vec::new();
    if inside.os == Os::Debian {
        routes.extend(gateways.iter().map(|(via, is_on_link)| {
            let to = if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            route(to, via, *is_on_link)
        }));
    } else {
        // cloud-init 22.4 turns an IPv6 default route into a route to ::/64, and does not know `to: default`.
        // It accepts these two keys, as do its successors. NetworkManager adds a route to a router that is outside of the
        // subnet by itself.
        let key = |gateway: &IpAddr| if gateway.is_ipv4() { "gateway4" } else { "gateway6" };
        members.extend(gateways.iter().map(|(gateway, _)| (key(gateway), Node::text(gateway.to_string()))));
    }
    routes.extend(interface.routes.iter().map(|far| route(far.to.to_string(), &far.via, false)));
    if !routes.is_empty() {
        members.push(("routes", Node::List(routes)));
    }
    if interface.resolves {
        let mut servers = Vec::new();
        if let Some(domain) = inside.search() {
            servers.push(("search", Node::line([domain])));
        }
        if !inside.resolvers.is_empty() {
            servers.push(("addresses", Node::line(inside.resolvers.iter().map(ToString::to_string))));
        }
        if !servers.is_empty() {
            members.push(("nameservers", Node::Map(servers)));
        }
    }
    if let Some(mtu) = interface.mtu {
        members.push(("mtu", Node::Number(mtu.get().into())));
    }
    Node::Map(members)
}

fn route(to: impl Into<String>, via: &IpAddr, is_on_link: bool) -> Node<'static> {
    let mut members = vec![("to", Node::text(to.into())), ("via", Node::text(via.to_string()))];
    if is_on_link {
        members.push(("on-link", Node::Flag(true)));
    }
    Node::Map(members)
}
