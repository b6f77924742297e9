//! The volumes of a stateful set: they grow with it in one step, and stay when it goes.
//!
//! The API keeps the templates of a set's claims. To grow them, the claims that are there are patched, the set is deleted without its
//! pods, and made again: it finds its pods and its claims by their names.

use std::collections::BTreeMap;

use fmc_core::count::counted;
use fmc_core::finding::NameList;
use fmc_core::graph::{About, Address, Change, Impact, Note, NoteKind, Seen, State, Wanted};
use serde_json::{Value, json};

use super::observe::{apply_path, list};
use super::{Document, Refusal, ask};
use crate::compare::{Difference, plain};
use crate::kind;
use crate::link::{ApiLink, Verb};
use crate::manifest::{APP, Manifest, OWNER};
use crate::object::{ApiObject, Small, Trial};
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

/// The fate of the claims of a set that differs from the wanted one.
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

/// The fate of the claims of a set.
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

/// The claims that are there, by the set whose they are.
pub(super) type BySet<'a> = BTreeMap<Address, Vec<(&'a Address, &'a ApiObject)>>;

pub(super) fn by_set<'a>(all: impl Iterator<Item = (&'a Address, &'a ApiObject)>, owner: &str) -> BySet<'a> {
    let mut sets = BySet::new();
    for (at, claim) in all.filter(|(_, object)| object.is_claim_of(owner)) {
        if let Some(set) = set_of(at, claim) {
            sets.entry(set).or_default().push((at, claim));
        }
    }
    sets
}

fn size_of(claim: &Value) -> String {
    claim.pointer("/spec/resources/requests/storage").map(plain).unwrap_or_default()
}

/// The template that a wanted set makes a claim from.
fn template_of<'a>(manifest: &'a Manifest, claim: &str) -> Option<&'a Value> {
    let templates = manifest.content().pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    templates.into_iter().flatten().find(|template| {
        template.pointer("/metadata/name").is_some_and(|name| is_of(claim, &plain(name), manifest.name()))
    })
}

fn name_of(at: &Address) -> &str {
    at.name().rsplit('/').next().unwrap_or_default()
}

/// The reason why no pod of a wanted set uses a claim, if none does.
pub(super) fn unused(manifest: &Manifest, at: &Address) -> Option<String> {
    if template_of(manifest, name_of(at)).is_none() {
        return Some("no pod uses it any more".to_owned());
    }
    let number: u64 = name_of(at).rsplit('-').next()?.parse().ok()?;
    let pods = manifest.content().pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    (number >= pods).then(|| format!("no pod uses it while {} has {}", manifest.name(), counted(pods, "pod")))
}

impl Small {
    fn of(manifest: &Manifest, name: &str, claim: &Value) -> Option<Self> {
        let (from, to) = (size_of(claim), size_of(template_of(manifest, name)?));
        let is_small = quantity::canonical(&from) < quantity::canonical(&to);
        is_small.then(|| Self { name: name.to_owned(), from, to })
    }
}

/// The claims of a set that are smaller than it wants them.
pub(super) fn small(manifest: &Manifest, claims: &[(&Address, &ApiObject)]) -> Vec<Small> {
    claims.iter().filter_map(|(at, claim)| Small::of(manifest, name_of(at), claim.value())).collect()
}

/// The address of a claim of a set, by its name.
pub(super) fn beside(set: &Address, claim: &str) -> Address {
    let namespace = set.name().split('/').next().unwrap_or_default();
    set.beside(kind::CLAIM.word, format!("{namespace}/{claim}"))
}

/// The words about a claim of a wanted set that stays as it is.
fn told(manifest: &Manifest, is_new: bool, at: &Address, claim: &ApiObject) -> Option<(NoteKind, String)> {
    let template = template_of(manifest, name_of(at))?;
    if claim.is_leaving() {
        let text =
            "somebody deletes it: its data goes as soon as no pod uses it. Copy the data while its pod runs";
        return Some((NoteKind::Left, text.to_owned()));
    }
    if let Some(Trial::Refused(words)) = &claim.trial {
        let small: Vec<Small> = Small::of(manifest, name_of(at), claim.value()).into_iter().collect();
        let text = no_growth(words, &small).unwrap_or_else(|| format!("the server refuses it: {words}"));
        return Some((NoteKind::Held, text));
    }
    let mut words = Vec::new();
    if is_new {
        let made = claim.value().pointer("/metadata/creationTimestamp").map(plain);
        let made = made.map(|made| format!(", made {made}")).unwrap_or_default();
        let small = Small::of(manifest, name_of(at), claim.value());
        let grows = small.map(|Small { from, to, .. }| format!(", and grows from {from} to {to}"));
        words.push(format!("the new set takes over its data{made}{}", grows.unwrap_or_default()));
    }
    let (there, size) = (size_of(claim.value()), size_of(template));
    if quantity::canonical(&there) > quantity::canonical(&size) {
        words.push(format!("it has {there} and not {size}: a claim never shrinks"));
    }
    let class = |of: &Value| of.pointer("/spec/storageClassName").map(plain);
    if let (Some(there), Some(class)) = (class(claim.value()), class(template))
        && there != class
    {
        words.push(format!(
            "it is of the class {there} and stays so, {class} is for new ones: to change it, copy its data to another claim"
        ));
        return Some((NoteKind::Left, words.join("; ")));
    }
    (!words.is_empty()).then(|| (NoteKind::Notice, words.join("; ")))
}

/// The claims that a wanted set makes, by name.
fn made_by(manifest: &Manifest) -> impl Iterator<Item = String> {
    let pods = manifest.content().pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let templates = sizes(manifest.content()).into_keys();
    templates
        .flat_map(move |template| (0..pods).map(move |pod| format!("{template}-{}-{pod}", manifest.name())))
}

