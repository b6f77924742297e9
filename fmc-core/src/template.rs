//! Text with typed holes for secrets: the compiled form, before the secrets are known.

mod hash;
mod percent;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

use hash::is_hash;
use percent::component;
pub(crate) use percent::percent;
#[cfg(feature = "ignition")]
pub(crate) use percent::push_percent;

use crate::secret::{SecretBytes, SecretError, SecretRef, Secrets};

/// How the bytes of a secret are encoded in the surrounding text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Unchanged.
    Raw,
    /// As base64 with padding (RFC 4648 §4).
    Base64,
    /// As one line of text, inside the quotes of a JSON string. One line break at its end is removed, because
    /// a file with one line has one.
    JsonString,
    /// As text of any number of lines, inside the quotes of a JSON string.
    JsonText,
    /// Percent-encoded, as part of a `data:` URL (RFC 3986 §2.1).
    Percent,
    /// As text inside the quotes of a JSON string, then percent-encoded as a whole.
    PercentJson,
    /// As text inside the quotes of a JSON string that is itself inside another JSON string.
    JsonInJson,
    /// As one line of text that is a component of a URL, such as a password: every byte but letters, digits and `-._~` is
    /// percent-encoded (RFC 3986 §2.3). The result stays the same inside any quotes.
    Component,
    /// As [`Encoding::Component`], then percent-encoded as part of a `data:` URL.
    PercentComponent,
    /// As [`Encoding::JsonString`], if it is the hash of a password as crypt(5) writes it: a password in clear would be
    /// written into the guest's configuration and open nothing.
    PasswordHash,
}

impl Encoding {
    fn tag(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Base64 => 1,
            // The same bytes come of both.
            Self::JsonString | Self::PasswordHash => 2,
            Self::JsonText => 3,
            Self::Percent => 4,
            Self::PercentJson => 5,
            Self::JsonInJson => 6,
            Self::Component => 7,
            Self::PercentComponent => 8,
        }
    }
}

/// A flag in the tag of a hole whose secret's parts are hashed too.
const GENERATED: u8 = 0x10;

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplatePiece {
    /// Text as it is.
    Text(String),
    /// A place for a secret.
    Hole {
        /// The secret, which many machines share.
        secret: Arc<SecretRef>,
        /// The encoding of its bytes.
        encoding: Encoding,
    },
}

/// Text with holes for secrets.
///
/// Its [`digest`](Self::digest) and its `Display` cover the holes by name and generation, so that both can be shown,
/// stored and compared without any secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<TemplatePiece>,
}

impl Template {
    /// Text without a hole.
    pub fn text(text: impl Into<String>) -> Self {
        let mut template = Self::default();
        template.push_owned(text.into());
        template
    }

