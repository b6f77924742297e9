//! How entries differ, and what becomes of those that the cloud no longer has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::graph::{
    About, Address, Change, Choices, DeleteData, Impact, Node, Note, NoteKind, Place, Removal, Seen, State,
    Verdict, Wanted,
};
use fmc_core::provider::{DriftKind, Drifted, Moved};
use serde_json::Value;

use super::super::document::{Access, Document};
use super::calls::{added, gone};
use super::entry::{PeopleEntry, What};
use super::state::EntryState;
use super::table::{EntryKind, HBAC_RULE, KEYS, USER};
use super::wanted::document;
use super::{ALLOW_ALL, OURS};
use crate::object::DnsObject;

/// How an entry differs from the wanted one.
pub(in super::super) fn compare(entry: &PeopleEntry, object: &DnsObject) -> Verdict {
    let Some(state) = &object.entry else { return Verdict::Same };
    let PeopleEntry { kind, name, owner, .. } = entry;
    let noun = kind.noun;
    if entry.is_whole() && !state.is_of(owner) {
        return Verdict::Held(match state.owners.first() {
            Some(other) => {
                format!("it belongs to the cloud {other}: give the {noun} another name, or remove it there")
            }
            None if *kind == &USER => format!(
                "fmc did not make it: take the user out of the cloud, or give it to the cloud by `ipa user-mod {name} \
                 --addattr=userclass={OURS}{owner}`"
            ),
            None => format!(
                "fmc did not make it: take the {noun} out of the cloud, or give it to the cloud by `ipa {}-mod {name} \
                 --desc={OURS}{owner}`",
                kind.object
            ),
        });
    }
    if entry.is_whole() && entry.is_non_posix && state.is_posix {
        return Verdict::Held(format!(
            "FreeIPA takes the number of no group away: take `non_posix` out, or delete it by `ipa group-del {name}`, and plan again"
        ));
    }
    let changes = changes(entry, state);
    if changes.is_empty() { Verdict::Same } else { Verdict::Differs(changes) }
}

/// The differences of an entry from the wanted one.
pub(in super::super) fn changes(entry: &PeopleEntry, state: &EntryState) -> Vec<Change> {
    let mut changes = Vec::new();
    let reason = (entry.what == What::Retired).then(|| {
        format!("no longer in the cloud; `--delete-data {}` deletes it", former(&USER, &entry.name))
    });
    let change = |path: &str, from: Option<String>, to: Option<String>| Change {
        path: path.to_owned(),
        from,
        to,
        impact: Impact::Live,
        reason: reason.clone(),
    };
    if entry.is_whole() {
        if state.is_preserved {
            changes.push(change("preserved", Some("yes".to_owned()), Some("no".to_owned())));
        }
        let nothing = BTreeSet::new();
        for attribute in entry.kind.attributes {
            let Some(wanted) = entry.values.get(attribute.name) else { continue };
            let there = state.values.get(attribute.name).unwrap_or(&nothing);
            if attribute.has_many {
                let less = there.difference(wanted).map(|value| shown(attribute.name, value));
                let more = wanted.difference(there).map(|value| shown(attribute.name, value));
                let (less, more) = (joined(less), joined(more));
                changes.extend(less.map(|less| change(attribute.label, Some(less), None)));
                changes.extend(more.map(|more| change(attribute.label, None, Some(more))));
            } else if there != wanted {
                changes.push(change(
                    attribute.label,
                    joined(there.iter().cloned()),
                    joined(wanted.iter().cloned()),
                ));
            }
        }
        if entry.kind.object == "group" && !entry.is_non_posix && !state.is_posix {
            changes.push(change("number", None, Some("of FreeIPA's choice".to_owned())));
        }
        let texts = |names: Vec<Value>| joined(names.iter().filter_map(Value::as_str).map(str::to_owned));
        for member in entry.kind.members {
            let (less, more) = (texts(gone(member, state, entry)), texts(added(member, state, entry)));
            changes.extend(less.map(|less| change(member.label, Some(less), None)));
            changes.extend(more.map(|more| change(member.label, None, Some(more))));
        }
    }
    if entry.is_disabled != state.is_disabled {
        let word = |is_disabled: bool| Some(if is_disabled { "disabled" } else { "enabled" }.to_owned());
        changes.push(change("state", word(state.is_disabled), word(entry.is_disabled)));
    }
    changes
}

