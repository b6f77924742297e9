//! Reading a cluster: one list a kind, and a dry run for what differs.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{Address, Fingerprint, ObserveError, Place, Seen, State, Wanted};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use super::{API, Document, Kubernetes, Refusal, ask, manager, path_of};
use crate::kind::{self, KINDS};
use crate::link::{ApiLink, Verb};
use crate::manifest::{self, OWNER};
use crate::object::{ApiObject, Trial};

/// The objects that the server gives at once.
const PAGE: usize = 500;

/// What has a meaning of its own in a query.
const QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'=').add(b'/');

impl Kubernetes {
    pub(super) async fn look(&self, wanted: &Wanted<Document>) -> Result<Seen<ApiObject>, ObserveError> {
        // What runs in a cluster goes with it.
        if wanted.nodes.is_empty() && !wanted.gone.is_empty() {
            return Ok(Seen::default());
        }
        let mut by_place: BTreeMap<&Place, BTreeMap<&Address, &Document>> =
            wanted.places.iter().map(|place| (place, BTreeMap::new())).collect();
        for (at, node) in &wanted.nodes {
            by_place.entry(at.place()).or_default().insert(at, &node.document);
        }
        let mut seen = Seen::default();
        for (place, documents) in by_place {
            let Some(link) = self.link(place) else {
                seen.unknown.insert(place.clone(), "there is no connection to it".to_owned());
                continue;
            };
            match look_at(&*link, place, &wanted.owner, &documents, &mut seen).await {
                Ok(()) => {}
                Err(Refusal::NoAnswer(error)) if error.is_absent => not_yet(place, &documents, &mut seen),
                Err(refusal) => drop(seen.unknown.insert(place.clone(), refusal.words())),
            }
        }
        Ok(seen)
    }
}

/// The API does not answer yet: it is absent, and all that is wanted in it waits for it.
fn not_yet(place: &Place, documents: &BTreeMap<&Address, &Document>, seen: &mut Seen<ApiObject>) {
    let phase = format!("the API of {} answers", place.name().unwrap_or_default());
    for at in documents.keys().filter(|at| at.kind() != API) {
        seen.objects.insert((*at).clone(), State::NotYet { phase: phase.clone(), is_new: false });
    }
    if documents.is_empty() {
        seen.unknown.insert(place.clone(), "its API does not answer".to_owned());
    }
}

async fn look_at(
    link: &dyn ApiLink,
    place: &Place,
    owner: &str,
    documents: &BTreeMap<&Address, &Document>,
    seen: &mut Seen<ApiObject>,
) -> Result<(), Refusal> {
    let cluster = place.name().unwrap_or_default();
    let api = Address::new(place.clone(), API, cluster);
    let kinds: BTreeSet<&str> = documents.keys().map(|at| at.kind()).collect();
    let mut there = BTreeMap::new();
    for kind in KINDS {
        // A stranger's object matters only where a wanted one has its kind.
        let selector = (!kinds.contains(kind.word)).then(|| format!("{OWNER}={owner}"));
        for value in list(link, &kind.path(None), selector.as_deref()).await? {
            let text = |key: &str| value.get("metadata")?.get(key)?.as_str();
            let Some(name) = text("name") else { continue };
            let at = manifest::address(cluster, kind, text("namespace"), name);
            let object = ApiObject::of_list(value, kind);
            if object.owner() == Some(owner) || documents.contains_key(&at) {
                there.insert(at, object);
            }
        }
    }
    if documents.contains_key(&api) {
        let answering = ApiObject::new(Value::Null);
        seen.objects.insert(api, State::present(answering, Fingerprint::of(b"api")));
    }
    for (at, mut object) in there {
        let wanted = documents.get(&at).and_then(|document| document.wanted());
        if wanted.is_none() && at.kind() == kind::NAMESPACE.word {
            object.foreign = foreign(link, at.name(), owner).await?;
        }
        if let Some(wanted) = wanted
            && object.owner() == Some(owner)
            && !object.is_leaving()
            && !wanted.is_met_by(&object)
        {
            object.trial = Some(try_out(link, wanted).await?);
        }
        let fingerprint = object.fingerprint();
        seen.objects.insert(at, State::present(object, fingerprint));
    }
    Ok(())
}

