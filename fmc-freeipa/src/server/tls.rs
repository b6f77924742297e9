//! The server's certificate, and the authority that signed it. Both are made at its start.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod, PKCS_ECDSA_P256_SHA256,
    PublicKeyData, SerialNumber, SignatureAlgorithm,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// What a server shows.
pub(super) struct Identity {
    pub(super) acceptor: TlsAcceptor,
    pub(super) authority: String,
}

impl Identity {
    /// A certificate for two names, of a new authority.
    pub(super) fn new(names: [&str; 2]) -> io::Result<Self> {
        let (authority_key, key) = (Key::new()?, Key::new()?);
        let issuer = CertifiedIssuer::self_signed(authority_params(), authority_key).map_err(other)?;
        let mut params = CertificateParams::new(names.map(str::to_owned)).map_err(other)?;
        params.serial_number = Some(SerialNumber::from(2));
        params.key_identifier_method = KeyIdMethod::PreSpecified(b"server".to_vec());
        let certificate = params.signed_by(&key, &issuer).map_err(other)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.pkcs8));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .map_err(other)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: issuer.pem() })
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Certificate Authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.serial_number = Some(SerialNumber::from(1));
    params.key_identifier_method = KeyIdMethod::PreSpecified(b"authority".to_vec());
    params
}

/// A new key, which signs for `rcgen`.
struct Key {
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl Key {
    fn new() -> io::Result<Self> {
        let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(other)?.as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &random).map_err(other)?;
        Ok(Self { pair, pkcs8 })
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature =
            self.pair.sign(&SystemRandom::new(), message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.as_ref().to_vec())
    }
}

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}
