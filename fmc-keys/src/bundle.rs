//! Certificates in PEM, and the hash of an authority that a K3s token contains.

use sha2::{Digest as _, Sha256};
use x509_parser::extensions::ParsedExtension;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The certificates of a PEM in order, each as DER. Other blocks are skipped, as Kubernetes does. `None` if
/// the PEM holds no certificate or one that is not readable.
pub(crate) fn certificates(pem: &[u8]) -> Option<Vec<Vec<u8>>> {
    let blocks: Result<Vec<Pem>, _> = Pem::iter_from_buffer(pem).collect();
    let found: Vec<Vec<u8>> = blocks
        .ok()?
        .into_iter()
        .filter(|block| block.label == "CERTIFICATE")
        .map(|block| block.contents)
        .collect();
    let all_are_right = found.iter().all(|der| X509Certificate::from_der(der).is_ok());
    (!found.is_empty() && all_are_right).then_some(found)
}

/// The hash of an authority's file by the two rules of K3s (`pkg/clientaccess`, `hashCA`). A file of one
/// certificate is hashed by its bytes. A longer file is hashed by the DER of the root that the first
/// certificate leads to, and by its bytes if it leads to none. `None` if the file holds no certificate.
pub(crate) fn hash(file: &[u8]) -> Option<[u8; 32]> {
    let ders = certificates(file)?;
    let all: Vec<Known<'_>> = ders.iter().filter_map(|der| Known::read(der)).collect();
    let root = match all.split_first() {
        Some((first, rest)) if !rest.is_empty() => root(first, rest, rest.len()),
        _ => None,
    };
    Some(Sha256::digest(root.unwrap_or(file)).into())
}

/// The root that a certificate leads to through others, in at most so many steps.
fn root<'a>(of: &Known<'a>, among: &[Known<'a>], steps: usize) -> Option<&'a [u8]> {
    let above = |known: &&Known<'a>| {
        known.subject == of.issuer && (of.authority_key.is_none() || known.own_key == of.authority_key)
    };
    let root_itself = among.iter().filter(above).find(|known| known.is_root());
    if let Some(known) = root_itself {
        return Some(known.der);
    }
    let left = steps.checked_sub(1)?;
    among.iter().filter(above).find_map(|known| root(known, among, left))
}

/// The parts of a certificate that identify its signer.
struct Known<'a> {
    der: &'a [u8],
    subject: &'a [u8],
    issuer: &'a [u8],
    own_key: Option<&'a [u8]>,
    authority_key: Option<&'a [u8]>,
}

impl<'a> Known<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut known = Self {
            der,
            subject: certificate.subject.as_raw(),
            issuer: certificate.issuer.as_raw(),
            own_key: None,
            authority_key: None,
        };
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(key) => known.own_key = Some(key.0),
                ParsedExtension::AuthorityKeyIdentifier(authority) => {
                    known.authority_key = authority.key_identifier.as_ref().map(|key| key.0);
                }
                _ => {}
            }
        }
        Some(known)
    }

    /// Decided as in K3s: the certificate names no other key than its own.
    fn is_root(&self) -> bool {
        self.authority_key.is_none() || self.authority_key == self.own_key
    }
}
