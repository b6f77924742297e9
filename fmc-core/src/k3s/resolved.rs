//! A cluster of a checked cloud: its machines as indices, its endpoint as an address, its names and secrets derived.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::cluster::{self, Download};
use super::pki::Pki;
use super::version::Version;
use super::word::FlannelBackend;
use crate::addr::Subnet;
use crate::checked::{Addressing, Checked, Forward, Machine};
use crate::digest::Digest;
use crate::finding::At;
use crate::given::Given;
use crate::name::{ClusterName, MachineName};
use crate::path::HttpUrl;

/// The port of the API and of the supervisor, by which nodes join.
pub const API: u16 = 6443;

/// A K3s cluster of a checked cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name.
    pub name: ClusterName,
    /// The release on servers.
    pub version: Version,
    /// The release on agents.
    pub agent_version: Version,
    /// The servers by index, in the order in which they start: the one that begins the cluster is the first.
    pub servers: Vec<usize>,
    /// The agents by index, in the user's order.
    pub agents: Vec<usize>,
    /// By what nodes join and people reach the API.
    pub endpoint: Endpoint,
    /// The names and addresses in the API servers' certificates, sorted: those of every server and of the endpoint.
    pub names: Vec<String>,
    /// The networks of pods.
    pub pods: Vec<Subnet>,
    /// The networks of Services.
    pub services: Vec<Subnet>,
    /// How pods of different nodes reach each other.
    pub flannel: FlannelBackend,
    /// The machines that take HTTP and HTTPS from outside, by index, sorted.
    pub ingress: Vec<usize>,
    /// The machine that has a mirror of what the others download, by index.
    pub bootstrap: Option<usize>,
    /// Its tokens, authorities and keys.
    pub pki: Pki,
    /// What else the user says; every leaf of it is right where the cloud is checked.
    pub(crate) said: Arc<cluster::Cluster>,
}

/// By what nodes join a cluster and people reach its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address or name that nodes join by.
    pub host: String,
    /// The address or name by which people outside reach it, where that is another one.
    pub outside: Option<String>,
    /// The machines that it leads to first, by index: balancers, or the server itself; none where somebody else keeps it.
    pub machines: Vec<usize>,
    /// Whether those machines are balancers.
    pub is_balanced: bool,
}

impl Endpoint {
    /// The address that nodes join by: `https://10.17.5.10:6443`.
    pub fn url(&self) -> String {
        url(&self.host)
    }

    /// The address for people: that of the LAN where a balancer has one there, and the one that nodes join by otherwise.
    pub fn public_url(&self) -> String {
        url(self.outside.as_deref().unwrap_or(&self.host))
    }
}

/// The address of the API on a host, which is a name or an address.
pub(crate) fn url(host: &str) -> String {
    match host.parse() {
        Ok(IpAddr::V6(address)) => format!("https://[{address}]:{API}"),
        _ => format!("https://{host}:{API}"),
    }
}

/// A file that a machine fetches, with every leaf right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is.
    pub url: HttpUrl,
    /// What it must hash to.
    pub digest: Digest,
}

impl Fetched {
    pub(crate) fn of(download: &Download) -> Option<Self> {
        Some(Self { url: download.url.ok()?.clone(), digest: *download.digest.ok()? })
    }
}

impl Cluster {
    /// The server that begins the cluster, by index.
    pub fn initial(&self) -> Option<usize> {
        self.servers.first().copied()
    }

    /// Whether the state of the cluster is in an etcd on its servers. One server alone has it in SQLite, until it has
    /// others or makes snapshots.
    pub fn has_etcd(&self) -> bool {
        let snapshots = self.said.snapshots.as_ref().is_some_and(|snapshots| snapshots.enabled);
        self.said.datastore.is_none() && (snapshots || self.servers.len() > 1)
    }

    /// Whether pods have addresses of both families.
    pub fn is_dual_stack(&self) -> bool {
        self.has_ipv6() && self.pods.iter().any(Subnet::is_ipv4)
    }

    /// Whether pods have addresses of IPv6.
    pub fn has_ipv6(&self) -> bool {
        self.pods.iter().any(|subnet| !subnet.is_ipv4())
    }

    /// Where a machine of the cluster fetches a file: from the mirror on the bootstrap machine where there is one.
    pub fn mirrored(&self, file: &Fetched, cloud: &Checked) -> String {
        let mirror = self.bootstrap.and_then(|at| cloud.machines.get(at)).and_then(Machine::address);
        mirror.map_or_else(
            || file.url.to_string(),
            |address| crate::mirror::url_of(address, &file.url, &file.digest),
        )
    }

    /// What else the user says of it.
    pub fn said(&self) -> &cluster::Cluster {
        &self.said
    }
}

