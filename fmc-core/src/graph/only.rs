//! A part of a plan: the named objects, and everything that they depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::about::About;
use super::address::Address;
use super::deferral::Deferral;
use super::impact::Impact;
use super::plan::{Action, Later, Note, NoteKind, Step, Untouched, Why};
use super::provider::{Choices, DeleteData, Model, Settled};
use super::wanted::Carries;
use crate::nearest::nearest;

/// The objects that need a deleted object until they are changed in the same plan, by the deleted one.
pub(super) type Users = BTreeMap<Address, BTreeSet<Address>>;

/// The part of a plan that was chosen by name.
pub(super) struct Part<D: ?Sized> {
    pub(super) steps: Vec<Step<D>>,
    pub(super) later: Vec<Later<D>>,
    pub(super) deferrals: Vec<Deferral>,
    pub(super) notes: Vec<Note>,
    pub(super) untouched: Vec<Untouched>,
}

/// Leaves out the steps of objects that are not named. A named object's needs, and what the model says goes along with them, come along if they
/// change or are not there yet. For a deletion, the objects that need it come along. Objects that restart
/// because of one that comes along do so too. Other objects that are deferred, outdated or refused do not
/// matter for the chosen ones. Those that are refused or wait for a person are left out too.
pub(super) fn only<M: Model>(
    model: &M,
    choices: &Choices,
    settled: &Settled<'_, M::Document>,
    users: &Users,
    whole: Part<M::Document>,
) -> Part<M::Document> {
    let names = &choices.only;
    let Part { steps, later, deferrals, notes: told, untouched } = whole;
    let mut notes = Vec::new();
    let known: Vec<(&Address, Option<&str>)> = settled
        .nodes
        .iter()
        .map(|(address, node)| (address, node.part_of.as_deref()))
        .chain(steps.iter().map(|step| (&step.address, step.part_of.as_deref())))
        .chain(later.iter().map(|later| (&later.step.address, later.step.part_of.as_deref())))
        .chain(untouched.iter().map(|object| (&object.address, object.part_of.as_deref())))
        .collect();
    let mut kept: BTreeSet<&Address> = BTreeSet::new();
    for name in names {
        let mut named =
            known.iter().filter(|(at, part_of)| is_named(at, *part_of, name)).map(|(at, _)| *at).peekable();
        if named.peek().is_none() {
            notes.push(unknown(name, &known));
        }
        kept.extend(named);
    }
    let kept = with_needs(model, settled, kept.into_iter().cloned().collect());
    // Among them are objects that are there and not wanted.
    let of_kept = known.iter().filter(|(address, _)| kept.contains(*address));
    let mut chosen: BTreeSet<About> =
        of_kept.flat_map(|(address, part_of)| abouts(address, *part_of)).collect();
    let known: BTreeSet<About> = known.iter().flat_map(|(at, part_of)| abouts(at, *part_of)).collect();

    let mut stays: Vec<bool> = steps.iter().map(|step| kept.contains(&step.address)).collect();
    come_along(settled, users, &steps, &mut stays);

    let mut part = Part { steps: Vec::new(), later: Vec::new(), deferrals: Vec::new(), notes, untouched };
    let mut left = LeftOut::default();
    let mut places: Vec<Option<usize>> = Vec::with_capacity(steps.len());
    let mut nouns: BTreeSet<Arc<str>> = BTreeSet::new();
    for (mut step, stays) in steps.into_iter().zip(stays) {
        if stays {
            // A step comes after those that it needs, so their new places are known here.
            step.after = step.after.iter().filter_map(|at| places.get(*at).copied().flatten()).collect();
            places.push(Some(part.steps.len()));
            nouns.extend(step.part_of.clone());
            chosen.extend(abouts(&step.address, step.part_of.as_deref()));
            part.steps.push(step);
        } else {
            places.push(None);
            part.untouched.extend(left.step(step));
        }
    }
    for later in later {
        let comes_along = later.step.part_of.as_ref().is_some_and(|noun| nouns.contains(noun));
        if comes_along || kept.contains(&later.step.address) {
            part.later.push(later);
        } else {
            part.untouched.extend(left.step(later.step));
        }
    }
    for object in &mut part.untouched {
        let is_unmet = matches!(object.why, Why::Unknown | Why::NotYet | Why::Refused | Why::Held);
        if is_unmet && !kept.contains(&object.address) {
            object.why = Why::LeftOut;
        }
    }
    let is_kept = |deferral: &Deferral| deferral.address.as_ref().is_some_and(|at| kept.contains(at));
    part.deferrals.extend(deferrals.into_iter().filter(is_kept));
    let is_elsewhere = |about: &About| known.contains(about) && !chosen.contains(about);
    for note in told {
        if !is_elsewhere(&note.about) {
            part.notes.push(note);
        } else if matches!(note.kind, NoteKind::Left | NoteKind::Held | NoteKind::Refused) {
            left.unmet.entry(note.about).and_modify(|kind| *kind = note.kind.max(*kind)).or_insert(note.kind);
        } else if !note.kind.is_unmet() && note.kind != NoteKind::PendingBoot {
            part.notes.push(note);
        }
    }
    part.notes.extend(outside(choices, is_elsewhere));
    part.notes.extend(left.notes());
    part
}

