//! Whether the pods of a platform find room.

use std::fmt;

use fmc_core::k3s::capacity::{Amount, Node};
use fmc_core::unit::Size;

use super::scheduler::{Order, Placed, place, without_one_more};
use super::{Pods, bound};
use crate::quantity::{Cpu, CpuExt as _};

/// Whether the pods of a platform find room in its cluster.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PodFit {
    /// Workloads whose pods fit on no node, even on an empty one.
    pub too_large: Vec<Waiting>,
    /// The shortage of pods that would each fit and cannot all find room, whatever a scheduler does.
    pub short: Option<Short>,
    /// Workloads whose pods wait when a scheduler places all as it does by default, although all could find room otherwise.
    pub waiting: Vec<Waiting>,
    /// Deployments whose change would wait: a new pod starts before an old one ends, and no node has room for it.
    pub changes: Vec<Waiting>,
    /// The nodes have too little memory beside K3s and the operating system if pods use all that they ask for.
    pub crowded: Option<Crowded>,
}

impl PodFit {
    /// Whether every pod finds room and the memory that it is promised.
    pub fn is_right(&self) -> bool {
        *self == Self::default()
    }
}

/// Pods of a workload that find no room, or would find none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// The nodes that take its pods, beside room, by their index in the budget: their taints and labels let them in.
    pub nodes: Vec<usize>,
    /// The path of the workload below the platform, as `namespaces[0].deployments[1]`.
    pub path: String,
    /// Its namespace and name, as `shop/web`.
    pub name: String,
    /// The request of one of its pods.
    pub asks: Amount,
    /// The number of its pods that wait if pods come in the order in which the platform states them.
    pub pods: u64,
    /// The greatest number that waits, in this order or in one of the others that are tried.
    pub at_most: u64,
    /// Whether as many wait in each of these orders. Otherwise it depends on the order.
    pub is_certain: bool,
}

/// The shortage of pods that would each fit and cannot all find room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Short {
    /// All pods together ask for more than the nodes give.
    Sum {
        /// The resource that is short.
        resource: Resource,
        /// The requests of the pods.
        asked: u64,
        /// The sum that the nodes give.
        there: u64,
        /// The number of nodes that take them.
        nodes: usize,
        /// The workloads that ask for most, three at most: the namespace and name of each, the number of its pods, and what they ask for.
        most: Vec<(String, u64, u64)>,
    },
    /// The nodes take fewer pods of a workload than it has, even if they have nothing else.
    Workload {
        /// The path of the number of its pods, below the platform.
        path: String,
        /// Its namespace and name.
        name: String,
        /// The number of its pods.
        pods: u64,
        /// The number that the nodes take.
        room: u64,
        /// The number of nodes that take them.
        nodes: usize,
    },
    /// The nodes take fewer pods of this size than there are in several workloads.
    Large {
        /// The path of the workload with the smallest of them, below the platform.
        path: String,
        /// Its namespace and name.
        name: String,
        /// The resource of which each asks for much.
        resource: Resource,
        /// The least that each asks for.
        least: u64,
        /// The number of pods of this size.
        pods: u64,
        /// The number that the nodes take.
        room: u64,
        /// The number of nodes that take them.
        nodes: usize,
    },
}

/// The memory that pods ask for, and that the nodes have beside K3s and the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Crowded {
    /// The requests of the pods.
    pub asked: Size,
    /// The memory that is left for them.
    pub there: Size,
    /// The memory that K3s and the operating system use and that no kubelet keeps for them.
    pub unreserved: Size,
}

/// A resource that nodes give and pods ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// CPUs, in thousandths.
    Cpu,
    /// Memory, in bytes.
    Memory,
    /// Pods, by their number.
    Pods,
}

impl Resource {
    /// Its part of an amount.
    pub const fn of(self, amount: Amount) -> u64 {
        match self {
            Self::Cpu => amount.millicores,
            Self::Memory => amount.memory.as_bytes(),
            Self::Pods => amount.pods,
        }
    }

    /// So much of it, for people: `1500m`, `2 GiB`, `7`.
    pub fn told(self, amount: u64) -> String {
        match self {
            Self::Cpu => cpus(amount),
            Self::Memory => memory(Size::bytes(amount)),
            Self::Pods => amount.to_string(),
        }
    }
}

