//! The provider: it reads hypervisors through their [`Link`]s, fits the wanted objects to the existing ones,
//! and runs steps.
//!
//! The pure part is in `settle` and `model`, reading is in `observe`, writing in `act`. Nothing else in this
//! crate touches a hypervisor. An object itself records whether it is ours (see [`object`]); an object that
//! is not ours is never changed.

mod act;
mod claims;
pub mod drifted;
pub mod guard;
mod model;
pub mod object;
mod observe;
mod path;
mod pools;
mod preflight;
mod promise;
pub(crate) mod records;
mod run;
mod settle;
mod up;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fmc_core::checked::{Checked, Machine};
use fmc_core::graph::Change;
use fmc_core::graph::{
    Acting, Action, Address, Awaited, Choices, Claim, Edge, Fingerprint, Impact, Model, Node, NotUp,
    NotUpCause, Note, ObserveError, Place, Provider, Removal, Seen, Settled, Step, StepError, Verdict,
    Wanted,
};
use fmc_core::name::HostName;
use fmc_core::secret::{NoSecrets, Secrets};

use self::act::Job;
use self::act::lease::Leases;
use self::observe::Remembered;
use self::pools::Pools;
use self::promise::Promises;
use self::up::{AgentLane, Before};
use crate::document::{Document, PROVIDER, kind};
use crate::image::Images;
use crate::link::Link;
use crate::provider::object::Object;

/// How many steps run at once on a host: libvirtd would queue more calls on one connection anyway
/// (`max_client_requests` is 5, and one is for the keep-alive).
const LANES: usize = 4;

/// How many machines are removed at once on a host. libvirt answers a stop when the guest's process is gone,
/// which takes from a fifth of a second to some seconds. The link makes as many of these calls at a time.
pub(crate) const STOPS: usize = 14;

/// The hypervisors of a cloud, each with its name in the cloud.
///
/// ```
/// # #[cfg(feature = "sim")] {
/// use fmc_core::name::HostName;
/// use fmc_libvirt::provider::Libvirt;
/// use fmc_libvirt::sim::Sim;
///
/// let provider = Libvirt::new().host(HostName::literal("local"), Sim::new());
/// assert_eq!(provider.hosts().count(), 1);
/// # }
/// ```
pub struct Libvirt<L> {
    hosts: BTreeMap<HostName, Arc<L>>,
    /// Hosts that could not be connected to, with the cause.
    unreachable: BTreeMap<HostName, String>,
    secrets: Arc<dyn Secrets + Send + Sync>,
    images: Images,
    pools: Pools,
    leases: Leases,
    promises: Promises,
    reads: Mutex<BTreeMap<HostName, Arc<Remembered>>>,
    before: Before,
    agents: AgentLane,
}

impl<L: Link> fmt::Debug for Libvirt<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.hosts.iter().map(|(name, link)| (name, link.uri()));
        f.debug_struct("Libvirt").field("hosts", &hosts.collect::<BTreeMap<_, _>>()).finish_non_exhaustive()
    }
}

impl<L: Link> Default for Libvirt<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Link> Libvirt<L> {
    /// No hypervisors.
    pub fn new() -> Self {
        Self {
            hosts: BTreeMap::new(),
            unreachable: BTreeMap::new(),
            secrets: Arc::new(NoSecrets),
            images: Images::default(),
            pools: Pools::default(),
            leases: Leases::default(),
            promises: Promises::default(),
            reads: Mutex::default(),
            before: Before::default(),
            agents: AgentLane::default(),
        }
    }

    /// Adds a hypervisor, with its name in the cloud.
    #[must_use]
    pub fn host(mut self, name: HostName, link: L) -> Self {
        self.hosts.insert(name, Arc::new(link));
        self
    }

    /// Adds a host that could not be connected to: its objects are unknown and deferred, while the other
    /// hosts go on.
    #[must_use]
    pub fn unreachable(mut self, name: HostName, cause: impl Into<String>) -> Self {
        self.unreachable.insert(name, cause.into());
        self
    }

    /// The source of the secrets in boot configurations. Only an apply uses it.
    #[must_use]
    pub fn secrets(mut self, secrets: Arc<dyn Secrets + Send + Sync>) -> Self {
        self.secrets = secrets;
        self
    }

    /// The local sources of images; without them a step that needs a download fails with an explanation.
    #[must_use]
    pub fn images(mut self, images: Images) -> Self {
        self.images = images;
        self
    }

    /// The hypervisors, by name.
    pub fn hosts(&self) -> impl Iterator<Item = (&HostName, &L)> {
        self.hosts.iter().map(|(name, link)| (name, &**link))
    }

    /// The hypervisor of an object.
    fn link(&self, at: &Address) -> Option<&Arc<L>> {
        self.hosts.get(at.place().name()?)
    }

    /// The hypervisor that a machine is on.
    pub(crate) fn link_of(&self, checked: &Checked, machine: &Machine) -> Option<&L> {
        Some(&**self.hosts.get(&checked.at(machine.host)?.name)?)
    }

    fn remember(&self, host: &HostName, read: Remembered) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.insert(host.clone(), Arc::new(read));
    }

    /// An object's name on its host, if it was read.
    fn on_host(&self, address: &Address) -> Arc<str> {
        let host = address.place().name().and_then(|name| self.hosts.get_key_value(name));
        let read = host.and_then(|(host, _)| self.remembered(host));
        read.and_then(|read| read.called.get(address).cloned()).unwrap_or_else(|| address.name().into())
    }

    /// The owner of the cloud that was observed on an object's host.
    fn owner_at(&self, at: &Address) -> Option<Arc<str>> {
        let (host, _) = self.hosts.get_key_value(at.place().name()?)?;
        Some(Arc::clone(&self.remembered(host)?.owner))
    }

    fn remembered(&self, host: &HostName) -> Option<Arc<Remembered>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }
}

