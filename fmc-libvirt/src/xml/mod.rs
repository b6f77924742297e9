//! XML both ways: a writer for what we make; for what libvirt answers a fast outline, and helpers over `roxmltree`.
//!
//! There is no type per element: fmc writes documents and compares them, it seldom has to own what it reads.

pub mod outline;
pub mod tree;
pub mod writer;

pub use outline::Outline;
pub use writer::Writer;
