//! Pods that share with their node what others do not, and pods that their namespace refuses: in objects in the form of the API, in the files
//! of operators and by overlays.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::Checked;
use fmc_core::finding::NameList;
use fmc_core::graph::Address;
use fmc_core::k3s::Component;
use fmc_core::role::RoleFindings;
use serde_json::Value;

use super::value::wrong;
use super::{HOST_NETWORK, HOST_PATH, PORT_SHARED, REFUSED_PODS, raw, restricted};
use crate::budget::tcp_ports_of_node;
use crate::container::MountSource;
use crate::gateway::ENTRANCES;
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
    let has_pods = |object: &Value| PODS.iter().any(|at| object.pointer(at).is_some());
    let stated: Vec<(String, Address)> = raw::stated(platform, has_pods);
    if stated.is_empty() && platform.overlays.is_empty() {
        return;
    }
    let manifests: BTreeMap<String, Manifest> =
        platform.manifests_in(cloud).into_iter().map(|one| (one.short(), one)).collect();
    let levels: BTreeMap<&str, &str> = manifests
        .values()
        .filter(|one| *one.kind() == NAMESPACE)
        .filter_map(|one| Some((one.name(), level(one)?)))
        .collect();
    let cluster = cloud.cluster(&platform.cluster.to_string());
    let shares =
        cluster.is_some_and(|cluster| cluster.has(Component::Traefik) && cluster.has(Component::Servicelb));
    let mut raw: BTreeSet<String> = BTreeSet::new();
    for (path, at) in stated {
        let short = at.short().to_string();
        if let Some(made) = manifests.get(&short) {
            one(&path, made, &levels, |_| true, findings);
            if shares {
                ports(&path, made, findings);
            }
        }
        raw.insert(short);
    }
    for (index, overlay) in platform.overlays.iter().enumerate() {
        let says = |field: &str| overlay.set.keys().any(|path| path.contains(field));
        if let Some(made) = manifests.get(&overlay.of).filter(|_| !raw.contains(&overlay.of)) {
            let path = format!("overlays[{index}]");
            one(&path, made, &levels, says, findings);
            if shares && (says("hostNetwork") || says("hostPort") || says(".ports")) {
                ports(&path, made, findings);
            }
        }
    }
}

/// K3s's Traefik has its ports on each node: another pod with one of them waits.
fn ports(path: &str, made: &Manifest, findings: &mut RoleFindings<'_>) {
    let taken = tcp_ports_of_node(made.content());
    for (port, _) in ENTRANCES.iter().filter(|(port, _)| taken.contains(&u64::from(*port))) {
        findings.part(path, |findings| {
            let message = format!(
                "its pods take the port {port} of their node, which K3s's Traefik has on each node already"
            );
            let help = "disable `traefik` or `servicelb` of the cluster, or take another port";
            findings.find(&PORT_SHARED, message, help);
        });
    }
}

/// The standard that a namespace enforces.
fn level(namespace: &Manifest) -> Option<&str> {
    namespace.content().pointer("/metadata/labels")?.get(ENFORCE)?.as_str()
}

/// The pods of an object, by the fields of which the value at a path says one.
fn one(
    path: &str,
    made: &Manifest,
    levels: &BTreeMap<&str, &str>,
    says: impl Fn(&str) -> bool,
    findings: &mut RoleFindings<'_>,
) {
    let Some(pod) = PODS.iter().find_map(|at| made.content().pointer(at)) else { return };
    let namespace = made.namespace().unwrap_or_default();
    let level = levels.get(namespace).copied();
    let help = |what: &str| {
        format!(
            "{what}, or write it in a namespace of its own with the overlay `metadata.labels[\"{ENFORCE}\"]: privileged`"
        )
    };
    let mut shared = shared(pod);
    shared.retain(|(field, _)| says(field));
    for (field, words) in &shared {
        match level {
            Some(level @ ("restricted" | "baseline")) => findings.part(path, |findings| {
                let message = format!(
                    "its pods {words} (`{field}`), and the namespace {namespace} refuses them: it enforces the standard `{level}`"
                );
                findings.find(&REFUSED_PODS, message, help(&format!("leave `{field}` out")));
            }),
            _ if *field == "hostNetwork" => findings.part(path, |findings| {
                let message = "its pods are in the network of their node (`hostNetwork`), where no network policy holds them";
                let help =
                    "leave it out, or accept this with the reason: the firewall of the machine alone holds them";
                findings.find(&HOST_NETWORK, message, help);
            }),
            _ => {}
        }
    }
    // An overlay that says the whole context is refused as such.
    let is_told = !shared.is_empty() || !(says("securityContext.") || says("volumes"));
    if is_told || level != Some("restricted") {
        return;
    }
    let lacks = restricted::lacks(pod);
    if !lacks.is_empty() {
        findings.part(path, |findings| {
            let message = format!(
                "the namespace {namespace} refuses its pods: it enforces the standard `restricted`, which asks for {}",
                NameList::new(lacks)
            );
            findings.find(&REFUSED_PODS, message, help("say these fields"));
        });
    }
}

/// The fields by which a pod shares something with its node, each in words.
fn shared(pod: &Value) -> Vec<(&'static str, &'static str)> {
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
