//! From the wanted and the existing objects to a plan.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::about::About;
use super::address::{Address, Place};
use super::deferral::{Deferral, deferred};
use super::impact::Impact;
use super::joined::joined;
use super::lookup::Lookup;
use super::only::{Part, Users, only};
use super::order::{Cycle, order};
use super::plan::{Action, Change, Later, Note, NoteKind, Plan, Step, Untouched, Why};
use super::provider::{Choices, Model, Settled, Verdict};
use super::removal;
use super::room::{make_room, occupied};
use super::seen::{Fingerprint, Seen, State};
use super::wanted::{Carries, Edge, Node, Wanted};
use crate::sort;

/// Decides on the steps from the wanted and the existing objects.
///
/// It asks the model about each object once, never about two at a time, and its running time grows with the
/// number of objects and edges. The same arguments give the same plan.
///
/// If wanted objects need each other in a circle, the plan is [refused](Plan::refused) and names the circle.
pub fn plan<M: Model>(
    model: &M,
    wanted: &Wanted<M::Document>,
    seen: &Seen<M::Object>,
    choices: &Choices,
) -> Plan<M::Document> {
    let settled = model.settle(wanted, seen, choices);
    let mut notes = settled.notes.clone();
    let decided = match decide(model, &settled, seen, &mut notes) {
        Ok(decided) => decided,
        Err(note) => {
            return Plan { steps: Vec::new(), later: Vec::new(), notes: vec![note], untouched: Vec::new() };
        }
    };
    let mut deferrals = decided.deferrals;
    let removed = removal::remove(model, &settled, seen, choices, &decided.fates, &mut notes, &mut deferrals);
    let unread = unread_places(model, &settled, seen);
    let goes_along = |deferral: &Deferral| match &deferral.about {
        About::Place(place) => wanted.is_destroyed && model.goes_along(place),
        _ => false,
    };
    deferrals.extend(unread.into_iter().filter(|deferral| !goes_along(deferral)));

    let mut untouched = removed.untouched;
    let mut drafts = Vec::new();
    let mut later: Vec<Later<M::Document>> = Vec::new();
    let after = waits(&decided.needs, &decided.sequence, &decided.fates);
    for (((address, node), fate), after) in settled.nodes.iter().zip(decided.fates).zip(after) {
        match fate {
            Fate::Step(step) => drafts.push((*step, after)),
            Fate::Later(step, block) => {
                later.push(Later { step: *step, once: block.phase().unwrap_or_default() });
            }
            Fate::Stays(why) => {
                untouched.push(Untouched { address: address.clone(), part_of: node.part_of.clone(), why });
            }
        }
    }
    later.extend(removed.later);
    sort::by(&mut later, |one, other| one.step.address.cmp(&other.step.address));
    let mut deletions = removed.drafts;
    // Before room is made, which lets a deletion go before the steps of those that need the object.
    let users: Users = match choices.only.is_empty() {
        true => Users::new(),
        false => deletions.iter().map(|(step, after)| (step.address.clone(), after.clone())).collect(),
    };
    let is_passed_on = make_room(model, seen, &mut drafts, &mut deletions);
    removal::move_over(&settled.moved, &mut drafts, &mut deletions);
    notes.extend(occupied(model, seen, &drafts, &untouched));
    let mut circle = None;
    let mut steps = ordered(drafts, deletions).unwrap_or_else(|mut note| {
        if is_passed_on {
            note.text +=
                ": each needs something that the other still holds; change one of them first, then the other";
        }
        circle = Some(note);
        Vec::new()
    });
    if !choices.only.is_empty() {
        let part = only(model, choices, &settled, &users, Part { steps, later, deferrals, notes, untouched });
        Part { steps, later, deferrals, notes, untouched } = part;
    }
    // Without an order there is no step, whatever was chosen.
    notes.extend(circle);
    notes.extend(deferred(deferrals));
    sort::all(&mut notes);
    notes.dedup();
    sort::by(&mut untouched, |one, other| one.address.cmp(&other.address));
    Plan { steps, later, notes, untouched }
}

