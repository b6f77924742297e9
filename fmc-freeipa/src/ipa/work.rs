//! A batch of steps at a server: it reads what they are about, changes all in one request, and reads again what is not certain.

mod host;
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::dns::{DnsName, Forwarding};
use fmc_core::graph::{Fingerprint, Place, StepError};
use serde_json::json;

use super::Fresh;
use super::change::call;
use super::document::Access;
use super::forward;
use super::held::{self, Held, zone_mark};
use super::host::Entry;
use super::link::{IpaLink, records, zones};
use super::people::{EntryKind, Leaving, PeopleEntry};
use crate::client::{Answer, Code, Effect, IpaCall, IpaError, Refusal, ZoneSettings};
use crate::object::{DnsObject, seen_as};
use crate::records::differences;
use crate::wanted::Name;

/// How long an apply waits for a server, in seconds: its machine boots, and installs it.
const WITHIN: u64 = 900;

/// The time between two questions, in milliseconds.
const PAUSE: u64 = 1000;

/// How often a name is tried again with which another change collided.
const TRIES: u32 = 4;

/// How a step ended.
pub(super) type Done = Result<(), StepError>;

/// A step.
pub(super) struct Job {
    pub(super) zone: DnsName,
    pub(super) task: Task,
    /// Whether the apply is ending.
    pub(super) stopping: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// What a step does.
pub(super) enum Task {
    /// The zone is there, with the cloud's mark and this mailbox if it has to be made.
    MakeZone { owner: String, contact: DnsName },
    /// A zone of ours without other names goes.
    DeleteZone,
    /// The server asks others for a domain, or for all that it does not have.
    Forward { is_config: bool, forwarding: Forwarding },
    /// A name becomes as it is wanted, or goes.
    Name { owner: DnsName, wanted: Option<Name>, expects: Option<Fingerprint> },
    /// A host is there with its one-time password, or goes.
    Host { fqdn: String, wanted: Option<Entry>, expects: Option<Fingerprint> },
    /// A user, a group or a rule becomes as it is wanted, or goes.
    Entry {
        kind: &'static EntryKind,
        name: String,
        wanted: Option<Arc<PeopleEntry>>,
        expects: Option<Fingerprint>,
    },
}

/// A server, as a batch uses it.
pub(super) struct Server {
    pub(super) access: Arc<Access>,
    pub(super) link: Arc<dyn IpaLink>,
    pub(super) place: Place,
    pub(super) fresh: Fresh,
    /// The time to live that names without one have, by their zone.
    pub(super) ttls: BTreeMap<String, u32>,
    /// The entries of people that may leave groups and rules while the apply runs.
    pub(super) leaving: Arc<Leaving>,
}

impl Server {
    /// Runs the steps of a batch; the results are in their order.
    pub(super) fn run(&self, jobs: Vec<Job>) -> Vec<Done> {
        let mut batch = Batch { server: self, done: jobs.iter().map(|_| None).collect(), jobs };
        batch.zones();
        batch.names();
        batch.hosts();
        batch.people();
        batch.done.into_iter().map(|done| done.unwrap_or(Err(StepError::Cancelled))).collect()
    }

    /// The names of a zone, as they are now.
    fn read(&self, zone: &DnsName) -> Result<BTreeMap<String, Held>, IpaError> {
        let records = records(&*self.link, zone.as_str())?;
        let ttl = self.ttls.get(zone.as_str()).copied();
        Ok(held::read(zone, &self.access.fqdn, &records, ttl))
    }

