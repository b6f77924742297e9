//! The change of one name: conditions that the server checks, and what it does if they hold (RFC 2136).

use std::collections::BTreeSet;

use crate::records::{CNAME, Set, Sets};

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The name has no records at all.
    Unused(String),
    /// The name has records, whatever they are.
    Used(String),
    /// The name has no records of a type.
    Without(String, u16),
    /// The name has these records of a type, and no others.
    Exactly(String, u16, Set),
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// All records of a type are deleted.
    Delete(String, u16),
    /// One record is deleted, if it is there.
    Remove(String, u16, Vec<u8>),
    /// These records are added.
    Add(String, u16, Set),
}

/// A message that changes one name of a zone, with its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) zone: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) changes: Vec<Change>,
}

impl Update {
    /// The change of names of a zone from what was seen to what is wanted: the name itself, and the one of its mark.
    ///
    /// What is deleted goes first, so that an alias can come where there were addresses.
    pub(super) fn of<'a>(zone: &str, names: impl IntoIterator<Item = (&'a str, &'a Sets, &'a Sets)>) -> Self {
        let mut update = Self { zone: zone.to_owned(), conditions: Vec::new(), changes: Vec::new() };
        let mut added = Vec::new();
        for (name, seen, wanted) in names {
            if seen.is_empty() {
                update.conditions.push(Condition::Unused(name.to_owned()));
            }
            for (kind, set) in seen {
                update.conditions.push(Condition::Exactly(name.to_owned(), *kind, set.clone()));
            }
            let kinds: BTreeSet<u16> = seen.keys().chain(wanted.keys()).copied().collect();
            for kind in kinds {
                let (from, to) = (seen.get(&kind), wanted.get(&kind));
                if !seen.is_empty() && from.is_none() {
                    update.conditions.push(Condition::Without(name.to_owned(), kind));
                }
                if from.zip(to).is_some_and(|(from, to)| from.is_same(to)) {
                    continue;
                }
                if from.is_some() {
                    update.changes.push(Change::Delete(name.to_owned(), kind));
                }
                if let Some(set) = to {
                    // An alias is added last, when all else is gone.
                    let place = if kind == CNAME { added.len() } else { 0 };
                    added.insert(place, Change::Add(name.to_owned(), kind, set.clone()));
                }
            }
        }
        update.changes.extend(added);
        update
    }
}
