//! Runs one step. The plan has made every decision.
//!
//! Each step reads its object again and refuses if it changed since the plan. The creation of a volume does
//! not need this: libvirt itself refuses a name that is taken.

mod domain;
mod image;
pub(super) mod lease;
mod network;
mod record;
mod storage;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use fmc_core::graph::{Acting, Action, Address, Change, Event, Fingerprint, StepError};
use fmc_core::secret::Secrets;

use super::pools::Pools;
use super::promise::Promises;
use super::up::Before;
use crate::document::{Document, kind};
use crate::image::Images;
use crate::link::{CallError, CallErrorKind, Link};

/// How often a call to a busy pool is repeated.
const RETRIES: u32 = 40;

/// The pause before each repetition.
const RETRY: Duration = Duration::from_millis(250);

/// A step with everything that it uses, so that it can move to a thread.
pub(super) struct Job<L, A> {
    pub(super) link: Arc<L>,
    pub(super) secrets: Arc<dyn Secrets + Send + Sync>,
    pub(super) images: Images,
    pub(super) pools: Pools,
    pub(super) leases: lease::Leases,
    pub(super) promises: Promises,
    /// The cloud's owner, if its objects were observed.
    pub(super) owner: Option<Arc<str>>,
    pub(super) acting: A,
    pub(super) address: Address,
    /// The object's name on its host.
    pub(super) on_host: Arc<str>,
    /// The domain on its host of the machine that the object is part of.
    pub(super) guest: Option<Arc<str>>,
    pub(super) action: Action,
    pub(super) document: Option<Arc<Document>>,
    pub(super) changes: Vec<Change>,
    pub(super) expects: Option<Fingerprint>,
    pub(super) before: Before,
}

impl<L: Link, A: Acting + Clone + 'static> Job<L, A> {
    pub(super) fn run(&self) -> Result<(), StepError> {
        self.hold()?;
        let name = self.address.name();
        match (self.action, self.document.as_deref()) {
            (Action::Delete, _) => match self.address.kind() {
                kind::DOMAIN => self.delete_domain(&self.on_host),
                kind::NETWORK => self.delete_network(&self.on_host),
                kind::POOL => self.delete_own_pool(name),
                _ => self.delete_volume(name),
            },
            (_, Some(Document::Domain(domain))) => self.domain(domain),
            (_, Some(Document::Network(network))) => self.network(network),
            (_, Some(Document::Pool(pool))) => self.pool(pool),
            (_, Some(Document::Volume(volume))) => self.volume(volume),
            (_, None) => Err(StepError::Input {
                what: self.address.to_string(),
                cause: "the plan has no document for it".to_owned(),
            }),
        }
    }

    /// Deletes the cloud's own pool, with the lease in it.
    fn delete_own_pool(&self, name: &str) -> Result<(), StepError> {
        self.leases.let_go(self.address.place());
        self.leases.give_back(self.address.place(), &*self.link);
        self.delete_pool(name)
    }
}

impl<L: Link, A: Acting> Job<L, A> {
    /// Refuses if the object changed since the plan.
    fn expect(&self, found: Option<Fingerprint>) -> Result<(), StepError> {
        if found == self.expects { Ok(()) } else { Err(self.changed()) }
    }

    fn changed(&self) -> StepError {
        StepError::Changed { what: self.address.short().to_string() }
    }

    /// The result of a call; an object that disappeared meanwhile counts as changed.
    fn made<T>(&self, result: Result<T, CallError>) -> Result<T, StepError> {
        result.map_err(|error| match error.kind {
            CallErrorKind::Absent if self.expects.is_some() => self.changed(),
            _ => step_error(error),
        })
    }

    /// Repeats a call while its pool is busy.
    fn patiently<T>(&self, mut call: impl FnMut() -> Result<T, CallError>) -> Result<T, StepError> {
        for _ in 0..RETRIES {
            match call() {
                Err(error) if error.kind == CallErrorKind::Busy => {
                    self.unless_cancelled()?;
                    self.link.wait(RETRY);
                }
                result => return self.made(result),
            }
        }
        self.made(call())
    }

    fn unless_cancelled(&self) -> Result<(), StepError> {
        if self.acting.cancelled() { Err(StepError::Cancelled) } else { Ok(()) }
    }

    fn say(&self, what: impl Into<String>) {
        self.acting.say(Event::Doing { address: self.address.to_string(), what: what.into() });
    }

    /// Whether the document itself differs, and not only the settings beside it.
    fn redefines(&self, beside: &[&str]) -> bool {
        self.action != Action::Update
            || self.changes.iter().any(|change| !beside.contains(&change.path.as_str()))
    }
}

/// The error of a step whose call failed; the link explains what to do about it.
fn step_error(error: CallError) -> StepError {
    match error.kind {
        CallErrorKind::Deadline { seconds } => StepError::Deadline { call: error.call, seconds },
        CallErrorKind::Cancelled => StepError::Cancelled,
        _ => StepError::Call { call: error.call, cause: error.message },
    }
}
