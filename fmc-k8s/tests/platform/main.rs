//! Platforms in a cluster in memory, through `fmc::Plan`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod check;
mod cloud;
mod plan;
mod value;
