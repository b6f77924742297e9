//! The rules about the time of a cloud.

use std::collections::BTreeSet;

use super::role::{CLIENT, SERVER, has_chrony, named, networks_of, subnets_of};
use super::{Chrony, TimeSource};
use crate::checked::{Checked, Machine};
use crate::count::counted;
use crate::finding::OwnKind;
use crate::given::Given;
use crate::role::{RoleFindings, SpanSite};

const NO_SERVER: OwnKind =
    OwnKind::error("chrony-no-server", include_str!("pages/no-server.md")).never_accepted();
const NO_SOURCE: OwnKind =
    OwnKind::error("chrony-no-source", include_str!("pages/no-source.md")).never_accepted();
const TWO_SOURCES: OwnKind = OwnKind::error("chrony-two-sources", include_str!("pages/two-sources.md"));
const CIRCLE: OwnKind = OwnKind::error("chrony-circle", include_str!("pages/circle.md")).never_accepted();
const SEVERAL_CLOCKS: OwnKind =
    OwnKind::error("chrony-several-clocks", include_str!("pages/several-clocks.md"));
const NOT_ALLOWED: OwnKind =
    OwnKind::error("chrony-not-allowed", include_str!("pages/not-allowed.md")).never_accepted();
const LEFT_OUT: OwnKind = OwnKind::warning("chrony-left-out", include_str!("pages/left-out.md"));
const NO_KEYS: OwnKind = OwnKind::warning("chrony-no-keys", include_str!("pages/no-keys.md"));

/// The kinds of findings about the time of a cloud.
pub(super) const KINDS: &[OwnKind] =
    &[NO_SERVER, NO_SOURCE, TWO_SOURCES, CIRCLE, SEVERAL_CLOCKS, NOT_ALLOWED, LEFT_OUT, NO_KEYS];

/// Everything that is wrong with the time of a cloud.
pub(super) fn check(chrony: &Chrony, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    sources(chrony, findings);
    networks(chrony, site.cloud(), findings);
    circle(chrony, site, findings);
    not_allowed(chrony, site.cloud(), findings);
    left_out(chrony, site, findings);
    no_keys(chrony, site.cloud(), findings);
}

/// The number of servers and of their sources.
fn sources(chrony: &Chrony, findings: &mut RoleFindings<'_>) {
    let (servers, upstreams) = (chrony.servers.len(), chrony.upstreams.len());
    if servers == 0 {
        return findings.find(&NO_SERVER, "no machine serves the time", "name one: `servers: [ntp1]`");
    }
    let is_local = chrony.local_stratum.is_some();
    if upstreams == 0 && chrony.pools.is_empty() && !is_local {
        findings.find(
            &NO_SOURCE,
            "the servers have no source of time",
            "name `pools` or `upstreams`, or set `local_stratum: 10` in a cloud without the world",
        );
    }
    if is_local && servers > 1 {
        findings.find(
            &SEVERAL_CLOCKS,
            format!("{} answer by their own clocks, which drift apart", counted(servers, "server")),
            "let one server have `local_stratum`, or take it out and name `upstreams`",
        );
    }
    if servers == 2 {
        let message = "the clients have two servers, and cannot tell which of them is wrong";
        findings.find(&TWO_SOURCES, message, "name one server, or at least three");
    }
    if upstreams == 2 && chrony.pools.is_empty() {
        let message = "the servers have two upstreams, and cannot tell which of them is wrong";
        findings.find(&TWO_SOURCES, message, "name one upstream, at least three, or a pool");
    }
}

/// Networks that may ask and are not there.
fn networks(chrony: &Chrony, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    for name in chrony.networks.iter().filter_map(Given::ok) {
        match cloud.network(name.as_str()) {
            None => findings.refuse(
                format!("`networks` names {name}, which is not a network of the cloud"),
                "name a network of the cloud",
            ),
            Some(network) if subnets_of(network).next().is_none() => findings.find(
                &NOT_ALLOWED,
                format!("the network {name} has no subnet that the servers could allow"),
                "give the network its subnet",
            ),
            Some(_) => {}
        }
    }
}

/// A server whose time comes from itself, directly or by other machines of the cloud.
fn circle(chrony: &Chrony, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let all: Vec<&Chrony> = site.stated::<Chrony>().map(|(_, chrony)| chrony).collect();
    let hierarchy = Hierarchy { cloud: site.cloud(), all };
    let circle = named(site.cloud(), &chrony.servers).find_map(|server| hierarchy.way_back(server));
    let Some(circle) = circle else { return };
    let mut message = match &*circle {
        [only] => format!("{} takes its time from itself", only.name),
        [first, ..] => format!("the time of {} comes back to it: {}", first.name, first.name),
        [] => return,
    };
    if circle.len() > 1 {
        for machine in circle.iter().skip(1).chain(circle.first()) {
            message += &format!(" asks {},", machine.name);
            message += " which";
        }
        message.truncate(message.trim_end_matches(", which").len());
    }
    findings.find(
        &CIRCLE,
        message,
        "a server asks servers outside of the cloud, and is no client of another server",
    );
}

