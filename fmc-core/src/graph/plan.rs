//! A plan: what will be done, in which order, and what it does to what runs.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use sha2::Digest as _;

use super::address::Address;
use super::group::{Counts, Group};
use super::impact::Impact;
use super::seen::Fingerprint;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// Makes an object that is not there.
    Create,
    /// Changes one in place.
    Update,
    /// Changes one that has to stop for it.
    Restart,
    /// Makes one anew.
    Replace,
    /// Deletes one.
    Delete,
}

impl Action {
    /// The sign that a plan shows: `+`, `~`, `±` or `-`.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update | Self::Restart => '~',
            Self::Replace => '±',
            Self::Delete => '-',
        }
    }

    /// Whether its object begins after the step: it is new, or starts again.
    pub const fn begins(self) -> bool {
        match self {
            Self::Create | Self::Restart | Self::Replace => true,
            Self::Update | Self::Delete => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Restart => "restart",
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
    /// What is there; `None` if nothing is.
    pub from: Option<String>,
    /// What is wanted; `None` if nothing is.
    pub to: Option<String>,
    /// What it takes.
    pub impact: Impact,
    /// Why it takes that, where it is not plain.
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

/// One step: mechanical, decided in full. It serialises without its document, which may be big.
#[derive(Debug, Serialize)]
#[serde(bound = "")]
pub struct Step<D: ?Sized> {
    /// The object.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// What that does to what runs.
    pub impact: Impact,
    /// Why, or for a creation what is made.
    pub reasons: Vec<String>,
    /// What differs.
    pub changes: Vec<Change>,
    /// What it is made from; `None` for a deletion.
    #[serde(skip)]
    pub document: Option<Arc<D>>,
    /// The fingerprint of that.
    pub makes: Option<Fingerprint>,
    /// What the plan saw; `None` if nothing was there.
    pub expects: Option<Fingerprint>,
    /// The steps that come before, by index, ascending: those of the objects that it needs, or that need what it deletes.
    pub after: Vec<usize>,
    /// The machine or other noun that a person knows it by, as `machine/web`.
    pub part_of: Option<Arc<str>>,
}

/// A step of a later phase of the same apply. It cannot run yet, because something that it needs is
/// [not there yet](Why::NotYet); once that is there, the apply plans again, and runs this step without asking.
#[derive(Debug, Serialize)]
#[serde(bound = "")]
pub struct Later<D: ?Sized> {
    /// What will be done. It names no steps that come before.
    #[serde(flatten)]
    pub step: Step<D>,
    /// What has to be done first, as `the pool fmc-lab is started`.
    pub once: String,
}

/// Something that a plan says without doing anything. [`NoteKind::Deferred`] and [`NoteKind::Refused`] say that something
/// is left to do, so that a plan with one of them is not [empty](Plan::is_empty); [`NoteKind::Refused`] makes an apply
/// refuse the plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// About what, as `machine/web` or an address.
    pub about: String,
    /// What kind of thing.
    pub kind: NoteKind,
    /// The words.
    pub text: String,
}

/// What kind of thing a note says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NoteKind {
    /// A machine boots with an older image or configuration than is wanted. A [`Model`](super::Model) says so when it
    /// settles.
    Outdated,
    /// A machine runs with what it was started with; what is wanted comes with its next boot. A
    /// [`Model`](super::Model) says so of an object that is there.
    PendingBoot,
    /// Data that is kept although nobody wants it, or what something needs that stays.
    Kept,
    /// A difference that is left alone, and why: the planner says so of a change of [`Impact::None`].
    Left,
    /// What there would be to do, and is not among what alone was [chosen](super::Choices::only).
    LeftOut,
    /// What a person must do before an apply, and what goes wrong otherwise.
    Beforehand,
    /// Put off: whether there is something to do is not known, because something could not be read or is not built yet.
    Deferred,
    /// Cannot be done; an apply refuses.
    Refused,
}

/// An object that a plan leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Untouched {
    /// The object.
    pub address: Address,
    /// The machine or other noun that a person knows it by, as `machine/web`.
    pub part_of: Option<Arc<str>>,
    /// Why.
    pub why: Why,
}