/// The decision about a wanted object.
pub(super) enum Fate<D: ?Sized> {
    Step(Box<Step<D>>),
    /// A step of a later phase.
    Later(Box<Step<D>>, Arc<Block>),
    Stays(Why),
}

/// Why an object has to wait.
pub(super) struct Block {
    /// The object that could not be read; `None` if the cause already says it.
    root: Option<String>,
    cause: String,
    /// The steps that come first, if it is known.
    phase: Option<String>,
    why: Why,
}

impl Block {
    /// The steps that come first, if it is known.
    pub(super) fn phase(&self) -> Option<String> {
        self.phase.clone()
    }
}

/// The decisions about the wanted objects, numbered in the order of their addresses.
struct Decided<D: ?Sized> {
    needs: Vec<Vec<usize>>,
    sequence: Vec<usize>,
    fates: Vec<Fate<D>>,
    deferrals: Vec<Deferral>,
}

fn decide<M: Model>(
    model: &M,
    settled: &Settled<'_, M::Document>,
    seen: &Seen<M::Object>,
    notes: &mut Vec<Note>,
) -> Result<Decided<M::Document>, Note> {
    let lookup = Lookup::of(&settled.nodes);
    let nodes = lookup.entries();
    let states: Vec<Option<&State<M::Object>>> = joined(&settled.nodes, &seen.objects)
        .filter_map(|(_, node, state)| node.is_some().then_some(state))
        .collect();
    let edges: Vec<Vec<Need<'_>>> = nodes
        .iter()
        .map(|(_, node)| {
            let needs = node.needs.iter();
            let mut needs: Vec<_> = needs.map(|edge| (edge, lookup.number(&edge.to))).collect();
            // Sorted, so that the result does not depend on the order in which needs are declared.
            sort::by(&mut needs, |(one, _), (other, _)| one.to.cmp(&other.to));
            needs
        })
        .collect();
    let needs: Vec<Vec<usize>> =
        edges.iter().map(|edges| edges.iter().filter_map(|(_, to)| *to).collect()).collect();
    let sequence =
        order(&needs).map_err(|cycle| circle(&cycle, |at| nodes.get(at).map(|(address, _)| *address)))?;

    let mut fates: Vec<Option<Fate<M::Document>>> = nodes.iter().map(|_| None).collect();
    let mut blocks: Vec<Option<Arc<Block>>> = vec![None; nodes.len()];
    let mut deferrals = Vec::new();
    for at in &sequence {
        let (Some((address, node)), Some(edges)) = (nodes.get(*at), edges.get(*at)) else { continue };
        let state = states.get(*at).copied().flatten();
        let block = unclear(model, address, state, seen).or_else(|| {
            let blocks = edges.iter().filter_map(|(edge, to)| match to {
                Some(to) => blocks.get(*to)?.clone(),
                None => unclear(model, &edge.to, seen.objects.get(&edge.to), seen),
            });
            // An unknown object takes precedence over one that is not there yet, because no later phase of
            // this apply resolves it.
            blocks.min_by_key(|block| block.why != Why::Unknown)
        });
        let attached = edges.iter().filter(|(edge, _)| edge.carries == Carries::Attached);
        let impacts = attached.filter_map(|(edge, to)| match fates.get((*to)?)?.as_ref()? {
            Fate::Step(step) | Fate::Later(step, _) if step.impact >= Impact::Restart => {
                Some((&edge.to, step.impact))
            }
            _ => None,
        });
        let (anew, added) = (settled.anew.get(*address), settled.added.get(*address));
        let object = Subject { address, node, anew, added };
        let fate = object.fate(model, state, impacts, block.as_ref(), notes, &mut deferrals);
        let block = block.or_else(|| matches!(fate, Fate::Stays(Why::Held)).then(|| held(address)));
        if let Some(place) = fates.get_mut(*at) {
            *place = Some(fate);
        }
        if let Some(place) = blocks.get_mut(*at) {
            *place = block;
        }
    }
    Ok(Decided { needs, sequence, fates: fates.into_iter().flatten().collect(), deferrals })
}

