//! Steps of one server that run at the same time are gathered: their changes go in one request, and the next request follows it.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use fmc_core::graph::Place;
use futures_channel::oneshot::{Receiver, Sender, channel};

/// As many jobs are one batch.
pub(super) const MOST: usize = 50;

/// How long no further job may come before the next batch goes, in milliseconds. A command takes some 40 ms.
const LINGER: u64 = 3;

/// The jobs that wait, by their server.
pub(super) struct Batches<J, R>(Arc<Mutex<BTreeMap<Place, Queue<J, R>>>>);

struct Queue<J, R> {
    jobs: VecDeque<(J, Sender<R>)>,
    /// Whether a batch of the server runs: it takes the next one along.
    is_busy: bool,
}

impl<J, R> Default for Queue<J, R> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), is_busy: false }
    }
}

impl<J, R> Default for Batches<J, R> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<J, R> Clone for Batches<J, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The jobs of a batch, with who waits for each.
type Batch<J, R> = Vec<(J, Sender<R>)>;

impl<J: Send + 'static, R: Send + 'static> Batches<J, R> {
    /// Does a job with all others of its server that come at the same time. `None` if the thread of the batch could not run.
    pub(super) async fn run(
        &self,
        place: &Place,
        job: J,
        is_instant: bool,
        work: impl Fn(Vec<J>) -> Vec<R> + Send + 'static,
    ) -> Option<R> {
        let receiver = self.wait(place, job);
        // Other steps, which may begin now too, come along.
        yield_once().await;
        if let Some(batch) = self.begin(place) {
            let (all, at) = (self.clone(), place.clone());
            let work = move || all.drain(&at, batch, is_instant, work);
            if is_instant {
                work();
            } else if thread::Builder::new().name("fmc-ipa".to_owned()).spawn(work).is_err() {
                self.end(place);
            }
        }
        receiver.await.ok()
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<Place, Queue<J, R>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, place: &Place, job: J) -> Receiver<R> {
        let (sender, receiver) = channel();
        self.queues().entry(place.clone()).or_default().jobs.push_back((job, sender));
        receiver
    }

    /// The first batch of a server, unless one runs.
    fn begin(&self, place: &Place) -> Option<Batch<J, R>> {
        let mut queues = self.queues();
        let queue = queues.get_mut(place).filter(|queue| !queue.is_busy)?;
        let batch = queue.take();
        queue.is_busy = !batch.is_empty();
        queue.is_busy.then_some(batch)
    }

    fn end(&self, place: &Place) {
        if let Some(queue) = self.queues().get_mut(place) {
            queue.is_busy = false;
        }
    }

    /// Runs a batch, and those that gather meanwhile. Where other steps begin by the results, on a thread of their own, the next
    /// batch waits until no more come.
    fn drain(&self, place: &Place, batch: Batch<J, R>, is_alone: bool, work: impl Fn(Vec<J>) -> Vec<R>) {
        let mut batch = batch;
        while !batch.is_empty() {
            let (jobs, waiting): (Vec<J>, Vec<Sender<R>>) = batch.into_iter().unzip();
            for (sender, result) in waiting.into_iter().zip(work(jobs)) {
                // Who waited is gone if the apply was dropped.
                drop(sender.send(result));
            }
            let mut before = None;
            while !is_alone && before != Some(self.count(place)) {
                before = Some(self.count(place));
                thread::sleep(Duration::from_millis(LINGER));
            }
            batch = match self.queues().get_mut(place) {
                Some(queue) => {
                    let next = queue.take();
                    queue.is_busy = !next.is_empty();
                    next
                }
                None => Vec::new(),
            };
        }
    }

    /// How many jobs wait.
    fn count(&self, place: &Place) -> usize {
        self.queues().get(place).map_or(0, |queue| queue.jobs.len())
    }
}

impl<J, R> Queue<J, R> {
    /// The next jobs that somebody waits for.
    fn take(&mut self) -> Batch<J, R> {
        self.jobs.retain(|(_, sender)| !sender.is_canceled());
        let most = self.jobs.len().min(MOST);
        self.jobs.drain(..most).collect()
    }
}

/// Lets the executor begin what else may begin.
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
