//! Bytes from the root key: HKDF with SHA-256 (RFC 5869).

use fmc_core::name::{OwnerId, SecretName};
use fmc_core::secret::{Derivation, RootKeyCheck, SecretScope};
use hkdf::Hkdf;
use p256::SecretKey;
use secrecy::zeroize::Zeroizing;
use sha2::Sha256;

use crate::root::RootKey;

/// The salt of HKDF. It names the purpose of these keys and the version of the derivation.
const fn salt(derivation: Derivation) -> &'static [u8] {
    match derivation {
        Derivation::V1 => b"fmc secrets 1",
        _ => b"fmc secrets 2",
    }
}

/// The purpose of derived bytes. It is part of HKDF's info, so that a password and a key of one name have
/// nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Password,
    Token,
    PrivateKey,
    SshHostKey,
    SshCheck,
    ScramSalt,
    WireguardKey,
    WireguardPair,
}

impl Purpose {
    const fn text(self) -> &'static [u8] {
        match self {
            Self::Password => b"password",
            Self::Token => b"token",
            Self::PrivateKey => b"private-key",
            Self::SshHostKey => b"ssh-host-key",
            Self::SshCheck => b"ssh-check",
            Self::ScramSalt => b"scram-salt",
            Self::WireguardKey => b"wireguard-key",
            Self::WireguardPair => b"wireguard-pair",
        }
    }
}

/// What tells a root key of an owner from another one. Its salt is that of no secret, so that it says nothing of any.
pub(crate) fn check(key: &RootKey, owner: &OwnerId) -> Option<RootKeyCheck> {
    let mut bytes = [0; 8];
    let own = Hkdf::<Sha256>::new(Some(b"fmc root key check 1"), key.bytes());
    own.expand(owner.as_str().as_bytes(), &mut bytes).ok()?;
    Some(RootKeyCheck::of(bytes))
}

/// Derives the bytes of secrets from their name and generation, and from whose they are.
pub(crate) struct Deriver {
    key: Hkdf<Sha256>,
    /// The owner with a NUL; empty in the first derivation.
    owner: String,
}

impl Deriver {
    pub(crate) fn new(key: &RootKey, scope: &SecretScope) -> Self {
        let owner = scope.owner().map(|owner| format!("{owner}\0")).unwrap_or_default();
        Self { key: Hkdf::new(Some(salt(scope.derivation())), key.bytes()), owner }
    }

    /// Bytes for a purpose; another attempt gives others. `None` only for more than 8160 bytes, HKDF's limit.
    pub(crate) fn bytes<const N: usize>(
        &self,
        purpose: Purpose,
        name: &SecretName,
        generation: u32,
        attempt: u8,
    ) -> Option<Zeroizing<[u8; N]>> {
        let mut bytes = Zeroizing::new([0; N]);
        // Neither an owner nor a name contains a NUL, so two infos are never equal.
        let (owner, name) = (self.owner.as_bytes(), name.as_str().as_bytes());
        let info = [purpose.text(), b"\0", owner, name, b"\0", &generation.to_be_bytes(), &[attempt]];
        self.key.expand_multi_info(&info, &mut *bytes).ok()?;
        Some(bytes)
    }

    /// A private key on P-256: the first attempt that is a number from 1 to the order minus 1 (FIPS 186-5,
    /// A.2.2). One attempt in 2^32 fails; `None` would take 256 failures in a row.
    pub(crate) fn private_key(&self, name: &SecretName, generation: u32) -> Option<SecretKey> {
        first_key(|attempt| self.bytes(Purpose::PrivateKey, name, generation, attempt))
    }

    /// 32 letters and digits, the first a letter.
    pub(crate) fn password(&self, name: &SecretName, generation: u32) -> Option<Zeroizing<Vec<u8>>> {
        const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const LENGTH: usize = 32;
        // Reserved at once, because growing would leave copies in freed memory.
        let mut password = Zeroizing::new(Vec::with_capacity(LENGTH));
        for attempt in 0..=u8::MAX {
            let bytes = self.bytes::<64>(Purpose::Password, name, generation, attempt)?;
            for byte in bytes.iter() {
                let most = if password.is_empty() { 52 } else { LETTERS.len() };
                // Bytes from the greatest multiple on are skipped, so that every letter is equally likely.
                let byte = usize::from(*byte);
                if let Some(letter) = LETTERS.get(byte % most).filter(|_| byte < 256 / most * most) {
                    password.push(*letter);
                }
                if password.len() == LENGTH {
                    return Some(password);
                }
            }
        }
        None
    }
}

