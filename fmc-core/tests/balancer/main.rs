//! Balancers, shared addresses and mirrors: what is compiled for their machines, judged by the programs that read it, and running in
//! namespaces.

mod api;
mod clouds;
mod mirror;
mod names;
mod shared;
mod systems;
