//! Keys on P-256 that sign by ECDSA with the nonces of RFC 6979, through the trait that `rcgen` asks for.

use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::{DecodePrivateKey as _, LineEnding};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use secrecy::zeroize::Zeroizing;

/// A private key that signs certificates. The memory of its number is overwritten on drop.
pub(crate) struct Key {
    signing: SigningKey,
    /// The point, uncompressed: SEC 1, 2.3.3.
    public: Vec<u8>,
}

impl Key {
    /// Reads a key of P-256 from PEM: `EC PRIVATE KEY` (SEC 1) or `PRIVATE KEY` (PKCS #8). `None` for any
    /// other.
    pub(crate) fn from_pem(pem: &str) -> Option<Self> {
        SecretKey::from_sec1_pem(pem).ok().or_else(|| SecretKey::from_pkcs8_pem(pem).ok()).map(Self::from)
    }

    /// The point in the form of SubjectPublicKeyInfo.
    pub(crate) fn public(&self) -> &[u8] {
        &self.public
    }
}

impl From<SecretKey> for Key {
    fn from(key: SecretKey) -> Self {
        let public = key.public_key().to_sec1_point(false).as_bytes().to_vec();
        Self { signing: key.into(), public }
    }
}

/// The PEM of a private key in the form of SEC 1.
pub(crate) fn to_pem(key: &SecretKey) -> Option<Zeroizing<String>> {
    key.to_sec1_pem(LineEnding::LF).ok()
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: DerSignature =
            self.signing.try_sign(message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::Signature;
    use p256::pkcs8::EncodePrivateKey as _;
    use rcgen::SigningKey as _;

    use super::*;

    fn key(text: &str) -> SecretKey {
        let bytes: Vec<u8> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        SecretKey::from_slice(&bytes).unwrap()
    }

    fn rfc() -> SecretKey {
        key("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
    }

    /// RFC 6979, appendix A.2.5: P-256 with SHA-256.
    #[test]
    fn signatures_are_those_of_rfc_6979() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        let cases = [
            (
                "sample",
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
            (
                "test",
                "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
                "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
            ),
        ];
        for (message, r, s) in cases {
            let der = Key::from(rfc()).sign(message.as_bytes()).unwrap();
            let signature = Signature::from_der(&der).unwrap();
            let (found_r, found_s) = signature.split_bytes();
            assert_eq!((hex(&found_r), hex(&found_s)), (r.to_owned(), s.to_owned()), "{message}");
        }
        let public = "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
                      7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";
        assert_eq!(hex(Key::from(rfc()).public()), public);
    }

    #[test]
    fn both_forms_of_pem_are_read() {
        let sec1 = to_pem(&rfc()).unwrap();
        assert!(sec1.starts_with("-----BEGIN EC PRIVATE KEY-----\n"), "{}", sec1.len());
        let pkcs8 = rfc().to_pkcs8_pem(LineEnding::LF).unwrap();
        for pem in [sec1.as_str(), pkcs8.as_str()] {
            assert_eq!(Key::from_pem(pem).unwrap().public(), Key::from(rfc()).public());
        }
        assert!(Key::from_pem("-----BEGIN RSA PRIVATE KEY-----").is_none() && Key::from_pem("").is_none());
    }
}
