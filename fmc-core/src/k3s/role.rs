//! The roles of a cluster's machines, server and agent. Their parts are compiled from the resolved cluster.

mod agent;
mod cis;
mod config;
mod database;
mod facts;
mod files;
mod flannel;
mod flows;
mod install;
mod server;
mod settings;
mod span;
mod together;
mod unit;
mod updates;
mod wait;

use super::cluster::Install;
use super::resolved::Cluster;
use super::version::Version;
use crate::checked::{Idx, Machine};
use crate::guest::Guest;
use crate::image::Os;
use crate::name::RoleName;
use crate::role::Site;

use agent::Agent;
pub(crate) use database::Stored;
pub(crate) use facts::of_cluster;
use server::Server;
pub(crate) use together::together;

/// The kind of the servers' role.
pub const SERVER: RoleName = RoleName::literal("k3s-server");

/// The kind of the agents' role.
pub const AGENT: RoleName = RoleName::literal("k3s-agent");

/// The kind of the role of a machine that a cluster's database is on.
pub const DATASTORE: RoleName = RoleName::literal("k3s-datastore");

/// The operating systems that K3s is installed on.
const SYSTEMS: &[Os] = &[Os::FedoraCoreos, Os::Flatcar, Os::Rocky, Os::Almalinux, Os::Debian];

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
    /// The node of a site in the cluster of this name; `None` if there is no such cluster.
    fn of(site: &'a Site<'a>, cluster: &str) -> Option<Self> {
        let cloud = site.cloud();
        let cluster = cloud.cluster(cluster)?;
        let name = &site.machine().name;
        let at = cloud.find(name.as_str())?;
        Some(Self { site, cluster, at, order: cluster.servers.iter().position(|server| *server == at) })
    }

    /// The cluster as it was if this node was made in another place of the order in which servers start: first, or after any
    /// other server. Where the first server is the endpoint, that moves with it.
    fn other_orders(&self) -> Vec<Cluster> {
        let (servers, cloud) = (&self.cluster.servers, self.site.cloud());
        let others = || servers.iter().copied().filter(|other| *other != self.at);
        let follows_first = self.cluster.endpoint_follows_first(cloud);
        // The first server, and the one before this node.
        let mut orders: Vec<[Option<Idx<Machine>>; 2]> = Vec::new();
        if let Some(order) = self.order {
            if order > 0 {
                orders.push([Some(self.at), None]);
            }
            let now = order.checked_sub(1).and_then(|before| servers.get(before));
            for before in others().filter(|before| follows_first || Some(before) != now) {
                let firsts = others().filter(|first| follows_first || *first == before);
                orders.extend(firsts.map(|first| [Some(first), Some(before)]));
            }
        } else if follows_first {
            orders.extend(others().map(|first| [Some(first), None]));
        }
        let ordered = orders.into_iter().filter_map(|[first, before]| {
            let mut order: Vec<Idx<Machine>> = [first, before].into_iter().flatten().collect();
            order.dedup();
            if self.is_server() && first != Some(self.at) {
                order.push(self.at);
            }
            let rest: Vec<_> = servers.iter().copied().filter(|server| !order.contains(server)).collect();
            order.extend(rest);
            self.cluster.in_order(order, cloud)
        });
        ordered.collect()
    }

    /// The guests of a role of it, for each other order.
    fn equal_guests(&self, guest: impl Fn(&Node<'_>) -> Guest) -> Vec<Guest> {
        let orders = self.other_orders();
        let each = orders.iter().map(|cluster| {
            let order = self.order.and_then(|_| cluster.servers.iter().position(|server| *server == self.at));
            guest(&Node { cluster, order, ..*self })
        });
        each.collect()
    }

    fn is_server(&self) -> bool {
        self.order.is_some()
    }

    /// The release of K3s that it has.
    fn version(&self) -> Version {
        if self.is_server() { self.cluster.version } else { self.cluster.agent_version }
    }

    /// Whether it begins the cluster.
    fn is_initial(&self) -> bool {
        self.order == Some(0)
    }

    /// The name of its unit, as K3s's own installer names it.
    fn unit(&self) -> &'static str {
        if self.is_server() { "k3s" } else { "k3s-agent" }
    }

    /// The files that it is installed from.
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
