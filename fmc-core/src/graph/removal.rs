//! The removal of existing objects that are no longer wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::about::About;
use super::address::{Address, Place};
use super::deferral::Deferral;
use super::impact::Impact;
use super::joined::joined;
use super::plan::{Action, Later, Note, NoteKind, Step, Untouched, Why};
use super::planner::{Draft, Fate, note};
use super::provider::{Choices, Model, Removal, Settled};
use super::seen::{Fingerprint, Seen, State};

/// Deletions, each with the addresses whose steps come before it, those of later phases, and the objects that stay.
pub(super) struct Removed<D: ?Sized> {
    pub(super) drafts: Vec<Draft<D>>,
    pub(super) later: Vec<Later<D>>,
    pub(super) untouched: Vec<Untouched>,
}

/// An object that may be deleted.
struct Candidate {
    reason: String,
    impact: Impact,
    fingerprint: Fingerprint,
    part_of: Option<Arc<str>>,
    /// The objects whose steps come before the deletion, because they need this object now.
    after: BTreeSet<Address>,
}

/// Why an object is not deleted.
#[derive(Clone)]
struct Hold {
    why: Why,
    cause: String,
    /// The steps that come first, if the object is deleted in a later phase.
    once: Option<String>,
}

pub(super) fn remove<M: Model>(
    model: &M,
    settled: &Settled<'_, M::Document>,
    seen: &Seen<M::Object>,
    choices: &Choices,
    fates: &[Fate<M::Document>],
    notes: &mut Vec<Note>,
    deferrals: &mut Vec<Deferral>,
) -> Removed<M::Document> {
    let mut candidates: BTreeMap<&Address, Candidate> = BTreeMap::new();
    let is_wanted = |address: &Address| settled.nodes.contains_key(address);
    let mut removed = Removed { drafts: Vec::new(), later: Vec::new(), untouched: Vec::new() };
    let mut left = Vec::new();
    let mut keep = |address: &Address, part_of: Option<Arc<str>>, hold: Hold, notes: &mut Vec<Note>| {
        // A kept object gets a note of its own, since the machine that it belonged to is gone.
        if hold.why == Why::Kept {
            notes.push(note(address, None, NoteKind::Kept, &hold.cause));
        } else {
            let (about, cause) = (About::Object(address.clone()), hold.cause);
            deferrals.push(Deferral { address: Some(address.clone()), about, root: None, cause });
        }
        removed.untouched.push(Untouched { address: address.clone(), part_of, why: hold.why });
    };
    for (address, wanted, state) in joined(&settled.nodes, &seen.objects) {
        let (None, Some(state)) = (wanted, state) else { continue };
        let (object, fingerprint) = match state {
            State::Present { object, fingerprint } => (object, *fingerprint),
            State::Unknown { cause } => {
                let cause = format!("no longer wanted, but it could not be read: {cause}");
                let hold = Hold { why: Why::Unknown, cause, once: None };
                keep(address, None, hold, notes);
                continue;
            }
            State::NotYet { .. } => continue,
        };
        let successor = settled.renamed.get(address);
        let part_of = || {
            let noun = successor.and_then(|to| settled.nodes.get(to)?.part_of.clone());
            noun.or_else(|| model.part_of(address, object).map(Arc::from))
        };
        let (reason, impact) = match model.remove(address, object, &is_wanted, choices) {
            Removal::Delete(reason) => (reason, Impact::Delete),
            Removal::Discard(reason) => (reason, Impact::Live),
            Removal::Keep(cause) => {
                keep(address, part_of(), Hold { why: Why::Kept, cause, once: None }, notes);
                continue;
            }
            Removal::Leave(cause) => {
                let part_of = part_of();
                notes.push(note(address, part_of.as_deref(), NoteKind::Left, &cause));
                left.push(Untouched { address: address.clone(), part_of, why: Why::Kept });
                continue;
            }
            Removal::Ignore => continue,
        };
        let (reason, impact) = match successor {
            Some(to) => (format!("called {} from now on", to.name()), impact.min(Impact::Restart)),
            None => (reason, impact),
        };
        let candidate = Candidate { reason, impact, fingerprint, part_of: part_of(), after: BTreeSet::new() };
        candidates.insert(address, candidate);
    }

    let holds = holds(model, settled, seen, fates, &mut candidates);
    for (address, candidate) in candidates {
        let Candidate { reason, impact, fingerprint, part_of, after } = candidate;
        let hold = holds.get(address);
        if let Some(hold) = hold.filter(|hold| hold.once.is_none()) {
            keep(address, part_of, hold.clone(), notes);
            continue;
        }
        let step = Step {
            address: address.clone(),
            action: Action::Delete,
            impact,
            reasons: vec![reason],
            changes: Vec::new(),
            document: None,
            makes: None,
            expects: Some(fingerprint),
            after: Vec::new(),
            part_of,
        };
        match hold.and_then(|hold| hold.once.clone()) {
            Some(once) => removed.later.push(Later { step, once }),
            None => removed.drafts.push((step, after)),
        }
    }
    removed.untouched.extend(left);
    removed
}

