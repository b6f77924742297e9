//! The objects that workloads need: the platform makes them in the same namespace.

use std::collections::BTreeSet;

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

pub(super) fn check(platform: &Platform, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let has_some =
        |namespace: &super::Namespace| namespace.workloads().iter().any(|(_, one)| !one.needs.is_empty());
    if !platform.namespaces.iter().any(has_some) {
        return;
    }
    let made: BTreeSet<String> = platform
        .manifests_in(cloud)
        .iter()
        .map(|one| format!("{}/{}/{}", one.namespace().unwrap_or_default(), one.kind().word, one.name()))
        .collect();
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        for (path, workload) in namespace.workloads() {
            for (at, needed) in workload.needs.iter().enumerate() {
                if needed.to_string() == format!("{}/{}", workload.kind.word, workload.name) {
                    let path = format!("namespaces[{index}].{path}.needs[{at}]");
                    wrong(
                        &path,
                        findings,
                        format!("{} would wait for itself", workload.name),
                        "leave it out",
                    );
                    continue;
                }
                if made.contains(&format!("{}/{needed}", namespace.name)) {
                    continue;
                }
                let within = format!("{}/", namespace.name);
                let known = made.iter().filter_map(|one| one.strip_prefix(&within));
                let needed = needed.to_string();
                let help = match nearest(&needed, known) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "name a workload or an object of its namespace, by kind and name".to_owned(),
                };
                let message = format!("the cloud makes no {needed} in {}", namespace.name);
                wrong(&format!("namespaces[{index}].{path}.needs[{at}]"), findings, message, help);
            }
        }
    }
}
