//! K3s: what a cluster of it is made of.

pub mod pki;