/// Places that do not answer and have no wanted objects: there may be objects of ours to delete.
fn unread_places<M: Model>(
    model: &M,
    settled: &Settled<'_, M::Document>,
    seen: &Seen<M::Object>,
) -> Vec<Deferral> {
    if seen.unknown.is_empty() {
        return Vec::new();
    }
    let wanted: BTreeSet<&Place> = settled
        .nodes
        .keys()
        .filter_map(|address| seen.unknown_at(address.place()))
        .map(|(place, _)| place)
        .collect();
    let unread = seen.unknown.iter().filter(|(place, _)| !wanted.contains(*place));
    unread
        .map(|(place, cause)| Deferral {
            address: None,
            about: About::Place(place.clone()),
            root: None,
            cause: no_answer(model, place, cause),
        })
        .collect()
}

/// A need of an object, with the number of the needed object if it is wanted.
type Need<'a> = (&'a Edge, Option<usize>);

/// Why an object and those that need it have to wait: it is unknown or not built yet.
fn unclear<M: Model>(
    model: &M,
    address: &Address,
    state: Option<&State<M::Object>>,
    seen: &Seen<M::Object>,
) -> Option<Arc<Block>> {
    let block = match state {
        Some(State::Present { .. }) => return None,
        Some(State::Unknown { cause }) => Block {
            root: Some(address.short().to_string()),
            cause: cause.clone(),
            phase: None,
            why: Why::Unknown,
        },
        Some(State::NotYet { phase, is_new: _ }) => Block {
            root: None,
            cause: format!("not known before {phase}"),
            phase: Some(phase.clone()),
            why: Why::NotYet,
        },
        None => {
            let (place, cause) = seen.unknown_at(address.place())?;
            Block { root: None, cause: no_answer(model, place, cause), phase: None, why: Why::Unknown }
        }
    };
    Some(Arc::new(block))
}

/// Why what needs a held object has to wait.
fn held(address: &Address) -> Arc<Block> {
    let cause = format!("needs {}, which is held", address.short());
    Arc::new(Block { root: None, cause, phase: None, why: Why::Held })
}

fn no_answer<M: Model>(model: &M, place: &Place, cause: &str) -> String {
    format!("{} does not answer: {cause}", model.known_as(place))
}

struct Subject<'a, D: ?Sized> {
    address: &'a Address,
    node: &'a Node<D>,
    anew: Option<&'a String>,
    added: Option<&'a String>,
}

