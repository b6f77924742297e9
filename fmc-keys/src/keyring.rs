//! The bytes of every secret: derived from the root key, or fetched from the place of the user's own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fmc_core::secret::{
    Authority, Generated, RootKeyCheck, SecretBytes, SecretError, SecretRef, SecretScope, SecretSource,
    Secrets,
};
use secrecy::zeroize::Zeroizing;

use crate::derive::{self, Deriver, Purpose};
use crate::kubeconfig::{Kubeconfig, Validity};
use crate::root::RootKey;
use crate::signing::{Key, to_pem};
use crate::{certificate, join, openssh, scram, wireguard};

const NOT_DERIVED: &str = "no derived bytes are valid, which is practically impossible";

/// Gives the bytes of secrets. It derives each from the root key once, and fetches the user's own from their
/// places.
///
/// Many threads may ask it at once: two that want the same secret wait for one derivation, others do not
/// wait.
pub struct Keyring {
    deriver: Deriver,
    is_sample: bool,
    check: Option<RootKeyCheck>,
    own: Arc<dyn Secrets + Send + Sync>,
    /// One place per secret, so that only threads that want the same secret wait for each other.
    made: Mutex<BTreeMap<SecretRef, Place>>,
}

type Place = Arc<Mutex<Option<SecretBytes>>>;

impl Keyring {
    /// A keyring with a root key for the secrets of this scope, as that of a
    /// [checked cloud](fmc_core::checked::Checked::secret_scope), and a source of the user's own secrets.
    pub fn new(root: RootKey, scope: &SecretScope, own: Arc<dyn Secrets + Send + Sync>) -> Self {
        Self {
            deriver: Deriver::new(&root, scope),
            is_sample: root.is_sample(),
            check: derive::check(&root, scope.whose()),
            own,
            made: Mutex::new(BTreeMap::new()),
        }
    }

    /// Whether its root key is the public sample. Secrets that are made from the sample protect nothing.
    pub const fn is_sample(&self) -> bool {
        self.is_sample
    }

