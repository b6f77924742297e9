//! Plans in files: the plan that was shown is the plan that runs.
//!
//! A [`Saved`] plan records the choices, the hosts, and the [digest](crate::graph::Plan::digest) of the
//! steps. To run it, fmc observes and plans again with these choices, and [refuses](Saved::is_still) unless
//! the result has the same steps for the same cloud. So the file contains no documents and no secrets, and
//! nothing that someone wrote into it is ever run.
//!
//! ```
//! # #[cfg(feature = "sim")] {
//! use fmc::prelude::*;
//! use fmc::saved::Saved;
//! use fmc::sim::Sim;
//!
//! let cloud = Cloud::new("first").host(Host::local()).machine(Machine::new("web", Image::blank()).root_disk(2.gib()));
//! let world = Sim::new();
//! let text = Saved::of(&world.plan(&cloud)).to_json();
//!
//! let saved: Saved = text.parse()?;
//! assert!(saved.is_still(&world.plan(&cloud)).is_ok());
//! world.apply(&cloud);
//! let error = saved.is_still(&world.plan(&cloud)).unwrap_err();
//! assert!(error.to_string().contains("the world is no longer"));
//! # }
//! # Ok::<(), fmc::saved::SavedError>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use fmc_core::graph::{Choices, DeleteData, Fingerprint, Step};
use fmc_core::provider::AnyDocument;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::Plan;

#[cfg(all(test, feature = "sim"))]
mod tests;

const FORM: &str = "fmc-plan";
const VERSION: u32 = 1;
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// How many differences an error lists.
const LISTED: usize = 3;

/// A plan as it is stored in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved(Body);

/// The part that the seal covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    form: String,
    version: u32,
    fmc: String,
    cloud: String,
    owner: String,
    lab: bool,
    destroy: bool,
    /// Paths of `--set`, without their values, which may be secrets.
    set: Vec<String>,
    hosts: Vec<SavedHost>,
    replace: BTreeSet<String>,
    delete_data: Given,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    leave_data: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    force_conflicts: BTreeSet<String>,
    only: BTreeSet<String>,
    /// The public check of the root key that was given, if the cloud has secrets that are made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root_key: Option<String>,
    /// The fingerprint of the compiled cloud.
    wanted: Fingerprint,
    /// The digest of the steps.
    digest: Fingerprint,
    /// The plan's text, for people.
    shown: Vec<String>,
    steps: Vec<SavedStep>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Given {
    None,
    Of(BTreeSet<String>),
    All,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<B> {
    plan: B,
    seal: Fingerprint,
}

/// A host of a saved plan and its URI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SavedHost {
    /// Its name in the cloud.
    pub host: String,
    /// Its URI, as `qemu:///system`.
    pub uri: String,
}

/// A step of a saved plan: enough to describe a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedStep {
    address: String,
    action: String,
    what: Vec<String>,
    makes: Option<Fingerprint>,
    expects: Option<Fingerprint>,
}

/// Why a saved plan cannot be read or run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// The text is not a plan, or it is incomplete.
    #[error("read the plan: {0}: plan again")]
    Read(String),
    /// It was made by another version, whose plans may mean something else.
    #[error("read the plan: it was made by version {theirs}, and this is {PROGRAM}: plan again")]
    Version {
        /// The other version.
        theirs: String,
    },
    /// Its file has another format, whose keys may mean something else.
    #[error(
        "read the plan: its file has the format {theirs}, and this program reads the format {VERSION}: plan again"
    )]
    Format {
        /// The other format.
        theirs: String,
    },
    /// It was changed since it was written.
    #[error("read the plan: it was changed since it was written: plan again")]
    Altered,
    /// It belongs to another cloud, other hosts or another purpose.
    #[error("run the plan: it was saved for {theirs}, not for {ours}")]
    Another {
        /// The saved subject.
        theirs: String,
        /// The present subject.
        ours: String,
    },
    /// Its secrets were to be made from another root key.
    #[error("run the plan: it was made with another root key: give that one, or plan again with this one")]
    RootKey,
    /// The cloud has changed since.
    #[error("run the plan: the cloud is no longer the one that was planned{}: plan again", list(.0))]
    Cloud(Vec<String>),
    /// The world has changed since.
    #[error("run the plan: the world is no longer what the plan saw{}: plan again", list(.0))]
    World(Vec<String>),
}

