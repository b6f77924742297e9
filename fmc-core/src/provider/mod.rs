//! A provider as the rest of fmc sees it: all its parts in one room.
//!
//! A provider implements [`Model`](crate::graph::Model) and [`Provider`](crate::graph::Provider) for the
//! planner and the apply, and [`Room`] for everything else: its documents of a checked cloud, its files of a
//! compile, its part of a status, of drift and of the picture, its checks before an apply, and its
//! simulation. [`AnyRoom`] erases its types, and [`Rooms`] is a list of providers that is itself a provider:
//! one graph holds the objects of all of them, with edges between them.
//!
//! A provider does not decide the order of steps or what is deferred, nor how a plan is shown, saved and
//! written as JSON. The planner does that for all providers, from the needs of each object
//! ([`Node::needs`](crate::graph::Node)).

mod artifact;
mod drift;
mod erased;
mod room;
mod rooms;
mod status;

pub use artifact::{Artifact, ByHand};
pub use drift::{Drift, DriftKind, Drifted, Moved};
pub use erased::{AnyDocument, AnyObject, AnyRoom};
pub use room::{Drawn, MachinePart, NoValue, Room, SimulationError};
pub use rooms::Rooms;
pub use status::{Standing, Status};
