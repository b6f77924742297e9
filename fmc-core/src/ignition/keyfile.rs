//! `NetworkManager` keyfiles (nm-settings-keyfile(5)): the network of Fedora CoreOS.

use std::fmt::Write as _;

use super::config::setting;
use crate::boot::{Address, Family, Inside, Interface};

/// The connection of an interface, which is matched by its MAC only.
pub(super) fn connection(inside: &Inside<'_>, interface: &Interface<'_>, id: &str) -> String {
    let mut text = String::with_capacity(384);
    // Writing to a String cannot fail.
    let _ =
        write!(text, "[connection]\nid={id}\ntype=ethernet\n\n[ethernet]\nmac-address={}\n", interface.mac);
    setting(&mut text, "mtu", interface.mtu);
    text.push_str("\n[ipv4]\n");
    match interface.ipv4 {
        Some(family) => self::family(&mut text, inside, interface, family, true),
        None => text.push_str("method=disabled\n"),
    }
    text.push_str("\n[ipv6]\n");
    match interface.ipv6 {
        Some(family) => self::family(&mut text, inside, interface, family, false),
        None => text.push_str("method=link-local\n"),
    }
    text
}

fn family(text: &mut String, inside: &Inside<'_>, interface: &Interface<'_>, family: Family, is_ipv4: bool) {
    match family.address {
        Address::Static(address, prefix) => {
            text.push_str("method=manual\n");
            setting(text, "address1", Some(format_args!("{address}/{prefix}")));
            setting(text, "gateway", family.gateway);
        }
        Address::Reserved(_) | Address::Dynamic => {
            text.push_str("method=auto\n");
            // The MAC identifies the machine to the DHCP server, also after its root disk is replaced.
            setting(text, "dhcp-client-id", is_ipv4.then_some("mac"));
            setting(text, "never-default", (!interface.default_route).then_some(true));
            setting(text, "ignore-auto-dns", (!inside.resolvers.is_empty()).then_some(true));
        }
    }
    let routes = interface.routes.iter().filter(|route| route.via.is_ipv4() == is_ipv4);
    let routes = routes.map(|route| format!("{},{}", route.to, route.via));
    // A route without a next hop says that the router is on the link.
    let on_link = family.on_link().map(|router| format!("{router}/{}", if is_ipv4 { 32 } else { 128 }));
    for (index, route) in on_link.into_iter().chain(routes).enumerate() {
        setting(text, &format!("route{}", index + 1), Some(route));
    }
    if interface.resolves {
        let servers = inside.resolvers.iter().filter(|server| server.is_ipv4() == is_ipv4);
        let servers: String = servers.map(|server| format!("{server};")).collect();
        setting(text, "dns", (!servers.is_empty()).then_some(servers));
        setting(text, "dns-search", inside.search().map(|domain| format!("{domain};")));
    }
    // The machine counts as online only once it has its IPv4 address.
    setting(text, "may-fail", is_ipv4.then_some(false));
}
