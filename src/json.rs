//! The output of the commands with `--json`, as types: `docs/json.md` has the tables, and a test compares the
//! two.
//!
//! A program reads these types from the commands, or writes them itself; a value that was read is written
//! back unchanged. Every object and every line has the version of its format, which [`Versioned`] adds.
//!
//! ```
//! use fmc::json::{Line, Versioned};
//!
//! let line = r#"{"version":1,"event":"failed","address":"libvirt/local/domain/web","error":"start it: no room"}"#;
//! let read: Versioned<Line> = serde_json::from_str(line)?;
//! assert!(matches!(&read.value, Line::Event(fmc::graph::Event::Failed { .. })));
//! assert_eq!(serde_json::to_string(&read)?, line);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod checked;
mod finding;

use std::collections::BTreeMap;

use fmc_core::graph::{
    self, AboutKind, Action, Change, Counts, Event, Impact, Left, Note, NoteKind, Outcome, Why,
};
use fmc_core::provider::{Drift, Drifted, Standing};
use serde::{Deserialize, Serialize};

pub use checked::{CheckedView, MachineView, NetworkView};
pub use finding::{FilePlace, FindingView, KindsView, PageView};

/// The version of every format here. A version only gains keys, events and words.
pub const VERSION: u32 = 1;

/// An object with the version of its format before its own keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Versioned<T> {
    /// The version.
    pub version: u32,
    /// The object.
    #[serde(flatten)]
    pub value: T,
}

impl<T> Versioned<T> {
    /// An object of this version.
    pub fn new(value: T) -> Self {
        Self { version: VERSION, value }
    }
}

/// The output of `plan`, and the first line of an apply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanObject {
    /// The cloud's name.
    pub cloud: String,
    /// The owner of its objects.
    pub owner: String,
    /// The URI of each host.
    pub hosts: Vec<HostAt>,
    /// Whether all hosts are simulated.
    pub simulation: bool,
    /// The plan.
    pub plan: PlanView,
    /// The hosts that need their nft table loaded.
    pub rulesets: Vec<String>,
}

impl PlanObject {
    /// A plan, with the URIs of its hosts.
    pub fn new(plan: &crate::Plan, hosts: Vec<HostAt>, simulation: bool) -> Self {
        Self::of(plan, plan.wanted(), hosts, simulation)
    }

    pub(crate) fn of<D: ?Sized>(
        plan: &graph::Plan<D>,
        wanted: &crate::Wanted,
        hosts: Vec<HostAt>,
        simulation: bool,
    ) -> Self {
        let rulesets = wanted.by_hand().iter().filter(|file| file.kind == "nft");
        Self {
            cloud: wanted.name().to_string(),
            owner: wanted.owner().to_string(),
            hosts,
            simulation,
            plan: plan.into(),
            rulesets: rulesets.map(|file| file.place.to_string()).collect(),
        }
    }
}

/// A host and its URI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostAt {
    /// Its name in the cloud.
    pub host: String,
    /// `sim:FILE`, or a libvirt URI.
    pub uri: String,
}

/// A plan, without the documents of its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanView {
    /// The highest impact of a step.
    pub impact: Impact,
    /// Plans with the same digest do the same.
    pub digest: String,
    /// How many machines and other nouns it changes.
    pub counts: Counts,
    /// The steps, each after those that it needs.
    pub steps: Vec<StepView>,
    /// The steps of later phases of the same apply.
    pub later: Vec<LaterView>,
    /// Messages that are not steps.
    pub notes: Vec<NoteView>,
    /// The objects that stay as they are.
    pub untouched: Vec<UntouchedView>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepView {
    /// The object, as `libvirt/local/domain/web`.
    pub address: String,
    /// The action.
    pub action: Action,
    /// Its impact on running objects.
    pub impact: Impact,
    /// Why, or for a creation what is made.
    pub reasons: Vec<String>,
    /// The differences.
    pub changes: Vec<Change>,
    /// The fingerprint of its document; `None` for a deletion.
    pub makes: Option<String>,
    /// The fingerprint that the plan saw; `None` if there was no object.
    pub expects: Option<String>,
    /// The steps that come before, as indices of the list of steps.
    pub after: Vec<usize>,
    /// The machine or other noun that the object belongs to, as `machine/web`.
    pub part_of: Option<String>,
}

