//! The budget of a cluster: what its nodes give, what the pods of a platform ask for, and whether they find room.
//!
//! ```
//! use fmc_core::cloud::Cloud;
//! use fmc_core::disk::Disk;
//! use fmc_core::host::Host;
//! use fmc_core::image::Image;
//! use fmc_core::k3s;
//! use fmc_core::machine::{Interface, Machine};
//! use fmc_core::network::Network;
//! use fmc_core::unit::SizeExt as _;
//! use fmc_k8s::budget::ClusterBudget;
//! use fmc_k8s::container::Container;
//! use fmc_k8s::platform::{Namespace, Platform};
//! use fmc_k8s::quantity::CpuExt as _;
//! use fmc_k8s::workload::Deployment;
//!
//! let node = Machine::new("node", Image::debian("12").path("/images/debian-12.qcow2"))
//!     .cpus(2)
//!     .memory(4.gib())
//!     .root_disk(20.gib())
//!     .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
//!     .interface(Interface::on("lab").address("10.17.3.10"));
//! let web = Container::new("web", "registry.example.org/shop/web:1.4.2", 100.millicores(), 128.mib());
//! let platform = Platform::on("single").namespace(Namespace::new("shop").deployment(Deployment::new("web", web).replicas(3)));
//! let checked = Cloud::new("first")
//!     .host(Host::local())
//!     .network(Network::nat("lab", "10.17.3.0/24"))
//!     .machine(node)
//!     .cluster(k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]))
//!     .role(platform.clone())
//!     .check()?;
//! let budget = ClusterBudget::of(&platform, &checked).unwrap();
//! // K3s's own pods ask for 200m and 140 MiB, and are five.
//! let asked = budget.nodes[0].asked;
//! assert_eq!((asked.millicores, asked.memory.to_string(), asked.pods), (500, "524 MiB".to_owned(), 8));
//! assert!(budget.fit.is_right());
//! # Ok::<(), fmc_core::finding::Report>(())
//! ```

mod bound;
mod fit;
mod pods;
mod scheduler;
mod table;
mod template;

use fmc_core::checked::Checked;
use fmc_core::k3s::capacity::{self, Amount, Node};

use crate::platform::Platform;

pub use fit::{Crowded, PodFit, Resource, Short, Waiting};
pub(crate) use pods::Pods;
pub(crate) use template::tcp_ports_of_node;

/// The budget of a platform's cluster.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClusterBudget {
    /// The nodes, servers first, with the pods that a scheduler may place on each.
    pub nodes: Vec<NodeBudget>,
    /// Whether all pods find room.
    pub fit: PodFit,
}

/// A node and what is asked of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeBudget {
    /// The node.
    pub node: Node,
    /// The requests of the pods that a scheduler may place there, K3s's own among them, without those that end, as those of jobs. Which node a pod gets is not certain: the scheduler
    /// chooses among nodes that suit it equally, and pods come in any order.
    pub asked: Amount,
}

impl ClusterBudget {
    /// The budget of a platform in a cloud; `None` if the cloud does not have its cluster.
    pub fn of(platform: &Platform, cloud: &Checked) -> Option<Self> {
        let cluster = cloud.cluster(&platform.cluster.to_string())?;
        let nodes = capacity::nodes(cluster, cloud);
        let all = Pods::of(platform, cluster, &nodes, cloud);
        let placed = scheduler::place(&nodes, &all, scheduler::Order::AsStated);
        let fit = fit::of(&nodes, &all, &placed);
        let nodes = nodes.into_iter().zip(placed.asked);
        Some(Self { nodes: nodes.map(|(node, asked)| NodeBudget { node, asked }).collect(), fit })
    }
}
