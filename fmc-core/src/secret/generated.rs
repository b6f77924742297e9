//! Secrets that are made from the cloud's root key: their kinds, and the secrets that they are made of. The
//! crate `fmc-keys` makes the bytes; nothing here computes a key.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{ClientKubeconfig, Secret, SecretRef, SecretSource};
use crate::digest::Digest;
use crate::finding::At;
use crate::given::Given;
use crate::name::SecretName;

/// A kind of secret that is made from the root key, by the secret's name and generation.
///
/// A file can ask for the kinds that need no other secret; roles and programs put together the ones that are
/// made of others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Generated {
    /// 32 letters and digits, the first a letter: 190 bits.
    Password,
    /// 64 hexadecimal digits in lower case, 256 bits: a token of K3s. Digits alone never look like `K10…`, by
    /// which K3s recognises a token with the hash of its authority.
    Token,
    /// A private key on the curve P-256, as PEM of SEC 1 (`EC PRIVATE KEY`). Kubernetes reads a service
    /// account key on this curve only in this form.
    PrivateKey,
    /// The private ed25519 key of an SSH server, in OpenSSH's own format.
    SshHostKey,
    /// The public line of an SSH host key, as sshd and `ssh-keygen -y` write it.
    #[serde(skip)]
    SshPublicKey(Arc<SecretRef>),
    /// A private key of `WireGuard`: 32 bytes on Curve25519 (RFC 7748) as base64, as `wg genkey` writes it.
    #[serde(skip)]
    WireguardKey,
    /// The public key of a private key of `WireGuard`, as `wg pubkey` writes it.
    #[serde(skip)]
    WireguardPublicKey(Arc<SecretRef>),
    /// A key that two peers of `WireGuard` share, as `wg genpsk` writes it.
    #[serde(skip)]
    WireguardPair,
    /// The certificate of an authority, as PEM.
    #[serde(skip)]
    Authority(Arc<Authority>),
    /// The certificate of a server or a client, signed by an authority, as PEM.
    #[serde(skip)]
    Certificate(Arc<LeafCertificate>),
    /// PostgreSQL's verifier of this password: `SCRAM-SHA-256$4096:SALT$STORED:SERVER` (RFC 5803, RFC 7677).
    /// It does not allow a login. The salt is derived from the root key.
    #[serde(skip)]
    Scram(Arc<SecretRef>),
    /// Several PEM secrets, one after another.
    #[serde(skip)]
    Bundle(Arc<[SecretRef]>),
    /// A kubeconfig, with a client's certificate and key in it.
    #[serde(skip)]
    Kubeconfig(Arc<ClientKubeconfig>),
    /// The token by which a node joins a K3s cluster: `K10`, the hash of the cluster's authority, user and password.
    #[serde(skip)]
    JoinToken(Arc<JoinToken>),
}

/// The certificate of an authority. Its serial is derived from its keys, and its validity is fixed by the
/// model: from 2024-01-01 to 2054-01-01, whenever it is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Authority {
    /// Its common name, of 64 characters at most (`ub-common-name` of RFC 5280, appendix A.1).
    pub common_name: String,
    /// Its private key.
    pub key: SecretRef,
    /// The authority that signs it; itself if `None`.
    pub issuer: Option<Arc<Self>>,
}

/// The certificate of a server or a client. Its validity is that of its authority.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeafCertificate {
    /// Its common name, of 64 characters at most.
    pub common_name: String,
    /// The names and addresses that it is valid for.
    pub names: Vec<String>,
    /// The permitted use.
    pub usage: CertificateUsage,
    /// Its private key.
    pub key: SecretRef,
    /// The authority that signs it.
    pub issuer: Arc<Authority>,
}

/// The permitted use of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateUsage {
    /// A server.
    Server,
    /// A client.
    Client,
    /// Both, as a member of a cluster.
    Both,
}

/// The parts of a node's join token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JoinToken {
    /// The certificates of the cluster's server authority, byte for byte as in the file on its servers.
    pub authority: SecretRef,
    /// The user: `server` or `node`.
    pub user: String,
    /// The password: the short token.
    pub password: SecretRef,
}

