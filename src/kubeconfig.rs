//! A kubeconfig, computed from the root key before the cluster exists.
//!
//! ```
//! # #[cfg(feature = "keys")] {
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use fmc::finding::At;
//! use fmc::k3s::pki::Credentials;
//! use fmc::keys::{Keyring, RootKey};
//! use fmc::kubeconfig::{Cluster, kubeconfig};
//! use fmc::name::OwnerId;
//! use fmc::secret::{NoSecrets, SecretScope};
//!
//! let pki = Credentials::new().checked("prod", &At::ROOT, &mut Vec::new()).unwrap();
//! let cluster = Cluster { name: "prod", server: &"https://10.17.3.5:6443".parse().unwrap(), pki: &pki };
//! let keyring = Keyring::new(RootKey::sample(), &SecretScope::of(OwnerId::literal("shop")), Arc::new(NoSecrets));
//! let file = kubeconfig(&cluster, &keyring, SystemTime::now(), Duration::from_secs(3600)).unwrap();
//! assert!(file.expose().starts_with(b"apiVersion: v1\nkind: Config\n"));
//! # }
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fmc_core::k3s::pki::Pki;
use fmc_core::path::HttpUrl;
use fmc_core::secret::{ClusterAccess, Kubeconfigs, SecretBytes, Secrets};
pub use fmc_keys::KubeconfigError;
use fmc_keys::{Keyring, Kubeconfig, RootKey, Validity};

/// How long before now a certificate is already valid, because the clocks of two computers differ.
const CLOCKS: i64 = 300;

/// The inputs of a kubeconfig.
#[derive(Clone, Copy, Debug)]
pub struct Cluster<'a> {
    /// The cluster's name, also that of the context.
    pub name: &'a str,
    /// The URL of its API: `https://`, the endpoint's address or name, and its port.
    pub server: &'a HttpUrl,
    /// Its secrets.
    pub pki: &'a Pki,
}

/// The kubeconfig of a cluster's administrator. Its certificate is valid from five minutes ago until
/// `valid_for` from now. A cluster cannot revoke it earlier, so keep that time short.
///
/// # Errors
///
/// The server's URL is not `https`, a secret of the user's own is not available or cannot sign, or the time
/// is out of range.
pub fn kubeconfig(
    cluster: &Cluster<'_>,
    keyring: &Keyring,
    now: SystemTime,
    valid_for: Duration,
) -> Result<SecretBytes, KubeconfigError> {
    let validity = validity(now, valid_for);
    let secrets = &cluster.pki.admin();
    Kubeconfig { cluster: cluster.name, server: cluster.server, secrets, validity }.render(keyring)
}

/// When the certificate of a kubeconfig is valid that is made now.
fn validity(now: SystemTime, valid_for: Duration) -> Validity {
    let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    let now = now.duration_since(UNIX_EPOCH).map_or(0, seconds);
    Validity {
        not_before: now.saturating_sub(CLOCKS).max(0),
        not_after: now.saturating_add(seconds(valid_for)),
    }
}

/// The administrator of the clusters that a cloud makes: whoever has the root key enters them.
#[derive(Clone)]
pub struct Administrator {
    root: RootKey,
    own: Arc<dyn Secrets + Send + Sync>,
    now: SystemTime,
    valid_for: Duration,
}

impl Administrator {
    /// By a root key, a source of the user's own secrets, the time, and how long a certificate is valid.
    pub fn new(
        root: RootKey,
        own: Arc<dyn Secrets + Send + Sync>,
        now: SystemTime,
        valid_for: Duration,
    ) -> Self {
        Self { root, own, now, valid_for }
    }
}

impl Kubeconfigs for Administrator {
    fn kubeconfig(&self, access: &ClusterAccess) -> Result<SecretBytes, String> {
        let ClusterAccess { cluster, server, secrets, scope, .. } = access;
        let keyring = Keyring::new(self.root.clone(), scope, Arc::clone(&self.own));
        let server: HttpUrl =
            server.parse().map_err(|error| format!("read {server} as the address of a server: {error}"))?;
        let validity = validity(self.now, self.valid_for);
        let made = Kubeconfig { cluster, server: &server, secrets, validity }.render(&keyring);
        made.map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Administrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Administrator")
    }
}

#[cfg(test)]
mod tests {
    use fmc_core::finding::At;
    use fmc_core::k3s::pki::Credentials;
    use fmc_core::name::OwnerId;
    use fmc_core::secret::{NoSecrets, SecretScope};

    use super::*;

    #[test]
    fn a_time_that_is_out_of_range_is_an_error() {
        let pki = Credentials::new().checked("prod", &At::ROOT, &mut Vec::new()).unwrap();
        let server = "https://api.example.com".parse().unwrap();
        let keyring =
            Keyring::new(RootKey::sample(), &SecretScope::of(OwnerId::literal("shop")), Arc::new(NoSecrets));
        let of = |now, valid_for| {
            let cluster = Cluster { name: "prod", server: &server, pki: &pki };
            kubeconfig(&cluster, &keyring, now, valid_for)
        };
        let day = Duration::from_secs(86_400);
        of(UNIX_EPOCH + 20_000 * day, day).unwrap();
        of(UNIX_EPOCH, day).unwrap();
        for (now, valid_for) in [(UNIX_EPOCH, Duration::MAX), (UNIX_EPOCH - day, Duration::ZERO)] {
            assert!(matches!(of(now, valid_for), Err(KubeconfigError::Validity(_))));
        }
    }
}
