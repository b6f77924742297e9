//! Values as the Rust that says them: what `convert` writes.
//!
//! Each draft says its own settings (see [`crate::draft`]). The chain of calls that comes of it is an [`Expr`], which breaks itself into
//! lines.

mod expr;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use expr::{Expr, quoted};

/// Why a value has no Rust form: what no setter says.
pub(crate) type Unsaid = String;

/// The constants of a program: for each name of a network the constant that stands for it.
pub(crate) type Names = BTreeMap<String, String>;