    /// The names of a zone, as this apply read them first.
    fn fresh(&self, zone: &DnsName) -> Result<(), IpaError> {
        let at = (self.place.clone(), zone.to_string());
        if !self.known().contains_key(&at) {
            let names = self.read(zone)?;
            self.known().insert(at, names);
        }
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Place, String), BTreeMap<String, Held>>> {
        self.fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// An entry of a zone that was read.
    fn entry(&self, zone: &DnsName, owner: &DnsName) -> Option<Held> {
        self.known().get(&(self.place.clone(), zone.to_string()))?.get(owner.as_str()).cloned()
    }

    fn failed(&self, what: &str, cause: &impl ToString) -> StepError {
        StepError::Call { call: format!("{what} at {}", self.access.name), cause: cause.to_string() }
    }

    fn changed(&self, what: &str) -> StepError {
        StepError::Changed { what: format!("{what} at {}", self.access.name) }
    }
}

/// The jobs that run together.
struct Batch<'a> {
    server: &'a Server,
    jobs: Vec<Job>,
    done: Vec<Option<Done>>,
}

impl Batch<'_> {
    fn end(&mut self, index: usize, result: Done) {
        if let Some(done) = self.done.get_mut(index) {
            *done = Some(result);
        }
    }

    /// Makes and deletes zones, and says where the server forwards.
    fn zones(&mut self) {
        let is_zone =
            |task: &Task| !matches!(task, Task::Name { .. } | Task::Host { .. } | Task::Entry { .. });
        let about = self.jobs.iter().enumerate().filter(|(_, job)| is_zone(&job.task));
        let about: Vec<usize> = about.map(|(index, _)| index).collect();
        if about.is_empty() {
            return;
        }
        let there = match self.wait(|| self.look()) {
            Some(Ok(there)) => there,
            Some(Err(error)) => {
                for index in about {
                    let what = self.jobs.get(index).map(zone_text).unwrap_or_default();
                    self.end(index, Err(self.server.failed(&what, &error)));
                }
                return;
            }
            None => return,
        };
        let forwarded =
            if self.jobs.iter().any(|job| matches!(job.task, Task::Forward { is_config: false, .. })) {
                forward::zones(&*self.server.link).map(|zones| zones.into_keys().collect())
            } else {
                Ok(BTreeSet::new())
            };
        let mut calls = Vec::new();
        for index in about {
            let Some(job) = self.jobs.get(index) else { continue };
            let is_there = there.contains(job.zone.as_str());
            match &job.task {
                Task::MakeZone { owner, contact } if !is_there => {
                    calls.push((index, zone_add(&job.zone, contact, owner)));
                }
                Task::DeleteZone if is_there => match self.strangers(job) {
                    Ok(()) => calls.push((index, zone_del(&job.zone))),
                    Err(error) => self.end(index, Err(error)),
                },
                Task::Forward { is_config: true, forwarding } => {
                    calls.push((index, forward::call(None, forwarding)));
                }
                Task::Forward { forwarding, .. } => match &forwarded {
                    Ok(there) => {
                        let is_there = there.contains(job.zone.as_str());
                        calls.push((index, forward::call(Some((&job.zone, is_there)), forwarding)));
                    }
                    Err(error) => {
                        let error = self.server.failed(&zone_text(job), error);
                        self.end(index, Err(error));
                    }
                },
                _ => self.end(index, Ok(())),
            }
        }
        let results = self.send(&calls);
        let mut unsure = Vec::new();
        for ((index, _), result) in calls.iter().zip(results) {
            match result {
                Ok(_) => self.end(*index, Ok(())),
                Err(failure) if failure.code() == Some(Code::EmptyModlist) => self.end(*index, Ok(())),
                Err(failure) => unsure.push((*index, failure)),
            }
        }
        if unsure.is_empty() {
            return;
        }
        // The last step of a new zone may fail when the zone is there, and another program may have been faster.
        let now = self.look().ok();
        for (index, failure) in unsure {
            let Some(job) = self.jobs.get(index) else { continue };
            let is_wanted = matches!(job.task, Task::MakeZone { .. });
            let is_zone = !matches!(job.task, Task::Forward { .. });
            let is_done =
                is_zone && now.as_ref().is_some_and(|now| now.contains(job.zone.as_str()) == is_wanted);
            let help = match &failure {
                Failure::Refused(refusal) if is_wanted && refusal.code == Code::DuplicateEntry => {
                    ": it may be a forward zone (`ipa dnsforwardzone-find`), or hidden from the user"
                }
                _ => "",
            };
            let text = format!("{}{help}", failure.text());
            let result = if is_done { Ok(()) } else { Err(self.server.failed(&zone_text(job), &text)) };
            self.end(index, result);
        }
    }

