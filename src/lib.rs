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
//! assert_eq!(checked.machines().len(), 1);
//! # Ok::<(), Report>(())
//! ```
//!
//! A name is a constant, defined once: a bad one is the compiler's error, and a pool where a network belongs is a type
//! error. A wrong text is a finding of the check, like every other mistake. [`cli::main`] gives the program its
//! commands; [`file`](mod@file) reads and writes the same cloud as YAML and JSON.
//!
//! # The six verbs
//!
//! | verb | from → to | touches |
//! | --- | --- | --- |
//! | say: [`Cloud::new`] and its setters | → [`Cloud`], a draft that may be wrong | nothing |
//! | check: [`Cloud::check`] | → [`checked::Checked`], or a [`Report`] of every finding | nothing |
//! | compile: [`compile()`] | → [`Wanted`]: libvirt's documents, what each guest boots with, each host's nft table | nothing |
//! | observe: [`Providers::observe`] | → [`Seen`] | reads |
//! | plan: [`plan()`], or [`Providers::plan`] with observe | → [`Plan`]: steps in an order, each with what it does to what runs | nothing |
//! | apply: [`Plan::apply`] | → [`graph::Outcome`] | writes |
//!
//! All of them, on hypervisors in memory:
//!
//! ```
//! # #[cfg(feature = "sim")] {
//! use fmc::prelude::*;
//! use fmc::sim::Sim;
//!
//! # pollster::block_on(async {
//! let web = Machine::new("web", Image::blank()).memory(1.gib());
//! let cloud = Cloud::new("first").host(Host::local()).machine(web); // say
//! let checked = cloud.check()?; // every finding, or none that refuses
//! let wanted = fmc::compile(&checked); // cannot fail
//! let providers = Sim::new().providers(&checked); // or `Providers::new().host(name, VirtLink::connect(uri)?)`
//! let seen = providers.observe(&wanted).await?; // reads only
//! let plan = fmc::plan(&wanted, &seen, &Default::default());
//! assert_eq!(plan.step("machine/web")?.impact(), Impact::Create);
//! let outcome = plan.apply(&providers, |event| println!("{event}")).await?;
//! assert!(outcome.is_converged());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # }
//! ```
//!
//! There is no state file: fmc marks its own objects where they are. Destroying is a plan towards
//! [nothing](Wanted::nothing). A plan is [empty](graph::Plan::is_empty), and an outcome
//! [converged](graph::Outcome::is_converged), only when everything is as it is wanted; an apply that was cut at any step goes on
//! with the next.
//!
//! # Where to read on
//!
//! - [`cookbook`] has some forty tasks, each with a program that runs: addresses, disks, users, secrets, clusters, plans in CI.
//! - [`testing`] says how to test a cloud, and has the assertions.
//! - [`findings`] has the page of every kind of finding: what it means, an example, how to mend it.
//! - [`history`] has what went wrong in the clouds before this one, and where each mistake is caught now.
//! - [`prelude`] lists what a program that describes a cloud names; [`machine::Machine`], [`network::Network`],
//!   [`host::Host`], [`image::Image`] and [`guest::Guest`] are the nouns.
//! - [`graph`] has what a plan is made of: steps, impacts, notes, events.
//!
//! # Under test
//!
//! [`sim::Sim`] is a hypervisor in memory: a cloud's own unit tests apply it, change it, and ask a plan what it would do to
//! a machine or a disk. [`testing`] says how, and has the assertions. The commands run on one in a file unless `--connect`
//! names a real one.
//!
//! # What it does not do
//!
//! - It changes nothing inside a machine that runs: Ignition and cloud-init are read on the first boot. A machine that boots
//!   with older data than is wanted is shown as outdated, and replaced only when asked to.
//! - It deletes no data disk unless asked to, and nothing that is not its own, ever.
//! - An apply does not change a host's own network, nor load its nft table: `host NAME install` does both.
//! - It shares no state between people: who applies sees what is there.
//!
//! # Features
//!
//! | feature | default | gives |
//! | --- | --- | --- |
//! | `cli` | yes | [`cli`]: the commands |
//! | `sim` | yes, by `cli` | [`sim`]: hypervisors in memory; [`testing`]: assertions |
//! | `yaml` | by `cli` | clouds in YAML, and [`set`](mod@set) |
//! | `toml` | by `cli` | clouds in TOML |
//! | `k8s` | no | `k8s`: what runs in clusters, in files, plans and every command |
//! | `dns` | yes | `freeipa`: the zones of the cloud in DNS servers, in plans and every command |
//! | `kerberos` | no | the login at FreeIPA by a ticket of Kerberos; it needs libkrb5-dev, and libclang-dev to build |
//! | `keys` | by `cli` | [`keys`]: secrets that are made from a root key, and [`mod@kubeconfig`] |
//! | `ignition` | yes, by `cli` | machines of Fedora CoreOS and Flatcar; without it the check refuses them |
//! | `lab` | yes, by `cli` | `Cloud::lab`: the small copy of a cloud for a laptop or for CI |
//! | `fetch` | by `cli` | images by URL, over TLS |
//! | `unpack` | by `cli` | images packed by gzip, xz, bzip2 or Zstandard |
//! | `virt` | no | a real libvirt, through its C library (Debian: `libvirt-dev`) |
//! | `schema` | by `cli` | JSON Schema of every value |
//!
//! Without any, there is no command line and no C library; nothing needs an async runtime.

