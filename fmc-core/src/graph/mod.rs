//! The planner: addresses, edges, order, impact, plans, and how they are applied. It knows no provider.
//!
//! A provider gives the wanted objects ([`Wanted`]), the existing objects ([`Seen`]) and their differences
//! ([`Model`]); this module turns them into ordered steps ([`Plan`]) and runs the steps ([`apply()`]).

mod about;
mod address;
mod apply;
mod deferral;
mod event;
mod group;
mod impact;
mod joined;
mod lines;
mod lookup;
mod only;
mod order;
mod outcome;
mod phases;
mod plan;
mod planner;
mod provider;
mod removal;
mod room;
mod seen;
mod standing;
mod up;
mod wanted;

pub use about::{About, AboutKind};
pub use address::{Address, Place};
pub use apply::{ApplyOptions, StopFlag, apply};
pub use event::Event;
pub use group::{Counts, Group};
pub use impact::Impact;
pub use lines::Line;
pub use lookup::Lookup;
pub use order::{Cycle, order};
pub use outcome::{Left, NotConverged, Outcome, Refused, Skipped};
pub use phases::{Events, Further, Phases, Watch, apply_phases};
pub use plan::{Action, Change, Later, Note, NoteKind, Plan, Step, Untouched, Why};
pub use planner::plan;
pub use provider::{Acting, Choices, DeleteData, Model, Provider, Removal, Settled, StepError, Verdict};
pub use room::Claim;
pub use seen::{Fingerprint, NotAFingerprint, ObserveError, Seen, State};
pub use up::{Awaited, NotUp, NotUpCause};
pub use wanted::{Carries, Edge, Node, Wanted};

#[cfg(test)]
mod tests;
