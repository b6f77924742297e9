//! The objects that workloads need: the platform makes them, and none waits for itself.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::Checked;
use fmc_core::given::Given;
use fmc_core::nearest::nearest;
use fmc_core::role::RoleFindings;

use super::value::wrong;
use crate::name::NeededObject;
use crate::platform::Platform;

pub(super) fn leaves(needs: &[Given<NeededObject>], findings: &mut RoleFindings<'_>) {
    for (index, needed) in needs.iter().enumerate() {
        findings.leaf(&format!("needs[{index}]"), needed);
    }
}

/// A need of a workload: the paths of both, and their names in plans.
struct Need {
    /// The path of the need below the platform.
    path: String,
    workload: String,
    namespace: String,
    needed: String,
}

pub(super) fn check(platform: &Platform, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let all = all(platform);
    if all.is_empty() {
        return;
    }
    let made: BTreeSet<String> = platform.manifests_in(cloud).iter().map(|one| one.short()).collect();
    let mut graph: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for need in &all {
        graph.entry(&need.workload).or_default().push(&need.needed);
    }
    for need in &all {
        if !made.contains(&need.needed) {
            unknown(need, &made, findings);
        } else if let Some(way) = way(&need.needed, &need.workload, &graph) {
            let message = match way.as_slice() {
                [_] => format!("{} would wait for itself", need.workload),
                way => format!(
                    "{} would wait for itself: it needs {}",
                    need.workload,
                    way.join(", which needs ")
                ),
            };
            wrong(&need.path, findings, message, "leave one of these needs out");
        }
    }
}

/// Every need of every workload.
fn all(platform: &Platform) -> Vec<Need> {
    let mut all = Vec::new();
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        let name = namespace.name.to_string();
        for (path, workload) in namespace.workloads() {
            all.extend(workload.needs.iter().enumerate().filter_map(|(at, needed)| {
                Some(Need {
                    path: format!("namespaces[{index}].{path}.needs[{at}]"),
                    workload: format!("{}/{name}/{}", workload.kind.word, workload.name),
                    needed: needed.ok()?.within(&name),
                    namespace: name.clone(),
                })
            }));
        }
    }
    all
}

/// The way by which one object needs another one, with both; `None` if there is none.
fn way<'a>(from: &'a str, to: &str, graph: &BTreeMap<&'a str, Vec<&'a str>>) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, Option<&str>> = BTreeMap::from([(from, None)]);
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        if at == to {
            let mut way = vec![at];
            while let Some(Some(one)) = way.last().and_then(|last| before.get(last)).copied() {
                way.push(one);
            }
            way.reverse();
            return Some(way);
        }
        for one in graph.get(at).into_iter().flatten() {
            if !before.contains_key(one) {
                before.insert(one, Some(at));
                next.push(one);
            }
        }
    }
    None
}

fn unknown(need: &Need, made: &BTreeSet<String>, findings: &mut RoleFindings<'_>) {
    let short = |one: &str| one.replacen(&format!("/{}/", need.namespace), "/", 1);
    let help = match nearest(&need.needed, made.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {}?", short(near)),
        None => "name a workload or an object by kind and name, as stateful-set/db, with its namespace between them if that is another one".to_owned(),
    };
    let (kind, rest) = need.needed.split_once('/').unwrap_or_default();
    let (namespace, name) = rest.split_once('/').unwrap_or_default();
    wrong(&need.path, findings, format!("the cloud makes no {kind}/{name} in {namespace}"), help);
}
