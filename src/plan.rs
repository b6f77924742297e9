//! Planning: from the wanted and the existing objects to steps, without side effects.

mod beforehand;
pub(crate) mod derivation;
mod everything;
mod gone;
pub(crate) mod names;
mod root_key;
#[cfg(all(test, feature = "sim"))]
mod tests;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::graph::{
    self, Action, ApplyOptions, Choices, DeleteData, Event, Events, Group, Impact, Note, Outcome, Refused,
    State, Watch, apply_phases,
};
use fmc_core::provider::{AnyDocument, AnyObject, Drift, Status};
use fmc_core::secret::Derivation;

pub use self::names::UnknownName;
use self::names::{is_named, known};
use crate::compile::Wanted;
use crate::providers::Providers;

/// The existing objects of all providers.
pub type Seen = graph::Seen<AnyObject>;

/// Decides on the steps. The same arguments give the same plan.
pub fn plan(wanted: &Wanted, seen: &Seen, choices: &Choices) -> Plan {
    Plan::of(wanted.clone(), Arc::new(seen.clone()), choices.clone(), Vec::new())
}

/// A plan together with its inputs: it can be decided again with other choices, without another observation.
///
/// Its steps, notes and counts are those of [`graph::Plan`].
#[derive(Debug)]
pub struct Plan {
    wanted: Wanted,
    seen: Arc<Seen>,
    choices: Choices,
    added: Vec<Note>,
    plan: graph::Plan<AnyDocument>,
}

impl Plan {
    pub(crate) fn of(wanted: Wanted, seen: Arc<Seen>, choices: Choices, added: Vec<Note>) -> Self {
        let mut plan = decide(&wanted, &seen, &choices);
        plan.notes.extend(unknown_data(&wanted, &seen, &choices));
        plan.notes.extend(names::unknown_conflicts(&choices.force_conflicts, wanted.graph()));
        Self { wanted, seen, choices, added: Vec::new(), plan }.with_notes(added)
    }

    /// The plan that also replaces this machine. Its data disks stay.
    #[must_use]
    pub fn replace(mut self, machine: impl AsRef<str>) -> Self {
        self.choices.replace.insert(machine.as_ref().to_owned());
        self.again()
    }

    /// The plan for this name alone, in addition to other chosen names: a machine (`machine/web`), an object
    /// (`network/lab`) or an address. Everything that it needs comes along, and so does everything that has
    /// to restart or go with it; the rest is listed as left out.
    #[must_use]
    pub fn only(mut self, name: impl Into<String>) -> Self {
        self.choices.only.insert(name.into());
        self.again()
    }

    /// The plan that may also delete this data. Wanted data is never deleted. A machine that is neither in
    /// the cloud nor has left any data makes the plan refused.
    #[must_use]
    pub fn delete_data(mut self, data: DeleteData) -> Self {
        self.choices.delete_data = data;
        self.again()
    }

    /// The plan in which this machine may move to another host without its data disks, which stay where they are.
    #[must_use]
    pub fn leave_data(mut self, machine: impl AsRef<str>) -> Self {
        self.choices.leave_data.insert(machine.as_ref().to_owned());
        self.again()
    }

    /// The plan that takes the fields of this object from other programs that decide them, as `deployment/shop/web`. A name that the
    /// cloud does not have makes the plan refused.
    #[must_use]
    pub fn force_conflicts(mut self, name: impl Into<String>) -> Self {
        self.choices.force_conflicts.insert(name.into());
        self.again()
    }

    /// The plan with further notes, as those of [`Providers::preflight`]. A refusing note makes the plan
    /// refused.
    #[must_use]
    pub fn with_notes(mut self, notes: impl IntoIterator<Item = Note>) -> Self {
        for note in notes {
            self.plan.notes.push(note.clone());
            self.added.push(note);
        }
        self.plan.notes.sort();
        self.plan.notes.dedup();
        self
    }

