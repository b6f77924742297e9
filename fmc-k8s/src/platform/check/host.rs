//! Pods that share with their node what others do not, in objects in the form of the API and by overlays.

use std::collections::BTreeMap;

use fmc_core::checked::Checked;
use fmc_core::role::RoleFindings;
use serde_json::Value;

use super::value::wrong;
use super::{HOST_NETWORK, HOST_PATH, REFUSED_PODS};
use crate::container::MountSource;
use crate::kind::{DAEMON_SET, NAMESPACE};
use crate::manifest::Manifest;
use crate::platform::{Namespace, Platform};

/// The label by which a namespace says which pods it admits (*Pod Security Admission*).
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// The places of pods in objects.
const PODS: [&str; 2] = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];

/// Folders of nodes are for pods on each node, and open their namespace.
pub(super) fn folders(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (path, workload) in namespace.workloads() {
        for (index, container) in workload.containers.iter().enumerate() {
            for (at, mount) in container.mounts.iter().enumerate() {
                let MountSource::HostPath(folder) = &mount.from else { continue };
                let at = format!("{path}.containers[{index}].mounts[{at}].from.host_path");
                if *workload.kind != DAEMON_SET {
                    let message = "a pod of it may start on any node, and finds another folder there";
                    wrong(&at, findings, message, "write the workload below `daemon_sets`");
                    continue;
                }
                findings.part(&at, |findings| {
                    let message = format!(
                        "{} reads {folder} of its node, and the namespace {} admits pods with any right for it",
                        workload.name, namespace.name
                    );
                    let help = "give it a namespace of its own, and accept this with the reason";
                    findings.find(&HOST_PATH, message, help);
                });
            }
        }
    }
}

/// Pods that their namespace refuses, and pods that no network policy holds.
pub(super) fn check(platform: &Platform, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let inside = platform.namespaces.iter().enumerate().flat_map(|(index, namespace)| {
        let name = namespace.name.to_string();
        let each = namespace.objects.iter().enumerate();
        each.map(move |(at, object)| {
            (format!("namespaces[{index}].objects[{at}]"), name.clone(), object.0.clone())
        })
    });
    let outside = platform.objects.iter().enumerate().map(|(at, object)| {
        (format!("objects[{at}]"), object.namespace().unwrap_or_default().to_owned(), object.0.clone())
    });
    let mut all: Vec<(String, String, Value)> = inside.chain(outside).collect();
    all.retain(|(_, _, object)| !shared(object).is_empty());
    if all.is_empty() && platform.overlays.is_empty() {
        return;
    }
    let manifests = platform.manifests_in(cloud);
    let level = |one: &Manifest| {
        let label = one.content().pointer("/metadata/labels").and_then(|all| all.get(ENFORCE));
        label.and_then(Value::as_str).map(str::to_owned)
    };
    let levels: BTreeMap<String, String> = manifests
        .iter()
        .filter(|one| *one.kind() == NAMESPACE)
        .filter_map(|one| Some((one.name().to_owned(), level(one)?)))
        .collect();
    for (index, overlay) in platform.overlays.iter().enumerate() {
        let made = manifests.iter().find(|one| one.short() == overlay.of);
        let said = |field: &str| overlay.set.keys().any(|path| path.contains(field));
        if let Some(made) = made {
            let namespace = made.namespace().unwrap_or_default();
            for (field, words) in shared(made.content()).into_iter().filter(|(field, _)| said(field)) {
                one(&format!("overlays[{index}]"), namespace, (field, words), &levels, findings);
            }
        }
    }
    for (path, namespace, object) in &all {
        for share in shared(object) {
            one(path, namespace, share, &levels, findings);
        }
    }
}

fn one(
    path: &str,
    namespace: &str,
    (field, words): (&str, &str),
    levels: &BTreeMap<String, String>,
    findings: &mut RoleFindings<'_>,
) {
    match levels.get(namespace).map(String::as_str) {
        Some(level @ ("restricted" | "baseline")) => findings.part(path, |findings| {
            let message = format!(
                "its pods {words} (`{field}`), and the namespace {namespace} refuses them: it enforces the standard `{level}`"
            );
            let help = format!(
                "leave `{field}` out, or write it in a namespace of its own with the overlay `metadata.labels[\"{ENFORCE}\"]: privileged`"
            );
            findings.find(&REFUSED_PODS, message, help);
        }),
        _ if field == "hostNetwork" => findings.part(path, |findings| {
            let message = "its pods are in the network of their node (`hostNetwork`), where no network policy holds them";
            let help = "leave it out, or accept this with the reason: the firewall of the machine alone holds them";
            findings.find(&HOST_NETWORK, message, help);
        }),
        _ => {}
    }
}

/// The fields by which the pods of an object share something with their node, each in words.
fn shared(object: &Value) -> Vec<(&'static str, &'static str)> {
    let Some(pod) = PODS.iter().find_map(|at| object.pointer(at)) else { return Vec::new() };
    let is = |of: &Value, pointer: &str| of.pointer(pointer) == Some(&Value::Bool(true));
    let list = |of: &Value, key: &str| of.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let containers = [list(pod, "initContainers"), list(pod, "containers")].concat();
    let has_port = |one: &Value| list(one, "ports").iter().any(|port| port.get("hostPort").is_some());
    [
        ("hostNetwork", "are in the network of their node", is(pod, "/hostNetwork")),
        ("hostPID", "see the processes of their node", is(pod, "/hostPID")),
        ("hostIPC", "share the memory of their node", is(pod, "/hostIPC")),
        (
            "hostPath",
            "have folders of their node",
            list(pod, "volumes").iter().any(|one| one.get("hostPath").is_some()),
        ),
        ("hostPort", "take ports of their node", containers.iter().any(has_port)),
        (
            "privileged",
            "may do all on their node",
            containers.iter().any(|one| is(one, "/securityContext/privileged")),
        ),
    ]
    .into_iter()
    .filter(|(.., is)| *is)
    .map(|(field, words, _)| (field, words))
    .collect()
}
