//! The host's own side: what a cloud's files become on a host, and their installation, in namespaces with systemd-networkd,
//! OpenSSH and nft themselves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod files;
mod install;
mod lab;
