//! K3s: what its files say, typed.
//!
//! [`key`] is every key of `/etc/rancher/k3s/config.yaml`, and [`Config`] that file; [`registries`] and [`kubelet`] are the
//! files beside it, [`tuning`] is what they want of the kernel. [`Version`] is a release, [`Label`] and [`Taint`] are what a
//! node says of itself. [`pki`] is the secrets of a cluster. [`Cluster`] is all of it as one value, and
//! [`resolved::Cluster`] what a checked cloud makes of that.

mod cluster;
mod config;
pub mod key;
pub mod kubelet;
mod node;
mod piece;
pub mod pki;
pub mod quantity;
pub mod registries;
pub(crate) mod resolve;
pub mod resolved;
pub(crate) mod role;
pub(crate) mod rules;
pub mod tuning;
pub mod value;
mod version;
mod word;

/// What findings about a cluster carry: a type for each room of its rules, with the values that its texts are made from.
pub mod problem {
    pub use super::config::ConfigProblem;
    pub use super::kubelet::KubeletProblem;
    pub use super::pki::CredentialProblem;
    pub use super::registries::RegistryProblem;
    pub use super::rules::address::problem::{ClusterNetworkProblem, OwnNetwork};
    pub use super::rules::argument::ArgumentProblem;
    pub use super::rules::config::KeyProblem;
    pub use super::rules::data::StateProblem;
    pub use super::rules::endpoint::EndpointProblem;
    pub use super::rules::install::InstallProblem;
    pub use super::rules::member::MemberProblem;
    pub use super::rules::node::NodeProblem;
    pub use super::rules::placement::PlacementProblem;
    pub use super::rules::secret::TokenProblem;
    pub use super::rules::size::ServerSizeProblem;
    pub use super::rules::unused::UnusedProblem;
    pub use super::rules::version::VersionProblem;
    pub use super::tuning::TuningProblem;
}

pub use cluster::{ByArch, Clock, Cluster, Datastore, Download, Endpoint, Install, S3, Snapshots, Updates};
pub use config::{Config, Value};
pub use key::Key;
pub use node::{Label, Taint};
pub use piece::Piece;
pub use role::{AGENT, SERVER};
pub use version::{Version, agent_fits, goes_back, skips_a_minor};
pub use word::{BucketLookup, Component, Effect, EgressMode, EncryptionProvider, FlannelBackend, TlsVersion};
