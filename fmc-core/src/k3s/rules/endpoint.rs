//! The endpoint of a cluster.

use std::net::IpAddr;

use super::view::Cluster;
use crate::addr::IpRange;
use crate::balancer::Software;
use crate::check::view::{Placed, View, text};
use crate::finding::{At, Finding, Remedy, problems};
use crate::given::Given;
use crate::k3s::{Component, Endpoint};
use crate::name::MachineName;

/// The node of an endpoint, if it is a node's own address.
struct Node {
    machine: usize,
    field: &'static str,
}

/// Looks for the node that has the address or the name of an endpoint.
fn node(view: &View<'_>, cluster: &Cluster<'_>) -> Option<Node> {
    match &cluster.draft.endpoint {
        Endpoint::Server | Endpoint::Balancer(_) => None,
        Endpoint::Address(address) => {
            let address = address.ok()?.get();
            let machine = cluster.members().find(|&at| has_address(view.machine(at), address))?;
            Some(Node { machine, field: "address" })
        }
        Endpoint::Name(name) => {
            let name = name.ok()?.as_str();
            let machine = cluster.members().find(|&at| has_name(view, at, name))?;
            Some(Node { machine, field: "name" })
        }
    }
}

fn has_address(placed: Option<&Placed<'_>>, address: IpAddr) -> bool {
    let mut links = placed.into_iter().flat_map(|placed| &placed.links);
    links.any(|link| link.addresses().any(|(_, own)| own == address))
}

fn has_name(view: &View<'_>, machine: usize, name: &str) -> bool {
    let Some(placed) = view.machine(machine) else { return false };
    let draft = placed.draft;
    if let Some(fqdn) = &draft.fqdn {
        return text(fqdn) == name;
    }
    let host = draft.hostname.as_ref().map_or_else(|| text(&draft.name), text);
    let Some(rest) = name.strip_prefix(host) else { return false };
    let domain = view.cloud.domain.as_ref().map(text);
    rest.is_empty() || rest.strip_prefix('.').is_some_and(|rest| Some(rest) == domain)
}

/// The server that begins the cluster, if the machine exists.
fn initial(view: &View<'_>, cluster: &Cluster<'_>) -> Option<usize> {
    let named = |name: &Given<MachineName>| view.machine_index.get(text(name)).copied();
    match &cluster.draft.initial {
        Some(initial) => named(initial),
        None => cluster.draft.servers.first().and_then(named),
    }
}

/// Several servers behind the address of one of them: when that one is gone, so is the API.
pub(super) fn single(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    let count = draft.servers.len();
    if count < 2 {
        return;
    }
    let first = initial(view, cluster);
    let (field, server) = match &draft.endpoint {
        Endpoint::Server => (None, first),
        Endpoint::Address(_) | Endpoint::Name(_) => {
            let Some(node) = node(view, cluster).filter(|node| Some(node.machine) == first) else { return };
            (Some(node.field), Some(node.machine))
        }
        Endpoint::Balancer(_) => return,
    };
    let server = server.map_or("its first server", |at| view.machine_name(at));
    let endpoint = at.key("endpoint");
    let here = field.map_or(endpoint, |field| endpoint.key(field));
    findings.push(EndpointProblem::Single { count, server: server.to_owned() }.at(here));
}

/// A server that joins by its own address waits for itself, and an agent does not run the API.
pub(super) fn itself(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(node) = node(view, cluster) else { return };
    let (machine, name) = (view.machine_name(node.machine).to_owned(), cluster.draft.name.to_string());
    let is_server = cluster.servers.contains(&node.machine);
    let also = format!("machines.{machine}");
    let problem = if !is_server {
        EndpointProblem::Agent { cluster: name, machine }
    } else if Some(node.machine) != initial(view, cluster) {
        EndpointProblem::Itself { cluster: name, machine }
    } else {
        return;
    };
    let endpoint = at.key("endpoint");
    findings.push(problem.at(endpoint.key(node.field)).also(also));
}

/// An endpoint that leads to no server, as far as can be seen from here.
pub(super) fn nowhere(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let endpoint = at.key("endpoint");
    let mut found = |field: &str, problem: EndpointProblem| findings.push(problem.at(endpoint.key(field)));
    match &cluster.draft.endpoint {
        Endpoint::Server => {}
        Endpoint::Balancer(balancer) => {
            if balancer.machines().is_empty() {
                found("balancer", EndpointProblem::NoBalancer { cluster: cluster.draft.name.to_string() });
            }
        }
        Endpoint::Address(address) => {
            let Some(address) = address.ok().map(|ip| ip.get()) else { return };
            // A host bridge without a subnet may have any address.
            let is_known =
                view.networks.iter().all(|net| net.ipv4.is_some() || net.ipv6.is_some() || net.is_own());
            let of = view.networks.iter().find_map(|net| {
                net.family(address).filter(|family| family.subnet.contains(address)).map(|f| (net, f))
            });
            let is_public = view.cloud.public_addresses.iter().filter_map(Given::ok);
            let is_public = is_public.map(|ip| ip.get()).any(|public| public == address);
            match of {
                Some((net, family)) if !family.subnet.is_host(address) => {
                    let network = net.draft.name.to_string();
                    found("address", EndpointProblem::NotHost { address, network });
                }
                None if is_known && !is_public => found("address", EndpointProblem::Outside { address }),
                _ => {}
            }
        }
        Endpoint::Name(name) => {
            let Some(name) = name.ok() else { return };
            let inside = cluster.draft.cluster_domain.as_ref().map_or("cluster.local", text);
            let is_inside = name.as_str().strip_suffix(inside).is_some_and(|rest| rest.ends_with('.'));
            if is_inside || name.as_str() == inside {
                found("name", EndpointProblem::Inside { name: name.to_string() });
            } else if name.as_str() == "localhost" {
                found("name", EndpointProblem::Localhost);
            } else if !name.as_str().contains('.') && view.cloud.domain.is_none() {
                found("name", EndpointProblem::NoDomain { name: name.to_string() });
            }
        }
    }
}

