//! Compares the derivation of existing machines' secrets with that of the cloud.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{About, Note, NoteKind};
use fmc_core::role::{Fate, Moving};
use fmc_core::secret::{Derivation, Generated, SecretRef, SecretSource};

use super::Seen;
use super::beforehand::Planned;
use crate::compile::Wanted;

/// The derivation by which secrets of the owner's machines were made; `None` if there are none, or if they differ.
pub(super) fn of_those_there(wanted: &Wanted, seen: &Seen) -> Option<Derivation> {
    let all: BTreeSet<Derivation> = there(wanted, seen).into_values().collect();
    all.first().copied().filter(|_| all.len() == 1)
}

/// The derivation of each existing machine's secrets.
#[cfg(feature = "cli")]
pub(crate) fn of_each(wanted: &Wanted, seen: &Seen) -> BTreeMap<String, Derivation> {
    there(wanted, seen).into_iter().map(|(machine, was)| (machine.to_owned(), was)).collect()
}

/// The machines that have secrets from the root key, each with how they were made. One that is not there has those of its data
/// disks, which it takes over with what is on them.
fn there<'a>(wanted: &'a Wanted, seen: &'a Seen) -> BTreeMap<&'a str, Derivation> {
    let rooms = wanted.rooms();
    let made = seen.present().filter_map(|(at, object)| Some((at.name(), rooms.derivation(at, object)?)));
    let mut there: BTreeMap<&str, Derivation> = made.collect();
    for (at, node) in &wanted.graph().nodes {
        if seen.object(at).is_some() || rooms.makes(at, &*node.document).is_none() {
            continue;
        }
        let objects = node.needs.iter().filter_map(|edge| Some((&edge.to, seen.object(&edge.to)?)));
        let kept = objects.filter_map(|(at, object)| rooms.kept_derivation(at, object)).min();
        there.extend(kept.map(|kept| (at.name(), kept)));
    }
    there
}

/// The meaning of a change of the derivation.
pub(super) fn note(wanted: &Wanted, seen: &Seen) -> Option<Note> {
    if wanted.is_nothing() || !wanted.needs_root_key() {
        return None;
    }
    let now = wanted.secret_scope().derivation();
    let there = there(wanted, seen);
    let was = *there.values().find(|was| **was != now)?;
    let is_mixed = there.values().any(|was| *was == now);
    let (kind, text) = if wanted.says_derivation() {
        let text = format!(
            "its secrets are made by derivation {now}, and those of {} by derivation {was}: each machine gets its new ones when it \
             is replaced. Machines that share secrets, as those of a cluster, are replaced in one apply; where they keep their \
             state on data disks they keep derivation {was}",
            if is_mixed { some(&there, was) } else { "its machines".to_owned() }
        );
        (NoteKind::Notice, text)
    } else if is_mixed {
        let text = format!(
            "the secrets of its machines were made by derivation {was} ({}) and by derivation {now} ({}), and the cloud does not say \
             by which the next ones are: write `secrets: {{derivation: {now}}}` or `secrets: {{derivation: {was}}}`",
            some(&there, was),
            some(&there, now)
        );
        (NoteKind::Refused, text)
    } else {
        let text = format!(
            "the secrets of its machines were made without its owner (derivation {was}), and the cloud does not say \
             `derivation` in `secrets`: {was} keeps them, {now} makes others as machines are replaced"
        );
        (NoteKind::Refused, text)
    };
    Some(Note { about: About::Noun(format!("cloud/{}", wanted.owner()).into()), kind, text })
}

/// The machines of a derivation, the first of them by name.
fn some(there: &BTreeMap<&str, Derivation>, of: Derivation) -> String {
    const NAMED: usize = 5;
    let all: Vec<&str> = there.iter().filter(|(_, was)| **was == of).map(|(machine, _)| *machine).collect();
    let more = if all.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", all.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "))
}

/// The groups that a plan would divide: machines that share secrets, of which some would have them by another derivation than others, or
/// than a state that stays. With the machines of those groups.
pub(super) fn divided<'a>(
    planned: &Planned<'a>,
    members: &[Moving<'a>],
    wanted: &'a Wanted,
) -> (Vec<Note>, BTreeSet<&'a str>) {
    let (mut notes, mut machines) = (Vec::new(), BTreeSet::new());
    if wanted.is_nothing() || !wanted.needs_root_key() {
        return (notes, machines);
    }
    let now = wanted.secret_scope().derivation();
    let there = there(wanted, planned.seen);
    let mut of_machines: BTreeMap<&str, Vec<&Moving<'a>>> = BTreeMap::new();
    for member in members.iter().filter(|member| member.wanted.is_some_and(|wanted| wanted.state().is_some()))
    {
        of_machines.entry(member.machine).or_default().push(member);
    }
    for sharing in sharing(wanted) {
        let group = Group::of(&sharing, planned, &of_machines, &there, now);
        if let Some((first, text)) = group.told(wanted.says_derivation(), now) {
            notes.push(Note { about: About::machine(first), kind: NoteKind::Refused, text });
            machines.extend(sharing);
        }
    }
    (notes, machines)
}

