//! Waits within a step, each with its deadline: a custom kind is served, a webhook answers, an operator's pods are ready.

use fmc_core::graph::{Acting, Address, Event, StepError};
use serde_json::Value;

use super::act::PAUSE;
use super::document::AwaitedObject;
use super::ready::{self, Progress};
use super::{Refusal, ask, call, get, served};
use crate::compare::plain;
use crate::kind::Kind;
use crate::link::{ApiLink, Verb};
use crate::manifest::Manifest;

/// The time for a custom kind to be served once its definition is there, in seconds. In a cluster of several servers each learns of it by
/// itself.
const SERVED_WITHIN: u64 = 60;

/// The same of a kind that K3s brings: it installs a chart with the definitions when its API answers.
const BROUGHT_WITHIN: u64 = 300;

/// The time for a webhook to answer, in seconds: its pods may be starting.
const WEBHOOK_WITHIN: u64 = 180;

/// A wait of a step: it tells once that it waits, and ends at a deadline or when the apply is stopped.
struct Wait<'a, A> {
    link: &'a dyn ApiLink,
    at: &'a Address,
    acting: &'a A,
    ticks: u64,
    has_said: bool,
}

impl<'a, A: Acting> Wait<'a, A> {
    fn new(link: &'a dyn ApiLink, at: &'a Address, acting: &'a A, seconds: u64) -> Self {
        Self { link, at, acting, ticks: seconds * 1000 / PAUSE, has_said: false }
    }

    /// Waits a moment for something. False at the deadline.
    async fn goes_on(&mut self, what: &str) -> Result<bool, StepError> {
        if self.acting.cancelled() {
            return Err(StepError::Cancelled);
        }
        if self.ticks == 0 {
            return Ok(false);
        }
        self.ticks -= 1;
        if !std::mem::replace(&mut self.has_said, true) {
            let (address, what) = (self.at.to_string(), format!("waits {what}"));
            self.acting.say(Event::Doing { address, what });
        }
        self.link.pause(PAUSE).await;
        Ok(true)
    }
}

/// The path of a wanted object, once the server has its kind.
pub(super) async fn located(
    link: &dyn ApiLink,
    at: &Address,
    manifest: &Manifest,
    acting: &impl Acting,
) -> Result<String, StepError> {
    let kind = manifest.kind();
    if !kind.is_custom() {
        return Ok(super::path_of(manifest));
    }
    let within = if manifest.is_brought { BROUGHT_WITHIN } else { SERVED_WITHIN };
    let mut wait = Wait::new(link, at, acting, within);
    loop {
        let served = served::kind_of(link, kind).await.map_err(|refusal| call(at, &refusal))?;
        if let Some(served) = served.map(|served| served.kind) {
            let name = kind.name;
            let cause = match (served.is_namespaced, manifest.namespace()) {
                (true, None) => format!("{name} is in a namespace: write it below `objects` of one"),
                (false, Some(_)) => {
                    format!("{name} is of the whole cluster: write it below `objects` of the platform")
                }
                (_, namespace) => return Ok(format!("{}/{}", served.path(namespace), manifest.name())),
            };
            return Err(StepError::Input { what: at.to_string(), cause });
        }
        if !wait.goes_on("until the server has its kind").await? {
            let cause = format!("{} within {within} s", not_served(kind));
            return Err(StepError::Call { call: at.to_string(), cause });
        }
    }
}

/// The words about a kind that a server does not have.
pub(super) fn not_served(kind: &Kind) -> String {
    format!("the server has no kind {} of {}", kind.name, kind.api())
}

/// The answer to a write, once the webhooks that the server asks first answer. A write of a version that is not there any more tells that the
/// object changed.
pub(super) async fn write(
    link: &dyn ApiLink,
    at: &Address,
    verb: Verb,
    path: String,
    acting: &impl Acting,
) -> Result<Value, StepError> {
    let mut wait = Wait::new(link, at, acting, WEBHOOK_WITHIN);
    loop {
        let refusal = match ask(link, verb.clone(), path.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(refusal) => refusal,
        };
        let what = match () {
            () if is_silent_webhook(&refusal) => "until its webhook answers",
            () if is_not_served_yet(&refusal) => "until the server has its kind",
            () if is_of_another_version(&refusal, &verb) => {
                return Err(StepError::Changed { what: at.to_string() });
            }
            () => return Err(call(at, &refusal)),
        };
        if !wait.goes_on(what).await? {
            let cause = format!("waited {WEBHOOK_WITHIN} s in vain {what}: {}", refusal.words());
            return Err(StepError::Call { call: at.to_string(), cause });
        }
    }
}

