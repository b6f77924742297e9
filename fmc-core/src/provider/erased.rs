//! A provider without its types, so that a list can hold several kinds.

mod of_room;

use std::any::Any;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::artifact::{Artifact, ByHand};
use super::drift::Drift;
use super::room::{Drawn, MachinePart, NoValue, Room, SimulationError};
use super::status::Status;
use crate::boot::{Boot, Born};
use crate::checked::{Checked, Idx, Machine, Network};
use crate::graph::{
    Acting, Address, Awaited, Change, Choices, Claim, Edge, Event, Fingerprint, Impact, Node, NotUp, Note,
    ObserveError, Place, Removal, Seen, Settled, State, Step, StepError, Verdict, Wanted,
};
use crate::role::Membership;
use crate::secret::{Derivation, Kubeconfigs, RootKeyCheck, SecretRef, Secrets};

/// A document of some provider.
pub type AnyDocument = dyn Any + Send + Sync;

/// An object that some provider read.
pub type AnyObject = dyn Any + Send + Sync;

/// A provider of any kind. A clone shares it.
#[derive(Clone)]
pub struct AnyRoom(pub(super) Arc<dyn Erased>);

impl AnyRoom {
    /// This provider.
    pub fn new(room: impl Room) -> Self {
        Self(Arc::new(room))
    }

    /// Its name in addresses.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The provider with these secrets, if it needs any.
    #[must_use]
    pub fn with_secrets(self, secrets: &Arc<dyn Secrets + Send + Sync>) -> Self {
        self.0.with_secrets_any(Arc::clone(secrets)).unwrap_or(self)
    }

    /// The provider with this way into the clusters that the cloud makes, if it needs any.
    #[must_use]
    pub fn with_kubeconfigs(self, kubeconfigs: &Arc<dyn Kubeconfigs + Send + Sync>) -> Self {
        self.0.with_kubeconfigs_any(Arc::clone(kubeconfigs)).unwrap_or(self)
    }

    /// The provider's simulation: see [`Room::simulation`].
    ///
    /// # Errors
    ///
    /// The state cannot be read.
    pub fn simulation(&self, state: Option<&str>) -> Result<Option<Self>, SimulationError> {
        self.0.simulation_any(state)
    }

    /// The state of a simulation: see [`Room::simulated`].
    pub fn simulated(&self) -> Option<String> {
        self.0.simulated_any()
    }
}

impl fmt::Debug for AnyRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyRoom").field(&self.name()).finish()
    }
}

/// A shared [`Acting`]: a step of a provider behind a trait object cannot be generic over it.
#[derive(Clone)]
pub(super) struct SharedActing(Arc<dyn Acting>);

impl SharedActing {
    pub(super) fn new(acting: impl Acting + 'static) -> Self {
        Self(Arc::new(acting))
    }
}

impl Acting for SharedActing {
    fn say(&self, event: Event) {
        self.0.say(event);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }

    fn stopping(&self) -> bool {
        self.0.stopping()
    }
}