    /// What is read of the server, once it answers; `None` if the apply stops.
    fn wait<T>(&self, look: impl Fn() -> Result<T, IpaError>) -> Option<Result<T, IpaError>> {
        let mut left = WITHIN * 1000 / PAUSE;
        loop {
            match look() {
                Err(error) if error.is_absent() && left > 0 => {}
                done => return Some(done),
            }
            if self.jobs.iter().any(|job| (job.stopping)()) {
                return None;
            }
            left -= 1;
            self.server.link.pause(PAUSE);
        }
    }

    fn look(&self) -> Result<BTreeSet<String>, IpaError> {
        let access = &self.server.access;
        let zones = zones(&*self.server.link, access.login.credentials.user(), access.fqdn.bare())?;
        Ok(zones.iter().map(crate::client::IpaZone::name).collect())
    }

    /// A zone with names that are not ours is not deleted.
    fn strangers(&self, job: &Job) -> Result<(), StepError> {
        let read = self.server.read(&job.zone);
        let names = read.map_err(|error| self.server.failed(&zone_text(job), &error))?;
        let kerberos = format!("_kerberos.{}", job.zone);
        let others = names.keys().filter(|name| **name != *job.zone.as_str() && **name != kerberos);
        let others: Vec<&str> = others.map(String::as_str).collect();
        if others.is_empty() {
            return Ok(());
        }
        Err(self.server.changed(&format!("the zone {}, which has {},", job.zone.bare(), others.join(", "))))
    }

    /// Changes names that are as the plan saw them.
    fn names(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        let mut unread: BTreeMap<String, String> = BTreeMap::new();
        for index in 0..self.jobs.len() {
            let Some(job) = self.jobs.get(index) else { continue };
            let Task::Name { owner, wanted, expects } = &job.task else { continue };
            let zone = job.zone.to_string();
            if !unread.contains_key(&zone)
                && let Err(error) = self.server.fresh(&job.zone)
            {
                unread.insert(zone.clone(), error.to_string());
            }
            if let Some(cause) = unread.get(&zone) {
                let error = self.server.failed(&name_text(job), cause);
                self.end(index, Err(error));
                continue;
            }
            let entry = self.server.entry(&job.zone, owner);
            let object = object(entry.as_ref(), wanted.as_ref());
            if object.as_ref().map(seen_as) == *expects {
                open.push(index);
            } else {
                let error = self.server.changed(owner.bare());
                self.end(index, Err(error));
            }
        }
        let mut tries = TRIES;
        while !open.is_empty() {
            tries -= 1;
            open = self.change(&open, tries > 0);
            if !open.is_empty() {
                self.server.link.pause(PAUSE / 4);
            }
        }
    }

    /// Sends the changes of names, and gives those that collided with others.
    fn change(&mut self, open: &[usize], may_repeat: bool) -> Vec<usize> {
        let mut calls = Vec::new();
        for index in open {
            let Some(Job { zone, task: Task::Name { owner, wanted, .. }, .. }) = self.jobs.get(*index) else {
                continue;
            };
            let entry = self.server.entry(zone, owner);
            calls.push((*index, call(zone, owner, entry.as_ref(), wanted.as_ref())));
        }
        let results = self.send(&calls);
        let (mut again, mut unsure) = (Vec::new(), Vec::new());
        for ((index, _), result) in calls.iter().zip(results) {
            match result {
                Ok(_) => self.end(*index, Ok(())),
                Err(failure) => match failure.code() {
                    Some(Code::EmptyModlist) => self.end(*index, Ok(())),
                    Some(Code::MidairCollision) if may_repeat => again.push(*index),
                    _ if failure.effect() == Effect::Nothing && failure.code() != Some(Code::NotFound) => {
                        self.fail(*index, &failure);
                    }
                    _ => unsure.push((*index, failure)),
                },
            }
        }
        self.read_again(unsure);
        again
    }

