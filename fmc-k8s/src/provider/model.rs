//! The pure half: how objects differ, and what becomes of those that are not wanted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{
    About, Address, Carries, Change, Choices, Edge, Fingerprint, Impact, Model, Note, NoteKind, Place,
    Removal, Seen, Settled, Verdict, Wanted as AllWanted,
};
use serde_json::Value;

use super::document::{Document, Wanted};
use super::mentions::{closed, has_pods, mentioned};
use super::shown::{both, short};
use super::{API, Kubernetes, NAME, ceph, claims, classes, data, fixed, ready, record, takeover};
use crate::compare::{Difference, plain};
use crate::config_map::CONFIGS;
use crate::kind::{self, Kind};
use crate::manifest::{Manifest, OWNER, manager};
use crate::object::{ApiObject, Small, Trial, Unwanted};

/// The reason why a secret differs whose generation does not.
const OTHER_BYTES: &str =
    "it was made with other bytes: raise the secret's generation, so that its pods start with the new ones";

impl Model for Kubernetes {
    type Document = Document;
    type Object = ApiObject;

    fn known_as(&self, place: &Place) -> String {
        match place.name() {
            Some(cluster) => format!("the cluster {cluster}"),
            None => "Kubernetes".to_owned(),
        }
    }

    /// A person's word that fields are taken from others goes with the document, so that the comparison and the step know it, and so does the
    /// form of an object whose definition changes.
    fn settle<'a>(
        &self,
        wanted: &'a AllWanted<Document>,
        seen: &Seen<ApiObject>,
        choices: &Choices,
    ) -> Settled<'a, Document> {
        let mut nodes = Cow::Borrowed(&wanted.nodes);
        for name in &choices.force_conflicts {
            for (at, node) in wanted.nodes.iter().filter(|(at, _)| at.is_named(name)) {
                if let (Some(forced), Some(node)) = (node.document.forced(), nodes.to_mut().get_mut(at)) {
                    node.document = Arc::new(forced);
                }
            }
        }
        let mut set = |at: &Address, change: &dyn Fn(&Document) -> Option<Document>| {
            let changed = nodes.get(at).and_then(|node| change(&node.document));
            let Some(changed) = changed else { return };
            if let Some(node) = nodes.to_mut().get_mut(at) {
                node.document = Arc::new(changed);
            }
        };
        for (at, object) in seen.present().filter(|(_, object)| object.is_redefined) {
            set(at, &|document| document.redefined(object));
        }
        let leaving = ceph::leaving(wanted, seen, &choices.delete_data);
        for one in &leaving {
            set(one.at, &|document| document.held(&one.held()?));
        }
        for (at, other) in data::besides(wanted, seen) {
            set(at, &|document| document.beside(other));
        }
        Settled {
            nodes,
            anew: BTreeMap::new(),
            added: BTreeMap::new(),
            moved: BTreeMap::new(),
            renamed: BTreeMap::new(),
            notes: [
                claims::notes(wanted, seen),
                data::still_wanted(wanted, &choices.delete_data),
                leaving.iter().filter(|one| one.held().is_none()).map(ceph::Leaving::beforehand).collect(),
            ]
            .concat(),
        }
    }

    fn fingerprint(&self, document: &Document) -> Fingerprint {
        match document {
            Document::Api { within, .. } => Fingerprint::of(format!("api {within}").as_bytes()),
            Document::Object(wanted) => wanted.manifest.fingerprint(),
        }
    }

    fn summary(&self, _: &Address, document: &Document) -> String {
        match document {
            Document::Api { within, .. } => format!("waits up to {within} s until it answers"),
            Document::Object(wanted) => match &wanted.beside {
                None => summary(&wanted.manifest),
                Some(other) => {
                    format!("{}, beside {other}, which stays with its data", summary(&wanted.manifest))
                }
            },
        }
    }

    fn compare(&self, at: &Address, document: &Document, object: &ApiObject) -> Verdict {
        let Some(wanted) = document.wanted() else { return Verdict::Same };
        if object.owner() != Some(&wanted.owner) {
            return Verdict::Held(stranger(at, wanted, object));
        }
        if object.is_leaving() {
            return Verdict::Held("it is being deleted: apply again once it is gone".to_owned());
        }
        if let Some(why) = wanted.held.clone().or_else(|| data::stored_in(&wanted.manifest, object)) {
            return Verdict::Held(why);
        }
        if wanted.is_met_by(object) {
            if let Some(Trial::Refused(words)) = &object.trial {
                return Verdict::Held(refused(words, &object.small));
            }
            if !object.small.is_empty() {
                return Verdict::Differs(object.small.iter().map(claims::larger).collect());
            }
            return unready(wanted, object).map_or(Verdict::Same, |change| Verdict::Differs(vec![change]));
        }
        let found = wanted.differences(object);
        if let Some(why) = fixed::held(&wanted.manifest, &found) {
            return Verdict::Held(why);
        }
        // The server has our values in another form. An apply would not take away what others added, so that is another matter.
        let is_ours = object.made_from() == Some(wanted.manifest.fingerprint()) && !found.is_empty();
        if object.trial == Some(Trial::Equal) && is_ours && found.iter().all(|one| one.added_at.is_none()) {
            return unready(wanted, object).map_or(Verdict::Same, |change| Verdict::Differs(vec![change]));
        }
        let none = Vec::new();
        let (trial, taken) = match &object.trial {
            Some(Trial::Conflict(fields, forced)) if wanted.is_forced => (Some(&**forced), fields),
            trial => (trial.as_ref(), &none),
        };
        match trial {
            Some(Trial::Conflict(fields, _)) => Verdict::Held(conflict(at, fields)),
            Some(Trial::Refused(words)) => Verdict::Held(refused(words, &object.small)),
            Some(Trial::Immutable(fields)) => match claims::fate(&wanted.manifest, object, &found) {
                claims::Fate::Shrink(why) => Verdict::Held(why),
                claims::Fate::Grow => Verdict::Differs(growth(wanted.manifest.kind(), &found)),
                claims::Fate::Other => Verdict::Differs(replacement(wanted.manifest.kind(), &found, fields)),
            },
            Some(Trial::Silent(words)) => {
                let mut changes = mended(wanted, object, &found);
                let why = format!("its webhook does not answer now: {}", short(words));
                changes.iter_mut().for_each(|change| change.reason = Some(why.clone()));
                Verdict::Differs(changes)
            }
            Some(Trial::Taken | Trial::Equal) | None => {
                let mut changes = mended(wanted, object, &found);
                for change in &mut changes {
                    let of = found.iter().find(|one| one.path == change.path);
                    change.reason =
                        of.and_then(|one| fixed::told(&wanted.manifest, one)).or(change.reason.take());
                }
                if wanted.has_other_bytes(object) {
                    changes.iter_mut().for_each(|change| change.reason = Some(OTHER_BYTES.to_owned()));
                }
                Verdict::Differs(takeover::told(changes, taken))
            }
        }
    }

    fn goes_along(&self, _: &Place) -> bool {
        true
    }

    fn along(&self, _: &Address, document: &Document) -> Vec<Address> {
        document.wanted().map(|wanted| wanted.along.to_vec()).unwrap_or_default()
    }

    fn remove(
        &self,
        at: &Address,
        object: &ApiObject,
        _: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        if at.kind() == API {
            return match &object.unwanted {
                Unwanted::Destroyed(what) if choices.only.is_empty() => Removal::Delete(along(what)),
                _ => Removal::Ignore,
            };
        }
        if object.is_leaving() {
            return Removal::Ignore;
        }
        match &object.unwanted {
            // Of a destroyed cloud they go with the machines, and not by the name of their set alone.
            Unwanted::Destroyed(_) if at.kind() == kind::CLAIM.word => return Removal::Ignore,
            Unwanted::Claimed(named) => {
                return if choices.delete_data.covers(named) {
                    Removal::Delete(data::WITH_ITS_DATA.to_owned())
                } else {
                    Removal::Keep(format!("{named} left its data: `--delete-data {named}` deletes it"))
                };
            }
            Unwanted::Unused { named, why } => {
                return if choices.delete_data.covers(named) {
                    Removal::Delete("no pod uses it, and its data goes with it".to_owned())
                } else {
                    Removal::Keep(format!("{why}: `--delete-data {named}` deletes it with its data"))
                };
            }
            Unwanted::Data { named, with } => {
                return data::removal(at, object, (named, with.as_deref()), &choices.delete_data);
            }
            Unwanted::Beside { named } => {
                let mut left = named.iter().filter(|named| !choices.delete_data.covers(named));
                if let Some(named) = left.next() {
                    return Removal::Keep(match left.count() {
                        0 => format!("{named} stays with its data, and needs it"),
                        more => format!("{named} and {more} more stay with their data, and need it"),
                    });
                }
            }
            Unwanted::Named { by } => return Removal::Keep(classes::is_named(by)),
            Unwanted::Copied | Unwanted::Used => return Removal::Ignore,
            Unwanted::Destroyed(_) if !choices.only.iter().any(|name| is_in_a_cluster(name)) => {
                return Removal::Ignore;
            }
            Unwanted::Left { named, with } if !choices.delete_data.covers(named) => {
                return with.map_or(Removal::Ignore, |with| Removal::Leave(left(at, named, with)));
            }
            Unwanted::Left { .. } | Unwanted::Destroyed(_) | Unwanted::Pruned => {}
        }
        if at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word && !object.foreign.is_empty() {
            return Removal::Leave(data::takes_along(&object.foreign));
        }
        if at.kind() == kind::STORAGE_CLASS.word && !object.foreign.is_empty() {
            return Removal::Keep(classes::has_claims(&object.foreign));
        }
        if object.foreign.is_empty() && data::is_data_kind(at.kind()) {
            return Removal::Delete(data::WITH_ITS_DATA.to_owned());
        }
        if object.foreign.is_empty() {
            return Removal::Delete("no longer wanted".to_owned());
        }
        Removal::Leave(has_foreign(&object.foreign))
    }

    /// A deployment that an apply does not wait for is told of while its pods are not ready.
    fn notes(&self, at: &Address, document: &Document, object: &ApiObject) -> Vec<Note> {
        let Some(wanted) = document.wanted() else { return Vec::new() };
        let is_told = wanted.manifest.ready_within.is_none() && wanted.is_met_by(object);
        let why = ready::not_yet(&wanted.manifest, object).filter(|_| is_told);
        let why = why.map(|why| ready::not_ready(&wanted.manifest, &why));
        let untold = object.untold.as_ref();
        let untold =
            untold.map(|why| format!("whether its bytes are the wanted ones is not known: failed to {why}"));
        let texts = why.into_iter().chain(untold);
        texts.map(|text| Note { about: About::object(at, None), kind: NoteKind::Notice, text }).collect()
    }

    /// An object is deleted before its namespace, and a set before its volumes.
    fn needs(&self, at: &Address, object: &ApiObject) -> Vec<Edge> {
        let namespace = at.name().split_once('/').map(|(namespace, _)| namespace);
        let namespace = namespace.map(|name| at.beside(kind::NAMESPACE.word, name));
        let is_set = at.kind() == kind::STATEFUL_SET.word;
        let claims = if is_set { claims::of_set(at, object) } else { Vec::new() };
        // No pod outlives the policies that close its namespace.
        let within = at.name().split_once('/').filter(|_| has_pods(object.value()));
        let closed = within.map(|(namespace, _)| closed(at, namespace).to_vec()).unwrap_or_default();
        // What its pods name goes when they are there without it.
        let named = within.into_iter().flat_map(|(namespace, _)| {
            let all = mentioned(object.value()).into_iter();
            all.map(move |(kind, name)| at.beside(kind.word, format!("{namespace}/{name}")))
        });
        namespace
            .into_iter()
            .chain(claims)
            .chain(closed)
            .chain(named)
            .chain(object.stands_on.iter().cloned())
            .map(|to| Edge { to, carries: Carries::Exists })
            .collect()
    }
}