/// The possible subjects of a note: an object, or the noun that it is part of.
fn abouts(address: &Address, part_of: Option<&str>) -> impl Iterator<Item = About> {
    [Some(About::Object(address.clone())), part_of.map(About::noun)].into_iter().flatten()
}

/// A refusal for each machine that is to be replaced or to lose its data, but was not chosen: the plan would not do
/// what was asked for.
fn outside(choices: &Choices, is_elsewhere: impl Fn(&About) -> bool) -> Vec<Note> {
    let data = match &choices.delete_data {
        DeleteData::Of(machines) => machines.iter().collect(),
        DeleteData::None | DeleteData::All => Vec::new(),
    };
    let replaced = choices.replace.iter().map(|name| (name, "it is to be replaced"));
    let data = data.into_iter().map(|name| (name, "its data may be deleted"));
    let left = choices.leave_data.iter().map(|name| (name, "its data may be left on another host"));
    let asked = replaced.chain(data).chain(left).map(|(name, what)| (About::machine(name.as_str()), what));
    asked
        .filter(|(about, _)| is_elsewhere(about))
        .map(|(about, what)| {
            let text = format!("{what}, but the plan is limited to other objects: choose {about} too");
            Note { about, kind: NoteKind::Refused, text }
        })
        .collect()
}

/// The steps that were left out, by machine or other noun.
#[derive(Default)]
struct LeftOut {
    actions: BTreeMap<About, Action>,
    /// Nouns that differ from the cloud and have no step, with the kind of their notes.
    unmet: BTreeMap<About, NoteKind>,
}

impl LeftOut {
    /// Leaves a step out; the existing object then stays as it is.
    fn step<D: ?Sized>(&mut self, step: Step<D>) -> Option<Untouched> {
        let about = About::object(&step.address, step.part_of.as_deref());
        self.actions
            .entry(about)
            .and_modify(|action| *action = together(*action, step.action))
            .or_insert(step.action);
        let is_there = step.action != Action::Create;
        is_there.then_some(Untouched { address: step.address, part_of: step.part_of, why: Why::LeftOut })
    }

    fn notes(self) -> Vec<Note> {
        let mut all: BTreeMap<About, String> = BTreeMap::new();
        all.extend(self.unmet.into_iter().map(|(about, kind)| (about, words(kind).to_owned())));
        all.extend(self.actions.into_iter().map(|(about, action)| (about, action.to_string())));
        all.into_iter().map(|(about, text)| Note { about, kind: NoteKind::LeftOut, text }).collect()
    }
}

/// Why a machine or other noun that differs from the cloud has no step.
fn words(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Left => "waits for a person",
        NoteKind::Held => "held",
        _ => "refused",
    }
}

/// The action of a noun with two steps.
fn together(one: Action, other: Action) -> Action {
    match (one, other) {
        (one, other) if one == other => one,
        (Action::Delete, other) => other.max(Action::Update),
        (one, Action::Delete) => one.max(Action::Update),
        (one, other) => one.max(other).max(Action::Update),
    }
}

