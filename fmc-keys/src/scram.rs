//! SCRAM verifiers (RFC 5802, RFC 7677), which PostgreSQL stores instead of passwords, in PostgreSQL's own
//! text form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

/// The number of times that the password is hashed: PostgreSQL's default (`scram_iterations`).
const ITERATIONS: u32 = 4096;

/// The reason why a password has no verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScramError {
    /// Clients normalise other characters before they hash them (SASLprep, RFC 4013).
    #[error(
        "its password is not one line of ASCII without control characters, which every client hashes alike"
    )]
    NotAscii,
    /// The hash does not accept the password as a key.
    #[error("its password cannot be hashed")]
    Unhashable,
}

/// The verifier of a password: `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER`.
pub(crate) fn verifier(password: &[u8], salt: &[u8]) -> Result<Zeroizing<String>, ScramError> {
    if password.is_empty() || !password.iter().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return Err(ScramError::NotAscii);
    }
    let mut salted = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2::<Hmac<Sha256>>(password, salt, ITERATIONS, &mut *salted)
        .map_err(|_| ScramError::Unhashable)?;
    let client = Zeroizing::new(mac(&*salted, b"Client Key")?);
    let (stored, server) = (Sha256::digest(*client), mac(&*salted, b"Server Key")?);
    Ok(Zeroizing::new(format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored),
        BASE64.encode(server)
    )))
}

fn mac(key: &[u8], text: &[u8]) -> Result<[u8; 32], ScramError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| ScramError::Unhashable)?;
    mac.update(text);
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3: the user `user` with the password `pencil`.
    #[test]
    fn a_server_that_keeps_it_answers_as_in_rfc_7677() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = verifier(b"pencil", &salt).unwrap();
        let (head, keys) = verifier.rsplit_once('$').unwrap();
        assert_eq!(head, "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==");
        let (stored, server) = keys.split_once(':').unwrap();
        let message = b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = mac(&BASE64.decode(server).unwrap(), message).unwrap();
        assert_eq!(BASE64.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        // The client's proof is its key xor its signature. The server stores the hash of that key.
        let stored = BASE64.decode(stored).unwrap();
        let proof = BASE64.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        let client = mac(&stored, message).unwrap();
        let key: Vec<u8> = proof.iter().zip(client).map(|(one, other)| one ^ other).collect();
        assert_eq!(Sha256::digest(key).to_vec(), stored);
    }

    #[test]
    fn a_password_that_clients_would_change_is_refused() {
        for password in ["", "grün", "a\n", "\u{7f}"] {
            assert_eq!(verifier(password.as_bytes(), &[1; 16]), Err(ScramError::NotAscii));
        }
    }
}
