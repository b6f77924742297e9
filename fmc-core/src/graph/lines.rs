//! A plan as a person reads and signs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::about::About;
use super::address::Address;
use super::group::Group;
use super::impact::Impact;
use super::plan::{Action, Note, NoteKind, Plan, Step, Why};
use crate::count::counted;

/// One line of a plan. A CLI colours it by its sign; its text is the same everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// `+` created, `~` changed, `±` replaced, `-` deleted, `!` needs attention, or a space.
    pub sign: char,
    /// The machine or object, as `machine web`, or a count of a kind, as `9 machines`.
    pub what: String,
    /// The action, as `restart`, or the state, as `outdated`.
    pub verb: &'static str,
    /// Why, and what differs.
    pub detail: String,
    /// The indentation: 0, or 1 below the line that this line belongs to.
    pub indent: usize,
    /// The action, if there is one.
    pub action: Option<Action>,
    /// Whether this line only adds to the line before it.
    pub continues: bool,
}

/// The widest column of names.
const WIDEST: usize = 40;

/// How many deferred machines and objects are named for one cause; the others are counted.
const NAMED: usize = 3;

/// How many details share a line; more get lines of their own below.
const DETAILS_IN_A_LINE: usize = 2;

impl<D: ?Sized> Plan<D> {
    /// The plan's text, one line for each machine or other noun, without the totals ([`Plan::counts`]):
    /// steps, then notes, then the numbers of unchanged objects.
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        let names = Names::of(self);
        let living: BTreeSet<&str> = self
            .untouched
            .iter()
            .filter(|object| object.why != Why::Kept)
            .filter_map(|object| object.part_of.as_deref())
            .collect();
        let refused: BTreeSet<About> = self
            .refused()
            .map(|note| match &note.about {
                About::Object(address) => About::object(address, names.part_of.get(address).copied()),
                about => about.clone(),
            })
            .collect();
        let mut lines = Vec::new();
        for group in names.sorted(self.groups()) {
            if refused.contains(&group.about()) {
                // Why stands in its note below. Its other parts are not made either, since the plan is refused.
                if has_the_noun_itself(&group) {
                    lines.push(of_refused(&group, &names));
                }
                continue;
            }
            // Of a machine that is gone already only a part is deleted, as its data.
            let is_part = living.contains(group.name()) || !has_the_noun_itself(&group);
            if group.action() == Action::Delete && is_part {
                lines.extend(group.steps().map(|step| deletion(step, &names, 0)));
            } else {
                of_group(&group, once(self, &group), &names, &mut lines);
            }
        }
        lines.extend(of_deferred(self, &names));
        let others = self.notes.iter().filter(|note| note.kind != NoteKind::Deferred);
        lines.extend(others.map(|note| of_note(note, &names)));
        lines.extend(unchanged(self, &names));
        lines.into_iter()
    }
}

impl<D: ?Sized> fmt::Display for Plan<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<Line> = self.lines().collect();
        let width = lines
            .iter()
            .map(|line| 2 * line.indent + line.what.chars().count())
            .max()
            .unwrap_or(0)
            .clamp(16, WIDEST);
        for Line { sign, what, verb, detail, indent, action: _, continues: _ } in &lines {
            let (margin, width) = (2 + 2 * indent, width.saturating_sub(2 * indent));
            let line = format!("{:margin$}{sign} {what:width$}  {verb:8} {detail}", "");
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f, "  {}", self.counts())
    }
}

/// Whether the group has the step of its noun itself, as that of the domain `web` of `machine/web`, and not only those of
/// its other parts.
fn has_the_noun_itself<D: ?Sized>(group: &Group<'_, D>) -> bool {
    let name = group.name().split_once('/').map_or(group.name(), |(_, name)| name);
    let mut steps = group.steps();
    steps.any(|step| step.part_of.is_none() || step.address.name() == name)
}

/// The condition for those steps of a group that belong to a later phase.
fn once<D: ?Sized>(plan: &Plan<D>, group: &Group<'_, D>) -> Option<String> {
    let later = plan.later.iter().filter(|later| group.steps().any(|step| std::ptr::eq(step, &later.step)));
    let phases: BTreeSet<&str> = later.clone().map(|later| later.once.as_str()).collect();
    let part = if later.count() < group.steps().count() { "the rest once" } else { "once" };
    let phases: Vec<&str> = phases.into_iter().collect();
    (!phases.is_empty()).then(|| format!("{part} {}", phases.join(" and ")))
}

