//! Networks of the simulated hypervisor.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use roxmltree::Node;
use uuid::Uuid;

use super::domain::uuid_of;
use super::state::{Network, State};
use super::trouble::Trouble;
use super::xml;
use crate::link::{Edit, NetworkRecord, NetworksHere, Section};

/// The longest name of an interface in Linux (`IFNAMSIZ` less its zero byte).
const LONGEST_INTERFACE: usize = 15;

impl State {
    pub(super) fn network_record(&self, name: &str) -> Option<NetworkRecord> {
        let network = self.networks.get(name)?;
        Some(NetworkRecord {
            name: name.to_owned(),
            xml: network.xml.clone(),
            live_xml: network.live.clone(),
            active: network.live.is_some(),
            autostart: network.autostart,
            persistent: !network.transient,
        })
    }

    pub(super) fn define_network(&mut self, text: &str) -> Result<(), Trouble> {
        let document = xml::parse(text, "network")?;
        let root = document.root_element();
        let name = xml::required(root, &["name"])?;
        let uuid = uuid_of(root, name)?;
        for (other, there) in &self.networks {
            if other == name && there.uuid != uuid {
                let there = there.uuid;
                return Err(Trouble::failed(format!(
                    "operation failed: network '{name}' already exists with uuid {there}"
                )));
            }
            if other != name && there.uuid == uuid {
                return Err(Trouble::failed(format!(
                    "operation failed: network '{other}' is already defined with uuid {uuid}"
                )));
            }
        }
        check_addresses(root, name)?;
        if let Some(bridge) = own_bridge(root) {
            for (other, there) in &self.networks {
                let there = xml::parse(&there.xml, "network")?;
                if other != name && own_bridge(there.root_element()) == Some(bridge) {
                    return Err(Trouble::failed(format!(
                        "internal error: bridge name '{bridge}' already in use."
                    )));
                }
            }
        }
        self.networks
            .entry(name.to_owned())
            .and_modify(|network| {
                text.clone_into(&mut network.xml);
                network.transient = false;
            })
            .or_insert_with(|| Network {
                uuid,
                xml: text.to_owned(),
                live: None,
                autostart: false,
                transient: false,
                ports: BTreeSet::new(),
            });
        Ok(())
    }

    pub(super) fn start_network(&mut self, name: &str) -> Result<(), Trouble> {
        let network = self.known_network(name)?;
        if network.live.is_some() {
            return Err(Trouble::failed("Requested operation is not valid: network is already active"));
        }
        let text = network.xml.clone();
        let document = xml::parse(&text, "network")?;
        let root = document.root_element();
        if let Some(bridge) = own_bridge(root) {
            if bridge.len() > LONGEST_INTERFACE {
                return Err(Trouble::failed(format!(
                    "error creating bridge interface {bridge}: Numerical result out of range"
                )));
            }
            if self.host.bridges.as_ref().is_some_and(|there| there.contains(bridge)) {
                return Err(Trouble::failed(format!("Network is already in use by interface {bridge}")));
            }
        }
        let subnets = subnets(root);
        let is_taken = |(to, _): &&(String, String)| subnets.iter().any(|subnet| subnet.to_string() == *to);
        if let Some((_, device)) = self.host.routes.iter().find(is_taken) {
            return Err(Trouble::failed(format!(
                "internal error: Network is already in use by interface {device}"
            )));
        }
        for (other, there) in &self.networks {
            let Some(live) = there.live.as_ref().filter(|_| other != name) else { continue };
            let there = xml::parse(live, "network")?;
            if self::subnets(there.root_element()).iter().any(|subnet| subnets.contains(subnet)) {
                let bridge = own_bridge(there.root_element()).unwrap_or(other);
                return Err(Trouble::failed(format!(
                    "internal error: Network is already in use by interface {bridge}"
                )));
            }
        }
        if let Some(network) = self.networks.get_mut(name) {
            network.live = Some(text.clone());
        }
        Ok(())
    }

    /// The interfaces of the host as libvirt lists them, without taps; `None` if it does not say which bridges there are.
    pub(super) fn interfaces(&self) -> Option<Vec<String>> {
        let is_known = self.host.bridges.is_some() || !self.host.lost_bridges.is_empty();
        is_known.then(|| self.bridges().collect())
    }

    /// Its networks as the kernel shows them, if it counts as on this computer.
    pub(super) fn networks_here(&self) -> Option<NetworksHere> {
        if self.host.elsewhere {
            return None;
        }
        let served = self.networks.keys().filter(|network| !self.host.unserved.contains(*network));
        Some(NetworksHere { served: served.cloned().collect(), interfaces: self.bridges().collect() })
    }

