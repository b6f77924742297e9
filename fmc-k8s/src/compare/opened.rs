//! Fields that open what a manifest leaves closed by leaving it out: a policy that lets in, a pod in the network of its node, a
//! container with more rights or another program. Another hand writes them, and the server keeps them beside ours, so they are
//! looked for by name.

use serde_json::Value;

use super::{Difference, is_something};

/// The rules of a network policy.
const OF_POLICY: [&str; 2] = ["ingress", "egress"];
/// The switches that stop a workload's updates, and a job.
const OF_WORKLOAD: [&str; 2] = ["paused", "suspend"];
/// The addresses of a service outside of the cluster.
const OF_SERVICE: [&str; 2] = ["externalIPs", "loadBalancerIP"];
/// Namespaces of the node, the pod's account, and further containers.
const OF_POD: [&str; 8] = [
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "shareProcessNamespace",
    "serviceAccountName",
    "serviceAccount",
    "initContainers",
    "hostAliases",
];
/// The program of a container, and its input.
const OF_CONTAINER: [&str; 5] = ["command", "args", "env", "envFrom", "lifecycle"];
/// The rights of a container.
const OF_RIGHTS: [&str; 3] = ["privileged", "procMount", "runAsUser"];

/// The fields of an object that its manifest leaves out, and that open something.
pub(super) fn opened(wanted: &Value, object: &Value, found: &mut Vec<Difference>) {
    let kind = wanted.get("kind").and_then(Value::as_str).unwrap_or_default();
    let mut look = |in_wanted: &str, at: &str, path: &str, names: &[&str]| {
        for name in names {
            let says = |value: &Value, at: &str| {
                let there = value.pointer(&format!("{at}/{name}")).cloned();
                there.filter(|there| is_something(there) && *there != Value::Bool(false))
            };
            let path = format!("{path}.{name}");
            // The server copies the account of a pod into its old name.
            let copied = |there: &Value| {
                *name == "serviceAccount"
                    && wanted.pointer(&format!("{in_wanted}/serviceAccountName")) == Some(there)
            };
            if let (None, Some(there)) = (says(wanted, in_wanted), says(object, at))
                && !copied(&there)
                && found.iter().all(|one| one.path != path)
            {
                let added_at = Some(format!("{at}/{name}"));
                found.push(Difference { path, from: Some(there), to: None, added_at });
            }
        }
    };
    match kind {
        "NetworkPolicy" => look("/spec", "/spec", "spec", &OF_POLICY),
        "Service" => look("/spec", "/spec", "spec", &OF_SERVICE),
        "CronJob" => look("/spec", "/spec", "spec", &OF_WORKLOAD),
        _ => {}
    }
    let (at, path) = ("/spec/template/spec", "spec.template.spec");
    let Some(containers) = wanted.pointer(&format!("{at}/containers")).and_then(Value::as_array) else {
        return;
    };
    look("/spec", "/spec", "spec", &OF_WORKLOAD);
    look(at, at, path, &OF_POD);
    let there = object.pointer(&format!("{at}/containers")).and_then(Value::as_array);
    for (index, container) in containers.iter().enumerate() {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let is_this = |one: &Value| one.get("name").and_then(Value::as_str) == Some(name);
        let Some(place) = there.and_then(|there| there.iter().position(is_this)) else { continue };
        let (wanted, at) = (format!("{at}/containers/{index}"), format!("{at}/containers/{place}"));
        let path = format!("{path}.containers[{name}]");
        look(&wanted, &at, &path, &OF_CONTAINER);
        for (below, in_path, names) in [
            ("securityContext", "securityContext", &OF_RIGHTS[..]),
            ("securityContext/capabilities", "securityContext.capabilities", &["add"][..]),
        ] {
            look(&format!("{wanted}/{below}"), &format!("{at}/{below}"), &format!("{path}.{in_path}"), names);
        }
    }
}
