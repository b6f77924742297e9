//! The world in memory under every simulation: a state, the calls that changed it, and scripted faults.
//!
//! It does not know any provider: a simulation has its state as `S`, and asks [`World::begin`] before each call whether
//! a fault happens to it.
//!
//! # Why it is separate
//!
//! The state, the faults and the log of calls work the same in every simulation. Refusals of libvirt, and the
//! difference between live and persistent documents, belong to libvirt's own simulation.
//!
//! ```
//! use fmc_core::world::{Fault, When, World};
//!
//! let mut world = World::new(0_u32);
//! world.on(When::call("count").nth(2), Fault::Fail("no".into()));
//! assert_eq!(world.begin("count", "a"), None);
//! *world.state_mut() += 1;
//! assert_eq!(world.begin("count", "b"), Some(Fault::Fail("no".into())));
//! assert_eq!((*world.state(), world.calls().len()), (1, 2));
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

/// A state, with its calls and the faults that wait for some of them. Only the state is serialised.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct World<S> {
    state: S,
    #[serde(skip)]
    rules: Vec<Rule>,
    #[serde(skip)]
    calls: Vec<Call>,
    #[serde(skip)]
    cut: bool,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The call's name, as `define-domain`.
    pub name: &'static str,
    /// The object of the call, as `web`; empty for a list.
    pub object: String,
}

/// The fault of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this message, and changes nothing.
    Fail(String),
    /// The call does not answer in time, and changes nothing.
    Hang,
    /// The connection is lost before the call does anything; every later call fails too, until
    /// [`World::reconnect`].
    Cut,
    /// The call does its work, and the connection is lost before it answers.
    CutAfter,
    /// The connection is lost after this number of bytes of an upload.
    CutAt(u64),
}

/// The call that a fault waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    name: Option<String>,
    object: Option<String>,
    nth: u64,
}

#[derive(Clone, Debug)]
struct Rule {
    when: When,
    fault: Fault,
    left: u64,
}

impl When {
    /// Any call.
    pub fn any() -> Self {
        Self { name: None, object: None, nth: 1 }
    }

    /// A call with this name.
    pub fn call(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::any() }
    }

    /// Only a call of this object.
    pub fn of(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// The nth matching call from now on, counted from 1; the first by default.
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// The name of the awaited calls; `None` for any.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn fits(&self, name: &str, object: &str) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
            && self.object.as_deref().is_none_or(|wanted| wanted == object)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, object, nth } = self;
        match nth {
            0 | 1 => f.write_str("the next call")?,
            nth => write!(f, "call {nth}")?,
        }
        name.iter().try_for_each(|name| write!(f, " `{name}`"))?;
        object.iter().try_for_each(|object| write!(f, " of {object}"))
    }
}

impl<S> World<S> {
    /// A world in this state, without faults.
    pub fn new(state: S) -> Self {
        Self { state, rules: Vec::new(), calls: Vec::new(), cut: false }
    }

    /// The state.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The state, for changes.
    pub fn state_mut(&mut self) -> &mut S {
        &mut self.state
    }

    /// Makes a fault wait for a call; it happens once.
    pub fn on(&mut self, when: When, fault: Fault) {
        let left = when.nth.max(1);
        self.rules.push(Rule { when, fault, left });
    }

    /// The faults that still wait, with their calls.
    pub fn waiting(&self) -> impl Iterator<Item = (&When, &Fault)> {
        self.rules.iter().map(|rule| (&rule.when, &rule.fault))
    }

    /// Removes every fault that still waits.
    pub fn forgive(&mut self) {
        self.rules.clear();
    }

    /// Records a call, and returns its fault; `None` if it succeeds.
    pub fn begin(&mut self, name: &'static str, object: &str) -> Option<Fault> {
        if self.cut {
            return Some(Fault::Cut);
        }
        self.calls.push(Call { name, object: object.to_owned() });
        let mut due = None;
        for (at, rule) in self.rules.iter_mut().enumerate() {
            if rule.when.fits(name, object) {
                rule.left = rule.left.saturating_sub(1);
                if rule.left == 0 && due.is_none() {
                    due = Some(at);
                }
            }
        }
        let fault = self.rules.remove(due?).fault;
        if matches!(fault, Fault::Cut | Fault::CutAfter | Fault::CutAt(_)) {
            self.cut = true;
        }
        Some(fault)
    }

    /// Whether the connection is lost.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Connects again after a cut.
    pub fn reconnect(&mut self) {
        self.cut = false;
    }

    /// The calls so far, in order.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Clears the list of calls.
    pub fn forget_calls(&mut self) {
        self.calls.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_its_call_and_happens_once() {
        let mut world = World::new(());
        world.on(When::call("start").of("web").nth(2), Fault::Hang);
        assert_eq!(world.begin("start", "web"), None);
        assert_eq!(world.begin("start", "db"), None);
        assert_eq!(world.begin("start", "web"), Some(Fault::Hang));
        assert_eq!(world.begin("start", "web"), None);
    }

    #[test]
    fn what_still_waits_is_known() {
        let mut world = World::new(());
        world.on(When::call("start").of("web").nth(2), Fault::Hang);
        world.begin("start", "web");
        let waiting: Vec<String> = world.waiting().map(|(when, _)| when.to_string()).collect();
        assert_eq!(waiting, ["call 2 `start` of web"]);
        world.begin("start", "web");
        assert_eq!(world.waiting().count(), 0);
    }

    #[test]
    fn a_cut_lasts_until_reconnected() {
        let mut world = World::new(());
        world.on(When::any().nth(2), Fault::CutAfter);
        assert_eq!(world.begin("a", ""), None);
        assert_eq!(world.begin("b", ""), Some(Fault::CutAfter));
        assert_eq!(world.begin("c", ""), Some(Fault::Cut));
        assert_eq!(world.calls().len(), 2);
        world.reconnect();
        assert_eq!(world.begin("d", ""), None);
    }

    #[test]
    fn only_the_state_is_kept() -> Result<(), serde_json::Error> {
        let mut world = World::new(7_u8);
        world.begin("a", "");
        let text = serde_json::to_string(&world)?;
        assert_eq!(text, "7");
        let again: World<u8> = serde_json::from_str(&text)?;
        assert!(again.calls().is_empty());
        Ok(())
    }
}
