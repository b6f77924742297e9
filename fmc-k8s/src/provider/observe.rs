//! Reading a cluster: one list a kind, and a dry run for what differs.

mod custom;

pub(super) use custom::strangers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::graph::{Address, Fingerprint, ObserveError, Place, Seen, State, Wanted};
use futures_util::future::try_join_all;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use super::beside::{self, Kept};
use super::document::Wanted as OfOwner;
use super::foreign::foreign;
use super::granted::{Accounts, BINDINGS};
use super::patience::is_silent_webhook;
use super::replicas;
use super::shown::spoken;
use super::{
    API, Document, Kubernetes, Refusal, ask, ceph, claims, classes, data, manager, operated, path_of,
};
use crate::kind::{self, KINDS};
use crate::link::{ApiLink, Verb};
use crate::manifest::{self, OWNER};
use crate::object::{ApiObject, Small, Trial, Unwanted};
use crate::secret;

/// Kinds of which strangers' objects are not listed: a wanted one is read by its name.
const READ_ONE_BY_ONE: [&kind::Kind; 2] = [&kind::SECRET, &kind::CUSTOM_RESOURCE_DEFINITION];

/// The objects that the server gives at once.
const PAGE: usize = 500;

/// The characters that have a meaning of their own in a query.
const QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'=').add(b'/');

