//! The secrets of a K3s cluster: tokens, authorities, keys; made from the root key, or the user's own.
//!
//! K3s takes its authorities from files that exist before its first start (docs.k3s.io, *CLI Tools/certificate*, *Using
//! Custom CA Certificates*). Each of the five has a root of its own here, as in a cluster that K3s makes by itself.
//! With one root for all, a program that trusts one authority by its file would also trust the others: a kubelet's
//! certificate, which the client authority signs, would open etcd.
//!
//! The password of a node and its SSH host key follow from the root key too: a replaced node keeps them, and the
//! cluster refuses a known name with another password.

mod maker;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::draft::{Look, Setting, choice, draft};
use crate::finding::{At, Finding, problems};
use crate::rust::{self, Expr, Unsaid};
use crate::secret::{AdminSecrets, Generated, Secret, SecretRef};
use crate::sort;

use self::maker::Maker;

/// The folder of K3s's keys and certificates.
pub const FOLDER: &str = "/var/lib/rancher/k3s/server/tls";

/// An authority of a K3s cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ca {
    /// Signs the certificates of the API servers and of kubelets as servers; its hash is in the tokens.
    Server,
    /// Signs the certificates by which components and people get in.
    Client,
    /// Signs the certificate that the API server shows to aggregated ones.
    RequestHeader,
    /// Signs the certificates of etcd's members among each other.
    EtcdPeer,
    /// Signs the certificates of etcd's servers and of their clients.
    EtcdServer,
}

impl Ca {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Server, Self::Client, Self::RequestHeader, Self::EtcdPeer, Self::EtcdServer];

    /// Its file's path below [`FOLDER`], without `.crt` or `.key`.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Server => "server-ca",
            Self::Client => "client-ca",
            Self::RequestHeader => "request-header-ca",
            Self::EtcdPeer => "etcd/peer-ca",
            Self::EtcdServer => "etcd/server-ca",
        }
    }

    /// Its name, which is part of the names of its secrets and certificates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server-ca",
            Self::Client => "client-ca",
            Self::RequestHeader => "request-header-ca",
            Self::EtcdPeer => "etcd-peer-ca",
            Self::EtcdServer => "etcd-server-ca",
        }
    }

    const fn names(self) -> Names {
        match self {
            Self::Server => ("server-ca-key", "server-ca-crt", "server-ca-root", "server-ca-bundle"),
            Self::Client => ("client-ca-key", "client-ca-crt", "client-ca-root", "client-ca-bundle"),
            Self::RequestHeader => (
                "request-header-ca-key",
                "request-header-ca-crt",
                "request-header-ca-root",
                "request-header-ca-bundle",
            ),
            Self::EtcdPeer => {
                ("etcd-peer-ca-key", "etcd-peer-ca-crt", "etcd-peer-ca-root", "etcd-peer-ca-bundle")
            }
            Self::EtcdServer => {
                ("etcd-server-ca-key", "etcd-server-ca-crt", "etcd-server-ca-root", "etcd-server-ca-bundle")
            }
        }
    }

    const fn part(self) -> Part {
        match self {
            Self::Server => Part::ServerCa,
            Self::Client => Part::ClientCa,
            Self::RequestHeader => Part::RequestHeaderCa,
            Self::EtcdPeer => Part::EtcdPeerCa,
            Self::EtcdServer => Part::EtcdServerCa,
        }
    }
}

/// The files of an authority's key, certificate, root and bundle.
type Names = (&'static str, &'static str, &'static str, &'static str);

/// The secrets that each have their own generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Part {
    /// The token by which servers join.
    ServerToken,
    /// The token by which agents join.
    AgentToken,
    /// The key that signs the tokens of service accounts.
    ServiceKey,
    /// The key of the administrator's certificate in a kubeconfig.
    Admin,
    /// The roots of all authorities; the hash in the join tokens is that of the server authority's root.
    Roots,
    /// The server authority, below its root.
    ServerCa,
    /// The client authority, below its root.
    ClientCa,
    /// The request-header authority, below its root.
    RequestHeaderCa,
    /// The authority of etcd's peers, below its root.
    EtcdPeerCa,
    /// The authority of etcd's servers, below its root.
    EtcdServerCa,
}

