//! The provider over the simulated hypervisor.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod around;
mod bad_input;
mod bereft;
mod birth;
mod console;
mod copies;
mod edited;
mod fetch;
mod found;
mod host_images;
mod images;
mod kept;
mod lab;
mod laws;
mod lease;
mod lost;
mod moved;
mod overlays;
mod ready;
mod rename;
mod replace;
mod room;
mod shrunk;
mod snapshots;
mod steps;
mod stood_on;
mod subnets;
mod threads;
mod unplugged;
mod unproven;
