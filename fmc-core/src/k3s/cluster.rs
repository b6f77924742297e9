//! The draft of a K3s cluster: what a user says of it, once, for all its machines.
//!
//! A server that begins its cluster begins a new one when its root is replaced, as K3s itself does: name another server
//! as `initial` before you replace it.

mod datastore;
mod endpoint;
mod install;
mod updates;

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::kubelet;
use super::pki::Credentials;
use super::registries::Registries;
use super::tuning::{ModuleName, SysctlName, Tuning};
use super::value::Line;
use super::version::Version;
use super::word::{Component, EgressMode, EncryptionProvider, FlannelBackend};
use crate::addr::{Ip, Subnet};
use crate::field::is_default;
use crate::given::Given;
use crate::mirror::Mirror;
use crate::name::{ClusterName, DomainName, MachineName};
use crate::named::{Keyed, Named, unnamed};

pub use datastore::{Datastore, S3, Snapshots};
pub use endpoint::Endpoint;
pub use install::{ByArch, Download, Install};
pub use updates::{Clock, Updates};

/// A K3s cluster: which machines are its servers and agents, and what is the same on all of them.
///
/// What must be equal on every server (networks, DNS, encryption, what is left out) is said here and nowhere else, so that
/// no server can have another value. Join addresses, names in certificates, tokens and the order in which servers start
/// are derived.
///
/// ```
/// use fmc_core::k3s::{self, Component};
/// use fmc_core::name::MachineName;
///
/// const LOAD_BALANCER1: MachineName = MachineName::literal("loadbalancer1");
///
/// let k3s = k3s::Cluster::new("prod", "v1.36.3+k3s1")
///     .endpoint(k3s::Endpoint::balancer(LOAD_BALANCER1))
///     .servers(["master1", "master2", "master3"])
///     .agents(["worker1", "worker2", "worker3"])
///     .disable(Component::Traefik);
/// # let _ = k3s;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    #[serde(skip, default = "unnamed")]
    pub(crate) name: Given<ClusterName>,
    /// The release of K3s.
    pub(crate) version: Given<Version>,
    /// By what nodes join and people reach the API; the first server if not said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) endpoint: Endpoint,
    /// The machines that run the API and its datastore: 1, 3, 5 or 7 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) servers: Vec<Given<MachineName>>,
    /// The machines that run pods only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) agents: Vec<Given<MachineName>>,
    /// The server that begins the cluster; the first one if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) initial: Option<Given<MachineName>>,
    /// The networks of pods, one of each family; 10.42.0.0/16 if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pods: Vec<Given<Subnet>>,
    /// The networks of Services, one of each family; 10.43.0.0/16 if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) services: Vec<Given<Subnet>>,
    /// The addresses of the cluster's DNS; the tenth of the network of Services if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cluster_dns: Vec<Given<Ip>>,
    /// The DNS domain inside the cluster; `cluster.local` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_domain: Option<Given<DomainName>>,
    /// How pods of different nodes reach each other; `vxlan` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flannel: Option<Given<FlannelBackend>>,
    /// How Secrets are encrypted in the datastore; they are not if not said. It cannot be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secrets_encryption: Option<Given<EncryptionProvider>>,
    /// Parts of K3s that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) disable: Vec<Given<Component>>,
    /// How the API server reaches kubelets and pods; `agent` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) egress: Option<Given<EgressMode>>,
    /// A database that holds the cluster in place of etcd on the servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datastore: Option<Datastore>,
    /// When snapshots of etcd are made and where they go; every twelve hours, five kept, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) snapshots: Option<Snapshots>,
    /// Whether the cluster is hardened as the CIS benchmark wants it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cis: bool,
    /// Where images come from.
    #[serde(default, skip_serializing_if = "Registries::is_empty")]
    pub(crate) registries: Registries,
    /// Drop-ins of the kubelet's configuration, by file name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub(crate) kubelet: Named<kubelet::Dropin>,
    /// What is set in the kernel.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) tuning: Tuning,
    /// More keys of `config.yaml`, for servers, and for agents what agents take.
    #[serde(default, skip_serializing_if = "Config::is_empty")]
    pub(crate) config: Config,
    /// More keys of `config.yaml` for servers.
    #[serde(default, skip_serializing_if = "Config::is_empty")]
    pub(crate) server_config: Config,
    /// More keys of `config.yaml` for agents.
    #[serde(default, skip_serializing_if = "Config::is_empty")]
    pub(crate) agent_config: Config,
    /// Where the binary and its images come from; from K3s's own releases if not said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) install: Install,
    /// The machine that has a mirror of what the others download, or a map that says what else it serves; none if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bootstrap: Option<Mirror>,
    /// The machines that take HTTP and HTTPS from outside; the agents, or the servers where there are none, if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ingress: Vec<Given<MachineName>>,
    /// Tokens and authorities of the user's own, and generations of the others.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) credentials: Credentials,
    /// The release that the cluster runs before this change: a step must not leave a minor version out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upgraded_from: Option<Given<Version>>,
    /// The release on agents, while servers are a step ahead; that of the servers if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent_version: Option<Given<Version>>,
    /// What agents are installed from, while servers are a step ahead; what servers are if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent_install: Option<Install>,
    /// When the operating systems' updates may restart machines; at 04:00, each server on a day of its own, if not said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) updates: Updates,
}