/// Why a plan leaves an object as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Why {
    /// It is as it is wanted.
    Same,
    /// Nobody wants it, and it stays: data, or needed by something that stays.
    Kept,
    /// It, or something that it needs, could not be read.
    Unknown,
    /// Something that it needs is built by this plan or outside it; planning again then goes on with it.
    NotYet,
    /// It cannot be changed into what is wanted.
    Refused,
    /// It differs, and is not among what alone was [chosen](super::Choices::only).
    LeftOut,
}

/// What will be done, in an order, and what is only said.
///
/// As JSON: `impact`, `digest`, `counts`, `steps` (without their documents; `after` are indices into it), `later`, `notes`
/// and `untouched`.
#[derive(Debug)]
pub struct Plan<D: ?Sized> {
    /// Steps, each after those that it needs.
    pub steps: Vec<Step<D>>,
    /// Steps of later phases of the same apply, as far as they are known now, by address.
    pub later: Vec<Later<D>>,
    /// What is said without doing anything.
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

    /// Whether everything is as it is wanted: there is nothing to do, and nothing is [deferred](Plan::deferred) or
    /// [refused](Plan::refused). A plan of which nothing is known is not empty. An empty one may still have something to
    /// say, as that data is kept.
    pub fn is_empty(&self) -> bool {
        let is_left = |note: &Note| matches!(note.kind, NoteKind::Deferred | NoteKind::Refused);
        self.all_steps().next().is_none() && !self.notes.iter().any(is_left)
    }

    /// What is put off, with the cause: whether there is something to do is not known.
    pub fn deferred(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.kind == NoteKind::Deferred)
    }

    /// What cannot be done. While there is any, an apply does nothing.
    pub fn refused(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.kind == NoteKind::Refused)
    }

    /// What is done to a machine (`machine/postgresql1`), an object (`domain/postgresql1`) or an address; `None` if
    /// nothing is.
    pub fn step(&self, name: &str) -> Option<Group<'_, D>> {
        Group::new(
            name,
            self.all_steps().filter(|step| named(&step.address, step.part_of.as_deref(), name)).collect(),
        )
    }

    /// The steps by the machine or other noun that they are part of, in the order of their first steps.
    pub fn groups(&self) -> Vec<Group<'_, D>> {
        Group::all(self.all_steps())
    }

    /// Whether an object that is there, by name as in [`Plan::step`], outlives an apply with what is in it. An object that
    /// could not be read is not promised to.
    pub fn keeps(&self, name: &str) -> bool {
        self.keeps_all(|address, part_of| named(address, part_of, name))
    }

    /// Whether there is one of these objects, and all of them outlive an apply with what is in them.
    pub fn keeps_all(&self, is_meant: impl Fn(&Address, Option<&str>) -> bool) -> bool {
        let stays = self
            .untouched
            .iter()
            .filter(|object| is_meant(&object.address, object.part_of.as_deref()))
            .map(|object| matches!(object.why, Why::Same | Why::Kept | Why::LeftOut));
        let steps = self
            .all_steps()
            .filter(|step| is_meant(&step.address, step.part_of.as_deref()))
            .map(|step| matches!(step.action, Action::Update | Action::Restart));
        let mut all = stays.chain(steps).peekable();
        all.peek().is_some() && all.all(|keeps| keeps)
    }

    /// How many machines and other nouns are created, updated, restarted, replaced, deleted and deferred, and how many are
    /// outdated.
    pub fn counts(&self) -> Counts {
        Counts::of(self)
    }

    /// Whether planning again after these steps may go on with what is [not there yet](Why::NotYet).
    pub fn has_phases(&self) -> bool {
        !self.later.is_empty() || self.untouched.iter().any(|object| object.why == Why::NotYet)
    }

    /// A digest of what will be done, in later phases too: of every step's address, action, impact, changes, what it makes
    /// and what it expects to find, in order. Two plans with the same digest do the same; notes do not count.
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
            // Debug forms quote their texts, so no text can look like the end of another.
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
