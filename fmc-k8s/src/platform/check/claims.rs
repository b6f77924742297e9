//! The rules of workloads that keep data.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::given::Given;
use fmc_core::role::{RoleFindings, SpanSite};

use super::{
    LOST_WITH_NODE, NO_CLAIM, NO_WRITER, NODE_LOCAL, ROOT, TWICE, VALUE, containers, known_names, twice,
};
use crate::container::MountSource;
use crate::platform::{Namespace, Platform};
use crate::stateful::{LOCAL_PATH, Stateful, VolumeClaim};
use crate::workload::Workload;

/// The longest name of a set: its controller makes a label of it, `-` and ten characters (kubernetes#64023).
const LONGEST_NAME: usize = 52;

/// The greatest number of a group (`ValidateGroupID`).
const MOST_GROUP: u32 = 2_147_483_647;

/// The leaves of claims.
pub(super) fn leaves(claims: &[VolumeClaim], findings: &mut RoleFindings<'_>) {
    for (index, claim) in claims.iter().enumerate() {
        findings.part(&format!("claims[{index}]"), |findings| {
            findings.leaf("name", &claim.name);
            findings.leaf("size", &claim.size);
            claim.class.as_ref().map(|class| findings.leaf("class", class));
        });
    }
}

/// The values of a set that its types let through.
pub(super) fn values(set: &Stateful, findings: &mut RoleFindings<'_>) {
    let name = set.name.ok().map(ToString::to_string).unwrap_or_default();
    if name.len() > LONGEST_NAME {
        findings.part("name", |findings| {
            let message = format!("{name} has {} characters, and its pods have more in theirs", name.len());
            findings.find(&VALUE, message, format!("name it in at most {LONGEST_NAME}"));
        });
    }
    if set.expose.is_empty() && name.starts_with(|first: char| first.is_ascii_digit()) {
        findings.part("name", |findings| {
            let message = format!("{name} begins with a digit, and its pods have names that others call");
            findings.find(&VALUE, message, format!("begin it with a letter, as db-{name}"));
        });
    }
    match set.group {
        Some(0) => findings.part("group", |findings| {
            findings.find(&ROOT, format!("{name} would write as the group of root"), "name another, as 1000");
        }),
        Some(group) if group > MOST_GROUP => findings.part("group", |findings| {
            let message = format!("{group} is not a group's number");
            findings.find(&VALUE, message, format!("say a number from 1 to {MOST_GROUP}"));
        }),
        _ => {}
    }
}

/// A mount names a claim of its own workload.
pub(super) fn known(workloads: &[(String, Workload<'_>)], findings: &mut RoleFindings<'_>) {
    for one @ (path, workload) in workloads {
        findings.part(path, |findings| {
            twice("claims", "claim", workload.claims.iter().map(|claim| claim.name.to_string()), findings);
        });
        for (at, container) in containers(std::slice::from_ref(one)) {
            for (index, mount) in container.mounts.iter().enumerate() {
                let MountSource::Claim(name) = &mount.from else { continue };
                if !workload.claims.iter().any(|claim| claim.name == *name) {
                    findings.part(&format!("{at}.mounts[{index}].from.claim"), |findings| {
                        no_claim(name, workload, findings);
                    });
                }
            }
        }
    }
}

fn no_claim(name: &Given<crate::name::ObjectName>, workload: &Workload<'_>, findings: &mut RoleFindings<'_>) {
    let help = match workload.claims {
        [] => format!("write it below `stateful_sets`, with `claims: [{{name: {name}, size: 10 GiB}}]`"),
        claims => known_names(claims.iter().map(|claim| &claim.name)),
    };
    findings.find(&NO_CLAIM, format!("{} has no claim {name}", workload.name), help);
}

/// The rules about all sets of a namespace and the nodes of its cluster.
pub(super) fn sets(
    namespace: &Namespace,
    platform: &Platform,
    site: &SpanSite<'_>,
    findings: &mut RoleFindings<'_>,
) {
    let cluster = site.cloud().cluster(&platform.cluster.to_string());
    let nodes = cluster.map_or(0, |cluster| cluster.servers.len() + cluster.agents.len());
    let workloads = namespace.workloads();
    let names: BTreeSet<String> = workloads.iter().map(|(_, one)| one.name.to_string()).collect();
    let mut volumes: BTreeMap<String, String> = BTreeMap::new();
    for (path, set) in namespace.sets() {
        for (index, claim) in set.claims.iter().enumerate() {
            // The controller names a volume `CLAIM-SET-NUMBER`.
            let volume = format!("{}-{}", claim.name, set.name);
            let other = volumes.insert(volume.clone(), set.name.to_string());
            let Some(other) = other.filter(|other| *other != set.name.to_string()) else { continue };
            findings.part(&format!("{path}.claims[{index}]"), |findings| {
                let message = format!("{} and {other} would have one volume, {volume}-0", set.name);
                findings.find(&TWICE, message, "give the claim or one of the workloads another name");
            });
        }
        let is_service = namespace.is_service(&path);
        findings.part(&path, |findings| {
            if names.contains(&set.pods_name()) {
                let message =
                    format!("the names of its pods are below {}, which is a workload", set.pods_name());
                findings.find(&TWICE, message, "give one of them another name");
            }
            if !set.claims.is_empty() && set.writers().is_none() {
                let message = format!("nothing says who may write to the claims of {}", set.name);
                findings.find(&NO_WRITER, message, "say `user` of its container, or `group`");
            }
            for (index, claim) in set.claims.iter().enumerate().filter(|(_, claim)| claim.is_on_one_node()) {
                let at = if is_service { "keep".to_owned() } else { format!("claims[{index}]") };
                findings.part(&at, |findings| on_one_node(claim, nodes, findings));
            }
        });
    }
}

/// A folder of one node is lost with it, and holds its pod there.
fn on_one_node(claim: &VolumeClaim, nodes: usize, findings: &mut RoleFindings<'_>) {
    let of = format!("{} is of the class {LOCAL_PATH}: a folder on one node", claim.name);
    if claim.survives_node {
        let help = "name a `class` that keeps copies on several nodes, as one of Ceph";
        findings.find(&LOST_WITH_NODE, format!("{of}, and is to survive it"), help);
    } else if nodes > 1 {
        let message = format!("{of}, and its pod can start on no other of the {nodes} nodes");
        let help =
            "name a `class` that all nodes reach, or accept it where the program copies its data itself";
        findings.find(&NODE_LOCAL, message, help);
    }
}
