//! Steps as a person counts them: the objects of a machine are one thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::about::About;
use super::impact::Impact;
use super::plan::{Action, NoteKind, Plan, Step};

/// The steps of one machine or other noun, or of a single object that belongs to none.
#[derive(Debug)]
pub struct Group<'a, D: ?Sized> {
    name: String,
    steps: Vec<&'a Step<D>>,
}

impl<'a, D: ?Sized> Group<'a, D> {
    /// Groups steps under a name; `None` if there are no steps.
    pub fn of(name: impl Into<String>, steps: impl Iterator<Item = &'a Step<D>>) -> Option<Self> {
        Self::new(name, steps.collect())
    }

    pub(super) fn new(name: impl Into<String>, steps: Vec<&'a Step<D>>) -> Option<Self> {
        (!steps.is_empty()).then(|| Self { name: name.into(), steps })
    }

    pub(super) fn all(steps: impl Iterator<Item = &'a Step<D>>) -> Vec<Self> {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut groups: Vec<Self> = Vec::new();
        for step in steps {
            let name = step.part_of.as_deref().map_or_else(|| step.address.to_string(), str::to_owned);
            match places.get(&name).and_then(|place| groups.get_mut(*place)) {
                Some(group) => group.steps.push(step),
                None => {
                    places.insert(name.clone(), groups.len());
                    groups.push(Self { name, steps: vec![step] });
                }
            }
        }
        groups
    }

    /// The group's name, as `machine/web`, or the address of an object that belongs to no noun.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The noun or the object that the first step is for.
    pub(super) fn about(&self) -> About {
        let first = self.steps.first().map(|step| About::object(&step.address, step.part_of.as_deref()));
        first.unwrap_or_else(|| About::Name(self.name.as_str().into()))
    }

    /// Its steps, in the plan's order.
    pub fn steps(&self) -> impl Iterator<Item = &'a Step<D>> {
        self.steps.iter().copied()
    }

    /// The action on the noun as a whole. A deleted part of a noun that stays does not count here, but in
    /// [`Group::impact`].
    pub fn action(&self) -> Action {
        let stays = self.steps.iter().filter(|step| step.action != Action::Delete);
        // The noun itself comes last. A part that is made for a machine that is there does not make the machine, and a new machine
        // may take over a part that changes, or one that is made again.
        let is_made = |step: &&Step<D>| step.action == Action::Create && step.impact <= Impact::Create;
        let is_part =
            |step: &&Step<D>| matches!(step.action, Action::Create | Action::Update | Action::Replace);
        let created = stays.clone().next_back().is_some_and(is_made) && stays.clone().all(is_part);
        match stays.map(|step| step.action).max() {
            None => Action::Delete,
            Some(_) if created => Action::Create,
            Some(action) => action.max(Action::Update),
        }
    }

    /// Whether a new object takes the place of one that is deleted: the noun is called otherwise now.
    pub(super) fn is_renamed(&self) -> bool {
        let is_made = |step: &&&Step<D>| step.action == Action::Create;
        let gone = self.steps.iter().filter(|step| step.action == Action::Delete);
        let mut gone = gone.filter(|step| step.impact == Impact::Restart);
        self.steps.iter().filter(is_made).any(|made| {
            gone.any(|gone| {
                gone.address.kind() == made.address.kind() && gone.address.place() == made.address.place()
            })
        })
    }

    /// The parts that are made again for a noun that is made.
    pub(super) fn made_again(&self) -> impl Iterator<Item = &'a Step<D>> {
        let is_created = self.action() == Action::Create;
        self.steps().filter(move |step| is_created && step.action == Action::Replace)
    }

    /// The highest impact of a step.
    pub fn impact(&self) -> Impact {
        self.steps.iter().map(|step| step.impact).max().unwrap_or_default()
    }

    /// Why, and what differs: the reasons and changes of all steps, each once, in the plan's order. Of a
    /// replaced object, its new parts and the changes inside it (`devices/disk`) are left out, because they follow from the
    /// reason; those of its own settings (`memory`) are told.
    pub fn details(&self) -> Vec<String> {
        let action = self.action();
        let mut said = BTreeSet::new();
        self.steps
            .iter()
            .filter(|step| match step.action {
                Action::Create => action != Action::Replace || step.impact > Impact::Create,
                // A deletion without loss needs no words of its own beside the other steps.
                Action::Delete => {
                    action == Action::Delete
                        && (step.impact == Impact::Delete || self.impact() < Impact::Delete)
                }
                // Of a machine that is made, a part that is made again has a line of its own.
                Action::Replace => action != Action::Create,
                Action::Update | Action::Restart | Action::Stop => true,
            })
            .flat_map(|step| {
                let explained = step.action == Action::Replace && !step.reasons.is_empty();
                let changes =
                    step.changes.iter().filter(move |change| !explained || !change.path.contains('/'));
                step.reasons.iter().cloned().chain(changes.map(ToString::to_string))
            })
            .filter(|text| !text.is_empty() && said.insert(text.clone()))
            .collect()
    }
}

