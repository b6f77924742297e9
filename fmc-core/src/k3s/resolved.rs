//! A cluster of a checked cloud: its machines as indices, its endpoint as an address, its names and secrets derived.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Map;

use super::addon::Addon;
use super::cluster::{self, Download};
use super::pki::Pki;
use super::version::Version;
use super::word::{Component, FlannelBackend};
use super::{Key, Value};
use crate::addr::Subnet;
use crate::checked::{Idx, Machine};
use crate::digest::Digest;
use crate::name::ClusterName;
use crate::path::HttpUrl;
use crate::role::Facts;

/// The port of the API and of the supervisor, by which nodes join.
pub const API: u16 = 6443;

/// A K3s cluster of a checked cloud.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cluster {
    /// Its name.
    pub name: ClusterName,
    /// The release on servers.
    pub version: Version,
    /// The release on agents.
    pub agent_version: Version,
    /// The servers by index, in the order in which they start: the one that begins the cluster is the first.
    pub servers: Vec<Idx<Machine>>,
    /// The agents by index, in the user's order.
    pub agents: Vec<Idx<Machine>>,
    /// The endpoint by which nodes join and people reach the API.
    pub endpoint: Endpoint,
    /// Every name and address for the API servers' certificates, sorted: those of the servers, of the endpoint, of the
    /// cloud's public addresses, and the user's own.
    pub names: Vec<String>,
    /// The networks of pods.
    pub pods: Vec<Subnet>,
    /// The networks of Services.
    pub services: Vec<Subnet>,
    /// How pods of different nodes reach each other.
    pub flannel: FlannelBackend,
    /// The machines that take HTTP and HTTPS from outside, by index, sorted.
    pub ingress: Vec<Idx<Machine>>,
    /// The machine that mirrors the downloads of the others, by index.
    pub bootstrap: Option<Idx<Machine>>,
    /// The machine of its database, by index; none if etcd, SQLite or a database elsewhere holds the cluster.
    pub datastore: Option<Idx<Machine>>,
    /// Its tokens, authorities and keys.
    pub pki: Pki,
    /// The facts about it that every server has.
    pub(crate) facts: Facts,
    /// The draft, whose leaves are all right in a checked cloud.
    pub(crate) said: Arc<cluster::Cluster>,
}

/// The endpoint by which nodes join a cluster and people reach its API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The address or name that nodes join by.
    pub host: String,
    /// The address or name by which people outside reach it, if it differs.
    pub outside: Option<String>,
    /// The machines that it leads to first, by index: balancers, or the server itself; none if the endpoint is kept
    /// outside of the cloud.
    pub machines: Vec<Idx<Machine>>,
    /// Whether those machines are balancers.
    pub is_balanced: bool,
}

impl Endpoint {
    /// The address that nodes join by: `https://10.17.5.10:6443`.
    pub fn url(&self) -> String {
        url(&self.host)
    }

    /// The address for people: a balancer's address on the LAN if it has one, and otherwise the one that nodes join by.
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
#[non_exhaustive]
pub struct Fetched {
    /// Its address.
    pub url: HttpUrl,
    /// Its hash.
    pub digest: Digest,
}

impl Fetched {
    pub(crate) fn of(download: &Download) -> Option<Self> {
        Some(Self { url: download.url.ok()?.clone(), digest: *download.digest.ok()? })
    }
}

impl Cluster {
    /// The server that begins the cluster, by index.
    pub fn initial(&self) -> Option<Idx<Machine>> {
        self.servers.first().copied()
    }

    /// Whether the state of the cluster is in an etcd on its servers. A single server keeps it in SQLite, until it has
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

    /// Whether K3s enforces network policies itself: it does, unless its servers are told not to.
    pub fn has_network_policies(&self) -> bool {
        let said =
            [&self.said.config, &self.said.server_config].map(|config| config.get(Key::DisableNetworkPolicy));
        !said.contains(&Some(&Value::Flag(true)))
    }

    /// Whether it runs a part that K3s comes with.
    pub fn has(&self, part: Component) -> bool {
        !self.said.leaves_out(part)
    }

    /// The objects that K3s applies when it starts, in the form of the API, by the name of their file and then as stated.
    pub fn auto_deployed(&self) -> impl Iterator<Item = &Map<String, serde_json::Value>> {
        self.said.auto_deploy.iter().flat_map(Addon::objects)
    }

    /// Its draft.
    pub fn said(&self) -> &cluster::Cluster {
        &self.said
    }
}
