//! The storage classes that workloads name: the cloud makes them, or K3s brings them.

use std::collections::BTreeSet;

use fmc_core::nearest::nearest;
use fmc_core::role::{RoleFindings, SpanSite};

use super::{NO_CLASS, known_names};
use crate::kind::STORAGE_CLASS;
use crate::platform::Platform;
use crate::stateful::LOCAL_PATH;

/// Judges the class of each claim. All leaves are right.
pub(super) fn check(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let known = known(platform, site);
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        let namespace = namespace.with_services();
        for (path, set) in namespace.sets() {
            let is_service = namespace.is_service(&path);
            for (at, claim) in set.claims.iter().enumerate() {
                // Claims of `local-path` are judged with the disks that they are on.
                let Some(class) = claim.class.as_ref().filter(|_| !claim.is_on_one_node()) else { continue };
                let class = class.to_string();
                if known.contains(&class) {
                    continue;
                }
                let below = if is_service { "class".to_owned() } else { format!("claims[{at}].class") };
                let message = format!(
                    "{} has the class {class}, which neither the cloud makes nor K3s brings",
                    set.name
                );
                let help = match nearest(&class, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("{}, or accept this if something else brings it", known_names(&known)),
                };
                findings.part(&format!("namespaces[{index}].{path}.{below}"), |findings| {
                    findings.find(&NO_CLASS, message, help);
                });
            }
        }
    }
}

/// The classes that the platform makes, and the one of K3s.
fn known(platform: &Platform, site: &SpanSite<'_>) -> BTreeSet<String> {
    let of_operators = platform.operators.iter().flat_map(|operator| {
        let objects = operator.objects();
        let classes = objects.iter().filter(|object| object.text("/kind") == STORAGE_CLASS.name);
        classes.map(|class| class.text("/metadata/name").to_owned()).collect::<Vec<_>>()
    });
    let own = platform.objects.iter().filter(|object| object.kind() == STORAGE_CLASS.name);
    let own = own.filter_map(|object| object.name().map(str::to_owned));
    let ceph = platform.ceph.iter().map(|ceph| ceph.class.to_string());
    let cluster = site.cloud().cluster(&platform.cluster.to_string());
    let local = cluster.map(|_| LOCAL_PATH.to_owned());
    of_operators.chain(own).chain(ceph).chain(local).collect()
}
