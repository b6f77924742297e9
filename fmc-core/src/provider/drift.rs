//! What somebody changed since the last apply.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::graph::{Address, Change, Model, Seen, State, Verdict, Wanted};

/// What somebody changed, object by object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Objects that are not as the last apply left them, by address.
    pub drift: Vec<Drifted>,
    /// Objects that differ from a cloud that has changed since it was applied, so that it is not known who changed what.
    pub unclear: Vec<Drifted>,
    /// What could not be read, and why: a place or an address.
    pub unknown: BTreeMap<String, String>,
}

/// An object that is not as the last apply left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drifted {
    /// The object.
    pub address: Address,
    /// The machine that a person knows it by, as `machine/web`.
    pub part_of: Option<Arc<str>>,
    /// What happened to it.
    pub kind: DriftKind,
    /// What differs. Nothing does of an object that is missing.
    pub changes: Vec<Moved>,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DriftKind {
    /// It was changed.
    Changed,
    /// It is gone, although what is there says that it was.
    Missing,
    /// It was made from one of ours, with our mark in it.
    Extra,
}

impl DriftKind {
    /// Its word: `changed`, `missing` or `extra`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Extra => "extra",
        }
    }

    /// Its sign: `~`, `-` or `+`.
    pub const fn sign(self) -> char {
        match self {
            Self::Changed => '~',
            Self::Missing => '-',
            Self::Extra => '+',
        }
    }
}

/// One difference between what was applied and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The path within the document, as `memory`.
    pub path: String,
    /// What was applied; `None` if nothing was.
    pub from: Option<String>,
    /// What is there; `None` if nothing is.
    pub to: Option<String>,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, from, to } = self;
        match (from, to) {
            (Some(from), Some(to)) => write!(f, "{path} {from} -> {to}"),
            (Some(from), None) => write!(f, "{path} {from} removed"),
            (None, Some(to)) => write!(f, "{path} {to} added"),
            (None, None) => f.write_str(path),
        }
    }
}

impl From<Change> for Moved {
    /// A plan goes from what is there to what is wanted; drift went the other way.
    fn from(Change { path, from, to, .. }: Change) -> Self {
        Self { path, from: to, to: from }
    }
}

impl Drift {
    /// Whether nobody is known to have changed anything.
    pub fn is_empty(&self) -> bool {
        self.drift.is_empty()
    }

    /// No drift, of what could be read: places and objects that could not are listed.
    pub fn unknown_of<O: ?Sized>(seen: &Seen<O>) -> Self {
        let places = seen
            .unknown
            .iter()
            .map(|(place, cause)| (place.name().unwrap_or(place.provider()).to_owned(), cause.clone()));
        let objects = seen.objects.iter().filter_map(|(at, state)| match state {
            State::Unknown { cause } => Some((at.to_string(), cause.clone())),
            State::Present { .. } | State::NotYet { .. } => None,
        });
        Self { unknown: places.chain(objects).collect(), ..Self::default() }
    }

    /// What differs from what is wanted, where a provider does not know what was applied last: none of it is known to be
    /// somebody's change, so it is unclear.
    pub fn of_differences<M: Model>(model: &M, wanted: &Wanted<M::Document>, seen: &Seen<M::Object>) -> Self {
        let mut found = Self::unknown_of(seen);
        for (address, node) in &wanted.nodes {
            let Some(object) = seen.object(address) else { continue };
            if let Verdict::Differs(changes) = model.compare(address, &node.document, object) {
                found.unclear.push(Drifted {
                    address: address.clone(),
                    part_of: node.part_of.clone(),
                    kind: DriftKind::Changed,
                    changes: changes.into_iter().map(Moved::from).collect(),
                });
            }
        }
        found
    }

    /// Adds what another provider found.
    pub(super) fn extend(&mut self, other: Self) {
        let Self { drift, unclear, unknown } = other;
        self.drift.extend(drift);
        self.unclear.extend(unclear);
        self.unknown.extend(unknown);
    }
}
