//! The custom objects of a cluster, and what stands on what.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{Address, Seen, State};
use futures_util::future::{join_all, try_join_all};
use serde_json::Value;

use super::super::document::Wanted;
use super::super::patience::not_served;
use super::super::served::{self, Served};
use super::super::{Document, Refusal, get, path_of};
use super::{Cluster, list};
use crate::compare::plain;
use crate::kind::{self, Kind};
use crate::link::ApiLink;
use crate::manifest::{self, Manifest, OPERATOR, OWNER};
use crate::object::ApiObject;

/// The custom kinds of a server: the wanted ones in the versions that are wanted, and all others.
#[derive(Default)]
pub(super) struct Kinds {
    wanted: Vec<Served>,
    /// The kinds of which nothing is wanted: objects of ours may be left there.
    others: Vec<Served>,
}

impl Kinds {
    /// Asks a server for them.
    pub(super) async fn read(
        link: &dyn ApiLink,
        documents: &BTreeMap<&Address, &Document>,
    ) -> Result<Self, Refusal> {
        let manifests = documents.values().filter_map(|document| Some(&document.wanted()?.manifest));
        let kinds: BTreeSet<&Kind> = manifests.map(Manifest::kind).filter(|kind| kind.is_custom()).collect();
        let versions: BTreeSet<(&str, &str)> = kinds.iter().map(|kind| (kind.group, kind.version)).collect();
        let lists = versions.iter().map(|(group, version)| served::of_version(link, group, version));
        let wanted: Vec<Served> = try_join_all(lists).await?.concat();
        let is_wanted = |one: &Served| kinds.iter().any(|kind| kind.word == one.kind.word);
        let is_in_version = |one: &Served| {
            kinds.iter().any(|kind| kind.word == one.kind.word && kind.version == one.kind.version)
        };
        let wanted: Vec<Served> = wanted.into_iter().filter(is_in_version).collect();
        let others = served::all(link).await?;
        let others = others.into_iter().filter(|one| {
            // One that is wanted in a version that the server does not have may be there in another one.
            !is_wanted(one) || wanted.iter().all(|known| known.kind.word != one.kind.word)
        });
        let others = others.collect();
        Ok(Self { wanted, others })
    }

    fn of(&self, kind: &Kind) -> Option<&Served> {
        self.wanted.iter().find(|one| one.kind.word == kind.word && one.kind.version == kind.version)
    }

    /// The path of a wanted object.
    pub(super) fn path_of(&self, manifest: &Manifest) -> String {
        match self.of(manifest.kind()) {
            Some(served) => format!("{}/{}", served.kind.path(manifest.namespace()), manifest.name()),
            None => path_of(manifest),
        }
    }
}