/// Finds the objects that need each candidate now. If such a user has a step, the deletion comes after that
/// step; a remaining user blocks the deletion.
fn holds<'a, M: Model>(
    model: &M,
    settled: &Settled<'_, M::Document>,
    seen: &'a Seen<M::Object>,
    fates: &[Fate<M::Document>],
    candidates: &mut BTreeMap<&'a Address, Candidate>,
) -> BTreeMap<&'a Address, Hold> {
    let mut holds: BTreeMap<&Address, Hold> = BTreeMap::new();
    if candidates.is_empty() {
        return holds;
    }
    let fates: BTreeMap<&Address, &Fate<M::Document>> = settled.nodes.keys().zip(fates).collect();
    let mut needed: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    let mut unknown: BTreeMap<&Place, &Address> = BTreeMap::new();
    for (address, state) in &seen.objects {
        let object = match state {
            State::Present { object, .. } => object,
            State::Unknown { .. } => {
                unknown.entry(address.place()).or_insert(address);
                continue;
            }
            State::NotYet { .. } => continue,
        };
        let is_candidate = candidates.contains_key(address);
        for edge in model.needs(address, object) {
            let Some((to, _)) = candidates.get_key_value(&edge.to) else { continue };
            let to: &'a Address = to;
            // A wanted object may go on with one that is not: a machine that is left as it is.
            let still_needs = || {
                settled
                    .nodes
                    .get(address)
                    .is_some_and(|node| node.needs.iter().any(|need| need.to == edge.to))
            };
            let hold = match fates.get(address) {
                Some(Fate::Step(_)) if still_needs() => Some(kept_for(address)),
                Some(Fate::Step(_)) => None,
                Some(Fate::Later(..)) => Some(put_off(address, Why::NotYet)),
                Some(Fate::Stays(why @ (Why::Unknown | Why::NotYet))) => Some(put_off(address, *why)),
                Some(Fate::Stays(_)) => Some(kept_for(address)),
                None if is_candidate => None,
                None => Some(kept_for(address)),
            };
            match hold {
                Some(hold) => {
                    holds.entry(to).or_insert(hold);
                }
                None => {
                    if is_candidate {
                        needed.entry(address).or_default().push(to);
                    }
                    if let Some(candidate) = candidates.get_mut(to) {
                        candidate.after.insert(address.clone());
                    }
                }
            }
        }
    }
    for (from, to) in &settled.moved {
        let hold = fates.get(to).and_then(|fate| unmade(model, to, fate));
        if let (Some((from, _)), Some(hold)) = (candidates.get_key_value(from), hold) {
            let from: &Address = from;
            // Why a machine stays where it is says more than that a part of it is needed.
            holds.insert(from, hold);
        }
    }
    for address in candidates.keys() {
        if let Some(which) = unknown.get(address.place()) {
            let cause = format!("{} could not be read, and may need it", which.short());
            holds.entry(address).or_insert(Hold { why: Why::Unknown, cause, once: None });
        }
    }
    let mut spread: Vec<&Address> = holds.keys().copied().collect();
    while let Some(address) = spread.pop() {
        let Some(hold) = holds.get(address).cloned() else { continue };
        for to in needed.get(address).into_iter().flatten() {
            if !holds.contains_key(to) {
                holds.insert(to, Hold { cause: kept_for(address).cause, ..hold.clone() });
                spread.push(to);
            }
        }
    }
    holds
}

/// Why what moved stays where it is: its successor is not there and is not made in this phase.
fn unmade<M: Model>(model: &M, to: &Address, fate: &Fate<M::Document>) -> Option<Hold> {
    let place = model.known_as(to.place());
    let (why, once, cause) = match fate {
        Fate::Later(step, block) if step.action == Action::Create => {
            (Why::NotYet, block.phase(), format!("it moves to {place}, which is not ready for it yet"))
        }
        Fate::Stays(Why::Unknown) => {
            let cause = format!(
                "it moves to {place}, which could not be read: it stays here until it can be made there"
            );
            (Why::Unknown, None, cause)
        }
        Fate::Stays(Why::NotYet) => {
            (Why::NotYet, None, format!("it moves to {place}, which is not ready for it yet"))
        }
        Fate::Stays(Why::Refused | Why::Held) => {
            (Why::Kept, None, format!("it moves to {place}, where it cannot be made"))
        }
        Fate::Step(_) | Fate::Later(..) | Fate::Stays(Why::Same | Why::Kept | Why::LeftOut) => return None,
    };
    Some(Hold { why, cause, once })
}

/// Orders the steps of what moves: the guest goes when all is there that its successor needs, and before that is made, since
/// both have the same name and addresses. What it had goes once the successor is made.
pub(super) fn move_over<D: ?Sized>(
    moved: &BTreeMap<Address, Address>,
    drafts: &mut [Draft<D>],
    deletions: &mut [Draft<D>],
) {
    if moved.is_empty() {
        return;
    }
    let created = drafts.iter().enumerate().filter(|(_, (step, _))| step.action == Action::Create);
    let created: BTreeMap<Address, usize> =
        created.map(|(at, (step, _))| (step.address.clone(), at)).collect();
    let mut before: Vec<(usize, Address)> = Vec::new();
    for (step, after) in deletions {
        let Some(to) = moved.get(&step.address) else { continue };
        let Some(at) = created.get(to).copied() else { continue };
        if step.address.kind() == to.kind() {
            after.extend(drafts.get(at).into_iter().flat_map(|(_, after)| after.iter().cloned()));
            before.push((at, step.address.clone()));
        } else {
            after.insert(to.clone());
        }
    }
    for (at, from) in before {
        if let Some((_, after)) = drafts.get_mut(at) {
            after.insert(from);
        }
    }
}

fn put_off(address: &Address, why: Why) -> Hold {
    Hold { why, cause: format!("{} needs it, and is deferred", address.short()), once: None }
}

fn kept_for(address: &Address) -> Hold {
    Hold { why: Why::Kept, cause: format!("{} needs it, and stays", address.short()), once: None }
}
