//! What a provider is: a pure half that compares, and a half that reads and writes.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use super::address::{Address, Place};
use super::event::Event;
use super::impact::Impact;
use super::plan::{Change, Note, Step};
use super::room::Claim;
use super::seen::{Fingerprint, ObserveError, Seen};
use super::up::{Awaited, NotUp};
use super::wanted::{Edge, Node, Wanted};

/// What the person who plans has chosen.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Machines that are made anew, by name.
    pub replace: BTreeSet<String>,
    /// Data that may be deleted.
    pub delete_data: DeleteData,
    /// What alone is planned, as `machine/web` or an address, with what it needs; everything if there is none. What else
    /// there would be to do is [left out](super::NoteKind::LeftOut).
    pub only: BTreeSet<String>,
}

/// Which data may be deleted.
///
/// It only answers [`Model::remove`], which is asked about objects that nobody wants, so a data disk that is wanted is
/// never deleted. Data that is not covered is answered with [`Removal::Keep`]: the plan lists it as a
/// [`NoteKind::Kept`](super::NoteKind::Kept) note in every run, and such a note alone leaves the plan
/// [empty](super::Plan::is_empty). When its machine returns, the address is wanted again, and the data is attached again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeleteData {
    /// None.
    #[default]
    None,
    /// That of these machines, by name.
    Of(BTreeSet<String>),
    /// All that is ours.
    All,
}

impl DeleteData {
    /// Whether a machine's data may be deleted.
    pub fn covers(&self, machine: &str) -> bool {
        match self {
            Self::None => false,
            Self::Of(machines) => machines.contains(machine),
            Self::All => true,
        }
    }
}

/// What is wanted once it is known what is there, for example a domain that stays on the root volume it has.
#[derive(Debug)]
pub struct Settled<D: ?Sized> {
    /// The objects, by address.
    pub nodes: BTreeMap<Address, Node<D>>,
    /// Addresses that are made anew although their document may be the same, each with the reason. One that is absent is
    /// created; one that [`Model::compare`] refuses (it is not ours) stays refused.
    pub anew: BTreeMap<Address, String>,
    /// What a person should be told.
    pub notes: Vec<Note>,
}

/// How an object that is there differs from what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Not at all.
    Same,
    /// By these changes; the step has the highest impact among them. A change of [`Impact::None`] is none: the plan
    /// lists it as a [`NoteKind::Left`](super::NoteKind::Left) note, with its reason.
    Differs(Vec<Change>),
    /// It cannot be changed into what is wanted, by any impact (it is not ours, say): the cause, and what to do. An apply
    /// refuses the whole plan.
    Refused(String),
}

/// What becomes of an object of ours that is not wanted.
///
/// Whatever the answer, what stays keeps what it needs: a pool is not deleted while a kept volume needs it, a base image
/// not while an unchanged root does. The plan lists what is held in this way as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removal {
    /// It is deleted, for a reason; what is in it is lost ([`Impact::Delete`]).
    Delete(String),
    /// It is deleted, for a reason, and nobody notices ([`Impact::Live`]): the root that a replaced machine had (the
    /// replacement says what is lost), a boot volume, an unused base image, the rest of a cut upload.
    Discard(String),
    /// It stays, and is listed: data, or what holds it. It is not a step: a plan that only keeps is empty.
    Keep(String),
    /// It is not ours, or not worth a word: it stays.
    Ignore,
}

/// The pure half of a provider.
pub trait Model {
    /// What an object is made from.
    type Document: ?Sized + Send + Sync;
    /// What is read of an object.
    type Object: ?Sized + Send + Sync;

    /// A place as a person knows it, as `the host local`.
    fn known_as(&self, place: &Place) -> String {
        place.to_string()
    }

    /// Fits what is wanted to what is there.
    fn settle(
        &self,
        wanted: &Wanted<Self::Document>,
        seen: &Seen<Self::Object>,
        choices: &Choices,
    ) -> Settled<Self::Document>;

    /// The fingerprint of what an object is made from, secrets as holes. It makes a plan's digest cover what is created.
    fn fingerprint(&self, document: &Self::Document) -> Fingerprint;

    /// What a person should see of an object that is created, as `bridge br-kube 10.17.4.0/24`; empty if nothing.
    fn summary(&self, _at: &Address, _document: &Self::Document) -> String {
        String::new()
    }

    /// How an object that is there differs from what is wanted.
    fn compare(&self, at: &Address, document: &Self::Document, object: &Self::Object) -> Verdict;

