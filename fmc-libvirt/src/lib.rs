//! libvirt for fmc: the documents of a cloud, the provider that applies them, and its simulation.
//!
//! [`documents::documents`] is the compiler: pure and total. [`drift`] finds differences from existing
//! objects. This half does not need the C library. The provider talks to a hypervisor through [`link::Link`].

pub mod address;
pub mod connect;
pub mod console;
mod date;
pub mod document;
pub mod documents;
mod domain;
pub mod drift;
pub mod files;
#[cfg(test)]
mod fixture;
mod grow;
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
