//! What requests share: the directory, the sessions, and the faults to come.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::account::Rights;
use super::directory::IpaDirectory;

/// How long a change takes between its reading and its writing. What another one writes in between is lost, or collides.
const BETWEEN: Duration = Duration::from_millis(2);

/// What goes wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpaFault {
    /// The directory server is down: 503 with a page of HTML.
    Unavailable,
    /// A page of HTML with status 200.
    Html,
    /// The web server leads to another name: 301.
    Redirect,
    /// The command runs, and the connection ends in the middle of the answer.
    Cut,
    /// The session has ended: 401 with a page of HTML.
    Session,
    /// Another change comes between: 4201.
    Collision,
    /// The server fails: 903, and nothing more is said.
    Internal,
    /// The command runs, and a later step of it fails: 4304.
    Part,
    /// The answer comes after 2 s.
    Slow,
    /// The server answers a ticket by a token that another key made. It is of a login, with the feature `kerberos`.
    Unproven,
    /// Nothing: a command between two faults goes well.
    Nothing,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) rights: Rights,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct State {
    fqdn: String,
    realm: String,
    directory: Mutex<IpaDirectory>,
    sessions: Mutex<BTreeMap<String, Caller>>,
    faults: Mutex<VecDeque<IpaFault>>,
    requests: AtomicUsize,
    logins: AtomicUsize,
    /// Whether changes take no time, as where one caller asks after the other.
    is_instant: bool,
}

impl State {
    pub(super) fn new(directory: IpaDirectory) -> Self {
        Self {
            fqdn: directory.fqdn().to_owned(),
            realm: directory.realm(),
            directory: Mutex::new(directory),
            sessions: Mutex::default(),
            faults: Mutex::default(),
            requests: AtomicUsize::new(0),
            logins: AtomicUsize::new(0),
            is_instant: false,
        }
    }

    /// A server whose commands end at once.
    #[cfg(feature = "client")]
    pub(super) fn instant(directory: IpaDirectory) -> Self {
        Self { is_instant: true, ..Self::new(directory) }
    }

    /// The time between the reading and the writing of a change.
    pub(super) async fn between(&self) {
        if !self.is_instant {
            tokio::time::sleep(BETWEEN).await;
        }
    }

    pub(super) fn fqdn(&self) -> &str {
        &self.fqdn
    }

    pub(super) fn realm(&self) -> &str {
        &self.realm
    }

    pub(super) fn directory(&self) -> MutexGuard<'_, IpaDirectory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_sessions(&self) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Begins a session, and gives its token.
    pub(super) fn begin_session(&self, caller: Caller) -> String {
        let token = format!("MagBearerToken={:08x}", self.logins.fetch_add(1, Ordering::Relaxed));
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), caller);
        token
    }

    pub(super) fn end_session(&self, token: &str) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }

    pub(super) fn caller(&self, token: &str) -> Option<Caller> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    pub(super) fn fail(&self, faults: impl IntoIterator<Item = IpaFault>) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// Whether the next fault is this one, which then has happened.
    #[cfg(feature = "kerberos")]
    pub(super) fn has_fault(&self, fault: IpaFault) -> bool {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let is_next = faults.front() == Some(&fault);
        if is_next {
            faults.pop_front();
        }
        is_next
    }

    pub(super) fn next_fault(&self) -> IpaFault {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(IpaFault::Nothing)
    }
}