impl<D: ?Sized> Subject<'_, D> {
    fn fate<'a, M: Model<Document = D>>(
        &self,
        model: &M,
        state: Option<&State<M::Object>>,
        impacts: impl Iterator<Item = (&'a Address, Impact)>,
        block: Option<&Arc<Block>>,
        notes: &mut Vec<Note>,
        deferrals: &mut Vec<Deferral>,
    ) -> Fate<D> {
        let Some(State::Present { object, fingerprint }) = state else {
            let is_new = matches!(state, None | Some(State::NotYet { is_new: true, .. }));
            if let Some(block) = block
                && !(is_new && block.why == Why::NotYet)
            {
                return self.put_off(block, deferrals);
            }
            let summary = model.summary(self.address, &self.node.document);
            let words: Vec<String> = [summary].into_iter().chain(self.added.cloned()).collect();
            let reason = words.join(" ").trim().to_owned();
            let reasons = if reason.is_empty() { Vec::new() } else { vec![reason] };
            // A creation for an existing object changes that object.
            let impact = if self.added.is_some() { Impact::Live } else { Impact::Create };
            let step = self.step(model, Action::Create, impact, reasons, Vec::new(), None);
            return after_block(step, block);
        };
        let mut changes = match model.compare(self.address, &self.node.document, object) {
            Verdict::Same => Vec::new(),
            Verdict::Differs(changes) => changes,
            Verdict::Refused(cause) => {
                self.note(notes, NoteKind::Refused, &cause);
                return Fate::Stays(Why::Refused);
            }
            Verdict::Held(cause) => {
                self.note(notes, NoteKind::Held, &cause);
                return Fate::Stays(Why::Held);
            }
        };
        changes
            .extend(impacts.filter_map(|(from, impact)| model.suffers(self.address, object, from, impact)));
        let (changes, left): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| change.impact > Impact::None);
        for change in &left {
            let about = About::object(self.address, self.node.part_of.as_deref());
            notes.push(Note { about, kind: NoteKind::Left, text: stays(change) });
        }
        let highest = changes.iter().map(|change| change.impact).max();
        let impact = if self.anew.is_some() { highest.max(Some(Impact::Replace)) } else { highest };
        if impact < Some(Impact::Restart) {
            notes.extend(model.notes(self.address, &self.node.document, object));
        }
        match (impact, block) {
            (None, _) => Fate::Stays(Why::Same),
            (Some(_), Some(block)) if block.why != Why::NotYet => self.put_off(block, deferrals),
            (Some(impact), block) => {
                let (action, impact) = match impact {
                    Impact::Replace | Impact::Delete => (Action::Replace, Impact::Replace),
                    Impact::Restart => (Action::Restart, impact),
                    Impact::Stop => (Action::Stop, impact),
                    Impact::None | Impact::Create | Impact::Live | Impact::NextBoot => {
                        (Action::Update, impact)
                    }
                };
                let reasons = self.anew.into_iter().cloned().collect();
                let step = self.step(model, action, impact, reasons, changes, Some(*fingerprint));
                after_block(step, block)
            }
        }
    }

    fn step<M: Model<Document = D>>(
        &self,
        model: &M,
        action: Action,
        impact: Impact,
        reasons: Vec<String>,
        changes: Vec<Change>,
        expects: Option<Fingerprint>,
    ) -> Box<Step<D>> {
        Box::new(Step {
            address: self.address.clone(),
            action,
            impact,
            reasons,
            changes,
            document: Some(Arc::clone(&self.node.document)),
            makes: Some(model.fingerprint(&self.node.document)),
            expects,
            after: Vec::new(),
            part_of: self.node.part_of.clone(),
        })
    }

    fn put_off(&self, block: &Block, deferrals: &mut Vec<Deferral>) -> Fate<D> {
        deferrals.push(Deferral {
            address: Some(self.address.clone()),
            about: About::object(self.address, self.node.part_of.as_deref()),
            root: block.root.clone(),
            cause: block.cause.clone(),
        });
        Fate::Stays(block.why)
    }

    fn note(&self, notes: &mut Vec<Note>, kind: NoteKind, text: &str) {
        notes.push(note(self.address, self.node.part_of.as_deref(), kind, text));
    }
}

/// The text of a difference that the plan does not mend: it says that the value stays.
fn stays(change: &Change) -> String {
    let Change { path, from, to, impact: _, reason } = change;
    match (from, to, reason) {
        (Some(from), Some(to), Some(reason)) => {
            format!("{path} stays {from}, not {to}: {reason}")
        }
        _ => format!("not done: {change}"),
    }
}

/// The step of this phase, or of a later phase if something is not there yet.
fn after_block<D: ?Sized>(step: Box<Step<D>>, block: Option<&Arc<Block>>) -> Fate<D> {
    match block {
        None => Fate::Step(step),
        Some(block) => Fate::Later(step, Arc::clone(block)),
    }
}

/// A note about an object, addressed to the noun that the object belongs to.
pub(super) fn note(address: &Address, part_of: Option<&str>, kind: NoteKind, text: &str) -> Note {
    let says_it = part_of.is_none() || text.starts_with(&address.short().to_string());
    let text = if says_it { text.to_owned() } else { format!("{}: {text}", address.short()) };
    Note { about: About::object(address, part_of), kind, text }
}