/// An address that is kept for the endpoint must not be leased to a machine.
pub(super) fn leased(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Endpoint::Address(address) = &cluster.draft.endpoint else { return };
    let Some(address) = address.ok().map(|ip| ip.get()) else { return };
    // A node with that address has it reserved, and other findings report it.
    if node(view, cluster).is_some() {
        return;
    }
    let leasing = view.networks.iter().find_map(|net| {
        net.family(address)?.dhcp.filter(|range| range.contains(address)).map(|range| (net, range))
    });
    if let Some((net, range)) = leasing {
        let (name, field) = (text(&net.draft.name), if address.is_ipv4() { "dhcp" } else { "dhcp6" });
        let endpoint = at.key("endpoint");
        let problem = EndpointProblem::Leased { address, range, network: name.to_owned() };
        let at = endpoint.key("address");
        findings.push(problem.at(at).also(format_args!("networks.{name}.{field}")));
    }
}

/// With two Traefiks in a row, each request is routed twice; if that is intended, the cloud accepts the finding.
pub(super) fn traefik(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    let Endpoint::Balancer(balancer) = &draft.endpoint else { return };
    let is_traefik = matches!(balancer.software, Software::Traefik { .. }) && balancer.ingress.on;
    if !is_traefik || draft.leaves_out(Component::Traefik) {
        return;
    }
    let endpoint = at.key("endpoint");
    let first = balancer.machines().first().map_or("the balancer", text);
    let problem = EndpointProblem::Traefik { machine: first.to_owned() };
    findings.push(problem.at(at.key("disable")).also(endpoint.key("balancer").key("software")));
}

/// A balancer as the endpoint.
fn balancer() -> Remedy {
    Remedy::either("endpoint: {balancer: {machines: [lb1]}}", ".endpoint(Endpoint::balancer(\"lb1\"))")
}

problems! {
    /// Problems with the endpoint of a cluster.
    pub enum EndpointProblem {
        Single { count: usize, server: String } is K3sEndpointSingle:
            "{count} servers are reached by {server} alone: without it the others cannot be reached",
            "put a balancer before them, for example {balancer}, or give an address that outlives each server",
            balancer = balancer();
        Agent { cluster: String, machine: String } is K3sEndpointSelf:
            "the endpoint of {cluster} leads to {machine}, an agent, which does not run the API",
            "write an endpoint that leads to all servers: a balancer, or an address or name that is not a node's own";
        Itself { cluster: String, machine: String } is K3sEndpointSelf:
            "the endpoint of {cluster} leads to {machine}, which would have to join through itself",
            "write an endpoint that leads to all servers: a balancer, or an address or name that is not a node's own";
        NoBalancer { cluster: String } is K3sEndpointNowhere:
            "the balancer of {cluster} has no machine",
            "name its machine, for example {balancer}",
            balancer = balancer();
        NotHost { address: IpAddr, network: String } is K3sEndpointNowhere:
            "a machine cannot have {address} in {network}",
            "write an address that a balancer keeps, or name the balancer, for example {balancer}",
            balancer = balancer();
        Outside { address: IpAddr } is K3sEndpointNowhere:
            "{address} is in no network of the cloud",
            "write an address of a network that the nodes are on, or add the network that it is in";
        Inside { name: String } is K3sEndpointNowhere:
            "{name} is a name inside the cluster, which is not known outside",
            "write a name that the resolvers of the machines know";
        Localhost is K3sEndpointNowhere:
            "localhost leads every machine to itself",
            "write a name that leads to the servers";
        NoDomain { name: String } is K3sEndpointNowhere:
            "{name} has no domain, and the cloud has none to add",
            "write the whole name, or give the cloud a domain, for example {domain}",
            domain = Remedy::set("domain", "lab.example");
        Leased { address: IpAddr, range: IpRange, network: String } is K3sEndpointLeased:
            "{address} is in the range {range}, which DHCP on {network} hands out to anyone",
            "write an address outside of it, or make the range smaller";
        Traefik { machine: String } is K3sTraefikTwice:
            "K3s starts a Traefik of its own behind the one on {machine}",
            "leave K3s's out with {disable}, or accept the finding and say why, for example for TLS inside the cluster",
            disable = Remedy::either("disable: [traefik]", ".disable(Component::Traefik)");
    }
}
