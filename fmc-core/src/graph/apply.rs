//! Running a plan: independent steps run at the same time, and a failure stops only the steps that depend on
//! it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::stream::{FuturesUnordered, Stream};
use futures_util::task::AtomicWaker;

use super::address::Place;
use super::event::Event;
use super::outcome::{Left, Outcome, Refused, Skipped};
use super::plan::{Note, Plan, Step};
use super::provider::{Acting, Provider, StepError};
use super::up::{Awaited, NotUp};

/// The settings of an apply.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// How many steps may run at once at a place, as a host: at least 1, never more than the provider's
    /// lanes. With `None` the provider decides.
    pub parallelism: Option<usize>,
    /// Stops the apply from elsewhere.
    pub stop: StopFlag,
    /// Whether the apply ends with its steps and does not wait until the machines that they started are up.
    pub no_wait: bool,
}

/// Stops an apply, from any thread. A stop cannot be taken back.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicU8>);

/// No further step begins.
const FINISHES: u8 = 1;
/// Running steps stop, too.
const STOPS: u8 = 2;

impl StopFlag {
    /// Lets running steps end; no further step begins.
    pub fn finish(&self) {
        self.0.fetch_max(FINISHES, Ordering::SeqCst);
    }

    /// Stops the apply: no further step begins, and running steps stop at their next safe place.
    pub fn stop(&self) {
        self.0.fetch_max(STOPS, Ordering::SeqCst);
    }

    /// Whether no further step begins.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= FINISHES
    }

    fn stops_steps(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= STOPS
    }
}

/// Runs the steps of a plan. Each step begins when the steps before it are done. As many steps run at a place
/// at the same time as it has lanes, and more of those that mostly wait. The outcome lists deferred objects
/// and the steps of [later](Plan::later) phases as [left](Outcome::left);
/// [`apply_phases`](super::apply_phases) goes on with them.
///
/// A failed step skips the steps that depend on it, and no others. The apply waits for started machines
/// beside the steps, which go on meanwhile. `on` receives the events of each address in the order in which
/// they happened. Dropping the future begins no further step and asks running steps to stop. The future
/// yields to the executor after each step, even if the step ends at once, as in a simulation.
///
/// # Errors
///
/// [`Refused`] when the plan [refuses](Plan::refused) something. Failed steps are in the [`Outcome`].
pub async fn apply<P: Provider>(
    plan: &Plan<P::Document>,
    provider: &P,
    options: ApplyOptions,
    on: impl FnMut(Event),
) -> Result<Outcome, Refused> {
    let mut outcome = run(plan, provider, options, on).await?;
    outcome.left = Left::of(plan);
    Ok(outcome)
}

/// Runs the steps of a plan, and leaves [`Outcome::left`] empty.
pub(super) async fn run<P: Provider>(
    plan: &Plan<P::Document>,
    provider: &P,
    options: ApplyOptions,
    mut on: impl FnMut(Event),
) -> Result<Outcome, Refused> {
    let notes: Vec<Note> = plan.refused().cloned().collect();
    if !notes.is_empty() {
        return Err(Refused { notes });
    }
    // An explicit `parallelism` counts all steps, also those that mostly wait.
    let lanes = |step: &Step<P::Document>| match (options.parallelism, provider.waiting_lanes(step)) {
        (None, Some(count)) => (true, count.max(1)),
        (most, _) => (false, provider.lanes(step.address.place()).min(most.unwrap_or(usize::MAX)).max(1)),
    };
    let teller = Teller::new(&options.stop);
    // Held until the end, so that dropping this future stops the running steps.
    let _dropped = StopsWhenDropped(teller.clone());
    let mut queue = Queue::new(plan, lanes);
    let mut running = FuturesUnordered::new();
    let mut waiting = FuturesUnordered::new();
    loop {
        while !teller.0.stop.is_stopped()
            && let Some((index, step)) = queue.next()
        {
            on(Event::Started { address: step.address.to_string(), action: step.action });
            let teller = teller.clone();
            running.push(async move { (index, provider.act(step, &teller).await) });
        }
        match poll_fn(|context| teller.0.poll(Pin::new(&mut running), Pin::new(&mut waiting), context)).await
        {
            Happened::Told(events) => events.into_iter().for_each(&mut on),
            Happened::Ended(index, result) => {
                // Events that the step sent before it ended come before its end.
                teller.0.take().into_iter().for_each(&mut on);
                let done = result.is_ok();
                queue.end(index, result, &mut on);
                let step = plan.steps.get(index).filter(|_| done);
                if let Some((step, awaited)) = step.and_then(|step| Some((step, provider.awaited(step)?))) {
                    if options.no_wait {
                        queue.outcome.unasked.push(step.address.clone());
                        continue;
                    }
                    let Awaited { signal, seconds } = awaited;
                    on(Event::Waiting { address: step.address.to_string(), signal, seconds });
                    let teller = teller.clone();
                    waiting.push(async move { (index, provider.up(step, &teller).await) });
                }
                yield_once().await;
            }
            Happened::Answered(index, result) => queue.answer(index, result, &mut on),
            Happened::Nothing => break,
        }
    }
    let cause = if teller.0.stop.is_stopped() {
        "the apply was stopped"
    } else {
        "internal error: a step depends on itself (please report)"
    };
    provider.release().await;
    queue.skip_the_rest(cause, &mut on);
    Ok(queue.outcome)
}

