//! The lease of a cloud on a host: one apply at a time changes the cloud's objects there.
//!
//! Two applies at once would each take the other's unfinished upload for one that was cut. libvirt has no locks, but it
//! refuses to create a volume whose name is taken. So an apply makes the small volume `lease` in the cloud's own pool,
//! writes into it who it is, and deletes it at its end.
//!
//! # When its holder is gone
//!
//! The clocks of two computers may differ, so a lease does not say when it ends. While an apply works, a thread lets the
//! volume grow by a byte every few seconds. Another apply watches a lease that it meets: one that grows has a holder that
//! works, and one that has not changed for a minute is taken over. A holder that comes back after that sees
//! another text, and commits nothing more.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, SystemTime};

use fmc_core::graph::{Acting, Action, Place, StepError};
use serde::{Deserialize, Serialize};

use super::{Job, step_error};
use crate::link::{CallError, Link, Piece, Pieces};
use crate::pool;
use crate::provider::object::pool_identity;
use crate::volume::{LEASE, own_pool, upload_xml};

/// How often a holder shows that it works.
const BEAT: Duration = Duration::from_secs(15);

/// How long a lease must not change until another apply takes it over.
const LAPSE: Duration = Duration::from_secs(60);

/// The pause between two looks at the lease of another apply.
const LOOK: Duration = Duration::from_secs(2);

/// The most that is read of a lease: its text, and a byte for each beat of more than a week.
const MOST: u64 = 64 << 10;

/// The leases that a provider holds, by host.
#[derive(Clone, Debug, Default)]
pub(in crate::provider) struct Leases {
    all: Arc<Mutex<BTreeMap<Place, Slot>>>,
    /// The hosts whose pool this apply deletes, and the lease in it.
    gone: Arc<Mutex<BTreeSet<Place>>>,
}

type Slot = Arc<Mutex<Option<Held>>>;

/// A lease that this process took.
#[derive(Debug)]
struct Held {
    pool: String,
    text: String,
    /// When the host last said that it is ours.
    seen: Duration,
    /// Its thread ends when this is dropped.
    beats: Option<Sender<()>>,
}

impl Leases {
    fn slot(&self, place: &Place) -> Slot {
        Arc::clone(locked(&self.all).entry(place.clone()).or_default())
    }

    /// The pool of a host is deleted, and its lease with it: the last steps there go on without one.
    pub(super) fn let_go(&self, place: &Place) {
        locked(&self.gone).insert(place.clone());
    }

    fn is_gone(&self, place: &Place) -> bool {
        locked(&self.gone).contains(place)
    }

    /// An apply ends: what another one of this provider deletes is another matter.
    pub(in crate::provider) fn forget(&self) {
        locked(&self.gone).clear();
    }

    /// The hosts with a lease of ours.
    pub(in crate::provider) fn places(&self) -> Vec<Place> {
        locked(&self.all)
            .iter()
            .filter(|(_, slot)| locked(slot).is_some())
            .map(|(at, _)| at.clone())
            .collect()
    }

    /// Gives back the lease on a host. Should that fail, it lapses, unless an apply of this provider goes on with it.
    pub(in crate::provider) fn give_back(&self, place: &Place, link: &impl Link) {
        let slot = self.slot(place);
        let mut held = locked(&slot);
        let Some(own) = held.as_mut() else { return };
        own.beats = None;
        let is_given_back = match read(link, &own.pool) {
            Ok(Some(found)) if found.text == own.text => link.delete_volume(&own.pool, LEASE).is_ok(),
            Ok(_) => true,
            Err(_) => false,
        };
        if is_given_back {
            *held = None;
        }
    }
}

/// A lease as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provider) struct Found {
    text: String,
    length: usize,
}

impl Found {
    /// Whether an apply may have made it. One that was cut may have written nothing.
    fn is_of_an_apply(&self) -> bool {
        self.text.is_empty() || serde_json::from_str::<Holder>(&self.text).is_ok()
    }

    /// Its holder, in words.
    pub(in crate::provider) fn holder(&self) -> String {
        let Ok(Holder { host, process, began, .. }) = serde_json::from_str(&self.text) else {
            return "another apply".to_owned();
        };
        // Any program may have written it.
        let host: String = host.chars().filter(|it| it.is_ascii_graphic()).take(64).collect();
        let (hours, minutes) = (began / 3600 % 24, began / 60 % 60);
        format!("process {process} on {host}, since {hours:02}:{minutes:02} UTC")
    }
}

