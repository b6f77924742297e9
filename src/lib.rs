//! A data centre on KVM as one Rust value: typed, checked as a whole, compiled without effects, planned against what is
//! really there, and applied step by step.
//!
//! # A first cloud
//!
//! ```
//! use fmc::prelude::*;
//!
//! const LAB: NetworkName = NetworkName::literal("lab");
//! const WEB: MachineName = MachineName::literal("web");
//!
//! fn cloud() -> Cloud {
//!     Cloud::new("first")
//!         .host(Host::local())
//!         .network(Network::nat(LAB, "10.17.3.0/24"))
//!         .machine(
//!             Machine::new(WEB, Image::debian("12").path("/var/lib/libvirt/images/debian-12.qcow2"))
//!                 .cpus(2)
//!                 .memory(2.gib())
//!                 .root_disk(20.gib())
//!                 .interface(Interface::on(LAB).address("10.17.3.10"))
//!                 .user(User::admin("ops")),
//!         )
//! }
//!
//! let checked = cloud().check()?;
//! assert_eq!(checked.machines.len(), 1);
//! # Ok::<(), Report>(())
//! ```
//!
//! A name is a constant, defined once: a bad one is the compiler's error, and a pool where a network belongs is a type
//! error. A text that is wrong waits for the check, beside every other finding.

#![forbid(unsafe_code)]

pub use fmc_core::{
    addr, boot, check, checked, cloud, digest, disk, finding, given, graph, guest, host, image, machine,
    name, named, nearest, network, path, secret, ssh, template, tz, unit,
};
#[doc(no_inline)]
pub use fmc_core::{cloud::Cloud, finding::Report};
pub use fmc_libvirt as libvirt;

#[cfg(feature = "cli")]
pub mod cli;
mod compile;
pub mod file;
mod plan;
pub mod prelude;
mod providers;
pub mod secrets;
#[cfg(feature = "yaml")]
pub mod set;
#[cfg(feature = "sim")]
pub mod sim;

pub use compile::{Artifact, Ruleset, Wanted, compile};
pub use plan::{Part, Plan, Seen, plan};
pub use providers::Providers;