    /// What may be done or not is read: as wanted, it is done.
    fn read_again(&mut self, unsure: Vec<(usize, Failure)>) {
        let mut zones: BTreeMap<String, Option<BTreeMap<String, Held>>> = BTreeMap::new();
        for (index, failure) in unsure {
            let Some(Job { zone, task: Task::Name { owner, wanted, .. }, .. }) = self.jobs.get(index) else {
                continue;
            };
            let names = zones.entry(zone.to_string()).or_insert_with(|| self.server.read(zone).ok());
            let is_done = names.as_ref().is_some_and(|names| {
                let object = object(names.get(owner.as_str()), wanted.as_ref());
                match (&object, wanted) {
                    (Some(object), Some(wanted)) => {
                        object.mark.as_ref() == Some(&wanted.mark())
                            && differences(&object.sets, &wanted.sets).is_empty()
                    }
                    (object, None) => object.is_none(),
                    (None, Some(_)) => false,
                }
            });
            if is_done {
                self.end(index, Ok(()));
            } else {
                self.fail(index, &failure);
            }
        }
    }

    fn fail(&mut self, index: usize, failure: &Failure) {
        let Some(job) = self.jobs.get(index) else { return };
        let error = self.server.failed(&name_text(job), &failure.text());
        self.end(index, Err(error));
    }

    /// The results of calls in one request. If it failed as a whole, each has failed so.
    fn send(&self, calls: &[(usize, IpaCall)]) -> Vec<Result<Answer, Failure>> {
        let calls: Vec<IpaCall> = calls.iter().map(|(_, call)| call.clone()).collect();
        if calls.is_empty() {
            return Vec::new();
        }
        match self.server.link.batch(&calls) {
            Ok(results) => results
                .into_iter()
                .map(|result| result.map_err(|refusal| Failure::Refused(Box::new(refusal))))
                .collect(),
            Err(error) => {
                let error = Arc::new(error);
                calls.iter().map(|_| Err(Failure::Request(Arc::clone(&error)))).collect()
            }
        }
    }
}

/// Why a call failed.
enum Failure {
    Refused(Box<Refusal>),
    Request(Arc<IpaError>),
}

impl Failure {
    fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Request(error) => error.code(),
        }
    }

    fn effect(&self) -> Effect {
        match self {
            Self::Refused(refusal) => refusal.code.effect(),
            Self::Request(error) => error.effect(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Request(error) => format!("failed to {error}"),
        }
    }
}

/// The name as the plan saw it.
fn object(entry: Option<&Held>, wanted: Option<&Name>) -> Option<DnsObject> {
    entry?.object("", wanted, DnsObject::of_step(BTreeMap::new(), None))
}

fn zone_text(job: &Job) -> String {
    let zone = job.zone.bare();
    match job.task {
        Task::DeleteZone => format!("delete the zone {zone}"),
        Task::Forward { is_config: true, .. } => "set the forwarders".to_owned(),
        Task::Forward { .. } => format!("forward the zone {zone}"),
        _ => format!("make the zone {zone}"),
    }
}

fn name_text(job: &Job) -> String {
    let (done, name) = match &job.task {
        Task::Name { owner, wanted: None, .. } => ("delete", owner.bare()),
        Task::Name { owner, .. } => ("change", owner.bare()),
        _ => ("change", job.zone.bare()),
    };
    format!("{done} {name} in the zone {}", job.zone.bare())
}

fn zone_add(zone: &DnsName, contact: &DnsName, owner: &str) -> IpaCall {
    let settings = ZoneSettings { mailbox: Some(contact.to_string()), ..ZoneSettings::default() };
    let mut options = settings.options_of_add();
    options.insert("addattr".to_owned(), json!([format!("cn={}", zone_mark(owner))]));
    IpaCall::new("dnszone_add", vec![json!(zone.as_str())], options)
}

fn zone_del(zone: &DnsName) -> IpaCall {
    IpaCall::new("dnszone_del", vec![json!([zone.as_str()])], serde_json::Map::new())
}