draft! {
    /// A cluster's secrets that the user sets. All others are made from the root key.
    ///
    /// ```
    /// use fmc_core::k3s::pki::{Ca, Credentials, Part};
    /// use fmc_core::secret::Secret;
    ///
    /// let credentials = Credentials::new()
    ///     .server_token(Secret::environment("k3s-token", "K3S_TOKEN"))
    ///     .authority(Ca::Client, Secret::file("client-ca", "pki/client.crt"), Secret::file("client-ca-key", "pki/client.key"))
    ///     .generation(Part::ServerCa, 2);
    /// # let _ = credentials;
    /// ```
    #[derive(Default, Eq)]
    pub struct Credentials {
        /// The short token by which servers join, the user's own: one line without a space, a colon or a leading `K10`.
        server_token: Option<Secret>,
        /// The short token by which agents join, the user's own: one line without a space, a colon or a leading `K10`.
        agent_token: Option<Secret>,
        /// The private key that signs the tokens of service accounts, the user's own: PEM, RSA or SEC 1.
        service_key: Option<Secret>,
        /// Authorities of the user's own.
        #[by_hand(authority)]
        authorities: BTreeMap<Ca, OwnAuthority>,
        /// The generations of secrets that are made from the root key; 1 by default.
        #[by_hand(generation)]
        generations: BTreeMap<Part, u32>,
    }

    /// All from the root key, in their first generation.
    pub fn new(..);
    by hand;
}

draft! {
    /// An authority of the user's own.
    #[derive(Eq)]
    struct OwnAuthority {
        /// Its certificate in PEM, then those above it, up to its root.
        #[needed]
        certificates: Secret,
        /// Its private key in PEM.
        #[needed]
        key: Secret,
    }

    arguments;
}

impl Setting for Credentials {
    /// The cluster's name does not change the findings.
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.checked("unnamed", at, look.findings);
    }

    fn rust(&self, names: &rust::Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::new("k3s::pki::Credentials::new()");
        self.say_settings(&mut on, &[], names)?;
        Ok(on)
    }
}

choice!(in "k3s::pki::"; Ca);
choice!(in "k3s::pki::"; Part);

impl Credentials {
    /// An authority: its certificate in PEM with those above it, up to its root, and its private key.
    #[must_use]
    pub fn authority(mut self, which: Ca, certificates: Secret, key: Secret) -> Self {
        self.authorities.insert(which, OwnAuthority { certificates, key });
        self
    }

    /// The generation of a secret that is made from the root key; another one gives another secret.
    #[must_use]
    pub fn generation(mut self, of: Part, generation: u32) -> Self {
        self.generations.insert(of, generation);
        self
    }

    /// The tokens of servers and of agents, where both are the user's own.
    pub(crate) const fn own_tokens(&self) -> Option<(&Secret, &Secret)> {
        match (&self.server_token, &self.agent_token) {
            (Some(server), Some(agent)) => Some((server, agent)),
            _ => None,
        }
    }

    /// The secrets of a cluster of this name, or findings.
    pub fn checked(&self, cluster: &str, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<Pki> {
        let before = findings.len();
        self.no_generation_of_own(at, findings);
        let names = Maker { cluster, generations: &self.generations };
        let server_token = own_or(self.server_token.as_ref(), &at.key("server_token"), findings, || {
            names.leaf("server-token", Part::ServerToken, Generated::Token)
        });
        let agent_token = own_or(self.agent_token.as_ref(), &at.key("agent_token"), findings, || {
            names.leaf("agent-token", Part::AgentToken, Generated::Token)
        });
        let service_key = own_or(self.service_key.as_ref(), &at.key("service_key"), findings, || {
            names.leaf("service-key", Part::ServiceKey, Generated::PrivateKey)
        });
        let mut authority = |ca| {
            let Some(own) = self.authorities.get(&ca) else { return Some(names.authority(ca)) };
            let (all, which) = (at.key("authorities"), Shown(ca));
            let at = all.name(&which);
            let certificates = own.certificates.checked(&at.key("certificates"), findings);
            let key = own.key.checked(&at.key("key"), findings);
            Some(CaSecrets { certificates: certificates?, key: key? })
        };
        let authorities = (
            authority(Ca::Server),
            authority(Ca::Client),
            authority(Ca::RequestHeader),
            authority(Ca::EtcdPeer),
            authority(Ca::EtcdServer),
        );
        if findings.len() > before {
            return None;
        }
        let (server_token, agent_token) = (server_token?, agent_token?);
        let (server, client, request_header, etcd_peer, etcd_server) = authorities;
        let server = server?;
        Some(Pki {
            server_join: names.join("server-join", "server", &server, &server_token),
            agent_join: names.join("agent-join", "node", &server, &agent_token),
            server_token,
            agent_token,
            service_key: service_key?,
            admin_key: names.leaf("admin-key", Part::Admin, Generated::PrivateKey),
            server,
            client: client?,
            request_header: request_header?,
            etcd_peer: etcd_peer?,
            etcd_server: etcd_server?,
        })
    }

    /// A secret of the user's own has its generation in its own description.
    fn no_generation_of_own(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        let own = [
            (Part::ServerToken, self.server_token.is_some()),
            (Part::AgentToken, self.agent_token.is_some()),
            (Part::ServiceKey, self.service_key.is_some()),
        ];
        let own = own.into_iter().chain(Ca::ALL.map(|ca| (ca.part(), self.authorities.contains_key(&ca))));
        for (part, _) in own.filter(|(part, is_own)| *is_own && self.generations.contains_key(part)) {
            findings.push(CredentialProblem::OwnGeneration.at(at.key("generations").name(&Shown(part))));
        }
    }
}

problems! {
    /// Problems with the secrets of a cluster.
    pub enum CredentialProblem {
        OwnGeneration is ValueInvalid:
            "this generation applies to a secret that is made from the root key, but the cloud gives its own secret",
            "leave it out, and raise the generation of the secret itself";
    }
}

/// The secrets of a checked cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pki {
    /// The short token of the servers: `token` in their configuration.
    pub server_token: SecretRef,
    /// The short token of the agents: `agent-token` in the servers' configuration.
    pub agent_token: SecretRef,
    /// The full token of a server that joins, `K10…::server:…`.
    pub server_join: SecretRef,
    /// The full token of an agent that joins, `K10…::node:…`.
    pub agent_join: SecretRef,
    /// The private key that signs the tokens of service accounts.
    pub service_key: SecretRef,
    /// The private key of the administrator's certificate in a kubeconfig. It is on no machine.
    pub admin_key: SecretRef,
    server: CaSecrets,
    client: CaSecrets,
    request_header: CaSecrets,
    etcd_peer: CaSecrets,
    etcd_server: CaSecrets,
}