impl Cluster<'_> {
    /// Adds our custom objects, and strangers whose names wanted ones take.
    pub(super) async fn list_custom(&self, there: &mut BTreeMap<Address, ApiObject>) -> Result<(), Refusal> {
        let ours = format!("{OWNER}={}", self.wanted.owner);
        let wanted = self.kinds.wanted.iter();
        let lists = wanted.clone().map(|served| {
            let path = served.kind.path(None);
            async move { list(self.link, &path, None).await }
        });
        for (served, values) in wanted.zip(try_join_all(lists).await?) {
            self.add(served, values, there);
        }
        let others = self.kinds.others.iter();
        let lists = others.clone().map(|served| {
            let (path, ours) = (served.kind.path(None), &*ours);
            async move { list(self.link, &path, Some(ours)).await }
        });
        for (served, values) in others.zip(join_all(lists).await) {
            match values {
                // A server behind the API may be away, and some lists are not for everyone.
                Err(Refusal::Status(..)) => {}
                values => self.add(served, values?, there),
            }
        }
        Ok(())
    }

    fn add(&self, served: &Served, values: Vec<Value>, there: &mut BTreeMap<Address, ApiObject>) {
        let owner = &*self.wanted.owner;
        for value in values {
            let text = |key: &str| value.get("metadata")?.get(key)?.as_str();
            let Some(name) = text("name") else { continue };
            let at = manifest::address(self.name(), served.kind, text("namespace"), name);
            let mut object = ApiObject::of_list(value, served.kind);
            object.has_status = served.has_status;
            if let Some(definition) = served.kind.definition() {
                object.stands_on.push(at.beside(kind::CUSTOM_RESOURCE_DEFINITION.word, definition));
            }
            let is_ours =
                object.owner() == Some(owner) && (object.is_made_by(owner) || !object.is_of_another());
            if is_ours || self.documents.contains_key(&at) {
                there.insert(at, object);
            }
        }
    }

    /// The wanted definitions.
    fn definitions(&self) -> impl Iterator<Item = (&Address, &Wanted)> {
        let all = self.documents.iter().filter_map(|(at, document)| Some((*at, document.wanted()?)));
        all.filter(|(_, wanted)| *wanted.manifest.kind() == kind::CUSTOM_RESOURCE_DEFINITION)
    }

    /// The kinds by group and name whose definitions an apply changes, so that the server judges their objects otherwise then.
    pub(super) fn changing_kinds(&self, there: &BTreeMap<Address, ApiObject>) -> BTreeSet<(String, String)> {
        let changing = self.definitions().filter(|(at, wanted)| {
            there.get(*at).is_some_and(|definition| {
                definition.owner() == Some(&*wanted.owner) && !wanted.is_met_by(definition)
            })
        });
        changing.map(|(_, wanted)| defined_kind(&wanted.manifest)).collect()
    }

    /// Wanted objects of kinds that the server does not have and that no definition of the cloud adds: they wait for one.
    pub(super) fn not_served(&self, seen: &mut Seen<ApiObject>) {
        let defined: BTreeSet<(String, String)> =
            self.definitions().map(|(_, document)| defined_kind(&document.manifest)).collect();
        for (at, document) in self.documents {
            // A step waits for a kind that the cluster itself brings.
            let manifest = document.wanted().map(|wanted| &wanted.manifest);
            let Some(manifest) = manifest.filter(|manifest| !manifest.is_brought) else { continue };
            let kind = manifest.kind();
            let is_defined = defined.contains(&(kind.group.to_owned(), kind.name.to_owned()));
            if kind.is_custom() && !is_defined && self.kinds.of(kind).is_none() {
                let phase = format!(
                    "a CustomResourceDefinition adds its kind: {}, and the cloud adds none",
                    not_served(kind)
                );
                seen.objects.insert((*at).clone(), State::NotYet { phase, is_new: true });
            }
        }
    }

    /// Wanted objects that are not there, in namespaces that the cluster does not have and that the cloud does not make.
    pub(super) async fn in_no_namespace(
        &self,
        there: &BTreeMap<Address, ApiObject>,
        seen: &mut Seen<ApiObject>,
    ) -> Result<(), Refusal> {
        let mut missing: BTreeMap<&str, Vec<&Address>> = BTreeMap::new();
        for (at, document) in self.documents {
            let namespace = document.wanted().and_then(|wanted| wanted.manifest.namespace());
            let Some(namespace) = namespace.filter(|_| !there.contains_key(*at)) else { continue };
            if !self.documents.contains_key(&at.beside(kind::NAMESPACE.word, namespace)) {
                missing.entry(namespace).or_default().push(at);
            }
        }
        for (namespace, objects) in missing {
            if get(self.link, format!("{}/{namespace}", kind::NAMESPACE.path(None))).await?.is_some() {
                continue;
            }
            let phase = format!(
                "somebody makes the namespace {namespace}: the cluster does not have it, and the cloud makes none"
            );
            for at in objects {
                let state = State::NotYet { phase: phase.clone(), is_new: true };
                seen.objects.entry(at.clone()).or_insert(state);
            }
        }
        Ok(())
    }

    /// Custom objects stand on what operates them, and the pods of an operator on all else of it. A definition that would take along objects
    /// of other hands stands on its operator as these do: their controllers may have to let them go.
    pub(super) fn stand(&self, there: &mut BTreeMap<Address, ApiObject>) {
        let mut operators: BTreeMap<String, Vec<Address>> = BTreeMap::new();
        for (at, object) in there.iter() {
            // An object of an own kind of the operator, which its file has too, stands on its pods like any other.
            let operator = operator_of(object).filter(|_| !at.kind().contains('.'));
            if let Some(operator) = operator {
                operators.entry(operator).or_default().push(at.clone());
            }
        }
        if operators.is_empty() {
            return;
        }
        let of_definition: BTreeMap<Address, Vec<Address>> = there
            .iter()
            .filter(|(at, _)| at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word)
            .filter_map(|(at, object)| Some((at.clone(), operators.get(&operator_of(object)?)?.clone())))
            .collect();
        let burdened = burdened(there);
        let is_burdened = |at: &Address| burdened.contains_key(at);
        let is_pods = |at: &Address| Kind::by_word(at.kind()).is_some_and(Kind::has_pods);
        for (at, object) in there.iter_mut() {
            let operator = operator_of(object);
            // Pods as the cloud wants them need nothing that the files of their operator lost.
            let wanted = self.documents.get(at).and_then(|document| document.wanted());
            let is_met = wanted.is_some_and(|wanted| wanted.is_met_by(object));
            if at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word {
                let siblings =
                    burdened.iter().filter(|(other, of)| *other != at && Some(*of) == operator.as_ref());
                object.siblings = siblings.map(|(other, _)| self.named(other)).collect();
            }
            let operator = operator.filter(|_| is_pods(at) && !is_met || is_burdened(at));
            let all: Vec<Address> = match operator {
                Some(operator) => {
                    let all =
                        operators.get(&operator).into_iter().flatten().filter(|other| !is_burdened(other));
                    all.filter(|other| is_burdened(at) || !is_pods(other)).cloned().collect()
                }
                None => object
                    .stands_on
                    .iter()
                    .filter_map(|on| of_definition.get(on))
                    .flatten()
                    .cloned()
                    .collect(),
            };
            object.stands_on.extend(all.into_iter().filter(|other| other != at));
        }
    }
}

