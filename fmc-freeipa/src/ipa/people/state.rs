//! An entry as FreeIPA has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fmc_core::graph::Fingerprint;

use super::OURS;
use super::table::{CLASS, DESCRIPTION, EntryKind, NUMBER, Switch};
use crate::client::IpaEntry;

/// An entry as FreeIPA has it, as far as a cloud may decide it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EntryState {
    /// The owners of the clouds whose marks it has.
    pub(super) owners: Vec<String>,
    /// The classes of a user, with marks.
    pub(super) classes: Vec<String>,
    pub(super) values: BTreeMap<&'static str, BTreeSet<String>>,
    pub(super) members: BTreeMap<&'static str, BTreeSet<String>>,
    pub(super) is_disabled: bool,
    /// Of a user: whether they were deleted and preserved.
    pub(super) is_preserved: bool,
    /// Of a group: whether it has a number.
    pub(super) is_posix: bool,
}

/// Entries of ours that the cloud no longer has, by their option and name: they may leave groups and rules while an apply runs.
pub(in super::super) type Leaving = BTreeSet<(&'static str, String)>;

impl EntryState {
    pub(super) fn read(kind: &'static EntryKind, entry: &IpaEntry) -> Self {
        let set = |name: &str| -> BTreeSet<String> { entry.texts(name).into_iter().collect() };
        let values = kind.attributes.iter().map(|attribute| (attribute.name, set(attribute.name)));
        let values: BTreeMap<_, BTreeSet<String>> = values.filter(|(_, values)| !values.is_empty()).collect();
        let mut members: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        for member in kind.members {
            let Some(first) = member.attributes.first() else { continue };
            let names: BTreeSet<String> = member.attributes.iter().flat_map(|name| set(name)).collect();
            if !names.is_empty() {
                members.insert(first, names);
            }
        }
        let classes = entry.texts(CLASS);
        let description = entry.text(DESCRIPTION).unwrap_or_default();
        let mut owners: Vec<String> =
            classes.iter().filter_map(|class| class.strip_prefix(OURS)).map(str::to_owned).collect();
        owners.extend(marked(&description).map(|(_, owner)| owner.to_owned()));
        owners.sort_unstable();
        Self {
            owners,
            classes,
            values,
            members,
            is_disabled: match kind.switch {
                Switch::None => false,
                Switch::Locked => entry.flag("nsaccountlock") == Some(true),
                Switch::Enabled => entry.flag("ipaenabledflag") == Some(false),
            },
            is_preserved: entry.flag("preserved") == Some(true),
            is_posix: entry.text(NUMBER).is_some(),
        }
    }

    pub(in super::super) fn is_of(&self, owner: &str) -> bool {
        self.owners.iter().any(|held| held == owner)
    }

    /// What an apply compares with what the plan saw. Members that the plan may delete are not among it: they leave by themselves.
    pub(in super::super) fn fingerprint(&self, kind: &'static EntryKind, leaving: &Leaving) -> Fingerprint {
        let Self { owners, classes, values, members, is_disabled, is_preserved, is_posix } = self;
        let mut text = format!("{owners:?} {classes:?} {values:?} {is_disabled} {is_preserved} {is_posix}");
        for member in kind.members {
            let names = member.attributes.first().and_then(|first| members.get(first));
            let stay = names
                .into_iter()
                .flatten()
                .filter(|name| !leaving.contains(&(member.option, (*name).clone())));
            for name in stay {
                // Writing to a text cannot fail.
                let _ = write!(text, "\n{} {name}", member.label);
            }
        }
        Fingerprint::of(text.as_bytes())
    }
}

/// The text of a description with a mark, and the owner in it.
pub(super) fn marked(description: &str) -> Option<(&str, &str)> {
    if let Some(owner) = description.strip_prefix(OURS) {
        return Some(("", owner));
    }
    let (text, mark) = description.strip_suffix(')')?.rsplit_once(" (")?;
    Some((text, mark.strip_prefix(OURS)?))
}

/// A description with a mark.
pub(super) fn with_mark(description: &str, owner: &str) -> String {
    if description.is_empty() { format!("{OURS}{owner}") } else { format!("{description} ({OURS}{owner})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for text in ["", "those who (mostly) run it", "x)", "fmc"] {
            assert_eq!(marked(&with_mark(text, "lab")), Some((text, "lab")));
        }
        for text in ["", "fmc", "a (b)", "a (fmc/lab", "(fmc/lab)"] {
            assert_eq!(marked(text), None, "{text}");
        }
    }
}
