//! SSH public keys.
//!
//! The crate `ssh-key` reads them too. Its stable release (0.6) depends on major versions of hashes and
//! curves that nothing else here uses, and 0.7 is a release candidate (0.7.0-rc.12). It can replace this file
//! when 0.7 is stable.

#[cfg(test)]
mod tests;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::text::Text;

/// A public key as in a line of `authorized_keys`: algorithm, key, and optionally a comment; options are
/// refused.
///
/// The numbers inside the key are checked (RFC 4253 §6.6 for RSA, RFC 5656 §3.1 for ECDSA, RFC 8709 §4 for
/// Ed25519, OpenSSH's PROTOCOL.u2f for keys on a token), so that a truncated paste is a finding here and not
/// a machine without a login. DSA, and RSA below 2048 bits, are refused; so is a private key, which is never
/// shown.
///
/// ```
/// use fmc_core::ssh::SshKey;
///
/// let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM  ops@first\n";
/// let key: SshKey = line.parse().unwrap();
/// assert_eq!(key.algorithm(), "ssh-ed25519");
/// assert_eq!(key.comment(), Some("ops@first"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SshKey(Text);

impl SshKey {
    /// The whole line, with one space between its parts.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The algorithm: `ssh-ed25519`.
    pub fn algorithm(&self) -> &str {
        self.part(0).unwrap_or_default()
    }

    /// The key in base64, which alone identifies the key.
    pub fn base64(&self) -> &str {
        self.part(1).unwrap_or_default()
    }

    /// The comment.
    pub fn comment(&self) -> Option<&str> {
        self.part(2)
    }

    fn part(&self, index: usize) -> Option<&str> {
        self.as_str().splitn(3, ' ').nth(index)
    }
}

impl fmt::Display for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl AsRef<str> for SshKey {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Leaf for SshKey {
    const WHAT: &'static str = "SSH public key";
    const EXAMPLE: &'static str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@first";

    fn parse(text: &str) -> Result<Self, LeafError> {
        refuse_private(text)?;
        let line = one_line(text)?;
        let (algorithm, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let Some(kind) = Kind::of(algorithm) else { return Err(unknown(algorithm, rest)) };
        let rest = rest.trim_start();
        let (base64, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let blob = STANDARD.decode(base64).map_err(|_| {
            LeafError::new("its second part is not base64: copy the whole line of the .pub file, unbroken")
        })?;
        kind.read(algorithm, &blob)?;
        let comment = comment.trim_start();
        if comment.chars().any(char::is_control) {
            return Err(LeafError::new("its comment has a control character: leave it out"));
        }
        let space = if comment.is_empty() { "" } else { " " };
        Ok(Self(Text::shared(&format!("{algorithm} {base64}{space}{comment}"))))
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        let pattern = "^(sk-)?(ssh|ecdsa)-[a-z0-9-]+(@openssh\\.com)?[ \\t]+[A-Za-z0-9+/]+={0,2}([ \\t].*)?$";
        crate::given::text_schema::<Self>(Some(pattern), None)
    }
}

leaf_traits!(SshKey);

/// The content of the key after the algorithm's name.
#[derive(Clone, Copy)]
enum Kind {
    Ed25519,
    Rsa,
    /// The curve, and the bytes of an uncompressed point on it.
    Ecdsa(&'static str, usize),
    SkEd25519,
    SkEcdsa,
}

impl Kind {
    fn of(algorithm: &str) -> Option<Self> {
        Some(match algorithm {
            "ssh-ed25519" => Self::Ed25519,
            "ssh-rsa" => Self::Rsa,
            "ecdsa-sha2-nistp256" => Self::Ecdsa("nistp256", 65),
            "ecdsa-sha2-nistp384" => Self::Ecdsa("nistp384", 97),
            "ecdsa-sha2-nistp521" => Self::Ecdsa("nistp521", 133),
            "sk-ssh-ed25519@openssh.com" => Self::SkEd25519,
            "sk-ecdsa-sha2-nistp256@openssh.com" => Self::SkEcdsa,
            _ => return None,
        })
    }

    fn read(self, algorithm: &str, blob: &[u8]) -> Result<(), LeafError> {
        let mut wire = Wire(blob);
        let inner = wire.string()?;
        if inner != algorithm.as_bytes() {
            let inner = String::from_utf8_lossy(inner);
            return Err(LeafError::new(format!("it says {algorithm}, but the key inside is of {inner:?}")));
        }
        match self {
            Self::Ed25519 => wire.sized(32)?,
            Self::Rsa => rsa(&mut wire)?,
            Self::Ecdsa(curve, point) => ecdsa(&mut wire, curve, point)?,
            Self::SkEd25519 => {
                wire.sized(32)?;
                wire.string()?;
            }
            Self::SkEcdsa => {
                ecdsa(&mut wire, "nistp256", 65)?;
                wire.string()?;
            }
        }
        if wire.0.is_empty() {
            Ok(())
        } else {
            Err(LeafError::new("the key has bytes after its end: copy it again"))
        }
    }
}

/// The strings of the SSH wire format: a length in four bytes, then so many bytes (RFC 4251 §5).
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    fn string(&mut self) -> Result<&'a [u8], LeafError> {
        let truncated =
            || LeafError::new("the key ends too early: copy the whole line of the .pub file, unbroken");
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or_else(truncated)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| truncated())?;
        let (string, rest) = rest.split_at_checked(length).ok_or_else(truncated)?;
        self.0 = rest;
        Ok(string)
    }

