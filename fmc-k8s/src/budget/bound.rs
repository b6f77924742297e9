//! Bounds that hold for every scheduler: pods that cannot all find room, and pods that all find room in whichever order they come.

use fmc_core::k3s::capacity::{Amount, Node};

use super::Pods;
use super::fit::{Resource, Short};

/// The amounts in which pods can be too many, in the order in which they are told.
const EACH: [Resource; 3] = [Resource::Memory, Resource::Cpu, Resource::Pods];

/// The room of a node for pods of a platform, beside K3s's own that are on each node.
pub(super) fn given(nodes: &[Node], all: &[Pods]) -> Vec<Amount> {
    let on_each =
        all.iter().filter(|pods| pods.is_on_each_node).map(|pods| pods.asks).fold(Amount::NONE, Amount::plus);
    let takes = nodes.iter().filter(|node| node.takes_any());
    takes
        .map(|node| without(node.allocatable, if node.takes_packaged() { on_each } else { Amount::NONE }))
        .collect()
}

fn without(from: Amount, other: Amount) -> Amount {
    Amount::new(
        from.millicores.saturating_sub(other.millicores),
        from.memory.saturating_sub(other.memory),
        from.pods.saturating_sub(other.pods),
    )
}

/// The sum of what must find room on the nodes that take a platform's pods: these, and K3s's own where they have nowhere else to go.
pub(super) fn asked_at_least(nodes: &[Node], all: &[Pods]) -> Amount {
    let elsewhere = nodes.iter().any(|node| node.takes_packaged() && !node.takes_any());
    sum(all.iter().filter(|pods| !(elsewhere && pods.is_packaged())))
}

/// The same with K3s's own pods that may be elsewhere.
pub(super) fn asked_at_most(all: &[Pods]) -> Amount {
    sum(all.iter())
}

/// The sum without the pods that are on each node, which is missing from what is given.
fn sum<'a>(all: impl Iterator<Item = &'a Pods>) -> Amount {
    all.filter(|pods| !pods.is_on_each_node).map(Pods::sum).fold(Amount::NONE, Amount::plus)
}

/// Whether a pod fits on a node that has nothing else.
pub(super) fn fits_alone(asks: Amount, given: &[Amount]) -> bool {
    given.iter().any(|node| asks.fits(*node))
}

/// The shortage of pods that would each fit and cannot all find room, if it is certain for every scheduler.
pub(super) fn short(given: &[Amount], asked: Amount, own: &[&Pods]) -> Option<Short> {
    let there = given.iter().copied().fold(Amount::NONE, Amount::plus);
    let sum = EACH.into_iter().find(|one| one.of(asked) > one.of(there));
    if let Some(resource) = sum {
        return Some(Short::Sum { resource, asked: resource.of(asked), there: resource.of(there) });
    }
    let alone = own.iter().find_map(|pods| {
        let room = given.iter().map(|node| whole(pods.asks, *node)).sum::<u64>();
        (room < pods.count).then(|| Short::Workload {
            path: pods.path.clone().unwrap_or_default(),
            name: pods.name.clone(),
            pods: pods.count,
            room,
        })
    });
    alone.or_else(|| [Resource::Memory, Resource::Cpu].into_iter().find_map(|one| large(given, own, one)))
}

/// The number of equal pods that fit on an empty node.
fn whole(asks: Amount, node: Amount) -> u64 {
    let times = |asks: u64, there: u64| there.checked_div(asks).unwrap_or(u64::MAX);
    EACH.into_iter().map(|one| times(one.of(asks), one.of(node))).min().unwrap_or(0)
}

/// Pods that each ask for so much that the nodes take fewer of them than there are: a node of 4 GiB takes one of 3 GiB, whatever else is
/// small.
fn large(given: &[Amount], own: &[&Pods], resource: Resource) -> Option<Short> {
    let mut own = own.to_vec();
    own.sort_by_key(|pods| std::cmp::Reverse(resource.of(pods.asks)));
    let mut count = 0_u64;
    for pods in own {
        count = count.saturating_add(pods.count);
        let least = resource.of(pods.asks);
        let times = |node: &Amount| resource.of(*node).checked_div(least).unwrap_or(u64::MAX).min(node.pods);
        let room = given.iter().map(times).fold(0, u64::saturating_add);
        if room < count {
            let (path, name) = (pods.path.clone().unwrap_or_default(), pods.name.clone());
            return Some(Short::Large { path, name, resource, least, pods: count, room });
        }
    }
    None
}

/// Whether all pods find room in whichever order they come and whichever nodes a scheduler takes.
///
/// A pod waits only if each node has too little left of one of three amounts. To take so much of all nodes, the others would need more
/// than there is of the three together.
pub(super) fn is_sure(given: &[Amount], asked: Amount, own: &[&Pods]) -> bool {
    let largest = |one: Resource| own.iter().map(|pods| one.of(pods.asks)).max().unwrap_or(0);
    let each = EACH.map(|one| (one, largest(one), one.of(asked)));
    let taken = given.iter().map(|node| {
        let shares = each.iter().map(|(one, largest, asked)| {
            let spare = one.of(*node).saturating_sub(*largest);
            if *asked == 0 { f64::INFINITY } else { spare as f64 / *asked as f64 }
        });
        shares.fold(f64::INFINITY, f64::min)
    });
    taken.sum::<f64>() > 3.0
}

#[cfg(test)]
mod tests;
