//! A K3s cluster from compiled configuration, in network namespaces: the stand-in always, real API servers in the slow tier, and a real K3s
//! where there is one.
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
