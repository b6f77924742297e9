//! A list of providers that is itself a provider.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::join_all;

use super::artifact::{Artifact, ByHand};
use super::drift::Drift;
use super::erased::{AnyDocument, AnyObject, AnyRoom, Erased, SharedActing};
use super::room::{Drawn, MachinePart, NoValue, Room};
use super::status::Status;
use crate::boot::{Boot, Born};
use crate::checked::{Checked, Idx, Machine, Network};
use crate::graph::{
    Acting, Address, Awaited, Change, Choices, Claim, Edge, Fingerprint, Impact, Model, Node, NotUp, Note,
    ObserveError, Place, Provider, Removal, Seen, Settled, State, Step, StepError, Verdict, Wanted,
};
use crate::role::Membership;
use crate::secret::{Derivation, RootKeyCheck, SecretRef};
use crate::sort;

/// Several providers as one: each object is handled by the provider that its address names. It is a
/// [`Provider`] over documents and objects of any type, so that one plan orders the objects of all.
///
/// Pass documents with their nodes: a reference to the [`Arc`] of a document would be taken for the document
/// itself, since an `Arc` may be any document too.
///
/// A provider that does not answer is unknown as a whole, and does not stop the others. The observation fails
/// only if no provider answers.
#[derive(Clone, Default)]
pub struct Rooms<'a> {
    rooms: Vec<&'a dyn Erased>,
    absent: BTreeMap<&'static str, &'static str>,
}

impl<'a> Rooms<'a> {
    /// No providers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a provider; it replaces one of the same name.
    #[must_use]
    pub fn with(self, room: &'a impl Room) -> Self {
        self.and(room)
    }

    /// Adds a provider of any kind; it replaces one of the same name.
    #[must_use]
    pub fn with_any(self, room: &'a AnyRoom) -> Self {
        self.and(&*room.0)
    }

    /// The objects of a provider that takes no part are unknown, for this cause.
    #[must_use]
    pub fn absent(mut self, provider: &'static str, cause: &'static str) -> Self {
        self.absent.insert(provider, cause);
        self
    }

    fn and(mut self, room: &'a dyn Erased) -> Self {
        self.rooms.retain(|other| other.name() != room.name());
        self.rooms.push(room);
        sort::by_key(&mut self.rooms, |room| room.name());
        self
    }

