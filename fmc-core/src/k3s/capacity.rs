//! The memory, CPU and number of pods that the nodes of a cluster give to pods, and the pods that K3s itself runs there.
//!
//! A node gives what its kubelet says: its capacity without what the kubelet keeps (Kubernetes, *Reserve Compute Resources for System
//! Daemons*). Its capacity is what the guest's kernel sees, which is less than the machine's memory; [`kernel`] estimates that part.
//!
//! ```
//! use fmc_core::cloud::Cloud;
//! use fmc_core::disk::Disk;
//! use fmc_core::host::Host;
//! use fmc_core::image::Image;
//! use fmc_core::k3s;
//! use fmc_core::k3s::kubelet::Dropin;
//! use fmc_core::machine::{Interface, Machine};
//! use fmc_core::network::Network;
//! use fmc_core::unit::SizeExt;
//!
//! let node = Machine::new("node", Image::debian("12").path("/images/debian-12.qcow2"))
//!     .cpus(2)
//!     .memory(4.gib())
//!     .root_disk(20.gib())
//!     .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
//!     .interface(Interface::on("lab").address("10.17.3.10"));
//! let cluster = k3s::Cluster::new("single", "v1.36.2+k3s1")
//!     .servers(["node"])
//!     .kubelet(Dropin::new("50-reserve.conf").system_reserved([("memory", "1536Mi"), ("cpu", "250m")]));
//! let cloud = Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machine(node).cluster(cluster);
//! let checked = cloud.check()?;
//! let nodes = k3s::capacity::nodes(checked.cluster("single").unwrap(), &checked);
//! let given = nodes[0].allocatable;
//! assert_eq!((given.millicores, given.memory.to_string(), given.pods), (1750, "2382 MiB".to_owned(), 110));
//! # Ok::<(), fmc_core::finding::Report>(())
//! ```

use std::collections::BTreeSet;

use super::kubelet::{Reserve, reads_dropins};
use super::resolved::Cluster;
use super::{Component, Effect, Key, Label, Taint, Value};
use crate::checked::{Checked, Idx, Machine};
use crate::given::Leaf as _;
use crate::machine::Power;
use crate::name::Hostname;
use crate::path::AbsPath;
use crate::unit::Size;

/// The memory that K3s uses on a server, with etcd: 1606 MB (docs.k3s.io, *Resource Profiling*, the 95th percentile without pods).
const SERVER: Size = Size::bytes(1_606_000_000);

/// The memory that K3s uses on an agent: 275 MB (docs.k3s.io, *Resource Profiling*).
const AGENT: Size = Size::bytes(275_000_000);

/// The memory that the operating system uses beside K3s: systemd, the journal, sshd and the like. It is an estimate.
const SYSTEM: Size = Size::mib(128);

/// The memory that a kernel keeps at least.
const KERNEL: Size = Size::mib(96);
/// A kernel keeps this fraction of a machine's memory in addition: a fiftieth.
const KERNEL_SHARE: u64 = 50;

/// The folder that K3s makes volumes in unless it is told another one (docs.k3s.io, *Volumes and Storage*).
const LOCAL_STORAGE: AbsPath = AbsPath::literal("/var/lib/rancher/k3s/storage");

/// An amount of what a node gives and pods ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Amount {
    /// Thousandths of CPUs.
    pub millicores: u64,
    /// Memory.
    pub memory: Size,
    /// How many pods.
    pub pods: u64,
}

impl Amount {
    /// Nothing, the start of a sum.
    pub const NONE: Self = Self::new(0, Size::ZERO, 0);

    /// An amount of CPU in thousandths, of memory, and of pods.
    pub const fn new(millicores: u64, memory: Size, pods: u64) -> Self {
        Self { millicores, memory, pods }
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            millicores: self.millicores.saturating_add(other.millicores),
            memory: self.memory.saturating_add(other.memory),
            pods: self.pods.saturating_add(other.pods),
        }
    }

    /// So many of it.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self {
            millicores: self.millicores.saturating_mul(count),
            memory: Size::bytes(self.memory.as_bytes().saturating_mul(count)),
            pods: self.pods.saturating_mul(count),
        }
    }

    /// Whether it is within another one.
    pub fn fits(self, within: Self) -> bool {
        self.millicores <= within.millicores && self.memory <= within.memory && self.pods <= within.pods
    }
}

