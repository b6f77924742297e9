//! Networks: their documents, and the changes that are possible while they run.
//!
//! # DNS hosts
//!
//! Machines have no `<dns>` entries: libvirt cannot change a host's DNS names and its DHCP entry in one call,
//! and the machines would be listed twice. The entries are the names that roles publish. An address with such
//! a name also keeps its machine's name, because libvirt allows only one entry for each address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fmc_core::checked::{Family, Forward, Network, PublishedName, Reservation, ZoneForwarder};
use fmc_core::dns::DnsName;
use fmc_core::graph::Address;
use fmc_core::machine::Power;
use fmc_core::name::DomainName;

use crate::drift::identity;
use crate::link::{Edit, Section};
use crate::mark;
use crate::xml::outline::Node;
use crate::xml::{Outline, Writer};

/// The document of a network.
pub(crate) fn xml(owner: &str, address: &Address, on_host: &str, network: &Network) -> String {
    mark::sealed("network", &mark::beside(Power::Running, network.autostart), |w| {
        w.leaf("name", on_host);
        w.leaf("uuid", network.uuid);
        mark::write(w, owner, address, None);
        forward(w, network.forward, network.ipv6.is_some());
        if network.forward == Forward::Bridge {
            // libvirt controls nothing else of a bridge that belongs to the host.
            return w.el("bridge", |w| w.attr("name", &network.bridge));
        }
        w.el("bridge", |w| {
            w.attr("name", &network.bridge);
            w.attr("stp", "on");
            w.attr("delay", "0");
        });
        if let Some(mtu) = network.mtu {
            w.el("mtu", |w| w.attr("size", mtu.get()));
        }
        w.el("mac", |w| w.attr("address", network.mac));
        if let Some(domain) = &network.domain {
            w.el("domain", |w| {
                w.attr("name", domain);
                let is_asked_elsewhere =
                    is_zone_of_others(domain.as_ref()) || is_forwarded(domain, &network.forwarders);
                w.attr("localOnly", if is_asked_elsewhere { "no" } else { "yes" });
            });
        }
        if !network.names.is_empty() || !network.forwarders.is_empty() {
            w.el("dns", |w| {
                for forwarder in &network.forwarders {
                    w.el("forwarder", |w| {
                        w.attr("domain", forwarder.zone.bare());
                        w.attr("addr", forwarder.server);
                    });
                }
                network.names.iter().for_each(|published| dns_host(w, published));
            });
        }
        for family in [&network.ipv4, &network.ipv6].into_iter().flatten() {
            ip(w, family, &network.reservations);
        }
    })
}

/// Whether a server of the cloud's own DNS has the names of a domain.
fn is_forwarded(domain: &DomainName, forwarders: &[ZoneForwarder]) -> bool {
    let domain = DnsName::from(domain);
    forwarders.iter().any(|forwarder| domain.is_within(&forwarder.zone))
}

/// Whether a domain may be a public zone with names that are not the cloud's, as `example.com`. Its other names are asked
/// elsewhere; those of a domain of one's own end here, so that no question about them leaves the host.
///
/// Which zones are registered changes every day: a name directly below a top-level domain counts, or below one of the second
/// level that countries register under. Top-level domains without a registry do not count.
fn is_zone_of_others(domain: &str) -> bool {
    const PRIVATE: [&str; 12] = [
        "internal",
        "test",
        "example",
        "invalid",
        "localhost",
        "local",
        "localdomain",
        "lan",
        "home",
        "corp",
        "private",
        "intranet",
    ];
    const SECOND: [&str; 8] = ["ac", "co", "com", "edu", "gov", "net", "or", "org"];
    let labels: Vec<&str> = domain.trim_end_matches('.').split('.').collect();
    match *labels.as_slice() {
        [] | [_] => false,
        [.., "home", "arpa"] => false,
        [.., top] if PRIVATE.contains(&top) => false,
        [_, _] => true,
        [_, second, top] => top.len() == 2 && SECOND.contains(&second),
        _ => false,
    }
}

fn forward(w: &mut Writer, forward: Forward, has_ipv6: bool) {
    let mode = match forward {
        Forward::Isolated => return,
        Forward::Nat => "nat",
        Forward::Routed => "route",
        Forward::Open => "open",
        Forward::Bridge => "bridge",
    };
    w.el("forward", |w| {
        w.attr("mode", mode);
        if forward == Forward::Nat {
            // libvirt's defaults, written out.
            w.el("nat", |w| {
                // Without it guests would have a default route for IPv6 that leads nowhere.
                if has_ipv6 {
                    w.attr("ipv6", "yes");
                }
                w.el("port", |w| {
                    w.attr("start", 1024);
                    w.attr("end", 65535);
                });
            });
        }
    });
}

