//! Asking whether the objects that an apply did not start are up.
//!
//! Without it, a machine that did not come up in one apply would pass for converged in the next one, which
//! starts nothing. A plan does not ask: it waits for no guest.

use std::collections::BTreeSet;
use std::future::{Ready, poll_fn};
use std::pin::Pin;

use futures_util::stream::FuturesUnordered;

use super::about::About;
use super::address::Address;
use super::apply::{ApplyOptions, Happened, StopsWhenDropped, Teller};
use super::event::Event;
use super::only::is_named;
use super::outcome::Outcome;
use super::plan::{NoteKind, Plan, Why};
use super::provider::Provider;
use super::wanted::{Node, Wanted};

/// How many objects are asked at once: a provider may use a thread for each.
const AT_ONCE: usize = 64;

/// Asks every wanted object that has a signal and that this apply has not asked yet. It asks nothing if the
/// apply has not converged anyway.
///
/// `plan` is the last plan, of which nothing is left to do. An outdated object is not asked, because it runs
/// with another configuration than the wanted one, which its signal belongs to. `only` names the chosen
/// objects, or none for all.
pub(super) async fn ask<P: Provider>(
    plan: &Plan<P::Document>,
    provider: &P,
    wanted: &Wanted<P::Document>,
    only: &BTreeSet<String>,
    options: &ApplyOptions,
    outcome: &mut Outcome,
    on: &mut impl FnMut(Event),
) {
    if !(outcome.is_converged() || outcome.waits_for_person()) {
        return;
    }
    let asked = standing(plan, provider, wanted, only, outcome);
    if options.no_wait {
        outcome.unasked.extend(asked.into_iter().map(|(address, _)| address.clone()));
        return;
    }
    let teller = Teller::new(&options.stop);
    // Held until the end, so that dropping this future ends the questions.
    let _dropped = StopsWhenDropped(teller.clone());
    let mut rest = asked.iter().enumerate();
    // There are no steps any more.
    let mut running = FuturesUnordered::<Ready<_>>::new();
    let mut waiting = FuturesUnordered::new();
    loop {
        while waiting.len() < AT_ONCE
            && let Some((index, (address, node))) = rest.next()
        {
            let teller = teller.clone();
            waiting.push(async move { (index, provider.still_up(address, node, &teller).await) });
        }
        match poll_fn(|context| teller.0.poll(Pin::new(&mut running), Pin::new(&mut waiting), context)).await
        {
            Happened::Told(events) => events.into_iter().for_each(&mut *on),
            Happened::Answered(index, answer) => {
                // Events that were sent before the answer come before it.
                teller.0.take().into_iter().for_each(&mut *on);
                if let Some((address, _)) = asked.get(index) {
                    outcome.answered(address, answer, on);
                }
            }
            Happened::Ended(..) | Happened::Nothing => break,
        }
    }
}

/// The objects to ask, by address.
fn standing<'w, P: Provider>(
    plan: &Plan<P::Document>,
    provider: &P,
    wanted: &'w Wanted<P::Document>,
    only: &BTreeSet<String>,
    outcome: &Outcome,
) -> Vec<(&'w Address, &'w Node<P::Document>)> {
    let same = plan.untouched.iter().filter(|object| object.why == Why::Same).map(|object| &object.address);
    let touched: BTreeSet<&Address> = outcome.done.iter().collect();
    let there: BTreeSet<&Address> = same.chain(touched.iter().copied()).collect();
    let answered: BTreeSet<&Address> =
        outcome.up.iter().map(|(address, _)| address).chain(&outcome.unasked).collect();
    let outdated: BTreeSet<&About> =
        plan.notes.iter().filter(|note| note.kind == NoteKind::Outdated).map(|note| &note.about).collect();
    let is_chosen = |address: &Address, part_of: Option<&str>| {
        only.is_empty()
            || touched.contains(address)
            || only.iter().any(|name| is_named(address, part_of, name))
    };
    let all = there.into_iter().filter(|address| !answered.contains(address));
    all.filter_map(|address| wanted.nodes.get_key_value(address))
        .filter(|(address, node)| {
            let part_of = node.part_of.as_deref();
            is_chosen(address, part_of)
                && !part_of.is_some_and(|noun| outdated.contains(&About::noun(noun)))
                && provider.standing(address, node).is_some()
        })
        .collect()
}
