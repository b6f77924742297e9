//! Places pods as the scheduler of Kubernetes does by default.
//!
//! The rules are those of its default plugins (`pkg/scheduler/framework/plugins` of Kubernetes 1.36) for pods such as a platform has: they
//! have requests, and those in the form of the API may have tolerations, node selectors, required node affinities and ports of their nodes too.
//! Not in the model are: that the scheduler chooses by chance among nodes of equal score, where this takes the first; that it prefers nodes
//! that have an image already; affinities that a pod prefers or has to other pods; spreading that must be; and priorities.

use std::collections::BTreeSet;

use fmc_core::k3s::Effect;
use fmc_core::k3s::capacity::{Amount, Node};
use fmc_core::unit::Size;

use super::Pods;
use super::template::HostPort;

/// The greatest score of a plugin (`MaxNodeScore`).
const MOST: i64 = 100;

/// The request that stands for that of a pod without one when nodes are scored (`DefaultMilliCPURequest`, `DefaultMemoryRequest`).
const LEAST_CPU: u64 = 100;
const LEAST_MEMORY: u64 = 200 * 1024 * 1024;

/// The label that divides nodes into zones.
const ZONE: &str = "topology.kubernetes.io/zone";

/// The order in which pods come. K3s's own come first in each: they have a higher priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Workload by workload, as the platform states them.
    AsStated,
    /// The same from the last to the first.
    Backwards,
    /// One pod of each workload, then the second of each, as several controllers make them at once.
    InTurns,
    /// The workloads that ask for the least memory first.
    SmallFirst,
}

impl Order {
    pub(super) const OTHERS: [Self; 3] = [Self::Backwards, Self::InTurns, Self::SmallFirst];
}

/// Where pods are placed.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// The requests on each node.
    pub(super) asked: Vec<Amount>,
    /// The ports of each node that pods took.
    ports: Vec<BTreeSet<HostPort>>,
    /// The number of pods of each group that find no node.
    pub(super) waiting: Vec<u64>,
}

/// Places all pods.
pub(super) fn place(nodes: &[Node], all: &[Pods], order: Order) -> Placed {
    let mut rooms: Vec<Room<'_>> = nodes.iter().enumerate().map(|(at, node)| Room::new(at, node)).collect();
    let mut waiting = vec![0; all.len()];
    for (at, pods) in all.iter().enumerate().filter(|(_, pods)| pods.is_packaged()) {
        if pods.is_on_each_node {
            for room in rooms.iter_mut().filter(|room| pods.suits(room.at)) {
                room.take(pods);
            }
        } else {
            wait(&mut waiting, at, Group::new(pods).place(pods.count, &mut rooms));
        }
    }
    let mut own: Vec<(usize, &Pods)> =
        all.iter().enumerate().filter(|(_, pods)| !pods.is_packaged() && !pods.ends).collect();
    match order {
        Order::Backwards => own.reverse(),
        Order::SmallFirst => own.sort_by_key(|(at, pods)| (pods.asks.memory, pods.asks.millicores, *at)),
        Order::AsStated | Order::InTurns => {}
    }
    if order == Order::InTurns {
        in_turns(&own, &mut rooms, &mut waiting);
    } else {
        for (at, pods) in own {
            wait(&mut waiting, at, Group::new(pods).place(pods.count, &mut rooms));
        }
    }
    // Pods that end come to what the others leave, and each workload of them by itself.
    for (at, pods) in all.iter().enumerate().filter(|(_, pods)| pods.ends) {
        wait(&mut waiting, at, Group::new(pods).place(pods.count, &mut rooms.clone()));
    }
    let (asked, ports) = rooms.into_iter().map(|room| (room.asked, room.ports)).unzip();
    Placed { asked, ports, waiting }
}

/// Says how many pods of a group wait.
fn wait(waiting: &mut [u64], at: usize, count: u64) {
    if let Some(waits) = waiting.get_mut(at) {
        *waits = count;
    }
}

/// The groups for which no node has room for one pod more, among those that need it for a change.
pub(super) fn without_one_more<'a>(nodes: &[Node], all: &'a [Pods], placed: &Placed) -> Vec<&'a Pods> {
    let has_room = |pods: &Pods| {
        let mut rooms = nodes.iter().zip(&placed.asked).zip(&placed.ports).enumerate();
        rooms.any(|(at, ((node, asked), ports))| {
            let is_free = ports.is_disjoint(&pods.host_ports);
            pods.suits(at) && is_free && fits(*asked, pods.asks, node.allocatable)
        })
    };
    all.iter().filter(|pods| pods.needs_one_more && !has_room(pods)).collect()
}