/// Reads the lease in a pool, if there is one.
pub(in crate::provider) fn read(link: &impl Link, pool: &str) -> Result<Option<Found>, CallError> {
    let bytes = link.volume_tail(pool, LEASE, MOST)?;
    Ok(bytes.map(|bytes| Found {
        text: String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned(),
        length: bytes.len(),
    }))
}

/// The text of a lease.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    version: u32,
    /// Another one for each lease.
    nonce: String,
    host: String,
    process: u32,
    /// Seconds since 1970, for people.
    began: u64,
}

impl Holder {
    fn of_this_process() -> Self {
        let random = || RandomState::new().build_hasher().finish();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim();
        Self {
            version: 1,
            nonce: format!("{:016x}{:016x}", random(), random()),
            host: if host.is_empty() { "another computer" } else { host }.to_owned(),
            process: std::process::id(),
            began: now.as_secs(),
        }
    }
}

impl<L: Link, A: Acting + Clone + 'static> Job<L, A> {
    /// Holds the lease on the step's host, once the cloud has a pool there.
    pub(super) fn hold(&self) -> Result<(), StepError> {
        let Some(owner) = &self.owner else { return Ok(()) };
        let slot = self.leases.slot(self.address.place());
        let mut held = locked(&slot);
        // Asked under the lock, with which the pool's deletion gives the lease back.
        if self.leases.is_gone(self.address.place()) {
            return Ok(());
        }
        if let Some(own) = held.as_mut() {
            if self.link.now().saturating_sub(own.seen) < BEAT {
                return Ok(());
            }
            let found = match self.patiently(|| beat(&*self.link, own)) {
                Err(_) if self.leases.is_gone(self.address.place()) => return Ok(()),
                found => found?,
            };
            if !is_own(found.as_ref(), own) {
                return Err(lost(found.as_ref()));
            }
            if !self.link.is_instant() && own.beats.as_ref().is_none_or(|beats| beats.send(()).is_err()) {
                self.keep(own, &slot);
            }
            return Ok(());
        }
        let Some(mut own) = self.take(owner)? else { return Ok(()) };
        if !self.link.is_instant() {
            self.keep(&mut own, &slot);
        }
        *held = Some(own);
        Ok(())
    }

    /// Refuses to go on if another apply has taken the lease over.
    pub(super) fn unless_taken_over(&self) -> Result<(), StepError> {
        self.taken_over()?.map_or(Ok(()), Err)
    }

    /// The error of a step whose lease another apply has taken over; `None` if it is still ours, or if the cloud has no
    /// pool to keep one in.
    pub(super) fn taken_over(&self) -> Result<Option<StepError>, StepError> {
        let slot = self.leases.slot(self.address.place());
        let mut held = locked(&slot);
        let Some(own) = held.as_mut() else { return Ok(None) };
        let found = match self.patiently(|| read(&*self.link, &own.pool)) {
            Ok(None) | Err(_) if self.leases.is_gone(self.address.place()) => return Ok(None),
            found => found?,
        };
        if is_own(found.as_ref(), own) {
            own.seen = self.link.now();
            return Ok(None);
        }
        Ok(Some(lost(found.as_ref())))
    }

    fn take(&self, owner: &str) -> Result<Option<Held>, StepError> {
        let pool = own_pool(owner);
        let uuid = pool::uuid(owner, &pool).to_string();
        let is_own = |xml: &str| pool_identity(xml).0.is_some_and(|found| found.eq_ignore_ascii_case(&uuid));
        let there = self.link.pool(&pool).map_err(step_error)?;
        if !there.is_some_and(|record| record.active && is_own(&record.xml)) {
            return Ok(None);
        }
        let text = serde_json::to_string(&Holder::of_this_process()).unwrap_or_default();
        let length = u64::try_from(text.len()).unwrap_or(0);
        let mut gone = 0;
        loop {
            self.unless_cancelled()?;
            let made = self.patiently(|| self.link.create_volume(&pool, &upload_xml(LEASE, length)));
            let Err(error) = made else { break };
            match self.patiently(|| read(&*self.link, &pool))? {
                Some(found) => self.outwait(&pool, &found)?,
                // Its holder gave it back in between.
                None if gone < 3 => gone += 1,
                None => return Err(error),
            }
        }
        let sent = self.patiently(|| {
            self.link.upload(&pool, LEASE, &mut Text(Some(text.clone())), Some(length), &mut |_| true)
        });
        if let Err(error) = sent {
            drop(self.link.delete_volume(&pool, LEASE));
            // A pool without space has to be emptied nevertheless.
            return if self.action == Action::Delete { Ok(None) } else { Err(error) };
        }
        match self.patiently(|| read(&*self.link, &pool))? {
            Some(found) if found.text == text => {
                Ok(Some(Held { pool, text, seen: self.link.now(), beats: None }))
            }
            Some(other) => Err(in_use(&other)),
            None => Err(self.changed()),
        }
    }

    /// Waits until a lease is given back, or lapses and is deleted.
    fn outwait(&self, pool: &str, first: &Found) -> Result<(), StepError> {
        let facts = self.patiently(|| self.link.volume(pool, LEASE))?;
        let is_short = facts.is_none_or(|facts| facts.capacity <= MOST);
        if !is_short || !first.is_of_an_apply() {
            return Err(StepError::Call {
                call: "take the lease of this cloud on its host".to_owned(),
                cause: format!(
                    "the volume {LEASE} in the pool {pool} is not of an apply, and an apply needs this name: give that file another \
                     one (`mv` in the folder of the pool, then `virsh pool-refresh {pool}`), and do this again"
                ),
            });
        }
        let seconds = LAPSE.as_secs();
        self.say(format!(
            "waits for another apply of this cloud ({}): {seconds} s without a sign of it end its lease",
            first.holder()
        ));
        let began = self.link.now();
        while self.link.now().saturating_sub(began) < LAPSE {
            self.link.wait(LOOK);
            self.unless_cancelled()?;
            match self.patiently(|| read(&*self.link, pool))? {
                None => return Ok(()),
                Some(now) if now != *first => return Err(in_use(&now)),
                Some(_) => {}
            }
        }
        self.say("takes over the lease of an apply that was cut");
        self.patiently(|| self.link.delete_volume(pool, LEASE))
    }

    /// Starts the thread that shows that the holder works.
    fn keep(&self, own: &mut Held, slot: &Slot) {
        let (beats, ended) = channel();
        let beating = Beating {
            link: Arc::clone(&self.link),
            acting: self.acting.clone(),
            slot: Arc::downgrade(slot),
            text: own.text.clone(),
            ended,
        };
        // Without a thread the steps themselves show it.
        let started = thread::Builder::new().name("fmc-lease".to_owned()).spawn(move || beating.run());
        own.beats = started.is_ok().then_some(beats);
    }
}