/// [`Room`], [`Provider`] and [`Model`] without their types. A document or object of another type belongs to
/// another provider of the same name: queries ignore it, and a step with it fails.
pub(super) trait Erased: Send + Sync {
    fn name(&self) -> &'static str;
    fn documents_any(&self, checked: &Checked) -> Wanted<AnyDocument>;
    fn artifacts_any<'a>(
        &self,
        at: &'a Address,
        document: &'a AnyDocument,
        part_of: Option<&'a str>,
    ) -> Vec<Artifact<'a>>;
    fn by_hand_any(&self, checked: &Checked) -> Vec<ByHand>;
    fn boot_any<'a>(&self, document: &'a AnyDocument) -> Option<&'a Arc<Boot>>;
    fn secrets_any<'a>(&self, document: &'a AnyDocument) -> Vec<&'a SecretRef>;
    fn is_lab_any(&self, object: &AnyObject) -> Option<bool>;
    fn derivation_any(&self, object: &AnyObject) -> Option<Derivation>;
    fn root_key_check_any(&self, object: &AnyObject) -> Option<RootKeyCheck>;
    fn kept_derivation_any(&self, object: &AnyObject) -> Option<Derivation>;
    fn kept_root_key_check_any(&self, object: &AnyObject) -> Option<RootKeyCheck>;
    fn former_any<'a>(&self, object: &'a AnyObject) -> Option<&'a str>;
    fn beside_any(
        &self,
        wanted: &Wanted<AnyDocument>,
        seen: &Seen<AnyObject>,
        is_there: &dyn Fn(&Address) -> Option<bool>,
    ) -> Vec<Note>;
    fn nouns_any(&self) -> &'static [(&'static str, &'static str)];
    fn memberships_any<'a>(&self, object: &'a AnyObject) -> &'a [Membership];
    fn born_any<'a>(&self, object: &'a AnyObject) -> Option<&'a Born>;
    fn makes_any<'a>(&self, document: &'a AnyDocument) -> Option<&'a Born>;
    fn machine_part_any<'a>(&self, document: &'a AnyDocument) -> Option<MachinePart<'a>>;
    fn drift_any(&self, wanted: &Wanted<AnyDocument>, seen: &Seen<AnyObject>) -> Drift;
    fn status_any(&self, checked: &Checked, wanted: &Wanted<AnyDocument>, seen: &Seen<AnyObject>) -> Status;
    fn value_any(&self, document: &str, path: &str) -> Result<String, NoValue>;
    fn addresses_any(&self, checked: &Checked, machine: &Machine) -> Vec<(IpAddr, Idx<Network>)>;
    fn console_any(
        &self,
        checked: &Checked,
        machine: &Machine,
        lines: usize,
    ) -> Result<Option<Vec<String>>, String>;
    fn drawn_any(&self, checked: &Checked) -> Vec<Drawn>;
    fn preflight_any<'a>(&'a self, checked: &'a Checked) -> BoxFuture<'a, Vec<Note>>;
    fn with_secrets_any(&self, secrets: Arc<dyn Secrets + Send + Sync>) -> Option<AnyRoom>;
    fn with_kubeconfigs_any(&self, kubeconfigs: Arc<dyn Kubeconfigs + Send + Sync>) -> Option<AnyRoom>;
    fn simulation_any(&self, state: Option<&str>) -> Result<Option<AnyRoom>, SimulationError>;
    fn simulated_any(&self) -> Option<String>;

    fn known_as_any(&self, place: &Place) -> String;
    fn goes_along_any(&self, place: &Place) -> bool;
    fn along_any(&self, at: &Address, document: &AnyDocument) -> Vec<Address>;
    fn settle_any(
        &self,
        wanted: &Wanted<AnyDocument>,
        seen: &Seen<AnyObject>,
        choices: &Choices,
    ) -> Settled<'static, AnyDocument>;
    fn fingerprint_any(&self, document: &AnyDocument) -> Option<Fingerprint>;
    fn summary_any(&self, at: &Address, document: &AnyDocument) -> String;
    fn compare_any(&self, at: &Address, document: &AnyDocument, object: &AnyObject) -> Option<Verdict>;
    fn suffers_any(&self, at: &Address, object: &AnyObject, from: &Address, impact: Impact)
    -> Option<Change>;
    fn remove_any(
        &self,
        at: &Address,
        object: &AnyObject,
        is_wanted: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal;
    fn needs_any(&self, at: &Address, object: &AnyObject) -> Vec<Edge>;
    fn takes_any(&self, at: &Address, document: &AnyDocument) -> BTreeSet<Claim>;
    fn holds_any(&self, at: &Address, object: &AnyObject) -> BTreeSet<Claim>;
    fn part_of_any(&self, at: &Address, object: &AnyObject) -> Option<String>;
    fn notes_any(&self, at: &Address, document: &AnyDocument, object: &AnyObject) -> Vec<Note>;

    fn observe_any<'a>(
        &'a self,
        wanted: &'a Wanted<AnyDocument>,
    ) -> BoxFuture<'a, Result<Seen<AnyObject>, ObserveError>>;
    fn act_any<'a>(
        &'a self,
        step: &'a Step<AnyDocument>,
        acting: SharedActing,
    ) -> BoxFuture<'a, Result<(), StepError>>;
    fn release_any(&self) -> BoxFuture<'_, ()>;
    fn lanes_any(&self, at: &Place) -> usize;
    fn waiting_lanes_any(&self, step: &Step<AnyDocument>) -> Option<usize>;
    fn awaited_any(&self, step: &Step<AnyDocument>) -> Option<Awaited>;
    fn up_any<'a>(
        &'a self,
        step: &'a Step<AnyDocument>,
        acting: SharedActing,
    ) -> BoxFuture<'a, Result<u64, NotUp>>;
    fn standing_any(&self, at: &Address, node: &Node<AnyDocument>) -> Option<Awaited>;
    fn still_up_any<'a>(
        &'a self,
        at: &'a Address,
        node: &'a Node<AnyDocument>,
        acting: SharedActing,
    ) -> BoxFuture<'a, Result<u64, NotUp>>;
}
