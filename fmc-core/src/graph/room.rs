//! Exclusive claims of a place: an object frees a claim before another object takes it.
//!
//! Bridges, subnets and MAC addresses are claims of an object. The planner puts the step that takes a claim
//! after the step that frees it. If machines move from a deleted network to its successor, the network is
//! deleted while they are attached, and they are restarted in the same plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::address::{Address, Place};
use super::plan::{Action, Note, NoteKind, Untouched, Why};
use super::planner::{Draft, note};
use super::provider::Model;
use super::seen::{Seen, State};
use crate::sort;

/// Something at a place, as a host, that only one object can have at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Claim {
    /// A name of a kind, as the name of a bridge.
    Name(&'static str, String),
    /// Numbers of a kind, as the addresses of a subnet: the first and the last.
    Range(&'static str, u128, u128),
}

impl Claim {
    /// Whether two objects at one place cannot have both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let ((space, first, last), (its, from, to)) = (self.place(), other.place());
        space == its && first <= to && from <= last
    }

    /// The kind of the claim, and its range within that kind.
    fn place(&self) -> (Space<'_>, u128, u128) {
        match self {
            Self::Name(kind, name) => ((kind, name), 0, 0),
            Self::Range(kind, first, last) => ((kind, ""), *first, *last),
        }
    }
}

/// `the bridge br-lab`, `IPv4 addresses`.
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(kind, name) => write!(f, "the {kind} {name}"),
            Self::Range(kind, ..) => write!(f, "{kind} addresses"),
        }
    }
}

type Space<'a> = (&'static str, &'a str);

/// A place, and a kind of thing there.
type Where<'a> = (&'a Place, Space<'a>);

/// An object that frees a claim.
struct Leaver<'a> {
    first: u128,
    last: u128,
    /// The highest last number up to here, in the order of the first numbers.
    reach: u128,
    address: &'a Address,
}

/// Puts each step that takes a claim after the step that frees it, and returns whether there was any.
///
/// A deletion waits for the steps of objects that need it now and will not need it afterwards. If such a step
/// in turn waits for the claim that the deletion frees, as that of a machine which moves to a network of the
/// same subnet, the deletion goes first: the machine is changed in the same plan.
pub(super) fn make_room<M: Model>(
    model: &M,
    seen: &Seen<M::Object>,
    drafts: &mut [Draft<M::Document>],
    deletions: &mut [Draft<M::Document>],
) -> bool {
    let leaves = |draft: &&Draft<M::Document>| draft.0.action != Action::Create;
    if !drafts.iter().chain(deletions.iter()).any(|draft| leaves(&draft)) {
        return false;
    }
    let holds = |address: &Address| match seen.objects.get(address) {
        Some(State::Present { object, .. }) => model.holds(address, object),
        _ => BTreeSet::new(),
    };
    let mut left: Vec<(Address, BTreeSet<Claim>)> = Vec::new();
    let mut taken: Vec<(Address, BTreeSet<Claim>)> = Vec::new();
    for (step, _) in drafts.iter().chain(deletions.iter()) {
        let had = holds(&step.address);
        let has =
            step.document.as_ref().map(|document| model.takes(&step.address, document)).unwrap_or_default();
        left.push((step.address.clone(), had.difference(&has).cloned().collect()));
        taken.push((step.address.clone(), has.difference(&had).cloned().collect()));
    }
    let edges = edges(&left, &taken);
    if edges.is_empty() {
        return false;
    }
    for (step, after) in drafts.iter_mut() {
        after.extend(edges.get(&step.address).into_iter().flatten().cloned());
    }
    let mut needed_by: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for (step, after) in drafts.iter() {
        after.iter().for_each(|before| needed_by.entry(before).or_default().push(&step.address));
    }
    for (step, after) in deletions {
        // The steps that come after the one which takes the freed claim.
        let mut found: BTreeSet<&Address> = BTreeSet::new();
        let mut spread: Vec<&Address> = needed_by.get(&step.address).cloned().unwrap_or_default();
        while let Some(address) = spread.pop() {
            if found.insert(address) {
                spread.extend(needed_by.get(address).into_iter().flatten());
            }
        }
        after.retain(|before| !found.contains(before));
    }
    true
}

/// Refuses each step that takes a claim which an unwanted object keeps, because that object stays.
pub(super) fn occupied<M: Model>(
    model: &M,
    seen: &Seen<M::Object>,
    drafts: &[Draft<M::Document>],
    untouched: &[Untouched],
) -> Vec<Note> {
    let kept = untouched.iter().filter(|object| object.why == Why::Kept).filter_map(|object| {
        let holds = model.holds(&object.address, seen.object(&object.address)?);
        (!holds.is_empty()).then_some((&object.address, holds))
    });
    let kept: Vec<(&Address, BTreeSet<Claim>)> = kept.collect();
    if kept.is_empty() {
        return Vec::new();
    }
    let refused = drafts.iter().filter_map(|(step, _)| {
        let takes = model.takes(&step.address, step.document.as_ref()?);
        let is_held = |holds: &BTreeSet<Claim>| {
            holds.iter().find(|held| takes.iter().any(|taken| taken.overlaps(held))).cloned()
        };
        let beside = kept.iter().filter(|(at, _)| at.place() == step.address.place());
        let (holder, claim) = beside.filter_map(|(at, holds)| Some((at.short(), is_held(holds)?))).next()?;
        let text =
            format!("it needs {claim}, which {holder} has: the line of {holder} says why that stays, and what frees it");
        Some(note(&step.address, step.part_of.as_deref(), NoteKind::Refused, &text))
    });
    refused.collect()
}

/// For each address, the addresses that it comes after because they free its claims.
fn edges(
    left: &[(Address, BTreeSet<Claim>)],
    taken: &[(Address, BTreeSet<Claim>)],
) -> BTreeMap<Address, BTreeSet<Address>> {
    let mut leavers: BTreeMap<Where<'_>, Vec<Leaver<'_>>> = BTreeMap::new();
    for (address, claims) in left {
        for claim in claims {
            let (space, first, last) = claim.place();
            let place = (address.place(), space);
            leavers.entry(place).or_default().push(Leaver { first, last, reach: last, address });
        }
    }
    for leavers in leavers.values_mut() {
        sort::by_key(leavers, |leaver| leaver.first);
        let mut reach = 0;
        for leaver in leavers {
            reach = leaver.last.max(reach);
            leaver.reach = reach;
        }
    }
    let mut edges: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for (address, claims) in taken {
        for claim in claims {
            let (space, first, last) = claim.place();
            let place = (address.place(), space);
            let leavers = leavers.get(&place).map(Vec::as_slice).unwrap_or_default();
            let end = leavers.partition_point(|leaver| leaver.first <= last);
            let near = leavers.iter().take(end).rev().take_while(|leaver| leaver.reach >= first);
            let before = near.filter(|leaver| leaver.last >= first && leaver.address != address);
            for leaver in before {
                edges.entry(address.clone()).or_default().insert(leaver.address.clone());
            }
        }
    }
    edges
}