    /// Only the providers with these names.
    #[must_use]
    pub fn only<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: BTreeSet<&str> = names.into_iter().collect();
        self.rooms.retain(|room| names.contains(room.name()));
        self
    }

    /// The names of the providers.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.rooms.iter().map(|room| room.name())
    }

    /// The objects of a cloud for all providers.
    pub fn documents(&self, checked: &Checked) -> Wanted<AnyDocument> {
        let mut all = Wanted::nothing(checked.owner().as_str());
        for room in &self.rooms {
            let Wanted { owner: _, mut nodes, mut places, gone: _, is_destroyed: _, replace: _ } =
                room.documents_any(checked);
            all.nodes.append(&mut nodes);
            all.places.append(&mut places);
        }
        all
    }

    /// The files that a compile writes for an object.
    pub fn artifacts<'d>(&self, at: &'d Address, node: &'d Node<AnyDocument>) -> Vec<Artifact<'d>> {
        self.of(at)
            .map(|room| room.artifacts_any(at, &*node.document, node.part_of.as_deref()))
            .unwrap_or_default()
    }

    /// The files that no step applies.
    pub fn by_hand(&self, checked: &Checked) -> Vec<ByHand> {
        self.rooms.iter().flat_map(|room| room.by_hand_any(checked)).collect()
    }

    /// The fingerprint of a document, without its secrets.
    pub fn fingerprint_of(&self, at: &Address, node: &Node<AnyDocument>) -> Fingerprint {
        let found = self.of(at).and_then(|room| room.fingerprint_any(&*node.document));
        found.unwrap_or_else(|| Fingerprint::of(&[]))
    }

    /// The boot configuration in a document, if it has one.
    pub fn boot<'d>(&self, at: &Address, node: &'d Node<AnyDocument>) -> Option<&'d Arc<Boot>> {
        self.of(at)?.boot_any(&*node.document)
    }

    /// The secrets that a step with a document needs.
    pub fn secrets<'d>(&self, at: &Address, node: &'d Node<AnyDocument>) -> Vec<&'d SecretRef> {
        self.of(at).map(|room| room.secrets_any(&*node.document)).unwrap_or_default()
    }

    /// Whether an existing machine is one of a lab, if it is known.
    pub fn is_lab(&self, at: &Address, object: &AnyObject) -> Option<bool> {
        self.of(at)?.is_lab_any(object)
    }

    /// The derivation of the secrets of an existing machine.
    pub fn derivation(&self, at: &Address, object: &AnyObject) -> Option<Derivation> {
        self.of(at)?.derivation_any(object)
    }

    /// The check of the root key from which the secrets of an existing machine were made.
    pub fn root_key_check(&self, at: &Address, object: &AnyObject) -> Option<RootKeyCheck> {
        self.of(at)?.root_key_check_any(object)
    }

    /// The derivation of the secrets of the guest that had an existing disk.
    pub fn kept_derivation(&self, at: &Address, object: &AnyObject) -> Option<Derivation> {
        self.of(at)?.kept_derivation_any(object)
    }

    /// The check value of the root key that those secrets were made from.
    pub fn kept_root_key_check(&self, at: &Address, object: &AnyObject) -> Option<RootKeyCheck> {
        self.of(at)?.kept_root_key_check_any(object)
    }

    /// The name that the machine of an existing data disk had first, if no machine has it now.
    pub fn former<'o>(&self, at: &Address, object: &'o AnyObject) -> Option<&'o str> {
        self.of(at)?.former_any(object)
    }

    /// The kinds of objects that a plan counts in its title, each with its noun and its provider's name.
    pub fn nouns(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        let of = |room: &'a dyn Erased| {
            room.nouns_any().iter().map(move |(kind, noun)| (room.name(), *kind, *noun))
        };
        self.rooms.iter().flat_map(move |room| of(*room))
    }

    /// A person's noun for an object, as `machine` for a domain of libvirt.
    pub fn noun(&self, at: &Address) -> &'static str {
        let nouns = self.of(at).map(Erased::nouns_any).unwrap_or_default();
        nouns.iter().find(|(kind, _)| *kind == at.kind()).map_or(at.kind(), |(_, noun)| noun)
    }

    /// The memberships of an existing machine, as recorded in its mark.
    pub fn memberships<'o>(&self, at: &Address, object: &'o AnyObject) -> &'o [Membership] {
        self.of(at).map(|room| room.memberships_any(object)).unwrap_or_default()
    }

    /// The birth facts of an existing machine, as recorded in its mark.
    pub fn born<'o>(&self, at: &Address, object: &'o AnyObject) -> Option<&'o Born> {
        self.of(at)?.born_any(object)
    }

    /// The birth facts of the machine that is made from a document.
    pub fn makes<'d>(&self, at: &Address, document: &'d AnyDocument) -> Option<&'d Born> {
        self.of(at)?.makes_any(document)
    }

    /// The part of its machine that the object of a document holds.
    pub fn machine_part<'d>(&self, at: &Address, document: &'d AnyDocument) -> Option<MachinePart<'d>> {
        self.of(at)?.machine_part_any(document)
    }

    /// Manual changes since the last apply.
    pub fn drift(&self, wanted: &Wanted<AnyDocument>, seen: &Seen<AnyObject>) -> Drift {
        let mut all = Drift::default();
        self.rooms.iter().for_each(|room| all.extend(room.drift_any(wanted, seen)));
        all
    }

    /// The state of all objects.
    pub fn status(&self, checked: &Checked, wanted: &Wanted<AnyDocument>, seen: &Seen<AnyObject>) -> Status {
        let mut all = Status::default();
        self.rooms.iter().for_each(|room| all.extend(room.status_any(checked, wanted, seen)));
        all
    }

    /// The value at a path of an object's document, in the notation of plans.
    ///
    /// # Errors
    ///
    /// The path does not exist.
    pub fn value(&self, at: &Address, document: &str, path: &str) -> Result<String, NoValue> {
        match self.of(at) {
            Some(room) => room.value_any(document, path),
            None => Err(NoValue { upto: String::new(), has: Vec::new() }),
        }
    }

    /// The addresses that a machine answers at, the best one of each provider first, each with its network.
    pub fn addresses(&self, checked: &Checked, machine: &Machine) -> Vec<(IpAddr, Idx<Network>)> {
        self.rooms.iter().flat_map(|room| room.addresses_any(checked, machine)).collect()
    }

    /// The last lines of a machine's console, of the first provider that keeps it; `None` if no provider does.
    ///
    /// # Errors
    ///
    /// They cannot be read: a fragment that fits "failed to …".
    pub fn console(
        &self,
        checked: &Checked,
        machine: &Machine,
        lines: usize,
    ) -> Result<Option<Vec<String>>, String> {
        for room in &self.rooms {
            if let Some(found) = room.console_any(checked, machine, lines)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// All providers' additions to the picture of a cloud.
    pub fn drawn(&self, checked: &Checked) -> Vec<Drawn> {
        self.rooms.iter().flat_map(|room| room.drawn_any(checked)).collect()
    }

    /// Missing or differing prerequisites, after an observation.
    pub async fn preflight(&self, checked: &Checked) -> Vec<Note> {
        join_all(self.rooms.iter().map(|room| room.preflight_any(checked))).await.concat()
    }

    fn of(&self, at: &Address) -> Option<&'a dyn Erased> {
        self.named(at.provider())
    }

    fn named(&self, provider: &str) -> Option<&'a dyn Erased> {
        let is_it = |name: &str| std::ptr::eq(name, provider) || name == provider;
        self.rooms.iter().copied().find(|room| is_it(room.name()))
    }
}

