//! The result of an apply: what it did, and what it left.

use std::collections::BTreeMap;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::about::About;
use super::address::Address;
use super::event::Event;
use super::plan::{Action, Note, NoteKind, Plan};
use super::provider::StepError;
use super::up::NotUp;

/// How many objects an error names for one cause.
const LISTED: usize = 3;

/// The result of each step, and the work that is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "only the outcome tells whether a step failed: `converged` makes it an error"]
#[non_exhaustive]
pub struct Outcome {
    /// Steps that are done, in the order in which they ended.
    pub done: Vec<Address>,
    /// Steps that failed, in the order in which they ended.
    pub failed: Vec<(Address, StepError)>,
    /// Steps that were not begun.
    pub skipped: Vec<Skipped>,
    /// Objects that came up while the apply waited for them, with the seconds that it took.
    pub up: Vec<(Address, u64)>,
    /// Objects that are not known to be up although the apply waited for them. Their steps are done.
    pub not_up: Vec<(Address, NotUp)>,
    /// Objects with a signal that the apply did not ask for, because it was told [not to
    /// wait](super::ApplyOptions::no_wait). They may be up or not.
    pub unasked: Vec<Address>,
    /// Work that no step of this apply could do: on a host that does not answer, a further step without consent,
    /// a machine that stays outdated until a person replaces it.
    pub left: Vec<Left>,
}

/// Serializes errors as their texts, and objects that are up with the seconds that it took.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Failed<'a> {
            address: &'a Address,
            error: String,
        }
        #[derive(Serialize)]
        struct IsUp<'a> {
            address: &'a Address,
            seconds: u64,
        }
        #[derive(Serialize)]
        struct IsNotUp<'a> {
            address: &'a Address,
            cause: String,
            console: &'a [String],
        }
        let Self { done, failed, skipped, up, not_up, unasked, left } = self;
        let failed = failed.iter().map(|(address, error)| Failed { address, error: error.to_string() });
        let up = up.iter().map(|(address, seconds)| IsUp { address, seconds: *seconds });
        let not_up = not_up.iter().map(|(address, not_up)| IsNotUp {
            address,
            cause: not_up.cause.to_string(),
            console: &not_up.console,
        });
        let mut object = serializer.serialize_struct("Outcome", 7)?;
        object.serialize_field("done", done)?;
        object.serialize_field("failed", &failed.collect::<Vec<_>>())?;
        object.serialize_field("skipped", skipped)?;
        object.serialize_field("up", &up.collect::<Vec<_>>())?;
        object.serialize_field("not_up", &not_up.collect::<Vec<_>>())?;
        object.serialize_field("unasked", unasked)?;
        object.serialize_field("left", left)?;
        object.end()
    }
}

impl Outcome {
    /// Whether everything is as wanted: every step is done, every awaited object is up, and nothing is
    /// [left](Self::left).
    pub fn is_converged(&self) -> bool {
        self.went_well() && self.left.is_empty()
    }

    /// Whether all that it leaves [waits for a person](NoteKind::waits_for_person): every step is done and what was waited
    /// for is up, but a machine is outdated, or a disk is larger than the cloud says.
    pub fn waits_for_person(&self) -> bool {
        let waits = |left: &Left| left.note.is_some_and(NoteKind::waits_for_person);
        self.went_well() && !self.left.is_empty() && self.left.iter().all(waits)
    }

    /// Whether every step is done and every awaited object is up.
    pub(super) fn went_well(&self) -> bool {
        self.failed.is_empty() && self.skipped.is_empty() && self.not_up.is_empty()
    }

    /// The outcome of a plan whose steps are all left undone, with the cause.
    pub fn nothing_of<D: ?Sized>(plan: &Plan<D>, cause: &str) -> Self {
        Self { left: Left::all(plan, cause), ..Self::default() }
    }

    /// An error if it is [not converged](Self::is_converged).
    ///
    /// # Errors
    ///
    /// The error lists every step that failed or did not begin, every object that is not up, and everything
    /// that is left.
    pub fn converged(self) -> Result<(), NotConverged> {
        if self.is_converged() { Ok(()) } else { Err(NotConverged { outcome: Box::new(self) }) }
    }

    /// Adds the results of later steps.
    pub(super) fn extend(&mut self, later: Self) {
        let Self { done, failed, skipped, up, not_up, unasked, left } = later;
        self.done.extend(done);
        self.failed.extend(failed);
        self.skipped.extend(skipped);
        self.up.extend(up);
        self.not_up.extend(not_up);
        self.unasked.extend(unasked);
        self.left.extend(left);
    }