/// The server's refusal of an object, or of the larger claims of a set.
fn refused(words: &str, small: &[Small]) -> String {
    claims::no_growth(words, small).unwrap_or_else(|| format!("the server refuses it: {words}"))
}

/// An object as wanted whose pods are not ready: the step applies it again and waits for them.
fn unready(wanted: &Wanted, object: &ApiObject) -> Option<Change> {
    wanted.manifest.ready_within?;
    let why = ready::not_yet(&wanted.manifest, object)?;
    let (from, to) = (Some("not ready".to_owned()), Some("ready".to_owned()));
    // A job that failed does not run by another apply of the same object.
    if ready::failed_job(&wanted.manifest, object).is_some() {
        let reason = format!("it failed, and runs again: {}", short(&why));
        let (from, to) = (Some("failed".to_owned()), Some("complete".to_owned()));
        return Some(Change {
            path: "status".to_owned(),
            from,
            to,
            impact: Impact::Replace,
            reason: Some(reason),
        });
    }
    let path = if wanted.manifest.kind().has_pods() { "pods" } else { "status" };
    Some(Change { path: path.to_owned(), from, to, impact: Impact::Live, reason: Some(short(&why)) })
}

/// Whether a chosen name is that of an object in a cluster, as `deployment/web`.
fn is_in_a_cluster(name: &str) -> bool {
    let kind = name.split('/').next().unwrap_or_default();
    kind == NAME || Kind::by_word(kind).is_some() || kind.contains('.')
}

