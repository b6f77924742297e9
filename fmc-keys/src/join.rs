//! The full token by which a node joins a K3s cluster.

use fmc_core::digest::hex;
use secrecy::zeroize::Zeroizing;

use crate::bundle;

/// The reason why there is no token. It contains nothing of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinError {
    #[error("the file of the cluster's server authority holds no certificate in PEM")]
    NoCertificate,
    #[error("the token it is made of is empty")]
    Empty,
    #[error("the token it is made of is not one line of visible ASCII characters")]
    NoLine,
    #[error("the token it is made of has a colon, and K3s would take what is before it for a user")]
    Colon,
    #[error(
        "the token it is made of begins with `K10`: give the part behind the last colon alone, the rest is computed"
    )]
    Full,
    #[error(
        "the token it is made of has the form of a bootstrap token (abcdef.0123456789abcdef), which is for agents alone and expires"
    )]
    Bootstrap,
}

/// `K10`, the hash of the authority's file, user and password (docs.k3s.io, *CLI Tools/token*, *Secure*).
pub(crate) fn token(authority: &[u8], user: &str, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, JoinError> {
    let password = short(password)?;
    let hash = hex(&bundle::hash(authority).ok_or(JoinError::NoCertificate)?);
    let parts = ["K10", &hash, "::", user, ":", password];
    let mut token = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| token.extend_from_slice(part.as_bytes()));
    Ok(token)
}

/// A short token. One line break at its end is left out, because a file with one line ends with one.
fn short(password: &[u8]) -> Result<&str, JoinError> {
    let text = std::str::from_utf8(password).map_err(|_| JoinError::NoLine)?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    match text {
        "" => Err(JoinError::Empty),
        _ if !text.chars().all(|letter| letter.is_ascii_graphic()) => Err(JoinError::NoLine),
        _ if text.starts_with("K10") => Err(JoinError::Full),
        _ if text.contains(':') => Err(JoinError::Colon),
        _ if is_bootstrap(text) => Err(JoinError::Bootstrap),
        _ => Ok(text),
    }
}

fn is_bootstrap(text: &str) -> bool {
    let lower = |part: &str, length| {
        part.len() == length
            && part.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    text.split_once('.').is_some_and(|(id, secret)| lower(id, 6) && lower(secret, 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_token_is_what_k3s_takes_for_one() {
        assert_eq!(short(b"hunter2\n"), Ok("hunter2"));
        for (text, error) in [
            ("", JoinError::Empty),
            ("\n", JoinError::Empty),
            ("two words", JoinError::NoLine),
            ("two\nlines\n", JoinError::NoLine),
            ("größer", JoinError::NoLine),
            ("K10aa::server:x", JoinError::Full),
            ("server:x", JoinError::Colon),
            ("abcdef.0123456789abcdef", JoinError::Bootstrap),
        ] {
            assert_eq!(short(text.as_bytes()), Err(error), "{text:?}");
        }
        assert_eq!(short(b"\xff"), Err(JoinError::NoLine));
        assert_eq!(short(b"abcdef.0123456789abcdeF"), Ok("abcdef.0123456789abcdeF"));
    }
}
