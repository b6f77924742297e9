//! The interface of a provider: a pure half that compares, and a half that reads and writes.

use std::borrow::Cow;
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

/// The choices of the person who plans.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Machines to replace, by name.
    pub replace: BTreeSet<String>,
    /// Data that may be deleted.
    pub delete_data: DeleteData,
    /// Machines that may move to another host without their data, which stays where it is: by name.
    pub leave_data: BTreeSet<String>,
    /// Objects whose fields are taken from other programs that decide them, as `deployment/shop/web`: by short name or address.
    pub force_conflicts: BTreeSet<String>,
    /// If not empty, only these are planned (as `machine/web` or an address), with everything that they need.
    /// All other changes are [left out](super::NoteKind::LeftOut).
    pub only: BTreeSet<String>,
}

/// Which data may be deleted.
///
/// It matters only for [`Model::remove`], which is asked about objects that are not wanted; so a wanted data
/// disk is never deleted. For data that it does not cover the answer is [`Removal::Keep`]: every plan then
/// lists the data as a [`NoteKind::Kept`](super::NoteKind::Kept) note, and such a note alone leaves the plan
/// [empty](super::Plan::is_empty). When the machine returns, the address is wanted again and the data is
/// attached again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeleteData {
    /// None.
    #[default]
    None,
    /// The data of these machines, by name.
    Of(BTreeSet<String>),
    /// All data of this owner.
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

/// The wanted objects after they were fitted to the existing ones; for example, a domain stays on its present
/// root volume.
#[derive(Debug)]
pub struct Settled<'a, D: ?Sized + 'a> {
    /// The objects, by address: the wanted ones themselves, unless one of them has to differ. A copy of a large
    /// cloud's objects costs as much as comparing them.
    pub nodes: Cow<'a, BTreeMap<Address, Node<D>>>,
    /// Addresses that are made again even if their document is the same, each with the reason. An absent
    /// object is created; an object that [`Model::compare`] refuses (because it is not ours) stays refused.
    pub anew: BTreeMap<Address, String>,
    /// Absent addresses that are created for an existing noun, each with the consequence, as `begins empty: its
    /// volume is gone`: such a step has [`Impact::Live`].
    pub added: BTreeMap<Address, String>,
    /// Existing objects that are not wanted because their noun moves to another place, each with its successor there. One of
    /// the successor's kind, as the guest itself, is deleted just before the successor is made, when all that the
    /// successor needs is there; any other, as its disk, once the successor is made. They stay while the successor
    /// cannot be made.
    pub moved: BTreeMap<Address, Address>,
    /// Existing objects that are not wanted because they are called otherwise now, and that cannot be renamed: each with the object
    /// that is made in its place, at the same place. Both are one line of the plan, and the deletion loses nothing.
    pub renamed: BTreeMap<Address, Address>,
    /// Notes for the person who plans.
    pub notes: Vec<Note>,
}

/// The difference between an existing object and the wanted one.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// There is no difference.
    Same,
    /// These changes; the step has the highest impact among them. A change of [`Impact::None`] needs no step:
    /// the plan lists it as a [`NoteKind::Left`](super::NoteKind::Left) note, with its reason.
    Differs(Vec<Change>),
    /// No step can make the object as wanted (because it is not ours, for example): the cause, and what to
    /// do. An apply refuses the whole plan.
    Refused(String),
    /// No step can make the object as wanted: the cause, and what to do. What needs the object waits for it, and an apply
    /// does all the rest, but it does not converge.
    Held(String),
}

