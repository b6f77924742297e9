//! The side of a host: the files that a cloud needs on a hypervisor itself, which libvirt does not keep.
//!
//! - The bridges of [`Host::uplink`](crate::host::Host::uplink) with their interfaces, and those of VLANs, for the program that
//!   configures the host's network.
//! - The nft table of routed networks, with a unit that loads it at each start, and the kernel's setting that it forwards.
//!
//! Each VLAN is a bridge of its own over a VLAN interface of the uplink. The Linux-bridge networks of libvirt 9.0 refuse
//! `<vlan>`, and a VLAN-filtering bridge would need a change to each machine's port, which libvirt makes. The kernel hands a
//! frame with the tag to the VLAN interface before the bridge sees it, so machines on the trunk itself do not receive it.
//!
//! `host NAME install` takes these files to the host.

mod keyfile;
mod networkd;
pub mod nft;

use std::fmt::{Display, Write as _};

use uuid::Uuid;

use crate::checked::{Checked, Host, Network, Uplink};
use crate::host::{BridgeAddress, NetworkDaemon};
use crate::identity;
use crate::name::HostName;
use crate::unit::Mtu;

/// A file on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostFile {
    /// Its place on the host, an absolute path.
    pub path: String,
    /// Its permissions, as `0o644`.
    pub mode: u32,
    /// Its content. The first line is the [mark](HostSide::mark).
    pub text: String,
}

/// A bridge that takes the place of an interface, and the address that it then has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Taken {
    /// The bridge.
    pub bridge: String,
    /// The interface that becomes its port.
    pub interface: String,
    /// How the bridge gets its IPv4 address.
    pub address: BridgeAddress,
    /// The router, if the cloud names it.
    pub gateway: Option<std::net::IpAddr>,
}

/// The files of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostSide {
    /// The host.
    pub host: HostName,
    /// The program that configures its network, if the cloud says it.
    pub manager: Option<NetworkDaemon>,
    /// The first line of each file: a file without it is a stranger's.
    pub mark: String,
    /// The start of the names of files and units, `fmc-OWNER`.
    pub prefix: String,
    /// The files, sorted by path.
    pub files: Vec<HostFile>,
    /// The bridges over interfaces of the host.
    pub taken: Vec<Taken>,
    /// The bridges and VLAN interfaces that the files make, in the order of their making.
    pub links: Vec<String>,
    /// Its unit that loads the nft table, if it needs one.
    pub unit: Option<String>,
}

/// A VLAN on a host: the names of its VLAN interface and of its bridge.
struct Tagged<'a> {
    interface: String,
    bridge: &'a str,
    id: u16,
    mtu: Option<Mtu>,
}

/// A bridge with its port and the VLANs of that.
struct Trunk<'a> {
    uplink: &'a Uplink,
    mtu: Option<Mtu>,
    vlans: Vec<Tagged<'a>>,
}

/// The files of each host that needs some, in the order of the hosts.
pub fn of(checked: &Checked) -> Vec<HostSide> {
    let mut tables: Vec<(&str, String)> =
        nft::rulesets(checked).map(|(host, text)| (host.name.as_str(), text)).collect();
    let hosts = checked.hosts().iter();
    let sides = hosts.map(|host| {
        let table = tables.iter().position(|(name, _)| *name == host.name.as_str());
        side(checked, host, table.map(|at| tables.swap_remove(at).1))
    });
    sides.filter(|side| !side.files.is_empty()).collect()
}

/// The files of one host, which may be none.
pub fn of_host(checked: &Checked, host: &Host) -> HostSide {
    let table = nft::rulesets(checked).find(|(at, _)| at.name == host.name).map(|(_, text)| text);
    side(checked, host, table)
}