#![forbid(unsafe_code)]

pub use fmc_core::finding::findings;
pub use fmc_core::{
    addr, balancer, bastion, bind, boot, check, checked, chrony, cloud, digest, disk, dns, finding, firewall,
    flow, given, graph, guest, helper, host, host_side, image, ipa, k3s, machine, mirror, name, named,
    nearest, network, node_exporter, path, people, postgresql, provider, role, roles, secret, ssh, template,
    tz, unit, wireguard,
};
#[doc(no_inline)]
pub use fmc_core::{cloud::Cloud, finding::Report};
#[cfg(feature = "dns")]
pub use fmc_freeipa as freeipa;
#[cfg(feature = "k8s")]
pub use fmc_k8s as k8s;
#[cfg(feature = "keys")]
pub use fmc_keys as keys;
pub use fmc_libvirt as libvirt;
pub use fmc_libvirt::files;

#[cfg(feature = "cli")]
pub mod cli;
mod compile;
#[cfg(all(feature = "cli", feature = "k8s"))]
mod container_images;
#[cfg(feature = "cli")]
pub mod cookbook;
pub mod file;
pub mod history;
pub mod json;
#[cfg(feature = "keys")]
pub mod kubeconfig;
pub mod picture;
mod plan;
pub mod prelude;
mod providers;
pub mod saved;
pub mod secrets;
#[cfg(feature = "yaml")]
pub mod set;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "sim")]
pub mod testing;

pub use compile::{Wanted, compile};
#[doc(no_inline)]
pub use fmc_core::provider::Artifact;
pub use plan::{Plan, PlanPart, Seen, UnknownName, plan};
pub use providers::Providers;

/// The README's programs, compiled.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../README.md")]
mod readme {}

/// The pages of findings whose example is a program, compiled as a user of this crate writes it.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../fmc-core/src/finding/pages/flow-nobody.md")]
    mod flow_nobody {}
    #[doc = include_str!("../fmc-core/src/finding/pages/flow-refused.md")]
    mod flow_refused {}
    #[doc = include_str!("../fmc-core/src/finding/pages/flow-unreachable.md")]
    mod flow_unreachable {}
    #[doc = include_str!("../fmc-core/src/finding/pages/ignition-large.md")]
    mod ignition_large {}
    #[doc = include_str!("../fmc-core/src/finding/pages/name-duplicate.md")]
    mod name_duplicate {}
    #[doc = include_str!("../fmc-core/src/finding/pages/role-clash.md")]
    mod role_clash {}
    #[doc = include_str!("../fmc-core/src/finding/pages/role-needs.md")]
    mod role_needs {}
    #[doc = include_str!("../fmc-core/src/finding/pages/role-order.md")]
    mod role_order {}
    #[doc = include_str!("../fmc-core/src/finding/pages/role-refused.md")]
    mod role_refused {}
    #[doc = include_str!("../fmc-core/src/finding/pages/role-warning.md")]
    mod role_warning {}
    #[doc = include_str!("../fmc-core/src/k3s/pages/k3s-server-size.md")]
    mod k3s_server_size {}
}