/// Whether an object exists, if that is known.
fn is_there(seen: &Seen<AnyObject>, at: &Address) -> Option<bool> {
    match seen.objects.get(at) {
        Some(State::Present { .. }) => Some(true),
        Some(State::NotYet { is_new: true, .. }) => Some(false),
        Some(State::NotYet { .. } | State::Unknown { .. }) => None,
        None => seen.unknown_at(at.place()).is_none().then_some(false),
    }
}

impl fmt::Debug for Rooms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rooms").field(&self.names().collect::<Vec<_>>()).finish()
    }
}

impl Model for Rooms<'_> {
    type Document = AnyDocument;
    type Object = AnyObject;

    fn known_as(&self, place: &Place) -> String {
        match self.named(place.provider()) {
            Some(room) => room.known_as_any(place),
            None => place.to_string(),
        }
    }

    fn goes_along(&self, place: &Place) -> bool {
        self.named(place.provider()).is_some_and(|room| room.goes_along_any(place))
    }

    fn along(&self, at: &Address, document: &AnyDocument) -> Vec<Address> {
        self.of(at).map(|room| room.along_any(at, document)).unwrap_or_default()
    }

    fn settle<'a>(
        &self,
        wanted: &'a Wanted<AnyDocument>,
        seen: &Seen<AnyObject>,
        choices: &Choices,
    ) -> Settled<'a, AnyDocument> {
        let mut all_nodes = BTreeMap::new();
        let mut all = Settled {
            nodes: Cow::Borrowed(&wanted.nodes),
            anew: BTreeMap::new(),
            added: BTreeMap::new(),
            moved: BTreeMap::new(),
            renamed: BTreeMap::new(),
            notes: Vec::new(),
        };
        for room in &self.rooms {
            let Settled { nodes, mut anew, mut added, mut moved, mut renamed, notes } =
                room.settle_any(wanted, seen, choices);
            all_nodes.append(&mut nodes.into_owned());
            all.anew.append(&mut anew);
            all.added.append(&mut added);
            all.moved.append(&mut moved);
            all.renamed.append(&mut renamed);
            all.notes.extend(notes);
            all.notes.extend(room.beside_any(wanted, seen, &|at| is_there(seen, at)));
        }
        // Objects of unknown providers stay wanted: they are unknown, and the plan reports them.
        let others = wanted.nodes.iter().filter(|(at, _)| self.of(at).is_none());
        all_nodes.extend(others.map(|(at, node)| (at.clone(), node.clone())));
        Settled { nodes: Cow::Owned(all_nodes), ..all }
    }

    fn fingerprint(&self, document: &AnyDocument) -> Fingerprint {
        let found = self.rooms.iter().find_map(|room| room.fingerprint_any(document));
        found.unwrap_or_else(|| Fingerprint::of(&[]))
    }

    fn summary(&self, at: &Address, document: &AnyDocument) -> String {
        self.of(at).map(|room| room.summary_any(at, document)).unwrap_or_default()
    }

    fn compare(&self, at: &Address, document: &AnyDocument, object: &AnyObject) -> Verdict {
        let found = self.of(at).and_then(|room| room.compare_any(at, document, object));
        found.unwrap_or_else(|| {
            Verdict::Refused("it was read by another provider with the same name".to_owned())
        })
    }

    fn suffers(&self, at: &Address, object: &AnyObject, from: &Address, impact: Impact) -> Option<Change> {
        self.of(at)?.suffers_any(at, object, from, impact)
    }

    fn remove(
        &self,
        at: &Address,
        object: &AnyObject,
        is_wanted: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        self.of(at).map_or(Removal::Ignore, |room| room.remove_any(at, object, is_wanted, choices))
    }

    fn needs(&self, at: &Address, object: &AnyObject) -> Vec<Edge> {
        self.of(at).map(|room| room.needs_any(at, object)).unwrap_or_default()
    }

    fn takes(&self, at: &Address, document: &AnyDocument) -> BTreeSet<Claim> {
        self.of(at).map(|room| room.takes_any(at, document)).unwrap_or_default()
    }

    fn holds(&self, at: &Address, object: &AnyObject) -> BTreeSet<Claim> {
        self.of(at).map(|room| room.holds_any(at, object)).unwrap_or_default()
    }

    fn part_of(&self, at: &Address, object: &AnyObject) -> Option<String> {
        self.of(at)?.part_of_any(at, object)
    }

    fn notes(&self, at: &Address, document: &AnyDocument, object: &AnyObject) -> Vec<Note> {
        self.of(at).map(|room| room.notes_any(at, document, object)).unwrap_or_default()
    }
}

