//! Scripted faults: the call that fails, and the kind of failure.

use fmc_core::name::HostName;
use fmc_core::nearest::nearest;

use super::say::{Failed, list, or_panic};
use crate::sim::{CALLS, Fault, When};

/// A fault that waits for a call of a simulation. It happens once.
///
/// ```
/// use fmc::prelude::*;
/// use fmc::testing::{Script, Sim, assert_empty};
///
/// let cloud = Cloud::new("first").host(Host::local()).machine(Machine::new("web", Image::blank()));
/// let world = Sim::new();
/// world.script(Script::call("start-domain").of("web").fails("cannot allocate memory"));
/// let failed = world.try_apply(&cloud).unwrap_err();
/// assert!(failed.to_string().contains("cannot allocate memory"));
/// world.assert_script_played();
///
/// world.apply(&cloud); // goes on where it failed
/// assert_empty(&world.plan(&cloud));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a script waits for `fails`, `hangs` or a cut, and for `Sim::script`"]
pub struct Script {
    host: Option<HostName>,
    when: When,
}

/// A script with its fault, for [`Sim::script`](crate::sim::Sim::script).
#[derive(Clone, Debug)]
#[must_use = "a script is played by `Sim::script`"]
pub struct Scripted {
    pub(crate) host: Option<HostName>,
    pub(crate) when: When,
    pub(crate) fault: Fault,
}

impl Script {
    /// A call of a hypervisor by its name, as `define-domain`: one of [`CALLS`].
    ///
    /// # Panics
    ///
    /// If there is no such call, because the fault would never happen.
    #[track_caller]
    pub fn call(name: &str) -> Self {
        or_panic(known(name));
        Self { host: None, when: When::call(name) }
    }

    /// Any call.
    pub fn any() -> Self {
        Self { host: None, when: When::any() }
    }

    /// Only if the call is about this object: the name of a domain, network, pool or volume.
    pub fn of(self, object: impl AsRef<str>) -> Self {
        Self { when: self.when.of(object.as_ref()), ..self }
    }

    /// The nth such call from now on, counted from 1; the first by default.
    pub fn nth(self, nth: u64) -> Self {
        Self { when: self.when.nth(nth), ..self }
    }

    /// Only on this host; by default on every host, once on each.
    pub fn on(self, host: HostName) -> Self {
        Self { host: Some(host), ..self }
    }

    /// The call fails with this message, and changes nothing.
    pub fn fails(self, words: impl Into<String>) -> Scripted {
        self.with(Fault::Fail(words.into()))
    }

    /// The call does not answer in time, and changes nothing.
    pub fn hangs(self) -> Scripted {
        self.with(Fault::Hang)
    }

    /// The connection is lost before the call does anything; later calls fail too, until
    /// [`Sim::recover`](crate::sim::Sim::recover).
    pub fn cuts(self) -> Scripted {
        self.with(Fault::Cut)
    }

    /// The call does its work, and the connection is lost before it answers.
    pub fn cuts_after(self) -> Scripted {
        self.with(Fault::CutAfter)
    }

    /// The connection is lost after this number of bytes of an upload.
    pub fn cuts_at(self, bytes: u64) -> Scripted {
        self.with(Fault::CutAt(bytes))
    }

    fn with(self, fault: Fault) -> Scripted {
        let Self { host, when } = self;
        Scripted { host, when, fault }
    }
}

pub(super) fn known(name: &str) -> Result<(), Failed> {
    if CALLS.contains(&name) {
        return Ok(());
    }
    let right = match nearest(name, CALLS.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => "one of these".to_owned(),
    };
    Err(Failed::new(format!("no hypervisor has a call `{name}`"), list(CALLS), right))
}
