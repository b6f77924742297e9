//! The roles of a cluster's machines: server and agent. What each adds is compiled from the resolved cluster.

mod agent;
mod cis;
mod config;
mod files;
mod flannel;
mod flows;
mod install;
mod leaving;
mod server;
mod unit;
mod updates;
mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cluster::Install;
use super::resolved::Cluster;
use crate::checked::{Checked, Idx, Machine};
use crate::given::Given;
use crate::image::Os;
use crate::name::{MachineName, RoleName};
use crate::role::{Assigned, CustomRole, Site};

pub(crate) use agent::Agent;
pub(crate) use leaving::leaving;
pub(crate) use server::Server;

/// The kind of the servers' role.
pub const SERVER: RoleName = RoleName::literal("k3s-server");

/// The kind of the agents' role.
pub const AGENT: RoleName = RoleName::literal("k3s-agent");

/// The operating systems that K3s is installed on.
const SYSTEMS: &[Os] = &[Os::FedoraCoreos, Os::Flatcar, Os::Rocky, Os::Almalinux, Os::Debian];

/// The roles that the clusters of a cloud give to its machines.
pub(crate) fn assigned(cloud: &Checked) -> Vec<Assigned> {
    let mut all = Vec::new();
    // One that is named twice is a finding, and is what it is named first.
    let mut seen = BTreeSet::new();
    for cluster in cloud.clusters() {
        let instance: Arc<str> = cluster.name.as_str().into();
        let (servers, agents) = (places(&cluster.said.servers), places(&cluster.said.agents));
        let mut assign = |machine: Idx<Machine>,
                          list: &str,
                          places: &Places<'_>,
                          role: &dyn Fn() -> Arc<dyn CustomRole>| {
            let place = cloud.at(machine).and_then(|machine| places.get(&machine.name)).copied();
            let at = format!("clusters.{}.{list}[{}]", cluster.name, place.unwrap_or_default());
            let kind = if list == "servers" { SERVER } else { AGENT };
            all.push(Assigned { machine, kind, role: role(), at });
        };
        for &machine in cluster.servers.iter().filter(|machine| seen.insert(**machine)) {
            assign(machine, "servers", &servers, &|| Arc::new(Server(Arc::clone(&instance))));
        }
        for &machine in cluster.agents.iter().filter(|machine| seen.insert(**machine)) {
            assign(machine, "agents", &agents, &|| Arc::new(Agent(Arc::clone(&instance))));
        }
    }
    all
}

/// Where the user names each machine.
type Places<'a> = BTreeMap<&'a MachineName, usize>;

fn places(said: &[Given<MachineName>]) -> Places<'_> {
    // The first of two is the one that counts.
    said.iter().enumerate().rev().filter_map(|(index, given)| Some((given.ok()?, index))).collect()
}

/// A machine of a cluster.
#[derive(Clone, Copy)]
struct Node<'a> {
    site: &'a Site<'a>,
    cluster: &'a Cluster,
    /// The machine by index.
    at: Idx<Machine>,
    /// Its place in the order in which servers start; `None` for an agent.
    order: Option<usize>,
}

impl<'a> Node<'a> {
    /// The node that a site is in a cluster of this name; `None` where the cluster is not there.
    fn of(site: &'a Site<'a>, cluster: &str) -> Option<Self> {
        let cloud = site.cloud();
        let cluster = cloud.cluster(cluster)?;
        let name = &site.machine().name;
        let at = cloud.find(name.as_str())?;
        Some(Self { site, cluster, at, order: cluster.servers.iter().position(|server| *server == at) })
    }

    fn is_server(&self) -> bool {
        self.order.is_some()
    }

    /// Whether it begins the cluster.
    fn is_initial(&self) -> bool {
        self.order == Some(0)
    }

    /// The name of its unit, as K3s's own installer has it.
    fn unit(&self) -> &'static str {
        if self.is_server() { "k3s" } else { "k3s-agent" }
    }

    /// What it is installed from.
    fn install(&self) -> &'a Install {
        let (servers, agents) = self.cluster.said.installs();
        if self.is_server() { servers } else { agents }
    }

    /// Whether K3s there comes from a system extension.
    fn has_sysext(&self) -> bool {
        let image = &self.site.machine().image;
        image.os == Os::Flatcar && self.install().sysext.of(image.arch).is_some()
    }

    /// Where the binary is.
    fn binary(&self) -> &'static str {
        // Flatcar's /usr is read-only, /usr/local included; a system extension adds to it.
        if self.site.os() == Os::Flatcar && !self.has_sysext() {
            "/opt/bin/k3s"
        } else {
            "/usr/local/bin/k3s"
        }
    }

    /// Whether its system has SELinux in force.
    fn has_selinux(&self) -> bool {
        self.site.os() == Os::FedoraCoreos || self.site.os().is_enterprise_linux()
    }
}
