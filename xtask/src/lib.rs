//! What the commands of `cargo xtask` and the tests share: the test guest.
//!
//! Std only: the tests are built with it.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

pub mod guest;
mod root;

/// What stopped a command, as a sentence for the terminal.
pub type Failure = Box<dyn std::error::Error>;

pub use root::as_root;
