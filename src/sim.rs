//! Infrastructure under unit test: a cloud applied to hypervisors in memory.
//!
//! ```
//! use fmc::prelude::*;
//! use fmc::sim::Sim;
//!
//! const DB: MachineName = MachineName::literal("db");
//!
//! fn cloud(memory: Size) -> Cloud {
//!     let db = Machine::new(DB, Image::blank()).memory(memory).root_disk(2.gib()).disk(Disk::new("data", 5.gib()));
//!     Cloud::new("first").host(Host::local()).machine(db)
//! }
//!
//! let world = Sim::new();
//! world.apply(&cloud(1.gib()));
//! assert!(world.plan(&cloud(1.gib())).is_empty());
//!
//! let rebuild = world.plan(&cloud(1.gib())).replace(DB);
//! assert_eq!(rebuild.step("machine/db")?.impact(), Impact::Replace);
//! assert!(rebuild.keeps("volume/db.disk.data")?);
//! # Ok::<(), fmc::UnknownName>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::finding::Report;
use fmc_core::graph::{ApplyOptions, Event, Further, NotConverged, ObserveError, Outcome, Refused, Watch};
use fmc_core::name::HostName;
use fmc_core::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc_libvirt::image::Images;
use fmc_libvirt::sim::Sim as Hypervisor;
pub use fmc_libvirt::sim::{CALLS, Call, Fault, When};

use crate::compile::{Wanted, compile};
use crate::plan::Plan;
use crate::providers::Providers;
use crate::testing::Scripted;

/// Hypervisors in memory, one for each host of whatever cloud is applied to them. A clone is another handle.
///
/// A test fails where it went wrong: [`Sim::apply`], [`Sim::plan`] and [`Sim::destroy`] panic with the whole report.
/// [`Sim::try_apply`] and [`Sim::try_plan`] give it instead.
#[derive(Clone, Debug, Default)]
pub struct Sim {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    hosts: BTreeMap<HostName, Hypervisor>,
    /// Faults for every host, those to come included.
    everywhere: Vec<(When, Fault)>,
}

/// Why a cloud cannot be applied to a simulation, or planned against one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The check refuses it.
    #[error("check the cloud:\n{0}")]
    Check(#[from] Report),
    /// The simulation does not answer, as by a fault.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// The plan refuses something.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Steps failed.
    #[error(transparent)]
    Steps(#[from] NotConverged),
}

impl Sim {
    /// Empty hypervisors.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hypervisor of a host, to plant foreign objects in, to script faults for, or to look into.
    pub fn host(&self, name: &HostName) -> Hypervisor {
        let mut inner = self.lock();
        let Inner { hosts, everywhere } = &mut *inner;
        let made = || {
            let host = Hypervisor::new();
            everywhere.iter().for_each(|(when, fault)| host.on(when.clone(), fault.clone()));
            host
        };
        hosts.entry(name.clone()).or_insert_with(made).clone()
    }

    /// Lets a fault wait for its call.
    pub fn script(&self, scripted: Scripted) {
        let Scripted { host, when, fault } = scripted;
        if let Some(host) = host {
            return self.host(&host).on(when, fault);
        }
        let mut inner = self.lock();
        inner.hosts.values().for_each(|host| host.on(when.clone(), fault.clone()));
        inner.everywhere.push((when, fault));
    }

    /// Forgets every fault that still waits, and connects again after a cut.
    pub fn recover(&self) {
        let mut inner = self.lock();
        inner.everywhere.clear();
        inner.hosts.values().for_each(Hypervisor::recover);
    }

    /// Every fault of the script has happened: with one that waits for a call that never comes, a test of a failure tests
    /// nothing.
    ///
    /// # Panics
    ///
    /// One still waits: with the call that it waits for, and those that were made.
    #[track_caller]
    #[expect(clippy::panic, reason = "a panic is how a unit test fails")]
    pub fn assert_script_played(&self) {
        for (name, host) in &self.lock().hosts {
            if let Some(when) = host.waiting().first() {
                let calls: BTreeSet<String> = host
                    .calls()
                    .iter()
                    .filter(|call| when.name().is_none_or(|name| name == call.name))
                    .map(|call| format!("{} {}", call.name, call.object))
                    .collect();
                let calls: Vec<String> = calls.into_iter().collect();
                panic!(
                    "a fault on {name} still waits for {when}\n  there: {}\n  right: a fault for a call that is made",
                    if calls.is_empty() { "no such call was made".to_owned() } else { calls.join(", ") },
                );
            }
        }
    }

    /// The providers of a cloud's hosts. Secrets are stand-ins.
    pub fn providers(&self, checked: &Checked) -> Providers {
        let none = Providers::new().secrets(Arc::new(StandIns)).images(Images::stand_ins());
        checked
            .hosts()
            .iter()
            .fold(none, |providers, host| providers.host(host.name.clone(), self.host(&host.name)))
    }

    /// The plan of an apply of the cloud.
    ///
    /// # Panics
    ///
    /// The check refuses the cloud.
    #[track_caller]
    pub fn plan(&self, cloud: &Cloud) -> Plan {
        or_panic(self.try_plan(cloud))
    }

    /// Applies the cloud.
    ///
    /// # Panics
    ///
    /// The check or the plan refuses the cloud, or a step fails.
    #[track_caller]
    pub fn apply(&self, cloud: &Cloud) {
        or_panic(self.try_apply(cloud).map(|_| ()));
    }

    /// Destroys the cloud. Its data disks stay.
    ///
    /// # Panics
    ///
    /// The check refuses the cloud, or a step fails.
    #[track_caller]
    pub fn destroy(&self, cloud: &Cloud) {
        let destroyed = cloud
            .check()
            .map_err(SimError::from)
            .and_then(|checked| self.run(&checked, &compile(&checked).nothing()));
        or_panic(destroyed.map(|_| ()));
    }

    /// The plan of an apply of the cloud.
    ///
    /// # Errors
    ///
    /// The check refuses the cloud, or the simulation does not answer.
    pub fn try_plan(&self, cloud: &Cloud) -> Result<Plan, SimError> {
        let checked = cloud.check()?;
        Ok(pollster::block_on(self.providers(&checked).plan(&compile(&checked)))?)
    }

    /// Applies the cloud.
    ///
    /// # Errors
    ///
    /// The check or the plan refuses the cloud, the simulation does not answer, or a step fails.
    pub fn try_apply(&self, cloud: &Cloud) -> Result<Outcome, SimError> {
        let checked = cloud.check()?;
        self.run(&checked, &compile(&checked))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, checked: &Checked, wanted: &Wanted) -> Result<Outcome, SimError> {
        let providers = self.providers(checked);
        let outcome = pollster::block_on(async {
            let plan = providers.plan(wanted).await?;
            Ok::<_, SimError>(plan.apply_watched(&providers, ApplyOptions::default(), &mut Consents).await?)
        })?;
        // An outdated machine is what such a test is about: the outcome lists it.
        if outcome.is_converged() || outcome.waits_for_person() {
            Ok(outcome)
        } else {
            Err(NotConverged { outcome: Box::new(outcome) }.into())
        }
    }
}

#[track_caller]
#[expect(
    clippy::panic,
    reason = "a panic is how a unit test fails; `try_apply` and `try_plan` give the error"
)]
fn or_panic<T>(result: Result<T, SimError>) -> T {
    result.unwrap_or_else(|error| panic!("failed to {error}"))
}