fn first_key(bytes: impl Fn(u8) -> Option<Zeroizing<[u8; 32]>>) -> Option<SecretKey> {
    (0..=u8::MAX).map_while(bytes).find_map(|candidate| SecretKey::from_slice(&*candidate).ok())
}

#[cfg(test)]
mod tests {
    use fmc_core::name::OwnerId;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn scope(owner: &'static str) -> SecretScope {
        SecretScope::of(OwnerId::literal(owner))
    }

    /// RFC 5869, appendix A: cases 1 to 3.
    #[test]
    fn hkdf_is_that_of_rfc_5869() {
        let range = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
        let cases = [
            (
                vec![0x0b; 22],
                range(0x00, 0x0c),
                range(0xf0, 0xf9),
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            ),
            (
                range(0x00, 0x4f),
                range(0x60, 0xaf),
                range(0xb0, 0xff),
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da327560\
                 0c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
            ),
            (
                vec![0x0b; 22],
                Vec::new(),
                Vec::new(),
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            ),
        ];
        for (key, salt, info, expected) in cases {
            let mut found = vec![0; expected.len() / 2];
            Hkdf::<Sha256>::new(Some(&salt), &key).expand(&info, &mut found).unwrap();
            assert_eq!(found, bytes(expected));
        }
    }

    #[test]
    fn every_part_of_the_info_counts() {
        let name = SecretName::literal("key");
        let other = SecretName::literal("keys");
        let deriver = Deriver::new(&RootKey::sample(), &scope("shop"));
        let strange = Deriver::new(&RootKey::from_bytes([1; 32]), &scope("shop"));
        let of = |deriver: &Deriver, purpose, name, generation, attempt| {
            deriver.bytes::<32>(purpose, name, generation, attempt).unwrap().to_vec()
        };
        let all = std::collections::BTreeSet::from([
            of(&deriver, Purpose::Password, &name, 1, 0),
            of(&deriver, Purpose::Token, &name, 1, 0),
            of(&deriver, Purpose::Token, &other, 1, 0),
            of(&deriver, Purpose::Token, &name, 2, 0),
            of(&deriver, Purpose::Token, &name, 1, 1),
            of(&strange, Purpose::Token, &name, 1, 0),
        ]);
        assert_eq!(all.len(), 6);
        assert!(all.contains(&of(&deriver, Purpose::Token, &name, 2, 0)), "twice the same");
    }

    #[test]
    fn owners_have_nothing_in_common_but_in_the_first_derivation() {
        let token = |scope: &SecretScope| {
            let deriver = Deriver::new(&RootKey::sample(), scope);
            let bytes = deriver.bytes::<32>(Purpose::Token, &SecretName::literal("k3s-prod-token"), 1, 0);
            fmc_core::digest::hex(&*bytes.unwrap())
        };
        let first = |owner| token(&SecretScope::new(OwnerId::literal(owner), Derivation::V1));
        assert_eq!(first("shop"), first("shop-lab"));
        assert_eq!(
            first("shop"),
            "769fb9332dff827481085afd96aeb8f82ad98284e9cedf83e518aef350ab04fd",
            "a running cluster keeps its token"
        );
        let all = std::collections::BTreeSet::from([
            first("shop"),
            token(&scope("shop")),
            token(&scope("shop-lab")),
            token(&scope("sho")),
        ]);
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn what_is_no_key_is_passed_over() {
        let order = bytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
        let order: [u8; 32] = order.try_into().unwrap();
        let mut below = order;
        below[31] -= 1;
        let candidates = [[0; 32], [0xff; 32], order, below];
        let key =
            first_key(|attempt| candidates.get(usize::from(attempt)).map(|bytes| Zeroizing::new(*bytes)));
        assert_eq!(key.unwrap().to_bytes().as_slice(), below);
        assert!(first_key(|_| Some(Zeroizing::new([0; 32]))).is_none());
    }

    #[test]
    fn passwords_are_letters_and_digits_of_every_kind() {
        let deriver = Deriver::new(&RootKey::sample(), &scope("shop"));
        let mut seen = std::collections::BTreeSet::new();
        for generation in 0..200 {
            let password = deriver.password(&SecretName::literal("p"), generation).unwrap();
            assert_eq!(password.len(), 32);
            assert!(password[0].is_ascii_alphabetic() && password.iter().all(u8::is_ascii_alphanumeric));
            seen.extend(password.iter().copied());
        }
        assert_eq!(seen.len(), 62);
    }
}
