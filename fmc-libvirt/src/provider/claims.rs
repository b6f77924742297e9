//! The exclusive claims of an object on its host: names of domains and bridges, subnets, addresses of interfaces.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fmc_core::graph::Claim;
use ipnet::IpNet;

use super::object::Object;
use crate::document::Document;
use crate::xml::Outline;
use crate::xml::outline::Node;

/// The claims of an object that is made from a document.
pub(super) fn takes(document: &Document) -> BTreeSet<Claim> {
    match document {
        Document::Network(network) => of_network(&network.xml),
        Document::Domain(domain) => {
            let mut claims = of_domain(&domain.xml);
            claims.insert(name_of(&domain.on_host));
            claims
        }
        Document::Pool(_) | Document::Volume(_) => BTreeSet::new(),
    }
}

/// The claims of an existing object.
pub(super) fn holds(object: &Object) -> BTreeSet<Claim> {
    let (xml, live, of): (_, _, fn(&str) -> BTreeSet<Claim>) = match object {
        Object::Network(network) => (&network.record.xml, &network.record.live_xml, of_network),
        Object::Domain(domain) => (&domain.record.xml, &domain.record.live_xml, of_domain),
        Object::Pool(_) | Object::Volume(_) | Object::Image(_) => return BTreeSet::new(),
    };
    let mut claims = of(xml);
    // A network that is not active has its bridge's name, and no address of the host.
    if matches!(object, Object::Network(network) if !network.record.active) {
        claims.retain(|claim| matches!(claim, Claim::Name(..)));
    }
    claims.extend(live.iter().flat_map(|live| of(live)));
    if let Object::Domain(domain) = object {
        claims.insert(name_of(&domain.record.name));
    }
    claims
}

/// The name of a domain on its host: one that is renamed frees it.
fn name_of(domain: &str) -> Claim {
    Claim::Name("domain", domain.to_owned())
}

fn of_network(xml: &str) -> BTreeSet<Claim> {
    let mut claims = BTreeSet::new();
    let Some(outline) = Outline::read(xml) else { return claims };
    let root = outline.root();
    // Everyone may use a bridge of the host.
    if root.at("forward").and_then(|forward| forward.attribute("mode")) != Some("bridge") {
        let bridge = root.at("bridge").and_then(|bridge| bridge.attribute("name"));
        claims.extend(bridge.map(|name| Claim::Name("bridge", name.to_owned())));
    }
    claims.extend(root.children().filter(|child| child.name() == "ip").filter_map(subnet));
    claims
}

fn subnet(ip: Node<'_>) -> Option<Claim> {
    let address: IpAddr = ip.attribute("address")?.parse().ok()?;
    let net = match (ip.attribute("prefix"), ip.attribute("netmask")) {
        (Some(prefix), _) => IpNet::new(address, prefix.parse().ok()?).ok()?,
        (None, mask) => IpNet::with_netmask(address, mask?.parse().ok()?).ok()?,
    };
    Some(match net {
        IpNet::V4(net) => {
            Claim::Range("IPv4", u32::from(net.network()).into(), u32::from(net.broadcast()).into())
        }
        IpNet::V6(net) => Claim::Range("IPv6", net.network().into(), net.broadcast().into()),
    })
}

fn of_domain(xml: &str) -> BTreeSet<Claim> {
    let Some(outline) = Outline::read(xml) else { return BTreeSet::new() };
    let devices = outline.root().at("devices");
    let interfaces =
        devices.into_iter().flat_map(Node::children).filter(|device| device.name() == "interface");
    let macs = interfaces.filter_map(|interface| interface.at("mac")?.attribute("address"));
    macs.map(|mac| Claim::Name("MAC", mac.to_lowercase())).collect()
}