/// The thread of a lease.
struct Beating<L, A> {
    link: Arc<L>,
    acting: A,
    /// Weak, so that the lease ends with its provider.
    slot: Weak<Mutex<Option<Held>>>,
    text: String,
    ended: Receiver<()>,
}

impl<L: Link, A: Acting> Beating<L, A> {
    fn run(self) {
        loop {
            let waited = self.ended.recv_timeout(BEAT);
            if waited == Err(RecvTimeoutError::Disconnected) || self.acting.cancelled() {
                return;
            }
            let Some(slot) = self.slot.upgrade() else { return };
            let mut held = locked(&slot);
            let Some(own) = held.as_mut().filter(|own| own.text == self.text) else { return };
            // If the host does not answer now, the next step or the next beat asks again.
            drop(beat(&*self.link, own));
        }
    }
}

/// Reads the lease, and lets it grow by a byte if it is still ours.
fn beat(link: &impl Link, own: &mut Held) -> Result<Option<Found>, CallError> {
    let found = read(link, &own.pool)?;
    if is_own(found.as_ref(), own) {
        own.seen = link.now();
        let length = found.as_ref().and_then(|found| u64::try_from(found.length).ok()).unwrap_or(MOST);
        if length < MOST {
            link.resize_volume(&own.pool, LEASE, length + 1)?;
        }
    }
    Ok(found)
}

fn is_own(found: Option<&Found>, own: &Held) -> bool {
    found.is_some_and(|found| found.text == own.text)
}

/// The error of an apply that lost its lease. It does not take another one: its plan is older than what the other apply
/// did.
fn lost(to: Option<&Found>) -> StepError {
    let by = to.map(|found| format!(" ({})", found.holder())).unwrap_or_default();
    StepError::Call {
        call: "keep the lease of this cloud on its host".to_owned(),
        cause: format!(
            "this apply gave no sign for a minute, and another one{by} took it over: wait until that is done, and plan again"
        ),
    }
}

fn in_use(found: &Found) -> StepError {
    StepError::Call {
        call: "take the lease of this cloud on its host".to_owned(),
        cause: format!("another apply has it ({}): wait until that is done, and plan again", found.holder()),
    }
}

/// A short text as the source of an upload.
pub(super) struct Text(pub(super) Option<String>);

impl Pieces for Text {
    fn next(&mut self) -> io::Result<Option<Piece>> {
        Ok(self.0.take().map(|text| Piece::Bytes(Arc::new(text))))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
