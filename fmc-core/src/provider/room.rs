//! The parts of a provider.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use super::artifact::{Artifact, ByHand};
use super::drift::Drift;
use super::status::Status;
use crate::boot::{Boot, Born};
use crate::checked::{Checked, Idx, Machine, Network};
use crate::graph::{Address, Note, Provider, Seen, Wanted};
use crate::role::Membership;
use crate::secret::{Derivation, Kubeconfigs, RootKeyCheck, SecretRef, Secrets};

/// The part of a machine that an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachinePart<'a> {
    /// Its root.
    Root,
    /// A data disk, by its name within the machine.
    Disk(&'a str),
}

/// A provider with all its parts. Of this trait only [`Room::NAME`] and [`Room::documents`] are required; the
/// defaults of the others suit a provider of plain records. Its supertraits require `fingerprint`, `compare`,
/// `remove` and `needs` ([`Model`](crate::graph::Model)), `observe` and `act` ([`Provider`]).
///
/// A room without a connection is its pure half: it compiles, plans, and computes drift and status from given
/// observations.
pub trait Room: Provider<Document: Sized + 'static, Object: Sized + 'static> + Sized + 'static {
    /// The provider's name in addresses. A list cannot hold two rooms of one name.
    const NAME: &'static str;

    /// The provider's objects of a cloud, with further places that it must observe although the cloud wants
    /// no object there. An edge may lead to an object of another provider.
    fn documents(&self, checked: &Checked) -> Wanted<Self::Document>;

    /// The files that a compile writes for an object.
    fn artifacts<'a>(
        &self,
        _at: &'a Address,
        _document: &'a Self::Document,
        _part_of: Option<&'a str>,
    ) -> Vec<Artifact<'a>> {
        Vec::new()
    }

    /// The files that no step applies.
    fn by_hand(&self, _checked: &Checked) -> Vec<ByHand> {
        Vec::new()
    }

    /// The boot configuration in a document, if it has one.
    fn boot<'a>(&self, _document: &'a Self::Document) -> Option<&'a Arc<Boot>> {
        None
    }

    /// The secrets that a step with this document needs.
    fn secrets<'a>(&self, document: &'a Self::Document) -> Vec<&'a SecretRef> {
        self.boot(document).into_iter().flat_map(|boot| boot.secrets()).collect()
    }

    /// Whether an existing machine is one of a lab; `None` if it is not known, or if the object is not a machine of the owner's.
    fn is_lab(&self, _object: &Self::Object) -> Option<bool> {
        None
    }

    /// The derivation of the secrets of an existing machine; `None` if it has none, or if the object is not a
    /// machine of the cloud's.
    fn derivation(&self, _object: &Self::Object) -> Option<Derivation> {
        None
    }

    /// The check of the root key from which the secrets of an existing machine were made; `None` if it has none, or if that is not
    /// known.
    fn root_key_check(&self, _object: &Self::Object) -> Option<RootKeyCheck> {
        None
    }

    /// The derivation of the secrets of the guest that had an existing disk, from the record beside the disk; `None` if that is not
    /// known, or if the object is not a disk of the cloud's.
    fn kept_derivation(&self, _object: &Self::Object) -> Option<Derivation> {
        None
    }

    /// The check value of the root key that those secrets were made from; `None` if it is not known.
    fn kept_root_key_check(&self, _object: &Self::Object) -> Option<RootKeyCheck> {
        None
    }

    /// The name that the machine of an existing data disk had first, if no machine has it now, or another name by which a person asks
    /// for the deletion of what is left: a person may call the data by it.
    fn former<'a>(&self, _object: &'a Self::Object) -> Option<&'a str> {
        None
    }

    /// Notes about the provider's objects that follow from those of other providers, as from a machine that does not exist yet. `is_there`
    /// tells whether an object of any provider exists; `None` if that is not known. By default there are none.
    fn beside(
        &self,
        _wanted: &Wanted<Self::Document>,
        _seen: &Seen<Self::Object>,
        _is_there: &dyn Fn(&Address) -> Option<bool>,
    ) -> Vec<Note> {
        Vec::new()
    }

    /// The kinds of objects that a plan counts in its title, each with a person's noun for it.
    fn nouns(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The memberships of an existing machine, as recorded in its mark.
    fn memberships<'a>(&self, _object: &'a Self::Object) -> &'a [Membership] {
        &[]
    }

    /// The birth facts of an existing machine, as recorded in its mark.
    fn born<'a>(&self, _object: &'a Self::Object) -> Option<&'a Born> {
        None
    }

    /// The birth facts of the machine that is made from a document.
    fn makes<'a>(&self, _document: &'a Self::Document) -> Option<&'a Born> {
        None
    }

    /// The part of its machine that the object of a document holds.
    fn machine_part<'a>(&self, _document: &'a Self::Document) -> Option<MachinePart<'a>> {
        None
    }

    /// Manual changes since the last apply. By default every difference is unclear: see
    /// [`Drift::of_differences`].
    fn drift(&self, wanted: &Wanted<Self::Document>, seen: &Seen<Self::Object>) -> Drift {
        Drift::of_differences(self, wanted, seen)
    }

    /// The state of the provider's objects. By default each wanted object is there or not.
    fn status(
        &self,
        _checked: &Checked,
        wanted: &Wanted<Self::Document>,
        seen: &Seen<Self::Object>,
    ) -> Status {
        Status::of_objects(wanted, seen)
    }

    /// The value at a path of a document, in the notation of plans. By default documents have no paths.
    ///
    /// # Errors
    ///
    /// The path does not exist.
    fn value(&self, _document: &str, _path: &str) -> Result<String, NoValue> {
        Err(NoValue { upto: String::new(), has: Vec::new() })
    }

    /// The addresses that a machine of it answers at, the best one first, each with its network.
    fn addresses(&self, _checked: &Checked, _machine: &Machine) -> Vec<(IpAddr, Idx<Network>)> {
        Vec::new()
    }

    /// The last recorded lines of a machine's console; `None` if it keeps none, or has no connection to the machine.
    ///
    /// # Errors
    ///
    /// They cannot be read: a fragment that fits "failed to …".
    fn console(
        &self,
        _checked: &Checked,
        _machine: &Machine,
        _lines: usize,
    ) -> Result<Option<Vec<String>>, String> {
        Ok(None)
    }

    /// The provider's part of a cloud's picture.
    fn drawn(&self, _checked: &Checked) -> Vec<Drawn> {
        Vec::new()
    }

    /// Missing or differing prerequisites, reported before anything is made. They follow from the last observation.
    fn preflight(&self, _checked: &Checked) -> impl Future<Output = Vec<Note>> + Send {
        std::future::ready(Vec::new())
    }

    /// The provider with these secrets; `None` if it needs none.
    fn with_secrets(&self, _secrets: Arc<dyn Secrets + Send + Sync>) -> Option<Self> {
        None
    }

    /// The provider with this way into the clusters that the cloud makes; `None` if it needs none.
    fn with_kubeconfigs(&self, _kubeconfigs: Arc<dyn Kubeconfigs + Send + Sync>) -> Option<Self> {
        None
    }

    /// The provider's simulation, which changes nothing outside of this process: from a state that
    /// [`Room::simulated`] gave, or from the beginning. `None` if it has none; then its objects are unknown
    /// in a simulation, and a plan defers them.
    ///
    /// # Errors
    ///
    /// The state cannot be read.
    fn simulation(&self, _state: Option<&str>) -> Result<Option<Self>, SimulationError> {
        Ok(None)
    }

    /// The state of a simulation, to keep until the next command; `None` for a real provider.
    fn simulated(&self) -> Option<String> {
        None
    }
}

/// A provider's addition to a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drawn {
    /// A store of a host, which holds disks of machines: the cloud's own store comes before others.
    Store {
        /// The host's name.
        host: String,
        /// The store's name.
        name: String,
        /// The store's path on the host.
        path: String,
    },
    /// A line at a machine, as a name under which it is published.
    Label {
        /// The machine's name.
        machine: String,
        /// The line.
        text: String,
    },
}

/// A path of a document that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find it: `{upto}` has {}", .has.join(", "))]
pub struct NoValue {
    /// The existing part of the path; empty for the document itself.
    pub upto: String,
    /// The attributes and elements at that place, in the notation of paths.
    pub has: Vec<String>,
}

/// A saved simulation that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the simulation of {provider}: {cause}")]
pub struct SimulationError {
    /// The provider.
    pub provider: &'static str,
    /// The cause, and what to do.
    pub cause: String,
}
