//! Manual changes since the last apply.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::graph::{Address, Change, Model, Seen, State, Verdict, Wanted};

/// Manual changes, object by object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Objects that differ from the last apply, by address.
    pub drift: Vec<Drifted>,
    /// Objects that differ from a cloud that was itself changed since the last apply ([`DriftKind::Edited`]), or may have been
    /// ([`DriftKind::Changed`]), so that manual changes cannot be told apart; and those that are not there and that nothing shows to
    /// have been ([`DriftKind::Missing`]), or that an apply which has not ended may not have made yet ([`DriftKind::NotMade`]).
    pub unclear: Vec<Drifted>,
    /// Places and addresses that could not be read, with the cause.
    pub unknown: BTreeMap<String, String>,
}

/// An object that differs from the last apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drifted {
    /// The object.
    pub address: Address,
    /// The machine or other noun that the object belongs to, as `machine/web`.
    pub part_of: Option<Arc<str>>,
    /// The kind of drift.
    pub kind: DriftKind,
    /// The differences; empty for an object that is missing.
    pub changes: Vec<Moved>,
}

/// The kind of drift of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DriftKind {
    /// It was changed by hand, or may have been.
    Changed,
    /// The cloud itself has changed there since the last apply. Whether somebody has changed it too is not known before the next
    /// apply.
    Edited,
    /// It is gone, although other objects show that it existed.
    Missing,
    /// It is not there, and an apply that has not ended was going to make it: it works now, or it was killed. The next apply makes it.
    NotMade,
    /// It was copied from one of ours, with our mark in it.
    Extra,
}

impl DriftKind {
    /// Its word: `changed`, `edited`, `missing`, `not-made` or `extra`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::NotMade => "not-made",
            Self::Extra => "extra",
        }
    }

    /// Its sign: `~`, `-` or `+`.
    pub const fn sign(self) -> char {
        match self {
            Self::Changed | Self::Edited => '~',
            Self::Missing | Self::NotMade => '-',
            Self::Extra => '+',
        }
    }
}

/// One difference between the existing object and the last apply, in the direction of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The path within the document, as `memory`.
    pub path: String,
    /// The existing value; `None` if there is none.
    pub from: Option<String>,
    /// The applied value; `None` if there was none.
    pub to: Option<String>,
}

/// As `memory 2 GiB -> 1 GiB`. What has no other value was added or removed since the last apply.
impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, from, to } = self;
        match (from, to) {
            (Some(from), Some(to)) => write!(f, "{path} {from} -> {to}"),
            (Some(from), None) => write!(f, "{path} {from} added"),
            (None, Some(to)) => write!(f, "{path} {to} removed"),
            (None, None) => f.write_str(path),
        }
    }
}

impl From<Change> for Moved {
    fn from(Change { path, from, to, .. }: Change) -> Self {
        Self { path, from, to }
    }
}

impl Drift {
    /// Whether no manual change is known. There may be one all the same, if something is
    /// [unclear](Self::unclear) or [unknown](Self::unknown).
    pub fn is_empty(&self) -> bool {
        self.drift.is_empty()
    }

    /// No drift of the objects that could be read; the places and objects that could not are listed.
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

    /// Every difference from the wanted objects, for a provider that does not record the last apply. None of
    /// them is known to be manual, so all are unclear.
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

    /// Adds the drift of another provider.
    pub(super) fn extend(&mut self, other: Self) {
        let Self { drift, unclear, unknown } = other;
        self.drift.extend(drift);
        self.unclear.extend(unclear);
        self.unknown.extend(unknown);
    }
}
