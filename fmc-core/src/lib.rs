//! Values, checks, guests and the planner of fmc: no I/O, no clock, no environment, no randomness.
//!
//! The leaf types are the words everything else is said in: [`name`], [`mod@unit`], [`addr`], [`ssh`], [`tz`], [`digest`]
//! and [`path`]. Each has one text form, in Rust, in files and in messages, and [`given::Given`] holds one as the user
//! wrote it, right or wrong, until a cloud is checked.

#![forbid(unsafe_code)]

pub mod addr;
pub mod digest;
pub mod given;
pub mod name;
pub mod nearest;
pub mod path;
pub mod ssh;
mod text;
pub mod tz;
pub mod unit;