impl Kubernetes {
    pub(super) async fn look(&self, wanted: &Wanted<Document>) -> Result<Seen<ApiObject>, ObserveError> {
        let mut by_place: BTreeMap<&Place, BTreeMap<&Address, &Document>> =
            wanted.places.iter().map(|place| (place, BTreeMap::new())).collect();
        for (at, node) in &wanted.nodes {
            by_place.entry(at.place()).or_default().insert(at, &node.document);
        }
        let mut seen = Seen::default();
        for (place, documents) in by_place {
            if let Err(error) = self.enter(place, &documents) {
                seen.unknown.insert(place.clone(), error.cause);
                continue;
            }
            let Some(link) = self.link(place) else {
                // A program need not know a cluster in which it never had anything.
                if !documents.is_empty() || wanted.is_destroyed {
                    seen.unknown.insert(place.clone(), "there is no connection to it".to_owned());
                }
                continue;
            };
            let kinds = custom::Kinds::default();
            let mut cluster =
                Cluster { provider: self, link: &*link, place, documents: &documents, wanted, kinds };
            match cluster.look(&mut seen).await {
                Ok(()) => {}
                Err(Refusal::NoAnswer(error)) if error.is_absent && !wanted.is_destroyed => {
                    not_yet(place, &documents, &mut seen);
                }
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
}

/// A cluster that is looked at, and what is wanted in it.
struct Cluster<'a> {
    provider: &'a Kubernetes,
    link: &'a dyn ApiLink,
    place: &'a Place,
    documents: &'a BTreeMap<&'a Address, &'a Document>,
    wanted: &'a Wanted<Document>,
    /// The custom kinds that it serves.
    kinds: custom::Kinds,
}

impl Cluster<'_> {
    async fn look(&mut self, seen: &mut Seen<ApiObject>) -> Result<(), Refusal> {
        self.kinds = custom::Kinds::read(self.link, self.documents).await?;
        let mut there = self.list().await?;
        self.list_custom(&mut there).await?;
        self.judge(&mut there).await?;
        self.not_served(seen);
        self.in_no_namespace(&there, seen).await?;
        let small = self.small(&there);
        for (at, small) in &small {
            // A set that is made again takes over its claims, and the server is asked whether they may grow.
            let wanted = self.documents.get(at).and_then(|document| document.wanted());
            if let Some(wanted) = wanted.filter(|_| !there.contains_key(at))
                && let Some(refused) = self.try_growth(wanted, None).await?
            {
                for one in small {
                    if let Some(claim) = there.get_mut(&claims::beside(at, &one.name)) {
                        claim.trial = Some(refused.clone());
                    }
                }
            }
        }
        self.see_the_api(&there, seen);
        let changing = self.changing_kinds(&there);
        let owner = &*self.wanted.owner;
        for (at, mut object) in there {
            let wanted = self.documents.get(&at).and_then(|document| document.wanted());
            if wanted.is_none()
                && at.kind() == kind::NAMESPACE.word
                && matches!(object.unwanted, Unwanted::Pruned | Unwanted::Left { .. })
            {
                object.foreign = foreign(self.link, at.name(), owner, false).await?;
            }
            if let Some(wanted) = wanted
                && object.owner() == Some(owner)
                && !object.is_leaving()
            {
                if wanted.is_met_by(&object) {
                    object.meets = Some(wanted.manifest.fingerprint());
                } else {
                    let trial = self.try_out(wanted, &object).await?;
                    object.is_redefined = changing.contains(&group_and_kind(wanted));
                    // The server judges by the definition that it has, and another one comes first.
                    let is_early = object.is_redefined && matches!(trial, Trial::Refused(_));
                    object.trial = Some(trial).filter(|_| !is_early);
                }
            }
            if let (Some(wanted), Some(small)) = (wanted, small.get(&at)) {
                object.small.clone_from(small);
                if let Some(refused) = self.try_growth(wanted, object.trial.as_ref()).await? {
                    object.trial = Some(refused);
                }
            }
            let fingerprint = object.fingerprint();
            seen.objects.insert(at, State::present(object, fingerprint));
        }
        Ok(())
    }

    /// Our objects, and strangers whose names wanted ones take.
    async fn list(&self) -> Result<BTreeMap<Address, ApiObject>, Refusal> {
        let (owner, cluster) = (&*self.wanted.owner, self.name());
        let kinds: BTreeSet<&str> = self.documents.keys().map(|at| at.kind()).collect();
        let accounts = Accounts::of(self.documents);
        let gives_rights = |kind: &kind::Kind| !accounts.is_empty() && BINDINGS.contains(&kind);
        let mut there = BTreeMap::new();
        let lists = KINDS.iter().map(|kind| {
            // A stranger's object matters only where a wanted one has its kind, or where it gives rights to accounts of ours; the secrets of strangers are not read, and their
            // definitions are long.
            let is_ours_alone =
                !kinds.contains(kind.word) && !gives_rights(kind) || READ_ONE_BY_ONE.contains(kind);
            let selector = is_ours_alone.then(|| format!("{OWNER}={owner}"));
            async move { list(self.link, &kind.path(None), selector.as_deref()).await }
        });
        for (kind, values) in KINDS.iter().zip(try_join_all(lists).await?) {
            for value in values {
                let text = |key: &str| value.get("metadata")?.get(key)?.as_str();
                let Some(name) = text("name") else { continue };
                let at = manifest::address(cluster, kind, text("namespace"), name);
                let has_rights = gives_rights(kind) && accounts.have_rights_by(&value);
                let object = ApiObject::of_list(value, kind);
                let is_ours = object.owner() == Some(owner)
                    && (object.is_made_by(owner) || object.is_claim_of(owner) || !object.is_of_another());
                if is_ours || has_rights || self.documents.contains_key(&at) {
                    let wanted = self.documents.get(&at).and_then(|document| document.wanted());
                    there.insert(at, self.provider.hidden(object, wanted));
                }
            }
        }
        let is_read_alone = |at: &Address| READ_ONE_BY_ONE.iter().any(|kind| kind.word == at.kind());
        let alone = self.documents.iter().filter(|(at, _)| is_read_alone(at));
        for (at, wanted) in alone.filter_map(|(at, document)| Some((*at, document.wanted()?))) {
            if !there.contains_key(at)
                && let Some(object) =
                    self.provider.read(self.link, path_of(&wanted.manifest), Some(wanted)).await?
            {
                there.insert(at.clone(), object);
            }
        }
        Ok(there)
    }

    /// Decides what becomes of objects that nothing wants, and what stands on what.
    async fn judge(&self, there: &mut BTreeMap<Address, ApiObject>) -> Result<(), Refusal> {
        let kept = self.kept(there);
        let fates: Vec<Unwanted> =
            there.iter().map(|(at, object)| self.fate(at, object, there, &kept)).collect();
        for (object, fate) in there.values_mut().zip(fates) {
            object.unwanted = fate;
        }
        for (at, object) in there.iter_mut() {
            let is_definition = at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word;
            if is_definition && !self.documents.contains_key(at) && !self.wanted.is_destroyed {
                object.foreign = strangers(self.link, object, &self.wanted.owner).await?;
            }
        }
        self.stand(there);
        operated::stand(there);
        let is_unwanted = |at: &Address, object: &ApiObject| {
            !self.documents.contains_key(at) && object.is_made_by(&self.wanted.owner)
        };
        operated::stand_on_servants(is_unwanted, there);
        ceph::stand(there, self.documents);
        let is_going =
            |at: &Address, object: &ApiObject| !self.wanted.is_destroyed && is_unwanted(at, object);
        classes::stand(self.link, is_going, there).await
    }

    /// Our objects with data that nothing wants.
    fn kept(&self, there: &BTreeMap<Address, ApiObject>) -> Kept {
        let mut kept = Kept::new();
        let ours = there.iter().filter(|(at, object)| {
            data::is_data(at) && object.is_made_by(&self.wanted.owner) && !self.documents.contains_key(*at)
        });
        for (at, object) in ours {
            if let Some((namespace, name)) = at.name().split_once('/') {
                let named = self.goes_with(at, object, there).unwrap_or_else(|| self.named(at));
                kept.entry(namespace.to_owned()).or_default().push((name.to_owned(), named));
            }
        }
        kept
    }

    /// The name of the object that the data of another one goes with, if nothing wants that one either.
    fn goes_with(
        &self,
        at: &Address,
        object: &ApiObject,
        all: &BTreeMap<Address, ApiObject>,
    ) -> Option<Arc<str>> {
        let whole = operated::goes_with(at, object)?;
        let is_ours = all.get(&whole)?.is_made_by(&self.wanted.owner);
        (is_ours && !self.documents.contains_key(&whole)).then(|| self.named(&whole))
    }

    /// The fate of an object if nothing wants it.
    fn fate(
        &self,
        at: &Address,
        object: &ApiObject,
        all: &BTreeMap<Address, ApiObject>,
        kept: &Kept,
    ) -> Unwanted {
        let owner = &*self.wanted.owner;
        let is_claim = object.is_claim_of(owner);
        if !is_claim && !object.is_made_by(owner) {
            return Unwanted::Copied;
        }
        if self.wanted.is_destroyed {
            return Unwanted::Destroyed(String::new());
        }
        if !self.documents.is_empty() {
            if at.kind() == kind::STORAGE_CLASS.word && !self.documents.contains_key(at) {
                let by = classes::users(at.name(), self.documents);
                return if by.is_empty() { Unwanted::Pruned } else { Unwanted::Named { by } };
            }
            let set = claims::set_of(at, object).filter(|_| is_claim);
            let wanted = set.as_ref().and_then(|set| self.documents.get(set)?.wanted());
            if let Some(why) = wanted.and_then(|set| claims::unused(&set.manifest, at)) {
                return Unwanted::Unused { named: self.named(at), why: why.into() };
            }
            return match set {
                Some(_) if wanted.is_some() => Unwanted::Used,
                Some(set) => Unwanted::Claimed(self.named(&set)),
                // Nothing says whose volume it is.
                None if is_claim => Unwanted::Copied,
                None if data::is_data(at) => {
                    Unwanted::Data { named: self.named(at), with: self.goes_with(at, object, all) }
                }
                None => match beside::needed_by(at, object, kept) {
                    named if named.is_empty() => Unwanted::Pruned,
                    named => Unwanted::Beside { named },
                },
            };
        }
        let named = format!("cluster/{}", self.name()).into();
        let ours = all.iter().filter(|(_, object)| object.is_made_by(owner));
        let with = match manifest::namespace_of(at) {
            None => Some(ours.filter(|(other, _)| manifest::namespace_of(other) == Some(at.name())).count()),
            Some(namespace) => {
                let mut namespaces = ours.filter(|(other, _)| other.kind() == kind::NAMESPACE.word);
                (!namespaces.any(|(other, _)| other.name() == namespace)).then_some(0)
            }
        };
        Unwanted::Left { named, with }
    }

    /// The name by which a person asks for an object: with its cluster, if there are several.
    fn named(&self, at: &Address) -> Arc<str> {
        match self.wanted.places.len() {
            0 | 1 => at.short().to_string().into(),
            _ => at.to_string().into(),
        }
    }

    /// The claims that are smaller than wanted sets want them, by set.
    fn small(&self, there: &BTreeMap<Address, ApiObject>) -> BTreeMap<Address, Vec<Small>> {
        let sets = claims::by_set(there.iter(), &self.wanted.owner).into_iter();
        let small = sets.filter_map(|(set, claims)| {
            let small = claims::small(&self.documents.get(&set)?.wanted()?.manifest, &claims);
            (!small.is_empty()).then_some((set, small))
        });
        small.collect()
    }

    /// The API answers. A destroyed cloud has it too: it stands for all that goes with it.
    fn see_the_api(&self, there: &BTreeMap<Address, ApiObject>, seen: &mut Seen<ApiObject>) {
        let cluster = self.name();
        let api = Address::new(self.place.clone(), API, cluster);
        let mut answering = ApiObject::new(Value::Null);
        if self.wanted.is_destroyed {
            answering.unwanted = Unwanted::Destroyed(spoken(there, &self.wanted.owner));
        } else if !self.documents.contains_key(&api) {
            return;
        }
        seen.objects.insert(api, State::present(answering, Fingerprint::of(b"api")));
    }

    fn name(&self) -> &str {
        self.place.name().unwrap_or_default()
    }
}

/// The group and the name of an object's kind.
fn group_and_kind(wanted: &OfOwner) -> (String, String) {
    let kind = wanted.manifest.kind();
    (kind.group.to_owned(), kind.name.to_owned())
}

/// All objects at a path, page by page. A kind that the server does not have has none.
pub(super) async fn list(
    link: &dyn ApiLink,
    all_of: &str,
    selector: Option<&str>,
) -> Result<Vec<Value>, Refusal> {
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

impl Cluster<'_> {
    /// The server's answer to a dry run of a manifest, and to one that takes fields from others if they decide some.
    async fn try_out(&self, wanted: &OfOwner, there: &ApiObject) -> Result<Trial, Refusal> {
        let body = secret::tried(&wanted.manifest, &wanted.owner, self.provider.secrets());
        let path = self.kinds.path_of(&wanted.manifest);
        match tried(self.link, wanted, there, &path, &body, false).await? {
            Trial::Conflict(fields, _) => {
                let forced = tried(self.link, wanted, there, &path, &body, true).await?;
                Ok(Trial::Conflict(fields, Box::new(forced)))
            }
            other => Ok(other),
        }
    }

    /// The server's refusal of larger claims, unless it refuses the set already.
    async fn try_growth(&self, wanted: &OfOwner, trial: Option<&Trial>) -> Result<Option<Trial>, Refusal> {
        if matches!(trial, Some(Trial::Refused(_) | Trial::Conflict(..))) {
            return Ok(None);
        }
        match claims::grow(self.link, &wanted.manifest, &wanted.owner, true).await {
            Ok(()) => Ok(None),
            Err(refusal @ Refusal::NoAnswer(_)) => Err(refusal),
            Err(refusal) => Ok(Some(Trial::Refused(refusal.words()))),
        }
    }
}

async fn tried(
    link: &dyn ApiLink,
    wanted: &OfOwner,
    there: &ApiObject,
    path: &str,
    body: &Value,
    is_forced: bool,
) -> Result<Trial, Refusal> {
    let path = apply_path(path, &wanted.owner, is_forced);
    let path = format!("{path}&dryRun=All");
    let refusal = match ask(link, Verb::Apply(body.clone()), path).await {
        Ok(after) => {
            let is_equal =
                !secret::is_secret(&after) && ApiObject::new(after).fingerprint() == there.fingerprint();
            return Ok(if is_equal { Trial::Equal } else { Trial::Taken });
        }
        Err(refusal) => refusal,
    };
    if is_silent_webhook(&refusal) {
        return Ok(Trial::Silent(refusal.words()));
    }
    match refusal.status() {
        None => Err(refusal),
        Some(409) => {
            let fields = refusal.causes().filter(|(reason, ..)| *reason == "FieldManagerConflict");
            let by = |message: &str| message.split('"').nth(1).unwrap_or("another program").to_owned();
            let fields: Vec<_> = fields
                .map(|(_, field, message)| (field.trim_start_matches('.').to_owned(), by(message)))
                .collect();
            // The step itself gives the number of pods back that fmc handed over.
            let keeper = manager(&replicas::keeper(&wanted.owner));
            let fields: Vec<_> = fields.into_iter().filter(|(_, by)| *by != keeper).collect();
            let conflicts = refusal.causes().any(|(reason, ..)| reason == "FieldManagerConflict");
            Ok(if fields.is_empty() && conflicts {
                Trial::Taken
            } else if fields.is_empty() {
                Trial::Refused(refusal.words())
            } else {
                Trial::Conflict(fields, Box::new(Trial::Taken))
            })
        }
        Some(422) => {
            let mut fields: Vec<String> = refusal
                .causes()
                .filter(|(reason, _, message)| {
                    // A bare 422 is not enough: an invalid value is refused in the same way.
                    (*reason == "FieldValueInvalid"
                        && (message.contains("field is immutable")
                            || message.contains("cannot change roleRef")))
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

/// The path of a server-side apply by the manager of an owner, which takes fields from others if it is forced.
pub(super) fn apply_path(path: &str, owner: &str, is_forced: bool) -> String {
    let manager = manager(owner);
    let force = if is_forced { "&force=true" } else { "" };
    format!("{path}?fieldManager={}&fieldValidation=Strict{force}", utf8_percent_encode(&manager, QUERY))
}