/// A step of a later phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LaterView {
    /// The step.
    #[serde(flatten)]
    pub step: StepView,
    /// The condition for the step.
    pub once: String,
}

/// An object that stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UntouchedView {
    /// The object.
    pub address: String,
    /// The machine or other noun that the object belongs to.
    pub part_of: Option<String>,
    /// Why it stays as it is.
    pub why: Why,
}

/// A message of a plan that is not a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoteView {
    /// The subject, as `machine/web` or an address.
    pub about: String,
    /// The kind of the subject; `None` in the output of an older fmc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<AboutKind>,
    /// The kind of message.
    pub kind: NoteKind,
    /// The text.
    pub text: String,
}

impl From<&Note> for NoteView {
    fn from(note: &Note) -> Self {
        let subject = Some(note.about.kind());
        Self { about: note.about.to_string(), subject, kind: note.kind, text: note.text.clone() }
    }
}

impl<D: ?Sized> From<&graph::Plan<D>> for PlanView {
    fn from(plan: &graph::Plan<D>) -> Self {
        let later =
            |later: &graph::Later<D>| LaterView { step: (&later.step).into(), once: later.once.clone() };
        let untouched = |object: &graph::Untouched| UntouchedView {
            address: object.address.to_string(),
            part_of: object.part_of.as_deref().map(str::to_owned),
            why: object.why,
        };
        Self {
            impact: plan.impact(),
            digest: plan.digest().to_string(),
            counts: plan.counts(),
            steps: plan.steps.iter().map(StepView::from).collect(),
            later: plan.later.iter().map(later).collect(),
            notes: plan.notes.iter().map(NoteView::from).collect(),
            untouched: plan.untouched.iter().map(untouched).collect(),
        }
    }
}

impl<D: ?Sized> From<&graph::Step<D>> for StepView {
    fn from(step: &graph::Step<D>) -> Self {
        Self {
            address: step.address.to_string(),
            action: step.action,
            impact: step.impact,
            reasons: step.reasons.clone(),
            changes: step.changes.clone(),
            makes: step.makes.map(|makes| makes.to_string()),
            expects: step.expects.map(|expects| expects.to_string()),
            after: step.after.clone(),
            part_of: step.part_of.as_deref().map(str::to_owned),
        }
    }
}

/// A line of `apply` and `destroy`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Line {
    /// A plan: the first line, and one before the steps of each later phase.
    Plan(Box<PlanObject>),
    /// The result: the last line.
    Outcome(End),
    /// Everything in between.
    #[serde(untagged)]
    Event(Event),
}

/// The end of an apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct End {
    /// Steps that are done.
    pub done: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that did not begin.
    pub skipped: usize,
    /// Machines that came up, among those that the apply waited for.
    pub up: usize,
    /// Machines that are not known to be up, among those that the apply waited for.
    pub not_up: usize,
    /// Machines with a ready signal that the apply did not wait for (`--no-wait`): whether they are up is not known.
    #[serde(default)]
    pub unasked: usize,
    /// The remaining work.
    pub left: Vec<LeftView>,
    /// Whether the apply was stopped.
    pub stopped: bool,
}

/// Something that an apply left unfinished, or could not know to be as wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftView {
    /// The subject, as `machine/web`, a host, or the address of an object.
    pub about: String,
    /// The kind of the subject; `None` in the output of an older fmc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<AboutKind>,
    /// The action that is still to be done; `None` if it is not known.
    pub action: Option<Action>,
    /// Why it was not done.
    pub cause: String,
    /// The kind of the note in the plan that said so; `None` of a step.
    #[serde(default)]
    pub note: Option<NoteKind>,
}

impl From<&Left> for LeftView {
    fn from(left: &Left) -> Self {
        Self {
            about: left.about.to_string(),
            subject: Some(left.about.kind()),
            action: left.action,
            cause: left.cause.clone(),
            note: left.note,
        }
    }
}

