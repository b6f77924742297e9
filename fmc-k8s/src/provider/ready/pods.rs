//! Workloads: whether their pods are there, of the newest form, and available.

use serde_json::Value;

use super::Progress;
use crate::compare::plain;

fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// Whether the controller of an object has seen its newest form.
fn is_seen(object: &Value) -> bool {
    number(object, "/status/observedGeneration") >= number(object, "/metadata/generation")
}

fn unseen() -> Progress {
    Progress::Waits("no controller has seen it yet".to_owned())
}

/// As `kubectl rollout status` decides it for a set: the newest generation was seen, and each pod is of it and available.
pub(super) fn stateful(object: &Value) -> Progress {
    if !is_seen(object) {
        return unseen();
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let (updated, available) =
        (number(object, "/status/updatedReplicas"), number(object, "/status/availableReplicas"));
    let revision = |key: &str| object.pointer(&format!("/status/{key}Revision"));
    if updated >= wanted && available >= wanted && revision("current") == revision("update") {
        return Progress::Ready;
    }
    Progress::Waits(format!("{available} of {wanted} pods are available, {updated} are new"))
}

/// As `kubectl rollout status` decides it for pods on each node.
pub(super) fn daemons(object: &Value) -> Progress {
    if !is_seen(object) {
        return unseen();
    }
    let wanted = number(object, "/status/desiredNumberScheduled");
    let (updated, available) =
        (number(object, "/status/updatedNumberScheduled"), number(object, "/status/numberAvailable"));
    if updated >= wanted && available >= wanted {
        return Progress::Ready;
    }
    Progress::Waits(format!("{available} of {wanted} pods are available, {updated} are new"))
}

/// A job is ready once it ran to its end.
pub(super) fn job(object: &Value) -> Progress {
    for condition in conditions(object) {
        let is = |key: &str, value: &str| condition.get(key).and_then(Value::as_str) == Some(value);
        if is("status", "True") && (is("type", "Complete") || is("type", "SuccessCriteriaMet")) {
            return Progress::Ready;
        }
        if is("status", "True") && is("type", "Failed") {
            return Progress::Failed(condition.get("message").map(plain).unwrap_or_default());
        }
    }
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Progress::Waits("it is suspended (`spec.suspend`), and no pod of it runs".to_owned());
    }
    let (active, failed) = (number(object, "/status/active"), number(object, "/status/failed"));
    Progress::Waits(format!("{active} pods run, {failed} failed"))
}

/// As `kubectl rollout status` decides it: the newest generation was seen, each pod is of it, and all are available.
pub(super) fn deployment(object: &Value) -> Progress {
    if !is_seen(object) {
        return unseen();
    }
    for condition in conditions(object) {
        let is = |key: &str, value: &str| condition.get(key).and_then(Value::as_str) == Some(value);
        let words = condition.get("message").map(plain).unwrap_or_default();
        if is("type", "Progressing") && is("reason", "ProgressDeadlineExceeded") {
            return Progress::Failed(words);
        }
        if is("type", "ReplicaFailure") && is("status", "True") {
            return Progress::Failed(words);
        }
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let (updated, available) =
        (number(object, "/status/updatedReplicas"), number(object, "/status/availableReplicas"));
    if updated >= wanted && available >= wanted && number(object, "/status/replicas") <= updated {
        return Progress::Ready;
    }
    Progress::Waits(format!("{available} of {wanted} pods are available, {updated} are new"))
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
}