fn side(checked: &Checked, host: &Host, table: Option<String>) -> HostSide {
    let owner = checked.owner().as_str();
    let mark = format!("# Made by fmc for {owner}; changes here are replaced.");
    let prefix = format!("fmc-{owner}");
    let mut side = HostSide {
        host: host.name.clone(),
        manager: host.manager,
        mark,
        prefix,
        files: Vec::new(),
        taken: Vec::new(),
        links: Vec::new(),
        unit: None,
    };
    if let Some(manager) = host.manager {
        for trunk in trunks(checked, host) {
            let uplink = trunk.uplink;
            side.links.push(uplink.bridge.to_string());
            for vlan in &trunk.vlans {
                side.links.extend([vlan.interface.clone(), vlan.bridge.to_owned()]);
            }
            side.taken.push(Taken {
                bridge: uplink.bridge.to_string(),
                interface: uplink.interface.to_string(),
                address: uplink.address,
                gateway: uplink.gateway,
            });
            match manager {
                NetworkDaemon::Networkd => networkd::files(&mut side, &trunk),
                NetworkDaemon::NetworkManager => keyfile::files(&mut side, owner, &trunk),
            }
        }
    }
    if let Some(table) = table {
        side.table(checked, &table);
    }
    side.files.sort_by(|a, b| a.path.cmp(&b.path));
    side
}

/// The bridges that fmc makes on a host, each with the VLANs of networks on it.
fn trunks<'a>(checked: &'a Checked, host: &'a Host) -> Vec<Trunk<'a>> {
    let on = |uplink: &Uplink, name: &str| uplink.bridge == *name;
    let trunk = |uplink: &'a Uplink| {
        let plain = |network: &&Network| network.vlan.is_none() && on(uplink, network.bridge.as_str());
        let vlans = checked.networks().iter().filter_map(|network| {
            let vlan = network.vlan.as_ref().filter(|vlan| on(uplink, vlan.trunk.as_str()))?;
            // The host's administrator makes a bridge that the host lists.
            let bridge = Some(network.bridge.as_str())
                .filter(|own| host.bridges.iter().all(|known| known.as_str() != *own))?;
            let id = vlan.id.get();
            Some(Tagged {
                interface: tagged_name(uplink.interface.as_str(), id),
                bridge,
                id,
                mtu: network.mtu,
            })
        });
        Trunk {
            uplink,
            mtu: checked.networks().iter().filter(plain).filter_map(|network| network.mtu).max(),
            vlans: vlans.collect(),
        }
    };
    host.uplinks.iter().map(trunk).collect()
}

/// The name of a VLAN interface, `eno1.30`. A name that is too long for the kernel (`IFNAMSIZ`) is hashed.
fn tagged_name(interface: &str, id: u16) -> String {
    let plain = format!("{interface}.{id}");
    if plain.len() <= 15 {
        return plain;
    }
    let hash = identity::uuid("", "vlan", interface).simple().to_string();
    format!("v{}.{id}", hash.get(..8).unwrap_or_default())
}

impl HostSide {
    fn file(&mut self, path: String, mode: u32, text: &str) {
        self.files.push(HostFile { path, mode, text: format!("{}\n{text}", self.mark) });
    }

    /// The nft table, what loads it, and that the kernel forwards.
    fn table(&mut self, checked: &Checked, table: &str) {
        let owner = checked.owner();
        let rules = format!("/etc/fmc/{owner}/host.nft");
        let unit = format!("{}-nft.service", self.prefix);
        let name = nft::table_of(owner.as_str());
        // Debian's nftables.service flushes all tables when it starts, reloads and stops; so ours comes after it and again with it.
        let text = format!(
            "[Unit]\n\
             Description=The nft table of the cloud {cloud}\n\
             After=nftables.service\n\
             PartOf=nftables.service\n\
             ReloadPropagatedFrom=nftables.service\n\n\
             [Service]\n\
             Type=oneshot\n\
             RemainAfterExit=yes\n\
             ExecStart=/usr/sbin/nft -f {rules}\n\
             ExecReload=/usr/sbin/nft -f {rules}\n\
             ExecStop=-/usr/sbin/nft delete table inet {name}\n\n\
             [Install]\n\
             WantedBy=multi-user.target\n",
            cloud = checked.name(),
        );
        self.file(rules, 0o644, table);
        self.file(format!("/etc/systemd/system/{unit}"), 0o644, &text);
        // IPv6 forwarding is libvirt's to turn on: it refuses where the host would lose its own router by that.
        self.file(format!("/etc/sysctl.d/90-{}.conf", self.prefix), 0o644, "net.ipv4.ip_forward = 1\n");
        self.unit = Some(unit);
    }
}

/// Adds a line of a file of settings, if the setting has a value.
fn setting(text: &mut String, key: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}={value}");
    }
}

/// The stable UUID of a connection on a host.
fn connection_uuid(owner: &str, host: &str, name: &str) -> Uuid {
    identity::uuid(owner, "connection", &format!("{host}/{name}"))
}