    /// The impact and the reason of a restart or replacement that an object suffers because something that it is
    /// [attached](super::Carries::Attached) to restarts or is replaced; `None` if it does not mind (a machine that is
    /// off). It is asked also when the object is otherwise as it is wanted.
    fn suffers(&self, at: &Address, object: &Self::Object, from: &Address, impact: Impact) -> Option<Change>;

    /// What becomes of an object that is there and not wanted. `is_wanted` says of other addresses whether they are.
    fn remove(
        &self,
        at: &Address,
        object: &Self::Object,
        is_wanted: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal;

    /// What an object that is there needs: none of those is deleted before it is deleted or its step is done.
    fn needs(&self, at: &Address, object: &Self::Object) -> Vec<Edge>;

    /// What an object takes, once it is made from a document, that only one at its place can have. It is asked only where
    /// something is changed or deleted.
    fn takes(&self, _at: &Address, _document: &Self::Document) -> BTreeSet<Claim> {
        BTreeSet::new()
    }

    /// What an object that is there has of that.
    fn holds(&self, _at: &Address, _object: &Self::Object) -> BTreeSet<Claim> {
        BTreeSet::new()
    }

    /// The machine or other noun that an object that is there belongs to, as `machine/web`.
    fn part_of(&self, at: &Address, object: &Self::Object) -> Option<String>;

    /// What a person should know of an object that is there and wanted, for example a pending boot. It is not asked when
    /// the object restarts or is replaced, which ends what it would say.
    fn notes(&self, at: &Address, document: &Self::Document, object: &Self::Object) -> Vec<Note>;
}

/// What a step may use while it runs.
pub trait Acting: Send + Sync {
    /// Says what happens: [`Event::Doing`] or [`Event::Progress`]. How a step begins and ends says the apply.
    fn say(&self, event: Event);

    /// Whether it should stop at the next safe place: between calls, between chunks of an upload.
    fn cancelled(&self) -> bool;

    /// Whether the apply comes to its end, so that nothing is worth waiting for that changes nothing. A step goes on until
    /// it is [cancelled](Acting::cancelled).
    fn stopping(&self) -> bool {
        self.cancelled()
    }
}

/// Why a step failed. What it had done before is what the next plan finds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The object is not what the plan saw.
    #[error("{what} changed since the plan was made: plan again")]
    Changed {
        /// Which object.
        what: String,
    },
    /// A call failed.
    #[error("{call}: {cause}")]
    Call {
        /// The call, with the object.
        call: String,
        /// The provider's words, and what to do.
        cause: String,
    },
    /// A call had no answer in time.
    #[error("{call}: no answer within {seconds} s")]
    Deadline {
        /// The call, with the object.
        call: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Something that the step needs from this side is wrong: a file, a secret.
    #[error("{what}: {cause}")]
    Input {
        /// What.
        what: String,
        /// Why, and what to do.
        cause: String,
    },
    /// It was asked to stop.
    #[error("stopped before it was done")]
    Cancelled,
}

/// A provider: reads and writes.
pub trait Provider: Model + Send + Sync {
    /// Reads what is there: every wanted address, and every object of the owner's.
    fn observe(
        &self,
        wanted: &Wanted<Self::Document>,
    ) -> impl Future<Output = Result<Seen<Self::Object>, ObserveError>> + Send;

    /// Runs one step. It reads its object again first, and refuses when that is not what the plan saw.
    fn act(
        &self,
        step: &Step<Self::Document>,
        acting: &(impl Acting + Clone + 'static),
    ) -> impl Future<Output = Result<(), StepError>> + Send;

    /// How many steps may run at once at a place, at least 1.
    fn lanes(&self, at: &Place) -> usize;

    /// A step that mostly waits for something else takes none of those lanes: how many steps of this kind may run at once at its place.
    /// `None` for any other step.
    fn waiting_lanes(&self, _step: &Step<Self::Document>) -> Option<usize> {
        None
    }

    /// What is waited for once a step is done; `None` if nothing.
    fn awaited(&self, _step: &Step<Self::Document>) -> Option<Awaited> {
        None
    }

    /// Waits for it, outside of the lanes: how many seconds it took. It ends soon after
    /// [`Acting::cancelled`] says so.
    fn up(
        &self,
        _step: &Step<Self::Document>,
        _acting: &(impl Acting + Clone + 'static),
    ) -> impl Future<Output = Result<u64, NotUp>> + Send {
        std::future::ready(Ok(0))
    }
}
