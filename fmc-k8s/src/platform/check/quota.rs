//! The rules of a namespace's bounds, and of priorities.

use fmc_core::given::{Given, Leaf};
use fmc_core::k3s::capacity::Amount;
use fmc_core::role::{RoleFindings, SpanSite};
use fmc_core::unit::Size;

use super::value::wrong;
use super::{CHANGE_WAITS, MAY_WAIT, NO_PRIORITY, OVER_QUOTA, in_container, known_names, optional, twice};
use crate::budget::{Pods, Resource};
use crate::container::Container;
use crate::kind::PRIORITY_CLASS;
use crate::platform::{Namespace, Platform};
use crate::quota::{Limits, Quota};

/// The greatest value of a class of a person (`HighestUserDefinablePriority`).
const GREATEST: i32 = 1_000_000_000;

/// The beginning of the names of classes that every cluster has (`SystemPriorityClassPrefix`), and these.
const SYSTEM: &str = "system-";
const OF_CLUSTER: [&str; 2] = ["system-cluster-critical", "system-node-critical"];

pub(super) fn leaves(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (path, workload) in namespace.workloads() {
        findings.part(&path, |findings| optional("priority", workload.priority, findings));
    }
    if let Some(quota) = &namespace.quota {
        findings.part("quota", |findings| {
            optional("cpu", quota.cpu.as_ref(), findings);
            optional("memory", quota.memory.as_ref(), findings);
            optional("storage", quota.storage.as_ref(), findings);
        });
    }
    for (key, part) in namespace.limits.iter().flat_map(Limits::parts) {
        let Some(part) = part else { continue };
        findings.part(&format!("limits.{key}"), |findings| {
            optional("cpu", part.cpu.as_ref(), findings);
            optional("memory", part.memory.as_ref(), findings);
        });
    }
}

/// The bounds by themselves.
pub(super) fn values(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    if namespace.quota == Some(Quota::default()) {
        wrong(
            "quota",
            findings,
            "it bounds nothing",
            "say the most of something, as `{pods: 20, memory: 8 GiB}`",
        );
    }
    let Some(limits) = &namespace.limits else { return };
    if limits
        .parts()
        .into_iter()
        .all(|(_, part)| part.is_none_or(|part| part.cpu.is_none() && part.memory.is_none()))
    {
        wrong(
            "limits",
            findings,
            "it bounds nothing",
            "say the most of a container, as `{max: {memory: 4 GiB}}`",
        );
    }
    // Each is at most the next one (`ValidateLimitRange`).
    let order = ["min", "default_request", "default", "max"];
    let part =
        |key: &str| limits.parts().into_iter().find(|(name, _)| *name == key).and_then(|(_, part)| part);
    for (at, key) in order.iter().enumerate() {
        for other in order.iter().skip(at + 1) {
            let (Some(one), Some(more)) = (part(key), part(other)) else { continue };
            let cpu = right(&one.cpu) > right(&more.cpu) && one.cpu.is_some() && more.cpu.is_some();
            let memory =
                right(&one.memory) > right(&more.memory) && one.memory.is_some() && more.memory.is_some();
            for resource in
                [("cpu", cpu), ("memory", memory)].into_iter().filter(|(_, is)| *is).map(|(name, _)| name)
            {
                let message = format!("`{key}` is more than `{other}`");
                wrong(
                    &format!("limits.{key}.{resource}"),
                    findings,
                    message,
                    format!("say at most as much as `{other}`"),
                );
            }
        }
    }
}

fn right<T: Leaf + Ord>(given: &Option<Given<T>>) -> Option<&T> {
    given.as_ref().and_then(Given::ok)
}

/// The classes by themselves.
pub(super) fn classes(platform: &Platform, findings: &mut RoleFindings<'_>) {
    for (index, class) in platform.priority_classes.iter().enumerate() {
        findings.part(&format!("priority_classes[{index}]"), |findings| {
            findings.leaf("name", &class.name);
            if class.name.to_string().starts_with(SYSTEM) {
                let message = format!("names that begin with {SYSTEM} are the cluster's own");
                wrong("name", findings, message, "give it another name");
            }
            if class.value > GREATEST {
                let message = "the cluster's own pods come before all others";
                wrong("value", findings, message, format!("say at most {GREATEST}"));
            }
        });
    }
    let names = platform.priority_classes.iter().map(|class| class.name.to_string());
    twice("priority_classes", "priority class", names, findings);
}

/// The workloads of a namespace with its bounds and the classes of the platform.
pub(super) fn together(
    namespace: &Namespace,
    at: &str,
    platform: &Platform,
    site: &SpanSite<'_>,
    findings: &mut RoleFindings<'_>,
) {
    priorities(namespace, platform, findings);
    if let Some(limits) = &namespace.limits {
        for (path, workload) in namespace.workloads() {
            findings.part(&path, |findings| {
                for (index, container) in workload.containers.iter().enumerate() {
                    in_container(&workload, index, findings, |findings| within(container, limits, findings));
                }
            });
        }
    }
    let Some(quota) = &namespace.quota else { return };
    let claims = namespace.sets().into_iter().flat_map(|(_, set)| {
        set.claims
            .iter()
            .map(|claim| claim.size.ok().copied().unwrap_or(Size::ZERO) * u64::from(set.replicas))
    });
    let (claimed, storage) = (claims.sum::<Size>(), quota.storage.as_ref().and_then(Given::ok));
    if let Some(most) = storage.filter(|most| claimed > **most) {
        let message = format!("the volumes take {claimed} together, and the quota is {most}");
        over("storage", message, findings);
    }
    let Some(all) = Pods::of_platform(platform, site.cloud()) else { return };
    let own = all.iter().filter(|pods| pods.path.as_ref().is_some_and(|path| path.starts_with(at)));
    pods(quota, own.collect(), at, findings);
}