    /// Adds the answer of an object that was asked whether it is up, and reports it.
    pub(super) fn answered(&mut self, at: &Address, answer: Result<u64, NotUp>, on: &mut impl FnMut(Event)) {
        let address = at.to_string();
        match answer {
            Ok(seconds) => {
                on(Event::Up { address, seconds });
                self.up.push((at.clone(), seconds));
            }
            Err(not_up) => {
                let console = not_up.console.clone();
                on(Event::NotUp { address, cause: not_up.cause.to_string(), console });
                self.not_up.push((at.clone(), not_up));
            }
        }
    }

    /// Failures, objects that are not up, work that is left, and the number of steps that did not begin.
    fn not_converged(&self) -> String {
        // An error that begins with its object names it once.
        let failed = self.failed.iter().map(|(at, error)| match (at.to_string(), error.to_string()) {
            (at, error) if error.starts_with(&at) => error,
            (at, error) => format!("{at}: {error}"),
        });
        let not_up = self.not_up.iter().map(|(at, cause)| format!("{at}: {cause}"));
        let left = Left::by_cause(&self.left).into_iter().map(|(cause, abouts)| {
            let more = abouts.len().saturating_sub(LISTED);
            let named =
                abouts.iter().take(LISTED).map(|left| left.about.to_string()).collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{named} and {more} more: {cause}") } else { format!("{named}: {cause}") }
        });
        let skipped = match self.skipped.len() {
            0 => None,
            1 => Some("1 step did not begin".to_owned()),
            count => Some(format!("{count} steps did not begin")),
        };
        failed.chain(not_up).chain(skipped).chain(left).collect::<Vec<_>>().join("; ")
    }
}

/// An apply that did not reach its end. Finished steps stay done, and the next plan goes on with the rest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("apply the plan: {}", .outcome.not_converged())]
pub struct NotConverged {
    /// The result of each step.
    pub outcome: Box<Outcome>,
}

/// A step that did not begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Skipped {
    /// Its object.
    pub address: Address,
    /// Why.
    pub cause: String,
}

/// Something that an apply left unfinished, or could not know to be as wanted.
///
/// As JSON it has `about` (the subject's text), `subject` ([`AboutKind`](super::AboutKind)), `action`, `cause` and `note`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Left {
    /// The subject: a machine, a place, or an object.
    pub about: About,
    /// The action that is still to be done; `None` if it is not known.
    pub action: Option<Action>,
    /// Why it was not done.
    pub cause: String,
    /// The kind of the note in the plan that said so; `None` for a step.
    pub note: Option<NoteKind>,
}

impl Serialize for Left {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { about, action, cause, note } = self;
        let mut left = serializer.serialize_struct("Left", 5)?;
        left.serialize_field("about", about)?;
        left.serialize_field("subject", &about.kind())?;
        left.serialize_field("action", action)?;
        left.serialize_field("cause", cause)?;
        left.serialize_field("note", note)?;
        left.end()
    }
}

impl Left {
    /// Groups them by cause.
    pub fn by_cause(left: &[Self]) -> BTreeMap<&str, Vec<&Self>> {
        let mut causes: BTreeMap<&str, Vec<&Self>> = BTreeMap::new();
        for one in left {
            causes.entry(&one.cause).or_default().push(one);
        }
        causes
    }

    /// The work that a plan leaves after all steps of this phase.
    pub(super) fn of<D: ?Sized>(plan: &Plan<D>) -> Vec<Self> {
        let later = plan.later.iter().map(|later| {
            let step = &later.step;
            let about = About::object(&step.address, step.part_of.as_deref());
            let cause = format!("to be done once {}", later.once);
            Self { about, action: Some(step.action), cause, note: None }
        });
        let mut left: Vec<Self> = later.chain(Self::noted(plan)).collect();
        left.dedup();
        left
    }

    /// Everything in a plan, when none of its steps has begun.
    pub(super) fn all<D: ?Sized>(plan: &Plan<D>, cause: &str) -> Vec<Self> {
        let groups = plan.groups();
        let steps = groups.iter().map(|group| Self {
            about: group.about(),
            action: Some(group.action()),
            cause: cause.to_owned(),
            note: None,
        });
        steps.chain(Self::noted(plan)).collect()
    }

    fn noted<D: ?Sized>(plan: &Plan<D>) -> impl Iterator<Item = Self> {
        let notes = plan.notes.iter().filter(|note| note.kind.is_unmet());
        notes.map(|note| Self {
            about: note.about.clone(),
            action: None,
            cause: note.text.clone(),
            note: Some(note.kind),
        })
    }
}

/// A plan with a change that is not possible. The apply did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("apply a plan that cannot be done: {}", list(.notes))]
#[non_exhaustive]
pub struct Refused {
    /// The changes that are not possible.
    pub notes: Vec<Note>,
}

fn list(notes: &[Note]) -> String {
    notes.iter().map(|note| format!("{}: {}", note.about, note.text)).collect::<Vec<_>>().join("; ")
}
