//! People, groups of machines, and the rules about sudo and access.
//!
//! All of them are entries of FreeIPA's directory with the same kinds of commands, so each kind is a row of a table.
//!
//! - *What is ours is marked.* A user has the mark `fmc/OWNER` among the values of `userclass`, as a host has it. Groups and rules have no such
//!   attribute: their description ends with it. An entry without the mark is a stranger's, and is never changed.
//! - *Attributes that the cloud says nothing of are the person's own*: other classes, a title, the shell. Members and SSH keys are those of the
//!   cloud alone, because they give rights; one that another hand added is a difference by name.
//! - *Nobody is deleted silently.* A user who is no longer in the cloud is disabled; a group with a number, which files on
//!   machines may have, stays. A person deletes them by name. Other groups and rules follow from the cloud, and go with it.
//! - *Commands of sudo and services of PAM have no owner.* They give no rights by themselves; those that are missing are made, and stay.
//! - *A rule names what is there.* FreeIPA takes an unknown user or host of a rule of sudo as one of others, without an error. So an
//!   entry whose members change is read once more.

mod calls;
mod compare;
mod entry;
mod look;
mod state;
mod table;
mod wanted;

pub(super) use calls::{calls, is_bare};
pub(super) use compare::{changes, compare, drift, moot, remove, retire};
pub(super) use entry::PeopleEntry;
pub(super) use look::{look, not_yet, show};
pub(crate) use state::EntryState;
pub(super) use state::Leaving;
pub(super) use table::{EntryKind, kind_at};
pub(super) use wanted::add;

/// FreeIPA's own rule that lets everybody in everywhere.
pub(super) const ALLOW_ALL: &str = "allow_all";

/// What a mark begins with, before the cloud's owner.
const OURS: &str = "fmc/";
