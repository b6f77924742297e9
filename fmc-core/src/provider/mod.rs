//! A provider as the rest of fmc sees it: everything that it brings, in one room.
//!
//! A provider implements [`Model`](crate::graph::Model) and [`Provider`](crate::graph::Provider), which the planner and the
//! apply know, and [`Room`], which is the rest: its documents of a checked cloud, its files of a compile, its part of a
//! status, of drift, of the picture, what it says before an apply, and its simulation. [`AnyRoom`] forgets its types, and
//! [`Rooms`] is a list of providers that is itself a provider: one graph holds the objects of all of them, with edges
//! between them.
//!
//! What a provider is not asked: who depends on whom ([`Node::needs`](crate::graph::Node) says so), what comes first, what is
//! put off, and how a plan is shown, saved and written as JSON. The planner does that for all of them.

mod artifact;
mod drift;
mod erased;
mod room;
mod rooms;
mod status;

pub use artifact::{Artifact, ByHand};
pub use drift::{Drift, DriftKind, Drifted, Moved};
pub use erased::{AnyDocument, AnyObject, AnyRoom};
pub use room::{Drawn, NoValue, Room, SimulationError};
pub use rooms::Rooms;
pub use status::{Standing, Status};
