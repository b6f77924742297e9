//! Fields that open what a manifest leaves closed by leaving it out: a policy that lets in, a pod in the network of its node, a
//! container with more rights or another program. Another hand writes them, and the server keeps them beside ours, so they are
//! looked for by name.

use serde_json::Value;

use super::{At, Difference, is_something};

/// The rule by which a controller fills in the rights of a role from those of others.
const OF_ROLE: [&str; 1] = ["aggregationRule"];
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
    let root = At::default();
    let kind = wanted.get("kind").and_then(Value::as_str);
    let whole = Pair { wanted: Some(wanted), there: object };
    if kind == Some("ClusterRole") {
        whole.look(&root, &OF_ROLE, found);
    }
    let at = root.key("spec");
    let Some(spec) = whole.key("spec") else { return };
    match kind {
        Some("NetworkPolicy") => spec.look(&at, &OF_POLICY, found),
        Some("Service") => spec.look(&at, &OF_SERVICE, found),
        Some("CronJob") => spec.look(&at, &OF_WORKLOAD, found),
        _ => {}
    }
    let Some(pod) = spec.key("template").and_then(|template| template.key("spec")) else { return };
    let Some(wanted) = pod.list("containers") else { return };
    spec.look(&at, &OF_WORKLOAD, found);
    let at = at.key("template");
    let at = at.key("spec");
    pod.look(&at, &OF_POD, found);
    let containers = at.key("containers");
    let there = pod.there.get("containers").and_then(Value::as_array).into_iter().flatten();
    for (index, there) in there.enumerate() {
        let Some(wanted) = wanted.iter().find(|wanted| wanted.get("name") == there.get("name")) else {
            continue;
        };
        let at = containers.entry(index, there);
        let container = Pair { wanted: Some(wanted), there };
        container.look(&at, &OF_CONTAINER, found);
        let Some(rights) = container.key("securityContext") else { continue };
        let at = at.key("securityContext");
        rights.look(&at, &OF_RIGHTS, found);
        if let Some(capabilities) = rights.key("capabilities") {
            capabilities.look(&at.key("capabilities"), &["add"], found);
        }
    }
}

/// A part of a manifest beside the same part of the object.
struct Pair<'a> {
    /// `None` if the manifest leaves it out.
    wanted: Option<&'a Value>,
    there: &'a Value,
}

impl<'a> Pair<'a> {
    fn key(&self, key: &str) -> Option<Self> {
        Some(Self { wanted: self.wanted.and_then(|wanted| wanted.get(key)), there: self.there.get(key)? })
    }

    /// The entries of a list that the manifest has.
    fn list(&self, key: &str) -> Option<&'a Vec<Value>> {
        self.wanted?.get(key)?.as_array()
    }

    /// Adds the fields of these names that only the object has.
    fn look(&self, at: &At<'_>, names: &[&str], found: &mut Vec<Difference>) {
        let says = |value: Option<&'a Value>, name: &str| {
            let value = value?.get(name)?;
            (is_something(value) && *value != Value::Bool(false)).then_some(value)
        };
        for name in names {
            let Some(there) = says(Some(self.there), name) else { continue };
            // The server copies the account of a pod into its old name.
            let is_copied =
                *name == "serviceAccount" && says(self.wanted, "serviceAccountName") == Some(there);
            if is_copied || says(self.wanted, name).is_some() {
                continue;
            }
            let at = at.key(name);
            let path = at.path();
            if found.iter().all(|one| one.path != path) {
                let added_at = Some(at.pointer());
                found.push(Difference { path, from: Some(there.clone()), to: None, added_at });
            }
        }
    }
}