/// Its name, as `memory`.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::Pods => "pods",
        })
    }
}

/// Thousandths of CPUs as the file writes them.
pub(super) fn cpus(millicores: u64) -> String {
    u32::try_from(millicores)
        .map_or_else(|_| format!("{millicores}m"), |some| Cpu::to_string(&some.millicores()))
}

/// A size in MiB, rounded down, unless it is a whole number of a greater unit.
pub(super) fn memory(size: Size) -> String {
    if size.as_bytes().is_multiple_of(1 << 20) {
        size.to_string()
    } else {
        format!("{} MiB", size.as_mib_floor())
    }
}

/// Judges pods that are placed as the platform states them.
pub(super) fn of(nodes: &[Node], all: &[Pods], placed: &Placed) -> PodFit {
    let given = bound::given(nodes, all);
    let fits = |pods: &Pods| pods.is_packaged() || bound::too_small(pods, &given) == 0;
    let (own, too_large): (Vec<&Pods>, Vec<&Pods>) =
        all.iter().filter(|pods| !pods.is_packaged() && pods.count > 0).partition(|pods| fits(pods));
    let too_large =
        too_large.into_iter().map(|pods| waiting(pods, [bound::too_small(pods, &given); 2], true));
    let too_large = too_large.collect();
    let fitting: Vec<Pods> = all.iter().filter(|pods| fits(pods)).cloned().collect();
    let (end, stay): (Vec<&Pods>, Vec<&Pods>) = own.into_iter().partition(|pods| pods.ends);
    let short = bound::short(&given, &fitting, &stay);
    if short.is_some() {
        return PodFit { too_large, short, ..PodFit::default() };
    }
    let sure = end.is_empty() && bound::is_sure(&given, &fitting, &stay);
    let waiting = if sure { Vec::new() } else { by_order(nodes, all, placed, &given) };
    if !waiting.is_empty() {
        return PodFit { too_large, waiting, ..PodFit::default() };
    }
    let changes = without_one_more(nodes, &fitting, placed);
    let changes = changes.into_iter().map(|pods| self::waiting(pods, [1, 1], false)).collect();
    let on = match stay.is_empty() {
        true => nodes.iter().map(Node::takes_any).collect(),
        false => bound::used(stay.into_iter(), nodes.len()),
    };
    let crowded = crowded(nodes, &on, bound::asked_at_least(&on, &fitting));
    PodFit { too_large, changes, crowded, ..PodFit::default() }
}

fn waiting(pods: &Pods, [here, at_most]: [u64; 2], is_certain: bool) -> Waiting {
    Waiting {
        nodes: (0..pods.on.len()).filter(|at| pods.suits(*at)).collect(),
        path: pods.path.clone().unwrap_or_default(),
        name: pods.name.clone(),
        asks: pods.asks,
        pods: here,
        at_most,
        is_certain,
    }
}

/// The pods that wait, in this order of them or in another.
fn by_order(nodes: &[Node], all: &[Pods], placed: &Placed, given: &[Amount]) -> Vec<Waiting> {
    let others = Order::OTHERS.map(|order| place(nodes, all, order));
    let each =
        all.iter().enumerate().filter(|(_, pods)| !pods.is_packaged() && bound::too_small(pods, given) == 0);
    let found = each.filter_map(|(at, pods)| {
        let of = |placed: &Placed| placed.waiting.get(at).copied().unwrap_or(0);
        let here = of(placed);
        let most = others.iter().map(of).max().unwrap_or(0).max(here);
        (most > 0).then(|| waiting(pods, [here, most], others.iter().all(|other| of(other) == here)))
    });
    found.collect()
}

/// The shortage of memory if the pods use all that they ask for.
fn crowded(nodes: &[Node], on: &[bool], asked: Amount) -> Option<Crowded> {
    let takes = || nodes.iter().zip(on).filter(|(_, within)| **within).map(|(node, _)| node);
    let unreserved: Size = takes().map(|node| node.unreserved).sum();
    let there: Size = takes().map(|node| node.allocatable.memory.saturating_sub(node.unreserved)).sum();
    (asked.memory > there).then_some(Crowded { asked: asked.memory, there, unreserved })
}