impl Generated {
    /// Whether its bytes need a root key: a combination of the user's own secrets needs none.
    pub fn needs_root_key(&self) -> bool {
        match self {
            Self::Password
            | Self::Token
            | Self::PrivateKey
            | Self::SshHostKey
            | Self::WireguardKey
            | Self::WireguardPair => true,
            Self::SshPublicKey(key) | Self::WireguardPublicKey(key) => key.needs_root_key(),
            Self::Authority(authority) => authority.needs_root_key(),
            Self::Certificate(of) => of.key.needs_root_key() || of.issuer.needs_root_key(),
            // The salt always needs it.
            Self::Scram(_) => true,
            Self::Bundle(parts) => parts.iter().any(SecretRef::needs_root_key),
            Self::Kubeconfig(of) => of.secrets.all().into_iter().any(SecretRef::needs_root_key),
            Self::JoinToken(token) => token.authority.needs_root_key() || token.password.needs_root_key(),
        }
    }
}

impl Generated {
    /// Feeds a hash with the kind and with the names and generations of its parts.
    pub(crate) fn update(&self, hash: &mut Sha256) {
        let mut parts = |tag: u8, parts: &[&SecretRef]| {
            hash.update([tag]);
            hash.update(parts.len().to_le_bytes());
            for part in parts {
                hash.update([u8::from(part.is_generated())]);
                part.update(hash);
            }
        };
        match self {
            Self::Password => parts(0, &[]),
            Self::Token => parts(1, &[]),
            Self::PrivateKey => parts(2, &[]),
            Self::SshHostKey => parts(3, &[]),
            Self::SshPublicKey(key) => parts(4, &[key]),
            Self::Authority(authority) => {
                parts(5, &[&authority.key]);
                hash.update(authority.common_name.len().to_le_bytes());
                hash.update(&authority.common_name);
                match &authority.issuer {
                    Some(issuer) => Self::Authority(Arc::clone(issuer)).update(hash),
                    None => hash.update([u8::MAX]),
                }
            }
            Self::Certificate(of) => {
                parts(8, &[&of.key]);
                hash.update([of.usage as u8]);
                for text in std::iter::once(&of.common_name).chain(&of.names) {
                    hash.update(text.len().to_le_bytes());
                    hash.update(text);
                }
                Self::Authority(Arc::clone(&of.issuer)).update(hash);
            }
            Self::Scram(password) => parts(9, &[password]),
            Self::Kubeconfig(of) => {
                parts(13, &of.secrets.all());
                hash.update(of.until.to_le_bytes());
                for text in [&of.cluster, &of.server, &of.user] {
                    hash.update(text.len().to_le_bytes());
                    hash.update(text);
                }
            }
            Self::WireguardKey => parts(10, &[]),
            Self::WireguardPublicKey(key) => parts(11, &[key]),
            Self::WireguardPair => parts(12, &[]),
            Self::Bundle(bundle) => parts(6, &bundle.iter().collect::<Vec<_>>()),
            Self::JoinToken(token) => {
                parts(7, &[&token.authority, &token.password]);
                hash.update(token.user.len().to_le_bytes());
                hash.update(&token.user);
            }
        }
    }
}

impl Authority {
    /// A self-signed authority of this name: its key is made from the root key.
    ///
    /// ```
    /// use fmc_core::guest::GuestFile;
    /// use fmc_core::secret::Authority;
    ///
    /// let authority = Authority::named("postgres-main");
    /// let server = authority.server("db1", ["db1.example.com", "10.17.3.10"]);
    /// let files = [
    ///     GuestFile::secret("/etc/postgres/ca.pem", authority.certificate()),
    ///     GuestFile::secret("/etc/postgres/server.pem", server.certificate()),
    ///     GuestFile::secret("/etc/postgres/server.key", server.key()),
    /// ];
    /// # let _ = files;
    /// ```
    pub fn named(name: &str) -> Self {
        let key = SecretRef::generated(derived_name("ca", name, "key"), 1, Generated::PrivateKey);
        Self { common_name: name.to_owned(), key, issuer: None }
    }