/// The reason why the API of a destroyed cloud's cluster goes.
fn along(what: &str) -> String {
    let what = if what.is_empty() { "all that runs in it" } else { what };
    format!("the cluster goes with its machines, and with it {what}")
}

/// The reason why an object stays whose cluster has no platform any more, and the way to delete it.
fn left(at: &Address, named: &str, with: usize) -> String {
    let cluster = at.place().name().unwrap_or_default();
    let it = match with {
        0 => "it stays".to_owned(),
        1 => "it stays with the object in it".to_owned(),
        with => format!("it stays with the {with} objects in it"),
    };
    format!(
        "the cloud has no platform for the cluster {cluster} any more: {it}. To delete all that the platform left, apply with \
         `--delete-data {named}`, or give the cluster a platform without namespaces"
    )
}

/// The refusal of a stranger's object that has a wanted name, with what a person does about it.
fn stranger(at: &Address, wanted: &Wanted, object: &ApiObject) -> String {
    let name = at.name();
    let whose = match object.owner() {
        // Our fields show it, so its deletion would take along what we made.
        None if object.owned_by(&manager(&wanted.owner)).is_some() => {
            let (kind, manifest) = (wanted.manifest.kind(), &wanted.manifest);
            let within =
                manifest.namespace().map(|within| format!(" --namespace {within}")).unwrap_or_default();
            return format!(
                "its label {OWNER}, which shows that it is ours, was removed: put it back, as `kubectl label {}/{}{within} \
                 {OWNER}={}`",
                kind.plural,
                manifest.name(),
                wanted.owner
            );
        }
        None => "fmc did not make it".to_owned(),
        Some(owner) => format!("it belongs to the cloud {owner}"),
    };
    format!("{whose}: give {name} another name, or delete that one")
}