/// A node of a cluster, and what it gives to pods.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// Its name in the cluster.
    pub name: Hostname,
    /// Its machine, by index.
    pub machine: Idx<Machine>,
    /// Whether it is a server. Pods run on servers too, unless a taint keeps them away.
    pub is_server: bool,
    /// The resources that its kernel sees.
    pub capacity: Amount,
    /// The resources that its kubelet gives to pods.
    pub allocatable: Amount,
    /// The memory that K3s and the operating system use and that its kubelet does not keep for them: pods that use all that they are
    /// promised find it taken.
    pub unreserved: Size,
    /// The disk with the folders that are its volumes of the class `local-path`; `None` if the cluster goes without that class.
    pub local: Option<LocalDisk>,
    /// Its labels that the cloud says.
    pub labels: Vec<Label>,
    /// Its taints.
    pub taints: Vec<Taint>,
}

/// The disk of a node with the folders that K3s makes volumes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalDisk {
    /// Its size.
    pub size: Size,
    /// Whether it is the root disk, which a replacement of the machine makes again.
    pub is_root: bool,
}

impl Node {
    /// Whether a pod without tolerations can be placed there.
    pub fn takes_any(&self) -> bool {
        !self.taints.iter().any(is_firm)
    }

    /// Whether a pod of K3s's own can be placed there.
    pub fn takes_packaged(&self) -> bool {
        !self.taints.iter().any(|taint| is_firm(taint) && !is_tolerated_by_packaged(taint))
    }
}

/// Whether a taint keeps pods away that do not tolerate it.
fn is_firm(taint: &Taint) -> bool {
    matches!(taint.effect(), Effect::NoSchedule | Effect::NoExecute)
}

/// The tolerations of K3s's own pods (`manifests/` and `pkg/cloudprovider/servicelb.go` of K3s).
fn is_tolerated_by_packaged(taint: &Taint) -> bool {
    match taint.key() {
        "CriticalAddonsOnly" => true,
        "node-role.kubernetes.io/control-plane" | "node-role.kubernetes.io/master" => {
            taint.effect() == Effect::NoSchedule
        }
        _ => false,
    }
}

/// The memory that a guest's kernel keeps from what a machine has: 96 MiB and a fiftieth.
///
/// The description of each page of 4 KiB takes 64 bytes, a 64th. The rest is the kernel itself, its tables, and from some 3 GiB on 64 MiB
/// through which devices reach memory above 4 GiB. Debian 12's kernel (6.1, cloud) in QEMU's `q35` keeps 51 MiB of 1 GiB, 68 of 2, 168 of 4,
/// 238 of 8 and 378 of 16, so that this is a little more than it keeps. A kernel that keeps memory for crash dumps keeps that in addition.
pub fn kernel(memory: Size) -> Size {
    let share = (memory.as_bytes() / KERNEL_SHARE).next_multiple_of(1 << 20);
    KERNEL.saturating_add(Size::bytes(share))
}

/// Whether all machines that a cluster names are there. While some are wrong, a sum over its nodes says nothing.
pub fn is_whole(cluster: &Cluster) -> bool {
    let said = cluster.said();
    let named: BTreeSet<String> = said.servers.iter().chain(&said.agents).map(ToString::to_string).collect();
    let there: BTreeSet<Idx<Machine>> = cluster.servers.iter().chain(&cluster.agents).copied().collect();
    named.len() == there.len()
}

/// The nodes of a cluster, servers first, in the cluster's order. A machine that should be off is none.
pub fn nodes(cluster: &Cluster, cloud: &Checked) -> Vec<Node> {
    let servers = cluster.servers.iter().map(|at| (*at, true));
    let agents = cluster.agents.iter().map(|at| (*at, false));
    servers.chain(agents).filter_map(|(at, is_server)| node(cluster, cloud.at(at)?, at, is_server)).collect()
}

