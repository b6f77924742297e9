//! The draft of a K3s cluster: its settings, once, for all its machines.
//!
//! A server that begins its cluster begins a new one when its root is replaced, as K3s itself does: name another server
//! as `initial` before you replace it.

mod datastore;
mod endpoint;
mod install;
mod updates;

use super::addon::Addon;
use super::config::Config;
use super::key::Key;
use super::kubelet;
use super::pki::Credentials;
use super::registries::Registries;
use super::san::CertName;
use super::tuning::{ModuleName, SysctlName, Tuning};
use super::value::Line;
use super::version::Version;
use super::word::{Component, EgressMode, EncryptionProvider, FlannelBackend};
use crate::addr::{Ip, Subnet};
use crate::draft::draft;
use crate::given::Given;
use crate::mirror::Mirror;
use crate::name::{ClusterName, DomainName, MachineName};
use crate::named::Named;

pub use datastore::{Datastore, DatastoreProblem, S3, Snapshots};
pub use endpoint::Endpoint;
pub use install::{ByArch, Download, Install};
pub use updates::{Clock, Updates};

draft! {
    /// A K3s cluster: its servers and agents, and the settings that are the same on all of them.
    ///
    /// Settings that must be equal on every server (networks, DNS, encryption, omitted parts) are set here and nowhere
    /// else, so that no server can differ. Join addresses, names in certificates, tokens and the order in which servers
    /// start are derived.
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
    pub struct Cluster {
        /// Its name.
        #[key]
        pub(crate) name: Given<ClusterName>,
        /// The release of K3s.
        #[needed]
        pub(crate) version: Given<Version>,
        /// The address by which nodes join and people reach the API; by default the first server's.
        pub(crate) endpoint: Endpoint,
        /// More names and addresses by which the API is called: its certificate contains them, beside the names and
        /// addresses of its servers, of its endpoint, and the cloud's public addresses.
        #[each(tls_san)]
        pub(crate) tls_san: Vec<Given<CertName>>,
        /// The machines that run the API and its datastore: 1, 3, 5 or 7 of them.
        #[list]
        pub(crate) servers: Vec<Given<MachineName>>,
        /// The machines that run pods only.
        #[list]
        pub(crate) agents: Vec<Given<MachineName>>,
        /// The server that begins the cluster; the first one by default. A new root disk would begin a new cluster:
        /// before you replace the machine that began it, name another one here.
        pub(crate) initial: Option<Given<MachineName>>,
        /// The networks of pods, one of each family; 10.42.0.0/16 by default.
        #[each(pods)]
        pub(crate) pods: Vec<Given<Subnet>>,
        /// The networks of Services, one of each family; 10.43.0.0/16 by default.
        #[each(services)]
        pub(crate) services: Vec<Given<Subnet>>,
        /// The addresses of the cluster's DNS; the tenth of the network of Services by default.
        #[each(cluster_dns)]
        pub(crate) cluster_dns: Vec<Given<Ip>>,
        /// The DNS domain inside the cluster; `cluster.local` by default.
        pub(crate) cluster_domain: Option<Given<DomainName>>,
        /// How pods of different nodes reach each other; `vxlan` by default.
        pub(crate) flannel: Option<Given<FlannelBackend>>,
        /// How Secrets are encrypted in the datastore; they are not by default. It cannot be changed later.
        pub(crate) secrets_encryption: Option<Given<EncryptionProvider>>,
        /// Parts of K3s to leave out.
        #[each(disable)]
        pub(crate) disable: Vec<Given<Component>>,
        /// How the API server reaches kubelets and pods; `agent` by default.
        pub(crate) egress: Option<Given<EgressMode>>,
        /// A database that holds the cluster in place of etcd on the servers.
        pub(crate) datastore: Option<Datastore>,
        /// When snapshots of etcd are made and where they go; by default every twelve hours, and five are kept.
        pub(crate) snapshots: Option<Snapshots>,
        /// Whether the cluster is hardened by the CIS benchmark (docs.k3s.io, *CIS Hardening Guide*).
        pub(crate) cis: bool,
        /// Mirrors and registries of images.
        pub(crate) registries: Registries,
        /// Drop-ins of the kubelet's configuration on every node, by file name.
        #[each(kubelet)]
        pub(crate) kubelet: Named<kubelet::Dropin>,
        /// Manifests that K3s applies when it starts, by the names of their files, on the server that begins the cluster.
        #[each(auto_deploy)]
        pub(crate) auto_deploy: Named<Addon>,
        /// Kernel settings of every node.
        #[by_hand]
        pub(crate) tuning: Tuning,
        /// More keys of `config.yaml` for all nodes; agents get the keys that agents take. They do not replace derived
        /// keys.
        pub(crate) config: Config,
        /// More keys of `config.yaml` for servers.
        pub(crate) server_config: Config,
        /// More keys of `config.yaml` for agents.
        pub(crate) agent_config: Config,
        /// The source of the binary and its images; by default K3s's own releases, not pinned by a digest.
        pub(crate) install: Install,
        /// The machine that mirrors the downloads of the others, or a map with further files that it serves; none by
        /// default.
        #[by_hand]
        pub(crate) bootstrap: Option<Mirror>,
        /// The machines that take HTTP and HTTPS from outside; by default the agents, or the servers of a cluster
        /// without agents.
        #[list]
        pub(crate) ingress: Vec<Given<MachineName>>,
        /// Tokens and authorities of the user's own, and generations of those that are made from the root key.
        pub(crate) credentials: Credentials,
        /// The release that the cluster runs before this change: a step must not skip a minor version.
        pub(crate) upgraded_from: Option<Given<Version>>,
        /// The release on agents while servers are a step ahead; by default the servers' release. Pinned files are of
        /// one release: give the agents' files in `agent_install`.
        pub(crate) agent_version: Option<Given<Version>>,
        /// The files that agents are installed from while servers are a step ahead; by default the servers' files.
        pub(crate) agent_install: Option<Install>,
        /// When the operating systems' updates may restart machines; at 04:00, each server on a day of its own by
        /// default.
        pub(crate) updates: Updates,
    }

    /// A cluster of this name with a release of K3s, `v1.36.3+k3s1`.
    pub fn new(..);
    in "k3s::";
}

impl Cluster {
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

    /// The machine that mirrors the downloads of the others, so that they need no other source: its name, or a
    /// [`Mirror`] that serves more files.
    #[must_use]
    pub fn bootstrap(mut self, mirror: impl Into<Mirror>) -> Self {
        self.bootstrap = Some(mirror.into());
        self
    }

    /// The texts that the configurations of servers add to a list.
    pub(crate) fn added_on_servers(&self, key: Key) -> impl Iterator<Item = &str> {
        self.config.texts(key).iter().chain(self.server_config.texts(key)).map(String::as_str)
    }

    /// Whether K3s goes without a part.
    pub(crate) fn leaves_out(&self, part: Component) -> bool {
        self.disable.iter().any(|given| given.ok() == Some(&part))
            || self.added_on_servers(Key::Disable).any(|text| text == part.as_str())
    }

    /// The files that servers are installed from, and those for agents.
    pub(crate) fn installs(&self) -> (&Install, &Install) {
        (&self.install, self.agent_install.as_ref().unwrap_or(&self.install))
    }

    /// Every file that its machines may fetch.
    pub(crate) fn downloads(&self) -> impl Iterator<Item = &Download> {
        let all = [Some(&self.install), self.agent_install.as_ref()].into_iter().flatten();
        all.flat_map(Install::downloads).map(|(_, _, file)| file)
    }
}