    fn bridges(&self) -> impl Iterator<Item = String> + '_ {
        let active = self.networks.values().filter_map(|network| network.live.as_deref());
        let own = active.filter_map(bridge_of).filter(|bridge| !self.host.lost_bridges.contains(bridge));
        self.host.bridges.iter().flatten().cloned().chain(own)
    }

    pub(super) fn stop_network(&mut self, name: &str) -> Result<(), Trouble> {
        self.known_network(name)?;
        self.host.unserved.remove(name);
        if let Some(network) = self.networks.get_mut(name) {
            if let Some(bridge) = network.live.take().as_deref().and_then(bridge_of) {
                self.host.lost_bridges.remove(&bridge);
            }
            network.ports.clear();
            if network.transient {
                self.networks.remove(name);
            }
        }
        Ok(())
    }

    pub(super) fn network_ports(&self, name: &str) -> Result<BTreeSet<String>, Trouble> {
        Ok(self.known_network(name)?.ports.iter().map(Uuid::to_string).collect())
    }

    pub(super) fn undefine_network(&mut self, name: &str) -> Result<(), Trouble> {
        if self.known_network(name)?.live.is_some() {
            return Err(Trouble::failed(format!(
                "Requested operation is not valid: network '{name}' is still active"
            )));
        }
        self.networks.remove(name);
        Ok(())
    }

    pub(super) fn set_network_autostart(&mut self, name: &str, on: bool) -> Result<(), Trouble> {
        self.known_network(name)?;
        if let Some(network) = self.networks.get_mut(name) {
            network.autostart = on;
        }
        Ok(())
    }

    pub(super) fn update_network(
        &mut self,
        name: &str,
        section: Section,
        edit: Edit,
        host: &str,
        active: bool,
    ) -> Result<(), Trouble> {
        let network = self.known_network(name)?;
        if active && network.live.is_none() {
            return Err(Trouble::failed(format!(
                "Requested operation is not valid: network '{name}' is not active"
            )));
        }
        let kept = edited(&network.xml, name, section, edit, host)?;
        let live = match network.live.as_deref().filter(|_| active) {
            Some(live) => Some(edited(live, name, section, edit, host)?),
            None => network.live.clone(),
        };
        // libvirt starts a dnsmasq that ended instead of telling it to read the hosts again.
        if active {
            self.host.unserved.remove(name);
        }
        if let Some(network) = self.networks.get_mut(name) {
            network.xml = kept;
            network.live = live;
        }
        Ok(())
    }

    fn known_network(&self, name: &str) -> Result<&Network, Trouble> {
        self.networks.get(name).ok_or_else(|| {
            Trouble::absent(format!("Network not found: no network with matching name '{name}'"))
        })
    }
}

/// The bridge that a network makes; `None` if it uses a bridge of the host.
fn own_bridge<'a>(root: Node<'a, '_>) -> Option<&'a str> {
    let mode = xml::child(root, "forward").and_then(|forward| forward.attribute("mode"));
    if mode == Some("bridge") {
        return None;
    }
    xml::child(root, "bridge")?.attribute("name")
}

/// The bridge of an active network.
pub(super) fn bridge_of(live: &str) -> Option<String> {
    own_bridge(xml::parse(live, "network").ok()?.root_element()).map(str::to_owned)
}

fn subnets(root: Node<'_, '_>) -> Vec<IpNet> {
    root.children().filter(|node| node.has_tag_name("ip")).filter_map(subnet).collect()
}

fn subnet(ip: Node<'_, '_>) -> Option<IpNet> {
    let address: IpAddr = ip.attribute("address")?.parse().ok()?;
    let net = match (ip.attribute("prefix"), ip.attribute("netmask")) {
        (Some(prefix), _) => IpNet::new(address, prefix.parse().ok()?).ok()?,
        (None, Some(mask)) => IpNet::with_netmask(address, mask.parse().ok()?).ok()?,
        (None, None) => return None,
    };
    Some(net.trunc())
}

