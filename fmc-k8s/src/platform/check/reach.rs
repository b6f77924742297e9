//! The way from the nodes of a cluster to the other machines of its cloud: a pod calls with the address of the node that it runs on.

use fmc_core::checked::{Checked, CheckedPeer, Machine, Sources};
use fmc_core::flow::{Direction, Service};
use fmc_core::k3s::capacity;
use fmc_core::k3s::resolved::Cluster;

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
    kept_out(cloud, &let_in(cloud, machine, service), nodes).iter().any(|node| *node != machine.name.as_str())
}

/// The peers that the firewall of a machine lets in at a service, in one order, so that machines that are alike have the same.
pub(super) fn let_in<'a>(cloud: &'a Checked, machine: &Machine, service: Service) -> Vec<&'a CheckedPeer> {
    let flows = cloud.flows_of(machine).iter();
    let accepted = flows.filter(|flow| flow.direction == Direction::Accept && flow.service.contains(service));
    let mut peers: Vec<&CheckedPeer> = accepted.map(|flow| &flow.peer).collect();
    peers.sort_unstable();
    peers
}

/// The nodes none of whose addresses these peers have.
pub(super) fn kept_out<'a>(cloud: &Checked, peers: &[&CheckedPeer], nodes: &[&'a Machine]) -> Vec<&'a str> {
    let sources: Vec<Sources> = peers.iter().map(|peer| Sources::of(cloud, peer)).collect();
    let is_in = |node: &Machine| {
        node.addresses().any(|address| sources.iter().any(|source| source.contains(address)))
    };
    nodes.iter().filter(|node| !is_in(node)).map(|node| node.name.as_str()).collect()
}
