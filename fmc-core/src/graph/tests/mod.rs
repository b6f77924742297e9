//! The planner under a toy provider: a world of things in memory.

mod laws;
mod only;
mod phases;
mod plans;
mod runs;
mod toy;