/// What a namespace would take along that is not this owner's. What something else owns follows that.
async fn foreign(link: &dyn ApiLink, namespace: &str, owner: &str) -> Result<Vec<String>, Refusal> {
    /// What the cluster makes in each namespace.
    const MADE: [(&str, &str); 2] = [("configmaps", "kube-root-ca.crt"), ("serviceaccounts", "default")];
    let mut found = Vec::new();
    for (plural, path) in within(namespace) {
        for value in list(link, &path, None).await? {
            let is_owned = value.pointer("/metadata/ownerReferences").is_some();
            let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            if !is_owned && !MADE.contains(&(plural, &name)) && ApiObject::new(value).owner() != Some(owner) {
                found.push(format!("{plural}/{name}"));
            }
        }
    }
    Ok(found)
}

/// The lists of a namespace: those of our kinds, and of further ones that people have there.
fn within(namespace: &str) -> Vec<(&'static str, String)> {
    const FURTHER: [(&str, &[&str]); 4] = [
        ("/api/v1", &["persistentvolumeclaims", "secrets", "serviceaccounts", "pods"]),
        ("/apis/apps/v1", &["statefulsets", "daemonsets"]),
        ("/apis/batch/v1", &["jobs", "cronjobs"]),
        ("/apis/networking.k8s.io/v1", &["ingresses"]),
    ];
    let ours = KINDS.iter().filter(|kind| kind.is_namespaced);
    let mut all: Vec<(&str, String)> = ours.map(|kind| (kind.plural, kind.path(Some(namespace)))).collect();
    for (root, plurals) in FURTHER {
        all.extend(plurals.iter().map(|plural| (*plural, format!("{root}/namespaces/{namespace}/{plural}"))));
    }
    all
}

/// All objects at a path, page by page. A kind that the server does not have has none.
async fn list(link: &dyn ApiLink, all_of: &str, selector: Option<&str>) -> Result<Vec<Value>, Refusal> {
    let mut all = Vec::new();
    let mut from = String::new();
    loop {
        let mut path = format!("{all_of}?limit={PAGE}");
        let mut query =
            |key: &str, value: &str| path += &format!("&{key}={}", utf8_percent_encode(value, QUERY));
        selector.iter().for_each(|selector| query("labelSelector", selector));
        if !from.is_empty() {
            query("continue", &from);
        }
        let mut page = match ask(link, Verb::Get, path).await {
            Err(Refusal::Status(404, _)) => return Ok(all),
            page => page?,
        };
        from = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            all.extend(items);
        }
        if from.is_empty() {
            return Ok(all);
        }
    }
}

/// The server's answer to a dry run of a manifest.
async fn try_out(link: &dyn ApiLink, wanted: &super::model::Wanted) -> Result<Trial, Refusal> {
    let path = format!("{}&dryRun=All", apply_path(&path_of(&wanted.manifest), &wanted.owner));
    let refusal = match ask(link, Verb::Apply(wanted.manifest.marked(&wanted.owner)), path).await {
        Ok(_) => return Ok(Trial::Taken),
        Err(refusal) => refusal,
    };
    match refusal.status() {
        None => Err(refusal),
        Some(409) => {
            let fields = refusal.causes().filter(|(reason, ..)| *reason == "FieldManagerConflict");
            let manager = |message: &str| message.split('"').nth(1).unwrap_or("another program").to_owned();
            let fields: Vec<_> = fields
                .map(|(_, field, message)| (field.trim_start_matches('.').to_owned(), manager(message)))
                .collect();
            Ok(if fields.is_empty() { Trial::Refused(refusal.words()) } else { Trial::Conflict(fields) })
        }
        Some(422) => {
            let mut fields: Vec<String> = refusal
                .causes()
                .filter(|(reason, _, message)| {
                    // A bare 422 is not enough: an invalid value is refused in the same way.
                    (*reason == "FieldValueInvalid" && message.contains("field is immutable"))
                        || (*reason == "FieldValueForbidden" && message.contains("updates to"))
                })
                .map(|(_, field, _)| field.to_owned())
                .collect();
            fields.dedup();
            let all = refusal.causes().count();
            Ok(if fields.is_empty() || fields.len() < all {
                Trial::Refused(refusal.words())
            } else {
                Trial::Immutable(fields)
            })
        }
        Some(_) => Ok(Trial::Refused(refusal.words())),
    }
}

/// The path of a server-side apply by the manager of an owner.
pub(super) fn apply_path(path: &str, owner: &str) -> String {
    format!("{path}?fieldManager={}&fieldValidation=Strict", utf8_percent_encode(&manager(owner), QUERY))
}