    /// An empty template with room for so many pieces.
    #[cfg(feature = "ignition")]
    pub(crate) fn with_room(pieces: usize) -> Self {
        Self { pieces: Vec::with_capacity(pieces) }
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(TemplatePiece::Text(last)) => last.push_str(text),
            _ => self.push_owned(text.to_owned()),
        }
    }

    /// Adds a hole.
    pub fn hole(&mut self, secret: impl Into<Arc<SecretRef>>, encoding: Encoding) {
        self.pieces.push(TemplatePiece::Hole { secret: secret.into(), encoding });
    }

    /// The parts, in order.
    pub fn pieces(&self) -> &[TemplatePiece] {
        &self.pieces
    }

    /// The whole text, if it has no hole.
    pub fn as_text(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [TemplatePiece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it has a hole for a secret.
    pub fn has_holes(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, TemplatePiece::Hole { .. }))
    }

    /// The secrets of its holes, in order.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Hole { secret, .. } => Some(&**secret),
            TemplatePiece::Text(_) => None,
        })
    }

    /// SHA-256 over the text, and over name, generation and encoding of each hole; if a secret is made of
    /// others, over those too.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.update(&mut hash);
        hash.finalize().into()
    }

    /// The text with its holes filled.
    ///
    /// # Errors
    ///
    /// When a secret is not available, or does not fit its hole.
    pub fn render(&self, secrets: &dyn Secrets) -> Result<SecretBytes, SecretError> {
        let filled: Result<Vec<Part<'_>>, SecretError> = self
            .pieces
            .iter()
            .map(|piece| match piece {
                TemplatePiece::Text(text) => Ok(Part::Text(text)),
                TemplatePiece::Hole { secret, encoding } => {
                    fill(secret, *encoding, secrets).map(Part::Filled)
                }
            })
            .collect();
        let filled = filled?;
        // One allocation of the right size: growing would leave copies of secrets behind in freed memory.
        let mut bytes = Vec::with_capacity(filled.iter().map(|part| part.bytes().len()).sum());
        for part in &filled {
            bytes.extend_from_slice(part.bytes());
        }
        Ok(SecretBytes::new(bytes))
    }

    /// Frees unused capacity: a large cloud holds one or more templates for each machine.
    pub(crate) fn fitted(mut self) -> Self {
        for piece in &mut self.pieces {
            if let TemplatePiece::Text(text) = piece {
                text.shrink_to_fit();
            }
        }
        self.pieces.shrink_to_fit();
        self
    }

    /// Feeds [`Self::digest`]; every part begins with its kind and length, so that different templates never
    /// give the same bytes.
    pub(crate) fn update(&self, hash: &mut Sha256) {
        hash.update(self.pieces.len().to_le_bytes());
        for piece in &self.pieces {
            match piece {
                TemplatePiece::Text(text) => {
                    hash.update([u8::MAX]);
                    hash.update(text.len().to_le_bytes());
                    hash.update(text);
                }
                TemplatePiece::Hole { secret, encoding } => {
                    hash.update([encoding.tag() | if secret.is_generated() { GENERATED } else { 0 }]);
                    secret.update(hash);
                }
            }
        }
    }

    fn push_owned(&mut self, text: String) {
        if !text.is_empty() {
            self.pieces.push(TemplatePiece::Text(text));
        }
    }
}

/// The text with each hole as `<secret NAME generation N>`.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                TemplatePiece::Text(text) => f.write_str(text)?,
                TemplatePiece::Hole { secret, .. } => write!(f, "<{secret}>")?,
            }
        }
        Ok(())
    }
}

/// So that `write!` adds text.
impl fmt::Write for Template {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

enum Part<'a> {
    Text(&'a str),
    Filled(Zeroizing<Vec<u8>>),
}

impl Part<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Filled(bytes) => bytes,
        }
    }
}

fn fill(
    secret: &SecretRef,
    encoding: Encoding,
    secrets: &dyn Secrets,
) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let bytes = secrets.bytes(secret)?;
    let bytes = bytes.expose();
    Ok(match encoding {
        Encoding::Raw => bytes.to_vec(),
        Encoding::Base64 => BASE64.encode(bytes).into_bytes(),
        Encoding::JsonString => quoted(line_of(secret, bytes)?).into_bytes(),
        Encoding::PasswordHash => {
            let line = line_of(secret, bytes)?;
            if !is_hash(line) {
                return Err(SecretError::NoHash { secret: Box::new(secret.clone()) });
            }
            quoted(line).into_bytes()
        }
        Encoding::JsonText => quoted(text_of(secret, bytes)?).into_bytes(),
        Encoding::JsonInJson => {
            let inner = Zeroizing::new(quoted(text_of(secret, bytes)?));
            quoted(&inner).into_bytes()
        }
        Encoding::Component => component(line_of(secret, bytes)?).into_bytes(),
        Encoding::PercentComponent => {
            let inner = Zeroizing::new(component(line_of(secret, bytes)?));
            percent(inner.as_bytes()).into_bytes()
        }
        Encoding::Percent => percent(bytes).into_bytes(),
        Encoding::PercentJson => {
            let inner = Zeroizing::new(quoted(text_of(secret, bytes)?));
            percent(inner.as_bytes()).into_bytes()
        }
    }
    .into())
}