fn list(differences: &[String]) -> String {
    if differences.is_empty() { String::new() } else { format!(" ({})", differences.join("; ")) }
}

/// The check of the given root key, if secrets of the cloud are made from it.
fn root_key(plan: &Plan) -> Option<String> {
    let wanted = plan.wanted();
    let key = wanted.root_key().filter(|_| wanted.needs_root_key());
    key.map(ToString::to_string)
}

impl Saved {
    /// The saved form of a plan.
    pub fn of(plan: &Plan) -> Self {
        let wanted = plan.wanted();
        let Choices { replace, delete_data, leave_data, force_conflicts, only } = plan.choices().clone();
        Self(Body {
            form: FORM.to_owned(),
            version: VERSION,
            fmc: PROGRAM.to_owned(),
            cloud: wanted.name().to_string(),
            owner: wanted.owner().to_string(),
            lab: wanted.is_lab(),
            destroy: wanted.is_nothing(),
            set: Vec::new(),
            hosts: Vec::new(),
            replace,
            delete_data: match delete_data {
                DeleteData::None => Given::None,
                DeleteData::Of(machines) => Given::Of(machines),
                DeleteData::All => Given::All,
            },
            leave_data,
            force_conflicts,
            only,
            root_key: root_key(plan),
            wanted: wanted.fingerprint(),
            digest: plan.digest(),
            shown: plan.to_string().lines().map(str::to_owned).collect(),
            steps: plan.all_steps().map(SavedStep::of).collect(),
        })
    }

    /// Adds a host with its URI.
    #[must_use]
    pub fn on(mut self, host: impl Into<String>, uri: impl Into<String>) -> Self {
        self.0.hosts.push(SavedHost { host: host.into(), uri: uri.into() });
        self
    }

    /// Adds the paths of the settings that the cloud was changed with. Their values are not stored, since
    /// they may be secrets: give them again to run the plan.
    #[must_use]
    pub fn set(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        self.0.set.extend(paths);
        self
    }

    /// The owner of its objects.
    pub fn owner(&self) -> &str {
        &self.0.owner
    }

    /// Whether it is for a lab, the small copy of the cloud.
    pub fn is_lab(&self) -> bool {
        self.0.lab
    }

    /// Whether it destroys the cloud.
    pub fn is_destroy(&self) -> bool {
        self.0.destroy
    }

    /// The hosts with their URIs.
    pub fn hosts(&self) -> &[SavedHost] {
        &self.0.hosts
    }

    /// The paths of the settings that the cloud was changed with.
    pub fn set_paths(&self) -> &[String] {
        &self.0.set
    }

    /// The choices: to run the plan, plan again with these.
    pub fn choices(&self) -> Choices {
        Choices {
            replace: self.0.replace.clone(),
            delete_data: match &self.0.delete_data {
                Given::None => DeleteData::None,
                Given::Of(machines) => DeleteData::Of(machines.clone()),
                Given::All => DeleteData::All,
            },
            leave_data: self.0.leave_data.clone(),
            force_conflicts: self.0.force_conflicts.clone(),
            only: self.0.only.clone(),
        }
    }

    /// Fails unless a new plan is the same: of the same cloud, with the same steps.
    ///
    /// # Errors
    ///
    /// The plan's cloud, or the change since it was made: of the cloud, or of the world.
    pub fn is_still(&self, plan: &Plan) -> Result<(), SavedError> {
        let Self(saved) = self;
        let wanted = plan.wanted();
        let of = |owner: &str, destroy: bool| match destroy {
            true => format!("the destruction of {owner}"),
            false => format!("the cloud {owner}"),
        };
        let theirs = of(&saved.owner, saved.destroy);
        let ours = of(wanted.owner().as_str(), wanted.is_nothing());
        if theirs != ours {
            return Err(SavedError::Another { theirs, ours });
        }
        // A plan is made without the key too, and then says nothing of it.
        if saved.root_key.is_some() && saved.root_key != root_key(plan) {
            return Err(SavedError::RootKey);
        }
        if saved.wanted != wanted.fingerprint() {
            return Err(SavedError::Cloud(self.differences(plan)));
        }
        if saved.digest != plan.digest() {
            return Err(SavedError::World(self.differences(plan)));
        }
        Ok(())
    }

