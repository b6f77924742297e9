//! Resolves a cluster: its machines as indices, its endpoint as an address, its names and secrets derived.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::addr::Subnet;
use crate::checked::{Checked, Forward, Idx, Interface, Machine};
use crate::cloud::Cloud;
use crate::finding::At;
use crate::given::Given;
use crate::k3s::resolved::{Cluster, Endpoint};
use crate::k3s::{self, FlannelBackend, Key, role};
use crate::name::{MachineName, RoleName};
use crate::postgresql::Postgresql;
use crate::role::Facts;
use crate::sort;

/// The PostgreSQL of a name that a draft states.
pub(super) fn postgresql<'a>(of: &'a Cloud, name: &RoleName) -> Option<&'a Postgresql> {
    let mut all = of.roles.iter().filter_map(|role| {
        let role: &dyn std::any::Any = role.as_spanning();
        role.downcast_ref::<Postgresql>()
    });
    all.find(|postgresql| postgresql.name.ok() == Some(name))
}

/// The cluster with the whole of its datastore, if that is in a PostgreSQL of the cloud. A name that leads nowhere has a finding.
pub(crate) fn with_datastore<'a>(draft: &'a k3s::Cluster, of: &Cloud) -> Cow<'a, k3s::Cluster> {
    let whole = draft
        .datastore
        .as_ref()
        .and_then(|said| postgresql(of, said.postgresql.as_ref()?.ok()?)?.datastore(said));
    match whole {
        Some(datastore) => Cow::Owned(k3s::Cluster { datastore: Some(datastore), ..draft.clone() }),
        None => Cow::Borrowed(draft),
    }
}

/// Resolves the right part of a cluster; `None` if it has no name, no version or no server.
pub(crate) fn resolve(draft: &k3s::Cluster, of: &Cloud, cloud: &Checked) -> Option<Cluster> {
    let draft = &*with_datastore(draft, of);
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
    let mut cluster = Cluster {
        facts: Facts::new(),
        names: names(draft, of, &servers, &endpoint, cloud)?,
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
        datastore: draft
            .datastore
            .as_ref()
            .and_then(|datastore| datastore.machine.as_ref())
            .map_or(Some(None), |machine| index(machine, cloud).map(Some))?,
        pki: draft.credentials.checked(name.as_str(), &At::ROOT, &mut Vec::new())?,
        servers,
        agents,
        said: Arc::new(draft.clone()),
        name,
    };
    cluster.facts = role::of_cluster(&cluster);
    Some(cluster)
}

impl Cluster {
    /// The cluster with its servers in another order.
    pub(super) fn in_order(&self, servers: Vec<Idx<Machine>>, cloud: &Checked) -> Option<Self> {
        let endpoint = endpoint(&self.said, *servers.first()?, cloud)?;
        Some(Self { endpoint, servers, ..self.clone() })
    }

    /// Whether another server at the beginning means another endpoint.
    pub(super) fn endpoint_follows_first(&self, cloud: &Checked) -> bool {
        let mut endpoints = self.servers.iter().map(|first| endpoint(&self.said, *first, cloud));
        endpoints.any(|other| other.is_some_and(|other| other.host != self.endpoint.host))
    }
}

fn index(name: &Given<MachineName>, cloud: &Checked) -> Option<Idx<Machine>> {
    let name = name.ok()?;
    cloud.find(name.as_str())
}

/// The machines that are there, each once.
fn indices(names: &[Given<MachineName>], cloud: &Checked) -> Vec<Idx<Machine>> {
    let mut seen = BTreeSet::new();
    names.iter().filter_map(|name| index(name, cloud)).filter(|at| seen.insert(*at)).collect()
}

fn subnets(given: &[Given<Subnet>], default: &str) -> Option<Vec<Subnet>> {
    if given.is_empty() {
        return Some(vec![*Given::<Subnet>::text(default).ok()?]);
    }
    given.iter().map(|subnet| subnet.ok().copied()).collect()
}

