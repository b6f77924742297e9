//! The room that pods find on the nodes of their cluster.

use fmc_core::count::counted;
use fmc_core::finding::OwnKind;
use fmc_core::k3s::capacity::{Amount, Node, is_whole};
use fmc_core::role::{RoleFindings, SpanSite};
use serde::Serialize;

use super::{CHANGE_WAITS, CROWDED, LIMIT_ABOVE_NODE, MAY_WAIT, NO_ROOM, TOO_LARGE, in_container, jenkins};
use crate::budget::{ClusterBudget, Resource, Short, Waiting};
use crate::platform::Platform;

/// Judges the room that the pods of a platform find, if all nodes are known. The lab of a cloud runs on whatever the host has.
pub(super) fn check(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cloud = site.cloud();
    if cloud.is_lab() || !cloud.cluster(&platform.cluster.to_string()).is_some_and(is_whole) {
        return;
    }
    let Some(budget) = ClusterBudget::of(platform, cloud) else { return };
    // All machines of the cluster are to be off.
    if budget.nodes.is_empty() {
        return;
    }
    let nodes: Vec<&Node> =
        budget.nodes.iter().map(|one| &one.node).filter(|node| node.takes_any()).collect();
    let fit = &budget.fit;
    for one in &fit.too_large {
        let on: Vec<&Node> =
            one.nodes.iter().filter_map(|at| budget.nodes.get(*at)).map(|one| &one.node).collect();
        findings.part(&one.path, |findings| match on.is_empty() && !nodes.is_empty() {
            true => nowhere(one, findings),
            false => too_large("a pod", one, &on, findings),
        });
    }
    if let Some(short) = &fit.short {
        no_room(short, findings);
    }
    for one in &fit.waiting {
        findings.part(&one.path, |findings| may_wait(one, findings));
    }
    for one in &fit.changes {
        findings.part(&one.path, |findings| no_change(one, findings));
    }
    if let Some(crowded) = fit.crowded {
        let told = |size: fmc_core::unit::Size| Resource::Memory.told(size.as_bytes());
        let message = format!(
            "the pods ask for {} of memory, and the nodes have {} beside K3s and their systems, which use {} that no kubelet keeps for them",
            told(crowded.asked),
            told(crowded.there),
            told(crowded.unreserved)
        );
        let help = "keep it by `systemReserved` in a drop-in below `kubelet` of the cluster, ask for less, or give the machines more";
        findings.part("namespaces", |findings| findings.find(&CROWDED, message, help));
    }
    limits(platform, &nodes, findings);
    for (at, namespace) in platform.namespaces.iter().enumerate() {
        for (index, one) in namespace.jenkins.iter().enumerate() {
            let at = format!("namespaces[{at}].jenkins[{index}]");
            jenkins::fits(one, &at, namespace, &nodes, findings);
        }
    }
}

/// The values of a finding, for programs that read JSON: CPUs in thousandths, memory in bytes.
#[derive(Serialize)]
struct Values<'a> {
    workload: &'a str,
    millicores: u64,
    memory: u64,
    pods: u64,
}

fn about(
    one: &Waiting,
    kind: &'static OwnKind,
    message: String,
    help: &str,
    findings: &mut RoleFindings<'_>,
) {
    let (millicores, memory) = (one.asks.millicores, one.asks.memory.as_bytes());
    let values = Values { workload: &one.name, millicores, memory, pods: one.at_most };
    findings.find_with(kind, &values, message, help);
}

/// Memory and CPUs, for people.
fn told(amount: Amount) -> String {
    let memory = Resource::Memory.told(amount.memory.as_bytes());
    format!("{memory} of memory and {} of CPU", Resource::Cpu.told(amount.millicores))
}

pub(super) fn too_large(what: &str, one: &Waiting, nodes: &[&Node], findings: &mut RoleFindings<'_>) {
    let asks = format!("{what} of {} asks for {}", one.name, told(one.asks));
    let most = |what: Resource| nodes.iter().copied().max_by_key(|node| what.of(node.allocatable));
    let over = |what: Resource| most(what).filter(|node| what.of(node.allocatable) < what.of(one.asks));
    let (Some(roomiest), over) = (most(Resource::Memory), over(Resource::Memory).or(over(Resource::Cpu)))
    else {
        let message = format!("{asks}, and each node of the cluster has a taint that keeps it away");
        about(one, &TOO_LARGE, message, "leave out the taints of one of them, or add an agent", findings);
        return;
    };
    let message = match over {
        Some(node) => format!("{asks}; the largest node, {}, gives {}", node.name, told(node.allocatable)),
        None if roomiest.allocatable.pods == 0 => {
            format!("{asks}, and the nodes take no pod: `maxPods` is 0")
        }
        None => {
            format!("{asks}, and no node gives both: {} gives {}", roomiest.name, told(roomiest.allocatable))
        }
    };
    about(one, &TOO_LARGE, message, "ask for less, or give a machine of the cluster more", findings);
}