fn of_group<D: ?Sized>(group: &Group<'_, D>, once: Option<String>, names: &Names<'_>, lines: &mut Vec<Line>) {
    let action = group.action();
    let verb = match action {
        Action::Create => "create",
        Action::Restart => "restart",
        Action::Stop => "stop",
        Action::Replace => "replace",
        Action::Delete => "delete",
        // An update shows when it takes effect, because a person must know that first.
        Action::Update if group.steps().any(|step| step.impact == Impact::NextBoot) => "at boot",
        Action::Update if group.is_renamed() => "rename",
        Action::Update => "update",
    };
    let mut details = group.details();
    match action {
        // The last created object is the machine itself, and a person looks for its size.
        Action::Create => details = vec![details.into_iter().rev().collect::<Vec<_>>().join(", ")],
        Action::Delete | Action::Update | Action::Restart | Action::Stop | Action::Replace => {}
    }
    let own_losses = own_losses(group);
    details.retain(|detail| !own_losses.iter().any(|step| step.reasons.contains(detail)));
    details.retain(|detail| !detail.is_empty());
    details.extend(once);
    let below = if details.len() > DETAILS_IN_A_LINE { details.split_off(1) } else { Vec::new() };
    lines.push(Line {
        sign: action.sign(),
        what: names.show(&group.about()),
        verb,
        detail: details.join("; "),
        indent: 0,
        action: Some(action),
        continues: false,
    });
    lines.extend(below.into_iter().map(|detail| Line {
        sign: ' ',
        what: String::new(),
        verb: "",
        detail,
        indent: 0,
        action: None,
        continues: true,
    }));
    lines.extend(own_losses.iter().map(|step| Line { continues: true, ..deletion(step, names, 1) }));
    if action != Action::Delete {
        let lost = group.steps().filter(|step| step.impact == Impact::Delete);
        lines.extend(lost.map(|step| deletion(step, names, 1)));
        lines.extend(group.made_again().map(|step| of_part(step, "replace", names, 1)));
    }
}

/// The parts of a deleted noun that are lost for a reason of their own, as the data of a machine: each is named.
fn own_losses<'a, D: ?Sized>(group: &Group<'a, D>) -> Vec<&'a Step<D>> {
    if group.action() != Action::Delete {
        return Vec::new();
    }
    let (_, name) = group.name().split_once('/').unwrap_or_default();
    let is_noun = |step: &&Step<D>| step.part_of.is_none() || step.address.name() == name;
    let said: BTreeSet<&String> = group.steps().filter(is_noun).flat_map(|step| &step.reasons).collect();
    let is_own = |step: &&Step<D>| {
        step.impact == Impact::Delete
            && !is_noun(step)
            && !step.reasons.iter().all(|reason| said.contains(reason))
    };
    group.steps().filter(is_own).collect()
}

/// The line of a machine or object whose steps are refused.
fn of_refused<D: ?Sized>(group: &Group<'_, D>, names: &Names<'_>) -> Line {
    let to = match group.action() {
        Action::Create => "create",
        Action::Restart => "restart",
        Action::Stop => "stop",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Update => "change",
    };
    let mut details = group.details();
    details.retain(|detail| !detail.is_empty());
    let details = if details.is_empty() { String::new() } else { format!(": {}", details.join("; ")) };
    Line {
        sign: '!',
        what: names.show(&group.about()),
        verb: "refused",
        detail: format!("to {to} it{details}"),
        indent: 0,
        action: None,
        continues: false,
    }
}

fn deletion<D: ?Sized>(step: &Step<D>, names: &Names<'_>, indent: usize) -> Line {
    of_part(step, "delete", names, indent)
}

/// A line for one object.
fn of_part<D: ?Sized>(step: &Step<D>, verb: &'static str, names: &Names<'_>, indent: usize) -> Line {
    Line {
        sign: step.action.sign(),
        what: names.show_object(&step.address),
        verb,
        detail: step.reasons.join("; "),
        indent,
        action: Some(step.action),
        continues: false,
    }
}

