//! A kubeconfig that is computed before its cluster exists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fmc_core::path::HttpUrl;
use fmc_core::secret::{AdminSecrets, SecretBytes, SecretError, Secrets as _};
use secrecy::zeroize::Zeroizing;
use time::OffsetDateTime;

use crate::certificate::{self, Client};
use crate::keyring::Keyring;
use crate::signing::Key;

/// The common name of the administrator, as in the kubeconfig that K3s writes itself.
const ADMIN: &str = "system:admin";

/// The input of a kubeconfig.
///
/// Its client certificate has the subject `O=system:masters, CN=system:admin`, which is the administrator of
/// every Kubernetes, as in the kubeconfig that K3s writes itself. A cluster cannot revoke such a certificate,
/// so the caller decides how long it is valid.
#[derive(Clone, Debug)]
pub struct Kubeconfig<'a> {
    /// The name of the cluster, and of the context.
    pub cluster: &'a str,
    /// Where its API answers, `https://…`.
    pub server: &'a HttpUrl,
    /// Its secrets: see [`Pki::admin`](fmc_core::k3s::pki::Pki::admin).
    pub secrets: &'a AdminSecrets,
    /// When the client's certificate is valid.
    pub validity: Validity,
}

/// The validity of a certificate, in seconds since 1970-01-01 00:00 UTC. This crate has no clock: the caller
/// says what time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: i64,
    /// The last second.
    pub not_after: i64,
}

/// The reason why there is no kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// A secret is not available.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The API answers only by TLS.
    #[error("write a kubeconfig: the API of K3s answers by https only, and {0} is something else")]
    NotHttps(HttpUrl),
    /// The dates are not a validity that a certificate can have.
    #[error("write a kubeconfig: a certificate cannot be valid from {} to {} (seconds since 1970)", .0.not_before, .0.not_after)]
    Validity(Validity),
    /// The client authority cannot sign.
    #[error("sign the client's certificate of a kubeconfig: {0}")]
    Certificate(String),
}

impl Kubeconfig<'_> {
    /// The file, for `KUBECONFIG` or `kubectl --kubeconfig`. The same input gives the same bytes.
    ///
    /// # Errors
    ///
    /// A secret is not available, the client authority is the user's own and has a key that is not P-256, or
    /// the dates are wrong.
    pub fn render(&self, keyring: &Keyring) -> Result<SecretBytes, KubeconfigError> {
        self.render_for(ADMIN, keyring)
    }

    /// The same by the name of a user, which is the common name of the certificate.
    pub(crate) fn render_for(&self, user: &str, keyring: &Keyring) -> Result<SecretBytes, KubeconfigError> {
        if !self.server.to_string().starts_with("https://") {
            return Err(KubeconfigError::NotHttps(self.server.clone()));
        }
        let AdminSecrets { server_ca, client_ca, client_ca_key, key: own, .. } = self.secrets;
        let client = self.client(user)?;
        let key = keyring.key(own)?;
        let signer: Key = keyring.key(client_ca_key)?;
        let certificates = keyring.bytes(client_ca)?;
        let certificate = certificate::client(&client, &key, certificates.expose(), &signer)
            .map_err(|error| KubeconfigError::Certificate(error.to_string()))?;
        let server_ca = keyring.bytes(server_ca)?;
        let key = keyring.bytes(own)?;
        let (cluster, server) = (self.cluster, self.server);
        let encoded = |bytes: &[u8]| Zeroizing::new(BASE64.encode(bytes));
        let key = encoded(key.expose());
        let parts = [
            "apiVersion: v1\nkind: Config\nclusters:\n- name: \"",
            cluster,
            "\"\n  cluster:\n    server: \"",
            server.as_ref(),
            "\"\n    certificate-authority-data: ",
            &encoded(server_ca.expose()),
            "\nusers:\n- name: \"",
            cluster,
            "-admin\"\n  user:\n    client-certificate-data: ",
            &encoded(certificate.pem().as_bytes()),
            "\n    client-key-data: ",
            &key,
            "\ncontexts:\n- name: \"",
            cluster,
            "\"\n  context:\n    cluster: \"",
            cluster,
            "\"\n    user: \"",
            cluster,
            "-admin\"\ncurrent-context: \"",
            cluster,
            "\"\n",
        ];
        let mut text = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| text.extend_from_slice(part.as_bytes()));
        Ok(SecretBytes::new(text))
    }

    fn client<'u>(&self, user: &'u str) -> Result<Client<'u>, KubeconfigError> {
        let wrong = || KubeconfigError::Validity(self.validity);
        let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| wrong());
        let (not_before, not_after) = (time(self.validity.not_before)?, time(self.validity.not_after)?);
        if not_before >= not_after || not_before.year() < 1970 {
            return Err(wrong());
        }
        Ok(Client { organization: "system:masters", common_name: user, not_before, not_after })
    }
}
