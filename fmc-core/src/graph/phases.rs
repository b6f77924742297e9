//! Going on where a plan could not see further: a record in a DNS server that the plan itself builds.

use super::apply::{ApplyOptions, Outcome, Refused, apply};
use super::event::Event;
use super::plan::{Plan, Why};
use super::planner::plan;
use super::provider::{Choices, Provider};
use super::seen::ObserveError;
use super::wanted::Wanted;

/// What became of a plan and of those that followed from it.
#[derive(Debug)]
pub struct Phases<D: ?Sized> {
    /// What became of the steps of all phases.
    pub outcome: Outcome,
    /// The plan of a phase that was not run: there was no consent to it, it is refused, or it has nothing to do and what
    /// it waits for is still not there.
    pub left: Option<Plan<D>>,
}

/// Why phases ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhasesError {
    /// The first plan cannot be done. Nothing was done.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What is there could not be read again after a phase.
    #[error("observe again: {source}")]
    Observe {
        /// Why not.
        source: ObserveError,
        /// What was done before.
        outcome: Box<Outcome>,
    },
}

/// Applies a plan that was shown; while something in it was [not there yet](Why::NotYet), observes and plans again, and
/// applies that too once `consent` agrees to it. No step runs that was not in a plan which was shown.
///
/// `choices` are those of the first plan: a machine that was replaced is not replaced again in a later phase.
///
/// # Errors
///
/// [`PhasesError`]; that steps fail is in the outcome, and ends it after their phase.
pub async fn apply_phases<P: Provider>(
    first: Plan<P::Document>,
    provider: &P,
    wanted: &Wanted<P::Document>,
    mut choices: Choices,
    options: ApplyOptions,
    mut consent: impl FnMut(&Plan<P::Document>) -> bool,
    mut on: impl FnMut(Event),
) -> Result<Phases<P::Document>, PhasesError> {
    let mut current = first;
    let mut outcome = Outcome::default();
    loop {
        outcome.extend(apply(&current, provider, options.clone(), &mut on).await?);
        if !outcome.is_converged() || !current.has_phases() {
            return Ok(Phases { outcome, left: None });
        }
        choices.replace.retain(|machine| waits(&current, machine));
        let seen = match provider.observe(wanted).await {
            Ok(seen) => seen,
            Err(source) => return Err(PhasesError::Observe { source, outcome: Box::new(outcome) }),
        };
        let next = plan(provider, wanted, &seen, &choices);
        if next.is_empty() && !next.has_phases() {
            return Ok(Phases { outcome, left: None });
        }
        // A phase that would do what the last one did is not getting anywhere.
        let stuck = next.is_empty() || next.digest() == current.digest();
        if stuck || next.refused().next().is_some() || !consent(&next) {
            return Ok(Phases { outcome, left: Some(next) });
        }
        current = next;
    }
}

/// Whether something of a machine was put off, so that what was chosen for it is still to come.
fn waits<D: ?Sized>(plan: &Plan<D>, machine: &str) -> bool {
    plan.untouched.iter().any(|object| {
        let noun = object.part_of.as_deref().and_then(|noun| noun.strip_prefix("machine/"));
        object.why == Why::NotYet && noun == Some(machine)
    })
}
