//! What K3s is told: the table of keys, and the files that it reads.

#![expect(clippy::unwrap_used, reason = "tests may")]

mod cluster;
mod files;
mod flags;
mod nodes;
mod order;