    /// The number of secrets that it has derived. It derives each secret once.
    pub fn made(&self) -> usize {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn make(&self, secret: &SecretRef, what: &Generated) -> Result<SecretBytes, SecretError> {
        let SecretRef { name, generation, .. } = secret;
        let failed = |why: &dyn fmt::Display| SecretError::unavailable(secret, why.to_string());
        let derived = |bytes: Option<SecretBytes>| bytes.ok_or_else(|| failed(&NOT_DERIVED));
        match what {
            Generated::Password => {
                derived(self.deriver.password(name, *generation).map(|bytes| taken(&bytes)))
            }
            Generated::Token => {
                let bytes = self.deriver.bytes::<32>(Purpose::Token, name, *generation, 0);
                derived(bytes.map(|bytes| {
                    let text = Zeroizing::new(fmc_core::digest::hex(&*bytes));
                    taken(text.as_bytes())
                }))
            }
            Generated::PrivateKey => {
                let pem = self.deriver.private_key(name, *generation).and_then(|key| to_pem(&key));
                derived(pem.map(|pem| taken(pem.as_bytes())))
            }
            Generated::SshHostKey => {
                let seed = self.deriver.bytes::<32>(Purpose::SshHostKey, name, *generation, 0);
                let check = self.deriver.bytes::<4>(Purpose::SshCheck, name, *generation, 0);
                derived(
                    seed.zip(check)
                        .map(|(seed, check)| taken(&openssh::private_file(&seed, *check, name.as_str()))),
                )
            }
            Generated::SshPublicKey(of) => openssh::public_bytes(&self.bytes(of)?, of.name.as_str())
                .ok_or_else(|| failed(&format_args!("{of} is not a private key in OpenSSH's format"))),
            Generated::WireguardKey => {
                let bytes = self.deriver.bytes::<32>(Purpose::WireguardKey, name, *generation, 0);
                derived(bytes.map(|bytes| taken(wireguard::private(&bytes).as_bytes())))
            }
            Generated::WireguardPublicKey(of) => wireguard::public(self.bytes(of)?.expose())
                .map(|public| taken(public.as_bytes()))
                .ok_or_else(|| failed(&format_args!("{of} is not a private key of WireGuard"))),
            Generated::WireguardPair => {
                let bytes = self.deriver.bytes::<32>(Purpose::WireguardPair, name, *generation, 0);
                derived(bytes.map(|bytes| taken(wireguard::text(&bytes).as_bytes())))
            }
            Generated::Authority(authority) => {
                let pem = self.authority(authority, &failed)?;
                Ok(SecretBytes::new(pem.into_bytes()))
            }
            Generated::Certificate(of) => {
                let (key, issuer) = (self.key(&of.key)?, self.key(&of.issuer.key)?);
                let above = of
                    .issuer
                    .issuer
                    .as_deref()
                    .map(|above| Ok::<_, SecretError>((above, self.key(&above.key)?)));
                let above = above.transpose()?;
                let above = above.as_ref().map(|(above, key)| (*above, key));
                let certificate =
                    certificate::leaf(of, &key, &issuer, above).map_err(|error| failed(&error))?;
                Ok(SecretBytes::new(certificate.pem().into_bytes()))
            }
            Generated::Scram(of) => {
                let password = self.bytes(of)?;
                let salt = self.deriver.bytes::<16>(Purpose::ScramSalt, name, *generation, 0);
                let salt = salt.ok_or_else(|| failed(&NOT_DERIVED))?;
                scram::verifier(password.expose(), &*salt)
                    .map(|verifier| taken(verifier.as_bytes()))
                    .map_err(|error| failed(&error))
            }
            Generated::Bundle(parts) => {
                let parts: Result<Vec<SecretBytes>, SecretError> =
                    parts.iter().map(|part| self.bytes(part)).collect();
                let parts = parts?;
                let mut whole = Vec::with_capacity(parts.iter().map(|part| part.expose().len()).sum());
                parts.iter().for_each(|part| whole.extend_from_slice(part.expose()));
                Ok(SecretBytes::new(whole))
            }
            Generated::Kubeconfig(of) => {
                let server = of.server.parse().map_err(|error| failed(&error))?;
                let validity = Validity { not_before: certificate::begins(), not_after: of.until };
                let file =
                    Kubeconfig { cluster: &of.cluster, server: &server, secrets: &of.secrets, validity };
                file.render_for(&of.user, self).map_err(|error| failed(&error))
            }
            Generated::JoinToken(token) => {
                let (authority, password) = (self.bytes(&token.authority)?, self.bytes(&token.password)?);
                join::token(authority.expose(), &token.user, password.expose())
                    .map(|token| taken(&token))
                    .map_err(|error| failed(&error))
            }
            _ => Err(failed(&"this program does not know how it is made")),
        }
    }

    fn authority(
        &self,
        of: &Authority,
        failed: &dyn Fn(&dyn fmt::Display) -> SecretError,
    ) -> Result<String, SecretError> {
        let key = self.key(&of.key)?;
        let certificate = match &of.issuer {
            None => certificate::authority(of, &key, None),
            Some(above) => certificate::authority(of, &key, Some((above, &self.key(&above.key)?))),
        };
        certificate.map(|certificate| certificate.pem()).map_err(|error| failed(&error))
    }

    /// A private key that signs.
    pub(crate) fn key(&self, secret: &SecretRef) -> Result<Key, SecretError> {
        let bytes = self.bytes(secret)?;
        std::str::from_utf8(bytes.expose()).ok().and_then(Key::from_pem).ok_or_else(|| {
            SecretError::unavailable(
                secret,
                "it is not a private key on the curve P-256 in PEM without a passphrase, the only kind that can sign here",
            )
        })
    }
}

impl Secrets for Keyring {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        let SecretSource::Generated(what) = &secret.source else { return self.own.bytes(secret) };
        let place = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            match made.get(secret) {
                Some(place) => Arc::clone(place),
                None => Arc::clone(made.entry(secret.clone()).or_default()),
            }
        };
        // Deriving asks for the secret's parts, which have other places. A description holds its parts and
        // never itself, so this lock cannot wait for itself.
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        match &*place {
            Some(bytes) => Ok(bytes.clone()),
            None => Ok(place.insert(self.make(secret, what)?).clone()),
        }
    }

    fn root_key_check(&self) -> Option<RootKeyCheck> {
        self.check.clone()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("is_sample", &self.is_sample).finish_non_exhaustive()
    }
}

fn taken(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}