/// The named objects with their needs, and with what goes along with both.
fn with_needs<M: Model>(
    model: &M,
    settled: &Settled<'_, M::Document>,
    named: BTreeSet<Address>,
) -> BTreeSet<Address> {
    let mut spread: Vec<Address> = named.iter().cloned().collect();
    let mut found = named;
    while let Some(address) = spread.pop() {
        let Some(node) = settled.nodes.get(&address) else { continue };
        let needs = node.needs.iter().map(|edge| edge.to.clone());
        for next in needs.chain(model.along(&address, &node.document)) {
            if found.insert(next.clone()) {
                spread.push(next);
            }
        }
    }
    found
}

/// Marks the steps before the marked ones, the steps that restart because of a marked one, those that need what a marked one
/// deletes, and the other steps of the same machines, so that no machine is left half done.
fn come_along<D: ?Sized>(settled: &Settled<'_, D>, users: &Users, steps: &[Step<D>], stays: &mut [bool]) {
    let index: BTreeMap<&Address, usize> =
        steps.iter().enumerate().map(|(at, step)| (&step.address, at)).collect();
    let mut suffer: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.impact >= Impact::Restart) {
        let needs = settled.nodes.get(&step.address).into_iter().flat_map(|node| &node.needs);
        for edge in needs.filter(|edge| edge.carries == Carries::Attached) {
            let from = index.get(&edge.to).copied();
            let stops =
                from.and_then(|from| steps.get(from)).is_some_and(|step| step.impact >= Impact::Restart);
            if let Some(suffer) = from.filter(|_| stops).and_then(|from| suffer.get_mut(from)) {
                suffer.push(at);
            }
        }
    }
    for (deleted, users) in users {
        if let Some(suffer) = index.get(deleted).and_then(|at| suffer.get_mut(*at)) {
            suffer.extend(users.iter().filter_map(|user| index.get(user)));
        }
    }
    let mut nouns: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        nouns.entry(step.part_of.as_deref().unwrap_or_default()).or_default().push(at);
    }
    nouns.remove("");
    let mut spread: Vec<usize> =
        stays.iter().enumerate().filter(|(_, stays)| **stays).map(|(at, _)| at).collect();
    while let Some(at) = spread.pop() {
        let after = steps.get(at).into_iter().flat_map(|step| &step.after);
        for next in after.chain(suffer.get(at).into_iter().flatten()) {
            if stays.get(*next) != Some(&false) {
                continue;
            }
            let noun = steps.get(*next).and_then(|step| step.part_of.as_deref());
            let whole = noun.and_then(|noun| nouns.remove(noun)).unwrap_or_default();
            for next in whole.iter().chain([next]) {
                if let Some(stays) = stays.get_mut(*next).filter(|stays| !**stays) {
                    *stays = true;
                    spread.push(*next);
                }
            }
        }
    }
}

/// Whether a name means an object: its noun, its address, or its address without the containing object, as
/// `volume/web.disk.data`.
pub(super) fn is_named(address: &Address, part_of: Option<&str>, name: &str) -> bool {
    let last = || address.name().rsplit_once('/').map(|(_, last)| last);
    let without = || name.strip_prefix(address.kind()).and_then(|rest| rest.strip_prefix('/'));
    part_of == Some(name) || address.is_named(name) || (last().is_some() && last() == without())
}

fn unknown(name: &str, known: &[(&Address, Option<&str>)]) -> Note {
    let nouns: BTreeSet<String> = known
        .iter()
        .flat_map(|(address, part_of)| {
            part_of.map(str::to_owned).into_iter().chain([address.short().to_string()])
        })
        .collect();
    // Who leaves the kind out means the machine or other noun of this name.
    let is_meant = |noun: &str| noun.split_once('/').is_some_and(|(_, last)| last == name);
    let of_a_machine = known.iter().filter_map(|(_, part_of)| *part_of).find(|noun| is_meant(noun));
    let of_a_kind = || nouns.iter().map(String::as_str).find(|noun| is_meant(noun));
    let near = || nearest(name, nouns.iter().map(String::as_str));
    let hint = match of_a_machine.or_else(of_a_kind).or_else(near) {
        Some(near) => format!("did you mean {near}?"),
        None => "name a machine/NAME, a network/NAME or the address of an object".to_owned(),
    };
    let text = format!("no object has this name; {hint}");
    Note { about: About::Name(name.into()), kind: NoteKind::Refused, text }
}
