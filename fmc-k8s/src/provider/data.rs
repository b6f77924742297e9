//! Objects whose deletion is that of data: a definition takes along all objects of its kind, and some custom objects take along their volumes.

use fmc_core::count::counted;
use fmc_core::graph::{About, Address, DeleteData, Note, NoteKind, Removal, Seen, Wanted};
use serde_json::Value;

use super::Document;
use crate::compare::plain;
use crate::kind;
use crate::manifest::Manifest;
use crate::object::{ApiObject, Unwanted};

/// The objects that a line names at most.
const NAMED: usize = 8;

/// Kinds whose controllers delete data with an object, by their words in an address: databases, queues, disks and what serves them.
const KINDS: &[&str] = &[
    "cluster.postgresql.cnpg.io",
    "database.postgresql.cnpg.io",
    "kafka.kafka.strimzi.io",
    "kafkanodepool.kafka.strimzi.io",
    "kafkatopic.kafka.strimzi.io",
    "cephcluster.ceph.rook.io",
    "cephblockpool.ceph.rook.io",
    "cephfilesystem.ceph.rook.io",
    "cephobjectstore.ceph.rook.io",
    "volume.longhorn.io",
    "virtualmachine.kubevirt.io",
    "datavolume.cdi.kubevirt.io",
    "volumesnapshot.snapshot.storage.k8s.io",
    "prometheus.monitoring.coreos.com",
    "persistent-volume",
];

/// The reason of the deletion of an object with data.
pub(super) const WITH_ITS_DATA: &str = "no longer wanted, and its data with it";

/// Whether an object holds data, or is a definition.
pub(super) fn is_data(at: &Address) -> bool {
    at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word || is_data_kind(at.kind())
}

/// Whether objects of a kind hold data, by its word in an address.
pub(super) fn is_data_kind(word: &str) -> bool {
    KINDS.contains(&word)
}

/// The wanted objects with data that are made where another one of their kind and namespace stays with its data, each with that one's name:
/// a new name is another database.
pub(super) fn besides<'a>(
    wanted: &'a Wanted<Document>,
    seen: &'a Seen<ApiObject>,
) -> Vec<(&'a Address, &'a str)> {
    let new = wanted.nodes.keys().filter(|at| is_data_kind(at.kind()) && seen.object(at).is_none());
    let beside = |at: &'a Address| {
        let (namespace, _) = at.name().split_once('/')?;
        seen.present().find_map(|(other, object)| {
            let (within, name) = other.name().split_once('/')?;
            let is_alike = other.place() == at.place() && other.kind() == at.kind() && within == namespace;
            let stays = matches!(object.unwanted, Unwanted::Data { .. }) && !wanted.nodes.contains_key(other);
            (is_alike && stays).then_some((at, name))
        })
    };
    new.filter_map(beside).collect()
}

/// Notes about data that a person names for deletion and that the cloud wants: it stays.
pub(super) fn still_wanted(wanted: &Wanted<Document>, asked: &DeleteData) -> Vec<Note> {
    let DeleteData::Of(names) = asked else { return Vec::new() };
    let named = names.iter().filter(|name| name.contains('/'));
    let wanted = named.filter_map(|name| wanted.nodes.keys().find(|at| at.is_named(name)));
    let note = |at: &Address| {
        let text =
            "the cloud wants it, so `--delete-data` deletes nothing of it: leave it out of the cloud first";
        Note { about: About::object(at, None), kind: NoteKind::Notice, text: text.to_owned() }
    };
    wanted.map(note).collect()
}

/// What becomes of an object that holds data, or of a definition, which a person names by `named`. What it goes `with` covers it too.
pub(super) fn removal(
    at: &Address,
    object: &ApiObject,
    (named, with): (&str, Option<&str>),
    asked: &DeleteData,
) -> Removal {
    if at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word {
        return removal_of_definition(object, named, asked);
    }
    match asked.covers(named) || with.is_some_and(|with| asked.covers(with)) {
        true => Removal::Delete(WITH_ITS_DATA.to_owned()),
        false => {
            let named = with.unwrap_or(named);
            Removal::Keep(format!("its data goes with it: `--delete-data {named}` deletes both"))
        }
    }
}

fn removal_of_definition(definition: &ApiObject, named: &str, asked: &DeleteData) -> Removal {
    let foreign = &definition.foreign;
    if !foreign.is_empty() && !asked.covers(named) {
        return Removal::Keep(format!(
            "{}: `--delete-data {named}` deletes all of them",
            takes_along(foreign)
        ));
    }
    // Its operator runs on for the objects of another kind, and fails without each of its kinds.
    if let Some(other) = definition.siblings.iter().find(|other| !asked.covers(other)) {
        return Removal::Keep(format!(
            "{other} stays with the objects of its kind, and the operator of both needs it"
        ));
    }
    match foreign.is_empty() {
        true => Removal::Delete(NO_OBJECTS.to_owned()),
        false => Removal::Delete(format!("no longer wanted: {}", takes_along(foreign))),
    }
}

/// The reason of the deletion of a definition that has no object of another hand.
pub(super) const NO_OBJECTS: &str = "no longer wanted, and no object of its kind is another's";

/// The words about the objects of other hands that go with a definition.
pub(super) fn takes_along(names: &[String]) -> String {
    format!("{} of its kind go with it ({})", counted(names.len(), "object"), named(names))
}

/// The reason why a wanted definition is not applied: it leaves out a version in which the server keeps objects, and the server refuses that.
pub(super) fn stored_in(wanted: &Manifest, there: &ApiObject) -> Option<String> {
    if *wanted.kind() != kind::CUSTOM_RESOURCE_DEFINITION {
        return None;
    }
    let list = |of: &Value, pointer: &str| {
        of.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let versions = list(wanted.content(), "/spec/versions");
    let mut stored = list(there.value(), "/status/storedVersions").into_iter();
    let lost = stored.find(|name| !versions.iter().any(|version| version.get("name") == Some(name)))?;
    let lost = plain(&lost);
    Some(format!(
        "it leaves out the version {lost}, in which the server still keeps objects (`status.storedVersions`): keep {lost} with `served: false`, \
         have every object written again in a version that stays, and then take {lost} out of that status: `kubectl edit crd {} \
         --subresource=status`",
        wanted.name()
    ))
}

/// The first of some names, as a line has them.
pub(super) fn named(names: &[String]) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{first}{more}")
}
