//! The volumes of a stateful set: they grow with it in one step, and stay when it goes.
//!
//! The API keeps the templates of a set's claims. To grow them, the claims that are there are patched, the set is deleted without its
//! pods, and made again: it finds its pods and its claims by their names.

use std::collections::BTreeMap;

use fmc_core::graph::Address;
use serde_json::{Value, json};

use super::observe::{apply_path, list};
use super::{Refusal, ask};
use crate::compare::{Difference, plain};
use crate::kind;
use crate::link::{ApiLink, Verb};
use crate::manifest::{APP, Manifest, OWNER};
use crate::object::ApiObject;
use crate::quantity;

/// Fields of a set that can change in one that exists (`ValidateStatefulSetUpdate`).
const MUTABLE: [&str; 7] = [
    "spec.replicas",
    "spec.ordinals",
    "spec.template",
    "spec.updateStrategy",
    "spec.revisionHistoryLimit",
    "spec.persistentVolumeClaimRetentionPolicy",
    "spec.minReadySeconds",
];

/// What becomes of the claims of a set that differs from the wanted one.
#[derive(Debug, PartialEq)]
pub(super) enum Fate {
    /// They grow, and nothing else needs a new set.
    Grow,
    /// One would shrink: its words.
    Shrink(String),
    /// Something else needs a new set, or nothing does.
    Other,
}

/// The sizes of a set's templates, by name.
fn sizes(set: &Value) -> BTreeMap<String, String> {
    let templates = set.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let each = templates.into_iter().flatten().filter_map(|one| {
        let size = one.pointer("/spec/resources/requests/storage").map(plain)?;
        Some((plain(one.pointer("/metadata/name")?), size))
    });
    each.collect()
}

/// The templates that are wanted larger, by name, with the wanted size.
fn grown(manifest: &Manifest, set: &Value) -> BTreeMap<String, String> {
    let there = sizes(set);
    let is_larger = |name: &str, size: &str| {
        there.get(name).is_some_and(|before| quantity::canonical(size) > quantity::canonical(before))
    };
    sizes(manifest.content()).into_iter().filter(|(name, size)| is_larger(name, size)).collect()
}

/// What becomes of the claims.
pub(super) fn fate(manifest: &Manifest, object: &ApiObject, found: &[Difference]) -> Fate {
    if *manifest.kind() != kind::STATEFUL_SET {
        return Fate::Other;
    }
    let there = sizes(object.value());
    for (name, size) in sizes(manifest.content()) {
        if let Some(before) = there.get(&name)
            && quantity::canonical(&size) < quantity::canonical(before)
        {
            return Fate::Shrink(format!(
                "the claim {name} cannot shrink from {before} to {size}: say at least {before}, or move its data to another claim"
            ));
        }
    }
    let is_size = |path: &str| {
        path.starts_with("spec.volumeClaimTemplates") && path.ends_with(".spec.resources.requests.storage")
    };
    let mut kept = found
        .iter()
        .map(|one| one.path.as_str())
        .filter(|path| path.starts_with("spec.") && !MUTABLE.iter().any(|one| path.starts_with(one)));
    let grows = !grown(manifest, object.value()).is_empty();
    if grows && kept.all(is_size) { Fate::Grow } else { Fate::Other }
}

/// A patch of a claim, with its path.
struct Resize {
    path: String,
    patch: Value,
}

/// The patches of the claims that are there and smaller than wanted.
async fn patches(
    link: &dyn ApiLink,
    manifest: &Manifest,
    owner: &str,
    set: &ApiObject,
) -> Result<Vec<Resize>, Refusal> {
    let wanted = grown(manifest, set.value());
    let path = kind::CLAIM.path(manifest.namespace());
    let all = list(link, &path, Some(&format!("{OWNER}={owner}"))).await?;
    let of = |claim: &Value| {
        let name = plain(claim.pointer("/metadata/name")?);
        let size = wanted.iter().find(|(template, _)| is_of(&name, template, manifest.name()))?.1;
        let there = claim.pointer("/spec/resources/requests/storage").map(plain).unwrap_or_default();
        let is_smaller = quantity::canonical(&there) < quantity::canonical(size);
        is_smaller.then(|| Resize {
            path: apply_path(&format!("{path}/{name}"), owner, false),
            patch: json!([
                { "op": "test", "path": "/metadata/uid", "value": claim.pointer("/metadata/uid") },
                { "op": "replace", "path": "/spec/resources/requests/storage", "value": size },
            ]),
        })
    };
    Ok(all.iter().filter_map(of).collect())
}

/// Whether a claim is that of a template of a set: `data-db-0`.
fn is_of(name: &str, template: &str, set: &str) -> bool {
    let number = name.strip_prefix(template).and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|rest| rest.strip_prefix(set)).and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|one| one.is_ascii_digit()))
}

/// Makes the claims that are there as large as wanted, or only asks whether the server would.
pub(super) async fn grow(
    link: &dyn ApiLink,
    manifest: &Manifest,
    owner: &str,
    set: &ApiObject,
    is_dry: bool,
) -> Result<(), Refusal> {
    for Resize { path, patch } in patches(link, manifest, owner, set).await? {
        let path = if is_dry { format!("{path}&dryRun=All") } else { path };
        ask(link, Verb::Patch(patch), path).await?;
    }
    Ok(())
}

/// The set of a claim, by the label that its controller gives it.
pub(super) fn set_of(at: &Address, claim: &ApiObject) -> Option<Address> {
    let (namespace, _) = at.name().split_once('/')?;
    let set = plain(claim.value().pointer("/metadata/labels")?.get(APP)?);
    Some(at.beside(kind::STATEFUL_SET.word, format!("{namespace}/{set}")))
}

/// The claims of a set that is there, as far as it has pods.
pub(super) fn of_set(at: &Address, set: &ApiObject) -> Vec<Address> {
    let Some((namespace, name)) = at.name().split_once('/') else { return Vec::new() };
    let pods = set.value().pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let templates = sizes(set.value()).into_keys();
    let each = templates.flat_map(|template| (0..pods).map(move |pod| format!("{template}-{name}-{pod}")));
    each.map(|claim| at.beside(kind::CLAIM.word, format!("{namespace}/{claim}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_known_by_its_template_its_set_and_a_number() {
        assert!(is_of("data-db-0", "data", "db") && is_of("data-db-12", "data", "db"));
        for other in ["data-db", "data-db-", "data-db-x", "data-db-2-0", "data-web-0", "log-db-0"] {
            assert!(!is_of(other, "data", "db"), "{other}");
        }
    }
}