impl End {
    /// The end of an apply, stopped or not.
    pub fn of(outcome: &Outcome, stopped: bool) -> Self {
        Self {
            done: outcome.done.len(),
            failed: outcome.failed.len(),
            skipped: outcome.skipped.len(),
            up: outcome.up.len(),
            not_up: outcome.not_up.len(),
            unasked: outcome.unasked.len(),
            left: outcome.left.iter().map(LeftView::from).collect(),
            stopped,
        }
    }
}

/// The output of `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatusObject {
    /// The cloud's name.
    pub cloud: String,
    /// The owner of its objects.
    pub owner: String,
    /// The URI of each host.
    pub hosts: Vec<HostAt>,
    /// Whether all hosts are simulated.
    pub simulation: bool,
    /// The machines of the cloud, by name.
    pub machines: Vec<MachineStatus>,
    /// Other objects of the cloud, from providers that have more than machines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectStatus>,
    /// Objects of ours that stay although nothing uses them.
    pub kept: Vec<KeptView>,
    /// The machines, hosts and addresses that could not be read, each with the cause.
    #[serde(default)]
    pub unknown: BTreeMap<String, String>,
}

/// The state of an object of the cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectStatus {
    /// The object.
    pub address: String,
    /// The state, as `there`.
    pub state: String,
}

impl From<&Standing> for ObjectStatus {
    fn from(standing: &Standing) -> Self {
        Self { address: standing.address.to_string(), state: standing.state.clone() }
    }
}

/// The state of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MachineStatus {
    /// Its name.
    pub name: String,
    /// The host of the machine.
    pub host: String,
    /// `running`, `off`, `not there`, `not ours` or `unknown`.
    pub state: String,
    /// Its addresses, or `dynamic`.
    pub addresses: Vec<String>,
    /// Why it boots with an older image or configuration than is wanted.
    pub outdated: Vec<String>,
    /// The changes of its next boot.
    pub pending: Vec<String>,
    /// Differences that are left alone, and what is still there of a machine that is not.
    #[serde(default)]
    pub left: Vec<String>,
}

/// An object that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptView {
    /// The object.
    pub what: String,
    /// Why it stays.
    pub why: String,
}

/// The output of `drift`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DriftObject {
    /// The cloud's name.
    pub cloud: String,
    /// The owner of its objects.
    pub owner: String,
    /// The URI of each host.
    pub hosts: Vec<HostAt>,
    /// Whether all hosts are simulated.
    pub simulation: bool,
    /// The objects that differ from the last apply.
    pub drift: Vec<DriftedView>,
    /// The objects that differ from a cloud that was itself changed since, so that manual changes cannot be
    /// told apart.
    pub unclear: Vec<DriftedView>,
    /// The places and addresses that could not be read, with the cause.
    pub unknown: BTreeMap<String, String>,
}

impl DriftObject {
    /// The drift of a cloud, given by its name and its owner.
    pub fn of(drift: &Drift, (cloud, owner): (String, String), hosts: Vec<HostAt>, simulation: bool) -> Self {
        let all = |drifted: &[Drifted]| drifted.iter().map(DriftedView::from).collect();
        let Drift { drift, unclear, unknown } = drift;
        let (drift, unclear, unknown) = (all(drift), all(unclear), unknown.clone());
        Self { cloud, owner, hosts, simulation, drift, unclear, unknown }
    }
}

/// An object that differs from the last apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DriftedView {
    /// The object.
    pub address: String,
    /// The machine or other noun that the object belongs to.
    pub part_of: Option<String>,
    /// The kind of drift: `changed`, `missing` or `extra`.
    pub kind: String,
    /// The differences.
    pub changes: Vec<MovedView>,
}

impl From<&Drifted> for DriftedView {
    fn from(drifted: &Drifted) -> Self {
        let changes = drifted.changes.iter().map(|moved| MovedView {
            path: moved.path.clone(),
            from: moved.from.clone(),
            to: moved.to.clone(),
        });
        Self {
            address: drifted.address.to_string(),
            part_of: drifted.part_of.as_deref().map(str::to_owned),
            kind: drifted.kind.as_str().to_owned(),
            changes: changes.collect(),
        }
    }
}

/// One difference between the last apply and the existing object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MovedView {
    /// The path within the document, as `memory`.
    pub path: String,
    /// The applied value; `None` if there was none.
    pub from: Option<String>,
    /// The existing value; `None` if there is none.
    pub to: Option<String>,
}