fn endpoint(draft: &k3s::Cluster, first: Idx<Machine>, cloud: &Checked) -> Option<Endpoint> {
    let kept = |host: String| Endpoint { host, outside: None, machines: Vec::new(), is_balanced: false };
    Some(match &draft.endpoint {
        k3s::Endpoint::Server => Endpoint { machines: vec![first], ..kept(known_by(cloud.at(first)?)) },
        k3s::Endpoint::Address(address) => kept(address.ok()?.to_string()),
        k3s::Endpoint::Name(name) => kept(name.ok()?.to_string()),
        k3s::Endpoint::Balancer(balancer) => {
            let machines = indices(balancer.machines(), cloud);
            let nearest = machines.first().and_then(|&at| cloud.at(at));
            let shared = balancer.shared();
            let server = cloud.at(first)?;
            let near = nearest.and_then(|machine| machine.address_towards(server));
            let host = shared.or(near).map(|address| address.to_string());
            // A reference that leads nowhere is a finding of its own.
            let host = host.unwrap_or_else(|| known_by(nearest.unwrap_or(server)));
            let lan = nearest.and_then(|machine| address_outside(machine, cloud)).map(|ip| ip.to_string());
            let outside = lan.filter(|lan| shared.is_none() && *lan != host);
            Endpoint { host, outside, machines, is_balanced: true }
        }
    })
}

/// The address that a machine is found by. Without a fixed address it is the name, and there is a finding.
fn known_by(machine: &Machine) -> String {
    machine.address().map_or_else(|| machine.hostname.to_string(), |address| address.to_string())
}

/// The address of a machine on a bridge that the host has already.
fn address_outside(machine: &Machine, cloud: &Checked) -> Option<IpAddr> {
    let outside = machine.interfaces.iter().filter(|interface| {
        cloud.at(interface.network).is_some_and(|network| network.forward == Forward::Bridge)
    });
    outside.filter_map(Interface::address).next()
}

fn ingress(
    draft: &k3s::Cluster,
    servers: &[Idx<Machine>],
    agents: &[Idx<Machine>],
    cloud: &Checked,
) -> Vec<Idx<Machine>> {
    let of_balancer = match &draft.endpoint {
        k3s::Endpoint::Balancer(balancer) => balancer.ingress.nodes.as_slice(),
        _ => &[],
    };
    let named = if draft.ingress.is_empty() { of_balancer } else { &draft.ingress };
    let mut all = match (named, agents) {
        ([], []) => servers.to_vec(),
        ([], agents) => agents.to_vec(),
        (named, _) => indices(named, cloud),
    };
    sort::all(&mut all);
    all
}

/// Every name and address by which an API server may be called: the certificate has to contain the one that a client
/// used.
///
/// The cloud's public addresses are among them in every cluster: the router behind them is outside of the cloud, so fmc
/// cannot know which cluster it leads to.
fn names(
    draft: &k3s::Cluster,
    of: &Cloud,
    servers: &[Idx<Machine>],
    endpoint: &Endpoint,
    cloud: &Checked,
) -> Option<Vec<String>> {
    let mut names = vec![endpoint.host.clone()];
    names.extend(endpoint.outside.clone());
    for name in &draft.tls_san {
        names.push(name.ok()?.to_string());
    }
    names.extend(
        [Key::TlsSan, Key::NodeExternalIp]
            .iter()
            .flat_map(|key| draft.added_on_servers(*key))
            .map(str::to_owned),
    );
    for address in &of.public_addresses {
        names.push(address.ok()?.to_string());
    }
    for machine in servers.iter().chain(&endpoint.machines).filter_map(|&at| cloud.at(at)) {
        names.extend(
            machine.addresses().chain(machine.external_addresses.iter().copied()).map(|ip| ip.to_string()),
        );
        names.push(machine.hostname.to_string());
        names.extend(machine.fqdn.as_ref().map(ToString::to_string));
    }
    sort::all(&mut names);
    names.dedup();
    Some(names)
}