impl Provider for Rooms<'_> {
    async fn observe(&self, wanted: &Wanted<AnyDocument>) -> Result<Seen<AnyObject>, ObserveError> {
        let reads = join_all(self.rooms.iter().map(|room| room.observe_any(wanted))).await;
        let mut all = Seen::default();
        let mut first = None;
        let mut answered = false;
        for (room, read) in self.rooms.iter().zip(reads) {
            match read {
                Ok(Seen { mut objects, mut unknown }) => {
                    answered = true;
                    all.objects.append(&mut objects);
                    all.unknown.append(&mut unknown);
                }
                Err(error) => {
                    all.unknown.insert(Place::all_of(room.name()), error.to_string());
                    first.get_or_insert(error);
                }
            }
        }
        for place in wanted.nodes.keys().map(Address::place).chain(&wanted.places) {
            if self.named(place.provider()).is_none() {
                let whole = Place::all_of(place.provider());
                let cause = self.absent.get(place.provider()).copied();
                let cause = || cause.unwrap_or("this provider is not configured").to_owned();
                all.unknown.entry(whole).or_insert_with(cause);
            }
        }
        match first {
            Some(error) if !answered => Err(error),
            _ => Ok(all),
        }
    }

    async fn act(
        &self,
        step: &Step<AnyDocument>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<(), StepError> {
        match self.of(&step.address) {
            Some(room) => room.act_any(step, SharedActing::new(acting.clone())).await,
            None => Err(StepError::Input {
                what: step.address.to_string(),
                cause: "this provider is not configured".to_owned(),
            }),
        }
    }

    async fn release(&self) {
        join_all(self.rooms.iter().map(|room| room.release_any())).await;
    }

    fn lanes(&self, at: &Place) -> usize {
        self.named(at.provider()).map_or(1, |room| room.lanes_any(at))
    }

    fn waiting_lanes(&self, step: &Step<AnyDocument>) -> Option<usize> {
        self.of(&step.address)?.waiting_lanes_any(step)
    }

    fn awaited(&self, step: &Step<AnyDocument>) -> Option<Awaited> {
        self.of(&step.address)?.awaited_any(step)
    }

    async fn up(
        &self,
        step: &Step<AnyDocument>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<u64, NotUp> {
        match self.of(&step.address) {
            Some(room) => room.up_any(step, SharedActing::new(acting.clone())).await,
            None => Ok(0),
        }
    }

    fn standing(&self, at: &Address, node: &Node<AnyDocument>) -> Option<Awaited> {
        self.of(at)?.standing_any(at, node)
    }

    async fn still_up(
        &self,
        at: &Address,
        node: &Node<AnyDocument>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<u64, NotUp> {
        match self.of(at) {
            Some(room) => room.still_up_any(at, node, SharedActing::new(acting.clone())).await,
            None => Ok(0),
        }
    }
}
