//! XML both ways: a writer for what we make; for what libvirt answers a fast outline, and helpers over `roxmltree`;
//! and a document of ours as a value that can be changed.
//!
//! There is no type per element: fmc writes documents and compares them, it seldom has to own what it reads.

pub(crate) mod element;
pub mod outline;
pub mod tree;
pub mod writer;

pub(crate) use element::Element;
pub use outline::Outline;
pub use writer::Writer;
