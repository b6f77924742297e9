//! Bounds that hold for every scheduler: pods that cannot all find room, and pods that all find room in whichever order they come.

use std::collections::BTreeSet;

use fmc_core::k3s::capacity::{Amount, Node};

use super::Pods;
use super::fit::{Resource, Short};

/// The amounts in which pods can be too many, in the order in which they are told.
const EACH: [Resource; 3] = [Resource::Memory, Resource::Cpu, Resource::Pods];

/// The room of each node, by index, beside K3s's own pods that are on each node.
pub(super) fn given(nodes: &[Node], all: &[Pods]) -> Vec<Amount> {
    let rooms = nodes.iter().map(|node| node.allocatable).collect();
    beside(rooms, all.iter().filter(|pods| pods.is_packaged()))
}

/// The room of each node beside pods that are on each node.
fn beside<'a>(mut rooms: Vec<Amount>, all: impl Iterator<Item = &'a Pods>) -> Vec<Amount> {
    for pods in all.filter(|pods| pods.is_on_each_node) {
        for (_, room) in rooms.iter_mut().enumerate().filter(|(at, _)| pods.suits(*at)) {
            *room = without(*room, pods.asks);
        }
    }
    rooms
}

fn without(from: Amount, other: Amount) -> Amount {
    Amount::new(
        from.millicores.saturating_sub(other.millicores),
        from.memory.saturating_sub(other.memory),
        from.pods.saturating_sub(other.pods),
    )
}

/// The nodes that take some of a platform's pods that stay, by index.
pub(super) fn used<'a>(own: impl Iterator<Item = &'a Pods>, count: usize) -> Vec<bool> {
    let mut used = vec![false; count];
    for pods in own {
        used.iter_mut().zip(pods.on.iter()).for_each(|(used, takes)| *used |= takes);
    }
    used
}

/// The sum of what must find room on some nodes, since it can be on no other.
pub(super) fn asked_at_least(on: &[bool], all: &[Pods]) -> Amount {
    let is_within = |pods: &Pods| {
        let mut takes = pods.on.iter().zip(on).filter(|(takes, _)| **takes).peekable();
        takes.peek().is_some() && takes.all(|(_, within)| *within)
    };
    sum(all, |pods| if is_within(pods) { pods.count } else { 0 }, on)
}

/// The sum of what may be on some nodes.
fn asked_at_most(on: &[bool], all: &[Pods]) -> Amount {
    let may_be = |pods: &Pods| pods.on.iter().zip(on).any(|(takes, within)| *within && *takes);
    sum(all, |pods| if may_be(pods) { pods.count } else { 0 }, on)
}

/// A sum without K3s's pods that are on each node, which is missing from what is given, and without those that end.
fn sum(all: &[Pods], count: impl Fn(&Pods) -> u64, on: &[bool]) -> Amount {
    let all = all.iter().filter(|pods| !(pods.ends || (pods.is_packaged() && pods.is_on_each_node)));
    let each = all.map(|pods| {
        let there = || pods.on.iter().zip(on).filter(|(takes, within)| **takes && **within).count() as u64;
        pods.asks.times(if pods.is_on_each_node { there() } else { count(pods) })
    });
    each.fold(Amount::NONE, Amount::plus)
}

/// The number of nodes that keep pods from being placed that would have them to themselves.
///
/// Pods on each node need all of their nodes, and others one of them.
pub(super) fn too_small(pods: &Pods, given: &[Amount]) -> u64 {
    let fits = |at: usize| given.get(at).is_some_and(|room| pods.asks.fits(*room));
    let takes = || (0..given.len()).filter(|at| pods.suits(*at));
    match pods.is_on_each_node {
        true => takes().filter(|at| !fits(*at)).count() as u64,
        false if takes().any(fits) => 0,
        false => pods.count,
    }
}

