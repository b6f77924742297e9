//! XML both ways: a writer for what we make, helpers over `roxmltree` for what libvirt answers.
//!
//! There is no type per element: fmc writes documents and compares them, it seldom has to own what it reads.

pub mod tree;
pub mod writer;

pub use writer::Writer;
