//! What K3s is told: the table of keys, and the files that it reads.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may")]

mod cluster;
mod files;
mod flags;
mod flows;
mod interfaces;
mod nodes;
mod order;
