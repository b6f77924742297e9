//! What the commands write with `--json`, as types: `docs/json.md` has the tables, and a test holds the two together.
//!
//! A program reads them from the commands, or writes them itself: what is read is written back as it was. Every object and
//! every line says the version of its form, which [`Versioned`] adds.
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

use fmc_core::graph::{self, Action, Change, Counts, Event, Impact, Left, Note, Outcome, Why};
use fmc_core::provider::{Drift, Drifted, Standing};
use serde::{Deserialize, Serialize};

pub use checked::{CheckedView, MachineView, NetworkView};
pub use finding::{FilePlace, FindingView, KindsView, PageView};

/// The version of every form here. A version only gains keys, events and words.
pub const VERSION: u32 = 1;

/// An object with the version of its form before its own keys.
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

/// What `plan` writes, and the first line of an apply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanObject {
    /// The cloud's name.
    pub cloud: String,
    /// Whose its objects are.
    pub owner: String,
    /// Where each host is.
    pub hosts: Vec<HostAt>,
    /// Whether no host is real.
    pub simulation: bool,
    /// What would be done.
    pub plan: PlanView,
    /// The hosts that need their nft table loaded.
    pub rulesets: Vec<String>,
}

impl PlanObject {
    /// A plan for hosts that are somewhere.
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

/// A host, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostAt {
    /// Its name in the cloud.
    pub host: String,
    /// Where it is: `sim:FILE`, or a libvirt URI.
    pub uri: String,
}

/// A plan, without the documents of its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanView {
    /// The highest of its steps.
    pub impact: Impact,
    /// Plans with the same digest do the same.
    pub digest: String,
    /// How many machines and other nouns it changes.
    pub counts: Counts,
    /// What is done, each after those that it needs.
    pub steps: Vec<StepView>,
    /// What a later phase of the same apply does.
    pub later: Vec<LaterView>,
    /// What is only said.
    pub notes: Vec<Note>,
    /// The objects that stay as they are.
    pub untouched: Vec<UntouchedView>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepView {
    /// The object, as `libvirt/local/domain/web`.
    pub address: String,
    /// What is done.
    pub action: Action,
    /// What that does to what runs.
    pub impact: Impact,
    /// Why, or for a creation what is made.
    pub reasons: Vec<String>,
    /// What differs.
    pub changes: Vec<Change>,
    /// The fingerprint of what it is made from; none for a deletion.
    pub makes: Option<String>,
    /// The fingerprint of what the plan saw; none if nothing was there.
    pub expects: Option<String>,
    /// The steps that come before, as places in the list of steps.
    pub after: Vec<usize>,
    /// The machine that a person knows it by, as `machine/web`.
    pub part_of: Option<String>,
}

/// A step of a later phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LaterView {
    /// The step.
    #[serde(flatten)]
    pub step: StepView,
    /// What has to be done first.
    pub once: String,
}

/// An object that stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UntouchedView {
    /// The object.
    pub address: String,
    /// The machine that a person knows it by.
    pub part_of: Option<String>,
    /// Why it stays as it is.
    pub why: Why,
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
            notes: plan.notes.clone(),
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
    /// What is going to be done: the first line, and one before the steps of each later phase.
    Plan(Box<PlanObject>),
    /// How it ended: the last line.
    Outcome(End),
    /// What happens in between.
    #[serde(untagged)]
    Event(Event),
}

/// How an apply ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct End {
    /// Steps that are done.
    pub done: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that were not begun.
    pub skipped: usize,
    /// Machines that are up, of those that were waited for.
    pub up: usize,
    /// Machines that are not known to be up, of those that were waited for.
    pub not_up: usize,
    /// What is still to be done.
    pub left: Vec<Left>,
    /// Whether somebody stopped it.
    pub stopped: bool,
}

impl End {
    /// The end of an apply that was stopped or not.
    pub fn of(outcome: &Outcome, stopped: bool) -> Self {
        Self {
            done: outcome.done.len(),
            failed: outcome.failed.len(),
            skipped: outcome.skipped.len(),
            up: outcome.up.len(),
            not_up: outcome.not_up.len(),
            left: outcome.left.clone(),
            stopped,
        }
    }
}

/// What `status` writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatusObject {
    /// The cloud's name.
    pub cloud: String,
    /// Whose its objects are.
    pub owner: String,
    /// Where each host is.
    pub hosts: Vec<HostAt>,
    /// Whether no host is real.
    pub simulation: bool,
    /// The machines of the cloud, by name.
    pub machines: Vec<MachineStatus>,
    /// What else there is of the cloud, of providers that have more than machines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectStatus>,
    /// What is ours and stays although nobody uses it.
    pub kept: Vec<KeptView>,
    /// What could not be read, and why: a machine, a host or an address.
    #[serde(default)]
    pub unknown: BTreeMap<String, String>,
}

/// An object of the cloud as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectStatus {
    /// The object.
    pub address: String,
    /// How it is, as `there`.
    pub state: String,
}

impl From<&Standing> for ObjectStatus {
    fn from(standing: &Standing) -> Self {
        Self { address: standing.address.to_string(), state: standing.state.clone() }
    }
}

/// A machine as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MachineStatus {
    /// Its name.
    pub name: String,
    /// The host that it is on.
    pub host: String,
    /// `running`, `off`, `not there`, `not ours` or `unknown`.
    pub state: String,
    /// Its addresses, or `dynamic`.
    pub addresses: Vec<String>,
    /// Why it boots with something older than is wanted.
    pub outdated: Vec<String>,
    /// What its next boot changes.
    pub pending: Vec<String>,
}

/// Something that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptView {
    /// The object.
    pub what: String,
    /// Why it stays.
    pub why: String,
}

/// What `drift` writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DriftObject {
    /// The cloud's name.
    pub cloud: String,
    /// Whose its objects are.
    pub owner: String,
    /// Where each host is.
    pub hosts: Vec<HostAt>,
    /// Whether no host is real.
    pub simulation: bool,
    /// What is not as the last apply left it.
    pub drift: Vec<DriftedView>,
    /// What differs where the cloud has changed too, so that it is not known who changed it.
    pub unclear: Vec<DriftedView>,
    /// What could not be read, and why.
    pub unknown: BTreeMap<String, String>,
}

impl DriftObject {
    /// What drifted of a cloud: its name and its owner.
    pub fn of(drift: &Drift, (cloud, owner): (String, String), hosts: Vec<HostAt>, simulation: bool) -> Self {
        let all = |drifted: &[Drifted]| drifted.iter().map(DriftedView::from).collect();
        let Drift { drift, unclear, unknown } = drift;
        let (drift, unclear, unknown) = (all(drift), all(unclear), unknown.clone());
        Self { cloud, owner, hosts, simulation, drift, unclear, unknown }
    }
}

/// An object that is not as the last apply left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DriftedView {
    /// The object.
    pub address: String,
    /// The machine that a person knows it by.
    pub part_of: Option<String>,
    /// What happened to it: `changed`, `missing` or `extra`.
    pub kind: String,
    /// What differs.
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

/// One difference between what was applied and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MovedView {
    /// What differs, as `memory`.
    pub path: String,
    /// What was applied; none if nothing was.
    pub from: Option<String>,
    /// What is there; none if nothing is.
    pub to: Option<String>,
}
