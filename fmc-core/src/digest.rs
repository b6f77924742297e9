//! Digests of contents: SHA-256 and SHA-512.

use std::fmt;

use sha2::{Digest as _, Sha256, Sha512};

use crate::given::{Leaf, LeafError, leaf_traits};

/// A digest of a content with its algorithm: `sha256:` or `sha512:` and hexadecimal digits. It also reads
/// `sha256-` (Ignition's form) and upper-case digits.
///
/// ```
/// use fmc_core::digest::Digest;
///
/// let digest = Digest::sha256(b"abc");
/// assert_eq!(digest.short(), "ba7816bf8f01cfea");
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// SHA-256 (FIPS 180-4).
    Sha256([u8; 32]),
    /// SHA-512 (FIPS 180-4).
    Sha512([u8; 64]),
}

impl Digest {
    /// The SHA-256 of a content.
    pub fn sha256(content: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(content).into())
    }

    /// The SHA-512 of a content.
    pub fn sha512(content: &[u8]) -> Self {
        Self::Sha512(Sha512::digest(content).into())
    }

    /// `sha256` or `sha512`.
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha512(_) => "sha512",
        }
    }

    /// The bytes: 32 or 64.
    pub const fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// All hexadecimal digits: 64 or 128, in lower case.
    pub fn hex(&self) -> String {
        hex(self.bytes())
    }

    /// The first 16 hexadecimal digits, 64 bits: enough to distinguish the contents of one cloud in a name.
    pub fn short(&self) -> String {
        self.bytes().first_chunk::<8>().map(|bytes| hex(bytes)).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl Leaf for Digest {
    const WHAT: &'static str = "digest";
    const EXAMPLE: &'static str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if let Some(digits) = after(text, "sha256") {
            return unhex(digits).map(Self::Sha256);
        }
        if let Some(digits) = after(text, "sha512") {
            return unhex(digits).map(Self::Sha512);
        }
        Err(match text.len() {
            64 => LeafError::mending(format!("its algorithm is missing: write sha256:{text}")),
            128 => LeafError::mending(format!("its algorithm is missing: write sha512:{text}")),
            _ => LeafError::new("it has neither sha256: nor sha512: before its hexadecimal digits"),
        })
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        let pattern = "^(sha256[:-][0-9A-Fa-f]{64}|sha512[:-][0-9A-Fa-f]{128})$";
        crate::given::text_schema::<Self>(Some(pattern), None)
    }
}

leaf_traits!(Digest);

fn after<'a>(text: &'a str, algorithm: &str) -> Option<&'a str> {
    text.strip_prefix(algorithm)?.strip_prefix([':', '-'])
}

/// Bytes in hexadecimal digits, in lower case.
///
/// ```
/// assert_eq!(fmc_core::digest::hex(&[0x0a, 0xff]), "0aff");
/// ```
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    bytes.iter().for_each(|byte| push_hex(&mut text, *byte));
    text
}

/// Adds the two digits of a byte: several times as fast as `write!`, which matters because every document has
/// hundreds.
pub(crate) fn push_hex(text: &mut String, byte: u8) {
    let digits = [byte >> 4, byte & 0xf].map(|nibble| char::from_digit(nibble.into(), 16));
    text.extend(digits.into_iter().flatten());
}

fn unhex<const N: usize>(digits: &str) -> Result<[u8; N], LeafError> {
    let nibble = |digit: char| digit.to_digit(16).and_then(|value| u8::try_from(value).ok());
    if let Some((at, wrong)) = digits.chars().enumerate().find(|(_, digit)| nibble(*digit).is_none()) {
        return Err(LeafError::new(format!("{wrong:?} (digit {}) is not a hexadecimal digit", at + 1)));
    }
    let nibbles: Vec<u8> = digits.chars().filter_map(nibble).collect();
    if nibbles.len() != 2 * N {
        let found = nibbles.len();
        return Err(LeafError::new(format!(
            "it has {found} hexadecimal digits after its algorithm, not {}",
            2 * N
        )));
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(nibbles.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, nibble| byte << 4 | nibble);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn known_answers() {
        // FIPS 180-4, examples of the message "abc".
        assert_eq!(Digest::sha256(b"abc").to_string(), Digest::EXAMPLE);
        assert_eq!(
            Digest::sha512(b"abc").hex(),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        );
    }

    #[test]
    fn other_spellings_are_the_same_digest() {
        let digest = Digest::sha256(b"abc");
        let hex = digest.hex();
        for text in [format!("sha256-{hex}"), format!("sha256:{}", hex.to_uppercase())] {
            assert_eq!(Digest::parse(&text), Ok(digest));
        }
    }

    #[test]
    fn what_is_refused_and_why() {
        let (hex256, hex512) = (Digest::sha256(b"").hex(), Digest::sha512(b"").hex());
        let cases = [
            (String::new(), "neither sha256: nor sha512:".to_owned()),
            ("md5:d41d8cd98f00b204e9800998ecf8427e".to_owned(), "neither sha256: nor sha512:".to_owned()),
            (hex256.clone(), format!("write sha256:{hex256}")),
            (hex512.clone(), format!("write sha512:{hex512}")),
            (
                format!("sha512:{hex256}"),
                "it has 64 hexadecimal digits after its algorithm, not 128".to_owned(),
            ),
            (
                format!("sha256:{hex256}0"),
                "it has 65 hexadecimal digits after its algorithm, not 64".to_owned(),
            ),
            ("sha256:xyz".to_owned(), "'x' (digit 1) is not a hexadecimal digit".to_owned()),
            ("sha256:".to_owned(), "it has 0 hexadecimal digits".to_owned()),
        ];
        for (text, why) in cases {
            let error = Digest::parse(&text).unwrap_err();
            assert!(error.why().contains(&why), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(content: Vec<u8>) {
            for digest in [Digest::sha256(&content), Digest::sha512(&content)] {
                reads_back(&digest);
                prop_assert!(digest.hex().starts_with(&digest.short()));
            }
        }
    }
}
