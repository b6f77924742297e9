//! Networks: their documents, and the DHCP hosts that change while they run.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fmc_core::checked::{Family, Forward, Network, Reservation};
use fmc_core::graph::Address;
use fmc_core::machine::Power;

use crate::drift::identity;
use crate::link::DhcpHost;
use crate::mark;
use crate::xml::outline::Node;
use crate::xml::{Outline, Writer};

/// The document of a network.
pub(crate) fn xml(owner: &str, address: &Address, network: &Network) -> String {
    let xml = Writer::document("network", |w| {
        w.leaf("name", &network.name);
        w.leaf("uuid", network.uuid);
        mark::write(w, owner, address, None);
        forward(w, network.forward);
        if network.forward == Forward::Bridge {
            // Nothing else of a bridge that the host has is libvirt's to say.
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
                // Names of the domain that it does not know are not asked for elsewhere.
                w.attr("localOnly", "yes");
            });
        }
        for family in [&network.ipv4, &network.ipv6].into_iter().flatten() {
            ip(w, family, &network.reservations);
        }
    });
    mark::seal(xml, &mark::beside(Power::Running, network.autostart))
}

fn forward(w: &mut Writer, forward: Forward) {
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
            // What libvirt takes when nothing is said, said.
            w.el("nat", |w| {
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
            // libvirt knows no MAC in DHCPv6: a client is known by its name, or by its DUID (RFC 8415 §11.4: type 3 over
            // the hardware address, 1 for Ethernet).
            (IpAddr::V6(_), Some(_)) => {}
            (IpAddr::V6(_), None) => w.attr("id", format_args!("00:03:00:01:{}", reservation.mac)),
        }
        if let Some(name) = &reservation.hostname {
            w.attr("name", name);
        }
        w.attr("ip", reservation.address);
    });
}

/// The calls that make the DHCP hosts of one network document those of another: those that go first, so that an address
/// is free before it is given away anew. A document that cannot be read has none.
pub fn dhcp_updates(wanted: &str, seen: &str) -> Vec<(DhcpHost, String)> {
    let (wanted, seen) = (dhcp_hosts(wanted), dhcp_hosts(seen));
    let gone = seen.iter().filter(|(key, host)| wanted.get(*key) != Some(host));
    let new = wanted.iter().filter(|(key, host)| seen.get(*key) != Some(host));
    gone.map(|(_, host)| (DhcpHost::Delete, host.xml()))
        .chain(new.map(|(_, host)| (DhcpHost::Add, host.xml())))
        .collect()
}

/// The attributes of a DHCP host, in the order in which we write them.
#[derive(PartialEq)]
struct Host([Option<String>; 4]);

const HOST_ATTRIBUTES: [&str; 4] = ["mac", "id", "name", "ip"];

impl Host {
    fn xml(&self) -> String {
        let Self(values) = self;
        let xml = Writer::document("host", |w| {
            for (name, value) in HOST_ATTRIBUTES.into_iter().zip(values) {
                if let Some(value) = value {
                    w.attr(name, value);
                }
            }
        });
        xml.trim_end().to_owned()
    }
}

/// The DHCP hosts of a network document, by family and by what identifies them in a change.
fn dhcp_hosts(xml: &str) -> BTreeMap<(bool, Option<String>), Host> {
    let Some(outline) = Outline::read(xml) else { return BTreeMap::new() };
    let mut hosts = BTreeMap::new();
    for ip in outline.root().children().filter(|node| node.name() == "ip") {
        let ipv6 = ip.attribute("family") == Some("ipv6");
        for node in ip.at("dhcp").into_iter().flat_map(Node::children).filter(|node| node.name() == "host") {
            let attribute = |name| node.attribute(name).map(str::to_owned);
            hosts.insert((ipv6, identity(node).map(str::to_owned)), Host(HOST_ATTRIBUTES.map(attribute)));
        }
    }
    hosts
}