fn ip(w: &mut Writer, family: &Family, reservations: &[Reservation]) {
    let Some(gateway) = family.gateway else { return };
    w.el("ip", |w| {
        if gateway.is_ipv6() {
            w.attr("family", "ipv6");
        }
        w.attr("address", gateway);
        w.attr("prefix", family.subnet.prefix_len());
        let mut reserved = reservations
            .iter()
            .filter(|reservation| reservation.address.is_ipv4() == gateway.is_ipv4())
            .peekable();
        if family.dhcp.is_none() && reserved.peek().is_none() {
            return;
        }
        w.el("dhcp", |w| {
            if let Some(range) = &family.dhcp {
                w.el("range", |w| {
                    w.attr("start", range.first());
                    w.attr("end", range.last());
                });
            }
            reserved.for_each(|reservation| host(w, reservation));
        });
    });
}

fn host(w: &mut Writer, reservation: &Reservation) {
    w.el("host", |w| {
        match (reservation.address, &reservation.hostname) {
            (IpAddr::V4(_), _) => w.attr("mac", reservation.mac),
            // libvirt does not use MACs in DHCPv6: a client is identified by its name, or by its DUID (RFC
            // 8415 §11.4: type 3 over the hardware address, 1 for Ethernet).
            (IpAddr::V6(_), Some(_)) => {}
            (IpAddr::V6(_), None) => w.attr("id", format_args!("00:03:00:01:{}", reservation.mac)),
        }
        if let Some(name) = &reservation.hostname {
            w.attr("name", name);
        }
        w.attr("ip", reservation.address);
    });
}

fn dns_host(w: &mut Writer, published: &PublishedName) {
    w.el("host", |w| {
        w.attr("ip", published.address);
        for name in &published.names {
            w.leaf("hostname", name);
        }
    });
}

/// A change of an active network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Update {
    /// The list.
    pub section: Section,
    /// The change.
    pub edit: Edit,
    /// The entry.
    pub xml: String,
}

/// The changes that turn one network document into another, as far as libvirt allows them while the network
/// is active. Deletions come first, so that an address is free before another entry gets it. A document that
/// cannot be read gives no changes.
pub fn updates(wanted: &str, seen: &str) -> Vec<Update> {
    let (wanted, seen) = (entries(wanted), entries(seen));
    let gone = seen.iter().filter(|(key, host)| wanted.get(*key) != Some(host));
    let gone = gone.map(|(key, host)| Update {
        section: key.section,
        edit: Edit::Delete,
        xml: host.without_names().xml(),
    });
    let new = wanted.iter().filter(|(key, host)| seen.get(*key) != Some(host));
    gone.chain(new.map(|(key, host)| Update { section: key.section, edit: Edit::Add, xml: host.xml() }))
        .collect()
}

/// The identity of an entry: DHCP has two address families.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    section: Section,
    is_ipv6: bool,
    identity: Option<String>,
}

/// An entry: its attributes in the order of our writer, and its DNS names.
#[derive(PartialEq)]
struct Host {
    attributes: [Option<String>; 4],
    names: Vec<String>,
}

const HOST_ATTRIBUTES: [&str; 4] = ["mac", "id", "name", "ip"];

impl Host {
    fn of(node: Node<'_>) -> Self {
        let names = node.children().filter(|child| child.name() == "hostname");
        Self {
            attributes: HOST_ATTRIBUTES.map(|name| node.attribute(name).map(str::to_owned)),
            names: names.filter_map(Node::text).map(str::to_owned).collect(),
        }
    }

    /// libvirt would find several entries by a name that several addresses share.
    fn without_names(&self) -> Self {
        Self { attributes: self.attributes.clone(), names: Vec::new() }
    }

    fn xml(&self) -> String {
        let xml = Writer::document("host", |w| {
            for (name, value) in HOST_ATTRIBUTES.into_iter().zip(&self.attributes) {
                if let Some(value) = value {
                    w.attr(name, value);
                }
            }
            for name in &self.names {
                w.leaf("hostname", name);
            }
        });
        xml.trim_end().to_owned()
    }
}

/// The entries of a network document that can change while the network is active.
fn entries(xml: &str) -> BTreeMap<Key, Host> {
    let Some(outline) = Outline::read(xml) else { return BTreeMap::new() };
    let mut entries = BTreeMap::new();
    let mut add = |section, is_ipv6, list: Option<Node<'_>>| {
        for node in list.into_iter().flat_map(Node::children).filter(|node| node.name() == "host") {
            let identity = identity(node).map(str::to_owned);
            entries.insert(Key { section, is_ipv6, identity }, Host::of(node));
        }
    };
    for ip in outline.root().children().filter(|node| node.name() == "ip") {
        add(Section::DhcpHost, ip.attribute("family") == Some("ipv6"), ip.at("dhcp"));
    }
    add(Section::DnsHost, false, outline.root().at("dns"));
    entries
}

#[cfg(test)]
mod tests {
    use super::is_zone_of_others;

    #[test]
    fn a_public_zone_has_names_that_are_not_the_clouds() {
        for domain in ["example.com", "acme.io", "acme.co.uk"] {
            assert!(is_zone_of_others(domain), "{domain}");
        }
        for domain in
            ["internal", "shop.internal", "lab.example.com", "lan", "acme.test", "home.arpa", "a.co.acme.io"]
        {
            assert!(!is_zone_of_others(domain), "{domain}");
        }
    }
}
