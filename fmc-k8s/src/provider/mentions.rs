//! The objects that the pods of a workload name: texts, secrets and an account.

use fmc_core::graph::Address;
use serde_json::Value;

use crate::compare::plain;
use crate::kind::{self, Kind};
use crate::manifest::Manifest;

/// Whether an object makes pods: of a template, or by the clock.
pub(super) fn has_pods(content: &Value) -> bool {
    ["/spec/template/spec/containers", "/spec/jobTemplate/spec/template/spec/containers"]
        .iter()
        .any(|pointer| content.pointer(pointer).is_some())
}

/// The policies that every namespace of a platform begins with.
pub(super) fn closed(at: &Address, namespace: &str) -> [Address; 2] {
    ["names", "nothing"].map(|name| at.beside(kind::NETWORK_POLICY.word, format!("{namespace}/{name}")))
}

/// The kinds and names of what the pods of a manifest name, each once.
pub(super) fn mentioned(manifest: &Manifest) -> Vec<(&'static Kind, String)> {
    let pods = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];
    let Some(pod) = pods.iter().find_map(|pointer| manifest.content().pointer(pointer)) else {
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