/// A simulation has nothing to lose: further plans run without a question.
struct Consents;

impl<D: ?Sized> Watch<D> for Consents {
    fn event(&mut self, _: Event) {}

    fn further(&mut self, _: &Further<'_, D>) -> bool {
        true
    }
}

/// Secrets of a simulation: nothing of it leaves the process, or means anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandIns;

impl Secrets for StandIns {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        // In the form of a password's hash, which is text of any other kind too.
        Ok(SecretBytes::new(format!("$stand-in${}.{}", secret.name, secret.generation).into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    const DB: MachineName = MachineName::literal("db");

    fn cloud(image: &str) -> Cloud {
        let db = Machine::new(DB, Image::debian("12").path(image))
            .root_disk(2.gib())
            .disk(Disk::new("data", 5.gib()))
            .user(User::admin("ops").password_hash(Secret::file("password", "/nowhere")));
        Cloud::new("first").host(Host::local()).machine(db).accept("login-missing", "a test")
    }

    #[test]
    fn the_database_survives_a_rebuild() {
        let world = Sim::new();
        world.apply(&cloud("/images/1.qcow2"));
        assert!(world.plan(&cloud("/images/1.qcow2")).is_empty(), "a stand-in is a hash too");
        let plan = world.plan(&cloud("/images/2.qcow2"));
        assert_eq!(plan.step("machine/db").unwrap().impact(), Impact::None, "{plan}");
        let plan = plan.replace(DB);
        assert_eq!(plan.step("machine/db").unwrap().impact(), Impact::Replace, "{plan}");
        assert!(plan.keeps("volume/db.disk.data").unwrap());
        assert!(plan.keeps("volume/fmc-first/db.disk.data").unwrap());
        assert!(!plan.keeps("machine/db").unwrap());
        let typo = plan.keeps("volume/db.disk.dat").unwrap_err().to_string();
        assert_eq!(typo, "find volume/db.disk.dat in the plan: did you mean volume/db.disk.data?");
        assert!(plan.step("machine/bd").is_err());
    }

    #[test]
    fn what_is_destroyed_leaves_its_data() {
        let world = Sim::new();
        let cloud = cloud("/images/1.qcow2");
        world.apply(&cloud);
        world.destroy(&cloud);
        let plan = world.plan(&cloud);
        assert_eq!(plan.step("machine/db").unwrap().impact(), Impact::Create);
        assert!(plan.keeps("volume/db.disk.data").unwrap(), "{plan}");
    }

    #[test]
    fn what_goes_wrong_is_an_error_for_those_who_ask() {
        let world = Sim::new();
        let refused = Cloud::new("first");
        let two = cloud("/images/1.qcow2").machine(Machine::new(DB, Image::blank()));
        assert!(matches!(world.try_plan(&two), Err(SimError::Check(_))));
        assert!(matches!(world.try_apply(&two), Err(SimError::Check(_))));
        assert!(world.try_plan(&refused).is_ok_and(|plan| plan.is_empty()), "an empty cloud is right");
        let host = world.host(&HostName::literal("local"));
        host.on(When::call("define-domain"), Fault::Fail("no".to_owned()));
        let failed = world.try_apply(&cloud("/images/1.qcow2")).unwrap_err();
        assert!(matches!(failed, SimError::Steps(_)) && failed.to_string().contains("domain/db"), "{failed}");
        world.apply(&cloud("/images/1.qcow2"));
    }

    #[test]
    #[should_panic(expected = "failed to check the cloud:\nerror[name-duplicate]")]
    fn a_test_fails_where_its_cloud_is_wrong() {
        Sim::new().apply(&cloud("/images/1.qcow2").machine(Machine::new(DB, Image::blank())));
    }
}
