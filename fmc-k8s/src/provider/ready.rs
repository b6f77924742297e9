//! When an object is ready, by its kind, and why it is not.

mod cause;
mod custom;
mod pods;

use fmc_core::graph::{Acting, Awaited, NotUp, NotUpCause};
use serde_json::Value;

use super::act::PAUSE;
use super::{Refusal, get, served};
use crate::kind::{self, Kind};
use crate::link::ApiLink;
use crate::manifest::Manifest;
use crate::object::ApiObject;

pub(super) use custom::definition;
#[cfg(feature = "sim")]
pub(crate) use custom::ready_status;

/// The progress of an object.
pub(super) enum Progress {
    Ready,
    Waits(String),
    /// It will not get ready by waiting.
    Failed(String),
}

/// The words for what is waited for: the pods of a workload, the end of a job, or the object itself.
struct Words {
    /// As `its pods are ready`.
    is: &'static str,
    /// As `its pods are not ready`.
    is_not: &'static str,
    /// As `its pods were not ready`.
    was_not: &'static str,
}

impl Words {
    fn of(kind: &Kind) -> Self {
        if kind.has_pods() {
            Self {
                is: "its pods are ready",
                is_not: "its pods are not ready",
                was_not: "its pods were not ready",
            }
        } else if *kind == kind::JOB {
            Self {
                is: "it has run to its end",
                is_not: "it has not run to its end",
                was_not: "it did not run to its end",
            }
        } else {
            Self { is: "it is ready", is_not: "it is not ready", was_not: "it was not ready" }
        }
    }
}

/// Whether an object of a kind tells whether it is ready.
pub(super) fn tells(kind: &Kind) -> bool {
    kind.has_pods() || kind.is_custom() || *kind == kind::JOB
}

/// The signal that an apply waits for.
pub(super) fn awaited(manifest: &Manifest) -> Option<Awaited> {
    let seconds = manifest.ready_within?;
    let kind = manifest.kind();
    tells(kind).then(|| Awaited { signal: format!("until {}", Words::of(kind).is), seconds })
}

/// The reason why an object that was read is not ready; `None` if it is ready, or if its kind does not tell.
pub(super) fn not_yet(manifest: &Manifest, object: &ApiObject) -> Option<String> {
    if !tells(manifest.kind()) {
        return None;
    }
    match progress(object.value(), object.has_status) {
        Progress::Ready => None,
        Progress::Waits(why) | Progress::Failed(why) => Some(why),
    }
}

/// The words of a job that failed; `None` for one that did not, and for another kind.
pub(super) fn failed_job(manifest: &Manifest, object: &ApiObject) -> Option<String> {
    match progress(object.value(), object.has_status) {
        Progress::Failed(why) if *manifest.kind() == kind::JOB => Some(why),
        _ => None,
    }
}

/// The words about an object that is not ready: `its pods are not ready: …`.
pub(super) fn not_ready(manifest: &Manifest, why: &str) -> String {
    format!("{}: {why}", Words::of(manifest.kind()).is_not)
}

pub(super) async fn wait(
    link: &dyn ApiLink,
    manifest: &Manifest,
    acting: &impl Acting,
) -> Result<u64, NotUp> {
    let seconds = manifest.ready_within.unwrap_or_default();
    let mut last = None;
    for tick in 0..=seconds * 1000 / PAUSE {
        match read(link, manifest.kind(), manifest.namespace(), manifest.name()).await {
            Ok(Some((object, has_status))) => {
                match told(link, &object, has_status, seconds * 1000 / PAUSE - tick).await {
                    Progress::Ready => return Ok(tick * PAUSE / 1000),
                    Progress::Waits(why) => last = Some(why),
                    Progress::Failed(why) => return Err(NotUp::new(NotUpCause::Failed(why))),
                }
            }
            Ok(None) => return Err(NotUp::new(NotUpCause::Failed("somebody deleted it".to_owned()))),
            Err(refusal) => last = Some(refusal.words()),
        }
        if acting.cancelled() || acting.stopping() {
            return Err(NotUp::new(NotUpCause::Stopped));
        }
        link.pause(PAUSE).await;
    }
    let why = last.map(|last| format!(": {last}")).unwrap_or_default();
    let what = Words::of(manifest.kind()).was_not;
    Err(NotUp::new(NotUpCause::Failed(format!("{what} within {seconds} s{why}"))))
}

/// An object, and whether its kind has a subresource in which its controllers report.
pub(super) async fn read(
    link: &dyn ApiLink,
    mut kind: &'static Kind,
    namespace: Option<&str>,
    name: &str,
) -> Result<Option<(Value, bool)>, Refusal> {
    let mut has_status = false;
    if kind.is_custom() {
        let Some(served) = served::kind_of(link, kind).await? else { return Ok(None) };
        (kind, has_status) = (served.kind, served.has_status);
    }
    let path = format!("{}/{name}", kind.path(namespace));
    Ok(get(link, path).await?.map(|object| (object, has_status)))
}

/// The ticks between two questions for the pods of a workload.
const ASKED_EVERY: u64 = 10;

/// The progress of an object, with what the pods of a workload say: asked now and then, and at the last tick.
pub(super) async fn told(link: &dyn ApiLink, object: &Value, has_status: bool, ticks_left: u64) -> Progress {
    let has_pods = object.pointer("/spec/template/spec/containers").is_some();
    let is_job = object.get("kind").and_then(Value::as_str) == Some(kind::JOB.name);
    match progress(object, has_status) {
        Progress::Failed(why) if is_job => cause::of_failed_job(link, object, why).await,
        Progress::Waits(why) if has_pods && ticks_left.is_multiple_of(ASKED_EVERY) => {
            cause::of_pods(link, object, why).await
        }
        progress => progress,
    }
}

/// The progress of an object of a kind that tells it. Of a custom one it matters whether its controllers report at all.
pub(super) fn progress(object: &Value, has_status: bool) -> Progress {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    match Kind::of(text("apiVersion"), text("kind")) {
        Some(&kind::STATEFUL_SET) => pods::stateful(object),
        Some(&kind::DAEMON_SET) => pods::daemons(object),
        Some(&kind::JOB) => pods::job(object),
        Some(&kind::DEPLOYMENT) => pods::deployment(object),
        Some(_) => Progress::Ready,
        None => custom::progress(object, has_status),
    }
}
