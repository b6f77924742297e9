//! The planner: addresses, edges, order, impact, plans, and how they are applied. It knows no provider.
//!
//! A provider says what it wants ([`Wanted`]), what is there ([`Seen`]) and how one differs from the other
//! ([`Model`]); this module turns that into steps in an order ([`Plan`]) and runs them ([`apply()`]).

pub mod address;
pub mod apply;
pub mod event;
pub mod group;
pub mod impact;
pub mod lines;
mod only;
pub mod order;
pub mod phases;
pub mod plan;
pub mod planner;
pub mod provider;
mod removal;
pub mod seen;
mod up;
pub mod wanted;

pub use address::Address;
pub use apply::{ApplyOptions, Outcome, Refused, Skipped, StopFlag, apply};
pub use event::Event;
pub use group::{Counts, Group};
pub use impact::Impact;
pub use lines::Line;
pub use phases::{Phases, PhasesError, apply_phases};
pub use plan::{Action, Change, Note, NoteKind, Plan, Step, Untouched, Why};
pub use planner::plan;
pub use provider::{Acting, Choices, DeleteData, Model, Provider, Removal, Settled, StepError, Verdict};
pub use seen::{Fingerprint, NotAFingerprint, ObserveError, Seen, State};
pub use up::{Awaited, NotUp, NotUpCause};
pub use wanted::{Carries, Edge, Node, Wanted};

#[cfg(test)]
mod tests;
