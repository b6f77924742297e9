//! The objects that the pods of a workload name: texts, secrets and an account.

use fmc_core::graph::Address;
use serde_json::Value;

use crate::compare::plain;
use crate::kind::{self, Kind};
use crate::quota::{LIMITS, QUOTA};

/// The places of pods in objects: of a template, and of jobs by the clock.
pub(super) const PODS: [&str; 2] = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];

/// Whether an object makes pods: of a template, or by the clock.
pub(super) fn has_pods(content: &Value) -> bool {
    ["/spec/template/spec/containers", "/spec/jobTemplate/spec/template/spec/containers"]
        .iter()
        .any(|pointer| content.pointer(pointer).is_some())
}

/// The policies that every namespace of a platform begins with, and its bounds.
pub(super) fn closed(at: &Address, namespace: &str) -> [Address; 4] {
    [
        (kind::NETWORK_POLICY, "names"),
        (kind::NETWORK_POLICY, "nothing"),
        (kind::RESOURCE_QUOTA, QUOTA),
        (kind::LIMIT_RANGE, LIMITS),
    ]
    .map(|(kind, name)| at.beside(kind.word, format!("{namespace}/{name}")))
}

/// The kinds and names of what the pods of an object name, each once.
pub(super) fn mentioned(content: &Value) -> Vec<(&'static Kind, String)> {
    let Some(pod) = PODS.iter().find_map(|pointer| content.pointer(pointer)) else {
        return Vec::new();
    };
    let list = |of: &Value, key: &str| of.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all: Vec<(&'static Kind, String)> = Vec::new();
    let account = pod.get("serviceAccountName");
    all.extend(account.map(|name| (&kind::SERVICE_ACCOUNT, plain(name))));
    for volume in list(pod, "volumes") {
        all.extend(volume.pointer("/configMap/name").map(|name| (&kind::CONFIG_MAP, plain(name))));
        let sources = volume.get("projected").map(|projected| list(projected, "sources")).unwrap_or_default();
        let secrets = sources.iter().filter_map(|source| source.pointer("/secret/name"));
        all.extend(secrets.map(|name| (&kind::SECRET, plain(name))));
    }
    for container in list(pod, "containers") {
        let variables = list(&container, "env");
        let secrets = variables.iter().filter_map(|one| one.pointer("/valueFrom/secretKeyRef/name"));
        all.extend(secrets.map(|name| (&kind::SECRET, plain(name))));
    }
    all.sort();
    all.dedup();
    all
}
