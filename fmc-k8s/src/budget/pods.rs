//! The pods of a platform and of K3s itself, in groups that are alike.

use fmc_core::checked::Checked;
use fmc_core::given::Given;
use fmc_core::k3s::capacity::{Amount, packaged};
use fmc_core::k3s::resolved::Cluster;
use fmc_core::unit::Size;

use crate::container::Container;
use crate::operated::ROOK;
use crate::platform::Platform;
use crate::quantity::Cpu;
use crate::workload::Workload;

/// Pods that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Pods {
    /// The path of their workload below the platform; `None` for K3s's own.
    pub(crate) path: Option<String>,
    /// The namespace and the name of the workload, as `shop/web`.
    pub(crate) name: String,
    /// The request of one of them.
    pub(crate) asks: Amount,
    /// Their number.
    pub(crate) count: u64,
    /// Whether each node has one that nothing else moves away.
    pub(crate) is_on_each_node: bool,
    /// Whether they are told to spread over the nodes.
    pub(crate) is_spread: bool,
    /// Whether a change of them needs room for one pod more: a deployment of one to three pods ends an old one only when a new one is ready
    /// (`maxSurge` and `maxUnavailable` of 25 %, rounded up and down).
    pub(crate) needs_one_more: bool,
}

/// From so many pods on, a deployment ends an old one before it has a new one.
const ENDS_FIRST: u16 = 4;

impl Pods {
    /// All pods of a cluster: K3s's own, and those of a platform in the order in which it states them.
    pub(super) fn of(platform: &Platform, cluster: &Cluster, cloud: &Checked) -> Vec<Self> {
        let own = packaged(cluster).into_iter().map(|one| Self {
            path: None,
            name: format!("kube-system/{}", one.name),
            asks: one.asks,
            count: 1,
            is_on_each_node: one.is_on_each_node,
            is_spread: false,
            needs_one_more: false,
        });
        let mut all: Vec<Self> = own.collect();
        let ceph = platform.ceph.iter().flat_map(|ceph| ceph.pods(cluster, cloud));
        all.extend(ceph.map(|(name, asks, count)| Self {
            path: Some("ceph".to_owned()),
            name: format!("{}/{name}", ROOK.namespace),
            asks,
            count,
            is_on_each_node: false,
            is_spread: true,
            needs_one_more: false,
        }));
        for (index, namespace) in platform.namespaces.iter().enumerate() {
            let namespace = namespace.with_services();
            let workloads = namespace.workloads();
            let sets: Vec<String> = namespace.sets().into_iter().map(|(path, _)| path).collect();
            all.extend(workloads.iter().map(|(path, workload)| Self {
                path: Some(format!("namespaces[{index}].{path}")),
                name: format!("{}/{}", namespace.name, workload.name),
                asks: asked(workload),
                count: workload.replicas.into(),
                is_on_each_node: false,
                is_spread: workload.replicas > 1,
                needs_one_more: (1..ENDS_FIRST).contains(&workload.replicas) && !sets.contains(path),
            }));
            let beside = namespace.operated().filter_map(|(path, one)| Some((path, one.beside.as_ref()?)));
            all.extend(beside.map(|(path, one)| Self {
                path: Some(format!("namespaces[{index}].{path}")),
                name: format!("{}/{}", namespace.name, one.name),
                asks: Amount::new(one.cpu.as_millicores().into(), one.memory, 1),
                count: 1,
                is_on_each_node: false,
                is_spread: false,
                needs_one_more: true,
            }));
        }
        all
    }

    /// The sum of their requests.
    pub(crate) fn sum(&self) -> Amount {
        self.asks.times(self.count)
    }

    /// Whether they are K3s's own.
    pub(crate) fn is_packaged(&self) -> bool {
        self.path.is_none()
    }
}

/// The request of a pod of a workload: the sum over its containers.
fn asked(workload: &Workload<'_>) -> Amount {
    let cpu = |one: &Container| one.cpu.ok().map_or(0, |cpu: &Cpu| u64::from(cpu.as_millicores()));
    let memory = |one: &Container| Given::ok(&one.memory).copied().unwrap_or(Size::ZERO);
    let each = workload.containers.iter().map(|one| Amount::new(cpu(one), memory(one), 0));
    each.fold(Amount::new(0, Size::ZERO, 1), Amount::plus)
}
