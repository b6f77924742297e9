//! The client of FreeIPA against the strict server, the strict server by hand, and the same suite against a real server.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up fails")]

mod by_hand;
mod faults;
mod people;
mod real;
mod strict;
mod suite;
mod support;