/// Pods that select nodes, or do not tolerate their taints.
fn nowhere(one: &Waiting, findings: &mut RoleFindings<'_>) {
    let message = format!(
        "no node takes a pod of {}: none has the labels that it selects, or a taint keeps it away",
        one.name
    );
    let help = "give a machine the label, below `labels`, or let the pod tolerate the taint";
    about(one, &TOO_LARGE, message, help, findings);
}

fn no_room(short: &Short, findings: &mut RoleFindings<'_>) {
    let (Short::Sum { nodes, .. } | Short::Workload { nodes, .. } | Short::Large { nodes, .. }) = short;
    let (give, has) = match nodes {
        1 => ("the node gives".to_owned(), "the node has".to_owned()),
        _ => (
            format!("the {nodes} nodes that take them give"),
            format!("the {nodes} nodes that take them have"),
        ),
    };
    let (path, message) = match short {
        Short::Sum { resource: Resource::Pods, asked, there, .. } => (
            "namespaces".to_owned(),
            format!("there are {asked} pods, with K3s's own, and {has} room for {there}"),
        ),
        Short::Sum { resource, asked, there, most, .. } => {
            let most = most.iter().map(|(name, pods, asks)| {
                format!("{name} {} ({})", resource.told(*asks), counted(*pods, "pod"))
            });
            let most = most.collect::<Vec<_>>().join(", ");
            let (asked, there) = (resource.told(*asked), resource.told(*there));
            let message = format!(
                "the pods ask for {asked} of {resource}, with K3s's own, and {give} {there}; most ask {most}"
            );
            ("namespaces".to_owned(), message)
        }
        Short::Workload { path, name, pods: 1, .. } => {
            (path.clone(), format!("the pod of {name} finds no room beside the pods that are on each node"))
        }
        Short::Workload { path, name, pods, room, .. } => {
            (path.clone(), format!("{name} has {pods} pods, and {has} room for {room} of them"))
        }
        Short::Large { path, name, resource, least, pods, room, .. } => {
            let message = format!(
                "{pods} pods ask for {} of {resource} or more, as those of {name} do, and {has} room for {room} of them",
                resource.told(*least)
            );
            (path.clone(), message)
        }
    };
    findings.part(&path, |findings| {
        findings.find(&NO_ROOM, message, "ask for less, take fewer pods, or add an agent to the cluster");
    });
}

fn may_wait(one: &Waiting, findings: &mut RoleFindings<'_>) {
    let which = if one.at_most == 1 { "a pod".to_owned() } else { format!("{} pods", one.at_most) };
    let find = match (one.is_certain, one.at_most) {
        (true, 1) => "finds",
        (true, _) => "find",
        (false, _) => "may find",
    };
    let message = format!(
        "{which} of {} {find} no node with {} left, although the nodes give more than all pods ask for",
        one.name,
        told(one.asks)
    );
    let help = "ask for less, take fewer pods, or give the machines of the cluster more";
    about(one, &MAY_WAIT, message, help, findings);
}

fn no_change(one: &Waiting, findings: &mut RoleFindings<'_>) {
    let message = format!(
        "a change of {} starts a new pod before it ends an old one, and no node has {} left for it",
        one.name,
        told(one.asks)
    );
    about(one, &CHANGE_WAITS, message, "ask for less, or give the machines of the cluster more", findings);
}

/// The limits of containers, compared with the largest node.
fn limits(platform: &Platform, nodes: &[&Node], findings: &mut RoleFindings<'_>) {
    let Some(largest) = nodes.iter().max_by_key(|node| node.allocatable.memory) else { return };
    let there = largest.allocatable.memory;
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        let namespace = namespace.with_services();
        for (path, workload) in namespace.workloads() {
            for (number, container) in workload.containers.iter().enumerate() {
                let said = container.memory_limit.as_ref().and_then(|limit| limit.ok());
                let is_too_large = container.memory.ok().is_some_and(|memory| *memory > there);
                let Some(limit) = said.filter(|limit| **limit > there && !is_too_large) else { continue };
                let most = Resource::Memory.told(there.as_bytes());
                let message = format!(
                    "the limit of {limit} is above the {most} that the largest node, {}, gives",
                    largest.name
                );
                findings.part(&format!("namespaces[{index}].{path}"), |findings| {
                    in_container(&workload, number, findings, |findings| {
                        findings.part("memory_limit", |findings| {
                            findings.find(&LIMIT_ABOVE_NODE, message, format!("say at most {most}"));
                        });
                    });
                });
            }
        }
    }
}
