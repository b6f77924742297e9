//! The root key: 32 bytes, and its text for people.

use std::fmt;
use std::str::FromStr;

use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

/// The beginning of a root key's text.
const PREFIX: &str = "fmc-root-key-";
/// The number of bytes in a key.
const LENGTH: usize = 32;
/// The number of bytes in a text's checksum.
const CHECK: usize = 4;
/// The number of hexadecimal digits in a text.
const DIGITS: usize = 2 * (LENGTH + CHECK);

/// The key from which a cloud's secrets are made.
///
/// Its text is `fmc-root-key-` with 72 hexadecimal digits: the 32 bytes, and 4 bytes of their SHA-256, so
/// that a cut or mistyped text does not become another key. `Debug` is redacted, there is no `Display`, and
/// the memory is overwritten on drop.
///
/// ```
/// use fmc_keys::RootKey;
///
/// let key = RootKey::from_bytes([7; 32]);
/// let text = key.to_text();
/// assert!(text.starts_with("fmc-root-key-0707"));
/// assert_eq!(text.parse::<RootKey>()?, key);
/// assert!(text[..text.len() - 1].parse::<RootKey>().is_err());
/// # Ok::<(), fmc_keys::RootKeyError>(())
/// ```
#[derive(Clone)]
pub struct RootKey(Zeroizing<[u8; LENGTH]>);

/// The reason why a text is not a root key. It contains nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootKeyError {
    /// The text is empty.
    #[error("read the root key: it is empty")]
    Empty,
    /// The text does not begin with `fmc-root-key-`.
    #[error("read the root key: it does not begin with `fmc-root-key-`{}", hint(*looks_like))]
    Prefix {
        /// The kind of text that it looks like instead.
        looks_like: Option<&'static str>,
    },
    /// The text has too few digits, or too many.
    #[error(
        "read the root key: `fmc-root-key-` has {DIGITS} hexadecimal digits after it, and here are {found}: {}",
        if *found < DIGITS { "a part is missing" } else { "something stands behind it" }
    )]
    Length {
        /// The number of digits.
        found: usize,
    },
    /// A character is not a digit.
    #[error("read the root key: character {at} after `fmc-root-key-` is not a hexadecimal digit (0-9, a-f)")]
    Digit {
        /// Its position, from 1.
        at: usize,
    },
    /// The checksum does not match the digits.
    #[error("read the root key: its checksum does not fit: a digit is wrong, or two are exchanged")]
    Checksum,
}

fn hint(looks_like: Option<&str>) -> String {
    looks_like.map(|what| format!(", and looks like {what}")).unwrap_or_default()
}

impl RootKey {
    /// A key of these bytes. They must be unpredictable, such as 32 bytes from the operating system's random
    /// source.
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The public sample key, for examples, tests and labs. **It is public**: secrets that are made from it
    /// protect nothing.
    pub fn sample() -> Self {
        Self::from_bytes(Sha256::digest(b"fmc: the public sample root key, which protects nothing").into())
    }

    /// Whether it is the public [`RootKey::sample`].
    pub fn is_sample(&self) -> bool {
        *self == Self::sample()
    }

    /// Its text. The caller must write it only to the place where it belongs.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + DIGITS));
        text.push_str(PREFIX);
        for byte in self.0.iter().chain(&checksum(&self.0)) {
            for nibble in [byte >> 4, byte & 0xf] {
                text.extend(char::from_digit(nibble.into(), 16));
            }
        }
        text
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

/// Reads a key from its text; blanks and line breaks around the text are ignored.
impl FromStr for RootKey {
    type Err = RootKeyError;

    fn from_str(text: &str) -> Result<Self, RootKeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(RootKeyError::Empty);
        }
        let digits =
            text.strip_prefix(PREFIX).ok_or_else(|| RootKeyError::Prefix { looks_like: looks_like(text) })?;
        for (at, digit) in (1..).zip(digits.chars()) {
            if !digit.is_ascii_hexdigit() {
                return Err(RootKeyError::Digit { at });
            }
        }
        if digits.len() != DIGITS {
            return Err(RootKeyError::Length { found: digits.len() });
        }
        let mut bytes = Zeroizing::new([0; LENGTH + CHECK]);
        let pairs = digits.as_bytes().chunks_exact(2);
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            *byte = pair.iter().filter_map(|digit| value(*digit)).fold(0, |byte, value| byte << 4 | value);
        }
        let (key, check) = bytes.split_at(LENGTH);
        let mut found = Zeroizing::new([0; LENGTH]);
        found.copy_from_slice(key);
        if check != checksum(&found) {
            return Err(RootKeyError::Checksum);
        }
        Ok(Self(found))
    }
}

