//! The number of pods of a deployment that passes from us to others, and back.
//!
//! A field that only we decide goes with the apply that leaves it out, and the server would begin again with one pod. So a further manager of ours
//! keeps the number until an autoscaler writes another one.

use fmc_core::graph::{Acting, Step, StepError};
use serde_json::json;

use super::document::{Document, Wanted};
use super::observe::apply_path;
use super::patience;
use crate::kind::DEPLOYMENT;
use crate::link::{ApiLink, Verb};
use crate::manifest::manager;
use crate::object::ApiObject;

/// The owner by whose manager the number is kept.
pub(super) fn keeper(owner: &str) -> String {
    format!("{owner}-replicas")
}

/// Gives the number of pods to its keeper, if the wanted deployment does not say it any more; or has the keeper say the wanted one.
pub(super) async fn hand_over(
    link: &dyn ApiLink,
    step: &Step<Document>,
    wanted: &Wanted,
    path: &str,
    there: &ApiObject,
    acting: &impl Acting,
) -> Result<(), StepError> {
    let manifest = &wanted.manifest;
    if *manifest.kind() != DEPLOYMENT {
        return Ok(());
    }
    let keeper = keeper(&wanted.owner);
    let has = |owner: &str| {
        let owned = there.owned_by(&manager(owner));
        owned.is_some_and(|owned| owned.pointer("/f:spec/f:replicas").is_some())
    };
    let number = match manifest.content().pointer("/spec/replicas") {
        Some(number) if has(&keeper) => Some(number),
        None if has(&wanted.owner) => there.value().pointer("/spec/replicas"),
        _ => None,
    };
    let Some(number) = number else { return Ok(()) };
    let body = json!({
        "apiVersion": manifest.kind().api(), "kind": manifest.kind().name,
        "metadata": { "name": manifest.name(), "namespace": manifest.namespace() },
        "spec": { "replicas": number },
    });
    let to = apply_path(path, &keeper, wanted.is_forced);
    patience::write(link, &step.address, Verb::Apply(body), to, acting).await.map(drop)
}