/// A person who gives a set or its claim another name may expect its data there: the new ones begin empty, and nothing moves.
fn beginning(wanted: &Wanted<Document>, seen: &Seen<ApiObject>) -> Vec<Note> {
    let mut left: BTreeMap<Address, Vec<&str>> = BTreeMap::new();
    // What is in a namespace that goes may be expected in another one.
    let mut gone: Vec<&Address> = Vec::new();
    for (at, state) in &seen.objects {
        let State::Present { object, .. } = state else { continue };
        let Some((namespace, name)) = at.name().split_once('/').filter(|_| object.is_claim_of(&wanted.owner))
        else {
            continue;
        };
        let set = set_of(at, object).and_then(|set| wanted.nodes.get(&set)?.document.wanted());
        if set.is_none_or(|set| template_of(&set.manifest, name).is_none()) {
            let namespace = at.beside(kind::NAMESPACE.word, namespace);
            match wanted.nodes.contains_key(&namespace) {
                true => left.entry(namespace).or_default().push(name),
                false => gone.push(at),
            }
        }
    }
    let mut notes = Vec::new();
    let has_some = !left.is_empty() || !gone.is_empty();
    let sets = wanted.nodes.iter().filter(|(at, _)| at.kind() == kind::STATEFUL_SET.word && has_some);
    for (at, node) in sets {
        let Some(manifest) = node.document.wanted().map(|wanted| &wanted.manifest) else { continue };
        let namespace = manifest.namespace().unwrap_or_default();
        let near = left.get(&at.beside(kind::NAMESPACE.word, namespace));
        let is_alike = |other: &&&Address| {
            other.place() == at.place() && template_of(manifest, name_of(other)).is_some()
        };
        let elsewhere = gone.iter().filter(is_alike).map(|other| other.name());
        let others = NameList::new(near.into_iter().flatten().copied().chain(elsewhere));
        if others.is_empty() {
            continue;
        }
        let is_there = |name: &String| seen.objects.contains_key(&beside(at, name));
        let new: Vec<String> = made_by(manifest).filter(|name| !is_there(name)).collect();
        if !new.is_empty() {
            let new = NameList::new(new);
            let text = format!("{new} begin empty: the data of {others} stays where it is");
            let text = if new.len() == 1 { text.replacen("begin", "begins", 1) } else { text };
            notes.push(Note { about: About::object(at, None), kind: NoteKind::Notice, text });
        }
    }
    notes
}

/// The refusal of larger claims whose storage class keeps their size, in the words of a person who wrote the set.
pub(super) fn no_growth(words: &str, small: &[Small]) -> Option<String> {
    if small.is_empty() || !words.contains("must support resize") {
        return None;
    }
    let each = small.iter().map(|Small { name, from, to }| format!("{name} from {from} to {to}"));
    let each = each.collect::<Vec<_>>().join(", ");
    Some(format!(
        "its storage class makes volumes that do not grow, as that of K3s does: it refuses {each}. Say the size that they have, or copy \
         their data to a claim of another name"
    ))
}

/// The notes about the claims of wanted sets.
pub(super) fn notes(wanted: &Wanted<Document>, seen: &Seen<ApiObject>) -> Vec<Note> {
    let there = seen.objects.iter().filter_map(|(at, state)| match state {
        State::Present { object, .. } => Some((at, &**object)),
        State::Unknown { .. } | State::NotYet { .. } => None,
    });
    let mut notes = beginning(wanted, seen);
    for (set, claims) in by_set(there, &wanted.owner) {
        let Some(manifest) = wanted.nodes.get(&set).and_then(|node| node.document.wanted()) else { continue };
        let is_new = !seen.objects.contains_key(&set);
        for (at, claim) in claims {
            if let Some((kind, text)) = told(&manifest.manifest, is_new, at, claim) {
                notes.push(Note { about: About::object(at, None), kind, text });
            }
        }
    }
    notes
}

/// A claim that grows alone, because its set is as wanted.
pub(super) fn larger(of: &Small) -> Change {
    let path = format!("claims[{}].spec.resources.requests.storage", of.name);
    let (from, to) = (Some(of.from.clone()), Some(of.to.clone()));
    Change { path, from, to, impact: Impact::Live, reason: Some("it grows with its data".to_owned()) }
}

/// Makes the claims of a set that are there as large as it wants them, or only asks whether the server would.
pub(super) async fn grow(
    link: &dyn ApiLink,
    manifest: &Manifest,
    owner: &str,
    is_dry: bool,
) -> Result<(), Refusal> {
    let path = kind::CLAIM.path(manifest.namespace());
    for claim in list(link, &path, Some(&format!("{OWNER}={owner}"))).await? {
        let Some(name) = claim.pointer("/metadata/name").map(plain) else { continue };
        let Some(Small { to, .. }) = Small::of(manifest, &name, &claim) else { continue };
        let patch = json!([
            { "op": "test", "path": "/metadata/uid", "value": claim.pointer("/metadata/uid") },
            { "op": "replace", "path": "/spec/resources/requests/storage", "value": to },
        ]);
        let path = apply_path(&format!("{path}/{name}"), owner, false);
        let path = if is_dry { format!("{path}&dryRun=All") } else { path };
        ask(link, Verb::Patch(patch), path).await?;
    }
    Ok(())
}

/// Whether a claim is that of a template of a set: `data-db-0`.
fn is_of(name: &str, template: &str, set: &str) -> bool {
    let number = name.strip_prefix(template).and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|rest| rest.strip_prefix(set)).and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|one| one.is_ascii_digit()))
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
