//! SSH host keys: OpenSSH's own format (OpenSSH, `PROTOCOL.key`), public lines, `known_hosts`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use fmc_core::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use secrecy::zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const ED25519: &[u8] = b"ssh-ed25519";
/// The characters of a line of base64, as `ssh-keygen` writes it.
const LINE: usize = 70;
/// Longer than any key's file. Buffers with secrets never grow, because growing leaves copies in freed
/// memory.
const ROOM: usize = 1024;

/// The file of a private ed25519 key without a passphrase. OpenSSH draws the check number at random to
/// recognise a wrong passphrase. Here the caller gives it, so that the same key gives the same file.
pub(crate) fn private_file(seed: &[u8; 32], check: [u8; 4], comment: &str) -> Zeroizing<Vec<u8>> {
    let key = SigningKey::from_bytes(seed);
    let public = key.verifying_key().to_bytes();
    let blob = public_blob(&public);

    let mut private = Writer::new();
    private.raw(&check).raw(&check).string(ED25519).string(&public);
    private.string(&*Zeroizing::new(key.to_keypair_bytes())).string(comment.as_bytes());
    let mut pad = 1;
    while !private.0.len().is_multiple_of(8) {
        private.raw(&[pad]);
        pad += 1;
    }

    let mut whole = Writer::new();
    whole.raw(MAGIC).string(b"none").string(b"none").string(b"").raw(&1_u32.to_be_bytes());
    whole.string(&blob).string(&private.0);
    pem(&whole.0)
}

/// The public line of a private key's file of any kind, because the file holds the public part unencrypted.
/// `None` if the file is not in OpenSSH's format.
pub(crate) fn public_line(private: &[u8], comment: &str) -> Option<String> {
    let text = std::str::from_utf8(private).ok()?.trim();
    let body = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    let bytes = Zeroizing::new(BASE64.decode(body.as_bytes()).ok()?);
    let mut rest = bytes.strip_prefix(MAGIC)?;
    for _cipher_and_kdf in 0..3 {
        string(&mut rest)?;
    }
    let (keys, mut rest) = rest.split_at_checked(4)?;
    if keys != 1_u32.to_be_bytes() {
        return None;
    }
    let blob = string(&mut rest)?;
    let kind = string(&mut &*blob).and_then(|kind| std::str::from_utf8(kind).ok())?;
    Some(format!("{kind} {} {comment}\n", BASE64.encode(blob)))
}

/// The text of a `known_hosts`: a line per host with its names and addresses, in the given order, such as
/// `web,10.17.3.10 ssh-ed25519 AAAA…`. The keys are private ones, generated or the user's own.
///
/// ```
/// use std::sync::Arc;
///
/// use fmc_core::name::OwnerId;
/// use fmc_core::secret::{NoSecrets, SecretRef, SecretScope};
/// use fmc_keys::{Keyring, RootKey, known_hosts};
///
/// let keyring = Keyring::new(RootKey::sample(), &SecretScope::of(OwnerId::literal("shop")), Arc::new(NoSecrets));
/// let web = SecretRef::ssh_host_key("web", 1);
/// let text = known_hosts(&keyring, [(["web", "10.17.3.10"].as_slice(), &web)])?;
/// assert!(text.starts_with("web,10.17.3.10 ssh-ed25519 AAAA"));
/// # Ok::<(), fmc_core::secret::SecretError>(())
/// ```
///
/// # Errors
///
/// A key is not available, or is not in OpenSSH's format.
pub fn known_hosts<'a, N: AsRef<str> + 'a>(
    secrets: &dyn Secrets,
    hosts: impl IntoIterator<Item = (&'a [N], &'a SecretRef)>,
) -> Result<String, SecretError> {
    let mut text = String::new();
    for (names, key) in hosts {
        let line = secrets.bytes(&key.ssh_public_key())?;
        let line = std::str::from_utf8(line.expose()).unwrap_or_default().trim_end();
        // The comment is left out, since it has no meaning in a `known_hosts`.
        let mut words = line.split(' ');
        if let (Some(kind), Some(blob)) = (words.next(), words.next()) {
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            text += &format!("{} {kind} {blob}\n", names.join(","));
        }
    }
    Ok(text)
}

/// The result of [`public_line`], as a secret's bytes.
pub(crate) fn public_bytes(private: &SecretBytes, comment: &str) -> Option<SecretBytes> {
    public_line(private.expose(), comment).map(|line| SecretBytes::new(line.into_bytes()))
}

fn public_blob(public: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut blob = Writer::new();
    blob.string(ED25519).string(public);
    blob.0
}

fn pem(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let body = Zeroizing::new(BASE64.encode(bytes));
    let mut file = Writer::new();
    file.raw(BEGIN.as_bytes()).raw(b"\n");
    for line in body.as_bytes().chunks(LINE) {
        file.raw(line).raw(b"\n");
    }
    file.raw(END.as_bytes()).raw(b"\n");
    file.0
}

/// Writes the data types of RFC 4251, section 5, for SSH.
struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(ROOM)))
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Bytes with their length before them. All of ours are far below 4 GiB.
    fn string(&mut self, bytes: &[u8]) -> &mut Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.raw(&length.to_be_bytes()).raw(bytes)
    }
}

/// Reads a string of RFC 4251 from the front.
fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (found, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_of_openssh_has_no_public_line() {
        let file = private_file(&[7; 32], [1, 2, 3, 4], "web");
        assert!(public_line(&file, "web").unwrap().starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
        for end in 0..file.len() - 1 {
            assert!(public_line(&file[..end], "web").is_none(), "{end}");
        }
        let text = String::from_utf8(file.to_vec()).unwrap();
        assert!(public_line(text.replace("OPENSSH", "RSA").as_bytes(), "web").is_none());
        assert!(public_line(b"\xff", "web").is_none());
        for length in 0..60 {
            let cut = BASE64.encode([MAGIC, &vec![0xff; length]].concat());
            assert!(public_line(format!("{BEGIN}\n{cut}\n{END}\n").as_bytes(), "web").is_none());
        }
    }
}
