//! Keyfiles of `NetworkManager` (nm-settings-keyfile(5)).

use super::{HostSide, Tagged, Trunk, connection_uuid, networkd, setting};
use crate::host::BridgeAddress;
use crate::unit::Mtu;

/// An interface that only passes frames on.
const NO_ADDRESS: &str = "\n[ipv4]\nmethod=disabled\n\n[ipv6]\nmethod=disabled\n";

pub(super) fn files(side: &mut HostSide, owner: &str, trunk: &Trunk<'_>) {
    let uplink = trunk.uplink;
    let bridge = uplink.bridge.as_str();
    // udev gives a bridge its MAC, whatever configures the network.
    networkd::mac_of_port(side, bridge);
    add(side, owner, bridge, "bridge", None, trunk.mtu, &(bridge_settings() + &addressed(trunk)));
    let interface = uplink.interface.as_str();
    add(side, owner, interface, "ethernet", Some(bridge), trunk.mtu, "");
    for vlan in &trunk.vlans {
        let Tagged { interface: name, bridge, id, mtu } = vlan;
        add(side, owner, bridge, "bridge", None, *mtu, &(bridge_settings() + NO_ADDRESS));
        let tag = format!("\n[vlan]\nid={id}\nparent={interface}\n");
        add(side, owner, name, "vlan", Some(bridge), *mtu, &tag);
    }
}

fn bridge_settings() -> String {
    "\n[bridge]\nstp=false\n".to_owned()
}

fn addressed(trunk: &Trunk<'_>) -> String {
    let uplink = trunk.uplink;
    match uplink.address {
        BridgeAddress::Dhcp => {
            "\n[ipv4]\nmethod=auto\ndhcp-client-id=mac\n\n[ipv6]\nmethod=auto\n".to_owned()
        }
        BridgeAddress::Static(address) => {
            let mut text = "\n[ipv4]\nmethod=manual\n".to_owned();
            setting(&mut text, "address1", Some(address));
            setting(&mut text, "gateway", uplink.gateway);
            let servers: String = uplink.resolvers.iter().map(|server| format!("{server};")).collect();
            setting(&mut text, "dns", (!servers.is_empty()).then_some(servers));
            text + "\n[ipv6]\nmethod=auto\n"
        }
        BridgeAddress::None => NO_ADDRESS.to_owned(),
    }
}

/// Adds the connection of an interface.
fn add(
    side: &mut HostSide,
    owner: &str,
    name: &str,
    kind: &str,
    master: Option<&str>,
    mtu: Option<Mtu>,
    rest: &str,
) {
    let id = format!("{}-{name}", side.prefix);
    let uuid = connection_uuid(owner, side.host.as_str(), name);
    let mut text = format!("[connection]\nid={id}\nuuid={uuid}\ntype={kind}\ninterface-name={name}\n");
    // Another connection of the same interface loses against it at each start.
    text.push_str("autoconnect=true\nautoconnect-priority=100\n");
    match master {
        Some(master) => {
            setting(&mut text, "master", Some(master));
            text.push_str("slave-type=bridge\n");
        }
        None => text.push_str("autoconnect-slaves=1\n"),
    }
    if let Some(mtu) = mtu {
        text.push_str(&format!("\n[ethernet]\nmtu={mtu}\n"));
    }
    text.push_str(rest);
    side.file(format!("/etc/NetworkManager/system-connections/{id}.nmconnection"), 0o600, &text);
}