impl<L: Link> Model for Libvirt<L> {
    type Document = Document;
    type Object = Object;

    fn known_as(&self, place: &Place) -> String {
        match place.name() {
            Some(host) => format!("the host {host}"),
            None => PROVIDER.to_owned(),
        }
    }

    fn settle<'a>(
        &self,
        wanted: &'a Wanted<Document>,
        seen: &Seen<Object>,
        choices: &Choices,
    ) -> Settled<'a, Document> {
        settle::settle(wanted, seen, choices)
    }

    fn fingerprint(&self, document: &Document) -> Fingerprint {
        document.fingerprint()
    }

    fn summary(&self, _: &Address, document: &Document) -> String {
        model::summary(document)
    }

    fn compare(&self, _: &Address, document: &Document, object: &Object) -> Verdict {
        model::compare(document, object)
    }

    fn suffers(&self, _: &Address, object: &Object, from: &Address, impact: Impact) -> Option<Change> {
        model::suffers(object, from, impact)
    }

    fn remove(
        &self,
        at: &Address,
        object: &Object,
        is_wanted: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        model::remove(at, object, is_wanted, choices)
    }

    fn takes(&self, _: &Address, document: &Document) -> BTreeSet<Claim> {
        claims::takes(document)
    }

    fn holds(&self, _: &Address, object: &Object) -> BTreeSet<Claim> {
        claims::holds(object)
    }

    fn needs(&self, _: &Address, object: &Object) -> Vec<Edge> {
        object.needs().to_vec()
    }

    fn part_of(&self, at: &Address, object: &Object) -> Option<String> {
        model::part_of(at, object)
    }

    fn notes(&self, _: &Address, document: &Document, object: &Object) -> Vec<Note> {
        model::notes(document, object)
    }
}

impl<L: Link> Provider for Libvirt<L> {
    async fn observe(&self, wanted: &Wanted<Document>) -> Result<Seen<Object>, ObserveError> {
        self.pools.forget_what_was_read();
        observe::observe(self, wanted).await
    }

    async fn act(
        &self,
        step: &Step<Document>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<(), StepError> {
        let address = &step.address;
        let Some(link) = self.link(address) else {
            return Err(StepError::Input {
                what: self.known_as(address.place()),
                cause: "it has no connection".to_owned(),
            });
        };
        let machine = step.part_of.as_deref().and_then(|noun| noun.strip_prefix("machine/"));
        let job = Job {
            guest: machine.map(|machine| self.on_host(&address.beside(kind::DOMAIN, machine))),
            link: Arc::clone(link),
            secrets: Arc::clone(&self.secrets),
            images: self.images.clone(),
            pools: self.pools.clone(),
            leases: self.leases.clone(),
            promises: self.promises.clone(),
            owner: self.owner_at(address),
            acting: acting.clone(),
            address: address.clone(),
            on_host: self.on_host(address),
            action: step.action,
            document: step.document.clone(),
            changes: step.changes.clone(),
            expects: step.expects,
            before: self.before.clone(),
        };
        let instant = link.is_instant();
        run::off_thread(instant, move || job.run()).await.unwrap_or_else(|| {
            Err(StepError::Call {
                call: format!("work on {address}"),
                cause: "its thread ended early".to_owned(),
            })
        })
    }

    async fn release(&self) {
        self.leases.forget();
        for place in self.leases.places() {
            let Some(link) = place.name().and_then(|host| self.hosts.get(host)) else { continue };
            let (leases, link) = (self.leases.clone(), Arc::clone(link));
            let instant = link.is_instant();
            // A lease that is not given back lapses.
            let _ = run::off_thread(instant, move || leases.give_back(&place, &*link)).await;
        }
    }

    fn lanes(&self, _: &Place) -> usize {
        LANES
    }

    /// The removal of a machine waits until its guest, or its process, ends.
    fn waiting_lanes(&self, step: &Step<Document>) -> Option<usize> {
        (step.action == Action::Delete && step.address.kind() == kind::DOMAIN).then_some(STOPS)
    }

    fn awaited(&self, step: &Step<Document>) -> Option<Awaited> {
        up::awaited(step)
    }

    async fn up(
        &self,
        step: &Step<Document>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<u64, NotUp> {
        let Some((watch, link)) = up::Watch::of(self, step, acting.clone()) else { return Ok(0) };
        ended(run::off_thread(link.is_instant(), move || watch.run()).await)
    }

    fn standing(&self, _: &Address, node: &Node<Document>) -> Option<Awaited> {
        up::standing(&node.document)
    }

    async fn still_up(
        &self,
        at: &Address,
        node: &Node<Document>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<u64, NotUp> {
        let Some((watch, link)) = up::Watch::of_standing(self, at, node, acting.clone()) else {
            return Ok(0);
        };
        ended(run::off_thread(link.is_instant(), move || watch.run()).await)
    }
}

/// The answer of a watch that ran elsewhere.
fn ended(answer: Option<Result<u64, NotUp>>) -> Result<u64, NotUp> {
    answer.unwrap_or_else(|| Err(NotUp::new(NotUpCause::Failed("its thread ended early".to_owned()))))
}
