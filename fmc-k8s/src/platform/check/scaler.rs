//! The rules of autoscalers in the form of the API: their targets, and who decides the number of pods.

use std::collections::BTreeSet;

use fmc_core::checked::Checked;
use fmc_core::role::RoleFindings;
use serde_json::Value;

use super::{NO_WORKLOAD, VALUE};
use crate::kind::{AUTOSCALER, DEPLOYMENT, Kind, STATEFUL_SET};
use crate::platform::{Namespace, Platform};
use crate::raw::RawObject;

/// The autoscalers of a platform that are in namespaces of its own.
pub(super) fn check(platform: &Platform, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let mut made: Option<BTreeSet<String>> = None;
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        let namespace = &*namespace.with_services();
        for (at, object) in
            namespace.objects.iter().enumerate().filter(|(_, one)| one.kind() == AUTOSCALER.name)
        {
            let Some((kind, name)) = target(object) else { continue };
            let made = made.get_or_insert_with(|| {
                platform.manifests_in(cloud).iter().map(crate::manifest::Manifest::short).collect()
            });
            let path = format!("namespaces[{index}].objects[{at}].spec.scaleTargetRef");
            let of = format!("{}/{}/{name}", kind.word, namespace.name);
            findings.part(&path, |findings| {
                if !made.contains(&of) {
                    let message = format!("the platform makes no {of}");
                    let help = format!(
                        "name a {} of the namespace {}, or leave the autoscaler out",
                        kind.name, namespace.name
                    );
                    findings.find(&NO_WORKLOAD, message, help);
                } else if let Some((message, help)) = contradicts(namespace, kind, name) {
                    findings.find(&VALUE, message, help);
                }
            });
        }
    }
}

/// The kind and the name of the workload that an autoscaler scales; `None` if it is of a kind that others define.
fn target(scaler: &RawObject) -> Option<(Kind, &str)> {
    let text = |key: &str| scaler.0.pointer(&format!("/spec/scaleTargetRef/{key}")).and_then(Value::as_str);
    let kind = [DEPLOYMENT, STATEFUL_SET].into_iter().find(|kind| text("kind") == Some(kind.name))?;
    Some((kind, text("name")?))
}

/// Why a workload decides the number of its pods itself, and what to do.
fn contradicts(namespace: &Namespace, kind: Kind, name: &str) -> Option<(String, String)> {
    let twice = format!("{name} says how many pods it has, and so does its autoscaler");
    if let Some(one) =
        namespace.deployments.iter().find(|one| kind == DEPLOYMENT && one.name.to_string() == name)
    {
        if one.autoscale.is_some() {
            let message = format!("`autoscale` of {name} makes an autoscaler already");
            return Some((message, "leave one of them out".to_owned()));
        }
        let help = format!(
            "say `autoscaled: true` at the deployment {name}, or `autoscale` in place of this object"
        );
        return (!one.autoscaled).then_some((twice, help));
    }
    if namespace.stateful_sets.iter().any(|one| kind == STATEFUL_SET && one.name.to_string() == name) {
        let help = "leave the autoscaler out: a set of the platform has a fixed number of pods";
        return Some((twice, help.to_owned()));
    }
    let is_it = |one: &&RawObject| one.kind() == kind.name && one.name() == Some(name);
    let object = namespace.objects.iter().find(is_it)?;
    object.0.pointer("/spec/replicas")?;
    Some((twice, format!("take `spec.replicas` out of the {} {name}", kind.name)))
}
