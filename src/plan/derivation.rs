//! How the secrets of the machines that are there were made from the root key, against how the cloud makes them.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{About, Note, NoteKind};
use fmc_core::role::{Fate, Moving};
use fmc_core::secret::Derivation;

use super::Seen;
use crate::compile::Wanted;

/// The first derivation by which secrets of the owner's machines were made; `None` if there are none.
pub(super) fn of_those_there(wanted: &Wanted, seen: &Seen) -> Option<Derivation> {
    there(wanted, seen).into_values().min()
}

/// The machines that have secrets from the root key, each with how they were made.
fn there<'a>(wanted: &Wanted, seen: &'a Seen) -> BTreeMap<&'a str, Derivation> {
    let rooms = wanted.rooms();
    let made = seen.present().filter_map(|(at, object)| Some((at.name(), rooms.derivation(at, object)?)));
    made.collect()
}

/// The meaning of a change of the derivation.
pub(super) fn note(wanted: &Wanted, seen: &Seen) -> Option<Note> {
    if wanted.is_nothing() || !wanted.needs_root_key() {
        return None;
    }
    let now = wanted.secret_scope().derivation();
    let was = there(wanted, seen).into_values().find(|was| *was != now)?;
    let (kind, text) = if wanted.says_derivation() {
        let text = format!(
            "its secrets are made by derivation {now}, and those of its machines by derivation {was}: each machine gets its new \
             ones when it is replaced. Machines that share secrets, as those of a cluster, are replaced in one apply; where they \
             keep their state on data disks they keep derivation {was}"
        );
        (NoteKind::Notice, text)
    } else {
        let text = format!(
            "the secrets of its machines were made without its owner (derivation {was}), and the cloud does not say \
             `derivation` in `secrets`: {was} keeps them, {now} makes others as machines are replaced"
        );
        (NoteKind::Refused, text)
    };
    Some(Note { about: About::Noun(format!("cloud/{}", wanted.owner()).into()), kind, text })
}

/// Members of one instance of a role share secrets: they are made anew together, and not over a state that the old ones opened.
pub(super) fn divided(members: &[Moving<'_>], wanted: &Wanted, seen: &Seen) -> Vec<Note> {
    let now = wanted.secret_scope().derivation();
    let there = there(wanted, seen);
    let old: BTreeSet<&str> =
        there.iter().filter(|(_, was)| **was != now).map(|(machine, _)| *machine).collect();
    if old.is_empty() || !wanted.needs_root_key() {
        return Vec::new();
    }
    let mut instances: BTreeMap<(&str, &str), Vec<&Moving<'_>>> = BTreeMap::new();
    for member in members {
        if let Some(instance) = member.member.instance() {
            instances.entry((member.member.kind().as_str(), instance)).or_default().push(member);
        }
    }
    instances.values().flat_map(|members| of_instance(members, &old, now)).collect()
}

fn of_instance(members: &[&Moving<'_>], old: &BTreeSet<&str>, now: Derivation) -> Vec<Note> {
    let stays = |member: &Moving<'_>| matches!(member.fate, Fate::Stays | Fate::Restarts { .. });
    let left: Vec<&str> = members
        .iter()
        .filter(|member| stays(member) && old.contains(member.machine))
        .map(|member| member.machine)
        .collect();
    let refused = members.iter().filter_map(|member| {
        let (is_made, has_state) = match member.fate {
            Fate::Comes { has_state } => (true, has_state),
            Fate::Replaced { keeps_state } => (old.contains(member.machine), keeps_state),
            _ => (false, false),
        };
        let text = match (is_made, has_state, left.is_empty()) {
            (false, ..) | (true, false, true) => return None,
            (true, true, _) => format!(
                "its state as {} is of secrets that were made by another derivation than {now}, and stays: keep that derivation in \
                 `secrets`, or have the state made anew with its data disk (--delete-data {})",
                member.member, member.machine
            ),
            (true, false, false) => format!(
                "it would have secrets by derivation {now}, and {} others: members of {} share secrets. Replace them in the same \
                 apply, or keep the derivation that they have in `secrets`",
                left.join(", "),
                member.member
            ),
        };
        Some(Note { about: About::machine(member.machine), kind: NoteKind::Refused, text })
    });
    refused.collect()
}

/// What a person should know of a plan that keeps the first derivation unasked.
#[cfg(feature = "cli")]
pub(crate) fn kept(wanted: &Wanted) -> Note {
    let owner = wanted.owner();
    let text = "the secrets of its machines were made without its owner (derivation 1), and stay so: another cloud with this root \
                key has the same. Write `secrets: {derivation: 1}`, so that `kubeconfig` and `compile`, which do not ask the \
                hosts, make the same; with `derivation: 2` machines get others as they are replaced";
    Note {
        about: About::Noun(format!("cloud/{owner}").into()),
        kind: NoteKind::Notice,
        text: text.to_owned(),
    }
}
