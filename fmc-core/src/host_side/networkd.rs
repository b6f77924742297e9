//! Files of systemd-networkd (systemd.netdev(5), systemd.network(5)) and of udev (systemd.link(5)).

use super::{HostSide, Tagged, Trunk, setting};
use crate::host::BridgeAddress;
use crate::unit::Mtu;

/// The start of a file's name: what comes first by name decides, and installers write `10-` and later.
const FIRST: &str = "05";

/// An interface that only passes frames on.
const NO_ADDRESS: &str = "LinkLocalAddressing=no\nIPv6AcceptRA=no\n";

pub(super) fn files(side: &mut HostSide, trunk: &Trunk<'_>) {
    let uplink = trunk.uplink;
    let bridge = uplink.bridge.as_str();
    mac_of_port(side, bridge);
    add(
        side,
        bridge,
        "netdev",
        &format!("[NetDev]\nName={bridge}\nKind=bridge\nMACAddress=none\n\n[Bridge]\nSTP=no\n"),
    );
    add(side, bridge, "network", &addressed(trunk));

    let mut port = format!("{}\n[Network]\nBridge={bridge}\n", matched(uplink.interface.as_str(), trunk.mtu));
    for vlan in &trunk.vlans {
        setting(&mut port, "VLAN", Some(&vlan.interface));
    }
    port.push_str(NO_ADDRESS);
    add(side, uplink.interface.as_str(), "network", &port);
    for vlan in &trunk.vlans {
        tagged(side, vlan);
    }
}

fn tagged(side: &mut HostSide, vlan: &Tagged<'_>) {
    let Tagged { interface, bridge, id, mtu } = vlan;
    add(side, interface, "netdev", &format!("[NetDev]\nName={interface}\nKind=vlan\n\n[VLAN]\nId={id}\n"));
    let port = format!("{}\n[Network]\nBridge={bridge}\n{NO_ADDRESS}", matched(interface, *mtu));
    add(side, interface, "network", &port);
    add(side, bridge, "netdev", &format!("[NetDev]\nName={bridge}\nKind=bridge\n\n[Bridge]\nSTP=no\n"));
    // A bridge without a machine on it has no carrier, and the host's start must not wait for one.
    let mut own = format!("[Match]\nName={bridge}\n\n[Link]\nRequiredForOnline=no\n");
    setting(&mut own, "MTUBytes", *mtu);
    own.push_str(&format!("\n[Network]\nConfigureWithoutCarrier=yes\n{NO_ADDRESS}"));
    add(side, bridge, "network", &own);
}

/// The head of an interface's file. The MTU stands here, because networkd does not change an existing `netdev`.
fn matched(name: &str, mtu: Option<Mtu>) -> String {
    let mut text = format!("[Match]\nName={name}\n");
    if let Some(mtu) = mtu {
        text.push_str(&format!("\n[Link]\nMTUBytes={mtu}\n"));
    }
    text
}

/// The host's own network, on the bridge.
fn addressed(trunk: &Trunk<'_>) -> String {
    let uplink = trunk.uplink;
    let mut text = format!("{}\n[Network]\n", matched(uplink.bridge.as_str(), trunk.mtu));
    match uplink.address {
        BridgeAddress::Dhcp => {
            text.push_str("DHCP=ipv4\nIPv6AcceptRA=yes\n\n[DHCPv4]\nClientIdentifier=mac\n")
        }
        BridgeAddress::Static(address) => {
            setting(&mut text, "Address", Some(address));
            setting(&mut text, "Gateway", uplink.gateway);
            for resolver in &uplink.resolvers {
                setting(&mut text, "DNS", Some(resolver));
            }
            text.push_str("IPv6AcceptRA=yes\n");
        }
        BridgeAddress::None => text.push_str(NO_ADDRESS),
    }
    text
}

/// Lets a bridge have the MAC of its port, by which DHCP and the switch know the host; udev would give it one of its own.
pub(super) fn mac_of_port(side: &mut HostSide, bridge: &str) {
    add(side, bridge, "link", &format!("[Match]\nOriginalName={bridge}\n\n[Link]\nMACAddressPolicy=none\n"));
}

fn add(side: &mut HostSide, name: &str, kind: &str, text: &str) {
    let path = format!("/etc/systemd/network/{FIRST}-{}-{name}.{kind}", side.prefix);
    side.file(path, 0o644, text);
}