fn node(cluster: &Cluster, machine: &Machine, at: Idx<Machine>, is_server: bool) -> Option<Node> {
    if machine.power == Power::Stopped {
        return None;
    }
    let said = cluster.said();
    let own = if is_server { &said.server_config } else { &said.agent_config };
    let texts = |key| said.config.texts(key).iter().chain(own.texts(key)).map(String::as_str);
    let version = if is_server { cluster.version } else { cluster.agent_version };
    let dropins = said.kubelet.iter().filter(|_| reads_dropins(version));
    let reserve = Reserve::of(dropins, texts(Key::KubeletArg));
    let memory = machine.memory.saturating_sub(kernel(machine.memory));
    let capacity = Amount::new(u64::from(machine.cpus.get()) * 1000, memory, reserve.max_pods());
    let kept = reserve.memory(memory);
    let used = SYSTEM.saturating_add(if is_server { SERVER } else { AGENT });
    let folder = said
        .server_config
        .get(Key::DefaultLocalStoragePath)
        .or(said.config.get(Key::DefaultLocalStoragePath));
    let folder = match folder {
        Some(Value::Text(text)) => AbsPath::parse(text).ok(),
        _ => None,
    };
    let disk = machine.disk_at(&folder.unwrap_or(LOCAL_STORAGE));
    let root = machine.root.map_or(Size::ZERO, |root| root.size);
    Some(Node {
        local: (!said.leaves_out(Component::LocalStorage))
            .then(|| LocalDisk { size: disk.map_or(root, |disk| disk.size), is_root: disk.is_none() }),
        name: machine.hostname.clone(),
        machine: at,
        is_server,
        capacity,
        allocatable: Amount {
            millicores: capacity.millicores.saturating_sub(reserve.millicores()),
            memory: memory.saturating_sub(kept),
            ..capacity
        },
        unreserved: used.saturating_sub(kept),
        labels: together(&machine.labels, texts(Key::NodeLabel).filter_map(|text| Label::parse(text).ok())),
        taints: together(&machine.taints, texts(Key::NodeTaint).filter_map(|text| Taint::parse(text).ok())),
    })
}

fn together<T: Clone + PartialEq>(own: &[T], more: impl Iterator<Item = T>) -> Vec<T> {
    let mut all = own.to_vec();
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// Pods that K3s runs itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packaged {
    /// The name of their workload.
    pub name: &'static str,
    /// The requests of one of them.
    pub asks: Amount,
    /// Whether each node has one; otherwise there is one in the cluster.
    pub is_on_each_node: bool,
}

/// The pods that K3s runs itself in a cluster, as its manifests say (`manifests/` of K3s). Those of the load balancer of Services, of
/// Traefik and of local volumes ask for nothing.
pub fn packaged(cluster: &Cluster) -> Vec<Packaged> {
    let has = |part| !cluster.said().leaves_out(part);
    let one = |name, millicores, memory| Packaged {
        name,
        asks: Amount::new(millicores, memory, 1),
        is_on_each_node: false,
    };
    let all = [
        has(Component::Coredns).then(|| one("coredns", 100, Size::mib(70))),
        has(Component::MetricsServer).then(|| one("metrics-server", 100, Size::mib(70))),
        has(Component::LocalStorage).then(|| one("local-path-provisioner", 0, Size::ZERO)),
        has(Component::Traefik).then(|| one("traefik", 0, Size::ZERO)),
        (has(Component::Traefik) && has(Component::Servicelb))
            .then(|| Packaged { is_on_each_node: true, ..one("svclb-traefik", 0, Size::ZERO) }),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `MemTotal` in KiB by the machine's memory in MiB: Debian 12's cloud kernel 6.1 in QEMU 10's `q35` with two vCPUs.
    const MEASURED: [(u32, u64); 5] =
        [(1024, 996_376), (2048, 2_027_276), (4096, 4_022_036), (8192, 8_144_640), (16384, 16_389_852)];

    #[test]
    fn a_kernel_keeps_a_little_less_than_is_said() {
        for (memory, total) in MEASURED {
            let memory = Size::mib(memory);
            let kept = memory.saturating_sub(Size::bytes(total << 10));
            let said = kernel(memory);
            assert!(said >= kept, "{memory}: {kept} are kept, and {said} said");
            let more = said.saturating_sub(kept);
            assert!(more.as_bytes() * 100 <= memory.as_bytes() * 7, "{memory}: {more} too much is said");
        }
    }

    #[test]
    fn an_amount_fits_if_each_part_does() {
        let node = Amount::new(2000, Size::gib(4), 110);
        assert!(Amount::new(2000, Size::gib(4), 110).fits(node));
        for over in [
            Amount::new(2001, Size::ZERO, 1),
            Amount::new(0, Size::gib(5), 1),
            Amount::new(0, Size::ZERO, 111),
        ] {
            assert!(!over.fits(node), "{over:?}");
        }
        assert_eq!(
            Amount::new(1, Size::mib(1), 1).times(3).plus(Amount::NONE),
            Amount::new(3, Size::mib(3), 3)
        );
    }
}
