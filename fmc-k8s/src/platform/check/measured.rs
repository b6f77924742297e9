//! The way from a Prometheus to the machines that it asks.

use std::collections::BTreeMap;

use fmc_core::checked::{Checked, CheckedFlow, CheckedPeer, Machine, Sources};
use fmc_core::finding::NameList;
use fmc_core::flow::{Direction, Service};
use fmc_core::k3s::capacity::{self, is_whole};
use fmc_core::k3s::resolved::Cluster;
use fmc_core::role::{RoleFindings, SpanSite};

use super::UNASKED;
use crate::platform::Platform;
use crate::prometheus::config::exporters;

/// A warning if a firewall keeps away a node on which a Prometheus may run. What the first one cannot ask, none can.
pub(super) fn check(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cloud = site.cloud();
    let first = platform.namespaces.iter().enumerate().find_map(|(index, namespace)| {
        let prometheus = namespace.prometheus.first()?;
        Some((format!("namespaces[{index}].prometheus[0]"), prometheus))
    });
    let cluster = cloud.cluster(&platform.cluster.to_string()).filter(|cluster| is_whole(cluster));
    let (Some((path, prometheus)), Some(cluster)) = (first, cluster) else { return };
    let closed = closed(cloud, &nodes(cluster, cloud));
    if closed.is_empty() {
        return;
    }
    let message = format!(
        "{} runs on a node of {}, and cannot ask {}: their firewalls do not let in every node",
        prometheus.name,
        platform.cluster,
        NameList::new(closed)
    );
    let from: Vec<String> = kinds(cluster).map(|kind| format!("{{role: {{kind: {kind}}}}}")).collect();
    let help = format!("let the nodes in: `node-exporter: {{from: [{}]}}`", from.join(", "));
    findings.part(&path, |findings| findings.find(&UNASKED, message, help));
}

/// The machines whose exporter some other node cannot call. A node lets its own pods in.
fn closed(cloud: &Checked, nodes: &[&Machine]) -> Vec<String> {
    // Machines are alike, and so are the peers that they let in.
    let mut known: BTreeMap<Vec<&CheckedPeer>, Vec<&str>> = BTreeMap::new();
    let each = exporters(cloud).filter_map(|answer| {
        let machine = cloud.at(answer.machine).filter(|machine| machine.firewall)?;
        let lets_in = |flow: &&CheckedFlow| {
            flow.direction == Direction::Accept && flow.service.contains(answer.service)
        };
        let mut peers: Vec<&CheckedPeer> =
            cloud.flows_of(machine).iter().filter(lets_in).map(|flow| &flow.peer).collect();
        peers.sort_unstable();
        let kept_out = known.entry(peers).or_insert_with_key(|peers| kept_out(cloud, peers, nodes));
        kept_out.iter().any(|node| *node != machine.name.as_str()).then(|| machine.name.to_string())
    });
    each.collect()
}

/// The roles of a cluster's nodes.
pub(super) fn kinds(cluster: &Cluster) -> impl Iterator<Item = &'static str> {
    let kinds = [("k3s-server", !cluster.servers.is_empty()), ("k3s-agent", !cluster.agents.is_empty())];
    kinds.into_iter().filter_map(|(kind, is_there)| is_there.then_some(kind))
}

/// The machines of the nodes on which a pod may run.
pub(super) fn nodes<'a>(cluster: &Cluster, cloud: &'a Checked) -> Vec<&'a Machine> {
    let nodes = capacity::nodes(cluster, cloud);
    nodes.iter().filter(|node| node.takes_any()).filter_map(|node| cloud.at(node.machine)).collect()
}

/// Whether the firewall of a machine keeps out some other node at a service.
pub(super) fn closed_at(cloud: &Checked, machine: &Machine, service: Service, nodes: &[&Machine]) -> bool {
    if !machine.firewall {
        return false;
    }
    let lets_in = |flow: &&CheckedFlow| flow.direction == Direction::Accept && flow.service.contains(service);
    let peers: Vec<&CheckedPeer> =
        cloud.flows_of(machine).iter().filter(lets_in).map(|flow| &flow.peer).collect();
    kept_out(cloud, &peers, nodes).iter().any(|node| *node != machine.name.as_str())
}

/// The nodes none of whose addresses these peers have.
fn kept_out<'a>(cloud: &Checked, peers: &[&CheckedPeer], nodes: &[&'a Machine]) -> Vec<&'a str> {
    let sources: Vec<Sources> = peers.iter().map(|peer| Sources::of(cloud, peer)).collect();
    let is_in = |node: &Machine| {
        node.addresses().any(|address| sources.iter().any(|source| source.contains(address)))
    };
    nodes.iter().filter(|node| !is_in(node)).map(|node| node.name.as_str()).collect()
}
