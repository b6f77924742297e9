//! The pure half: how names differ, and what becomes of those that are not wanted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::finding::NameList;
use fmc_core::graph::{
    About, Address, Carries, Change, Choices, Edge, Fingerprint, Impact, Model, Note, NoteKind, Place,
    Removal, Seen, Settled, Verdict, Wanted,
};

use super::document::{Document, Name};
use super::rr::{Mark, Set, Sets, fingerprint};
use super::{Rfc2136, ZONE_KIND};

/// What is at a server: a zone, or a name in one.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsObject {
    /// The zone that it is in.
    pub(super) zone: String,
    pub(super) sets: Sets,
    pub(super) mark: Option<Mark>,
    /// Whether the mark is the cloud's own.
    pub(super) is_ours: bool,
    /// How many of the zone's names of ours this plan would change or delete, and how many there are, if that is too many.
    pub(super) many: Option<(usize, usize)>,
    /// Of a zone: the names that are not ours.
    pub(super) foreign: NameList,
    /// What must stay while it is there.
    pub(super) stands_on: Vec<Address>,
}

impl DnsObject {
    /// A name with nothing but its records and its mark.
    pub(super) fn of_step(sets: Sets, mark: Option<Mark>) -> Self {
        Self {
            zone: String::new(),
            sets,
            mark,
            is_ours: false,
            many: None,
            foreign: NameList::default(),
            stands_on: Vec::new(),
        }
    }
}

/// The fingerprint of a name with its mark.
pub(super) fn seen_as(object: &DnsObject) -> Fingerprint {
    let mark = object.mark.as_ref().map(|mark| mark.set(0)).unwrap_or_default();
    let sets = fingerprint(&object.sets);
    Fingerprint::of(format!("{sets} {}", mark.text()).as_bytes())
}

impl Model for Rfc2136 {
    type Document = Document;
    type Object = DnsObject;

    fn known_as(&self, place: &Place) -> String {
        match place.name() {
            Some(server) => format!("the DNS server {server}"),
            None => "DNS".to_owned(),
        }
    }

    /// A person's word goes with the documents, so that the comparison knows it.
    fn settle<'a>(
        &self,
        wanted: &'a Wanted<Document>,
        _: &Seen<DnsObject>,
        choices: &Choices,
    ) -> Settled<'a, Document> {
        let mut nodes = Cow::Borrowed(&wanted.nodes);
        let agreed =
            wanted.nodes.iter().filter(|(_, node)| choices.delete_data.covers(node.document.zone.bare()));
        for (at, node) in agreed {
            if let Some(settled) = nodes.to_mut().get_mut(at) {
                settled.document = Arc::new(Document { is_agreed: true, ..(*node.document).clone() });
            }
        }
        Settled {
            nodes,
            anew: BTreeMap::new(),
            added: BTreeMap::new(),
            moved: BTreeMap::new(),
            renamed: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    fn fingerprint(&self, document: &Document) -> Fingerprint {
        match document.name() {
            Some(name) => fingerprint(&name.sets),
            None => Fingerprint::of(format!("zone {}", document.zone).as_bytes()),
        }
    }

    fn summary(&self, _: &Address, document: &Document) -> String {
        match document.name() {
            Some(name) => name.sets.values().map(shown).collect::<Vec<_>>().join("; "),
            None => "waits until the server has it".to_owned(),
        }
    }

    fn compare(&self, _: &Address, document: &Document, object: &DnsObject) -> Verdict {
        let Some(name) = document.name() else { return Verdict::Same };
        let differences = differences(&object.sets, &name.sets);
        match &object.mark {
            Some(mark) if !object.is_ours => {
                return Verdict::Held(format!(
                    "it belongs to the cloud {}: give it another name, or remove it there",
                    mark.owner
                ));
            }
            Some(_) => {}
            None if differences.is_empty() => {
                let reason = Some("it is as wanted, and becomes the cloud's".to_owned());
                let to = Some(format!("fmc/{}", name.cloud));
                let path = "owner".to_owned();
                return Verdict::Differs(vec![Change { path, from: None, to, impact: Impact::Live, reason }]);
            }
            None => return Verdict::Held(stranger(object, name)),
        }
        if differences.is_empty() {
            return Verdict::Same;
        }
        match object.many {
            Some(many) if !document.is_agreed => Verdict::Held(too_many(many, &object.zone)),
            _ => Verdict::Differs(differences),
        }
    }

    fn remove(
        &self,
        _: &Address,
        object: &DnsObject,
        _: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        match object.many {
            _ if !object.is_ours => Removal::Ignore,
            Some(many) if !choices.delete_data.covers(&object.zone) => {
                Removal::Leave(too_many(many, &object.zone))
            }
            _ => Removal::Delete("no longer wanted".to_owned()),
        }
    }

    fn needs(&self, _: &Address, object: &DnsObject) -> Vec<Edge> {
        object.stands_on.iter().map(|to| Edge { to: to.clone(), carries: Carries::Exists }).collect()
    }

    /// The names of a zone that are left alone.
    fn notes(&self, at: &Address, _: &Document, object: &DnsObject) -> Vec<Note> {
        if at.kind() != ZONE_KIND || object.foreign.is_empty() {
            return Vec::new();
        }
        let text = format!("names that fmc did not make are left alone: {}", object.foreign);
        vec![Note { about: About::object(at, None), kind: NoteKind::Notice, text }]
    }
}

/// A set for a person: `A 10.17.3.10, 10.17.3.11`.
fn shown(set: &Set) -> String {
    let kind = set.data.values().next().and_then(|text| text.split(' ').next()).unwrap_or_default();
    format!("{kind} {}", set.text())
}

/// The differences between the records of a name.
pub(super) fn differences(seen: &Sets, wanted: &Sets) -> Vec<Change> {
    let mut kinds: Vec<u16> = seen.keys().chain(wanted.keys()).copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let change = |kind: u16| {
        let (from, to) = (seen.get(&kind), wanted.get(&kind));
        if from.zip(to).is_some_and(|(from, to)| from.is_same(to)) {
            return None;
        }
        let text = from.or(to)?.data.values().next()?;
        let path = text.split(' ').next().unwrap_or_default().to_owned();
        let is_ttl = from.zip(to).is_some_and(|(from, to)| from.data.keys().eq(to.data.keys()));
        let (path, from, to) = if is_ttl {
            (format!("{path}.ttl"), from.map(|set| set.ttl.to_string()), to.map(|set| set.ttl.to_string()))
        } else {
            (path, from.map(Set::text), to.map(Set::text))
        };
        Some(Change { path, from, to, impact: Impact::Live, reason: None })
    };
    kinds.into_iter().filter_map(change).collect()
}

/// The refusal of a stranger's name.
fn stranger(object: &DnsObject, name: &Name) -> String {
    let has: Vec<String> = object.sets.values().map(shown).collect();
    format!(
        "fmc did not make it, and it has {}: remove its records at the server, or give {} another name",
        has.join("; "),
        name.owner.bare()
    )
}

/// Why much of a zone is not changed at once.
fn too_many((changed, all): (usize, usize), zone: &str) -> String {
    format!(
        "{changed} of the cloud's {all} names in {zone} would change or go, which is more than a third: if that is meant, apply \
         with `--delete-data {zone}`"
    )
}