/// Deferred objects: one line for each cause, with the objects that share it named, or counted by kind.
fn of_deferred<D: ?Sized>(plan: &Plan<D>, names: &Names<'_>) -> Vec<Line> {
    let mut causes: BTreeMap<&str, Vec<&About>> = BTreeMap::new();
    for note in plan.deferred() {
        causes.entry(&note.text).or_default().push(&note.about);
    }
    let what = |abouts: &[&About]| {
        let all: Vec<String> = abouts.iter().take(NAMED).map(|about| names.show(about)).collect();
        let named = all.join(", ");
        if abouts.len() == 1 || (abouts.len() <= NAMED && named.chars().count() <= WIDEST) {
            return named;
        }
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for about in abouts {
            let shown = names.show(about);
            *kinds.entry(shown.split(' ').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
        let counted = kinds.iter().map(|(kind, count)| counted(*count, kind));
        counted.collect::<Vec<_>>().join(", ")
    };
    let line = |(cause, abouts): (&str, Vec<&About>)| Line {
        sign: '!',
        what: what(&abouts),
        verb: "deferred",
        detail: cause.to_owned(),
        indent: 0,
        action: None,
        continues: false,
    };
    causes.into_iter().map(line).collect()
}

fn of_note(note: &Note, names: &Names<'_>) -> Line {
    let (sign, verb) = match note.kind {
        NoteKind::Outdated => ('!', "outdated"),
        NoteKind::PendingBoot => ('!', "pending"),
        NoteKind::Kept => (' ', "kept"),
        NoteKind::Left => (' ', "left"),
        NoteKind::Notice => ('!', "notice"),
        NoteKind::LeftOut => (' ', "left out"),
        NoteKind::Beforehand => ('!', "beforehand"),
        NoteKind::Deferred => ('!', "deferred"),
        NoteKind::Held => ('!', "held"),
        NoteKind::Refused => ('!', "refused"),
    };
    Line {
        sign,
        what: names.show(&note.about),
        verb,
        detail: note.text.clone(),
        indent: 0,
        action: None,
        continues: false,
    }
}

/// How many of each kind are unchanged and have no line of their own.
fn unchanged<D: ?Sized>(plan: &Plan<D>, names: &Names<'_>) -> Vec<Line> {
    let steps = plan.all_steps().filter(|step| step.action != Action::Delete);
    let mut told: BTreeSet<About> =
        steps.map(|step| About::object(&step.address, step.part_of.as_deref())).collect();
    // A kept disk does not belong to the wanted machine, so its note does not count as a line of the machine.
    for note in plan.notes.iter().filter(|note| note.kind != NoteKind::Kept) {
        let noun = match &note.about {
            About::Object(address) => names.part_of.get(address).map(|noun| About::noun(noun)),
            _ => None,
        };
        told.insert(noun.unwrap_or_else(|| note.about.clone()));
    }
    let mut kinds: BTreeMap<String, BTreeSet<About>> = BTreeMap::new();
    for object in plan.untouched.iter().filter(|object| object.why == Why::Same) {
        let name = About::object(&object.address, object.part_of.as_deref());
        let kind = object
            .part_of
            .as_deref()
            .and_then(|noun| noun.split('/').next())
            .unwrap_or(object.address.kind());
        if !told.contains(&name) {
            kinds.entry(kind.to_owned()).or_default().insert(name);
        }
    }
    let line = |(kind, names): (String, BTreeSet<About>)| Line {
        sign: ' ',
        what: counted(names.len(), &kind),
        verb: "no change",
        detail: String::new(),
        indent: 0,
        action: None,
        continues: false,
    };
    kinds.into_iter().map(line).collect()
}

/// The names of objects: addresses, shortened where that stays unique.
struct Names<'a> {
    short: BTreeMap<(&'static str, &'a str), usize>,
    part_of: BTreeMap<&'a Address, &'a str>,
}

impl<'a> Names<'a> {
    fn of<D: ?Sized>(plan: &'a Plan<D>) -> Self {
        let mut names = Self { short: BTreeMap::new(), part_of: BTreeMap::new() };
        let steps = plan.all_steps().map(|step| (&step.address, step.part_of.as_deref()));
        let untouched = plan.untouched.iter().map(|object| (&object.address, object.part_of.as_deref()));
        for (address, part_of) in steps.chain(untouched) {
            *names.short.entry((address.kind(), address.name())).or_default() += 1;
            if let Some(part_of) = part_of {
                names.part_of.insert(address, part_of);
            }
        }
        names
    }

    /// Objects that belong to no noun (networks, pools) by kind and name, then machines and other nouns.
    fn sorted<'p, D: ?Sized>(&self, mut groups: Vec<Group<'p, D>>) -> Vec<Group<'p, D>> {
        groups.sort_by_cached_key(|group| {
            // A renamed object is its own noun.
            let is_own =
                |noun: &str| noun.split('/').next() == group.steps().next().map(|step| step.address.kind());
            let alone = group.steps().next().filter(|step| step.part_of.as_deref().is_none_or(is_own));
            let address = alone.map(|step| (step.address.kind(), step.address.name()));
            (address.is_none(), address, group.name().to_owned())
        });
        groups
    }

    fn show(&self, about: &About) -> String {
        match about {
            About::Object(address) => self.show_object(address),
            other => other.spoken(),
        }
    }

    /// An object by kind and name, and by its place too if another object of the plan has the same.
    fn show_object(&self, address: &Address) -> String {
        let (kind, name) = (address.kind(), address.name());
        if self.short.get(&(kind, name)).is_none_or(|count| *count == 1) {
            return format!("{kind} {name}");
        }
        match address.place().name() {
            Some(place) => format!("{kind} {name} on {place}"),
            None => format!("{kind} {name} of {}", address.provider()),
        }
    }
}
