//! Assertions on plans.

use std::collections::BTreeSet;

use fmc_core::graph::{Address, Impact, Note, NoteKind, Why};
use fmc_core::nearest::nearest;

use super::say::{Failed, list, or_panic};
use crate::plan::Plan;

/// There is nothing to do.
///
/// # Panics
///
/// There is: with the plan.
#[track_caller]
pub fn assert_empty(plan: &Plan) {
    or_panic(empty(plan));
}

pub(super) fn empty(plan: &Plan) -> Result<(), Failed> {
    if plan.is_empty() {
        return Ok(());
    }
    Err(Failed::new("the plan is not empty", plan.to_string(), "a plan with nothing to do"))
}

/// What a plan does to a machine (`machine/web`), an object (`domain/web`, `volume/web.disk.data`) or an address.
/// [`Impact::None`] is for one that it leaves as it is.
///
/// # Panics
///
/// It does something else, or knows no such thing: with what it does, and why.
#[track_caller]
pub fn assert_impact(plan: &Plan, name: &str, impact: Impact) {
    or_panic(impacts(plan, name, impact));
}

pub(super) fn impacts(plan: &Plan, name: &str, impact: Impact) -> Result<(), Failed> {
    known(plan, name)?;
    let part = plan.step(name);
    if part.impact() == impact {
        return Ok(());
    }
    let mut there = vec![part.impact().to_string()];
    there.extend(part.details());
    there.extend(notes(plan, name).map(|note| note.text.clone()));
    Err(Failed::new(format!("the impact on {name} is not `{impact}`"), there.join("\n"), impact.to_string()))
}

/// No step of a plan does more to what runs than this.
///
/// ```
/// use fmc::prelude::*;
/// use fmc::testing::{Sim, assert_impact_at_most};
///
/// let cloud = |memory: Size| {
///     Cloud::new("first").host(Host::local()).machine(Machine::new("web", Image::blank()).memory(memory))
/// };
/// let world = Sim::new();
/// world.apply(&cloud(1.gib()));
/// let second = cloud(1.gib()).machine(Machine::new("second", Image::blank()));
/// assert_impact_at_most(&world.plan(&second), Impact::Live);
/// ```
///
/// # Panics
///
/// One does: with each that does, and why.
#[track_caller]
pub fn assert_impact_at_most(plan: &Plan, most: Impact) {
    or_panic(at_most(plan, most));
}

pub(super) fn at_most(plan: &Plan, most: Impact) -> Result<(), Failed> {
    if plan.impact() <= most {
        return Ok(());
    }
    let above: Vec<String> = plan
        .groups()
        .iter()
        .filter(|group| group.impact() > most)
        .map(|group| format!("{}: {}: {}", group.name(), group.impact(), group.details().join("; ")))
        .collect();
    let right = format!("steps of impact {} only", list(impacts_up_to(most)));
    Err(Failed::new(format!("the plan does more than `{most}`"), above.join("\n"), right))
}

fn impacts_up_to(most: Impact) -> impl Iterator<Item = Impact> {
    [Impact::Create, Impact::Live, Impact::NextBoot, Impact::Restart, Impact::Replace, Impact::Delete]
        .into_iter()
        .filter(move |impact| *impact <= most)
}

/// An object that is there, by name as in [`assert_impact`], outlives an apply with what is in it.
///
/// # Panics
///
/// It does not, or is not there: with what is done to it.
#[track_caller]
pub fn assert_keeps(plan: &Plan, name: &str) {
    or_panic(keeps(plan, name));
}

pub(super) fn keeps(plan: &Plan, name: &str) -> Result<(), Failed> {
    known(plan, name)?;
    if plan.keeps(name) {
        return Ok(());
    }
    let steps = plan.all_steps().filter(|step| is_named(&step.address, step.part_of.as_deref(), name));
    let mut there: Vec<String> = steps
        .map(|step| format!("{} {}: {}", step.action, step.address.short(), step.reasons.join("; ")))
        .collect();
    let unread = plan.untouched.iter().filter(|object| {
        !matches!(object.why, Why::Same | Why::Kept)
            && is_named(&object.address, object.part_of.as_deref(), name)
    });
    there.extend(unread.map(|object| format!("{} could not be read", object.address.short())));
    there.extend(notes(plan, name).map(|note| note.text.clone()));
    Err(Failed::new(
        format!("the plan does not keep {name}"),
        there.join("\n"),
        "an object that is there before the apply, and is left as it is or changed in place",
    ))
}

