//! Certificates of authorities, servers and clients, and the short one of a kubeconfig.

use fmc_core::secret::{Authority, CertificateUsage, LeafCertificate};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, SanType, SerialNumber,
    date_time_ymd,
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use x509_parser::asn1_rs::Tag;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::bundle;
use crate::signing::Key;

/// The start of every authority's validity, as year, month and day. The model has no clock, so the date is in
/// the past wherever a machine boots, and the end is too far away to matter.
const FROM: (i32, u8, u8) = (2024, 1, 1);
/// The end of every authority's validity.
const UNTIL: (i32, u8, u8) = (2054, 1, 1);

/// The first second of every authority's validity, since 1970-01-01 UTC.
pub(crate) fn begins() -> i64 {
    date_time_ymd(FROM.0, FROM.1, FROM.2).unix_timestamp()
}

/// The reason why a certificate cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CertificateError {
    /// The library refuses the request.
    #[error("it cannot be written as a certificate")]
    Unwritable,
    /// The authority's file holds no certificate.
    #[error("the authority's file holds no certificate in PEM")]
    NoCertificate,
    /// The authority's certificate lacks a part, or has it in a form that this code does not read.
    #[error(
        "the authority's certificate is not one that signs here: it needs a subject key identifier, and a name of texts in \
         UTF-8, each kind of them once"
    )]
    Authority,
    /// The authority's key does not belong to its certificate.
    #[error("the authority's private key does not belong to the first certificate of its file")]
    OtherKey,
    #[error(
        "it would be valid until {until}, but the authority is valid until {authority} only: ask for a shorter time, or renew the authority"
    )]
    Outlives { until: OffsetDateTime, authority: OffsetDateTime },
}

/// The certificate of an authority, self-signed if there is no issuer. An issuer is the authority above it,
/// with its key.
pub(crate) fn authority(
    of: &Authority,
    key: &Key,
    issuer: Option<(&Authority, &Key)>,
) -> Result<Certificate, CertificateError> {
    let params = of_authority(of, key, issuer.map(|(_, key)| key));
    let certificate = match issuer {
        None => params.self_signed(key),
        Some((above, issuer)) => {
            let above = of_authority(above, issuer, None);
            params.signed_by(key, &Issuer::from_params(&above, issuer))
        }
    };
    certificate.map_err(|_| CertificateError::Unwritable)
}

/// Parameters of an authority's certificate. A root may have authorities below it; the others may not.
fn of_authority(of: &Authority, key: &Key, issuer: Option<&Key>) -> CertificateParams {
    let below =
        if of.issuer.is_none() { BasicConstraints::Unconstrained } else { BasicConstraints::Constrained(0) };
    let mut params = params(key, &[(DnType::CommonName, &of.common_name)]);
    (params.not_before, params.not_after) =
        (date_time_ymd(FROM.0, FROM.1, FROM.2), date_time_ymd(UNTIL.0, UNTIL.1, UNTIL.2));
    params.is_ca = IsCa::Ca(below);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(serial(issuer.unwrap_or(key), key, of.common_name.as_bytes()));
    params
}

/// The certificate of a server or a client, signed by its authority, which may have a root above it.
pub(crate) fn leaf(
    of: &LeafCertificate,
    key: &Key,
    issuer_key: &Key,
    above: Option<(&Authority, &Key)>,
) -> Result<Certificate, CertificateError> {
    let mut params = params(key, &[(DnType::CommonName, &of.common_name)]);
    (params.not_before, params.not_after) =
        (date_time_ymd(FROM.0, FROM.1, FROM.2), date_time_ymd(UNTIL.0, UNTIL.1, UNTIL.2));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = match of.usage {
        CertificateUsage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        CertificateUsage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        CertificateUsage::Both => {
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
        }
    };
    let names = of.names.iter().map(|name| {
        Ok(match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into().map_err(|_| CertificateError::Unwritable)?),
        })
    });
    params.subject_alt_names = names.collect::<Result<_, CertificateError>>()?;
    let besides = std::iter::once(&of.common_name).chain(&of.names).fold(Vec::new(), |mut all, name| {
        all.extend_from_slice(&name.len().to_be_bytes());
        all.extend_from_slice(name.as_bytes());
        all
    });
    params.serial_number = Some(serial(issuer_key, key, &besides));
    let issuer = of_authority(&of.issuer, issuer_key, above.map(|(_, key)| key));
    params.signed_by(key, &Issuer::from_params(&issuer, issuer_key)).map_err(|_| CertificateError::Unwritable)
}