/// How many machines and other nouns a plan changes, by action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// Made.
    pub create: usize,
    /// Changed in place.
    pub update: usize,
    /// Stopped and started again.
    pub restart: usize,
    /// Stopped, and off afterwards.
    #[serde(default)]
    pub stop: usize,
    /// Deleted and made again.
    pub replace: usize,
    /// Deleted, including data of a machine that stays.
    pub delete: usize,
    /// Deferred, because something could not be read or is not built yet.
    pub deferred: usize,
    /// Not possible, so that what needs them waits; the rest is done.
    #[serde(default)]
    pub held: usize,
    /// Not possible.
    pub refused: usize,
    /// Machines that boot with an older image or configuration and are left so.
    pub outdated: usize,
    /// Machines and other nouns with a difference that is left alone.
    #[serde(default)]
    pub left: usize,
    /// Machines and other nouns that need a change but were not chosen.
    pub left_out: usize,
}

impl Counts {
    pub(super) fn of<D: ?Sized>(plan: &Plan<D>) -> Self {
        let mut counts = Self::default();
        for line in plan.lines().filter(|line| !line.continues) {
            match line.action {
                Some(Action::Create) => counts.create += 1,
                Some(Action::Update) => counts.update += 1,
                Some(Action::Restart) => counts.restart += 1,
                Some(Action::Stop) => counts.stop += 1,
                Some(Action::Replace) => counts.replace += 1,
                Some(Action::Delete) => counts.delete += 1,
                None => {}
            }
        }
        let told = |kind: NoteKind| {
            let notes = plan.notes.iter().filter(|note| note.kind == kind);
            notes.map(|note| &note.about).collect::<BTreeSet<_>>().len()
        };
        counts.deferred = told(NoteKind::Deferred);
        counts.held = told(NoteKind::Held);
        counts.refused = told(NoteKind::Refused);
        counts.outdated = told(NoteKind::Outdated);
        counts.left = told(NoteKind::Left);
        counts.left_out = told(NoteKind::LeftOut);
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            create,
            update,
            restart,
            stop,
            replace,
            delete,
            deferred,
            held,
            refused,
            outdated,
            left,
            left_out,
        } = *self;
        let has_steps = create + update + restart + stop + replace + delete > 0;
        let mut parts: Vec<String> = Vec::new();
        if has_steps {
            let all = [
                (create, "create"),
                (update, "update"),
                (restart, "restart"),
                (stop, "stop"),
                (replace, "replace"),
            ];
            let some = all.iter().filter(|(count, _)| *count > 0);
            let some: Vec<String> = some.map(|(count, what)| format!("{count} to {what}, ")).collect();
            parts.push(format!("{}{delete} to delete", some.concat()));
        } else if deferred + held + refused + outdated + left == 0 {
            parts.push("nothing to do".to_owned());
        }
        let said = [
            (deferred, "deferred"),
            (held, "held"),
            (refused, "refused"),
            (outdated, "outdated"),
            (left, "left"),
            (left_out, "left out"),
        ];
        parts.extend(
            said.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")),
        );
        f.write_str(&parts.join(" · "))
    }
}
