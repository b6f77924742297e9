//! Assertions on plans.

use std::collections::BTreeSet;

use fmc_core::graph::{Impact, Note, NoteKind, Why};

use super::say::{Failed, list, or_panic};
use crate::plan::names::{self, is_named};
use crate::plan::{Plan, UnknownName};

/// The plan has nothing to do.
///
/// # Panics
///
/// If it has: with the plan.
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

/// The impact of a plan on a machine (`machine/web`), an object (`domain/web`, `volume/web.disk.data`) or an
/// address. [`Impact::None`] means that it stays as it is.
///
/// # Panics
///
/// If the impact differs, or the plan does not know the name: with the impact, and why.
#[track_caller]
pub fn assert_impact(plan: &Plan, name: &str, impact: Impact) {
    or_panic(impacts(plan, name, impact));
}

pub(super) fn impacts(plan: &Plan, name: &str, impact: Impact) -> Result<(), Failed> {
    known(plan, name)?;
    let Ok(part) = plan.step(name) else { return known(plan, name) };
    if part.impact() == impact {
        return Ok(());
    }
    let mut there = vec![part.impact().to_string()];
    there.extend(part.details());
    there.extend(notes(plan, name).map(|note| note.text.clone()));
    Err(Failed::new(format!("the impact on {name} is not `{impact}`"), there.join("\n"), impact.to_string()))
}

/// All steps of a plan have at most this impact.
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
/// If a step has a higher one: with each of them, and why.
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
    Impact::ALL.into_iter().filter(move |impact| *impact > Impact::None && *impact <= most)
}

/// An existing object, named as in [`assert_impact`], survives an apply together with its content.
///
/// # Panics
///
/// If it does not, or does not exist: with its steps.
#[track_caller]
pub fn assert_keeps(plan: &Plan, name: &str) {
    or_panic(keeps(plan, name));
}

pub(super) fn keeps(plan: &Plan, name: &str) -> Result<(), Failed> {
    known(plan, name)?;
    if plan.keeps(name) == Ok(true) {
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

/// A plan changes only these machines, objects or addresses. It need not change each of them.
///
/// # Panics
///
/// If it changes others, or does not know a name: with the other changes.
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

/// A plan has a note about a machine or an object: that it is outdated, kept, refused, …
///
/// # Panics
///
/// If it has not: with its notes.
#[track_caller]
pub fn assert_note(plan: &Plan, kind: NoteKind, name: &str) -> Note {
    or_panic(note(plan, kind, name))
}

pub(super) fn note(plan: &Plan, kind: NoteKind, name: &str) -> Result<Note, Failed> {
    if let Some(note) = notes(plan, name).find(|note| note.kind == kind) {
        return Ok(note.clone());
    }
    known(plan, name)?;
    let all = plan.notes.iter().map(|note| format!("{:?} {}: {}", note.kind, note.about, note.text));
    let there: Vec<String> = all.collect();
    let there = if there.is_empty() { "no note".to_owned() } else { there.join("\n") };
    Err(Failed::new(
        format!("the plan does not note {name} as {kind:?}"),
        there,
        format!("a note {kind:?} about {name}"),
    ))
}

/// The notes about a machine, one of its objects, or another object.
fn notes<'a>(plan: &'a Plan, name: &'a str) -> impl Iterator<Item = &'a Note> {
    let objects = plan.all_steps().map(|step| (&step.address, step.part_of.as_deref()));
    let objects =
        objects.chain(plan.untouched.iter().map(|object| (&object.address, object.part_of.as_deref())));
    let addresses: BTreeSet<String> = objects
        .filter(|(address, part_of)| is_named(address, *part_of, name))
        .map(|(address, _)| address.to_string())
        .collect();
    plan.notes.iter().filter(move |note| {
        let about = note.about.to_string();
        about == name || addresses.contains(&about)
    })
}

/// An error for an unknown name: otherwise a typo would pass for an unchanged object.
fn known(plan: &Plan, name: &str) -> Result<(), Failed> {
    names::known(plan, name).map_err(|UnknownName { name, near }| {
        let right = match near {
            Some(near) => format!("did you mean {near}?"),
            None => {
                "a name as `machine/web`, `network/lab`, `volume/web.disk.data`, or an address".to_owned()
            }
        };
        Failed::new(format!("the plan does not know {name}"), list(names::names(plan)), right)
    })
}