/// The secret as one line, without the line break at its end.
fn line_of<'a>(secret: &SecretRef, bytes: &'a [u8]) -> Result<&'a str, SecretError> {
    let no_line = || SecretError::NoLine { secret: Box::new(secret.clone()) };
    let text = std::str::from_utf8(bytes).map_err(|_| no_line())?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    if line.contains(char::is_control) { Err(no_line()) } else { Ok(line) }
}

fn text_of<'a>(secret: &SecretRef, bytes: &'a [u8]) -> Result<&'a str, SecretError> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| SecretError::NoText { secret: Box::new(secret.clone()) })?;
    // A file with one line has a line break at its end, which does not belong to the value.
    let line = text.strip_suffix('\n').filter(|line| !line.contains('\n'));
    Ok(line.unwrap_or(text))
}

/// Text as it is written between the quotes of a JSON string (RFC 8259 §7), which is also a double-quoted
/// scalar of YAML.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(2 * text.len());
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            character if character.is_control() => {
                // Writing to a String cannot fail.
                let _ = fmt::Write::write_fmt(&mut quoted, format_args!("\\u{:04x}", u32::from(character)));
            }
            character => quoted.push(character),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::SecretName;
    use crate::secret::{NoSecrets, SecretSource};

    fn secret(name: &str, generation: u32) -> SecretRef {
        let source = SecretSource::Environment("X".to_owned());
        SecretRef { name: name.parse::<SecretName>().unwrap(), generation, source }
    }

    struct Fixed(&'static [u8]);

    impl Secrets for Fixed {
        fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
            Ok(SecretBytes::new(self.0.to_vec()))
        }
    }

    fn with_hole(encoding: Encoding) -> Template {
        let mut template = Template::text("a=\"");
        template.hole(secret("key", 1), encoding);
        template.push("\"\n");
        template
    }

    #[test]
    fn a_hole_is_filled_in_its_encoding() {
        let render = |encoding, bytes: &'static [u8]| {
            with_hole(encoding)
                .render(&Fixed(bytes))
                .map(|bytes| String::from_utf8_lossy(bytes.expose()).into_owned())
        };
        assert_eq!(render(Encoding::Raw, b"b\nc").unwrap(), "a=\"b\nc\"\n");
        assert_eq!(render(Encoding::Base64, b"\xff\x00").unwrap(), "a=\"/wA=\"\n");
        assert_eq!(render(Encoding::JsonString, b"$6$\\\"\n").unwrap(), "a=\"$6$\\\\\\\"\"\n");
        let refused = render(Encoding::JsonString, b"two\nlines").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "use secret key generation 1 from the environment variable X: it must be one line of text"
        );
        render(Encoding::JsonString, b"\xff").unwrap_err();
        assert_eq!(render(Encoding::Component, b"p@ss:/%~\n").unwrap(), "a=\"p%40ss%3A%2F%25~\"\n");
        assert_eq!(
            render(Encoding::PercentComponent, b"p@ss:/%").unwrap(),
            "a=\"p%2540ss%253A%252F%2525\"\n"
        );
        render(Encoding::Component, b"two\nlines").unwrap_err();
    }

    #[test]
    fn a_password_in_clear_is_not_the_hash_of_one() {
        let render = |bytes: &'static [u8]| with_hole(Encoding::PasswordHash).render(&Fixed(bytes));
        // The hashes that `openssl passwd -salt abcdefgh` with `-6`, `-5` and `-1`, and crypt(3) with `$y$` and `$2b$` make of `x`.
        for hash in [
            "$6$abcdefgh$D7W7qyozKBT.t6FD3DVYHvADbIO0eSyI4.p20LaEUjro8PqTGYYo/EQcuNjhFbzo9Yg5ir1KIEqFY/yJpgFph0",
            "$6$rounds=9000$abcdefgh$D7W7qyozKBT.t6FD3DVYHvADbIO0eSyI4.p20LaEUjro8PqTGYYo/EQcuNjhFbzo9Yg5ir1KIEqFY/yJpgFph0\n",
            "$5$abcdefgh$sI6g8tHKrJ6RX7w.YoN9B7a/5wK5jYEOMmMnt3tPl0/",
            "$1$abcdefgh$znAnv9M.XU2pRYfmSs46h/",
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2",
            "$2b$05$R9h/cIPz0gi.URNNX3kh2OUlU3fK7JInVVOVMgU3sBFV4OJUP7JaW",
            "$argon2id$v=19$m=1,t=2,p=1$s",
        ] {
            render(hash.as_bytes()).unwrap();
        }
        for wrong in [
            "hunter2",
            "",
            "$6$",
            "$6",
            "$$a",
            "$6$a:b",
            "$6$a b",
            "!$6$a",
            "*",
            "$6$a\n$6$b",
            "$6$abc",
            "$6$abc$",
            "$6$rounds=9$s",
            "$y$j9T$salt",
            "$2b$12",
            // One character of the hash is cut, or one is too many; the salt is too long.
            "$6$abcdefgh$D7W7qyozKBT.t6FD3DVYHvADbIO0eSyI4.p20LaEUjro8PqTGYYo/EQcuNjhFbzo9Yg5ir1KIEqFY/yJpgFph",
            "$5$abcdefgh$sI6g8tHKrJ6RX7w.YoN9B7a/5wK5jYEOMmMnt3tPl0/a",
            "$1$abcdefghi$znAnv9M.XU2pRYfmSs46h/",
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM",
            "$2b$05$R9h/cIPz0gi.URNNX3kh2OUlU3fK7JInVVOVMgU3sBFV4OJUP7Ja",
            "$2b$123$R9h/cIPz0gi.URNNX3kh2OUlU3fK7JInVVOVMgU3sBFV4OJUP7JaW",
            "$6$salt$hunter2-and-more",
        ] {
            let error = render(wrong.as_bytes()).unwrap_err().to_string();
            assert!(
                error.starts_with("use secret key generation 1 from the environment variable X: it must be")
            );
            assert!(wrong.is_empty() || !error.contains("hunter2"), "{error}");
        }
        // Configurations of older versions have the same digest.
        assert_eq!(with_hole(Encoding::PasswordHash).digest(), with_hole(Encoding::JsonString).digest());
    }

    #[test]
    fn the_bytes_show_nowhere_but_where_they_are_asked_for() {
        let template = with_hole(Encoding::Raw);
        let rendered = template.render(&Fixed(b"hunter2")).unwrap();
        assert!(!format!("{rendered:?} {template:?} {template}").contains("hunter2"));
        assert_eq!(template.to_string(), "a=\"<secret key generation 1>\"\n");
        assert_eq!(
            template.render(&NoSecrets).unwrap_err().to_string(),
            "read secret key generation 1 from the environment variable X: no secret may be read here"
        );
    }

    #[test]
    fn the_digest_covers_text_name_generation_and_encoding() {
        let digest = |secret: &SecretRef, encoding, text: &str| {
            let mut template = Template::default();
            template.hole(secret.clone(), encoding);
            template.push(text);
            template.digest()
        };
        let digests = [
            digest(&secret("key", 1), Encoding::Raw, "x"),
            digest(&secret("key", 2), Encoding::Raw, "x"),
            digest(&secret("keys", 1), Encoding::Raw, "x"),
            digest(&secret("key", 1), Encoding::Base64, "x"),
            digest(&secret("key", 1), Encoding::Raw, "y"),
            Template::text("<secret key generation 1>x").digest(),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
    }
}