/// The machines that have secrets from the root key besides their own host keys, in groups that share some.
pub(super) fn sharing(wanted: &Wanted) -> Vec<BTreeSet<&str>> {
    let mut groups: Vec<BTreeSet<&str>> = Vec::new();
    let mut holders: BTreeMap<&SecretRef, usize> = BTreeMap::new();
    // Where a group has gone that was joined with another one.
    let mut joined: Vec<usize> = Vec::new();
    for (machine, boot) in wanted.boots() {
        let parts = boot.secrets().flat_map(SecretRef::made_from);
        let parts: BTreeSet<&SecretRef> =
            parts.filter(|part| part.source != SecretSource::Generated(Generated::SshHostKey)).collect();
        if parts.is_empty() {
            continue;
        }
        let mut own = groups.len();
        groups.push(BTreeSet::from([machine]));
        joined.push(own);
        for part in parts {
            let mut other = *holders.entry(part).or_insert(own);
            while let Some(further) = joined.get(other).copied().filter(|further| *further != other) {
                other = further;
            }
            if other != own {
                // The smaller one joins the larger one.
                let len = |at: usize| groups.get(at).map_or(0, BTreeSet::len);
                let (from, to) = if len(own) <= len(other) { (own, other) } else { (other, own) };
                let moved = groups.get_mut(from).map(std::mem::take).unwrap_or_default();
                groups.get_mut(to).into_iter().for_each(|group| group.extend(&moved));
                joined.get_mut(from).into_iter().for_each(|at| *at = to);
                own = to;
            }
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// Machines that share secrets, in a plan.
#[derive(Default)]
struct Group<'a> {
    /// Those that the plan makes.
    made: Vec<&'a str>,
    /// Those that stay, with secrets by another derivation.
    stay: Vec<&'a str>,
    /// Those that stay, with secrets by the derivation of the cloud.
    alike: Vec<&'a str>,
    /// Those that are made, and keep a state of secrets by another derivation.
    keep: Vec<&'a str>,
    /// Those that are new, and take over a state from a data disk that does not say of which secrets it is.
    come: Vec<&'a str>,
    /// All that are new and take over a state.
    back: BTreeSet<&'a str>,
    /// Those that are made with other secrets, and lose their state.
    lose: Vec<&'a str>,
    /// Those that are made with other secrets, and whose state is outside of them.
    elsewhere: Vec<&'a str>,
    /// The place of that state.
    place: Option<&'a str>,
    /// All that are there or take over a state.
    all: Vec<&'a str>,
    /// Those with a role that has a state.
    stateful: BTreeSet<&'a str>,
    /// Those whose state is on a data disk.
    on_disk: BTreeSet<&'a str>,
    /// The other derivation.
    was: Option<Derivation>,
    /// Whether what is there is of both.
    is_divided: bool,
}

impl<'a> Group<'a> {
    fn of(
        sharing: &BTreeSet<&'a str>,
        planned: &Planned<'a>,
        members: &BTreeMap<&str, Vec<&Moving<'a>>>,
        there: &BTreeMap<&str, Derivation>,
        now: Derivation,
    ) -> Self {
        let (mut group, mut is_now) = (Self::default(), false);
        for machine in sharing.iter().copied() {
            let was = there.get(machine).copied();
            let (is_made, other) = (planned.is_made(machine), was.filter(|was| *was != now));
            group.was = group.was.or(other);
            is_now |= was == Some(now);
            match (is_made, was, other) {
                (true, ..) => group.made.push(machine),
                (false, _, Some(_)) => group.stay.push(machine),
                (false, Some(_), None) => group.alike.push(machine),
                (false, None, None) => {}
            }
            group.all.extend(was.map(|_| machine));
        }
        group.is_divided = is_now && group.was.is_some();
        for member in sharing.iter().filter_map(|machine| members.get(machine)).flatten() {
            let machine = member.machine;
            group.stateful.insert(machine);
            if member.member.keeps_state() {
                group.on_disk.insert(machine);
            }
            let changes = there.get(machine).is_some_and(|was| *was != now);
            let place = member.wanted.and_then(|wanted| wanted.facts.elsewhere());
            if let (Fate::Replaced { .. }, true, Some(place)) = (member.fate, changes, place) {
                group.elsewhere.push(machine);
                group.place = Some(place);
                continue;
            }
            match member.fate {
                Fate::Replaced { keeps_state: true } if changes => group.keep.push(machine),
                Fate::Replaced { keeps_state: false } if changes => group.lose.push(machine),
                Fate::Comes { has_state: true } => {
                    group.back.insert(machine);
                    if changes {
                        group.keep.push(machine);
                    } else if group.made.contains(&machine) && !there.contains_key(machine) {
                        group.come.push(machine);
                        group.all.push(machine);
                    }
                }
                _ => {}
            }
        }
        group
    }

    /// Why the plan is refused, with the first machine that it is about.
    fn told(&self, says: bool, now: Derivation) -> Option<(&'a str, String)> {
        let first = *self.made.first()?;
        if let Some(was) = self.was {
            let some_of = |all: &[&str], one: &str, several: &str| {
                format!("{} {}", names(all), if all.len() == 1 { one } else { several })
            };
            let what = if !self.stay.is_empty() {
                format!(
                    "{} would get secrets by derivation {now}; {} with those by derivation {was}, and they share secrets",
                    names(&self.made),
                    some_of(&self.stay, "stays", "stay")
                )
            } else if !self.keep.is_empty() {
                format!(
                    "{} would get secrets by derivation {now}, and {} a state that was made with those by derivation {was}",
                    names(&self.keep),
                    if self.keep.len() == 1 { "keeps" } else { "keep" }
                )
            } else if let Some(place) = self.place {
                format!(
                    "{} would get secrets by derivation {now}, and those by derivation {was} alone open {place}",
                    names(&self.elsewhere)
                )
            } else if self.lose.len() > 1 {
                format!(
                    "{} would get secrets by derivation {now} instead of {was}, and lose their state all at once",
                    names(&self.lose)
                )
            } else {
                return None;
            };
            return Some((first, format!("{what}. {}", self.ways(was, now))));
        }
        if says || self.come.is_empty() || !self.alike.is_empty() {
            return None;
        }
        let come = names(&self.come);
        let text = format!(
            "{come} would take over the state on a data disk, and fmc cannot see by which derivation its secrets were made. Write \
             `secrets: {{derivation: 1}}` in the cloud if it said so when they were made, or if they were made by a version of \
             fmc that did not know derivations; otherwise `secrets: {{derivation: 2}}`. Or `apply{}` begins with empty disks",
            options("--delete-data ", &self.come)
        );
        Some((first, text))
    }

    /// The help: how to keep the old derivation, and how to get the new one.
    fn ways(&self, was: Derivation, now: Derivation) -> String {
        // Of two derivations neither keeps all.
        let keep = if self.is_divided {
            format!(
                "What is there was made by derivation {was} and by derivation {now}, and cannot be kept together"
            )
        } else {
            format!("To keep what is there, write `secrets: {{derivation: {was}}}` in the cloud")
        };
        let there: Vec<&str> = self.all.iter().filter(|name| !self.back.contains(*name)).copied().collect();
        if self.stateful.is_empty() {
            let old: Vec<&str> = self.all.iter().filter(|name| !self.alike.contains(name)).copied().collect();
            return format!(
                "{keep}. To have derivation {now}, replace all of them at once: `apply{}`",
                options("--replace ", &old)
            );
        }
        let disks: Vec<&str> = self.all.iter().filter(|name| self.on_disk.contains(*name)).copied().collect();
        let data = options("--delete-data ", &disks);
        let how = match there.is_empty() {
            true => format!("`apply{data}`"),
            // A disk that is deleted belongs to a machine, also to one that is not there.
            false => {
                let empty = self.place.map(|place| format!(" empty {place},")).unwrap_or_default();
                format!("`destroy{}{data}`,{empty} then `apply`", options("--only machine/", &self.all))
            }
        };
        format!("{keep}. To have derivation {now}, begin anew without the state of these machines: {how}")
    }
}

fn options(option: &str, names: &[&str]) -> String {
    names.iter().map(|name| format!(" {option}{name}")).collect()
}

fn names(names: &[&str]) -> String {
    names.join(", ")
}

/// The note of a plan that keeps the first derivation unasked.
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
