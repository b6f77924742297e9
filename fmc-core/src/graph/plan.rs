//! A plan: what will be done, in which order, and what it does to what runs.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::address::Address;
use super::impact::Impact;
use super::seen::Fingerprint;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Makes an object that is not there.
    Create,
    /// Changes one in place.
    Update,
    /// Changes one that has to stop for it.
    Restart,
    /// Makes one anew.
    Replace,
    /// Deletes one.
    Delete,
}

impl Action {
    /// The sign that a plan shows: `+`, `~`, `±` or `-`.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update | Self::Restart => '~',
            Self::Replace => '±',
            Self::Delete => '-',
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Replace => "replace",
            Self::Delete => "delete",
        })
    }
}

/// One difference between what is there and what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The path within the document, as `memory`.
    pub path: String,
    /// What is there; `None` if nothing is.
    pub from: Option<String>,
    /// What is wanted; `None` if nothing is.
    pub to: Option<String>,
    /// What it takes.
    pub impact: Impact,
    /// Why it takes that, where it is not plain.
    pub reason: Option<String>,
}

/// One step: mechanical, decided in full.
#[derive(Debug)]
pub struct Step<D> {
    /// The object.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// What that does to what runs.
    pub impact: Impact,
    /// Why.
    pub reasons: Vec<String>,
    /// What differs.
    pub changes: Vec<Change>,
    /// What it is made from; `None` for a deletion.
    pub document: Option<Arc<D>>,
    /// What the plan saw; `None` if nothing was there.
    pub expects: Option<Fingerprint>,
    /// The steps, by index, that come before.
    pub after: Vec<usize>,
    /// The machine or other noun that a person knows it by, as `machine/web`.
    pub part_of: Option<Arc<str>>,
}

/// Something that a plan says without doing anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// About what, as `machine/web` or an address.
    pub about: String,
    /// What kind of thing.
    pub kind: NoteKind,
    /// The words.
    pub text: String,
}

/// What kind of thing a note says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// A machine boots with an older image or configuration than is wanted.
    Outdated,
    /// A machine runs with what it was started with; what is wanted comes with its next boot.
    PendingBoot,
    /// Data that is kept although nobody wants it.
    Kept,
    /// A difference that is left alone, and why.
    Left,
    /// Put off: what it depends on is not known.
    Deferred,
    /// Cannot be done; an apply refuses.
    Refused,
}

/// What will be done, in an order, and what is only said.
#[derive(Debug)]
pub struct Plan<D> {
    /// Steps, each after those that it needs.
    pub steps: Vec<Step<D>>,
    /// What is said without doing anything.
    pub notes: Vec<Note>,
    /// Objects that are as they are wanted.
    pub unchanged: Vec<Address>,
}