/// Lets the executor poll other futures. Without it, steps that end at once would hold the executor until the
/// last one, and neither a timeout nor a drop could end the apply between them.
async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Receives the events of steps, from any thread.
#[derive(Clone)]
pub(super) struct Teller(pub(super) Arc<Told>);

impl Teller {
    pub(super) fn new(stop: &StopFlag) -> Self {
        Self(Arc::new(Told { stop: stop.clone(), ..Told::default() }))
    }
}

#[derive(Default)]
pub(super) struct Told {
    events: Mutex<VecDeque<Event>>,
    waker: AtomicWaker,
    stop: StopFlag,
    dropped: AtomicBool,
}

pub(super) enum Happened {
    Told(VecDeque<Event>),
    Ended(usize, Result<(), StepError>),
    Answered(usize, Result<u64, NotUp>),
    Nothing,
}

impl Told {
    pub(super) fn take(&self) -> VecDeque<Event> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn poll(
        &self,
        running: Pin<&mut impl Stream<Item = (usize, Result<(), StepError>)>>,
        waiting: Pin<&mut impl Stream<Item = (usize, Result<u64, NotUp>)>>,
        context: &mut Context<'_>,
    ) -> Poll<Happened> {
        // Registered before it looks, so that an event sent in between wakes this task at once.
        self.waker.register(context.waker());
        let events = self.take();
        if !events.is_empty() {
            return Poll::Ready(Happened::Told(events));
        }
        let running = running.poll_next(context);
        if let Poll::Ready(Some((index, result))) = running {
            return Poll::Ready(Happened::Ended(index, result));
        }
        match waiting.poll_next(context) {
            Poll::Ready(Some((index, result))) => Poll::Ready(Happened::Answered(index, result)),
            Poll::Ready(None) => running.map(|_| Happened::Nothing),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Acting for Teller {
    fn stopping(&self) -> bool {
        self.0.stop.is_stopped() || self.cancelled()
    }

    fn say(&self, event: Event) {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner).push_back(event);
        self.0.waker.wake();
    }

    fn cancelled(&self) -> bool {
        self.0.stop.stops_steps() || self.0.dropped.load(Ordering::SeqCst)
    }
}

pub(super) struct StopsWhenDropped(pub(super) Teller);

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        self.0.0.dropped.store(true, Ordering::SeqCst);
    }
}

/// The lanes that a step uses: those of its place, for steps that mostly wait or for all others.
type Track<'a> = (&'a Place, bool);

/// The steps that wait, may begin and have ended.
struct Queue<'a, D: ?Sized> {
    plan: &'a Plan<D>,
    waits: Vec<usize>,
    needed_by: Vec<Vec<usize>>,
    /// The track of each step.
    tracks: Vec<Track<'a>>,
    lanes: BTreeMap<Track<'a>, Lanes>,
    /// The tracks on which a step may begin.
    free: BTreeSet<Track<'a>>,
    left: BTreeSet<usize>,
    outcome: Outcome,
}

/// The steps of a track that may begin, how many run, and how many may run.
struct Lanes {
    count: usize,
    ready: BTreeSet<usize>,
    busy: usize,
}

