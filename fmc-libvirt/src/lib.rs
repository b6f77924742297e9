//! libvirt for fmc: the documents that a cloud compiles to, the provider that makes them real, and its simulation.
//!
//! [`documents::documents`] is the compiler: pure and total. What differs from what is there says [`drift`]. This half
//! needs no C library. The provider speaks to a hypervisor through [`link::Link`].

pub mod address;
pub mod connect;
pub mod console;
pub mod document;
pub mod documents;
mod domain;
pub mod drift;
pub mod files;
#[cfg(test)]
mod fixture;
pub mod image;
pub mod link;
pub mod mark;
pub mod network;
pub mod nft;
pub mod pool;
pub mod provider;
mod room;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "virt")]
pub mod virt;
pub mod volume;
pub mod xml;
