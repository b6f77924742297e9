//! libvirt for fmc: the documents that a cloud compiles to, the provider that makes them real, and its simulation.
//!
//! The compiler half needs no C library. The provider speaks to a hypervisor through [`link::Link`].

pub mod drift;
pub mod link;
#[cfg(feature = "sim")]
pub mod sim;
pub mod xml;