/// The reason why a namespace stays.
pub(super) fn has_foreign(foreign: &[String]) -> String {
    let foreign = foreign.join(", ");
    format!("it has what fmc did not make: {foreign}: move that or delete it, and apply again")
}

/// The changes of an object that stays, or its record where no value differs.
fn mended(wanted: &Wanted, object: &ApiObject, found: &[Difference]) -> Vec<Change> {
    match found {
        [] => vec![record::outdated(wanted, object)],
        found => in_place(wanted.manifest.kind(), found),
    }
}

/// The changes of an object that stays.
fn in_place(kind: &Kind, found: &[Difference]) -> Vec<Change> {
    let change = |one: &Difference| {
        let restarts = kind.has_pods() && one.path.starts_with("spec.template");
        let reads = one.path.ends_with(&format!("[{CONFIGS}]"));
        let why =
            if reads { "its pods are replaced, to read the other text" } else { "its pods are replaced" };
        let reason = restarts.then(|| why.to_owned());
        let reason = match (one.added_at.is_some(), restarts) {
            (true, true) => Some("somebody added it; its pods are replaced".to_owned()),
            (true, false) => Some("somebody added it".to_owned()),
            (false, _) => reason,
        };
        Change { reason, ..changed(one, Impact::Live) }
    };
    found.iter().map(change).collect()
}