/// A plan does nothing to anything but these machines, objects or addresses. It need not do something to each of them.
///
/// # Panics
///
/// It does, or knows no such thing: with what it does to what else.
#[track_caller]
pub fn assert_touches_only<'a>(plan: &Plan, names: impl IntoIterator<Item = &'a str>) {
    or_panic(touches_only(plan, &names.into_iter().collect::<Vec<_>>()));
}

pub(super) fn touches_only(plan: &Plan, names: &[&str]) -> Result<(), Failed> {
    names.iter().try_for_each(|name| known(plan, name))?;
    let others: Vec<String> = plan
        .all_steps()
        .filter(|step| !names.iter().any(|name| is_named(&step.address, step.part_of.as_deref(), name)))
        .map(|step| {
            let details = step.reasons.iter().cloned().chain(step.changes.iter().map(ToString::to_string));
            format!("{} {}: {}", step.action, step.address.short(), details.collect::<Vec<_>>().join("; "))
        })
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Failed::new(
        format!("the plan touches more than {}", list(names)),
        others.join("\n"),
        format!("steps of {} only", list(names)),
    ))
}

/// A plan notes something about a machine or an object without doing anything: that it is outdated, kept, refused, …
///
/// # Panics
///
/// It does not: with what it notes.
#[track_caller]
pub fn assert_note(plan: &Plan, kind: NoteKind, name: &str) -> Note {
    or_panic(note(plan, kind, name))
}

pub(super) fn note(plan: &Plan, kind: NoteKind, name: &str) -> Result<Note, Failed> {
    known(plan, name)?;
    if let Some(note) = notes(plan, name).find(|note| note.kind == kind) {
        return Ok(note.clone());
    }
    let all = plan.notes.iter().map(|note| format!("{:?} {}: {}", note.kind, note.about, note.text));
    let there: Vec<String> = all.collect();
    let there = if there.is_empty() { "no note".to_owned() } else { there.join("\n") };
    Err(Failed::new(
        format!("the plan does not note {name} as {kind:?}"),
        there,
        format!("a note {kind:?} about {name}"),
    ))
}

/// The notes about a machine, an object of it, or an object.
fn notes<'a>(plan: &'a Plan, name: &'a str) -> impl Iterator<Item = &'a Note> {
    let objects = plan.all_steps().map(|step| (&step.address, step.part_of.as_deref()));
    let objects =
        objects.chain(plan.untouched.iter().map(|object| (&object.address, object.part_of.as_deref())));
    let addresses: BTreeSet<String> = objects
        .filter(|(address, part_of)| is_named(address, *part_of, name))
        .map(|(address, _)| address.to_string())
        .collect();
    plan.notes.iter().filter(move |note| note.about == name || addresses.contains(&note.about))
}

/// An error for a name that the plan does not know: a typo would pass for something that is left as it is.
fn known(plan: &Plan, name: &str) -> Result<(), Failed> {
    let objects = plan.all_steps().map(|step| (&step.address, step.part_of.as_deref()));
    let objects =
        objects.chain(plan.untouched.iter().map(|object| (&object.address, object.part_of.as_deref())));
    let mut names = BTreeSet::new();
    for (address, part_of) in objects {
        if is_named(address, part_of, name) {
            return Ok(());
        }
        names.extend(part_of.map(str::to_owned));
        names.insert(match within(address) {
            Some(volume) => format!("{}/{volume}", address.kind()),
            None => address.short().to_string(),
        });
    }
    if plan.notes.iter().any(|note| note.about == name) {
        return Ok(());
    }
    let right = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "a name as `machine/web`, `network/lab`, `volume/web.disk.data`, or an address".to_owned(),
    };
    Err(Failed::new(format!("the plan knows no {name}"), list(names), right))
}

/// Whether it is this object, or part of this machine. A volume may be named without its pool.
fn is_named(address: &Address, part_of: Option<&str>, name: &str) -> bool {
    let held = || {
        name.split_once('/')
            .is_some_and(|(kind, name)| kind == address.kind() && within(address) == Some(name))
    };
    part_of == Some(name) || address.is_named(name) || held()
}

/// The name of an object without that of what holds it, as a volume's without its pool's.
fn within(address: &Address) -> Option<&str> {
    address.name().split_once('/').map(|(_, name)| name)
}
