//! A K3s cluster from compiled configuration, in network namespaces: always with the stand-in, in the slow
//! tier with real API servers, and with a real K3s if the machine has one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure here is the test's"
)]

#[cfg(feature = "full")]
mod api;
mod cloud;
mod inside;
mod real;
