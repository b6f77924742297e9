//! XML both ways: a writer for our documents, one reader ([`Outline`]) for all input, and our own document as
//! a value that can be changed.
//!
//! There are no types for single elements: fmc writes and compares documents, and seldom needs to own what it
//! reads.

pub(crate) mod element;
pub mod outline;
pub mod writer;

pub(crate) use element::Element;
pub use outline::Outline;
pub use writer::Writer;
