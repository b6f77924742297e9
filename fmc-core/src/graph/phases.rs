//! Applying a plan in phases, because a plan may depend on objects that it builds itself: a record in its own
//! DNS server, a disk in a pool that it starts.

use std::collections::BTreeMap;

use super::address::Address;
use super::apply::{ApplyOptions, run};
use super::event::Event;
use super::impact::Impact;
use super::outcome::{Left, Outcome, Refused};
use super::plan::{Action, Change, Plan, Step, Why};
use super::provider::{Choices, Provider};
use super::seen::Seen;
use super::standing::ask;
use super::wanted::Wanted;

/// Follows an apply through its phases.
pub trait Watch<D: ?Sized> {
    /// Something happened.
    fn event(&mut self, event: Event);

    /// Whether the apply goes on with a further plan. By default it does if the plans shown before have
    /// announced all of it.
    fn further(&mut self, further: &Further<'_, D>) -> bool {
        further.is_announced()
    }
}

/// Passes on the events, and consents only to announced steps.
#[derive(Debug)]
pub struct Events<F>(pub F);

impl<D: ?Sized, F: FnMut(Event)> Watch<D> for Events<F> {
    fn event(&mut self, event: Event) {
        (self.0)(event);
    }
}

/// A plan that follows from the last one: something was [not there yet](Why::NotYet) and is there now.
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

    /// Whether the plans shown before have [announced](Plan::later) each of its steps.
    pub fn is_announced(&self) -> bool {
        self.unannounced.is_empty()
    }

    /// The steps that no earlier plan has announced.
    pub fn unannounced(&self) -> impl Iterator<Item = &'a Step<D>> {
        self.unannounced.iter().copied()
    }
}

/// The result of a plan and of the plans that followed from it.
#[derive(Debug)]
pub struct Phases<D: ?Sized> {
    /// The results of the steps of all phases.
    pub outcome: Outcome,
    /// The plan of a phase that did not run: consent was missing, the plan is refused, or it has nothing to
    /// do and still waits for a missing object.
    pub left: Option<Plan<D>>,
}

/// Applies a plan that was shown. If something in it was [not there yet](Why::NotYet), it observes again,
/// plans again with `decide`, and applies the new plan once [`Watch::further`] agrees.
///
/// `choices` are those of the first plan: a later phase does not replace a machine again. A failed step, a
/// failed observation and a missing consent end the apply and are in the outcome. If it ends well, it also asks
/// whether the objects that it has not started are [up](Outcome::up).
///
/// # Errors
///
/// [`Refused`]: the first plan is not possible. Nothing was done.
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
    let only = choices.only.clone();
    loop {
        let current = further.as_ref().unwrap_or(first);
        let ended = run(current, provider, options.clone(), |event| watch.event(event)).await?;
        let goes_on = ended.went_well() && current.has_phases() && !options.stop.is_stopped();
        outcome.extend(ended);
        if !goes_on || nothing_more_is_chosen(current, &mut choices) {
            outcome.left = Left::of(current);
            ask(current, provider, wanted, &only, &options, &mut outcome, &mut |event| watch.event(event))
                .await;
            return Ok(Phases { outcome, left: None });
        }
        let seen = match provider.observe(&wanted.replacing(&choices.replace)).await {
            Ok(seen) => seen,
            Err(error) => {
                let cause = format!("the hosts could not be read again: {error}");
                outcome.left =
                    Left::of(current).into_iter().map(|left| Left { cause: cause.clone(), ..left }).collect();
                return Ok(Phases { outcome, left: None });
            }
        };
        let next = decide(seen, &choices);
        let waits = next.deferred().next().is_some() || next.refused().next().is_some();
        if next.all_steps().next().is_none() && !waits {
            outcome.left = Left::of(&next);
            ask(&next, provider, wanted, &only, &options, &mut outcome, &mut |event| watch.event(event))
                .await;
            return Ok(Phases { outcome, left: None });
        }
        // A phase that repeats the last one makes no progress.
        if next.steps.is_empty() || next.digest() == current.digest() || next.refused().next().is_some() {
            outcome.left = if next.steps.is_empty() {
                // The cause of their wait says more than its end.
                Left::of(&next)
            } else {
                Left::all(&next, "the previous phase did not provide what it needs")
            };
            return Ok(Phases { outcome, left: Some(next) });
        }
        announced.add(current);
        let unannounced = next.all_steps().filter(|step| !announced.has(step)).collect();
        if !watch.further(&Further { plan: &next, unannounced }) {
            outcome.left = Left::all(&next, "it was not in a plan that was shown, and it was not approved");
            return Ok(Phases { outcome, left: Some(next) });
        }
        further = Some(next);
    }
}

/// The announcements of the plans so far, by address.
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

    /// Whether a step does no more than its announcement.
    fn has<D: ?Sized>(&self, step: &Step<D>) -> bool {
        self.0.get(&step.address).into_iter().flatten().any(|announced| {
            announced.action == step.action
                && step.impact <= announced.impact
                && step.changes.iter().all(|change| announced.changes.contains(change))
        })
    }
}

/// Removes the finished part of the last plan from the choices, and returns whether nothing chosen is left.
fn nothing_more_is_chosen<D: ?Sized>(done: &Plan<D>, choices: &mut Choices) -> bool {
    choices.replace.retain(|machine| waits(done, machine));
    if choices.only.is_empty() {
        return false;
    }
    // A deleted object has no name any more, and the next plan would refuse the name.
    choices.only.retain(|name| done.step(name).is_none_or(|group| group.action() != Action::Delete));
    choices.only.is_empty()
}

/// Whether something of a machine was deferred, so that its chosen step is still to come.
fn waits<D: ?Sized>(plan: &Plan<D>, machine: &str) -> bool {
    let is_of_it =
        |part_of: Option<&str>| part_of.and_then(|noun| noun.strip_prefix("machine/")) == Some(machine);
    let put_off = plan.untouched.iter().filter(|object| object.why == Why::NotYet);
    put_off.map(|object| object.part_of.as_deref()).any(is_of_it)
        || plan.later.iter().map(|later| later.step.part_of.as_deref()).any(is_of_it)
}