/// Whether the server could not ask a webhook, as one whose pods are starting. A webhook's own refusal has other words (`admission webhook …
/// denied the request`).
pub(super) fn is_silent_webhook(refusal: &Refusal) -> bool {
    let words = refusal.words();
    let is_conversion = words.contains("conversion webhook for") && words.contains("failed");
    refusal.status() == Some(500) && (words.contains("failed calling webhook") || is_conversion)
}

/// Whether a write names a version of its object, and the object has another.
fn is_of_another_version(refusal: &Refusal, verb: &Verb) -> bool {
    let Verb::Apply(body) = verb else { return false };
    refusal.status() == Some(409) && body.pointer("/metadata/resourceVersion").is_some()
}

/// Whether another server of the cluster does not have the kind yet (kubernetes#99199).
fn is_not_served_yet(refusal: &Refusal) -> bool {
    refusal.status() == Some(404) && refusal.words().contains("could not find the requested resource")
}

/// Waits until a definition is established and its versions are served.
pub(super) async fn established(
    link: &dyn ApiLink,
    at: &Address,
    path: &str,
    acting: &impl Acting,
) -> Result<(), StepError> {
    let mut wait = Wait::new(link, at, acting, SERVED_WITHIN);
    let failed = |cause: String| StepError::Call { call: at.to_string(), cause };
    loop {
        let definition = get(link, path.to_owned()).await.map_err(|refusal| call(at, &refusal))?;
        let Some(definition) = definition else { return Err(failed("somebody deleted it".to_owned())) };
        let last = match ready::definition(&definition) {
            Progress::Failed(why) => return Err(failed(why)),
            Progress::Waits(why) => why,
            Progress::Ready => {
                match unserved(link, &definition).await.map_err(|refusal| call(at, &refusal))? {
                    None => return Ok(()),
                    Some(version) => format!("{version} is not served"),
                }
            }
        };
        if !wait.goes_on("until its kind is served").await? {
            return Err(failed(format!("its kind is not served within {SERVED_WITHIN} s: {last}")));
        }
    }
}

/// A version of a definition that should be served and is not yet.
async fn unserved(link: &dyn ApiLink, definition: &Value) -> Result<Option<String>, Refusal> {
    let text = |pointer: &str| definition.pointer(pointer).map(plain).unwrap_or_default();
    let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    for version in versions.filter(|version| version.get("served") == Some(&Value::Bool(true))) {
        let version = version.get("name").map(plain).unwrap_or_default();
        let kinds = served::of_version(link, &group, &version).await?;
        // Kinds of the table are not among them: the path of a list says as much.
        let is_known = crate::kind::KINDS.iter().any(|one| one.group == group && one.name == kind);
        if !is_known && kinds.iter().all(|one| one.kind.name != kind) {
            return Ok(Some(format!("{group}/{version}")));
        }
    }
    Ok(None)
}

/// Waits until the objects are ready that another one waits for.
pub(super) async fn awaited(
    link: &dyn ApiLink,
    at: &Address,
    all: &[AwaitedObject],
    acting: &impl Acting,
) -> Result<(), StepError> {
    for one in all {
        let AwaitedObject { what, kind, namespace, name, within } = one;
        let mut wait = Wait::new(link, at, acting, *within);
        loop {
            let there = ready::read(link, kind, namespace.as_deref(), name).await;
            let there = there.map_err(|refusal| call(at, &refusal))?;
            let progress = match &there {
                Some((object, has_status)) => Some(ready::told(link, object, *has_status, wait.ticks).await),
                None => None,
            };
            let cause = match progress {
                Some(Progress::Ready) => break,
                Some(Progress::Waits(why)) => why,
                Some(Progress::Failed(why)) => {
                    return Err(StepError::Call {
                        call: at.to_string(),
                        cause: format!("{what} is not ready: {why}"),
                    });
                }
                None => "it is not there".to_owned(),
            };
            if !wait.goes_on(&format!("until {what} is ready")).await? {
                let cause = format!("{what} is not ready within {within} s: {cause}");
                return Err(StepError::Call { call: at.to_string(), cause });
            }
        }
    }
    Ok(())
}
