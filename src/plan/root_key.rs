//! Machines whose secrets were made from another root key than the one that is given now. Their marks and the records beside
//! their data disks tell it, and nothing else does: the digest of a boot configuration is the same with any key.

use std::collections::BTreeSet;

use fmc_core::graph::{About, Note, NoteKind};
use fmc_core::role::{Fate, Moving};

use super::beforehand::Planned;
use super::derivation::sharing;
use crate::compile::Wanted;

/// The consequences of another root key for a plan.
pub(super) fn notes(planned: &Planned<'_>, members: &[Moving<'_>], wanted: &Wanted) -> Vec<Note> {
    let Some(now) = wanted.root_key().filter(|_| !wanted.is_nothing()) else { return Vec::new() };
    let mut notes: Vec<Note> = planned.unknown_root_keys().into_iter().map(unknown).collect();
    let on_disk = |member: &&Moving<'_>| member.member.keeps_state() && member.wanted.is_some();
    let on_disk: BTreeSet<&str> = members.iter().filter(on_disk).map(|member| member.machine).collect();
    let mut keep: BTreeSet<&str> =
        members.iter().filter(|member| keeps_state(member)).map(|member| member.machine).collect();
    let mut other: BTreeSet<&str> = BTreeSet::new();
    for (machine, _, says_itself) in planned.root_keys().filter(|(_, check, _)| check != now) {
        // A disk without a state of a role's opens with any key. One with a state may be that of an earlier guest.
        if says_itself {
            other.insert(machine);
        } else if on_disk.contains(machine) {
            other.insert(machine);
            keep.insert(machine);
        }
    }
    if other.is_empty() {
        return notes;
    }
    for group in sharing(wanted) {
        let (made, rest): (Vec<&str>, Vec<&str>) =
            group.iter().copied().partition(|machine| planned.is_made(machine));
        let Some(first) = made.first() else { continue };
        let stay: Vec<&str> = rest.into_iter().filter(|machine| other.contains(machine)).collect();
        let keep: Vec<&str> = made
            .iter()
            .copied()
            .filter(|machine| other.contains(machine) && keep.contains(machine))
            .collect();
        let why = if !stay.is_empty() {
            format!(
                "{} would get secrets of this root key, and share some with {}",
                made.join(", "),
                stay.join(", ")
            )
        } else if !keep.is_empty() {
            format!("{} would get secrets of this root key, and a state that others open", keep.join(", "))
        } else {
            continue;
        };
        let text = format!(
            "{why}, made from another root key. Give the root key that they were made from; or {}",
            anew(&group, members)
        );
        notes.push(Note { about: About::machine(*first), kind: NoteKind::Refused, text });
    }
    let text = format!(
        "this root key is not the one that the secrets of {} were made from: host keys, tokens and authorities that are derived \
         from this one do not fit them, and each gets its new ones when it is replaced. Give the root key that they were made \
         from to keep them",
        listed(&other)
    );
    notes.push(Note {
        about: About::Noun(format!("cloud/{}", wanted.owner()).into()),
        kind: NoteKind::Notice,
        text,
    });
    notes
}

/// A machine that returns on its root. Nothing is refused: its root has the secrets that it was made with, and keeps them.
fn unknown(machine: &str) -> Note {
    let text = format!(
        "returns on its root with the secrets that it was made with. Its domain said from which root key those are, and it is gone, so whether this \
         key fits them is not known. --replace {machine} makes it with secrets of this one"
    );
    Note { about: About::machine(machine), kind: NoteKind::Notice, text }
}

/// The commands by which machines that share secrets get those of this key.
fn anew(group: &BTreeSet<&str>, members: &[Moving<'_>]) -> String {
    let stateful = members.iter().filter(|member| {
        group.contains(member.machine) && member.wanted.is_some_and(|wanted| wanted.state().is_some())
    });
    let stateful: Vec<&Moving<'_>> = stateful.collect();
    if stateful.is_empty() {
        return format!("replace all of them at once: `apply{}`", options("--replace ", group));
    }
    let on_disk = stateful.iter().filter(|member| member.member.keeps_state()).map(|member| member.machine);
    let place = stateful.iter().find_map(|member| member.wanted?.facts.elsewhere());
    let empty = place.map(|place| format!(" empty {place},")).unwrap_or_default();
    format!(
        "begin anew without their state: `destroy{}{}`,{empty} then `apply`",
        options("--only machine/", group),
        options("--delete-data ", &on_disk.collect())
    )
}

/// Whether a member that is made has a state that the secrets of before open: on a disk that stays, or in another place.
fn keeps_state(member: &Moving<'_>) -> bool {
    let is_elsewhere = || member.wanted.is_some_and(|wanted| wanted.facts.elsewhere().is_some());
    match member.fate {
        Fate::Replaced { keeps_state } => keeps_state || is_elsewhere(),
        Fate::Comes { has_state } => has_state,
        _ => false,
    }
}

fn options(option: &str, names: &BTreeSet<&str>) -> String {
    names.iter().map(|name| format!(" {option}{name}")).collect()
}

/// The first of some machines.
fn listed(names: &BTreeSet<&str>) -> String {
    const NAMED: usize = 5;
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "))
}