fn check_addresses(root: Node<'_, '_>, name: &str) -> Result<(), Trouble> {
    let mode = xml::child(root, "forward").and_then(|forward| forward.attribute("mode"));
    for ip in root.children().filter(|node| node.has_tag_name("ip")) {
        if mode == Some("bridge") {
            return Err(Trouble::failed(format!(
                "XML error: Unsupported <ip> element in network {name} with forward mode='bridge'"
            )));
        }
        let address = ip.attribute("address").unwrap_or_default();
        if subnet(ip).is_none() {
            return Err(Trouble::failed(format!(
                "XML error: Invalid address or prefix '{address}' in definition of network '{name}'"
            )));
        }
        for host in ip.descendants().filter(|node| node.has_tag_name("host")) {
            parse_host(host, name)?;
        }
    }
    Ok(())
}

/// The address of a DHCP or DNS host.
fn parse_host(host: Node<'_, '_>, name: &str) -> Result<IpAddr, Trouble> {
    let address = host.attribute("ip").unwrap_or_default();
    address.parse().map_err(|_| {
        Trouble::failed(format!("XML error: Cannot parse IP address '{address}' in network '{name}'"))
    })
}

/// A network's document with a host added or removed.
fn edited(text: &str, name: &str, section: Section, edit: Edit, host: &str) -> Result<String, Trouble> {
    let wanted = xml::parse(host, "host")?;
    let wanted = wanted.root_element();
    let address = parse_host(wanted, name)?;
    let document = xml::parse(text, "network")?;
    let (parent, list, what) = match section {
        Section::DhcpHost => {
            (dhcp_parent(document.root_element(), address, name)?, "dhcp", "dhcp host entry")
        }
        Section::DnsHost => (document.root_element(), "dns", "DNS HOST record"),
    };
    let is_same = |there: &Node<'_, '_>| {
        let keys = ["mac", "ip", "id", "name"].into_iter();
        let mut keys = keys.filter(|key| wanted.attribute(*key).is_some());
        // A DNS name may have several addresses, and libvirt finds an entry to remove by any of its fields.
        keys.any(|key| there.attribute(key) == wanted.attribute(key))
            || (edit == Edit::Delete
                && hostnames(wanted).any(|one| hostnames(*there).any(|other| one == other)))
    };
    let hosts = xml::child(parent, list).into_iter().flat_map(|list| list.children());
    let there: Vec<Node<'_, '_>> = hosts.filter(|node| node.has_tag_name("host")).filter(is_same).collect();
    let refused = |why: String| Err(Trouble::failed(format!("Requested operation is not valid: {why}")));
    match (edit, there.as_slice(), section) {
        (Edit::Add, [], _) => Ok(put(text, parent, list, host)),
        (Edit::Delete, [there], _) => Ok(xml::cut(text, there.range())),
        (Edit::Add, _, Section::DhcpHost) => refused(format!(
            "there is an existing dhcp host entry in network '{name}' that matches \"{host}\""
        )),
        (Edit::Add, _, Section::DnsHost) => refused(format!(
            "there is already at least one DNS HOST record with a matching field in network {name}"
        )),
        (Edit::Delete, [], _) => refused(format!("couldn't locate a matching {what} in network {name}")),
        (Edit::Delete, _, _) => refused(format!("multiple matching {what}s were found in network {name}")),
    }
}

fn hostnames<'a>(host: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    host.children().filter(|node| node.has_tag_name("hostname")).filter_map(|node| node.text())
}

/// The `<ip>` whose DHCP an address belongs to.
fn dhcp_parent<'a, 'i>(root: Node<'a, 'i>, address: IpAddr, name: &str) -> Result<Node<'a, 'i>, Trouble> {
    let mut all = root.children().filter(|node| node.has_tag_name("ip"));
    let found = all.find(|ip| {
        subnet(*ip).is_some_and(|net| net.contains(&address) || net.addr().is_ipv4() == address.is_ipv4())
    });
    found.ok_or_else(|| {
        Trouble::failed(format!("XML error: couldn't find <ip> for '{address}' in network '{name}'"))
    })
}

/// The document with an element at the end of a list; the list is made if it is missing.
fn put(text: &str, parent: Node<'_, '_>, list: &str, element: &str) -> String {
    let new = format!("<{list}>{element}</{list}>");
    match xml::child(parent, list) {
        Some(there) => match xml::end_tag(text, there) {
            Some(end) => xml::insert(text, end, element),
            None => xml::replace(text, there.range(), &new),
        },
        None => match xml::end_tag(text, parent) {
            Some(end) => xml::insert(text, end, &new),
            // `<ip …/>` has no end tag to write before, so it gets one.
            None => {
                let (end, tag) = (parent.range().end, parent.tag_name().name());
                xml::replace(text, end.saturating_sub(2)..end, &format!(">{new}</{tag}>"))
            }
        },
    }
}