/// The secrets of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaSecrets {
    /// Its certificate in PEM, and those above it.
    pub certificates: SecretRef,
    /// Its private key in PEM.
    pub key: SecretRef,
}

/// A file of a K3s server that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PkiFile {
    /// Its path.
    pub path: String,
    /// Its mode.
    pub mode: u32,
    /// Its contents.
    pub contents: SecretRef,
}

impl Pki {
    /// The secrets of an authority.
    pub const fn authority(&self, which: Ca) -> &CaSecrets {
        match which {
            Ca::Server => &self.server,
            Ca::Client => &self.client,
            Ca::RequestHeader => &self.request_header,
            Ca::EtcdPeer => &self.etcd_peer,
            Ca::EtcdServer => &self.etcd_server,
        }
    }

    /// The secrets of the administrator's kubeconfig.
    pub fn admin(&self) -> AdminSecrets {
        AdminSecrets {
            server_ca: self.server.certificates.clone(),
            client_ca: self.client.certificates.clone(),
            client_ca_key: self.client.key.clone(),
            key: self.admin_key.clone(),
        }
    }

    /// The files that a server has before its first start, in the order of their paths. The folders above them have mode
    /// 0700, as K3s makes them. No root's key is among them.
    pub fn files(&self) -> Vec<PkiFile> {
        let file = |name: &str, mode, contents: &SecretRef| PkiFile {
            path: format!("{FOLDER}/{name}"),
            mode,
            contents: contents.clone(),
        };
        let mut files = vec![file("service.key", 0o600, &self.service_key)];
        for ca in Ca::ALL {
            let CaSecrets { certificates, key } = self.authority(ca);
            files.push(file(&format!("{}.crt", ca.file()), 0o644, certificates));
            files.push(file(&format!("{}.key", ca.file()), 0o600, key));
        }
        sort::by(&mut files, |one, other| one.path.cmp(&other.path));
        files
    }
}

fn own_or(
    own: Option<&Secret>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
    made: impl FnOnce() -> SecretRef,
) -> Option<SecretRef> {
    match own {
        Some(own) => own.checked(at, findings),
        None => Some(made()),
    }
}

/// A key of a map, as in a file.
#[derive(Debug)]
struct Shown<T>(T);

impl std::fmt::Display for Shown<Ca> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Ca::Server => "server",
            Ca::Client => "client",
            Ca::RequestHeader => "request-header",
            Ca::EtcdPeer => "etcd-peer",
            Ca::EtcdServer => "etcd-server",
        })
    }
}

impl std::fmt::Display for Shown<Part> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Part::ServerToken => "server-token",
            Part::AgentToken => "agent-token",
            Part::ServiceKey => "service-key",
            Part::Admin => "admin",
            Part::Roots => "roots",
            Part::ServerCa => Ca::Server.name(),
            Part::ClientCa => Ca::Client.name(),
            Part::RequestHeaderCa => Ca::RequestHeader.name(),
            Part::EtcdPeerCa => Ca::EtcdPeer.name(),
            Part::EtcdServerCa => Ca::EtcdServer.name(),
        })
    }
}

#[cfg(test)]
mod tests;
