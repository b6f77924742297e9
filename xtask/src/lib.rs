//! The test guest and other things that are built once, which the commands of `cargo xtask` and the tests share.
//!
//! It uses std only, because the tests are built with it.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

pub mod go;
pub mod guest;
pub mod kept;
pub mod kube;
pub mod python;
mod root;

/// The reason why a command stopped, as a sentence for the terminal.
pub type Failure = Box<dyn std::error::Error>;

pub use root::as_root;