/// Resolves what is right of a cluster; `None` where it has no name, no version or no server.
pub(crate) fn resolve(draft: &cluster::Cluster, cloud: &Checked) -> Option<Cluster> {
    let name = draft.name.ok()?.clone();
    let version = *draft.version.ok()?;
    let mut servers = indices(&draft.servers, cloud);
    if let Some(initial) = &draft.initial {
        let initial = index(initial, cloud)?;
        let at = servers.iter().position(|server| *server == initial)?;
        servers.get_mut(..=at)?.rotate_right(1);
    }
    let first = *servers.first()?;
    let agents = indices(&draft.agents, cloud);
    let endpoint = endpoint(draft, first, cloud)?;
    let ingress = ingress(draft, &servers, &agents, cloud);
    Some(Cluster {
        names: names(&servers, &endpoint, cloud),
        version,
        agent_version: draft.agent_version.as_ref().map_or(Some(version), |given| given.ok().copied())?,
        endpoint,
        pods: subnets(&draft.pods, "10.42.0.0/16")?,
        services: subnets(&draft.services, "10.43.0.0/16")?,
        flannel: draft.flannel.as_ref().map_or(Some(FlannelBackend::Vxlan), |given| given.ok().copied())?,
        ingress,
        bootstrap: draft
            .bootstrap
            .as_ref()
            .map_or(Some(None), |mirror| index(&mirror.machine, cloud).map(Some))?,
        pki: draft.credentials.checked(name.as_str(), &At::ROOT, &mut Vec::new())?,
        servers,
        agents,
        said: Arc::new(draft.clone()),
        name,
    })
}

fn index(name: &Given<MachineName>, cloud: &Checked) -> Option<usize> {
    let name = name.ok()?;
    cloud.machines.binary_search_by(|machine| machine.name.cmp(name)).ok()
}

/// The machines that are there, each once.
fn indices(names: &[Given<MachineName>], cloud: &Checked) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    names.iter().filter_map(|name| index(name, cloud)).filter(|at| seen.insert(*at)).collect()
}

fn subnets(given: &[Given<Subnet>], default: &str) -> Option<Vec<Subnet>> {
    if given.is_empty() {
        return Some(vec![*Given::<Subnet>::text(default).ok()?]);
    }
    given.iter().map(|subnet| subnet.ok().copied()).collect()
}

fn endpoint(draft: &cluster::Cluster, first: usize, cloud: &Checked) -> Option<Endpoint> {
    let kept = |host: String| Endpoint { host, outside: None, machines: Vec::new(), is_balanced: false };
    Some(match &draft.endpoint {
        cluster::Endpoint::Server => {
            Endpoint { machines: vec![first], ..kept(known_by(cloud.machines.get(first)?)) }
        }
        cluster::Endpoint::Address(address) => kept(address.ok()?.to_string()),
        cluster::Endpoint::Name(name) => kept(name.ok()?.to_string()),
        cluster::Endpoint::Balancer(balancer) => {
            let machines = indices(balancer.machines(), cloud);
            let nearest = machines.first().and_then(|&at| cloud.machines.get(at));
            let shared = balancer.shared();
            let server = cloud.machines.get(first)?;
            let near = nearest.and_then(|machine| machine.address_towards(server));
            let host = shared.or(near).map(|address| address.to_string());
            // What leads nowhere is a finding of its own.
            let host = host.unwrap_or_else(|| known_by(nearest.unwrap_or(server)));
            let lan = nearest.and_then(|machine| address_outside(machine, cloud)).map(|ip| ip.to_string());
            let outside = lan.filter(|lan| shared.is_none() && *lan != host);
            Endpoint { host, outside, machines, is_balanced: true }
        }
    })
}

/// What a machine is known by: its address, or its name where nobody knows that beforehand, which is a finding.
fn known_by(machine: &Machine) -> String {
    machine.address().map_or_else(|| machine.hostname.to_string(), |address| address.to_string())
}

/// The address of a machine on a bridge that the host has already.
fn address_outside(machine: &Machine, cloud: &Checked) -> Option<IpAddr> {
    let outside = machine.interfaces.iter().filter(|interface| {
        cloud.networks.get(interface.network).is_some_and(|network| network.forward == Forward::Bridge)
    });
    outside.filter_map(crate::checked::Interface::address).next()
}

fn ingress(draft: &cluster::Cluster, servers: &[usize], agents: &[usize], cloud: &Checked) -> Vec<usize> {
    let of_balancer = match &draft.endpoint {
        cluster::Endpoint::Balancer(balancer) => balancer.ingress.nodes.as_slice(),
        _ => &[],
    };
    let named = if draft.ingress.is_empty() { of_balancer } else { &draft.ingress };
    let mut all = match (named, agents) {
        ([], []) => servers.to_vec(),
        ([], agents) => agents.to_vec(),
        (named, _) => indices(named, cloud),
    };
    all.sort_unstable();
    all
}

/// Everything by which an API server may be called: no client must find a certificate that does not know the name it used.
fn names(servers: &[usize], endpoint: &Endpoint, cloud: &Checked) -> Vec<String> {
    let mut names = vec![endpoint.host.clone()];
    names.extend(endpoint.outside.clone());
    for machine in servers.iter().chain(&endpoint.machines).filter_map(|&at| cloud.machines.get(at)) {
        names.extend(addresses(machine).map(|address| address.to_string()));
        names.push(machine.hostname.to_string());
        names.extend(machine.fqdn.as_ref().map(ToString::to_string));
    }
    names.sort();
    names.dedup();
    names
}

/// The addresses of a machine that are known beforehand.
pub(crate) fn addresses(machine: &Machine) -> impl Iterator<Item = IpAddr> {
    let families = machine.interfaces.iter().flat_map(|interface| [interface.ipv4, interface.ipv6]);
    families.flatten().filter_map(Addressing::address)
}
