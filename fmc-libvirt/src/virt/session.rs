//! A connection with its known handles, and how calls run on it: each on a thread of its own, at most four at
//! a time, with a deadline.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::network::Network;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;

use super::Deadlines;
use super::call::{Call, Kind};
use super::failure;
use crate::link::CallError;

/// libvirtd handles five calls of one connection at a time (`max_client_requests`) and queues the rest; with
/// four, one stays free for a keep-alive.
pub(super) const IN_FLIGHT: usize = 4;

/// How long closing a connection may take before it is abandoned.
const CLOSING: Duration = Duration::from_secs(3);

/// One hypervisor: its URI, and the connection if there is one.
pub(super) struct Client {
    uri: Arc<str>,
    deadlines: Deadlines,
    opened: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    session: Option<Arc<Session>>,
    /// The last failure to open a connection; callers that waited for it share it.
    failure: Option<(Instant, CallError)>,
}

/// A connection, and the handles of objects that were read, defined or created over it.
pub(super) struct Session {
    pub(super) connection: Connect,
    pub(super) domains: Handles<Domain>,
    pub(super) networks: Handles<Network>,
    pub(super) pools: Handles<StoragePool>,
    volumes: Handles<StorageVol>,
    gate: Gate,
}

/// A call that was made and has not answered yet.
pub(super) struct Pending<T> {
    call: Call,
    until: Instant,
    answer: Receiver<Result<T, Error>>,
    session: Arc<Session>,
}

/// Why there is no answer.
pub(super) enum Unanswered {
    /// libvirt's error, not yet classified.
    Error(Error),
    /// The connection was abandoned while the call waited for its turn.
    Unsent,
    Other(CallError),
}

impl Client {
    pub(super) fn new(uri: &str, deadlines: Deadlines) -> Self {
        static QUIET: Once = Once::new();
        // Otherwise libvirt prints every error to standard error.
        QUIET.call_once(virt::error::clear_error_callback);
        Self { uri: uri.into(), deadlines, opened: Mutex::default() }
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    pub(super) fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    /// Whether this is libvirt's own simulation (`test:///…`), which refuses some flags.
    pub(super) fn is_test(&self) -> bool {
        self.uri.split([':', '+']).next() == Some("test")
    }

    /// Makes a call. If the connection was lost before (because libvirtd restarted), it is opened again, and
    /// the call is repeated if that cannot do anything twice.
    pub(super) fn call<T, W>(&self, call: Call, work: W) -> Result<T, CallError>
    where
        T: Send + 'static,
        W: Fn(&Session) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.call_in_session(call, work).map(|(_, value)| value)
    }