/// The decision about an object of ours that is not wanted.
///
/// Whatever the answer, an object that stays keeps the objects that it needs: a pool is not deleted while a
/// kept volume needs it, nor a base image while an unchanged root does. The plan lists such objects as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removal {
    /// It is deleted, for a reason; its content is lost ([`Impact::Delete`]).
    Delete(String),
    /// It is deleted, for a reason, without an interruption ([`Impact::Live`]): the root of a replaced
    /// machine (the replacement says what is lost), a boot volume, an unused base image, the rest of a cut
    /// upload.
    Discard(String),
    /// It stays, and the plan lists it: data, or an object that holds data. This is not a step: a plan that
    /// only keeps is empty.
    Keep(String),
    /// It stays until a person decides ([`NoteKind::Left`](super::NoteKind::Left)), because deleting it would lose what it
    /// has. An apply of the plan does not converge.
    Leave(String),
    /// It stays without a note: it is not ours, or not worth one.
    Ignore,
}

/// The pure half of a provider.
pub trait Model {
    /// The description from which an object is made.
    type Document: ?Sized + Send + Sync;
    /// The state of an object as it was read.
    type Object: ?Sized + Send + Sync;

    /// A place in a person's words, as `the host local`.
    fn known_as(&self, place: &Place) -> String {
        place.to_string()
    }

    /// Whether all that is at a place goes with the objects of another provider when the cloud is destroyed, as what runs in
    /// a cluster goes with its machines. A destroy need not read such a place. By default no place is one.
    fn goes_along(&self, _place: &Place) -> bool {
        false
    }

    /// The wanted objects that a chosen one takes along although it does not need them, as the name by which others reach a server: a plan that is
    /// limited to one of them [by name](Choices::only) has them too. By default there are none.
    fn along(&self, _at: &Address, _document: &Self::Document) -> Vec<Address> {
        Vec::new()
    }

    /// Fits the wanted objects to the existing ones. By default they are wanted as they are.
    fn settle<'a>(
        &self,
        wanted: &'a Wanted<Self::Document>,
        _seen: &Seen<Self::Object>,
        _choices: &Choices,
    ) -> Settled<'a, Self::Document> {
        Settled {
            nodes: Cow::Borrowed(&wanted.nodes),
            anew: BTreeMap::new(),
            added: BTreeMap::new(),
            moved: BTreeMap::new(),
            renamed: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// The fingerprint of a document, without its secrets. It makes a plan's digest cover created objects.
    fn fingerprint(&self, document: &Self::Document) -> Fingerprint;

    /// The summary of a created object in a plan, as `bridge br-kube 10.17.4.0/24`; empty if nothing.
    fn summary(&self, _at: &Address, _document: &Self::Document) -> String {
        String::new()
    }

    /// The difference between an existing object and the wanted one.
    fn compare(&self, at: &Address, document: &Self::Document, object: &Self::Object) -> Verdict;

    /// The impact and the reason if an object restarts or is replaced because an object that it is
    /// [attached](super::Carries::Attached) to restarts or is replaced; `None` if it is not affected (a
    /// machine that is off), which is the default. The planner asks it even if the object itself is as wanted.
    fn suffers(
        &self,
        _at: &Address,
        _object: &Self::Object,
        _from: &Address,
        _impact: Impact,
    ) -> Option<Change> {
        None
    }

    /// The decision about an existing object that is not wanted. `is_wanted` tells whether another address is
    /// wanted.
    fn remove(
        &self,
        at: &Address,
        object: &Self::Object,
        is_wanted: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal;

    /// The needs of an existing object: none of them is deleted before this object is deleted or its step is
    /// done.
    fn needs(&self, at: &Address, object: &Self::Object) -> Vec<Edge>;

    /// The exclusive claims of an object that is made from a document: only one object of its place can hold
    /// each. The planner asks for them only where something is changed or deleted.
    fn takes(&self, _at: &Address, _document: &Self::Document) -> BTreeSet<Claim> {
        BTreeSet::new()
    }

    /// The claims that an existing object holds.
    fn holds(&self, _at: &Address, _object: &Self::Object) -> BTreeSet<Claim> {
        BTreeSet::new()
    }

    /// The machine or other noun that an existing object belongs to, as `machine/web`. By default it
    /// belongs to none.
    fn part_of(&self, _at: &Address, _object: &Self::Object) -> Option<String> {
        None
    }

    /// Notes about an existing object that is wanted, for example about a pending boot. The planner does not
    /// ask if the object restarts or is replaced, because that would make the notes wrong.
    /// By default there are none.
    fn notes(&self, _at: &Address, _document: &Self::Document, _object: &Self::Object) -> Vec<Note> {
        Vec::new()
    }
}

/// The services that a running step may use.
pub trait Acting: Send + Sync {
    /// Reports [`Event::Doing`] or [`Event::Progress`]. The apply reports each step's start and end.
    fn say(&self, event: Event);

    /// Whether the step should stop at the next safe place: between calls, between chunks of an upload.
    fn cancelled(&self) -> bool;

    /// Whether the apply is ending, so that a step should not wait for anything that changes nothing. The
    /// step goes on until it is [cancelled](Acting::cancelled).
    fn stopping(&self) -> bool {
        self.cancelled()
    }
}

/// Why a step failed. The next plan sees the work that the step had done before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The object is not what the plan saw.
    #[error("{what} changed since the plan was made: plan again")]
    Changed {
        /// The object.
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
        /// The timeout, in seconds.
        seconds: u64,
    },
    /// Something on this side that the step needs is wrong: a file, a secret.
    #[error("{what}: {cause}")]
    Input {
        /// The file or secret.
        what: String,
        /// Why, and what to do.
        cause: String,
    },
    /// The step was asked to stop.
    #[error("stopped before it was done")]
    Cancelled,
}

