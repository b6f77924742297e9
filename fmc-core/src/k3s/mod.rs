//! K3s: what its files say, typed.
//!
//! [`key`] is every key of `/etc/rancher/k3s/config.yaml`, and [`Config`] that file; [`registries`] and [`kubelet`] are
//! the files beside it, [`tuning`] has the kernel settings that they need. [`Version`] is a release, [`Label`] and
//! [`Taint`] belong to a node. [`pki`] has the secrets of a cluster, [`capacity`] what its nodes can
//! give to pods. [`Cluster`] is all of it as one value, and
//! [`resolved::Cluster`] its form in a checked cloud.

mod addon;
pub mod capacity;
mod cluster;
mod config;
pub mod key;
pub mod kubelet;
mod node;
mod number;
pub(crate) mod parts;
mod piece;
pub mod pki;
pub mod problem;
pub mod quantity;
pub mod registries;
mod resolve;
pub mod resolved;
pub(crate) mod role;
pub(crate) mod room;
mod rules;
mod san;
mod sql;
pub mod tuning;
pub mod value;
mod version;
mod word;

pub use addon::Addon;
pub use cluster::{ByArch, Clock, Cluster, Datastore, Download, Endpoint, Install, S3, Snapshots, Updates};
pub use config::{Config, Value};
pub use key::Key;
pub use node::{Label, Taint};
pub use piece::Piece;
pub use role::{AGENT, DATASTORE, SERVER};
pub use san::CertName;
pub use sql::SqlName;
pub use version::{Version, agent_fits, goes_back, skips_a_minor};
pub use word::{
    BucketLookup, Component, Effect, EgressMode, EncryptionProvider, FlannelBackend, SslMode, TlsVersion,
};