    /// Like [`call`](Self::call), and returns the connection that answered.
    pub(super) fn call_in_session<T, W>(&self, call: Call, work: W) -> Result<(Arc<Session>, T), CallError>
    where
        T: Send + 'static,
        W: Fn(&Session) -> Result<T, Error> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        let once = || {
            let session = self.session()?;
            let answer = self.start(&session, call.clone(), &work).and_then(Pending::wait);
            Ok(answer.map(|value| (session, value)))
        };
        let first = once()?;
        let again = match &first {
            Err(Unanswered::Error(error)) => {
                failure::is_unsent(error) || (call.is_read && failure::is_lost(error))
            }
            Err(Unanswered::Unsent) => true,
            _ => false,
        };
        let answer = if again { once()? } else { first };
        self.judge(&call, answer)
    }

    /// Starts a call on a connection; it waits while four calls are running on it.
    pub(super) fn start<T, W>(
        &self,
        session: &Arc<Session>,
        call: Call,
        work: &Arc<W>,
    ) -> Result<Pending<T>, Unanswered>
    where
        T: Send + 'static,
        W: Fn(&Session) -> Result<T, Error> + Send + Sync + 'static,
    {
        let patience = self.deadlines.start.max(self.deadlines.change).max(call.deadline);
        match session.gate.enter(patience) {
            Entry::In => {}
            Entry::Closed => return Err(Unanswered::Unsent),
            Entry::Late => {
                session.gate.close();
                return Err(Unanswered::Other(failure::late(&call, patience)));
            }
        }
        let (send, answer) = sync_channel(1);
        let (worker, work) = (Arc::clone(session), Arc::clone(work));
        let until = Instant::now() + call.deadline;
        let spawned = std::thread::Builder::new().name("libvirt call".to_owned()).spawn(move || {
            let leaving = Leaving(&worker.gate);
            let answer = work(&worker);
            drop(leaving);
            // The receiver is gone if the deadline has passed.
            let _ = send.send(answer);
        });
        if let Err(error) = spawned {
            session.gate.leave();
            return Err(Unanswered::Other(failure::broken(
                &call,
                &format!("its thread could not start: {error}"),
            )));
        }
        Ok(Pending { call, until, answer, session: Arc::clone(session) })
    }

    /// An answer whose libvirt error is classified.
    pub(super) fn judge<T>(&self, call: &Call, answer: Result<T, Unanswered>) -> Result<T, CallError> {
        answer.map_err(|unanswered| match unanswered {
            Unanswered::Error(error) => failure::failed(call, &self.uri, &error),
            Unanswered::Unsent => failure::given_up(call),
            Unanswered::Other(error) => error,
        })
    }

    /// The connection; it opens a new one if there is none, or if it does not answer.
    pub(super) fn session(&self) -> Result<Arc<Session>, CallError> {
        let asked = Instant::now();
        let mut opened = lock(&self.opened);
        if let Some(session) = opened.session.as_ref().filter(|session| session.gate.is_open()) {
            return Ok(Arc::clone(session));
        }
        if let Some((_, error)) = opened.failure.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        // Closing the old connection may hang on its last handle, so another thread does it.
        drop_aside(opened.session.take());
        match self.open() {
            Ok(session) => {
                opened.session = Some(Arc::clone(&session));
                Ok(session)
            }
            Err(error) => {
                opened.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Closes the connection, if there is one. The next call opens a new one.
    pub(super) fn hang_up(&self) {
        drop_aside(lock(&self.opened).session.take());
    }

    fn open(&self) -> Result<Arc<Session>, CallError> {
        let call = Call::read(format!("connect to {}", self.uri), Kind::Host, self.deadlines.read);
        let (send, answer) = sync_channel(1);
        let uri = Arc::clone(&self.uri);
        std::thread::Builder::new()
            .name("libvirt connect".to_owned())
            .spawn(move || {
                let _ = send.send(Connect::open(Some(&uri)));
            })
            .map_err(|error| failure::broken(&call, &format!("its thread could not start: {error}")))?;
        match answer.recv_timeout(call.deadline) {
            Ok(Ok(connection)) => Ok(Arc::new(Session::new(connection))),
            Ok(Err(error)) => Err(failure::refused(&self.uri, &error)),
            Err(RecvTimeoutError::Timeout) => Err(failure::late(&call, call.deadline)),
            Err(RecvTimeoutError::Disconnected) => Err(failure::broken(&call, "it ended without an answer")),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl<T> Pending<T> {
    /// Like [`wait`](Self::wait), with this timeout from now on.
    pub(super) fn wait_for(mut self, patience: Duration) -> Result<T, Unanswered> {
        self.until = Instant::now() + patience;
        self.wait()
    }

    /// Abandons a call because a part of it is late, and ends the connection.
    pub(super) fn give_up(self, part: &Call) -> Unanswered {
        self.session.gate.close();
        Unanswered::Other(failure::late(part, part.deadline))
    }

    /// Waits for the answer until the call's deadline. If the call is late or reports a lost connection, the
    /// connection ends.
    pub(super) fn wait(self) -> Result<T, Unanswered> {
        match self.answer.recv_timeout(self.until.saturating_duration_since(Instant::now())) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                if failure::is_lost(&error) {
                    self.session.gate.close();
                }
                Err(Unanswered::Error(error))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.session.gate.close();
                Err(Unanswered::Other(failure::late(&self.call, self.call.deadline)))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(Unanswered::Other(failure::broken(&self.call, "it ended without an answer")))
            }
        }
    }
}

impl Session {
    fn new(connection: Connect) -> Self {
        Self {
            connection,
            domains: Handles::default(),
            networks: Handles::default(),
            pools: Handles::default(),
            volumes: Handles::default(),
            gate: Gate::default(),
        }
    }

    pub(super) fn on_domain<T>(
        &self,
        name: &str,
        work: impl Fn(&Domain) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.domains.with(name, Kind::Domain, || self.connection.lookup_domain_by_name(name), work)
    }

    pub(super) fn on_network<T>(
        &self,
        name: &str,
        work: impl Fn(&Network) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.networks.with(name, Kind::Network, || self.connection.lookup_network_by_name(name), work)
    }

    pub(super) fn on_pool<T>(
        &self,
        name: &str,
        work: impl Fn(&StoragePool) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.pools.with(name, Kind::Pool, || self.connection.lookup_storage_pool_by_name(name), work)
    }

    pub(super) fn on_volume<T>(
        &self,
        pool: &str,
        name: &str,
        work: impl Fn(&StorageVol) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let look_up = || self.on_pool(pool, |pool| pool.lookup_storage_vol_by_name(name));
        self.volumes.with(&volume_key(pool, name), Kind::Volume, look_up, work)
    }

    pub(super) fn keep_volume(&self, pool: &str, name: &str, volume: StorageVol) {
        self.volumes.keep(volume_key(pool, name), volume);
    }

    pub(super) fn forget_volume(&self, pool: &str, name: &str) {
        self.volumes.forget(&volume_key(pool, name));
    }
}

/// libvirt allows no slash in the name of a pool or a volume.
fn volume_key(pool: &str, name: &str) -> String {
    format!("{pool}/{name}")
}

/// Handles of objects by name. A handle refers to its object by UUID or key, so a replaced object is found by
/// a new look-up.
pub(super) struct Handles<H> {
    by_name: Mutex<BTreeMap<String, H>>,
}

impl<H> Default for Handles<H> {
    fn default() -> Self {
        Self { by_name: Mutex::default() }
    }
}

impl<H: Clone> Handles<H> {
    pub(super) fn keep(&self, name: String, handle: H) {
        lock(&self.by_name).insert(name, handle);
    }

    pub(super) fn forget(&self, name: &str) {
        lock(&self.by_name).remove(name);
    }

    fn with<T>(
        &self,
        name: &str,
        kind: Kind,
        look_up: impl FnOnce() -> Result<H, Error>,
        work: impl Fn(&H) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let known = lock(&self.by_name).get(name).cloned();
        if let Some(handle) = known {
            match work(&handle) {
                Err(error) if kind.is_absence(&error) => self.forget(name),
                answer => return answer,
            }
        }
        let handle = look_up()?;
        self.keep(name.to_owned(), handle.clone());
        work(&handle)
    }
}

/// Admits four calls at a time, until it is closed.
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

struct GateState {
    free: usize,
    is_open: bool,
}

enum Entry {
    In,
    /// Another call found that the connection does not answer.
    Closed,
    /// The running calls took too long.
    Late,
}

impl Default for Gate {
    fn default() -> Self {
        Self { state: Mutex::new(GateState { free: IN_FLIGHT, is_open: true }), changed: Condvar::new() }
    }
}

impl Gate {
    fn enter(&self, patience: Duration) -> Entry {
        let state = lock(&self.state);
        let waited =
            self.changed.wait_timeout_while(state, patience, |state| state.is_open && state.free == 0);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if !state.is_open {
            return Entry::Closed;
        }
        if waited.timed_out() {
            return Entry::Late;
        }
        state.free -= 1;
        Entry::In
    }

    fn leave(&self) {
        lock(&self.state).free += 1;
        self.changed.notify_one();
    }

    fn close(&self) {
        lock(&self.state).is_open = false;
        self.changed.notify_all();
    }

    fn is_open(&self) -> bool {
        lock(&self.state).is_open
    }
}

/// Leaves the gate, however the call ends.
struct Leaving<'a>(&'a Gate);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Drops a connection on a thread of its own: closing it is a call, and the other side may be dead.
fn drop_aside(session: Option<Arc<Session>>) {
    let Some(session) = session else { return };
    let (send, closed) = sync_channel(1);
    let spawned = std::thread::Builder::new().name("libvirt close".to_owned()).spawn(move || {
        drop(session);
        let _ = send.send(());
    });
    if spawned.is_ok() {
        let _ = closed.recv_timeout(CLOSING);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under a lock here is one statement, so a panic leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
