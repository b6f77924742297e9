//! The files of a node, except those of its units.

use super::{Node, cis, flannel, install, wait};
use crate::given::Given;
use crate::guest::{Directory, Guest, GuestFile, TextPart};
use crate::k3s::registries::Registries;
use crate::k3s::tuning::{KUBELET_SYSCTLS, Tuning};
use crate::k3s::{Config, Piece};
use crate::path::AbsPath;
use crate::secret::{Generated, Secret, SecretRef, derived_name};
use crate::unit::FileMode;

/// The password by which the cluster recognises a returning node. A replaced node gets the same password, because the
/// cluster refuses another one under the same name (docs.k3s.io, *Architecture*, *How Agent Node Registration Works*).
const NODE_PASSWORD: AbsPath = AbsPath::literal("/etc/rancher/node/password");
/// The configuration.
const CONFIG: AbsPath = AbsPath::literal(Config::PATH);
/// The authority of the database's certificate.
pub(super) const DATASTORE_CA: &str = "/etc/rancher/k3s/datastore-ca.pem";
/// The certificate by which K3s is known to the database.
pub(super) const DATASTORE_CERTIFICATE: &str = "/etc/rancher/k3s/datastore.pem";
/// The key of that certificate.
pub(super) const DATASTORE_KEY: &str = "/etc/rancher/k3s/datastore.key";
/// The authority of the S3 service's certificate.
pub(super) const S3_CA: &str = "/etc/rancher/k3s/s3-ca.pem";

/// Where K3s of a server keeps what is secret.
const FOLDERS: [AbsPath; 3] = [
    AbsPath::literal("/var/lib/rancher/k3s/server"),
    AbsPath::literal("/var/lib/rancher/k3s/server/tls"),
    AbsPath::literal("/var/lib/rancher/k3s/server/tls/etcd"),
];

const SECRET: FileMode = FileMode::new(0o600);
const PRIVATE: FileMode = FileMode::new(0o700);

/// The files of every node. More lines follow those of its configuration.
pub(super) fn common(node: &Node<'_>, config: Config, more: Vec<Piece>) -> Guest {
    let said = node.cluster.said();
    let password = derived_name("k3s", node.site.machine().first_name.as_str(), "node-password");
    let password = Secret::from(SecretRef::generated(password, 1, Generated::Password));
    let mut guest = Guest::new()
        .file(pieces(CONFIG, config.pieces().into_iter().chain(more).collect()).mode(SECRET))
        .file(GuestFile::secret(NODE_PASSWORD, password));
    if !said.registries.is_empty() {
        guest = guest.file(pieces(Registries::PATH, said.registries.pieces()).mode(SECRET));
    }
    let hardened = said.cis.then(|| cis::kubelet(node.version())).flatten();
    for dropin in hardened.iter().chain(&said.kubelet) {
        if let Some(path) = dropin.path() {
            guest = guest.file(pieces(path.as_str(), dropin.pieces()).mode(SECRET));
        }
    }
    let tuning = tuning(node);
    let (sysctls, modules) = (tuning.sysctl_file(), tuning.module_file());
    if !sysctls.is_empty() {
        guest = guest.file(GuestFile::text(Tuning::SYSCTL_PATH, sysctls));
    }
    if !modules.is_empty() {
        guest = guest.file(GuestFile::text(Tuning::MODULE_PATH, modules));
    }
    guest.with(wait::guest(node)).with(flannel::guest(node)).with(install::guest(node))
}

/// The kernel settings of every node.
pub(super) fn tuning(node: &Node<'_>) -> Tuning {
    let said = node.cluster.said();
    if !said.cis {
        return said.tuning.clone();
    }
    KUBELET_SYSCTLS.iter().fold(said.tuning.clone(), |tuning, (name, value)| tuning.sysctl(*name, *value))
}

/// The further files of servers.
pub(super) fn server(node: &Node<'_>) -> Guest {
    let (cluster, said) = (node.cluster, node.cluster.said());
    let mut guest = FOLDERS
        .into_iter()
        .fold(Guest::new(), |guest, path| guest.directory(Directory::new(path).mode(PRIVATE)));
    for file in cluster.pki.files() {
        // The benchmark also wants only root to read certificates.
        let mode = if said.cis { SECRET } else { FileMode::new(u16::try_from(file.mode).unwrap_or(0o600)) };
        guest = guest.file(GuestFile::secret(file.path, Secret::from(file.contents)).mode(mode));
    }
    if let Some(datastore) = &said.datastore {
        let files = [
            (DATASTORE_CA, &datastore.ca),
            (DATASTORE_CERTIFICATE, &datastore.certificate),
            (DATASTORE_KEY, &datastore.key),
        ];
        for (path, secret) in files {
            guest = with_secret(guest, path, secret.as_ref());
        }
    }
    if let Some(s3) = said.snapshots.as_ref().and_then(|snapshots| snapshots.s3.as_ref()) {
        guest = with_secret(guest, S3_CA, s3.ca.as_ref());
    }
    // K3s does not carry manifests from one server to another: one of them has these.
    if node.is_initial() {
        for addon in said.auto_deploy.iter() {
            if let Some(path) = addon.path() {
                guest = guest.file(GuestFile::text(path, addon.text()).mode(SECRET));
            }
        }
    }
    if said.cis { guest.with(cis::guest(node)) } else { guest }
}

fn with_secret(guest: Guest, path: &str, secret: Option<&Secret>) -> Guest {
    match secret {
        Some(secret) => guest.file(GuestFile::secret(path, secret.clone())),
        None => guest,
    }
}

/// A file of pieces; one without secrets is text.
fn pieces(path: impl Into<Given<AbsPath>>, pieces: Vec<Piece>) -> GuestFile {
    match pieces.as_slice() {
        [Piece::Text(text)] => GuestFile::text(path, text.as_str()),
        _ => GuestFile::parts(path, pieces.into_iter().map(TextPart::from)),
    }
}

/// A shell script that a unit runs by `sh`.
pub(super) fn script(path: &str, text: String) -> GuestFile {
    GuestFile::text(path, text).mode(FileMode::new(0o755))
}
