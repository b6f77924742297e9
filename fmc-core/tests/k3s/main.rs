//! K3s's configuration: the table of keys, and the files that K3s reads.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may")]

mod cluster;
mod datastore;
mod files;
mod flags;
mod flows;
mod interfaces;
mod names;
mod nodes;
mod order;
