//! Objects that a platform and its cluster's `auto_deploy` both make.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::Checked;
use fmc_core::graph::Address;
use fmc_core::k3s::resolved::Cluster;
use fmc_core::role::RoleFindings;
use serde_json::{Value, json};

use super::{TWICE, raw};
use crate::kind::{HELM_CHART_CONFIG, NAMESPACE};
use crate::manifest::Manifest;
use crate::platform::Platform;

/// K3s writes its manifests again at each start, and an apply writes the platform's: each would undo the other.
pub(super) fn check(platform: &Platform, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let Some(cluster) = cloud.cluster(&platform.cluster.to_string()) else { return };
    let deployed = deployed(cluster);
    if deployed.is_empty() {
        return;
    }
    let stated: BTreeMap<Address, String> =
        raw::stated(platform, |_| true).into_iter().map(|(path, at)| (at, path)).collect();
    let namespaces: BTreeMap<String, usize> =
        platform.namespaces.iter().enumerate().map(|(index, one)| (one.name.to_string(), index)).collect();
    let mut told = BTreeSet::new();
    for manifest in platform.manifests_in(cloud) {
        let at = manifest.address("");
        if !deployed.contains(&at) || !told.insert(at.clone()) {
            continue;
        }
        let namespace = namespaces.get(at.name()).filter(|_| *manifest.kind() == NAMESPACE);
        let path = match (stated.get(&at), namespace) {
            (Some(path), _) => path.clone(),
            (None, Some(index)) => format!("namespaces[{index}].name"),
            (None, None) if *manifest.kind() == HELM_CHART_CONFIG => "traefik".to_owned(),
            (None, None) => "cluster".to_owned(),
        };
        findings.part(&path, |findings| {
            let message = format!(
                "`auto_deploy` of the cluster {} makes the {} {} too, and each would undo the other",
                platform.cluster,
                at.kind(),
                at.name()
            );
            findings.find(&TWICE, message, "say the object in one of them");
        });
    }
}

/// The objects that a cluster makes when it starts. One that says no namespace is in `default`.
fn deployed(cluster: &Cluster) -> BTreeSet<Address> {
    let of = |object: &serde_json::Map<String, Value>| {
        let mut value = Value::Object(object.clone());
        let manifest = Manifest::of_value(value.clone()).or_else(|_| {
            let metadata = value.get_mut("metadata").and_then(Value::as_object_mut);
            metadata.map(|all| all.insert("namespace".to_owned(), json!("default")));
            Manifest::of_value(value)
        });
        Some(manifest.ok()?.address(""))
    };
    cluster.auto_deployed().filter_map(of).collect()
}
