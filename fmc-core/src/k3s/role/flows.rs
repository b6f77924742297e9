//! The flows of a cluster's nodes (docs.k3s.io, *Installation/Requirements*).
//!
//! Callers are written by subnet unless they are few: etcd is open to the servers' addresses, the API to the balancers'
//! addresses and to the agents' subnets, so that another agent changes no firewall.

use super::{AGENT, Node, SERVER, database};
use crate::checked::{Idx, Machine};
use crate::firewall::K3S_INTERFACES;
use crate::flow::{Flows, Peer, Service, anything, tcp, udp};
use crate::k3s::cluster::Endpoint;
use crate::k3s::resolved::API;
use crate::k3s::{Component, FlannelBackend, Value, key};
use crate::name::BridgeName;

/// The flows of a server.
pub(super) fn server(node: &Node<'_>) -> Flows {
    let cluster = node.cluster;
    let servers = || Peer::role(SERVER).of(cluster.name.as_str());
    let mut flows = Flows::new()
        .accept(tcp(API), servers())
        .accept(tcp(API), Peer::subnet_of_role(AGENT).of(cluster.name.as_str()));
    flows = match &cluster.said().endpoint {
        Endpoint::Balancer(_) => machines(node, &cluster.endpoint.machines)
            .into_iter()
            .fold(flows, |flows, peer| flows.accept(tcp(API), peer)),
        // The users of the cluster call these ports.
        Endpoint::Server | Endpoint::Address(_) | Endpoint::Name(_) => flows.accept(tcp(API), Peer::Anywhere),
    };
    if cluster.has_etcd() {
        let etcd = tcp(2379).to(2380);
        flows = flows.accept(etcd, servers()).reach(etcd, servers());
    }
    if let Some((machine, service)) = database::machine(node) {
        flows = flows.reach(service, Peer::Machine(machine.name.clone().into()));
    }
    flows.reach(tcp(API), servers()).with(both(node))
}

/// The flows of an agent.
pub(super) fn agent(node: &Node<'_>) -> Flows {
    let servers = Peer::role(SERVER).of(node.cluster.name.as_str());
    // It joins by the endpoint, and then keeps a connection to each server.
    Flows::new().reach(tcp(API), servers).with(both(node))
}

/// The label that says on which nodes the load balancer of Services is; without it, on all (docs.k3s.io, *Networking Services*).
const BALANCED: &str = "svccontroller.k3s.cattle.io/enablelb";

/// HTTP and HTTPS of a node, which the load balancer of Services leads to Traefik: by rules of the kernel, before any program that listens
/// there gets a packet.
pub(super) fn taken(node: &Node<'_>) -> Vec<Service> {
    let cluster = node.cluster;
    if [Component::Traefik, Component::Servicelb].into_iter().any(|part| cluster.said().leaves_out(part)) {
        return Vec::new();
    }
    let says = |machine: &Machine| {
        machine.labels.iter().find(|label| label.key() == BALANCED).map(|label| label.value() == "true")
    };
    let all = cluster.servers.iter().chain(&cluster.agents);
    let is_chosen = all.filter_map(|at| node.site.cloud().at(*at)).any(|machine| says(machine).is_some());
    if is_chosen && says(node.site.machine()) != Some(true) {
        return Vec::new();
    }
    vec![tcp(80), tcp(443)]
}

/// The flows of every node.
fn both(node: &Node<'_>) -> Flows {
    let cluster = node.cluster;
    // Agents are accepted before there are any, so that the first one changes no server.
    let has_agents = cluster.agents.iter().any(|agent| !cluster.servers.contains(agent));
    let nodes = [(SERVER, true), (AGENT, has_agents)];
    let among = |flows: Flows, service: Service| {
        nodes.iter().fold(flows, |flows, (kind, is_there)| {
            let peer = Peer::subnet_of_role(kind.clone()).of(cluster.name.as_str());
            let flows = flows.accept(service, peer.clone());
            if *is_there { flows.reach(service, peer) } else { flows }
        })
    };
    let mut flows = machines(node, &cluster.endpoint.machines)
        .into_iter()
        .filter(|_| cluster.endpoint.is_balanced)
        .fold(Flows::new(), |flows, peer| flows.reach(tcp(API), peer));
    // The kubelet, for servers and for metrics.
    flows = among(flows, tcp(10250));
    let wireguard_ipv6 = cluster.has_ipv6();
    flows = match cluster.flannel {
        FlannelBackend::Vxlan => among(flows, udp(8472)),
        FlannelBackend::WireguardNative if wireguard_ipv6 => among(flows, udp(51820).to(51821)),
        FlannelBackend::WireguardNative => among(flows, udp(51820)),
        FlannelBackend::HostGw => flows,
        // Another network has protocols and ports of its own (IP in IP, BGP, Geneve, health checks), which fmc does not know.
        FlannelBackend::None => among(flows, anything()),
    };
    let said = cluster.said();
    let mirrors_images = |config: &crate::k3s::Config| {
        matches!(config.get(key::EMBEDDED_REGISTRY.key()), Some(Value::Flag(true)))
    };
    if mirrors_images(&said.config) || mirrors_images(&said.server_config) {
        // 5001 is where nodes find who has an image; the image itself is served on the API's port of every node, of
        // agents too (measured on v1.36.2).
        flows = among(among(flows, tcp(5001)), tcp(API));
    }
    for subnet in &cluster.pods {
        // Pods call their node: its kubelet, its DNS cache, and on servers the API. Another network than flannel has an
        // interface for each pod (`cali…`, `lxc…`), or routes pods' packets between nodes as they are.
        let from = match cluster.flannel {
            FlannelBackend::None => Peer::Subnet((*subnet).into()),
            _ => Peer::inside(K3S_INTERFACES.map(BridgeName::literal), *subnet),
        };
        flows = flows.accept(anything(), from);
    }
    flows = ingress(node, flows);
    if let Some(bootstrap) = cluster.bootstrap {
        let mirror = tcp(crate::mirror::PORT);
        flows = machines(node, &[bootstrap]).into_iter().fold(flows, |flows, peer| flows.reach(mirror, peer));
    }
    // Images, and what a first boot fetches.
    flows.reach(tcp(443), Peer::Anywhere)
}

/// HTTP and HTTPS, through the balancer if there is one.
fn ingress(node: &Node<'_>, flows: Flows) -> Flows {
    let cluster = node.cluster;
    if cluster.ingress.binary_search(&node.at).is_err() {
        return flows;
    }
    match &cluster.said().endpoint {
        Endpoint::Balancer(balancer) => {
            let Some((http, https)) = balancer.ingress.node_ports().filter(|_| balancer.ingress.on) else {
                return flows;
            };
            machines(node, &cluster.endpoint.machines)
                .into_iter()
                .fold(flows, |flows, peer| flows.accept(tcp(http), peer.clone()).accept(tcp(https), peer))
        }
        Endpoint::Server | Endpoint::Address(_) | Endpoint::Name(_) => {
            let asked = !cluster.said().ingress.is_empty();
            if cluster.said().leaves_out(Component::Traefik) && !asked {
                return flows;
            }
            flows.accept(tcp(80), Peer::Anywhere).accept(tcp(443), Peer::Anywhere)
        }
    }
}

fn machines(node: &Node<'_>, at: &[Idx<Machine>]) -> Vec<Peer> {
    let cloud = node.site.cloud();
    at.iter().filter_map(|&at| Some(Peer::Machine(cloud.at(at)?.name.clone().into()))).collect()
}