/// The changes of an object that is deleted and made again, because the server keeps some of its fields.
fn replacement(kind: &Kind, found: &[Difference], fields: &[String]) -> Vec<Change> {
    let kept = fields.join(", ");
    let data = match *kind {
        kind::STATEFUL_SET => ": its pods stop meanwhile, and its claims stay with their data",
        kind::JOB => ": it is made again, and runs again",
        kind::STORAGE_CLASS => ": it is made again, and volumes that are there stay as they were made",
        _ => "",
    };
    let reason = |_: &Difference| Some(format!("{kept} cannot be changed in an object that exists{data}"));
    found.iter().map(|one| Change { reason: reason(one), ..changed(one, Impact::Replace) }).collect()
}

/// The changes of a set whose claims grow.
fn growth(kind: &Kind, found: &[Difference]) -> Vec<Change> {
    let mut changes = in_place(kind, found);
    for change in changes.iter_mut().filter(|change| change.path.starts_with("spec.volumeClaimTemplates")) {
        change.reason =
            Some("its claims grow with their data; the set is made again around its pods".to_owned());
    }
    changes
}

fn changed(one: &Difference, impact: Impact) -> Change {
    let (from, to) = both(one);
    Change { path: one.path.clone(), from, to, impact, reason: None }
}

fn conflict(at: &Address, fields: &[(String, String)]) -> String {
    let each: Vec<String> = fields.iter().map(|(field, manager)| format!("{field} (by {manager})")).collect();
    format!(
        "others decide fields of it: {}: leave them out, let the others give them up, or take them over with `--force-conflicts {}`",
        each.join(", "),
        at.short()
    )
}

/// The words of a plan about a new object.
fn summary(manifest: &Manifest) -> String {
    let content = manifest.content();
    let at = |pointer: &str| content.pointer(pointer).map(plain);
    match *manifest.kind() {
        kind::DEPLOYMENT | kind::STATEFUL_SET => {
            let image = at("/spec/template/spec/containers/0/image").unwrap_or_default();
            format!("{} × {image}", at("/spec/replicas").unwrap_or_else(|| "1".to_owned()))
        }
        kind::JOB => at("/spec/template/spec/containers/0/image").unwrap_or_default(),
        kind::CRON_JOB => {
            let image = at("/spec/jobTemplate/spec/template/spec/containers/0/image").unwrap_or_default();
            format!("{} {image}", at("/spec/schedule").unwrap_or_default())
        }
        kind::SERVICE => {
            let ports = content.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
            let ports: Vec<String> = ports.filter_map(|port| port.get("port").map(plain)).collect();
            format!("port {}", ports.join(", "))
        }
        kind::SECRET => {
            let secret = manifest.holes().values().next().map(|hole| &hole.secret);
            secret.map(|secret| format!("generation {}", secret.generation)).unwrap_or_default()
        }
        kind::CONFIG_MAP => {
            let files = content.pointer("/data").and_then(Value::as_object).map_or(0, serde_json::Map::len);
            format!("{files} {}", if files == 1 { "text" } else { "texts" })
        }
        kind if kind.is_custom() && data::is_data_kind(kind.word) => "begins empty".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_the_server_keeps_is_a_replacement_and_another_refusal_is_none() {
        let value = |replicas: u16| {
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" },
                "spec": { "replicas": replicas } })
        };
        let manifest = Manifest::of_value(value(2)).unwrap();
        let at = manifest.address("prod");
        let mut object = ApiObject::new(Manifest::of_value(value(1)).unwrap().marked("first"));
        let document = Document::awaiting(manifest, "first", Arc::default());
        object.trial = Some(Trial::Immutable(vec!["spec.selector".to_owned()]));
        let Verdict::Differs(changes) = Kubernetes::new().compare(&at, &document, &object) else {
            unreachable!()
        };
        assert_eq!((changes.len(), changes[0].impact), (1, Impact::Replace));
        assert_eq!(
            changes[0].reason.as_deref(),
            Some("spec.selector cannot be changed in an object that exists")
        );
        object.trial = Some(Trial::Refused("spec.replicas: Invalid value".to_owned()));
        let verdict = Kubernetes::new().compare(&at, &document, &object);
        assert_eq!(verdict, Verdict::Held("the server refuses it: spec.replicas: Invalid value".to_owned()));
    }
}
