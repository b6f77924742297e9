//! Going on where a plan could not see further: a record in a DNS server that the plan itself builds, a disk in a pool that
//! it starts.

use std::collections::BTreeMap;

use super::address::Address;
use super::apply::{ApplyOptions, run};
use super::event::Event;
use super::impact::Impact;
use super::outcome::{Left, Outcome, Refused};
use super::plan::{Action, Change, Plan, Step, Why};
use super::provider::{Choices, Provider};
use super::seen::Seen;
use super::wanted::Wanted;

/// Follows an apply through its phases.
pub trait Watch<D: ?Sized> {
    /// Something happened.
    fn event(&mut self, event: Event);

    /// Whether the apply goes on with a further plan. By default it does if plans that were shown before have announced all
    /// of it.
    fn further(&mut self, further: &Further<'_, D>) -> bool {
        further.is_announced()
    }
}

/// Watches the events alone, and consents to nothing that was not announced.
#[derive(Debug)]
pub struct Events<F>(pub F);

impl<D: ?Sized, F: FnMut(Event)> Watch<D> for Events<F> {
    fn event(&mut self, event: Event) {
        (self.0)(event);
    }
}

/// A plan that follows from the last one: something was [not there yet](Why::NotYet), and now it is.
#[derive(Debug)]
pub struct Further<'a, D: ?Sized> {
    plan: &'a Plan<D>,
    unannounced: Vec<&'a Step<D>>,
}

impl<'a, D: ?Sized> Further<'a, D> {
    /// The plan.
    pub fn plan(&self) -> &'a Plan<D> {
        self.plan
    }

    /// Whether plans that were shown before have [announced](Plan::later) each of its steps.
    pub fn is_announced(&self) -> bool {
        self.unannounced.is_empty()
    }

    /// The steps that no plan has announced before.
    pub fn unannounced(&self) -> impl Iterator<Item = &'a Step<D>> {
        self.unannounced.iter().copied()
    }
}

/// What became of a plan and of those that followed from it.
#[derive(Debug)]
pub struct Phases<D: ?Sized> {
    /// What became of the steps of all phases.
    pub outcome: Outcome,
    /// The plan of a phase that was not run: there was no consent to it, it is refused, or it has nothing to do and what
    /// it waits for is still not there.
    pub left: Option<Plan<D>>,
}

/// Applies a plan that was shown. While something in it was [not there yet](Why::NotYet), it observes again, plans again by
/// `decide`, and applies that too once [`Watch::further`] agrees to it.
///
/// `choices` are those of the first plan: a machine that was replaced is not replaced again in a later phase. That steps
/// fail, that what is there cannot be read again, and that there is no consent is in the outcome, and ends it.
///
/// # Errors
///
/// [`Refused`]: the first plan cannot be done. Nothing was done.
pub async fn apply_phases<P: Provider>(
    first: &Plan<P::Document>,
    provider: &P,
    wanted: &Wanted<P::Document>,
    mut choices: Choices,
    options: ApplyOptions,
    decide: impl Fn(Seen<P::Object>, &Choices) -> Plan<P::Document>,
    watch: &mut impl Watch<P::Document>,
) -> Result<Phases<P::Document>, Refused> {
    let mut further: Option<Plan<P::Document>> = None;
    let mut outcome = Outcome::default();
    let mut announced = Announced::default();
    loop {
        let current = further.as_ref().unwrap_or(first);
        let ended = run(current, provider, options.clone(), |event| watch.event(event)).await?;
        let goes_on = ended.went_well() && current.has_phases() && !options.stop.is_stopped();
        outcome.extend(ended);
        if !goes_on || nothing_more_is_chosen(current, &mut choices) {
            outcome.left = Left::of(current);
            return Ok(Phases { outcome, left: None });
        }
        let seen = match provider.observe(wanted).await {
            Ok(seen) => seen,
            Err(error) => {
                let cause = format!("what is there could not be read again: {error}");
                outcome.left =
                    Left::of(current).into_iter().map(|left| Left { cause: cause.clone(), ..left }).collect();
                return Ok(Phases { outcome, left: None });
            }
        };
        let next = decide(seen, &choices);
        let waits = next.deferred().next().is_some() || next.refused().next().is_some();
        if next.all_steps().next().is_none() && !waits {
            outcome.left = Left::of(&next);
            return Ok(Phases { outcome, left: None });
        }
        // A phase that would do what the last one did gets nowhere.
        if next.steps.is_empty() || next.digest() == current.digest() || next.refused().next().is_some() {
            outcome.left = Left::all(&next, "the phase before did not bring what it needs");
            return Ok(Phases { outcome, left: Some(next) });
        }
        announced.add(current);
        let unannounced = next.all_steps().filter(|step| !announced.has(step)).collect();
        if !watch.further(&Further { plan: &next, unannounced }) {
            outcome.left =
                Left::all(&next, "no plan that was shown has announced it, and there was no consent to it");
            return Ok(Phases { outcome, left: Some(next) });
        }
        further = Some(next);
    }
}

/// What the plans so far have announced, by address.
#[derive(Default)]
struct Announced(BTreeMap<Address, Vec<Announcement>>);

struct Announcement {
    action: Action,
    impact: Impact,
    changes: Vec<Change>,
}

impl Announced {
    fn add<D: ?Sized>(&mut self, plan: &Plan<D>) {
        for step in plan.later.iter().map(|later| &later.step) {
            let Step { action, impact, changes, .. } = step;
            let announcement = Announcement { action: *action, impact: *impact, changes: changes.clone() };
            self.0.entry(step.address.clone()).or_default().push(announcement);
        }
    }

    /// Whether a step does no more than what was announced.
    fn has<D: ?Sized>(&self, step: &Step<D>) -> bool {
        self.0.get(&step.address).into_iter().flatten().any(|announced| {
            announced.action == step.action
                && step.impact <= announced.impact
                && step.changes.iter().all(|change| announced.changes.contains(change))
        })
    }
}

/// Leaves out of the choices what the last plan has done, and says whether that was all that was chosen.
fn nothing_more_is_chosen<D: ?Sized>(done: &Plan<D>, choices: &mut Choices) -> bool {
    choices.replace.retain(|machine| waits(done, machine));
    if choices.only.is_empty() {
        return false;
    }
    // What is gone has no name any more, and naming it would be refused.
    choices.only.retain(|name| done.step(name).is_none_or(|group| group.action() != Action::Delete));
    choices.only.is_empty()
}

/// Whether something of a machine was put off, so that what was chosen for it is still to come.
fn waits<D: ?Sized>(plan: &Plan<D>, machine: &str) -> bool {
    let is_of_it =
        |part_of: Option<&str>| part_of.and_then(|noun| noun.strip_prefix("machine/")) == Some(machine);
    let put_off = plan.untouched.iter().filter(|object| object.why == Why::NotYet);
    put_off.map(|object| object.part_of.as_deref()).any(is_of_it)
        || plan.later.iter().map(|later| later.step.part_of.as_deref()).any(is_of_it)
}