impl Cluster {
    /// A cluster of this name with a release of K3s, `v1.36.3+k3s1`.
    pub fn new(name: impl Into<Given<ClusterName>>, version: impl Into<Given<Version>>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            endpoint: Endpoint::default(),
            servers: Vec::new(),
            agents: Vec::new(),
            initial: None,
            pods: Vec::new(),
            services: Vec::new(),
            cluster_dns: Vec::new(),
            cluster_domain: None,
            flannel: None,
            secrets_encryption: None,
            disable: Vec::new(),
            egress: None,
            datastore: None,
            snapshots: None,
            cis: false,
            registries: Registries::default(),
            kubelet: Named::default(),
            tuning: Tuning::default(),
            config: Config::default(),
            server_config: Config::default(),
            agent_config: Config::default(),
            install: Install::default(),
            bootstrap: None,
            ingress: Vec::new(),
            credentials: Credentials::default(),
            upgraded_from: None,
            agent_version: None,
            agent_install: None,
            updates: Updates::default(),
        }
    }

    /// By what nodes join and people reach the API; the first server if not said.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// The machines that run the API and its datastore: 1, 3, 5 or 7 of them.
    #[must_use]
    pub fn servers<N: Into<Given<MachineName>>>(mut self, machines: impl IntoIterator<Item = N>) -> Self {
        self.servers = machines.into_iter().map(Into::into).collect();
        self
    }

    /// The machines that run pods only.
    #[must_use]
    pub fn agents<N: Into<Given<MachineName>>>(mut self, machines: impl IntoIterator<Item = N>) -> Self {
        self.agents = machines.into_iter().map(Into::into).collect();
        self
    }

    /// The server that begins the cluster; the first one if not said. A new root disk would begin a new cluster: before the
    /// machine that began it is replaced, name another one here.
    #[must_use]
    pub fn initial(mut self, machine: impl Into<Given<MachineName>>) -> Self {
        self.initial = Some(machine.into());
        self
    }

    /// The network of pods; with a second call that of the other family. 10.42.0.0/16 if not said.
    #[must_use]
    pub fn pods(mut self, subnet: impl Into<Given<Subnet>>) -> Self {
        self.pods.push(subnet.into());
        self
    }

    /// The network of Services; with a second call that of the other family. 10.43.0.0/16 if not said.
    #[must_use]
    pub fn services(mut self, subnet: impl Into<Given<Subnet>>) -> Self {
        self.services.push(subnet.into());
        self
    }

    /// The address of the cluster's DNS; with a second call that of the other family. The tenth of the network of
    /// Services if not said.
    #[must_use]
    pub fn cluster_dns(mut self, address: impl Into<Given<Ip>>) -> Self {
        self.cluster_dns.push(address.into());
        self
    }

    /// The DNS domain inside the cluster; `cluster.local` if not said.
    #[must_use]
    pub fn cluster_domain(mut self, domain: impl Into<Given<DomainName>>) -> Self {
        self.cluster_domain = Some(domain.into());
        self
    }

    /// How pods of different nodes reach each other; VXLAN if not said.
    #[must_use]
    pub fn flannel(mut self, backend: impl Into<Given<FlannelBackend>>) -> Self {
        self.flannel = Some(backend.into());
        self
    }

    /// Encrypts Secrets in the datastore. It cannot be changed later.
    #[must_use]
    pub fn secrets_encryption(mut self, provider: impl Into<Given<EncryptionProvider>>) -> Self {
        self.secrets_encryption = Some(provider.into());
        self
    }

    /// Leaves a part of K3s out.
    #[must_use]
    pub fn disable(mut self, component: impl Into<Given<Component>>) -> Self {
        self.disable.push(component.into());
        self
    }

    /// How the API server reaches kubelets and pods; by the agents' tunnel if not said.
    #[must_use]
    pub fn egress(mut self, mode: impl Into<Given<EgressMode>>) -> Self {
        self.egress = Some(mode.into());
        self
    }

    /// Keeps the cluster in a database in place of etcd on the servers.
    #[must_use]
    pub fn datastore(mut self, datastore: Datastore) -> Self {
        self.datastore = Some(datastore);
        self
    }

    /// When snapshots of etcd are made and where they go; every twelve hours, five kept, if not said.
    #[must_use]
    pub fn snapshots(mut self, snapshots: Snapshots) -> Self {
        self.snapshots = Some(snapshots);
        self
    }

    /// Whether the cluster is hardened as the CIS benchmark wants it (docs.k3s.io, *CIS Hardening Guide*).
    #[must_use]
    pub fn cis(mut self, yes: bool) -> Self {
        self.cis = yes;
        self
    }

    /// Where images come from.
    #[must_use]
    pub fn registries(mut self, registries: Registries) -> Self {
        self.registries = registries;
        self
    }

    /// A drop-in of the kubelet's configuration, on every node.
    #[must_use]
    pub fn kubelet(mut self, dropin: kubelet::Dropin) -> Self {
        self.kubelet.push(dropin);
        self
    }

    /// A sysctl and its value, on every node.
    #[must_use]
    pub fn sysctl(mut self, name: impl Into<Given<SysctlName>>, value: impl Into<Given<Line>>) -> Self {
        self.tuning = self.tuning.sysctl(name, value);
        self
    }

    /// A kernel module, loaded on every node.
    #[must_use]
    pub fn module(mut self, name: impl Into<Given<ModuleName>>) -> Self {
        self.tuning = self.tuning.module(name);
        self
    }

    /// More keys of `config.yaml`, for servers, and for agents those that agents take. What the cluster derives stays.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// More keys of `config.yaml` for servers.
    #[must_use]
    pub fn server_config(mut self, config: Config) -> Self {
        self.server_config = config;
        self
    }

    /// More keys of `config.yaml` for agents.
    #[must_use]
    pub fn agent_config(mut self, config: Config) -> Self {
        self.agent_config = config;
        self
    }

    /// Where the binary and its images come from; from K3s's own releases, not pinned by a digest, if not said.
    #[must_use]
    pub fn install(mut self, install: Install) -> Self {
        self.install = install;
        self
    }

    /// The machine that has a mirror of what the others download, so that they ask nobody else: its name, or a [`Mirror`] that
    /// serves more files.
    #[must_use]
    pub fn bootstrap(mut self, mirror: impl Into<Mirror>) -> Self {
        self.bootstrap = Some(mirror.into());
        self
    }

    /// The machines that take HTTP and HTTPS from outside; the agents, or the servers where there are none, if not said.
    #[must_use]
    pub fn ingress<N: Into<Given<MachineName>>>(mut self, machines: impl IntoIterator<Item = N>) -> Self {
        self.ingress = machines.into_iter().map(Into::into).collect();
        self
    }

    /// Tokens and authorities of the user's own, and generations of those that are made from the root key.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// The release that the cluster runs before this change: a step must not leave a minor version out.
    #[must_use]
    pub fn upgraded_from(mut self, version: impl Into<Given<Version>>) -> Self {
        self.upgraded_from = Some(version.into());
        self
    }

    /// The release on agents, while servers are a step ahead. Files that are pinned are of one release: say those of the agents
    /// by [`agent_install`](Self::agent_install).
    #[must_use]
    pub fn agent_version(mut self, version: impl Into<Given<Version>>) -> Self {
        self.agent_version = Some(version.into());
        self
    }

    /// What agents are installed from, while servers are a step ahead; what servers are if not said.
    #[must_use]
    pub fn agent_install(mut self, install: Install) -> Self {
        self.agent_install = Some(install);
        self
    }

    /// What servers are installed from, and agents.
    pub(crate) fn installs(&self) -> (&Install, &Install) {
        (&self.install, self.agent_install.as_ref().unwrap_or(&self.install))
    }

    /// Every file that its machines may fetch.
    pub(crate) fn downloads(&self) -> impl Iterator<Item = &Download> {
        let all = [Some(&self.install), self.agent_install.as_ref()].into_iter().flatten();
        all.flat_map(Install::downloads).map(|(_, _, file)| file)
    }

    /// When the operating systems' updates may restart machines; at 04:00, each server on a day of its own, if not said.
    #[must_use]
    pub fn updates(mut self, updates: Updates) -> Self {
        self.updates = updates;
        self
    }
}

impl Keyed for Cluster {
    type Name = ClusterName;

    fn name(&self) -> &Given<ClusterName> {
        &self.name
    }

    fn with_name(self, name: Given<ClusterName>) -> Self {
        Self { name, ..self }
    }
}