    /// The plan's part for a machine (`machine/web`), an object (`domain/web`, `volume/web.disk.data`) or an
    /// address.
    ///
    /// # Errors
    ///
    /// The plan does not know this name. So a typo does not pass for an unchanged object.
    pub fn step(&self, name: &str) -> Result<PlanPart<'_>, UnknownName> {
        known(&self.plan, name)?;
        let steps =
            self.plan.all_steps().filter(|step| is_named(&step.address, step.part_of.as_deref(), name));
        Ok(PlanPart(Group::of(name, steps)))
    }

    /// Whether an existing object, named as in [`Plan::step`], survives an apply together with its content.
    /// The answer is `false` for an object that could not be read.
    ///
    /// # Errors
    ///
    /// As with [`Plan::step`].
    pub fn keeps(&self, name: &str) -> Result<bool, UnknownName> {
        known(&self.plan, name)?;
        Ok(self.plan.keeps_all(|address, part_of| is_named(address, part_of, name)))
    }

    /// Manual changes since the last apply, as far as the observed objects show them; the plan of the cloud
    /// reverts them. Changes of the cloud itself are not drift.
    ///
    /// ```
    /// # #[cfg(feature = "sim")] {
    /// use fmc::prelude::*;
    /// use fmc::sim::Sim;
    ///
    /// let cloud = || Cloud::new("first").host(Host::local()).machine(Machine::new("web", Image::blank()));
    /// let world = Sim::new();
    /// world.apply(&cloud());
    /// assert!(world.plan(&cloud()).drift().is_empty());
    ///
    /// // Somebody stops it with virsh.
    /// use fmc::libvirt::link::Link as _;
    /// world.host(&HostName::literal("local")).destroy_domain("web").unwrap();
    /// let drift = world.plan(&cloud()).drift();
    /// assert_eq!(drift.drift[0].changes[0].to_string(), "power stopped -> running"); // as it is -> as it should be
    /// # }
    /// ```
    pub fn drift(&self) -> Drift {
        self.wanted.rooms().drift(self.wanted.graph(), &self.seen)
    }

    /// The state of the machines and other objects, by the observation.
    pub fn status(&self, checked: &Checked) -> Status {
        self.wanted.rooms().status(checked, self.wanted.graph(), &self.seen)
    }

    /// The machines that it deletes, if the cloud wants none of those that are here: they may be those of another cloud
    /// with the same owner, or the file may have lost them. A program should ask before it applies such a plan.
    pub fn replaces_everything(&self) -> Vec<String> {
        everything::deleted(&self.plan, &self.wanted, &self.seen).into_iter().collect()
    }

    /// The derivation of the existing machines' secrets; `None` if they have none, or if they
    /// differ. A cloud that does not say its derivation should keep it: see [`Checked::derived_by`].
    pub fn derivation_there(&self) -> Option<Derivation> {
        derivation::of_those_there(&self.wanted, &self.seen)
    }

    /// The observed objects.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The choices.
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    /// The wanted objects.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Applies the plan: each step runs once those before it are done. If the plan could not see the whole
    /// way, the apply observes and plans again, and goes on with the steps that this plan has
    /// [announced](graph::Plan::later). Other steps are [left](Outcome::left), and the outcome is not
    /// converged: plan again, show that plan, and apply it.
    ///
    /// At its end it asks whether every running machine with a [ready signal](fmc_core::ready::Ready) is up,
    /// also those that it has not started, and waits for them. So the apply of an empty plan may fail.
    ///
    /// The future is `Send` if `on` is, so that it can be spawned. Dropping it begins no further step.
    ///
    /// # Errors
    ///
    /// The plan refuses something, and nothing was done. A failed step is in the outcome:
    /// [`Outcome::converged`] turns it into an error that names the step and the cause.
    pub async fn apply(&self, providers: &Providers, on: impl FnMut(Event)) -> Result<Outcome, Refused> {
        self.apply_with(providers, ApplyOptions::default(), on).await
    }

    /// Applies the plan, with a limit of concurrent steps or a flag that stops it.
    ///
    /// # Errors
    ///
    /// As with [`Plan::apply`].
    pub async fn apply_with(
        &self,
        providers: &Providers,
        options: ApplyOptions,
        on: impl FnMut(Event),
    ) -> Result<Outcome, Refused> {
        self.apply_watched(providers, options, &mut Events(on)).await
    }

    /// Applies the plan, and asks [`Watch::further`] before it goes on with a further plan, which may contain
    /// steps that this one has not announced.
    ///
    /// # Errors
    ///
    /// As with [`Plan::apply`].
    pub async fn apply_watched(
        &self,
        providers: &Providers,
        options: ApplyOptions,
        watch: &mut impl Watch<AnyDocument>,
    ) -> Result<Outcome, Refused> {
        let wanted = &self.wanted;
        let rooms = providers.rooms_of(wanted);
        let again = |seen: Seen, choices: &Choices| decide(wanted, &seen, choices);
        let choices = self.choices.clone();
        apply_phases(&self.plan, &rooms, wanted.graph(), choices, options, again, watch)
            .await
            .map(|phases| phases.outcome)
    }

    fn again(self) -> Self {
        Self::of(self.wanted, self.seen, self.choices, self.added)
    }
}

