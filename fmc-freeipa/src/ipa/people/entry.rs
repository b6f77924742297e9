//! A wanted entry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::graph::Fingerprint;

use super::table::EntryKind;

/// A wanted entry.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct PeopleEntry {
    pub(in super::super) kind: &'static EntryKind,
    pub(in super::super) name: String,
    /// The owner of the cloud, whose mark it has.
    pub(in super::super) owner: Arc<str>,
    /// The values of the attributes that the cloud decides; the others stay as they are.
    pub(super) values: BTreeMap<&'static str, BTreeSet<String>>,
    /// Its members, by their first attribute.
    pub(super) members: BTreeMap<&'static str, BTreeSet<String>>,
    pub(super) is_disabled: bool,
    /// Of a group: whether it has no number.
    pub(super) is_non_posix: bool,
    pub(super) what: What,
}

/// What the cloud wants of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It is there, as the cloud says.
    Whole,
    /// It is FreeIPA's own, and is disabled.
    Own,
    /// It is a user of ours who is no longer in the cloud, and is disabled.
    Retired,
}

impl PeopleEntry {
    pub(in super::super) fn fingerprint(&self) -> Fingerprint {
        let Self { kind, name, owner, values, members, is_disabled, is_non_posix, what } = self;
        let text = format!(
            "{} {name} {owner} {values:?} {members:?} {is_disabled} {is_non_posix} {what:?}",
            kind.address
        );
        Fingerprint::of(text.as_bytes())
    }

    /// Whether it has a mark of the cloud.
    pub(super) fn is_whole(&self) -> bool {
        self.what == What::Whole
    }

    /// What a plan says of one that is made.
    pub(in super::super) fn summary(&self) -> String {
        let labelled = self.kind.members.iter().filter_map(|member| {
            let names = self.members.get(member.attributes.first()?)?;
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            (!names.is_empty()).then(|| format!("{} {}", member.label, names.join(", ")))
        });
        let all = self.kind.attributes.iter().filter(|attribute| attribute.name.ends_with("category"));
        let all =
            all.filter(|attribute| self.values.get(attribute.name).is_some_and(|values| !values.is_empty()));
        let mut words: Vec<String> =
            all.map(|attribute| attribute.label.to_owned()).chain(labelled).collect();
        if let Some(full) = self.values.get("cn").and_then(BTreeSet::first) {
            words.insert(0, full.clone());
        }
        if self.is_disabled {
            words.push("disabled".to_owned());
        }
        words.join("; ")
    }
}