fn in_turns(own: &[(usize, &Pods)], rooms: &mut [Room<'_>], waiting: &mut [u64]) {
    let mut groups: Vec<(usize, u64, Group<'_>)> =
        own.iter().map(|(at, pods)| (*at, pods.count, Group::new(pods))).collect();
    while !groups.is_empty() {
        groups.retain_mut(|(at, left, group)| {
            if *left == 0 {
                return false;
            }
            if group.pods.is_on_each_node {
                wait(waiting, *at, group.place(*left, rooms));
                return false;
            }
            if group.place(1, rooms) > 0 {
                // Room does not come back, so that the others wait too.
                wait(waiting, *at, *left);
                return false;
            }
            *left -= 1;
            true
        });
    }
}

/// A node while pods are placed.
#[derive(Clone)]
struct Room<'a> {
    /// Its index.
    at: usize,
    node: &'a Node,
    asked: Amount,
    /// Its ports that pods took.
    ports: BTreeSet<HostPort>,
    /// The requests that count when nodes are scored, also of pods without one.
    counted: Amount,
    /// Its taints that a scheduler avoids if it can.
    avoided: i64,
    has_zone: bool,
    zone: Option<&'a str>,
}

impl<'a> Room<'a> {
    fn new(at: usize, node: &'a Node) -> Self {
        let avoided = node.taints.iter().filter(|taint| taint.effect() == Effect::PreferNoSchedule).count();
        let zone = node.labels.iter().find(|label| label.key() == ZONE).map(|label| label.value());
        Self {
            at,
            node,
            asked: Amount::NONE,
            ports: BTreeSet::new(),
            counted: Amount::NONE,
            avoided: i64::try_from(avoided).unwrap_or(i64::MAX),
            has_zone: zone.is_some(),
            zone,
        }
    }

    fn take(&mut self, pods: &Pods) {
        self.asked = self.asked.plus(pods.asks);
        self.counted = self.counted.plus(counted(pods.asks));
        self.ports.extend(pods.host_ports.iter().cloned());
    }

    /// Whether a pod finds room there (`NodeResourcesFit`, `NodePorts`), on a node that takes it.
    fn takes(&self, pods: &Pods) -> bool {
        let is_free = self.ports.is_disjoint(&pods.host_ports);
        pods.suits(self.at) && is_free && fits(self.asked, pods.asks, self.node.allocatable)
    }

    /// The scores that do not look at other nodes.
    fn score(&self, asks: Amount) -> i64 {
        let there = self.node.allocatable;
        let counted = self.counted.plus(counted(asks));
        let least = (least(counted.millicores, there.millicores)
            + least(counted.memory.as_bytes(), there.memory.as_bytes()))
            / 2;
        // A pod that asks for nothing balances nothing.
        if asks.millicores == 0 && asks.memory == Size::ZERO {
            return least;
        }
        let before = balance(self.asked, there);
        let after = balance(self.asked.plus(asks), there);
        least + MOST / 2 + (MOST / 2 + after - before) / 2
    }
}

/// Whether a pod fits beside others. What it does not ask for does not keep it away (`fitsRequest`).
fn fits(asked: Amount, asks: Amount, there: Amount) -> bool {
    let within = |asked: u64, asks: u64, there: u64| asks == 0 || asked.saturating_add(asks) <= there;
    asked.pods < there.pods
        && within(asked.millicores, asks.millicores, there.millicores)
        && within(asked.memory.as_bytes(), asks.memory.as_bytes(), there.memory.as_bytes())
}

fn counted(asks: Amount) -> Amount {
    let or = |given: u64, least: u64| if given == 0 { least } else { given };
    let memory = Size::bytes(or(asks.memory.as_bytes(), LEAST_MEMORY));
    Amount::new(or(asks.millicores, LEAST_CPU), memory, 1)
}

/// The share that is left, from 0 to 100 (`leastRequestedScore`).
fn least(asked: u64, there: u64) -> i64 {
    if there == 0 || asked > there {
        return 0;
    }
    let share = u128::from(there - asked) * 100 / u128::from(there);
    i64::try_from(share).unwrap_or(MOST)
}

/// The balance of the requests of CPUs and memory, from 50 to 100 (`balancedResourceScore`).
fn balance(asked: Amount, there: Amount) -> i64 {
    if there.millicores == 0 || there.memory == Size::ZERO {
        return MOST;
    }
    let share = |asked: u64, there: u64| (asked as f64 / there as f64).min(1.0);
    let cpu = share(asked.millicores, there.millicores);
    let memory = share(asked.memory.as_bytes(), there.memory.as_bytes());
    ((1.0 - ((cpu - memory) / 2.0).abs()) * 100.0) as i64
}

/// Pods that are alike while they are placed.
struct Group<'a> {
    pods: &'a Pods,
    /// Their number on each node.
    there: Vec<u32>,
    /// The scores of each node that its own pods alone decide, as of what was asked of it then.
    scores: Vec<Option<(Amount, i64)>>,
}

