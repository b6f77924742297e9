//! Files of systemd-networkd (systemd.network(5)): the network of Flatcar.

use std::fmt::Write as _;

use super::config::setting;
use crate::boot::{Address, Family, Inside, Interface};

/// The network of an interface, which is matched by its MAC only.
pub(super) fn network(inside: &Inside<'_>, interface: &Interface<'_>) -> String {
    let is_asked_for = |family: Option<Family>| family.is_some_and(|family| family.address.is_asked_for());
    let (dhcp, advertised) = (is_asked_for(interface.ipv4), is_asked_for(interface.ipv6));

    let mut text = String::with_capacity(384);
    // Writing to a String cannot fail.
    let _ = write!(text, "[Match]\nMACAddress={}\n", interface.mac);
    if let Some(mtu) = interface.mtu {
        let _ = write!(text, "\n[Link]\nMTUBytes={mtu}\n");
    }
    text.push_str("\n[Network]\n");
    setting(&mut text, "DHCP", Some(if dhcp { "ipv4" } else { "no" }));
    setting(&mut text, "IPv6AcceptRA", Some(if advertised { "yes" } else { "no" }));
    for family in [interface.ipv4, interface.ipv6].into_iter().flatten() {
        if let Address::Static(address, prefix) = family.address {
            setting(&mut text, "Address", Some(format_args!("{address}/{prefix}")));
        }
        setting(&mut text, "Gateway", family.gateway.filter(|_| family.on_link().is_none()));
    }
    if interface.resolves {
        for server in inside.resolvers {
            setting(&mut text, "DNS", Some(server));
        }
        setting(&mut text, "Domains", inside.search());
    }
    for gateway in
        [interface.ipv4, interface.ipv6].into_iter().flatten().filter_map(|family| family.on_link())
    {
        let _ = write!(text, "\n[Route]\nGateway={gateway}\nGatewayOnLink=yes\n");
    }
    for route in interface.routes {
        let _ = write!(text, "\n[Route]\nDestination={}\nGateway={}\n", route.to, route.via);
    }
    // DHCP and router advertisements are ignored for settings that the cloud gives.
    let dns = (!inside.resolvers.is_empty()).then_some("no");
    let gateway = (!interface.default_route).then_some("no");
    if dhcp {
        // The MAC identifies the machine to the DHCP server, also after its root disk is replaced.
        text.push_str("\n[DHCPv4]\nClientIdentifier=mac\n");
        setting(&mut text, "UseDNS", dns);
        setting(&mut text, "UseGateway", gateway);
    }
    if advertised && (dns.is_some() || gateway.is_some()) {
        text.push_str("\n[IPv6AcceptRA]\n");
        setting(&mut text, "UseDNS", dns);
        setting(&mut text, "UseGateway", gateway);
    }
    text
}
