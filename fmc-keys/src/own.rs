//! Authorities and keys of the user's own, judged before a guest gets them: K3s reads them at its first start, and a server that
//! cannot use them does not come up.

use fmc_core::k3s::pki::{Ca, CaSecrets, Pki};
use fmc_core::name::SecretName;
use fmc_core::secret::{SecretError, SecretRef, SecretSource, Secrets};
use time::OffsetDateTime;
use x509_parser::der_parser::parse_der;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::bundle;
use crate::signing::Key;

/// rsaEncryption (RFC 8017, A.1).
const RSA: &str = "1.2.840.113549.1.1.1";

/// Why a secret of the user's own does not serve a cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnError {
    /// It is not available.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It is not what K3s reads there.
    #[error("use the secret {secret}: {what}")]
    Unfit {
        /// Its name.
        secret: SecretName,
        /// What is wrong, and what would be right.
        what: String,
    },
}

/// Judges the authorities and the service accounts' key that the user gives a cluster; those that are made from a root key are
/// right. `now` is in seconds since 1970-01-01 00:00 UTC.
///
/// A key of RSA or P-256 must fit its certificate; of keys of other kinds only the form is judged.
///
/// # Errors
///
/// The first secret that is not available, or that K3s could not use.
pub fn judge_own(pki: &Pki, secrets: &dyn Secrets, now: i64) -> Result<(), OwnError> {
    for ca in Ca::ALL {
        let CaSecrets { certificates, key, .. } = pki.authority(ca);
        if is_own(certificates) {
            authority(certificates, key, secrets, now)?;
        }
    }
    if is_own(&pki.service_key) {
        private_key(&pki.service_key, secrets)?;
    }
    Ok(())
}

fn is_own(secret: &SecretRef) -> bool {
    !matches!(secret.source, SecretSource::Generated(_))
}

fn unfit(secret: &SecretRef, what: impl Into<String>) -> OwnError {
    OwnError::Unfit { secret: secret.name.clone(), what: what.into() }
}

fn authority(
    certificates: &SecretRef,
    key: &SecretRef,
    secrets: &dyn Secrets,
    now: i64,
) -> Result<(), OwnError> {
    let text = secrets.bytes(certificates)?;
    let wrong = |what: String| unfit(certificates, what);
    let ders = bundle::certificates(text.expose())
        .ok_or_else(|| wrong("it holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)".to_owned()))?;
    let others = Pem::iter_from_buffer(text.expose()).filter_map(Result::ok);
    if others.into_iter().any(|block| block.label.ends_with("PRIVATE KEY")) {
        return Err(wrong(
            "it holds a private key beside the certificates, and everybody may read them: leave the key to its own secret"
                .to_owned(),
        ));
    }
    let chain: Vec<X509Certificate<'_>> =
        ders.iter().filter_map(|der| X509Certificate::from_der(der).ok().map(|(_, read)| read)).collect();
    for (index, certificate) in chain.iter().enumerate() {
        let which = format!("certificate {} of {} ({})", index + 1, chain.len(), certificate.subject());
        if !certificate.is_ca() {
            return Err(wrong(format!(
                "{which} is no authority's (CA:TRUE is missing): the authority comes first, then those above it"
            )));
        }
        if certificate.key_usage().ok().flatten().is_some_and(|usage| !usage.value.key_cert_sign()) {
            return Err(wrong(format!(
                "{which} may not sign certificates (its key usage lacks keyCertSign)"
            )));
        }
        let (from, until) = (certificate.validity().not_before, certificate.validity().not_after);
        if now > until.timestamp() {
            return Err(wrong(format!("{which} ended on {}: renew it", day(until.to_datetime()))));
        }
        if now < from.timestamp() {
            return Err(wrong(format!("{which} is valid only from {}", day(from.to_datetime()))));
        }
    }
    for (index, pair) in chain.windows(2).enumerate() {
        if let [below, above] = pair
            && below.issuer() != above.subject()
        {
            return Err(wrong(format!(
                "certificate {} did not sign certificate {}, whose issuer is {}: each is followed by the one that signed it",
                index + 2,
                index + 1,
                below.issuer()
            )));
        }
    }
    let private = private_key(key, secrets)?;
    let fits = chain.first().and_then(|first| private.fits(first));
    if fits == Some(false) {
        let name = &certificates.name;
        return Err(unfit(key, format!("it is not the key of the first certificate of the secret {name}")));
    }
    Ok(())
}

/// A private key, as far as it is read.
enum Private {
    /// On P-256.
    P256(Key),
    /// The modulus of one of RSA.
    Rsa(Vec<u8>),
    /// Of another kind.
    Other,
}

impl Private {
    /// Whether it is the key of a certificate; `None` if that is not known.
    fn fits(&self, certificate: &X509Certificate<'_>) -> Option<bool> {
        let public = certificate.public_key();
        match (self, public.parsed().ok()?) {
            (Self::P256(key), _) => Some(*public.subject_public_key.data == *key.public()),
            (Self::Rsa(modulus), PublicKey::RSA(rsa)) => Some(number(rsa.modulus) == number(modulus)),
            (Self::Rsa(_), _) => Some(false),
            (Self::Other, _) => None,
        }
    }
}

/// A number's bytes without its leading zeros.
fn number(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn private_key(secret: &SecretRef, secrets: &dyn Secrets) -> Result<Private, OwnError> {
    let bytes = secrets.bytes(secret)?;
    let blocks: Vec<Pem> = Pem::iter_from_buffer(bytes.expose()).filter_map(Result::ok).collect();
    if blocks.iter().any(|block| is_encrypted(block, bytes.expose())) {
        return Err(unfit(secret, "it is encrypted with a password, and K3s asks for none: decrypt it"));
    }
    let labels = ["EC PRIVATE KEY", "RSA PRIVATE KEY", "PRIVATE KEY"];
    let Some(block) = blocks.iter().find(|block| labels.contains(&block.label.as_str())) else {
        return Err(unfit(secret, "it holds no private key in PEM (`-----BEGIN PRIVATE KEY-----`)"));
    };
    let text = std::str::from_utf8(bytes.expose()).unwrap_or_default();
    Ok(match Key::from_pem(text) {
        Some(key) => Private::P256(key),
        None => modulus(block).map_or(Private::Other, Private::Rsa),
    })
}

fn is_encrypted(block: &Pem, text: &[u8]) -> bool {
    block.label == "ENCRYPTED PRIVATE KEY"
        || (block.label.ends_with("PRIVATE KEY")
            && text.windows(b"4,ENCRYPTED".len()).any(|words| words == b"4,ENCRYPTED"))
}

/// The modulus of a key of RSA (RFC 8017, A.1.2), also within PKCS #8 (RFC 5958).
fn modulus(block: &Pem) -> Option<Vec<u8>> {
    let second = |der: &[u8]| {
        let (_, read) = parse_der(der).ok()?;
        read.as_sequence().ok()?.get(1)?.as_slice().ok().map(<[u8]>::to_vec)
    };
    if block.label == "RSA PRIVATE KEY" {
        return second(&block.contents);
    }
    let (_, outer) = parse_der(&block.contents).ok()?;
    let parts = outer.as_sequence().ok()?;
    let algorithm = parts.get(1)?.as_sequence().ok()?.first()?.as_oid().ok()?;
    (algorithm.to_id_string() == RSA).then_some(())?;
    second(parts.get(2)?.as_slice().ok()?)
}

fn day(time: OffsetDateTime) -> String {
    time.date().to_string()
}
