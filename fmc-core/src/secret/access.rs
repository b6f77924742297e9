//! The way into a cluster that a cloud makes: as its administrator, by what follows from the model and the root key.

use super::generated::derived_name;
use super::{Generated, SecretBytes, SecretRef, SecretScope};

/// The input of a kubeconfig for a cluster's administrator: see [`Checked::access`](crate::checked::Checked::access).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterAccess {
    /// The cluster's name.
    pub cluster: String,
    /// The URL of its API, as people outside reach it: `https://10.17.3.5:6443`.
    pub server: String,
    /// The secrets of the kubeconfig.
    pub secrets: AdminSecrets,
    /// The owner of the secrets, and their derivation.
    pub scope: SecretScope,
}

/// The secrets from which an administrator's kubeconfig is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AdminSecrets {
    /// The certificates of the servers' authority, in PEM.
    pub server_ca: SecretRef,
    /// The certificates of the clients' authority, in PEM.
    pub client_ca: SecretRef,
    /// The private key of the clients' authority, in PEM.
    pub client_ca_key: SecretRef,
    /// The administrator's own private key, in PEM.
    pub key: SecretRef,
}

impl AdminSecrets {
    /// The same with a private key of a user's own, which is made from the root key: of a purpose, the cluster and the user.
    #[must_use]
    pub fn of_user(self, purpose: &str, cluster: &str, user: &str) -> Self {
        let name = derived_name(purpose, &format!("{cluster}-{user}"), "key");
        Self { key: SecretRef::generated(name, 1, Generated::PrivateKey), ..self }
    }

    pub(super) fn all(&self) -> [&SecretRef; 4] {
        [&self.server_ca, &self.client_ca, &self.client_ca_key, &self.key]
    }
}

/// A kubeconfig for a machine of the cloud: an administrator of a cluster by a user's own name, until a day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKubeconfig {
    /// The cluster's name.
    pub cluster: String,
    /// The URL of its API: `https://10.17.3.5:6443`.
    pub server: String,
    /// The user's name: the common name of the certificate, by which the cluster's audit log knows the user.
    pub user: String,
    /// The last second of the certificate's validity, since 1970-01-01 UTC. It begins with that of derived authorities.
    pub until: i64,
    /// The secrets that it is made of.
    pub secrets: AdminSecrets,
}

impl ClusterAccess {
    pub(crate) fn new(cluster: &str, server: String, secrets: AdminSecrets, scope: SecretScope) -> Self {
        Self { cluster: cluster.to_owned(), server, secrets, scope }
    }
}

/// Makes kubeconfigs. A provider of what is in clusters gets it, so that no other file opens a cluster.
pub trait Kubeconfigs {
    /// The kubeconfig of a cluster's administrator, with the certificates in it.
    ///
    /// # Errors
    ///
    /// Why there is none, and what a person does about it.
    fn kubeconfig(&self, access: &ClusterAccess) -> Result<SecretBytes, String>;
}