/// The plan, with notes about everything that a person must do before it.
fn decide(wanted: &Wanted, seen: &Seen, choices: &Choices) -> graph::Plan<AnyDocument> {
    // The model needs no connection: all its inputs are in `seen`.
    let rooms = wanted.rooms();
    let (choices, gone) = gone::without(wanted, seen, choices);
    let mut plan = match choices {
        Some(choices) => graph::plan(&rooms, wanted.graph(), seen, &choices),
        None => {
            graph::Plan { steps: Vec::new(), later: Vec::new(), notes: Vec::new(), untouched: Vec::new() }
        }
    };
    plan.notes.extend(gone);
    plan.notes.extend(beforehand::notes(&plan, wanted, seen));
    plan.notes.extend(everything::note(&plan, wanted, seen));
    plan.notes.extend(derivation::note(wanted, seen));
    plan.notes.extend(everything::of_namesake(wanted, seen));
    plan.notes.sort();
    plan
}

/// A refusal for each machine whose data may be deleted and that is neither in the cloud nor has left any
/// data. If something could not be read, there is no refusal, because it may be that machine's data.
fn unknown_data(wanted: &Wanted, seen: &Seen, choices: &Choices) -> Vec<Note> {
    let is_read = |state: &State<AnyObject>| matches!(state, State::Present { .. });
    if choices.delete_data == DeleteData::None
        || !seen.unknown.is_empty()
        || !seen.objects.values().all(is_read)
    {
        return Vec::new();
    }
    let rooms = wanted.rooms();
    let mut left = names::of_data(&rooms, wanted.graph(), seen);
    if let DeleteData::Of(names) = &choices.delete_data {
        // The provider says of an object that the cloud wants that it stays.
        let is_wanted = |name: &&String| wanted.graph().nodes.keys().any(|at| at.is_named(name));
        left.extend(names.iter().filter(|name| name.contains('/')).filter(is_wanted).cloned());
    }
    names::unknown_data(&choices.delete_data, wanted.machines().chain(left.iter().map(String::as_str)))
}

impl Deref for Plan {
    type Target = graph::Plan<AnyDocument>;

    fn deref(&self) -> &Self::Target {
        &self.plan
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plan.fmt(f)
    }
}

/// A plan's part for one machine or object, which may be empty.
#[derive(Debug)]
pub struct PlanPart<'a>(Option<Group<'a, AnyDocument>>);

impl PlanPart<'_> {
    /// The impact on running objects; [`Impact::None`] if nothing is done.
    pub fn impact(&self) -> Impact {
        self.0.as_ref().map_or(Impact::None, Group::impact)
    }

    /// The action on the whole.
    pub fn action(&self) -> Option<Action> {
        self.0.as_ref().map(Group::action)
    }

    /// Why, and what differs.
    pub fn details(&self) -> Vec<String> {
        self.0.as_ref().map_or_else(Vec::new, Group::details)
    }
}