/// The definitions that would take along objects of other hands, each with its operator.
fn burdened(there: &BTreeMap<Address, ApiObject>) -> BTreeMap<Address, String> {
    let all = there.iter().filter(|(at, object)| {
        at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word && !object.foreign.is_empty()
    });
    all.filter_map(|(at, object)| Some((at.clone(), operator_of(object)?))).collect()
}

/// The group and the name of the kind that a definition adds.
fn defined_kind(definition: &Manifest) -> (String, String) {
    let text = |pointer: &str| definition.content().pointer(pointer).map(plain).unwrap_or_default();
    (text("/spec/group"), text("/spec/names/kind"))
}

/// The operator whose file an object is from.
fn operator_of(object: &ApiObject) -> Option<String> {
    object.value().pointer("/metadata/labels")?.get(OPERATOR).map(plain)
}

/// The objects of a definition's kind that are not this owner's, as `db in shop`.
pub(in super::super) async fn strangers(
    link: &dyn ApiLink,
    definition: &ApiObject,
    owner: &str,
) -> Result<Vec<String>, Refusal> {
    let text = |pointer: &str| definition.value().pointer(pointer).map(plain).unwrap_or_default();
    let (group, plural) = (text("/spec/group"), text("/spec/names/plural"));
    let versions = definition.value().pointer("/spec/versions").and_then(Value::as_array);
    let mut served =
        versions.into_iter().flatten().filter(|version| version.get("served") == Some(&Value::Bool(true)));
    let Some(version) = served.next().and_then(|version| version.get("name").map(plain)) else {
        return Ok(Vec::new());
    };
    let values = list(link, &format!("/apis/{group}/{version}/{plural}"), None).await?;
    // A controller made it for another object, and it goes with that one.
    let strange = values.into_iter().map(ApiObject::new);
    let strange = strange.filter(|object| !object.is_made_by(owner) && !object.is_of_another());
    let mut names: Vec<String> = strange
        .map(|object| {
            let text = |key: &str| object.value().get("metadata").and_then(|all| all.get(key)).map(plain);
            let name = text("name").unwrap_or_default();
            text("namespace").map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"))
        })
        .collect();
    names.sort();
    Ok(names)
}
