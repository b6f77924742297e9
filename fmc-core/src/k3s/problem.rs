//! The data of findings about a cluster: a type for each room of its rules, with the values that its texts are made
//! from.

pub use super::addon::AddonProblem;
pub use super::cluster::DatastoreProblem;
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
pub use super::rules::reference::ServersProblem;
pub use super::rules::registry::RegistryFileProblem;
pub use super::rules::secret::TokenProblem;
pub use super::rules::size::ServerSizeProblem;
pub use super::rules::unused::UnusedProblem;
pub use super::rules::version::VersionProblem;
pub use super::tuning::TuningProblem;
