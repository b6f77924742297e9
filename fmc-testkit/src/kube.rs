//! A real control plane of Kubernetes with the certificates that a test gives it: etcd and API servers, in a
//! [`Lab`].
//!
//! It differs from K3s: it has the same API server, but no supervisor, agent and packaged components. It
//! proves that an API server and its client accept the authorities, the service-account key, the
//! request-header authority and the kubeconfig.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::Refused;
use crate::netns::{Daemon, Lab};
use crate::openssl::Pair;
use crate::tree::scratch;

pub use binary::binary;
pub use loopback::ControlPlane;

mod binary;
mod loopback;

/// The time for an API server to become ready. It takes three seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The certificates and keys of an API server, as files.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The certificate that it presents to its clients.
    pub serving: Pair,
    /// The authority of its clients. Their certificates contain the group and the user.
    pub client_authority: PathBuf,
    /// The authority of proxies in front of it, for aggregated APIs.
    pub request_header_authority: PathBuf,
    /// The private key that signs and verifies service accounts' tokens. A key on an elliptic curve must be
    /// in the form of SEC 1 (`EC PRIVATE KEY`): the API server cannot take the public key from PKCS #8
    /// (`PRIVATE KEY`) and exits.
    pub service_account_key: PathBuf,
}

/// The certificates of etcd, as files. Its clients and peers must present one of its authority.
#[derive(Clone, Debug)]
pub struct EtcdCertificates {
    /// The certificate that it presents to its clients.
    pub server: Pair,
    /// The authority of its clients and of its own certificate for them.
    pub server_authority: PathBuf,
    /// The certificate that it presents to other members, as server and as client.
    pub peer: Pair,
    /// The authority of the members.
    pub peer_authority: PathBuf,
    /// The certificate that the API server presents to it.
    pub client: Pair,
}

/// An etcd of one member, in a host of a lab.
pub struct Etcd<'lab> {
    daemon: Daemon<'lab>,
    url: String,
    certificates: EtcdCertificates,
    _data: TempDir,
}

/// An API server, in a host of a lab.
pub struct ApiServer<'lab> {
    /// The process.
    pub daemon: Daemon<'lab>,
    /// Its URL: `https://10.17.3.11:6443`.
    pub url: String,
}

impl<'lab> Etcd<'lab> {
    /// Starts a member at an address of a host, on ports 2379 and 2380, and returns once it answers.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    #[must_use]
    pub fn start(lab: &'lab Lab, host: &str, address: &str, certificates: &EtcdCertificates) -> Self {
        let data = scratch();
        let (url, peer) = (format!("https://{address}:2379"), format!("https://{address}:2380"));
        let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
        let arguments = [
            "etcd".to_owned(),
            "--name=one".to_owned(),
            option("data-dir", data.path()),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=one={peer}"),
            option("cert-file", &certificates.server.certificate),
            option("key-file", &certificates.server.key),
            "--client-cert-auth".to_owned(),
            option("trusted-ca-file", &certificates.server_authority),
            option("peer-cert-file", &certificates.peer.certificate),
            option("peer-key-file", &certificates.peer.key),
            "--peer-client-cert-auth".to_owned(),
            option("peer-trusted-ca-file", &certificates.peer_authority),
        ];
        let daemon = start(lab, host, &arguments);
        let mut etcd = Self { daemon, url, certificates: certificates.clone(), _data: data };
        let health = format!("{}/health", etcd.url);
        let (authority, client) = (&certificates.server_authority, &certificates.client);
        let answers = |_: &Daemon<'_>| {
            crate::tls::get(lab, host, &health, authority, Some(client))
                .is_ok_and(|said| said.contains("true"))
        };
        wait(&mut etcd.daemon, answers);
        etcd
    }
}

impl<'lab> ApiServer<'lab> {
    /// Starts one at an address and port of a host, on an etcd, with more options. It returns once this
    /// client sees it ready.
    ///
    /// Several of them on one etcd are one control plane.
    ///
    /// # Panics
    ///
    /// When it does not become ready, with its log.
    #[must_use]
    pub fn start(
        lab: &'lab Lab,
        host: &str,
        (address, port): (&str, u16),
        certificates: &Certificates,
        etcd: &Etcd<'_>,
        (authority, client): (&Path, &Pair),
        more: &[String],
    ) -> Self {
        let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
        let own = [
            "apiserver".to_owned(),
            format!("--etcd-servers={}", etcd.url),
            option("etcd-cafile", &etcd.certificates.server_authority),
            option("etcd-certfile", &etcd.certificates.client.certificate),
            option("etcd-keyfile", &etcd.certificates.client.key),
            format!("--bind-address={address}"),
            format!("--advertise-address={address}"),
            format!("--secure-port={port}"),
            "--endpoint-reconciler-type=none".to_owned(),
            "--service-cluster-ip-range=10.43.0.0/16".to_owned(),
            option("tls-cert-file", &certificates.serving.certificate),
            option("tls-private-key-file", &certificates.serving.key),
            option("client-ca-file", &certificates.client_authority),
            option("requestheader-client-ca-file", &certificates.request_header_authority),
            "--requestheader-allowed-names=system:auth-proxy".to_owned(),
            "--requestheader-username-headers=X-Remote-User".to_owned(),
            "--requestheader-group-headers=X-Remote-Group".to_owned(),
            "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            option("service-account-key-file", &certificates.service_account_key),
            option("service-account-signing-key-file", &certificates.service_account_key),
            // This control plane has no controller that makes the service account "default".
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--profiling=false".to_owned(),
            "--shutdown-delay-duration=0s".to_owned(),
        ];
        let arguments: Vec<String> = own.into_iter().chain(more.iter().cloned()).collect();
        let url = format!("https://{address}:{port}");
        let mut server = Self { daemon: start(lab, host, &arguments), url };
        let ready = format!("{}/readyz", server.url);
        let is_ready = |_: &Daemon<'_>| {
            crate::tls::get(lab, host, &ready, authority, Some(client)).is_ok_and(|said| said == "ok")
        };
        wait(&mut server.daemon, is_ready);
        server
    }
}

/// The output of the real kubectl in a host of a lab, with a kubeconfig.
///
/// # Errors
///
/// The output of kubectl when it is not admitted or fails.
pub fn kubectl(lab: &Lab, host: &str, kubeconfig: &str, words: &[&str]) -> Result<String, Refused> {
    let folder = scratch();
    let path = folder.path().join("kubeconfig");
    crate::tree::write(&path, kubeconfig.as_bytes());
    let option = format!("--kubeconfig={}", path.display());
    let binary = binary().display().to_string();
    let mut all = vec![binary.as_str(), "kubectl", &option, "--cache-dir=/run/kubectl"];
    all.extend(words);
    lab.run(host, &all)
}

fn start<'lab>(lab: &'lab Lab, host: &str, arguments: &[String]) -> Daemon<'lab> {
    let binary = binary().display().to_string();
    let words: Vec<&str> = std::iter::once(&binary).chain(arguments).map(String::as_str).collect();
    lab.daemon(host, &words)
}

#[expect(clippy::panic, reason = "what the test stands on")]
fn wait(daemon: &mut Daemon<'_>, is_so: impl Fn(&Daemon<'_>) -> bool) {
    if let Err(refused) = daemon.until(PATIENCE, is_so) {
        panic!("{refused}");
    }
}