fn joined(values: impl Iterator<Item = String>) -> Option<String> {
    let values: Vec<String> = values.collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// A value for a person: of a key its algorithm, its end and its comment.
fn shown(attribute: &str, value: &str) -> String {
    if attribute != KEYS {
        return value.to_owned();
    }
    let mut parts = value.splitn(3, ' ');
    let (algorithm, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let end = key.char_indices().rev().nth(7).and_then(|(at, _)| key.get(at..)).unwrap_or(key);
    let comment = parts.next().map(|comment| format!(" {comment}")).unwrap_or_default();
    format!("{algorithm} …{end}{comment}")
}

/// The name by which a person asks for the deletion of an entry: machines have names without a slash.
pub(super) fn former(kind: &EntryKind, name: &str) -> String {
    format!("{}/{name}", kind.address)
}

/// What becomes of an entry of ours that the cloud no longer has.
pub(in super::super) fn remove(
    kind: &'static EntryKind,
    at: &Address,
    object: &DnsObject,
    choices: &Choices,
) -> Removal {
    let Some(state) = object.entry.as_ref().filter(|_| object.is_ours) else { return Removal::Ignore };
    let name = former(kind, at.name());
    match &choices.delete_data {
        DeleteData::Of(names) if names.contains(&name) => Removal::Delete("no longer wanted".to_owned()),
        _ if *kind == USER => {
            let how = if state.is_disabled || state.is_preserved { "disabled" } else { "still enabled" };
            Removal::Keep(format!(
                "the user is no longer in the cloud, and {how}: delete it by `--delete-data {name}`"
            ))
        }
        // Files on machines may have its number.
        _ if state.is_posix => Removal::Keep(format!(
            "the group is no longer in the cloud, and files may have its number: delete it by `--delete-data {name}`"
        )),
        _ => Removal::Discard("no longer wanted".to_owned()),
    }
}

/// Users of ours who are no longer in the cloud are disabled, unless a person deletes them.
pub(in super::super) fn retire(
    wanted: &Wanted<Document>,
    seen: &Seen<DnsObject>,
    choices: &Choices,
) -> Vec<(Address, Node<Document>)> {
    if wanted.is_destroyed {
        return Vec::new();
    }
    let mut ways: BTreeMap<&Place, Option<&Arc<Access>>> = BTreeMap::new();
    let mut retired = Vec::new();
    for (at, object) in seen.present() {
        let Some(state) = object.entry.as_ref().filter(|_| object.is_ours && at.kind() == USER.address)
        else {
            continue;
        };
        let is_deleted = matches!(
            &choices.delete_data,
            DeleteData::Of(names) if names.contains(&former(&USER, at.name()))
        );
        if is_deleted || state.is_disabled || state.is_preserved || wanted.nodes.contains_key(at) {
            continue;
        }
        let way = ways.entry(at.place()).or_insert_with(|| {
            let node = wanted.nodes.iter().find(|(other, _)| other.place() == at.place());
            node.map(|(_, node)| &node.document.access)
        });
        let Some(access) = way else { continue };
        let entry = PeopleEntry {
            kind: &USER,
            name: at.name().to_owned(),
            owner: Arc::clone(&wanted.owner),
            values: BTreeMap::new(),
            members: BTreeMap::new(),
            is_disabled: true,
            is_non_posix: false,
            what: What::Retired,
        };
        let document = Arc::new(document(access, &wanted.owner, entry));
        retired.push((at.clone(), Node { document, needs: Vec::new(), part_of: None }));
    }
    retired
}

/// While FreeIPA's own rule lets everybody in, those of the cloud do nothing.
pub(in super::super) fn moot(wanted: &Wanted<Document>, seen: &Seen<DnsObject>) -> Vec<Note> {
    let mut notes = Vec::new();
    for (at, object) in &seen.objects {
        if at.kind() != HBAC_RULE.address || at.name() != ALLOW_ALL || wanted.nodes.contains_key(at) {
            continue;
        }
        let State::Present { object, .. } = object else { continue };
        let is_enabled = object.entry.as_ref().is_some_and(|state| !state.is_disabled);
        let has_rules =
            wanted.nodes.keys().any(|rule| rule.kind() == HBAC_RULE.address && rule.place() == at.place());
        if !is_enabled && !has_rules {
            let text = "it is disabled, and the cloud has no rule about access: nobody logs in by FreeIPA, unless a rule of others lets them \
                        in. `ipa hbacrule-enable allow_all` lets everybody in"
                .to_owned();
            notes.push(Note { about: About::object(at, None), kind: NoteKind::Notice, text });
        }
        if is_enabled && has_rules {
            let text = "it is enabled: every user may log in everywhere, and the cloud's rules about access do nothing until `people` \
                        says `without_allow_all`"
                .to_owned();
            notes.push(Note { about: About::object(at, None), kind: NoteKind::Notice, text });
        }
    }
    notes
}

/// Entries of ours that are not as the cloud wants them. Whether another hand or the cloud changed since the last apply cannot be told.
pub(in super::super) fn drift(wanted: &Wanted<Document>, seen: &Seen<DnsObject>) -> Vec<Drifted> {
    let mut found = Vec::new();
    for (at, node) in &wanted.nodes {
        let Some((entry, object)) = node.document.entry.as_ref().zip(seen.object(at)) else { continue };
        let Some(state) = &object.entry else { continue };
        let changes = changes(entry, state);
        if !changes.is_empty() {
            let changes = changes.into_iter().map(Moved::from).collect();
            found.push(Drifted { address: at.clone(), part_of: None, kind: DriftKind::Changed, changes });
        }
    }
    found
}