    /// Its certificate.
    pub fn certificate(&self) -> Secret {
        let name = derived_name("ca", &self.common_name, "certificate");
        SecretRef::generated(name, self.key.generation, Generated::Authority(Arc::new(self.clone()))).into()
    }

    /// A server's certificate, for these names and addresses.
    pub fn server<N: Into<String>>(&self, name: &str, names: impl IntoIterator<Item = N>) -> LeafCertificate {
        self.leaf(name, names, CertificateUsage::Server)
    }

    /// A client's certificate.
    pub fn client(&self, name: &str) -> LeafCertificate {
        self.leaf(name, [""; 0], CertificateUsage::Client)
    }

    /// A certificate that this authority signs. Its key is made from the root key and the names of both.
    pub fn leaf<N: Into<String>>(
        &self,
        name: &str,
        names: impl IntoIterator<Item = N>,
        usage: CertificateUsage,
    ) -> LeafCertificate {
        let whole = format!("{}-{name}", self.common_name);
        LeafCertificate {
            common_name: name.to_owned(),
            names: names.into_iter().map(Into::into).collect(),
            usage,
            key: SecretRef::generated(derived_name("tls", &whole, "key"), 1, Generated::PrivateKey),
            issuer: Arc::new(self.clone()),
        }
    }

    fn made_from(&self) -> Vec<&SecretRef> {
        let above = self.issuer.iter().flat_map(|issuer| issuer.made_from());
        self.key.made_from().into_iter().chain(above).collect()
    }

    fn needs_root_key(&self) -> bool {
        self.key.needs_root_key() || self.issuer.as_ref().is_some_and(|issuer| issuer.needs_root_key())
    }
}

impl LeafCertificate {
    /// The certificate.
    pub fn certificate(&self) -> Secret {
        let whole = format!("{}-{}", self.issuer.common_name, self.common_name);
        let name = derived_name("tls", &whole, "certificate");
        SecretRef::generated(name, self.key.generation, Generated::Certificate(Arc::new(self.clone()))).into()
    }

    /// Its private key.
    pub fn key(&self) -> Secret {
        self.key.clone().into()
    }
}

impl SecretRef {
    /// A secret that is made from the root key.
    pub fn generated(name: SecretName, generation: u32, what: Generated) -> Self {
        Self { name, generation, source: SecretSource::Generated(what) }
    }

    /// The private SSH host key of a machine.
    pub fn ssh_host_key(machine: &str, generation: u32) -> Self {
        Self::generated(derived_name("ssh-host", machine, "key"), generation, Generated::SshHostKey)
    }

    /// The public line of this SSH host key.
    #[must_use]
    pub fn ssh_public_key(&self) -> Self {
        let name = derived_name("public", self.name.as_str(), "line");
        Self::generated(name, self.generation, Generated::SshPublicKey(Arc::new(self.clone())))
    }

    /// This kubeconfig, for a purpose.
    pub fn kubeconfig(purpose: &str, of: ClientKubeconfig) -> Self {
        let name = derived_name(purpose, &format!("{}-{}", of.cluster, of.user), "kubeconfig");
        Self::generated(name, 1, Generated::Kubeconfig(Arc::new(of)))
    }

    /// Whether its source is the root key itself; [`SecretRef::needs_root_key`] also looks at its parts.
    pub(crate) fn is_generated(&self) -> bool {
        matches!(self.source, SecretSource::Generated(_))
    }

    /// Feeds a hash with the secret's name, generation and parts.
    pub(crate) fn update(&self, hash: &mut Sha256) {
        hash.update(self.generation.to_le_bytes());
        hash.update(self.name.as_str().len().to_le_bytes());
        hash.update(self.name.as_str());
        if let SecretSource::Generated(what) = &self.source {
            what.update(hash);
        }
    }

