//! How what is there differs from what is wanted.

mod table;
#[cfg(test)]
mod tests;
mod tree;

pub use tree::{Difference, tree};
