//! What a server has: zones and names, whose they are, and how they differ from what is wanted.

use std::collections::BTreeSet;

use fmc_core::finding::NameList;
use fmc_core::graph::{
    About, Address, Carries, Change, Choices, Edge, Fingerprint, Impact, Note, NoteKind, Place, Removal,
    Seen, Verdict, Wanted,
};
use fmc_core::provider::{Drift, DriftKind, Drifted, Moved, Room, Status};

use crate::consent::{changes_records, too_many};
use crate::records::{Set, Sets, differences, fingerprint};
use crate::wanted::{Name, Part, ZONE_KIND};

/// What is at a server: a zone, or a name in one.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsObject {
    /// The zone that it is in.
    pub(crate) zone: String,
    pub(crate) sets: Sets,
    pub(crate) mark: Option<Mark>,
    /// Whether the mark is the cloud's own.
    pub(crate) is_ours: bool,
    /// Of a name in a zone that is read name by name: whether the index lacks it.
    pub(crate) is_unlisted: bool,
    /// Whether the server makes the name itself, for its own use.
    pub(crate) is_servers: bool,
    /// How many of the zone's names of ours this plan would change or delete, and how many there are, if that is too many.
    pub(crate) many: Option<(usize, usize)>,
    /// Of a zone: the names that are not ours.
    pub(crate) foreign: NameList,
    /// Of a zone: its servers by its own NS records, bare, if they were read.
    pub(crate) servers: BTreeSet<String>,
    /// Of a zone: why its names cannot be kept up to date.
    pub(crate) held: Option<String>,
    /// Of a forward zone, and of a server's configuration: where names are asked for.
    #[cfg(feature = "client")]
    pub(crate) forwards: Option<crate::ipa::Forwards>,
    /// Of a host: whose it is, and whether its machine is enrolled.
    #[cfg(feature = "client")]
    pub(crate) host: Option<crate::ipa::HostState>,
    /// Of a user, a group or a rule.
    #[cfg(feature = "client")]
    pub(crate) entry: Option<crate::ipa::EntryState>,
    /// What must stay while it is there.
    pub(crate) stands_on: Vec<Address>,
}

/// A mark: whose a name is, and the hash of the records that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The owner of the cloud.
    pub(crate) owner: String,
    /// The hash of the name's records at the last apply.
    pub(crate) made: Option<Fingerprint>,
}

impl Mark {
    /// What it says: whose the name is, and the hash.
    pub(crate) fn texts(&self) -> [String; 2] {
        [format!("fmc/{}", self.owner), self.made.map(|made| made.to_string()).unwrap_or_default()]
    }
}

impl DnsObject {
    /// A name with nothing but its records and its mark.
    pub(crate) fn of_step(sets: Sets, mark: Option<Mark>) -> Self {
        Self {
            zone: String::new(),
            sets,
            mark,
            is_ours: false,
            is_unlisted: false,
            is_servers: false,
            many: None,
            foreign: NameList::default(),
            servers: BTreeSet::new(),
            held: None,
            #[cfg(feature = "client")]
            forwards: None,
            #[cfg(feature = "client")]
            host: None,
            #[cfg(feature = "client")]
            entry: None,
            stands_on: Vec::new(),
        }
    }

    /// The needs of an existing object.
    pub(crate) fn needs(&self) -> Vec<Edge> {
        self.stands_on.iter().map(|to| Edge { to: to.clone(), carries: Carries::Exists }).collect()
    }

    /// The names of a zone that are left alone, and servers of it that are not those of the cloud.
    pub(crate) fn notes(&self, at: &Address, part: &Part) -> Vec<Note> {
        if at.kind() != ZONE_KIND {
            return Vec::new();
        }
        let notice = |text| Note { about: About::object(at, None), kind: NoteKind::Notice, text };
        let foreign = (!self.foreign.is_empty())
            .then(|| notice(format!("names that fmc did not make are left alone: {}", self.foreign)));
        let wanted: BTreeSet<String> = part.servers().iter().map(|name| name.bare().to_owned()).collect();
        let is_other = !self.servers.is_empty() && !wanted.is_empty() && self.servers != wanted;
        let servers = is_other.then(|| {
            let (has, says) = (NameList::new(&self.servers), NameList::new(&wanted));
            notice(format!(
                "its NS records name {has}, and the cloud says {says}: they are left to the server, change them there"
            ))
        });
        foreign.into_iter().chain(servers).collect()
    }
}

/// The state of objects: of one that a plan leaves alone, why.
pub(crate) fn status<P: Room<Object = DnsObject>>(
    provider: &P,
    wanted: &Wanted<P::Document>,
    seen: &Seen<DnsObject>,
) -> Status {
    let mut status = Status::of_objects(wanted, seen);
    for standing in &mut status.objects {
        let at = &standing.address;
        let Some((node, object)) = wanted.nodes.get(at).zip(seen.object(at)) else { continue };
        if let Verdict::Held(why) = provider.compare(at, &node.document, object) {
            standing.state = format!("there, and left alone: {why}");
        }
    }
    status
}

