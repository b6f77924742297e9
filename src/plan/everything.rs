//! A cloud that wants none of the machines that are here: it may be another cloud with the same owner.

use std::collections::BTreeSet;

use fmc_core::graph::{self, About, Action, Model as _, Note, NoteKind, State};
use fmc_core::provider::AnyDocument;

use super::Seen;
use crate::compile::Wanted;

/// How many machines a note names.
const NAMED: usize = 5;

/// The machines that a plan deletes, if they are all that are here.
pub(super) fn deleted(plan: &graph::Plan<AnyDocument>, wanted: &Wanted, seen: &Seen) -> BTreeSet<String> {
    let rooms = wanted.rooms();
    let noun = |address| {
        let object = seen.object(address)?;
        rooms.part_of(address, object)?.strip_prefix("machine/").map(str::to_owned)
    };
    let wants: BTreeSet<&str> = wanted.machines().collect();
    let is_deleted = |step: &&graph::Step<AnyDocument>| step.action == Action::Delete;
    let deleted: BTreeSet<String> =
        plan.all_steps().filter(is_deleted).filter_map(|step| noun(&step.address)).collect();
    let is_here = |name: &String| wants.contains(name.as_str());
    let present = seen.objects.iter().filter(|(_, state)| matches!(state, State::Present { .. }));
    let is_all = present.filter_map(|(address, _)| noun(address)).all(|name| !is_here(&name));
    // A destroy says what it does, and a file from which the only machine goes is no other cloud.
    let is_meant = wanted.is_nothing() || (wants.is_empty() && deleted.len() < 2);
    if is_meant || !is_all { BTreeSet::new() } else { deleted }
}

/// A lab has its cloud's owner with `-lab`, which another cloud may have as its own: neither may touch the other's machines.
pub(super) fn of_namesake(wanted: &Wanted, seen: &Seen) -> Option<Note> {
    let rooms = wanted.rooms();
    let mut machines = seen.present().filter_map(|(at, object)| Some((at.name(), rooms.is_lab(at, object)?)));
    let (machine, _) = machines.find(|(_, is_lab)| *is_lab != wanted.is_lab())?;
    let owner = wanted.owner();
    let text = if wanted.is_lab() {
        format!(
            "{machine} here is of a cloud with the owner {owner} that is no lab: give it, or the cloud of this lab, another `owner`"
        )
    } else {
        format!(
            "{machine} here is of another cloud's lab, which has the owner {owner} too: give this cloud, or that one, another `owner`"
        )
    };
    Some(Note { about: About::Noun(format!("cloud/{owner}").into()), kind: NoteKind::Refused, text })
}

/// The note about a plan that deletes all machines that are here.
pub(super) fn note(plan: &graph::Plan<AnyDocument>, wanted: &Wanted, seen: &Seen) -> Option<Note> {
    let deleted = deleted(plan, wanted, seen);
    if deleted.is_empty() {
        return None;
    }
    let names: Vec<&str> = deleted.iter().map(String::as_str).take(NAMED).collect();
    let more = if deleted.len() > names.len() { ", …" } else { "" };
    let (count, owner) = (deleted.len(), wanted.owner());
    let (machines, are) = if count == 1 { ("machine", "is") } else { ("machines", "are") };
    let text = format!(
        "this cloud wants none of the {count} {machines} that {are} here ({}{more}), and deletes all. If they are \
         another cloud's, give this one another `owner`; if it is meant, apply with --delete-all {owner}",
        names.join(", ")
    );
    Some(Note { about: About::Noun(format!("cloud/{owner}").into()), kind: NoteKind::Notice, text })
}