/// Who asks whom in a cloud.
struct Hierarchy<'a> {
    cloud: &'a Checked,
    all: Vec<&'a Chrony>,
}

impl<'a> Hierarchy<'a> {
    /// The machines that a machine asks.
    fn asked(&self, machine: &Machine) -> Vec<&'a Machine> {
        let is_in = |names: &[Given<_>]| names.iter().filter_map(Given::ok).any(|name| *name == machine.name);
        let mut asked = Vec::new();
        for chrony in &self.all {
            if is_in(&chrony.servers) {
                asked.extend(chrony.upstreams.iter().filter_map(|upstream| self.found(upstream.ok()?)));
            }
            if is_in(&chrony.clients) {
                asked.extend(named(self.cloud, &chrony.servers));
            }
        }
        asked
    }

    /// The machine of the cloud that a source is.
    fn found(&self, source: &TimeSource) -> Option<&'a Machine> {
        self.cloud.machines().iter().find(|machine| match source {
            TimeSource::Address(address) => machine.addresses().any(|own| own == *address),
            TimeSource::Name(name) => machine.fqdn.as_ref() == Some(name),
        })
    }

    /// The machines from one back to itself, beginning with it.
    fn way_back(&self, start: &'a Machine) -> Option<Vec<&'a Machine>> {
        let mut seen = BTreeSet::new();
        let mut ways = vec![vec![start]];
        while let Some(way) = ways.pop() {
            for next in self.asked(way.last()?) {
                if next.name == start.name {
                    return Some(way);
                }
                if seen.insert(&next.name) {
                    ways.push(way.iter().copied().chain([next]).collect());
                }
            }
        }
        None
    }
}

/// Clients whose network is not known, so that no server can allow it.
fn not_allowed(chrony: &Chrony, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    for (index, client) in chrony.clients.iter().enumerate() {
        let Some(client) = client.ok().and_then(|name| cloud.machine(name.as_str())) else { continue };
        let unknown = named(cloud, &chrony.servers).find(|server| {
            networks_of(cloud, client, server).into_iter().flat_map(subnets_of).next().is_none()
        });
        let Some(server) = unknown else { continue };
        findings.part(&format!("clients[{index}]"), |findings| {
            findings.find(
                &NOT_ALLOWED,
                format!("{} has no address or subnet by which {} could allow it", client.name, server.name),
                "give its interface a fixed address, or its network a subnet",
            );
        });
    }
}

/// Machines that take their time from somewhere else. The first of several values tells of them.
fn left_out(chrony: &Chrony, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let is_first = site.stated::<Chrony>().next().is_some_and(|(_, first)| std::ptr::eq(first, chrony));
    if !is_first {
        return;
    }
    let roles = site.cloud().roles();
    let members: BTreeSet<&str> = roles
        .iter()
        .filter(|(group, _)| group.kind == SERVER || group.kind == CLIENT)
        .flat_map(|(_, members)| &members.machines)
        .filter_map(|&at| Some(site.cloud().at(at)?.name.as_str()))
        .collect();
    let others = site.cloud().machines().iter().filter(|machine| machine.is_provisioned());
    let others: Vec<&str> =
        others.map(|machine| machine.name.as_str()).filter(|name| !members.contains(name)).collect();
    if !others.is_empty() {
        findings.find_with(
            &LEFT_OUT,
            &serde_json::json!({ "machines": others }),
            format!("these machines keep the time servers of their images: {}", others.join(", ")),
            "name them among the `clients`",
        );
    }
}

/// Clients that believe a server without its key.
fn no_keys(chrony: &Chrony, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    if !chrony.authenticated {
        return;
    }
    let clients = named(cloud, &chrony.clients).filter(|client| !has_chrony(client.image.os, true));
    let clients: Vec<&str> = clients.map(|client| client.name.as_str()).collect();
    if !clients.is_empty() {
        findings.find_with(
            &NO_KEYS,
            &serde_json::json!({ "machines": clients }),
            format!(
                "systemd-timesyncd knows no keys, so these clients believe anyone: {}",
                clients.join(", ")
            ),
            "accept it, or give the machines a system with chrony",
        );
    }
}
