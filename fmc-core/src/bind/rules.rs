//! The rules about a machine with BIND.

use super::{BindServer, port_on, servers_on, zones_at};
use crate::dns::DnsServer;
use crate::finding::OwnKind;
use crate::given::Given;
use crate::role::{RoleFindings, Site};

const NO_ZONES: OwnKind = OwnKind::error("bind-no-zones", include_str!("pages/no-zones.md"));
const NO_KEY: OwnKind = OwnKind::error("bind-no-key", include_str!("pages/no-key.md")).never_accepted();
const ASKS_ITSELF: OwnKind = OwnKind::error("bind-asks-itself", include_str!("pages/asks-itself.md"));
const PORT: OwnKind = OwnKind::error("bind-port", include_str!("pages/port.md"));

/// The kinds of findings about a machine with BIND.
pub(super) const KINDS: &[OwnKind] = &[NO_ZONES, NO_KEY, ASKS_ITSELF, PORT];

/// Everything that is wrong with a machine's BIND.
pub(super) fn check(bind: &BindServer, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    for (index, forwarder) in bind.forwarders.iter().enumerate() {
        findings.leaf(&format!("forwarders[{index}]"), forwarder);
    }
    let (cloud, machine) = (site.cloud(), site.machine());
    let servers = servers_on(cloud, machine);
    if servers.iter().all(|server| zones_at(cloud, server).is_empty()) {
        findings.find(
            &NO_ZONES,
            format!("no zone of the cloud is in a server on {}", machine.name),
            format!(
                "name the machine among the servers: `dns: {{servers: {{ns1: {{machine: {}}}}}}}`",
                machine.name
            ),
        );
    }
    for server in servers {
        no_key(server, findings);
    }
    asks_itself(bind, site, findings);
    let port = port_on(cloud, machine);
    if port != 53 {
        findings.find(
            &PORT,
            format!("machines ask a resolver at port 53, and this one is at {port}"),
            "leave out the `port` of the server",
        );
    }
}

/// A server that nothing can update has empty zones for ever.
fn no_key(server: &DnsServer, findings: &mut RoleFindings<'_>) {
    if server.key.is_none() {
        findings.find(
            &NO_KEY,
            format!("the server {} has no key, so its zones stay empty", server.name),
            "give it one: `key: {name: fmc-key, secret: {name: dns-key, source: {generated: token}}}`",
        );
    }
}

/// Its own machine asks it before it is installed, or it asks itself.
fn asks_itself(bind: &BindServer, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    let machine = site.machine();
    let own = machine.resolvers.iter().find(|resolver| machine.addresses().any(|own| own == **resolver));
    if let Some(own) = own {
        findings.find(
            &ASKS_ITSELF,
            format!("{} asks itself for names ({own}) before its BIND is installed", machine.name),
            "give the machine other resolvers, as `resolvers: [9.9.9.9]`: BIND itself asks its `forwarders`",
        );
    }
    let forwarders = bind.forwarders.iter().filter_map(Given::ok);
    for forwarder in forwarders.filter(|forwarder| machine.addresses().any(|own| own == forwarder.get())) {
        findings.find(
            &ASKS_ITSELF,
            format!("the forwarder {forwarder} is {} itself", machine.name),
            "name a resolver outside of this machine, or none",
        );
    }
}