impl<'a, D: ?Sized> Queue<'a, D> {
    /// `lanes` says whether a step mostly waits, and how many of its kind may run at once at its place.
    fn new(plan: &'a Plan<D>, lanes: impl Fn(&Step<D>) -> (bool, usize)) -> Self {
        let mut queue = Self {
            plan,
            waits: Vec::with_capacity(plan.steps.len()),
            needed_by: vec![Vec::new(); plan.steps.len()],
            tracks: Vec::with_capacity(plan.steps.len()),
            lanes: BTreeMap::new(),
            free: BTreeSet::new(),
            left: (0..plan.steps.len()).collect(),
            outcome: Outcome::default(),
        };
        for (index, step) in plan.steps.iter().enumerate() {
            let (waits, count) = lanes(step);
            let track = (step.address.place(), waits);
            queue.tracks.push(track);
            queue.lanes.entry(track).or_insert_with(|| Lanes { count, ready: BTreeSet::new(), busy: 0 });
            queue.waits.push(step.after.len());
            for before in &step.after {
                if let Some(needed_by) = queue.needed_by.get_mut(*before) {
                    needed_by.push(index);
                }
            }
            if step.after.is_empty() {
                queue.change(index, |lanes| _ = lanes.ready.insert(index));
            }
        }
        queue
    }

    /// Takes the first step that may begin.
    fn next(&mut self) -> Option<(usize, &'a Step<D>)> {
        let track = *self.free.first()?;
        let index = *self.lanes.get(&track)?.ready.first()?;
        self.change(index, |lanes| {
            lanes.ready.remove(&index);
            lanes.busy += 1;
        });
        self.left.remove(&index);
        Some((index, self.plan.steps.get(index)?))
    }

    /// Changes the lanes of a step's track.
    fn change(&mut self, index: usize, change: impl FnOnce(&mut Lanes)) {
        let Some(track) = self.tracks.get(index).copied() else { return };
        let Some(lanes) = self.lanes.get_mut(&track) else { return };
        change(lanes);
        if lanes.busy < lanes.count && !lanes.ready.is_empty() {
            self.free.insert(track);
        } else {
            self.free.remove(&track);
        }
    }

    fn end(&mut self, index: usize, result: Result<(), StepError>, on: &mut impl FnMut(Event)) {
        let Some(step) = self.plan.steps.get(index) else { return };
        self.change(index, |lanes| lanes.busy = lanes.busy.saturating_sub(1));
        let address = step.address.to_string();
        match result {
            Ok(()) => {
                on(Event::Done { address, action: step.action });
                self.outcome.done.push(step.address.clone());
                for dependant in self.needed_by.get(index).cloned().into_iter().flatten() {
                    self.came(dependant);
                }
            }
            Err(error) => {
                let cause = format!("it comes after {address}, which failed");
                on(Event::Failed { address, error: error.to_string() });
                self.outcome.failed.push((step.address.clone(), error));
                self.skip_after(index, &cause, on);
            }
        }
    }

    /// A started machine is up, or it is not.
    fn answer(&mut self, index: usize, result: Result<u64, NotUp>, on: &mut impl FnMut(Event)) {
        let Some(step) = self.plan.steps.get(index) else { return };
        self.outcome.answered(&step.address, result, on);
    }

    /// One of the steps before this one is done.
    fn came(&mut self, index: usize) {
        let Some(waits) = self.waits.get_mut(index) else { return };
        *waits = waits.saturating_sub(1);
        if *waits == 0 && self.left.contains(&index) {
            self.change(index, |lanes| _ = lanes.ready.insert(index));
        }
    }

    fn skip_after(&mut self, index: usize, cause: &str, on: &mut impl FnMut(Event)) {
        let mut skipped = BTreeSet::new();
        let mut spread = vec![index];
        while let Some(at) = spread.pop() {
            for dependant in self.needed_by.get(at).into_iter().flatten() {
                if self.left.remove(dependant) {
                    skipped.insert(*dependant);
                    spread.push(*dependant);
                }
            }
        }
        self.skip(skipped, cause, on);
    }

    fn skip_the_rest(&mut self, cause: &str, on: &mut impl FnMut(Event)) {
        let left = std::mem::take(&mut self.left);
        self.skip(left, cause, on);
    }

    fn skip(&mut self, indices: BTreeSet<usize>, cause: &str, on: &mut impl FnMut(Event)) {
        for step in indices.into_iter().filter_map(|index| self.plan.steps.get(index)) {
            on(Event::Skipped { address: step.address.to_string(), cause: cause.to_owned() });
            self.outcome.skipped.push(Skipped { address: step.address.clone(), cause: cause.to_owned() });
        }
    }
}
