//! The calls by which an entry becomes as it is wanted, one after the other: an entry is never changed by two calls at once.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::OURS;
use super::entry::PeopleEntry;
use super::state::EntryState;
use super::table::{CLASS, COMMANDS, EntryKind, Member, SERVICES, USER};
use crate::client::IpaCall;

/// The calls for an entry that FreeIPA has so, or does not have.
pub(in super::super) fn calls(
    kind: &'static EntryKind,
    name: &str,
    state: Option<&EntryState>,
    wanted: Option<&PeopleEntry>,
) -> Vec<IpaCall> {
    let Some(entry) = wanted else {
        return vec![IpaCall::new(format!("{}_del", kind.object), vec![json!([name])], Map::new())];
    };
    let maker = Maker { kind, name };
    let nothing = EntryState::default();
    let held = state.unwrap_or(&nothing);
    let mut calls = Vec::new();
    if state.is_none() && entry.is_whole() {
        calls.push(maker.call("add", maker.of_new(entry)));
    }
    if held.is_preserved && entry.is_whole() {
        calls.push(maker.call("undel", Map::new()));
    }
    if entry.is_whole() {
        // FreeIPA takes no `all` beside members, so those that go do it first.
        calls.extend(maker.members(held, entry, "remove"));
        let options = maker.changes(held, entry);
        if state.is_some() && !options.is_empty() {
            calls.push(maker.call("mod", options));
        }
        calls.extend(bare(held, entry));
        calls.extend(maker.members(held, entry, "add"));
    }
    if entry.is_disabled != held.is_disabled {
        calls.push(maker.call(if entry.is_disabled { "disable" } else { "enable" }, Map::new()));
    }
    calls
}

struct Maker<'e> {
    kind: &'static EntryKind,
    name: &'e str,
}

impl Maker<'_> {
    fn call(&self, verb: &str, options: Map<String, Value>) -> IpaCall {
        IpaCall::new(format!("{}_{verb}", self.kind.object), vec![json!(self.name)], options)
    }

    /// The options of a new entry.
    fn of_new(&self, entry: &PeopleEntry) -> Map<String, Value> {
        let mut options = Map::new();
        for attribute in self.kind.attributes {
            let values = entry.values.get(attribute.name).filter(|values| !values.is_empty());
            if let Some(values) = values {
                options.insert(attribute.name.to_owned(), value(values, attribute.has_many));
            }
        }
        if *self.kind == USER {
            options.insert(CLASS.to_owned(), json!([format!("{OURS}{}", entry.owner)]));
        }
        if entry.is_non_posix {
            options.insert("nonposix".to_owned(), json!(true));
        }
        options
    }

    /// The options of a change: the attributes that differ.
    fn changes(&self, held: &EntryState, entry: &PeopleEntry) -> Map<String, Value> {
        let nothing = BTreeSet::new();
        let mut options = Map::new();
        for attribute in self.kind.attributes {
            let Some(wanted) = entry.values.get(attribute.name) else { continue };
            if held.values.get(attribute.name).unwrap_or(&nothing) != wanted {
                options.insert(attribute.name.to_owned(), value(wanted, attribute.has_many));
            }
        }
        if self.kind.object == "group" && !entry.is_non_posix && !held.is_posix {
            options.insert("posix".to_owned(), json!(true));
        }
        options
    }

    /// The calls that add or remove members: one for those that the same command takes.
    fn members(&self, held: &EntryState, entry: &PeopleEntry, verb: &str) -> Vec<IpaCall> {
        let mut by_command: Vec<(&str, Map<String, Value>)> = Vec::new();
        for member in self.kind.members {
            let names = if verb == "add" { added(member, held, entry) } else { gone(member, held, entry) };
            if names.is_empty() {
                continue;
            }
            let mut names = names;
            let at = by_command.iter().position(|(suffix, _)| *suffix == member.suffix);
            let at = at.unwrap_or_else(|| {
                by_command.push((member.suffix, Map::new()));
                by_command.len() - 1
            });
            if let Some((_, options)) = by_command.get_mut(at) {
                let before = options.remove(member.option);
                names.extend(before.iter().flat_map(|before| before.as_array()).flatten().cloned());
                options.insert(member.option.to_owned(), Value::Array(names));
            }
        }
        let calls = by_command.into_iter();
        calls.map(|(suffix, options)| self.call(&format!("{verb}_{suffix}"), options)).collect()
    }
}

/// Commands of sudo and services of PAM must be there before a rule names them; one that is there already is a duplicate.
fn bare(held: &EntryState, entry: &PeopleEntry) -> Vec<IpaCall> {
    let bare = entry.kind.members.iter().filter_map(|member| match member.attributes {
        [COMMANDS] => Some((member, "sudocmd_add")),
        [SERVICES] => Some((member, "hbacsvc_add")),
        _ => None,
    });
    bare.flat_map(|(member, command)| {
        let names = added(member, held, entry).into_iter();
        names.map(move |name| IpaCall::new(command, vec![name], Map::new()))
    })
    .collect()
}

/// Whether a call makes something that rules name and that may be there already.
pub(in super::super) fn is_bare(call: &IpaCall) -> bool {
    matches!(call.command(), "sudocmd_add" | "hbacsvc_add")
}

fn sets<'e>(
    member: &Member,
    held: &'e EntryState,
    entry: &'e PeopleEntry,
) -> (Option<&'e BTreeSet<String>>, Option<&'e BTreeSet<String>>) {
    let first = member.attributes.first();
    (first.and_then(|first| held.members.get(first)), first.and_then(|first| entry.members.get(first)))
}

/// The members that are wanted and not there.
pub(super) fn added(member: &Member, held: &EntryState, entry: &PeopleEntry) -> Vec<Value> {
    let (there, wanted) = sets(member, held, entry);
    let is_new = |name: &&String| !there.is_some_and(|there| there.contains(*name));
    wanted.into_iter().flatten().filter(is_new).map(|name| json!(name)).collect()
}

/// The members that are there and not wanted.
pub(super) fn gone(member: &Member, held: &EntryState, entry: &PeopleEntry) -> Vec<Value> {
    let (there, wanted) = sets(member, held, entry);
    let is_unwanted = |name: &&String| !wanted.is_some_and(|wanted| wanted.contains(*name));
    there.into_iter().flatten().filter(is_unwanted).map(|name| json!(name)).collect()
}

/// A value of an attribute: an empty one clears it.
fn value(values: &BTreeSet<String>, has_many: bool) -> Value {
    match values.first() {
        _ if has_many => json!(values),
        Some(one) => json!(one),
        None => json!(""),
    }
}