/// A provider: reads and writes.
pub trait Provider: Model + Send + Sync {
    /// Reads the existing objects: every wanted address, and every object of the owner.
    fn observe(
        &self,
        wanted: &Wanted<Self::Document>,
    ) -> impl Future<Output = Result<Seen<Self::Object>, ObserveError>> + Send;

    /// Runs one step. It reads its object again first, and refuses if the object changed since the plan.
    fn act(
        &self,
        step: &Step<Self::Document>,
        acting: &(impl Acting + Clone + 'static),
    ) -> impl Future<Output = Result<(), StepError>> + Send;

    /// Gives back what the steps of an apply hold, as a lease on a host. An apply calls it after its last step, also
    /// when it was stopped. By default there is nothing to give back.
    fn release(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// How many steps may run at once at a place, at least 1. By default it is 1.
    fn lanes(&self, _at: &Place) -> usize {
        1
    }

    /// How many steps of this kind may run at once at their place, if the step mostly waits for something
    /// else; such a step takes none of the lanes. `None` for any other step.
    fn waiting_lanes(&self, _step: &Step<Self::Document>) -> Option<usize> {
        None
    }

    /// The signal that the apply waits for once a step is done; `None` if there is none.
    fn awaited(&self, _step: &Step<Self::Document>) -> Option<Awaited> {
        None
    }

    /// Waits for that signal, outside of the lanes, and returns the seconds that it took. It ends soon after
    /// [`Acting::cancelled`] becomes true.
    fn up(
        &self,
        _step: &Step<Self::Document>,
        _acting: &(impl Acting + Clone + 'static),
    ) -> impl Future<Output = Result<u64, NotUp>> + Send {
        std::future::ready(Ok(0))
    }

    /// The signal of a wanted object that no step of the apply has started; `None` if it has none. By default
    /// no object has one.
    fn standing(&self, _at: &Address, _node: &Node<Self::Document>) -> Option<Awaited> {
        None
    }

    /// Asks for that signal at the end of an apply, and waits for it as [`Provider::up`] does. It reports
    /// [`Event::Waiting`] itself once the first answer was no, because an object that is up needs no report.
    fn still_up(
        &self,
        _at: &Address,
        _node: &Node<Self::Document>,
        _acting: &(impl Acting + Clone + 'static),
    ) -> impl Future<Output = Result<u64, NotUp>> + Send {
        std::future::ready(Ok(0))
    }
}