/// The fingerprint of a name with its mark.
pub(crate) fn seen_as(object: &DnsObject) -> Fingerprint {
    let mark = object.mark.as_ref().map(Mark::texts);
    let mark = mark.map(|[owner, made]| format!("\"{owner}\" \"{made}\"")).unwrap_or_default();
    let sets = fingerprint(&object.sets);
    Fingerprint::of(format!("{sets} {mark}").as_bytes())
}

/// How a name differs from the wanted one.
pub(crate) fn compare(name: &Name, object: &DnsObject, is_agreed: bool) -> Verdict {
    let differences = differences(&object.sets, &name.beside(&object.sets));
    match &object.mark {
        Some(mark) if !object.is_ours => {
            return Verdict::Held(format!(
                "it belongs to the cloud {}: give it another name, or remove it there",
                mark.owner
            ));
        }
        Some(_) => {}
        None if object.is_servers && differences.is_empty() => return Verdict::Same,
        None if object.is_servers => {
            return Verdict::Held(format!(
                "the server makes it for its own use, and it has {}: remove the records of {} from the cloud",
                shown(&object.sets),
                name.owner.bare()
            ));
        }
        None if differences.is_empty() => {
            let reason = Some("it is as wanted, and becomes the cloud's".to_owned());
            let to = Some(format!("fmc/{}", name.cloud));
            let path = "owner".to_owned();
            return Verdict::Differs(vec![Change { path, from: None, to, impact: Impact::Live, reason }]);
        }
        None => {
            return Verdict::Held(format!(
                "fmc did not make it, and it has {}: remove its records at the server, or give {} another name",
                shown(&object.sets),
                name.owner.bare()
            ));
        }
    }
    if differences.is_empty() && object.is_unlisted {
        let reason = Some("the index of the cloud's names lacks it".to_owned());
        let (path, to) = ("index".to_owned(), Some(name.owner.bare().to_owned()));
        return Verdict::Differs(vec![Change { path, from: None, to, impact: Impact::Live, reason }]);
    }
    if differences.is_empty() {
        return Verdict::Same;
    }
    match object.many {
        Some(many) if !is_agreed && changes_records(&differences) => {
            Verdict::Held(too_many(many, &object.zone))
        }
        _ => Verdict::Differs(differences),
    }
}

/// What becomes of a name that is not wanted.
pub(crate) fn remove(object: &DnsObject, choices: &Choices) -> Removal {
    match object.many {
        _ if !object.is_ours => Removal::Ignore,
        Some(many) if !choices.delete_data.covers(&object.zone) => {
            Removal::Leave(too_many(many, &object.zone))
        }
        _ => Removal::Delete("no longer wanted".to_owned()),
    }
}

/// The names that somebody else changed: those whose mark has the hash of the wanted records.
pub(crate) fn drift<P: Room<Object = DnsObject>>(
    provider: &P,
    wanted: &Wanted<P::Document>,
    seen: &Seen<DnsObject>,
    name: impl Fn(&P::Document) -> Option<&Name>,
) -> Drift {
    let mut found = Drift::unknown_of(seen);
    // Names of ours show that an apply has been there.
    let applied: BTreeSet<&Place> =
        seen.present().filter(|(_, object)| object.is_ours).map(|(at, _)| at.place()).collect();
    for (at, node) in &wanted.nodes {
        let is_read =
            || node.needs.iter().any(|need| need.to.kind() == ZONE_KIND && seen.object(&need.to).is_some());
        if name(&node.document).is_some()
            && !seen.objects.contains_key(at)
            && applied.contains(at.place())
            && is_read()
        {
            found.unclear.push(Drifted {
                address: at.clone(),
                part_of: None,
                kind: DriftKind::Missing,
                changes: Vec::new(),
            });
        }
        let Some((name, object)) = name(&node.document).zip(seen.object(at)) else { continue };
        let changes = match provider.compare(at, &node.document, object) {
            Verdict::Differs(changes) => changes,
            // A plan asks a person first, or leaves it alone.
            Verdict::Held(_) => differences(&object.sets, &name.beside(&object.sets)),
            _ => Vec::new(),
        };
        if !changes.is_empty() {
            let made = object.mark.as_ref().and_then(|mark| mark.made);
            let is_known = made == Some(fingerprint(&name.sets));
            let list = if is_known { &mut found.drift } else { &mut found.unclear };
            list.push(Drifted {
                address: at.clone(),
                part_of: None,
                kind: DriftKind::Changed,
                changes: changes.into_iter().map(Moved::from).collect(),
            });
        }
    }
    found
}

/// The records of a name for a person.
pub(crate) fn shown(sets: &Sets) -> String {
    sets.values().map(Set::shown).collect::<Vec<_>>().join("; ")
}
