//! A plan: the steps, their order, and their impact on running objects.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use sha2::Digest as _;

use super::about::About;
use super::address::Address;
use super::group::{Counts, Group};
use super::impact::Impact;
use super::seen::Fingerprint;

/// The action of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// Makes an object that is not there.
    Create,
    /// Changes an object in place.
    Update,
    /// Changes an object that has to stop for it.
    Restart,
    /// Stops an object, which is off afterwards.
    Stop,
    /// Deletes an object and makes it again.
    Replace,
    /// Deletes an object.
    Delete,
}

impl Action {
    /// The sign that a plan shows: `+`, `~`, `±` or `-`.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update | Self::Restart | Self::Stop => '~',
            Self::Replace => '±',
            Self::Delete => '-',
        }
    }

    /// Whether its object begins after the step: it is new, or starts again.
    pub const fn begins(self) -> bool {
        match self {
            Self::Create | Self::Restart | Self::Replace => true,
            Self::Update | Self::Stop | Self::Delete => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Replace => "replace",
            Self::Delete => "delete",
        })
    }
}

/// One difference between what is there and what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The path within the document, as `memory`.
    pub path: String,
    /// The existing object; `None` if there is none.
    pub from: Option<String>,
    /// The wanted value; `None` if there is none.
    pub to: Option<String>,
    /// The impact of this difference.
    pub impact: Impact,
    /// Why it has that impact, where that is not obvious.
    pub reason: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, from, to, impact: _, reason } = self;
        match (from, to) {
            (Some(from), Some(to)) => write!(f, "{path} {from} -> {to}")?,
            (Some(from), None) => write!(f, "{path} {from} removed")?,
            (None, Some(to)) => write!(f, "{path} {to} added")?,
            (None, None) => f.write_str(path)?,
        }
        reason.iter().try_for_each(|reason| write!(f, " ({reason})"))
    }
}

/// One step, with every decision made. It serialises without its document, which may be big.
#[derive(Debug, Serialize)]
#[serde(bound = "")]
pub struct Step<D: ?Sized> {
    /// The object.
    pub address: Address,
    /// The action.
    pub action: Action,
    /// Its impact on running objects.
    pub impact: Impact,
    /// Why; for a creation, what is made.
    pub reasons: Vec<String>,
    /// The differences.
    pub changes: Vec<Change>,
    /// The document that the object is made from; `None` for a deletion.
    #[serde(skip)]
    pub document: Option<Arc<D>>,
    /// The fingerprint of that document.
    pub makes: Option<Fingerprint>,
    /// The fingerprint that the plan saw; `None` if there was no object.
    pub expects: Option<Fingerprint>,
    /// The indices of the steps that come before, ascending: those of objects that it needs, or that need
    /// what it deletes.
    pub after: Vec<usize>,
    /// The machine or other noun that the object belongs to, as `machine/web`.
    pub part_of: Option<Arc<str>>,
}

/// A step of a later phase of the same apply. It cannot run yet, because something that it needs is [not
/// there yet](Why::NotYet). Once that is there, the apply plans again and runs this step without asking.
#[derive(Debug, Serialize)]
#[serde(bound = "")]
pub struct Later<D: ?Sized> {
    /// The step. It names no steps that come before.
    #[serde(flatten)]
    pub step: Step<D>,
    /// The condition, as `the pool fmc-lab is started`.
    pub once: String,
}

