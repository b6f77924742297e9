//! How things stand that a provider looks after.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::graph::{Address, Seen, Wanted};

/// How things stand that a provider looks after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The machines that it runs, by name, as `running`, `off`, `not there` or `unknown`.
    pub machines: BTreeMap<String, &'static str>,
    /// Other objects that a person asks about.
    pub objects: Vec<Standing>,
    /// What stays although no machine uses it, by address, and why.
    pub kept: BTreeMap<String, String>,
}

/// How an object stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The object.
    pub address: Address,
    /// How it is, as `there`.
    pub state: String,
}

impl Status {
    /// Whether each wanted object is there.
    pub fn of_objects<D: ?Sized, O: ?Sized>(wanted: &Wanted<D>, seen: &Seen<O>) -> Self {
        let state = |at: &Address| match seen.object(at) {
            Some(_) => "there",
            None if seen.objects.contains_key(at) || seen.unknown_at(at.place()).is_some() => "unknown",
            None => "not there",
        };
        let objects =
            wanted.nodes.keys().map(|at| Standing { address: at.clone(), state: state(at).to_owned() });
        Self { objects: objects.collect(), ..Self::default() }
    }

    /// Adds what another provider looks after.
    pub(super) fn extend(&mut self, other: Self) {
        let Self { machines, objects, kept } = other;
        self.machines.extend(machines);
        self.objects.extend(objects);
        self.kept.extend(kept);
    }
}