    /// The secrets that the root key makes directly, and that this one is made of: itself, or its parts. Two machines whose
    /// secrets have one of them in common must have them of one derivation.
    pub fn made_from(&self) -> Vec<&Self> {
        let SecretSource::Generated(what) = &self.source else { return Vec::new() };
        match what {
            Generated::Password
            | Generated::Token
            | Generated::PrivateKey
            | Generated::SshHostKey
            | Generated::WireguardKey
            | Generated::WireguardPair => vec![self],
            Generated::SshPublicKey(of) | Generated::WireguardPublicKey(of) | Generated::Scram(of) => {
                of.made_from()
            }
            Generated::Authority(authority) => authority.made_from(),
            Generated::Certificate(of) => {
                of.key.made_from().into_iter().chain(of.issuer.made_from()).collect()
            }
            Generated::Bundle(parts) => parts.iter().flat_map(Self::made_from).collect(),
            Generated::Kubeconfig(of) => of.secrets.all().into_iter().flat_map(Self::made_from).collect(),
            Generated::JoinToken(token) => {
                [&token.authority, &token.password].into_iter().flat_map(Self::made_from).collect()
            }
        }
    }

    /// Whether its bytes need a root key.
    pub fn needs_root_key(&self) -> bool {
        match &self.source {
            SecretSource::Generated(what) => what.needs_root_key(),
            SecretSource::File(_) | SecretSource::Environment(_) => false,
        }
    }
}

impl Secret {
    /// A password that is made from the root key: 32 letters and digits.
    pub fn password(name: impl Into<Given<SecretName>>) -> Self {
        Self::generated(name, Generated::Password)
    }

    /// PostgreSQL's verifier of this password, to use in place of the password itself.
    ///
    /// ```
    /// use fmc_core::secret::Secret;
    ///
    /// let password = Secret::password("shop-database");
    /// let verifier = password.scram(); // for `ALTER ROLE shop PASSWORD '…'`
    /// # let _ = verifier;
    /// ```
    #[must_use]
    pub fn scram(&self) -> Self {
        match self.checked(&At::ROOT, &mut Vec::new()) {
            Some(password) => {
                let name = derived_name("scram", password.name.as_str(), "verifier");
                SecretRef::generated(name, password.generation, Generated::Scram(Arc::new(password))).into()
            }
            // An invalid secret is reported where it is used.
            None => self.clone(),
        }
    }

    /// The public key of this private key of `WireGuard`.
    #[must_use]
    pub fn wireguard_public_key(&self) -> Self {
        match self.checked(&At::ROOT, &mut Vec::new()) {
            Some(key) => {
                let name = derived_name("public", key.name.as_str(), "key");
                SecretRef::generated(name, key.generation, Generated::WireguardPublicKey(Arc::new(key)))
                    .into()
            }
            // An invalid secret is reported where it is used.
            None => self.clone(),
        }
    }

    /// Whether it is made from the root key.
    pub(crate) fn is_generated(&self) -> bool {
        matches!(self.source, SecretSource::Generated(_))
    }

    /// A secret that is made from the root key, by its name and generation. Another generation gives other
    /// bytes.
    pub fn generated(name: impl Into<Given<SecretName>>, what: Generated) -> Self {
        Self { name: name.into(), generation: super::first(), source: SecretSource::Generated(what) }
    }
}

/// Turns the secret of a checked cloud into a draft, for a role's guest parts.
impl From<SecretRef> for Secret {
    fn from(secret: SecretRef) -> Self {
        Self { name: secret.name.into(), generation: secret.generation, source: secret.source }
    }
}

/// `PREFIX-MIDDLE-SUFFIX`. If that is too long for a secret's name, or not a label, the middle is cut and
/// gets a hash of the whole, so that different secrets keep different names.
pub(crate) fn derived_name(prefix: &str, middle: &str, suffix: &str) -> SecretName {
    const SEPARATORS: usize = 3;
    let whole = format!("{prefix}-{middle}-{suffix}");
    whole.parse().unwrap_or_else(|_| {
        let hash = Digest::sha256(middle.as_bytes()).short();
        let room = SecretName::MAX.saturating_sub(prefix.len() + suffix.len() + hash.len() + SEPARATORS);
        let kept: String = middle
            .chars()
            .map(|letter| letter.to_ascii_lowercase())
            .filter(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || *letter == '-')
            .take(room)
            .collect();
        format!("{prefix}-{kept}-{hash}-{suffix}").parse().unwrap_or(SecretName::literal("unnamed"))
    })
}