fn over(key: &str, message: String, findings: &mut RoleFindings<'_>) {
    findings.part(&format!("quota.{key}"), |findings| {
        findings.find(&OVER_QUOTA, message, "raise the quota, or ask for less");
    });
}

fn pods(quota: &Quota, own: Vec<&Pods>, at: &str, findings: &mut RoleFindings<'_>) {
    let (end, stay): (Vec<&Pods>, Vec<&Pods>) = own.into_iter().partition(|pods| pods.ends);
    let sum = stay.iter().map(|pods| pods.asks.times(pods.count)).fold(Amount::NONE, Amount::plus);
    let cpu = quota.cpu.as_ref().and_then(Given::ok).map(|cpu| u64::from(cpu.as_millicores()));
    let memory = quota.memory.as_ref().and_then(Given::ok).map(|memory| memory.as_bytes());
    let bounds = [
        ("pods", Resource::Pods, quota.pods.map(u64::from)),
        ("cpu", Resource::Cpu, cpu),
        ("memory", Resource::Memory, memory),
    ];
    for (key, resource, most) in bounds {
        let Some(most) = most else { continue };
        let (asked, told) = (resource.of(sum), |amount| resource.told(amount));
        if asked > most {
            let message = match resource {
                Resource::Pods => format!("its workloads have {asked} pods, and the quota is {most}"),
                _ => {
                    format!("its pods ask for {} of {resource}, and the quota is {}", told(asked), told(most))
                }
            };
            over(key, message, findings);
            continue;
        }
        let more = |pods: &&&Pods| resource.of(pods.asks) + asked > most;
        if let Some(pods) = stay.iter().filter(|pods| pods.needs_one_more).find(more) {
            let message = format!(
                "a change of {} starts a new pod before it ends an old one, and the quota of {} has no room for it",
                pods.name,
                told(most)
            );
            findings.part(&format!("quota.{key}"), |findings| {
                findings.find(&CHANGE_WAITS, message, "raise the quota by one pod, or ask for less");
            });
        }
        for pods in end.iter().filter(|pods| resource.of(pods.asks.times(pods.count)) + asked > most) {
            let path = pods.path.as_deref().and_then(|path| path.strip_prefix(at)).unwrap_or_default();
            let message = format!(
                "the pods of {} wait for others to end: the quota of {} has no room for them beside the others",
                pods.name,
                told(most)
            );
            findings.part(path.trim_start_matches('.'), |findings| {
                findings.find(&MAY_WAIT, message, "raise the quota, or ask for less");
            });
        }
    }
}

/// A container within the bounds of its namespace, which the server asks of it.
fn within(container: &Container, limits: &Limits, findings: &mut RoleFindings<'_>) {
    let mut find = |key: &str, message: Option<String>| {
        let Some(message) = message else { return };
        findings.part(key, |findings| {
            findings.find(&OVER_QUOTA, message, "say another amount, or change `limits` of the namespace");
        });
    };
    let at = |has_limit: bool, key: &'static str, limit: &'static str| if has_limit { limit } else { key };
    if let Some(max) = &limits.max {
        let cpu = container.cpu_limit.as_ref().unwrap_or(&container.cpu);
        find(at(container.cpu_limit.is_some(), "cpu", "cpu_limit"), above(cpu, &max.cpu));
        let memory = container.memory_limit.as_ref().unwrap_or(&container.memory);
        find(at(container.memory_limit.is_some(), "memory", "memory_limit"), above(memory, &max.memory));
    }
    if let Some(min) = &limits.min {
        find("cpu", below(&container.cpu, &min.cpu));
        find("memory", below(&container.memory, &min.memory));
    }
}

fn above<T: Leaf + Ord>(own: &Given<T>, most: &Option<Given<T>>) -> Option<String> {
    let (own, most) = (own.ok()?, right(most)?);
    (own > most).then(|| format!("{own} is above the {most} that a container of the namespace may use"))
}

fn below<T: Leaf + Ord>(own: &Given<T>, least: &Option<Given<T>>) -> Option<String> {
    let (own, least) = (own.ok()?, right(least)?);
    (own < least).then(|| format!("{own} is below the {least} that a container of the namespace asks for"))
}

/// A workload's class is there.
fn priorities(namespace: &Namespace, platform: &Platform, findings: &mut RoleFindings<'_>) {
    let raw = platform.objects.iter().filter(|one| one.kind() == PRIORITY_CLASS.name);
    let raw = raw.filter_map(|one| one.name().map(str::to_owned));
    let own = platform.priority_classes.iter().map(|class| class.name.to_string());
    let known: Vec<String> = own.chain(raw).chain(OF_CLUSTER.map(str::to_owned)).collect();
    for (path, workload) in namespace.workloads() {
        let Some(class) = workload.priority.map(ToString::to_string).filter(|class| !known.contains(class))
        else {
            continue;
        };
        findings.part(&format!("{path}.priority"), |findings| {
            let message =
                format!("the platform has no priority class {class}, and the cluster would refuse the pods");
            findings.find(&NO_PRIORITY, message, known_names(&known));
        });
    }
}
