//! The time of a cloud: what its machines read, what is refused, and servers and clients that run.

#![cfg(feature = "ignition")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod rules;
mod wire;