    fn sized(&mut self, expected: usize) -> Result<(), LeafError> {
        let found = self.string()?.len();
        if found == expected {
            return Ok(());
        }
        Err(LeafError::new(format!("the key has {found} bytes, not {expected}: copy it again")))
    }

    /// A positive integer, without its leading zero byte.
    fn positive(&mut self) -> Result<&'a [u8], LeafError> {
        match self.string()? {
            [] | [0x80..=0xff, ..] | [0] | [0, ..=0x7f, ..] => {
                Err(LeafError::new("the key's numbers are not well formed"))
            }
            [0, number @ ..] | number => Ok(number),
        }
    }
}

fn rsa(wire: &mut Wire<'_>) -> Result<(), LeafError> {
    wire.positive()?;
    let modulus = wire.positive()?;
    let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    match modulus.len() * 8 - unused {
        2048..=16384 => Ok(()),
        bits => Err(LeafError::new(format!(
            "it is an RSA key of {bits} bits, and 2048 to 16384 are accepted: make one with `ssh-keygen -t ed25519`"
        ))),
    }
}

fn ecdsa(wire: &mut Wire<'_>, curve: &str, point: usize) -> Result<(), LeafError> {
    let inner = wire.string()?;
    if inner != curve.as_bytes() {
        let inner = String::from_utf8_lossy(inner);
        return Err(LeafError::new(format!("it says {curve}, but the key inside is on the curve {inner:?}")));
    }
    match wire.string()? {
        // 4 marks an uncompressed point, the only form that OpenSSH reads (SEC 1 §2.3.3).
        q @ [4, ..] if q.len() == point => Ok(()),
        _ => Err(LeafError::new(format!("the key is not a point of {curve}: copy it again"))),
    }
}

fn refuse_private(text: &str) -> Result<(), LeafError> {
    // The last entry is the start of the base64 of OpenSSH's private keys, pasted without the lines around
    // it.
    let private = ["PRIVATE KEY", "PuTTY-User-Key-File", "b3BlbnNzaC1rZXktdj"];
    // Every DER sequence begins like this in base64, and a line of a .pub file never does.
    let der = text.split_whitespace().next().is_some_and(|word| word.starts_with("MI") && word.len() >= 40);
    if der || private.iter().any(|mark| text.contains(mark)) {
        return Err(LeafError::new(
            "it is a private key, which no machine may get: give the .pub file beside it",
        )
        .hiding("(a private key, not shown)"));
    }
    Ok(())
}

fn one_line(text: &str) -> Result<&str, LeafError> {
    // Not shown, because the middle of a private key cannot be recognised.
    let hidden = |why: &str| Err(LeafError::new(why).hiding("(several lines, not shown)"));
    if text.contains("BEGIN PUBLIC KEY")
        || text.contains("BEGIN SSH2 PUBLIC KEY")
        || text.contains("BEGIN RSA PUBLIC KEY")
    {
        return hidden("it is not in OpenSSH's form: convert it with `ssh-keygen -i`");
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (lines.next(), lines.next()) {
        (None, _) => Err(LeafError::new("it is empty: give the one line of a .pub file")),
        (Some(line), None) => Ok(line),
        (Some(_), Some(_)) => hidden("it has more than one line: give every key by itself"),
    }
}

fn unknown(algorithm: &str, rest: &str) -> LeafError {
    let advice = "make one with `ssh-keygen -t ed25519`";
    if rest.split_whitespace().any(|word| Kind::of(word).is_some()) {
        return LeafError::new("it has options before the key: give algorithm, key and comment alone");
    }
    if algorithm == "ssh-dss" {
        return LeafError::new(format!("it is a DSA key, which OpenSSH refuses: {advice}"));
    }
    if algorithm.contains("-cert-v01@") {
        return LeafError::new("it is a certificate: give the .pub file without -cert in its name");
    }
    let why = format!("it does not begin with an algorithm that OpenSSH accepts, as ssh-ed25519: {advice}");
    // A long word may be a piece of a private key.
    if algorithm.len() > 60 {
        LeafError::new(why).hiding("(a long text, not shown)")
    } else {
        LeafError::new(why)
    }
}