    /// The differences between the saved steps and those of a new plan.
    fn differences(&self, plan: &Plan) -> Vec<String> {
        let now: Vec<SavedStep> = plan.all_steps().map(SavedStep::of).collect();
        // A refusal, and an object that is held, explain more than the steps that are missing for them.
        let refused = plan.refused().chain(plan.held());
        let refused: Vec<String> =
            refused.map(|note| format!("{}: {}", note.about.spoken(), note.text)).collect();
        if !refused.is_empty() {
            return listed(refused);
        }
        if now.is_empty() && !self.0.steps.is_empty() {
            let steps = match self.0.steps.len() {
                1 => "its only step is no longer needed".to_owned(),
                steps => format!("its {steps} steps are no longer needed"),
            };
            return vec![format!("{steps}: it was applied already, or somebody did the same")];
        }
        let saved: BTreeMap<&str, &SavedStep> =
            self.0.steps.iter().map(|step| (step.address.as_str(), step)).collect();
        let known: BTreeSet<&str> = now.iter().map(|step| step.address.as_str()).collect();
        let mut found: Vec<String> = now
            .iter()
            .filter_map(|step| match saved.get(step.address.as_str()) {
                None => Some(format!("{} is new", step.say())),
                Some(before) => step.differs(before),
            })
            .collect();
        let gone = self.0.steps.iter().filter(|step| !known.contains(step.address.as_str()));
        found.extend(gone.map(|step| format!("{} is no longer needed", step.say())));
        listed(found)
    }

    /// The text of the file, with a line break at the end: the same plan gives the same bytes.
    pub fn to_json(&self) -> String {
        let sealed = Sealed { plan: &self.0, seal: seal(&self.0) };
        // Text, numbers and lists always serialise.
        let mut text = serde_json::to_string_pretty(&sealed).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl FromStr for Saved {
    type Err = SavedError;

    /// Reads the text of a file.
    fn from_str(text: &str) -> Result<Self, SavedError> {
        let read = |error: serde_json::Error| {
            SavedError::Read(if error.is_eof() {
                "it ends too early".to_owned()
            } else {
                format!("it is not a plan of fmc: {error}")
            })
        };
        let value: Value = serde_json::from_str(text).map_err(read)?;
        // Another version may have another format, so its keys are not reported one by one.
        let head = value.get("plan");
        let text_of = |key: &str| head?.get(key)?.as_str();
        if text_of("form") != Some(FORM) {
            return Err(SavedError::Read("it is not a plan of fmc".to_owned()));
        }
        let version = head.and_then(|head| head.get("version")).and_then(Value::as_u64);
        let theirs = text_of("fmc").unwrap_or("unknown");
        if theirs != PROGRAM {
            let theirs = theirs.chars().take(40).collect();
            return Err(SavedError::Version { theirs });
        }
        if version != Some(VERSION.into()) {
            let theirs = version.map_or_else(|| "unknown".to_owned(), |version| version.to_string());
            return Err(SavedError::Format { theirs });
        }
        let Sealed { plan, seal: sealed } = serde_json::from_str::<Sealed<Body>>(text).map_err(read)?;
        if seal(&plan) == sealed { Ok(Self(plan)) } else { Err(SavedError::Altered) }
    }
}

/// The first few differences, and the number of the others.
fn listed(mut found: Vec<String>) -> Vec<String> {
    let more = found.len().saturating_sub(LISTED);
    if more > 0 {
        found.truncate(LISTED);
        found.push(format!("and {more} more"));
    }
    found
}

/// The seal detects a slip of an editor or a disk, not an attack: the run plans again and compares.
fn seal(body: &Body) -> Fingerprint {
    Fingerprint::of(&serde_json::to_vec(body).unwrap_or_default())
}

impl SavedStep {
    fn of(step: &Step<AnyDocument>) -> Self {
        let changes = step.changes.iter().map(ToString::to_string);
        Self {
            address: step.address.to_string(),
            action: step.action.to_string(),
            what: step.reasons.iter().cloned().chain(changes).collect(),
            makes: step.makes,
            expects: step.expects,
        }
    }

    fn say(&self) -> String {
        format!("{}: {}", self.address, self.action)
    }

    /// The difference from an earlier state of this step.
    fn differs(&self, before: &Self) -> Option<String> {
        if self == before {
            None
        } else if (&self.action, &self.what) != (&before.action, &before.what) {
            // The present plan shows the whole of it.
            Some(format!("{} has changed since", self.say()))
        } else if self.expects != before.expects {
            Some(format!("{} has changed since", self.address))
        } else {
            Some(format!("{} gets another content", self.address))
        }
    }
}