/// The addresses whose steps come before each wanted object's step, also through objects that stay as they
/// are.
fn waits<D: ?Sized>(needs: &[Vec<usize>], sequence: &[usize], fates: &[Fate<D>]) -> Vec<BTreeSet<Address>> {
    let mut fronts: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); needs.len()];
    for at in sequence {
        let mut front = BTreeSet::new();
        for need in needs.get(*at).into_iter().flatten() {
            match fates.get(*need) {
                Some(Fate::Step(_)) => {
                    front.insert(*need);
                }
                Some(Fate::Later(..) | Fate::Stays(_)) | None => {
                    front.extend(fronts.get(*need).into_iter().flatten().copied())
                }
            }
        }
        if let Some(place) = fronts.get_mut(*at) {
            *place = front;
        }
    }
    let address = |at: usize| match fates.get(at) {
        Some(Fate::Step(step)) => Some(step.address.clone()),
        _ => None,
    };
    fronts.into_iter().map(|front| front.into_iter().filter_map(address).collect()).collect()
}

/// A step, with the addresses whose steps come before it.
pub(super) type Draft<D> = (Step<D>, BTreeSet<Address>);

/// Steps in an order that can be run, with indices instead of addresses. Among the steps that could come
/// next, deletions come last, in the reverse of the order in which their objects would be made.
fn ordered<D: ?Sized>(mut drafts: Vec<Draft<D>>, deletions: Vec<Draft<D>>) -> Result<Vec<Step<D>>, Note> {
    sort::by(&mut drafts, |(one, _), (other, _)| one.address.cmp(&other.address));
    drafts.extend(from_last_made(deletions)?);
    let index: BTreeMap<&Address, usize> =
        drafts.iter().enumerate().map(|(at, (step, _))| (&step.address, at)).collect();
    let needs: Vec<Vec<usize>> = drafts
        .iter()
        .map(|(_, after)| after.iter().filter_map(|address| index.get(address).copied()).collect())
        .collect();
    let sequence =
        order(&needs).map_err(|cycle| circle(&cycle, |at| drafts.get(at).map(|(step, _)| &step.address)))?;
    let place = places(&sequence);
    let mut steps: Vec<(usize, Step<D>)> = drafts
        .into_iter()
        .zip(needs)
        .enumerate()
        .map(|(at, ((step, _), needs))| {
            let mut after: Vec<usize> = needs.iter().filter_map(|need| place.get(*need).copied()).collect();
            after.sort_unstable();
            (place.get(at).copied().unwrap_or(at), Step { after, ..step })
        })
        .collect();
    steps.sort_unstable_by_key(|(place, _)| *place);
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

/// Deletions in the reverse of the order in which their objects would be made.
fn from_last_made<D: ?Sized>(mut deletions: Vec<Draft<D>>) -> Result<Vec<Draft<D>>, Note> {
    sort::by(&mut deletions, |(one, _), (other, _)| one.address.cmp(&other.address));
    let index: BTreeMap<&Address, usize> =
        deletions.iter().enumerate().map(|(at, (step, _))| (&step.address, at)).collect();
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); deletions.len()];
    for (at, (_, after)) in deletions.iter().enumerate() {
        for dependant in after.iter().filter_map(|address| index.get(address)) {
            if let Some(needs) = needs.get_mut(*dependant) {
                needs.push(at);
            }
        }
    }
    let sequence = order(&needs)
        .map_err(|cycle| circle(&cycle, |at| deletions.get(at).map(|(step, _)| &step.address)))?;
    let mut placed: Vec<(usize, Draft<D>)> = places(&sequence).into_iter().zip(deletions).collect();
    placed.sort_unstable_by_key(|(place, _)| Reverse(*place));
    Ok(placed.into_iter().map(|(_, deletion)| deletion).collect())
}

/// The position of each item in a sequence of all items.
fn places(sequence: &[usize]) -> Vec<usize> {
    let mut places = vec![0; sequence.len()];
    for (to, from) in sequence.iter().enumerate() {
        if let Some(place) = places.get_mut(*from) {
            *place = to;
        }
    }
    places
}

fn circle<'a>(cycle: &Cycle, address: impl Fn(usize) -> Option<&'a Address>) -> Note {
    let path: Vec<&Address> =
        cycle.path.iter().chain(cycle.path.first()).filter_map(|at| address(*at)).collect();
    let about = path.first().map_or(About::Name("".into()), |first| About::Object((*first).clone()));
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    Note { about, kind: NoteKind::Refused, text: format!("needs itself: {}", path.join(" -> ")) }
}