impl<'a> Group<'a> {
    const fn new(pods: &'a Pods) -> Self {
        Self { pods, there: Vec::new(), scores: Vec::new() }
    }

    /// Places so many of them. The number of those that find no node.
    fn place(&mut self, count: u64, rooms: &mut [Room<'_>]) -> u64 {
        if self.pods.is_on_each_node {
            let mut waiting = 0;
            for room in rooms.iter_mut().filter(|room| self.pods.suits(room.at)) {
                if room.takes(self.pods) {
                    room.take(self.pods);
                } else {
                    waiting += 1;
                }
            }
            return waiting;
        }
        self.there.resize(rooms.len(), 0);
        self.scores.resize(rooms.len(), None);
        for placed in 0..count {
            let Some(best) = self.best(rooms) else { return count - placed };
            if let Some((room, there)) = rooms.get_mut(best).zip(self.there.get_mut(best)) {
                room.take(self.pods);
                *there += 1;
            }
        }
        0
    }

    /// The node with the greatest score: the first of several.
    fn best(&mut self, rooms: &[Room<'_>]) -> Option<usize> {
        let mut fitting = Vec::with_capacity(rooms.len());
        for (at, room) in rooms.iter().enumerate().filter(|(_, room)| room.takes(self.pods)) {
            let known = self.scores.get_mut(at)?;
            let score = match known {
                Some((asked, score)) if *asked == room.asked => *score,
                _ => {
                    let score = room.score(self.pods.asks);
                    *known = Some((room.asked, score));
                    score
                }
            };
            fitting.push((at, room, score));
        }
        let spread = self.spread(&fitting);
        let avoided_most = fitting.iter().map(|(_, room, _)| room.avoided).max().unwrap_or(0);
        let mut best: Option<(usize, i64)> = None;
        for ((at, room, score), spread) in fitting.iter().zip(spread) {
            let tainted = if avoided_most == 0 { MOST } else { MOST - MOST * room.avoided / avoided_most };
            let score = score + 2 * spread + 3 * tainted;
            if best.is_none_or(|(_, most)| score > most) {
                best = Some((*at, score));
            }
        }
        best.map(|(at, _)| at)
    }

    /// The scores of `PodTopologySpread`: over nodes if they are told to spread, and otherwise, by default, over nodes and zones.
    fn spread(&self, fitting: &[(usize, &Room<'_>, i64)]) -> Vec<i64> {
        let there = |at: usize| f64::from(self.there.get(at).copied().unwrap_or(0));
        let weight = ((fitting.len() + 2) as f64).ln();
        let (skew, has_zones) = if self.pods.is_spread {
            (0.0, false)
        } else {
            (2.0, fitting.iter().any(|(_, room, _)| room.has_zone))
        };
        let raw: Vec<i64> = if has_zones {
            // Each zone once; nodes without one are of a zone without a name.
            let mut zones: Vec<(Option<&str>, f64)> = Vec::new();
            for (at, room, _) in fitting {
                match zones.iter_mut().find(|(zone, _)| *zone == room.zone) {
                    Some((_, count)) => *count += there(*at),
                    None => zones.push((room.zone, there(*at))),
                }
            }
            let of_zones = ((zones.len() + 2) as f64).ln();
            let each = fitting.iter().map(|(at, room, _)| {
                let count =
                    zones.iter().find(|(zone, _)| *zone == room.zone).map_or(0.0, |(_, count)| *count);
                let zone = if room.has_zone { count * of_zones + 4.0 } else { 0.0 };
                (there(*at) * weight + skew + zone).round() as i64
            });
            each.collect()
        } else {
            fitting.iter().map(|(at, ..)| (there(*at) * weight + skew).round() as i64).collect()
        };
        let (least, most) = (raw.iter().min().copied().unwrap_or(0), raw.iter().max().copied().unwrap_or(0));
        raw.into_iter().map(|one| if most == 0 { MOST } else { MOST * (most + least - one) / most }).collect()
    }
}
