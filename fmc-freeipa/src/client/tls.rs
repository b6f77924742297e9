//! TLS with one authority, and what a failure of it means.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::error::IpaError;

/// A configuration that trusts the authorities of a PEM file, and no others.
pub(super) fn config(authority: &[u8]) -> Result<ClientConfig, IpaError> {
    let settings = |cause: String| IpaError::Settings { cause };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority) {
        let certificate =
            certificate.map_err(|error| settings(format!("read the authority's PEM: {error:?}")))?;
        roots.add(certificate).map_err(|error| settings(format!("use the authority: {error}")))?;
    }
    if roots.is_empty() {
        return Err(settings(
            "the authority has no certificate in PEM: take /etc/ipa/ca.crt of the server".to_owned(),
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| settings(format!("set up TLS: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The failure of TLS that an error was caused by, and what a person should do.
pub(super) fn failure(error: &(dyn Error + 'static)) -> Option<String> {
    let cause = rustls_error(error)?;
    let help = match cause {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "the certificate is not of the given authority: take /etc/ipa/ca.crt of this server",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the certificate is for another name: give the server's own FQDN",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "the certificate is not valid yet: the clocks differ, set them by NTP",
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => {
            "the certificate has expired, or this machine's clock is wrong: set it by NTP, or renew the certificate"
        }
        _ => "this port may not be the one of FreeIPA's web server",
    };
    Some(format!("{cause}; {help}"))
}

/// The error of rustls in a chain of causes. An `io::Error` hides what it holds from `source`.
fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        if let Some(held) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            return rustls_error(held);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::{CertificateError, Error};

    use super::failure;

    #[test]
    fn clocks_that_differ_are_told_apart_from_a_wrong_authority() {
        let told = |error: CertificateError| {
            let inner = io::Error::other(Error::InvalidCertificate(error));
            failure(&io::Error::other(inner)).unwrap_or_default()
        };
        assert!(told(CertificateError::NotValidYet).contains("NTP"));
        assert!(told(CertificateError::Expired).contains("clock"));
        assert!(told(CertificateError::UnknownIssuer).contains("/etc/ipa/ca.crt"));
        assert!(told(CertificateError::NotValidForName).contains("own FQDN"));
        assert_eq!(failure(&io::Error::other("reset")), None);
    }
}
