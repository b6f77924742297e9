//! What a provider is: a pure half that compares, and a half that reads and writes.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use super::address::Address;
use super::event::Event;
use super::impact::Impact;
use super::plan::{Change, Note, Step};
use super::seen::{ObserveError, Seen};
use super::wanted::{Edge, Node, Wanted};

/// What the person who plans has chosen.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Machines that are made anew, by name.
    pub replace: BTreeSet<String>,
    /// Data that may be deleted.
    pub delete_data: DeleteData,
}

/// Which data may be deleted. A data disk that is wanted is never deleted.
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
pub struct Settled<D> {
    /// The objects, by address.
    pub nodes: BTreeMap<Address, Node<D>>,
    /// Addresses that are made anew although their document may be the same, each with the reason.
    pub anew: BTreeMap<Address, String>,
    /// What a person should be told.
    pub notes: Vec<Note>,
}

/// How an object that is there differs from what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Not at all.
    Same,
    /// By these changes; the step has the highest impact among them.
    Differs(Vec<Change>),
    /// It cannot be changed into what is wanted: the cause, and what to do.
    Refused(String),
}

/// What becomes of an object of ours that is not wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is deleted, for a reason.
    Delete(String),
    /// It stays, and is listed: data, or what holds it.
    Keep(String),
    /// It is not ours, or not worth a word: it stays.
    Ignore,
}

/// The pure half of a provider.
pub trait Model {
    /// What an object is made from.
    type Document: Send + Sync;
    /// What is read of an object.
    type Object: Send + Sync;

    /// Fits what is wanted to what is there.
    fn settle(&self, wanted: &Wanted<Self::Document>, seen: &Seen<Self::Object>, choices: &Choices)
    -> Settled<Self::Document>;

    /// How an object that is there differs from what is wanted.
    fn compare(&self, at: &Address, document: &Self::Document, object: &Self::Object) -> Verdict;

    /// The impact and the reason of a restart or replacement that an object suffers because something it is attached
    /// to stops; `None` if it does not mind (a machine that is off).
    fn suffers(&self, at: &Address, object: &Self::Object, from: &Address, impact: Impact) -> Option<Change>;

    /// What becomes of an object that is there and not wanted.
    fn remove(&self, at: &Address, object: &Self::Object, settled: &Settled<Self::Document>, choices: &Choices) -> Removal;

    /// What an object that is there needs: it is deleted before those.
    fn needs(&self, at: &Address, object: &Self::Object) -> Vec<Edge>;

    /// The machine or other noun that an object that is there belongs to, as `machine/web`.
    fn part_of(&self, at: &Address, object: &Self::Object) -> Option<String>;

    /// What a person should know of an object that is there and wanted, for example a pending boot.
    fn notes(&self, at: &Address, document: &Self::Document, object: &Self::Object) -> Vec<Note>;
}

/// What a step may use while it runs.
pub trait Acting: Send + Sync {
    /// Says what happens.
    fn say(&self, event: Event);

    /// Whether it should stop at the next safe place: between calls, between chunks of an upload.
    fn cancelled(&self) -> bool;
}

/// Why a step failed. What it had done before is what the next plan finds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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

/// A provider: reads and writes. `S` is where it finds secrets' bytes.
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

    /// How many steps may run at once on a host.
    fn lanes(&self) -> usize;
}
