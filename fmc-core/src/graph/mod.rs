//! The planner: addresses, edges, order, impact, plans, and how they are applied. It knows no provider.
//!
//! A provider says what it wants ([`Wanted`]), what is there ([`Seen`]) and how one differs from the other
//! ([`Model`]); this module turns that into steps in an order ([`Plan`]) and runs them ([`apply`]).

pub mod address;
pub mod apply;
pub mod event;
pub mod impact;
pub mod order;
pub mod plan;
pub mod provider;
pub mod seen;
pub mod wanted;

pub use address::Address;
pub use apply::apply;
pub use event::Event;
pub use impact::Impact;
pub use plan::{Action, Change, Note, NoteKind, Plan, Step, plan};
pub use provider::{Acting, Choices, DeleteData, Model, Provider, Settled, StepError, Verdict};
pub use seen::{Fingerprint, ObserveError, Seen, State};
pub use wanted::{Carries, Edge, Node, Wanted};
