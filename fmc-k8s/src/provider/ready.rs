//! When an object is ready, by its kind, and why it is not.

use fmc_core::graph::{Acting, Awaited, NotUp, NotUpCause};
use serde_json::Value;

use super::act::PAUSE;
use super::{get, path_of};
use crate::compare::plain;
use crate::kind;
use crate::link::ApiLink;
use crate::manifest::Manifest;
use crate::object::ApiObject;

/// The signal that an apply waits for.
pub(super) fn awaited(manifest: &Manifest) -> Option<Awaited> {
    let seconds = manifest.ready_within?;
    manifest.kind().has_pods().then(|| Awaited { signal: "until its pods are ready".to_owned(), seconds })
}

/// The reason why an object that was read is not ready; `None` if it is ready, or if its kind does not tell.
pub(super) fn not_yet(manifest: &Manifest, object: &ApiObject) -> Option<String> {
    if ![kind::DEPLOYMENT, kind::STATEFUL_SET].contains(manifest.kind()) {
        return None;
    }
    match progress(object.value()) {
        Progress::Ready => None,
        Progress::Waits(why) | Progress::Failed(why) => Some(why),
    }
}

/// The progress of an object.
enum Progress {
    Ready,
    Waits(String),
    /// It will not get ready by waiting.
    Failed(String),
}

pub(super) async fn wait(
    link: &dyn ApiLink,
    manifest: &Manifest,
    acting: &impl Acting,
) -> Result<u64, NotUp> {
    let seconds = manifest.ready_within.unwrap_or_default();
    let mut last = None;
    for tick in 0..=seconds * 1000 / PAUSE {
        match get(link, path_of(manifest)).await {
            Ok(Some(object)) => match progress(&object) {
                Progress::Ready => return Ok(tick * PAUSE / 1000),
                Progress::Waits(why) => last = Some(why),
                Progress::Failed(why) => return Err(NotUp::new(NotUpCause::Failed(why))),
            },
            Ok(None) => return Err(NotUp::new(NotUpCause::Failed("somebody deleted it".to_owned()))),
            Err(refusal) => last = Some(refusal.words()),
        }
        if acting.cancelled() || acting.stopping() {
            return Err(NotUp::new(NotUpCause::Stopped));
        }
        link.pause(PAUSE).await;
    }
    let why = last.map(|last| format!(": {last}")).unwrap_or_default();
    Err(NotUp::new(NotUpCause::Failed(format!("its pods were not ready within {seconds} s{why}"))))
}

fn progress(object: &Value) -> Progress {
    match object.get("kind").and_then(Value::as_str) {
        Some(kind) if kind == kind::STATEFUL_SET.name => stateful(object),
        _ => deployment(object),
    }
}

/// As `kubectl rollout status` decides it for a set: the newest generation was seen, and each pod is of it and available.
fn stateful(object: &Value) -> Progress {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return Progress::Waits("no controller has seen it yet".to_owned());
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let (updated, available) = (number("/status/updatedReplicas"), number("/status/availableReplicas"));
    let revision = |key: &str| object.pointer(&format!("/status/{key}Revision"));
    if updated >= wanted && available >= wanted && revision("current") == revision("update") {
        return Progress::Ready;
    }
    Progress::Waits(format!("{available} of {wanted} pods are available, {updated} are new"))
}

/// As `kubectl rollout status` decides it: the newest generation was seen, each pod is of it, and all are available.
fn deployment(object: &Value) -> Progress {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return Progress::Waits("no controller has seen it yet".to_owned());
    }
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    for condition in conditions.into_iter().flatten() {
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
    let (updated, available) = (number("/status/updatedReplicas"), number("/status/availableReplicas"));
    let all = number("/status/replicas");
    if updated >= wanted && available >= wanted && all <= updated {
        return Progress::Ready;
    }
    Progress::Waits(format!("{available} of {wanted} pods are available, {updated} are new"))
}
