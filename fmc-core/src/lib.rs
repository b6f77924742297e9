//! Values, checks, guests and the planner of fmc: no I/O, no clock, no environment, no randomness.
//!
//! The leaf types are the vocabulary of all other types: [`name`], [`mod@unit`], [`addr`], [`ssh`], [`tz`], [`digest`]
//! and [`path`]. Each has one text form, in Rust, in files and in messages, and [`given::Given`] holds one as the user
//! wrote it, right or wrong, until a cloud is checked.
//!
//! The nouns are made of them: [`host`], [`network`], [`image`], [`disk`], [`machine`], and what is inside one,
//! [`guest`]. Together they are a [`cloud::Cloud`], the draft, which [`cloud::Cloud::check`] turns into the
//! [`checked::Checked`] cloud that compiles, or refuses with every [`finding`].

#![forbid(unsafe_code)]

mod cloud_init;
mod draft;
mod field;
#[cfg(feature = "lab")]
mod lab;
mod program;
mod rust;
mod shell;
mod sort;
mod text;
mod yaml;

pub mod addr;
pub mod balancer;
pub mod bastion;
pub mod bind;
pub mod boot;
pub mod check;
pub mod checked;
pub mod chrony;
pub mod cloud;
pub mod count;
pub mod digest;
pub mod disk;
pub mod dns;
pub mod finding;
pub mod firewall;
pub mod flow;
pub mod given;
pub mod graph;
pub mod guest;
pub mod helper;
pub mod host;
pub mod host_side;
pub mod identity;
pub mod ignition;
pub mod image;
pub mod ipa;
pub mod k3s;
pub mod machine;
pub mod mirror;
pub mod name;
pub mod named;
pub mod nearest;
pub mod network;
pub mod node_exporter;
pub mod path;
pub mod people;
pub mod postgresql;
pub mod provider;
pub mod ready;
pub mod role;
pub mod roles;
#[cfg(feature = "schema")]
mod schema;
pub mod secret;
pub mod ssh;
pub mod template;
pub mod tz;
pub mod unit;
pub mod wireguard;
#[cfg(feature = "sim")]
pub mod world;
