//! Fields that open what a manifest leaves closed by leaving it out: a policy that lets in, a pod in the network of its node, a
//! container with more rights or another program. Another hand writes them, and the server keeps them beside ours, so they are
//! looked for by name.

use serde_json::Value;

use super::Difference;

/// The rules of a network policy.
const OF_POLICY: [&str; 2] = ["ingress", "egress"];
/// The switch that stops a workload's updates.
const OF_WORKLOAD: [&str; 1] = ["paused"];
/// The addresses of a service outside of the cluster.
const OF_SERVICE: [&str; 2] = ["externalIPs", "loadBalancerIP"];
/// Namespaces of the node, the pod's account, and further containers.
const OF_POD: [&str; 7] = [
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "shareProcessNamespace",
    "serviceAccountName",
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
    let mut look = |at: &str, path: &str, names: &[&str]| {
        for name in names {
            let pointer = format!("{at}/{name}");
            let says = |value: &Value| value.pointer(&pointer).cloned().filter(is_something);
            let path = format!("{path}.{name}");
            if let (None, Some(there)) = (says(wanted), says(object))
                && found.iter().all(|one| one.path != path)
            {
                found.push(Difference { path, from: Some(there), to: None, added_at: Some(pointer) });
            }
        }
    };
    match kind {
        "NetworkPolicy" => look("/spec", "spec", &OF_POLICY),
        "Service" => look("/spec", "spec", &OF_SERVICE),
        _ => {}
    }
    let (at, path) = ("/spec/template/spec", "spec.template.spec");
    let Some(containers) = wanted.pointer(&format!("{at}/containers")).and_then(Value::as_array) else {
        return;
    };
    look("/spec", "spec", &OF_WORKLOAD);
    look(at, path, &OF_POD);
    for (index, container) in containers.iter().enumerate() {
        let at = format!("{at}/containers/{index}");
        // In another order they are told apart by the comparison of the list.
        if object.pointer(&at).and_then(|there| there.get("name")) != container.get("name") {
            continue;
        }
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let path = format!("{path}.containers[{name}]");
        look(&at, &path, &OF_CONTAINER);
        look(&format!("{at}/securityContext"), &format!("{path}.securityContext"), &OF_RIGHTS);
        let rights = "securityContext/capabilities";
        look(&format!("{at}/{rights}"), &format!("{path}.securityContext.capabilities"), &["add"]);
    }
}

/// Whether a value says something: the server leaves out what is empty.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}