/// The comparison takes the same time for all bytes.
impl PartialEq for RootKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0.iter()).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
    }
}

impl Eq for RootKey {}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_sample() { "RootKey(the public sample)" } else { "RootKey(redacted)" })
    }
}

/// A hash for checksums alone, so that it reveals nothing about other hashes and derived bytes.
fn checksum(key: &[u8; LENGTH]) -> [u8; CHECK] {
    let hash: [u8; 32] =
        Sha256::new().chain_update(b"fmc root key checksum").chain_update(key).finalize().into();
    let mut check = [0; CHECK];
    check.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    check
}

fn looks_like(text: &str) -> Option<&'static str> {
    if text.starts_with("-----BEGIN") {
        Some("PEM: a root key is not a certificate or a private key")
    } else if text.starts_with("K10") {
        Some("a token of K3s, which is made from a root key")
    } else if text.starts_with("ssh-") {
        Some("an SSH key")
    } else if text.contains(PREFIX) {
        Some("a line with more than the key")
    } else if text.to_ascii_lowercase().starts_with(PREFIX) {
        Some("one in capitals: its beginning is in lower case")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written() {
        for key in [RootKey::sample(), RootKey::from_bytes([0; 32]), RootKey::from_bytes([0xa5; 32])] {
            let text = key.to_text();
            assert_eq!(text.len(), PREFIX.len() + DIGITS);
            assert_eq!(text.parse::<RootKey>().unwrap(), key);
            assert_eq!(format!(" {}\n", text.as_str()).parse::<RootKey>().unwrap(), key);
            assert_eq!(text.to_uppercase().replace("FMC-ROOT-KEY-", PREFIX).parse::<RootKey>().unwrap(), key);
        }
        assert!(RootKey::sample().is_sample() && !RootKey::from_bytes([1; 32]).is_sample());
    }

    #[test]
    fn a_text_that_was_cut_or_mistyped_is_no_other_key() {
        let text = RootKey::from_bytes([0x1b; 32]).to_text();
        let why = |text: &str| text.parse::<RootKey>().unwrap_err();
        for end in 0..text.len() {
            let why = why(&text[..end]);
            assert!(!why.to_string().contains("1b1b"), "{why}");
        }
        for at in PREFIX.len()..text.len() {
            let mut changed = text.to_string();
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            changed.replace_range(at..=at, other);
            assert_eq!(why(&changed), RootKeyError::Checksum, "{at}");
        }
        assert_eq!(
            why(&text[..text.len() - 2]).to_string(),
            "read the root key: `fmc-root-key-` has 72 hexadecimal digits after it, and here are 70: a part is missing"
        );
        assert_eq!(why(&(text.to_string() + "00")), RootKeyError::Length { found: 74 });
        assert_eq!(why(&text.replace("1b1b1b", "1b1x1b")), RootKeyError::Digit { at: 4 });
        assert_eq!(why(" \n"), RootKeyError::Empty);
        for (text, words) in [
            ("hunter2", "does not begin with `fmc-root-key-`"),
            ("-----BEGIN EC PRIVATE KEY-----", "looks like PEM"),
            ("K10abc::server:x", "a token of K3s"),
            ("ssh-ed25519 AAAA", "an SSH key"),
            ("FMC_ROOT_KEY=fmc-root-key-00", "a line with more than the key"),
            ("FMC-ROOT-KEY-00", "lower case"),
        ] {
            let why = why(text).to_string();
            assert!(why.contains(words) && !why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn nobody_sees_a_key_by_accident() {
        let key = RootKey::from_bytes([0x42; 32]);
        assert_eq!(format!("{key:?} {:#?}", Some(&key)).matches("redacted").count(), 2);
        assert!(!format!("{key:?}").contains("42"));
    }
}