/// The subject of a client's certificate, and its validity.
pub(crate) struct Client<'a> {
    pub(crate) organization: &'a str,
    pub(crate) common_name: &'a str,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
}

/// The certificate of a client. The PEM holds the signing authority's own certificate first, then those above
/// it.
pub(crate) fn client(
    client: &Client<'_>,
    key: &Key,
    authority: &[u8],
    authority_key: &Key,
) -> Result<Certificate, CertificateError> {
    let first = bundle::certificates(authority).and_then(|all| all.into_iter().next());
    let first = first.ok_or(CertificateError::NoCertificate)?;
    let (_, read) = X509Certificate::from_der(&first).map_err(|_| CertificateError::NoCertificate)?;
    if &*read.public_key().subject_public_key.data != authority_key.public() {
        return Err(CertificateError::OtherKey);
    }
    // No verifier would take it once the authority has ended.
    let authority_until = read.validity().not_after.to_datetime();
    if client.not_after > authority_until {
        return Err(CertificateError::Outlives { until: client.not_after, authority: authority_until });
    }
    let issuer = Issuer::new(of_own(&read).ok_or(CertificateError::Authority)?, authority_key);
    let name = [(DnType::OrganizationName, client.organization), (DnType::CommonName, client.common_name)];
    let mut params = params(key, &name);
    (params.not_before, params.not_after) = (client.not_before, client.not_after);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let dates = [client.not_before.unix_timestamp(), client.not_after.unix_timestamp()];
    params.serial_number = Some(serial(authority_key, key, dates.map(i64::to_be_bytes).as_flattened()));
    let certificate = params.signed_by(key, &issuer).map_err(|_| CertificateError::Unwritable)?;
    // A verifier compares names byte by byte, although RFC 5280, 7.1 allows more, so the bytes must be equal.
    let written = X509Certificate::from_der(certificate.der()).map_err(|_| CertificateError::Unwritable)?;
    if written.1.issuer.as_raw() == read.subject.as_raw() {
        Ok(certificate)
    } else {
        Err(CertificateError::Authority)
    }
}

/// The name and the key identifier of an authority of the user's own.
fn of_own(certificate: &X509Certificate<'_>) -> Option<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for attribute in certificate.subject.iter_attributes() {
        let kind = DnType::CustomDnType(attribute.attr_type().iter()?.collect());
        let value = attribute.attr_value();
        let text = std::str::from_utf8(value.data).ok()?;
        params.distinguished_name.push(
            kind,
            match value.tag() {
                Tag::Utf8String => DnValue::Utf8String(text.to_owned()),
                Tag::PrintableString => DnValue::PrintableString(text.try_into().ok()?),
                Tag::Ia5String => DnValue::Ia5String(text.try_into().ok()?),
                _ => return None,
            },
        );
    }
    let key_id = certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0.to_vec()),
        _ => None,
    });
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_id?);
    Some(params)
}

fn params(key: &Key, name: &[(DnType, &str)]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, text) in name {
        params.distinguished_name.push(kind.clone(), *text);
    }
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_id(key));
    params
}

/// The leftmost 160 bits of the SHA-256 of the public key (RFC 7093, section 2, method 1).
fn key_id(key: &Key) -> Vec<u8> {
    Sha256::digest(key.public()).into_iter().take(20).collect()
}

/// A serial that follows from both keys and from the other data that distinguishes two certificates of them:
/// 127 bits, positive (RFC 5280, 4.1.2.2).
fn serial(issuer: &Key, key: &Key, besides: &[u8]) -> SerialNumber {
    let hash = Sha256::new()
        .chain_update(b"fmc certificate serial")
        .chain_update(issuer.public())
        .chain_update(key.public())
        .chain_update(besides)
        .finalize();
    let mut bytes: Vec<u8> = hash.into_iter().take(16).collect();
    if let Some(first) = bytes.first_mut() {
        // Not negative, and as long as every other serial.
        *first = *first & 0x7f | 0x40;
    }
    SerialNumber::from(bytes)
}
