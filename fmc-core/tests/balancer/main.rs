//! Balancers, shared addresses and mirrors: the programs that read their machines' compiled files check them,
//! and run in namespaces.

mod api;
mod clouds;
mod mirror;
mod names;
mod shared;
mod systems;
#[cfg(feature = "full")]
mod traefik;
