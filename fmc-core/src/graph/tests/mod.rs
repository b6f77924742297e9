//! The planner under a toy provider: a world of things in memory.

mod laws;
mod plans;
mod runs;
mod toy;