/// A message of a plan that is not a step. A note that is [unmet](NoteKind::is_unmet) means that something is not known
/// to be as wanted, so a plan with one is not [empty](Plan::is_empty). An apply refuses a plan with a
/// [`NoteKind::Refused`].
///
/// As JSON it has `about` (the subject's text), `subject` ([`AboutKind`](super::AboutKind)), `kind` and `text`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The subject.
    pub about: About,
    /// The kind of message.
    pub kind: NoteKind,
    /// The text.
    pub text: String,
}

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { about, kind, text } = self;
        let mut note = serializer.serialize_struct("Note", 4)?;
        note.serialize_field("about", about)?;
        note.serialize_field("subject", &about.kind())?;
        note.serialize_field("kind", kind)?;
        note.serialize_field("text", text)?;
        note.end()
    }
}

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NoteKind {
    /// A machine boots with an older image or configuration than is wanted. A [`Model`](super::Model) reports
    /// it when it settles.
    Outdated,
    /// A machine runs with the values that it was started with; the wanted ones take effect at its next boot.
    /// A [`Model`](super::Model) reports it for an existing object.
    PendingBoot,
    /// Data that is kept although it is not wanted any more, or an object that a remaining one needs.
    Kept,
    /// A difference that is left alone, with the reason: the planner reports it for a change of
    /// [`Impact::None`].
    Left,
    /// Something that a person should know: a host has less memory than the cloud says, a machine is gone already.
    Notice,
    /// A change that is not made, because only others were [chosen](super::Choices::only).
    LeftOut,
    /// Something that a person must do before an apply, and the consequence if it is not done.
    Beforehand,
    /// Deferred: something could not be read or is not built yet, so whether a change is needed is not known.
    Deferred,
    /// An object that cannot be made as wanted. What needs it waits, and an apply does the rest.
    Held,
    /// Not possible; an apply refuses the plan.
    Refused,
}

impl NoteKind {
    /// Whether a note of this kind says that something is not known to be as it is wanted. An apply of its plan does not
    /// converge.
    pub fn is_unmet(self) -> bool {
        self.waits_for_person() || matches!(self, Self::Deferred | Self::Held | Self::Refused)
    }

    /// Whether only a person ends it, by another choice or another cloud: applying the same again changes nothing.
    pub fn waits_for_person(self) -> bool {
        matches!(self, Self::Outdated | Self::Left)
    }
}

/// An object that a plan leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Untouched {
    /// The object.
    pub address: Address,
    /// The machine or other noun that the object belongs to, as `machine/web`.
    pub part_of: Option<Arc<str>>,
    /// Why.
    pub why: Why,
}

/// Why a plan leaves an object as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Why {
    /// It already is as wanted.
    Same,
    /// It is not wanted any more but stays: it is data, or a remaining object needs it.
    Kept,
    /// The object, or one that it needs, could not be read.
    Unknown,
    /// This plan or someone else still builds an object that it needs; planning again then goes on with it.
    NotYet,
    /// It cannot be changed to the wanted state.
    Refused,
    /// It cannot be changed to the wanted state, or needs an object that cannot: the rest of the plan goes on without it.
    Held,
    /// It differs, but only other objects were [chosen](super::Choices::only).
    LeftOut,
}

/// The steps in their order, and the notes.
///
/// As JSON: `impact`, `digest`, `counts`, `steps` (without their documents; `after` are indices into it),
/// `later`, `notes` and `untouched`.
#[derive(Debug)]
pub struct Plan<D: ?Sized> {
    /// Steps, each after those that it needs.
    pub steps: Vec<Step<D>>,
    /// The known steps of later phases of the same apply, by address.
    pub later: Vec<Later<D>>,
    /// Messages that are not steps.
    pub notes: Vec<Note>,
    /// Objects that stay as they are, by address.
    pub untouched: Vec<Untouched>,
}

