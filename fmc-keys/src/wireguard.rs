//! Keys of `WireGuard`: 32 bytes as base64, as wg(8) reads and writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use curve25519_dalek::MontgomeryPoint;
use curve25519_dalek::scalar::clamp_integer;
use secrecy::zeroize::Zeroizing;

/// A private key of random bytes: they are clamped (RFC 7748, section 5), as `wg genkey` does.
pub(crate) fn private(bytes: &[u8; 32]) -> Zeroizing<String> {
    text(&Zeroizing::new(clamp_integer(*bytes)))
}

/// The public key of a private one, as `wg pubkey` makes it; `None` if that is no key.
pub(crate) fn public(private: &[u8]) -> Option<String> {
    let bytes = Zeroizing::new(BASE64.decode(private.trim_ascii()).ok()?);
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.as_slice().try_into().ok()?);
    Some(BASE64.encode(MontgomeryPoint::mul_base_clamped(*key).as_bytes()))
}

/// The text of 32 bytes.
pub(crate) fn text(bytes: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(BASE64.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key that `wg genkey` made, and what `wg pubkey` said of it. `tests/roles/` asks the program itself.
    #[test]
    fn keys_are_those_of_wg() {
        let made = "AGUEjEAhNEc9dUsH2gYsMU2rguJEk5Xzs1OG/wTnmEo=";
        assert_eq!(public(made.as_bytes()).as_deref(), Some("AEIupAZymRLN96WPt8sGxPI2IFKOM8zUuAtKN6gu7xg="));
        let bytes: [u8; 32] = BASE64.decode(made).unwrap().try_into().unwrap();
        assert_eq!(*private(&bytes), made, "what is clamped stays as it is");
        let ones = BASE64.decode(&*private(&[0xff; 32])).unwrap();
        assert_eq!((ones[0], ones[31]), (0xf8, 0x7f));
    }

    #[test]
    fn what_is_no_key_has_no_public_one() {
        for wrong in ["", "AAAA", "not base64", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(public(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
