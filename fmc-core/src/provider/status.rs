//! The state of a provider's objects.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::graph::{Address, Seen, State, Wanted};

/// The state of a provider's objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The provider's machines, by name, as `running`, `paused (I/O error)`, `saved`, `off`, `not there` or `unknown`:
    /// those of the cloud, and those of its owner that the cloud does not have.
    pub machines: BTreeMap<String, Cow<'static, str>>,
    /// Other objects that matter to a person.
    pub objects: Vec<Standing>,
    /// Objects that stay although no machine uses them, by address, with the reason.
    pub kept: BTreeMap<String, String>,
}

/// The state of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The object.
    pub address: Address,
    /// The state, as `there`.
    pub state: String,
}

impl Status {
    /// Whether each wanted object is there.
    pub fn of_objects<D: ?Sized, O: ?Sized>(wanted: &Wanted<D>, seen: &Seen<O>) -> Self {
        let state = |at: &Address| match seen.object(at) {
            Some(_) => "there",
            None => match seen.objects.get(at) {
                Some(State::NotYet { .. }) => "not there yet",
                Some(_) => "unknown",
                None if seen.unknown_at(at.place()).is_some() => "unknown",
                None => "not there",
            },
        };
        let objects =
            wanted.nodes.keys().map(|at| Standing { address: at.clone(), state: state(at).to_owned() });
        Self { objects: objects.collect(), ..Self::default() }
    }

    /// Adds the state of another provider's objects.
    pub(super) fn extend(&mut self, other: Self) {
        let Self { machines, objects, kept } = other;
        self.machines.extend(machines);
        self.objects.extend(objects);
        self.kept.extend(kept);
    }
}