impl<D: ?Sized> Plan<D> {
    /// The steps of this phase, and then those of [later](Plan::later) ones.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step<D>> {
        self.steps.iter().chain(self.later.iter().map(|later| &later.step))
    }

    /// The highest impact of a step, later ones included; [`Impact::None`] if there is none.
    pub fn impact(&self) -> Impact {
        self.all_steps().map(|step| step.impact).max().unwrap_or_default()
    }

    /// Whether everything is as wanted: there are no steps, and no note is [unmet](NoteKind::is_unmet): deferred,
    /// refused, outdated or left alone. If nothing could be read, the plan is not empty. An empty plan may still
    /// have notes, for example that data is kept.
    pub fn is_empty(&self) -> bool {
        self.all_steps().next().is_none() && !self.notes.iter().any(|note| note.kind.is_unmet())
    }

    /// The deferred objects, each with the cause: whether they need a change is not known.
    pub fn deferred(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.kind == NoteKind::Deferred)
    }

    /// The objects that wait although they differ, each with the cause. What needs them waits too, and an apply does the rest.
    pub fn held(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.kind == NoteKind::Held)
    }

    /// The changes that are not possible. While there is any, an apply does nothing.
    pub fn refused(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.kind == NoteKind::Refused)
    }

    /// The steps of a machine (`machine/postgresql1`), an object (`domain/postgresql1`) or an address; `None`
    /// if there are none.
    pub fn step(&self, name: &str) -> Option<Group<'_, D>> {
        Group::new(
            name,
            self.all_steps().filter(|step| named(&step.address, step.part_of.as_deref(), name)).collect(),
        )
    }

    /// The steps grouped by machine or other noun, in the order of their first steps.
    pub fn groups(&self) -> Vec<Group<'_, D>> {
        Group::all(self.all_steps())
    }

    /// Whether an existing object, named as in [`Plan::step`], survives an apply together with its content.
    /// The answer is `false` for an object that could not be read.
    pub fn keeps(&self, name: &str) -> bool {
        self.keeps_all(|address, part_of| named(address, part_of, name))
    }

    /// Whether there are such objects and all of them survive an apply together with their content.
    pub fn keeps_all(&self, is_meant: impl Fn(&Address, Option<&str>) -> bool) -> bool {
        let stays = self
            .untouched
            .iter()
            .filter(|object| is_meant(&object.address, object.part_of.as_deref()))
            .map(|object| matches!(object.why, Why::Same | Why::Kept | Why::LeftOut));
        let steps = self
            .all_steps()
            .filter(|step| is_meant(&step.address, step.part_of.as_deref()))
            .map(|step| matches!(step.action, Action::Update | Action::Restart | Action::Stop));
        let mut all = stays.chain(steps).peekable();
        all.peek().is_some() && all.all(|keeps| keeps)
    }

    /// How many machines and other nouns are created, updated, restarted, replaced, deleted and deferred, and
    /// how many are outdated.
    pub fn counts(&self) -> Counts {
        Counts::of(self)
    }

    /// Whether planning again after these steps may go on with objects that are [not there yet](Why::NotYet).
    pub fn has_phases(&self) -> bool {
        !self.later.is_empty() || self.untouched.iter().any(|object| object.why == Why::NotYet)
    }

    /// A digest of all steps, later phases included: each step's address, action, impact, changes, the
    /// fingerprints that it makes and expects, in order. Two plans with the same digest do the same; notes do
    /// not count.
    pub fn digest(&self) -> Fingerprint {
        let mut hash = sha2::Sha256::new();
        for (at, step) in self.all_steps().enumerate() {
            if at == self.steps.len() {
                hash.update(b"later\n");
            }
            let Step {
                address,
                action,
                impact,
                reasons,
                changes,
                document: _,
                makes,
                expects,
                after,
                part_of: _,
            } = step;
            // Debug forms quote their texts, so that two different steps cannot give the same line.
            let line = format!(
                "{address:?} {action:?} {impact:?} {reasons:?} {changes:?} {makes:?} {expects:?} {after:?}\n"
            );
            hash.update(line.as_bytes());
        }
        Fingerprint::of(&hash.finalize())
    }
}

impl<D: ?Sized> Serialize for Plan<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { steps, later, notes, untouched } = self;
        let mut plan = serializer.serialize_struct("Plan", 7)?;
        plan.serialize_field("impact", &self.impact())?;
        plan.serialize_field("digest", &self.digest().to_string())?;
        plan.serialize_field("counts", &self.counts())?;
        plan.serialize_field("steps", steps)?;
        plan.serialize_field("later", later)?;
        plan.serialize_field("notes", notes)?;
        plan.serialize_field("untouched", untouched)?;
        plan.end()
    }
}

fn named(address: &Address, part_of: Option<&str>, name: &str) -> bool {
    part_of == Some(name) || address.is_named(name)
}