/// The shortage of pods that would each fit and cannot all find room, if it is certain for every scheduler.
pub(super) fn short(given: &[Amount], all: &[Pods], own: &[&Pods]) -> Option<Short> {
    if own.is_empty() {
        return None;
    }
    let union = used(own.iter().copied(), given.len());
    let masks: BTreeSet<&[bool]> = own.iter().map(|pods| &*pods.on).filter(|on| **on != *union).collect();
    let sum = std::iter::once(&*union).chain(masks).find_map(|on| {
        let asked = asked_at_least(on, all);
        let rooms = given.iter().zip(on).filter(|(_, within)| **within);
        let there = rooms.clone().map(|(room, _)| *room).fold(Amount::NONE, Amount::plus);
        let resource = EACH.into_iter().find(|one| one.of(asked) > one.of(there))?;
        let nodes = rooms.count();
        let most = most(own, resource);
        Some(Short::Sum { resource, asked: resource.of(asked), there: resource.of(there), nodes, most })
    });
    if sum.is_some() {
        return sum;
    }
    let given = beside(given.to_vec(), own.iter().copied());
    let own: Vec<&Pods> = own.iter().copied().filter(|pods| !pods.is_on_each_node).collect();
    let alone = own.iter().find_map(|pods| {
        let rooms = given.iter().enumerate().filter(|(at, _)| pods.suits(*at));
        // A port of a node is one pod's.
        let most = if pods.host_ports.is_empty() { u64::MAX } else { 1 };
        let nodes = rooms.clone().count();
        let room = rooms.map(|(_, node)| whole(pods.asks, *node).min(most)).fold(0, u64::saturating_add);
        (room < pods.count).then(|| Short::Workload {
            path: number_of(pods),
            name: pods.name.clone(),
            pods: pods.count,
            room,
            nodes,
        })
    });
    alone.or_else(|| [Resource::Memory, Resource::Cpu].into_iter().find_map(|one| large(&given, &own, one)))
}

/// The path of the number of pods.
fn number_of(pods: &Pods) -> String {
    let path = pods.path.clone().unwrap_or_default();
    if pods.count_at.is_empty() { path } else { format!("{path}.{}", pods.count_at) }
}

/// The workloads that ask for most of a resource.
fn most(own: &[&Pods], resource: Resource) -> Vec<(String, u64, u64)> {
    let mut all: Vec<(String, u64, u64)> = own
        .iter()
        .map(|pods| (pods.name.clone(), pods.count, resource.of(pods.asks).saturating_mul(pods.count)))
        .collect();
    all.sort_by(|one, other| other.2.cmp(&one.2).then_with(|| one.0.cmp(&other.0)));
    all.truncate(3);
    all
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
    let mut on = vec![false; given.len()];
    for pods in own {
        count = count.saturating_add(pods.count);
        on.iter_mut().zip(pods.on.iter()).for_each(|(used, takes)| *used |= takes);
        let least = resource.of(pods.asks);
        let times = |node: &Amount| resource.of(*node).checked_div(least).unwrap_or(u64::MAX).min(node.pods);
        let rooms = given.iter().zip(&on).filter(|(_, takes)| **takes);
        let nodes = rooms.clone().count();
        let room = rooms.map(|(node, _)| times(node)).fold(0, u64::saturating_add);
        if room < count {
            let (path, name) = (pods.path.clone().unwrap_or_default(), pods.name.clone());
            return Some(Short::Large { path, name, resource, least, pods: count, room, nodes });
        }
    }
    None
}

/// Whether all pods find room in whichever order they come and whichever nodes a scheduler takes.
///
/// A pod waits only if each of its nodes has too little left of one of three amounts. To take so much of all of them, the others would need
/// more than there is of the three together. A pod on each node, and one that takes a port of its node, has no other node to go to.
pub(super) fn is_sure(given: &[Amount], all: &[Pods], own: &[&Pods]) -> bool {
    if own.iter().any(|pods| pods.is_on_each_node || !pods.host_ports.is_empty()) {
        return false;
    }
    let masks: BTreeSet<&[bool]> = own.iter().map(|pods| &*pods.on).collect();
    masks.into_iter().all(|on| {
        let alike: Vec<&Pods> = own.iter().copied().filter(|pods| *pods.on == *on).collect();
        let asked = asked_at_most(on, all);
        let largest = |one: Resource| alike.iter().map(|pods| one.of(pods.asks)).max().unwrap_or(0);
        let each = EACH.map(|one| (one, largest(one), one.of(asked)));
        let taken = given.iter().zip(on).filter(|(_, takes)| **takes).map(|(node, _)| {
            let shares = each.iter().map(|(one, largest, asked)| {
                let spare = one.of(*node).saturating_sub(*largest);
                if *asked == 0 { f64::INFINITY } else { spare as f64 / *asked as f64 }
            });
            shares.fold(f64::INFINITY, f64::min)
        });
        taken.sum::<f64>() > 3.0
    })
}

#[cfg(test)]
mod tests;