/// The name of a secret that the members of a spanning role share, `KIND-INSTANCE-NAME`. One that is too long, or no label, is cut
/// and gets a hash of the whole, so that two of them stay two.
pub(crate) fn shared_name(kind: &str, instance: Option<&str>, name: &str) -> Given<SecretName> {
    let whole = [Some(kind), instance, Some(name)].into_iter().flatten().collect::<Vec<_>>().join("-");
    let given = Given::<SecretName>::text(&whole);
    if given.ok().is_some() {
        return given;
    }
    let hash = Digest::sha256(whole.as_bytes()).short();
    let is_plain = |letter: &char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || *letter == '-';
    let room = SecretName::MAX.saturating_sub(hash.len() + 1);
    let kept: String =
        whole.chars().map(|letter| letter.to_ascii_lowercase()).filter(is_plain).take(room).collect();
    Given::text(&format!("{kept}-{hash}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_names_are_names_and_stay_apart() {
        let name = |instance: &str| shared_name("ipsec", Some(instance), "key").ok().unwrap().to_string();
        assert_eq!(name("main"), "ipsec-main-key");
        assert_eq!(shared_name("ipsec", None, "key").ok().unwrap().as_str(), "ipsec-key");
        let long = "a".repeat(200);
        assert_ne!(name(&long), name(&"a".repeat(201)));
        assert_ne!(name("Main"), name("main"));
    }

    #[test]
    fn names_are_names_whatever_they_are_made_of() {
        let name = |middle: &str| derived_name("k3s", middle, "request-header-ca-key").to_string();
        assert_eq!(name("prod"), "k3s-prod-request-header-ca-key");
        let long = "a".repeat(63);
        assert_eq!(name(&long).len(), SecretName::MAX);
        assert_ne!(name(&long), name(&"a".repeat(62)), "two that are cut to the same stay two");
        assert!(name("Prod_1.eu").starts_with("k3s-prod1eu-"));
        assert_ne!(name("Prod_1"), name("Prod1"));
        for odd in ["", "-", "…", "a--", "A"] {
            name(odd).parse::<SecretName>().unwrap();
            assert_ne!(name(odd), "unnamed", "{odd:?}");
        }
    }

    #[test]
    fn a_file_can_ask_for_what_stands_for_itself() {
        let secret = |text: &str| serde_json::from_str::<Secret>(text);
        let password = secret(r#"{"name": "admin", "source": {"generated": "password"}}"#).unwrap();
        assert_eq!(password, Secret::password("admin"));
        for what in ["token", "private-key", "ssh-host-key"] {
            let text = format!(r#"{{"name":"x","generation":2,"source":{{"generated":"{what}"}}}}"#);
            assert_eq!(serde_json::to_string(&secret(&text).unwrap()).unwrap(), text);
        }
        let refused =
            secret(r#"{"name": "x", "source": {"generated": "join-token"}}"#).unwrap_err().to_string();
        assert!(refused.contains("unknown variant `join-token`, expected one of `password`"), "{refused}");
    }

    #[test]
    fn what_is_made_of_the_users_own_secrets_needs_no_root_key() {
        let own = |name: &'static str| SecretRef {
            name: SecretName::literal(name),
            generation: 1,
            source: SecretSource::File(name.to_owned()),
        };
        let token = |password: SecretRef| {
            let token = JoinToken { authority: own("ca"), user: "server".to_owned(), password };
            SecretRef::generated(SecretName::literal("join"), 1, Generated::JoinToken(Arc::new(token)))
        };
        assert!(!token(own("token")).needs_root_key());
        let made = SecretRef::generated(SecretName::literal("token"), 1, Generated::Token);
        assert!(token(made).needs_root_key());
        assert!(!own("key").ssh_public_key().needs_root_key());
        assert!(SecretRef::ssh_host_key("web", 1).ssh_public_key().needs_root_key());
    }

    #[test]
    fn a_secret_of_a_checked_cloud_is_a_draft_again() {
        let key = SecretRef::ssh_host_key("web", 3);
        assert_eq!(key.name.as_str(), "ssh-host-web-key");
        let draft = Secret::from(key.clone());
        let mut findings = Vec::new();
        assert_eq!(draft.checked(&At::ROOT, &mut findings), Some(key));
        assert!(findings.is_empty());
    }
}
