//! OpenSSL, which verifies certificates, and makes those of a test's own authority.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{or_panic, scratch, write};

/// The purpose of a certificate, as OpenSSL's `-purpose` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A server presents it.
    Server,
    /// A client presents it.
    Client,
    /// An authority: no purpose is checked.
    Any,
}

/// Verifies a certificate strictly (RFC 5280) against a root and the intermediate certificates, all in PEM.
///
/// # Errors
///
/// OpenSSL's complaint.
pub fn verify(root: &str, between: &str, certificate: &str, purpose: Purpose) -> Result<(), Refused> {
    let folder = scratch();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        write(&path, text.as_bytes());
        path
    };
    let mut verify = command("openssl");
    verify.args(["verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile"]).arg(file("root", root));
    if !between.trim().is_empty() {
        verify.arg("-untrusted").arg(file("between", between));
    }
    match purpose {
        Purpose::Server => verify.args(["-purpose", "sslserver"]),
        Purpose::Client => verify.args(["-purpose", "sslclient"]),
        Purpose::Any => &mut verify,
    };
    run(verify.arg(file("certificate", certificate))).silent_success().map(drop)
}

/// Checks that a certificate in PEM is valid for a name or an address.
///
/// # Errors
///
/// OpenSSL's answer, when it is not.
pub fn is_for(certificate: &str, name_or_address: &str) -> Result<(), Refused> {
    let option = if name_or_address.parse::<std::net::IpAddr>().is_ok() { "-checkip" } else { "-checkhost" };
    let said = x509(certificate, &["-noout", option, name_or_address])?;
    // OpenSSL exits with 0 in both cases.
    if said.contains("does match") { Ok(()) } else { Err(Refused::new("openssl", said)) }
}

/// The output of `openssl x509` about a certificate in PEM: `-subject`, `-ext subjectAltName`, `-serial`,
/// `-enddate`…
///
/// # Errors
///
/// OpenSSL's error, when it cannot read the certificate.
pub fn x509(certificate: &str, options: &[&str]) -> Result<String, Refused> {
    let folder = scratch();
    let path = folder.path().join("certificate");
    write(&path, certificate.as_bytes());
    run(command("openssl").args(["x509", "-in"]).arg(path).args(options)).silent_success()
}

/// Checks that a private key in PEM is sound and belongs to a certificate.
///
/// # Errors
///
/// OpenSSL's complaint, or both public keys when they differ.
pub fn is_key_of(key: &str, certificate: &str) -> Result<(), Refused> {
    let folder = scratch();
    let path = folder.path().join("key");
    write(&path, key.as_bytes());
    run(command("openssl").args(["pkey", "-check", "-noout", "-in"]).arg(&path)).success()?;
    let of_key = run(command("openssl").args(["pkey", "-pubout", "-in"]).arg(&path)).silent_success()?;
    let of_certificate = x509(certificate, &["-noout", "-pubkey"])?;
    if of_key == of_certificate {
        return Ok(());
    }
    Err(Refused::new("openssl", format!("another key:\n{of_key}{of_certificate}")))
}

/// An authority of a test's own. It is new each time, so no other authority knows its certificates.
pub struct Authority {
    folder: TempDir,
}

/// A certificate with its key, as files for servers and clients.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The certificate, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority with a common name.
    ///
    /// # Panics
    ///
    /// When OpenSSL cannot make it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let authority = Self { folder: scratch() };
        let Pair { certificate, key } = authority.pair("ca");
        let mut request = command("openssl");
        request.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]);
        request.args(["-days", "3650", "-subj", &format!("/CN={name}"), "-addext"]);
        request.arg("keyUsage=critical,keyCertSign,cRLSign,digitalSignature");
        done(request.arg("-keyout").arg(key).arg("-out").arg(certificate));
        authority
    }

    /// An authority that exists already: its certificate in PEM, followed by those above it, and its key.
    /// Certificates that it issues present the intermediate ones too.
    ///
    /// # Panics
    ///
    /// When its files cannot be written.
    #[must_use]
    pub fn known(certificates: &str, key: &str) -> Self {
        let authority = Self { folder: scratch() };
        let own = authority.pair("ca");
        write(&own.certificate, certificates.as_bytes());
        write(&own.key, key.as_bytes());
        authority
    }

    /// Its certificate and key.
    #[must_use]
    pub fn own(&self) -> Pair {
        self.pair("ca")
    }

    /// Issues a server's certificate for names and addresses: `DNS:api.example.org`, `IP:10.17.3.11`. The
    /// file's name is `name`.
    ///
    /// # Panics
    ///
    /// When OpenSSL cannot make it.
    #[must_use]
    pub fn server(&self, name: &str, names: &[&str]) -> Pair {
        let names = names.join(",");
        self.issue(
            name,
            &format!("/CN={name}"),
            &format!("extendedKeyUsage=serverAuth\nsubjectAltName={names}\n"),
        )
    }

    /// Issues a client's certificate. Kubernetes uses the organisation as the group, and the common name as
    /// the user.
    ///
    /// # Panics
    ///
    /// When OpenSSL cannot make it.
    #[must_use]
    pub fn client(&self, user: &str, group: &str) -> Pair {
        let name = user.replace([':', '/'], "-");
        self.issue(&name, &format!("/O={group}/CN={user}"), "extendedKeyUsage=clientAuth\n")
    }

    /// Makes a key that signs the tokens of service accounts: P-256, in the form of SEC 1 (`EC PRIVATE KEY`).
    ///
    /// # Panics
    ///
    /// When OpenSSL cannot make it.
    #[must_use]
    pub fn token_key(&self) -> PathBuf {
        let path = self.folder.path().join("token.key");
        done(
            command("openssl")
                .args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"])
                .arg(&path),
        );
        path
    }

    /// Issues a certificate for a member of etcd, which is server and client at once.
    ///
    /// # Panics
    ///
    /// When OpenSSL cannot make it.
    #[must_use]
    pub fn peer(&self, name: &str, names: &[&str]) -> Pair {
        let names = names.join(",");
        let extensions = format!("extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName={names}\n");
        self.issue(name, &format!("/CN={name}"), &extensions)
    }

    fn issue(&self, name: &str, subject: &str, extensions: &str) -> Pair {
        let pair = self.pair(name);
        let request = self.folder.path().join(format!("{name}.request"));
        let extension = self.folder.path().join(format!("{name}.extensions"));
        let text = format!(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\n\
             authorityKeyIdentifier=keyid\n{extensions}"
        );
        write(&extension, text.as_bytes());
        let mut make = command("openssl");
        make.args([
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-noenc",
            "-subj",
        ]);
        done(make.arg(subject).arg("-keyout").arg(&pair.key).arg("-out").arg(&request));
        let own = self.own();
        let mut sign = command("openssl");
        sign.args(["x509", "-req", "-days", "365", "-in"]).arg(request).arg("-CA").arg(&own.certificate);
        sign.arg("-CAkey").arg(&own.key).arg("-extfile").arg(extension).arg("-out").arg(&pair.certificate);
        done(&mut sign);
        let chain = format!("{}{}", pair.certificate_text(), between(&own.certificate_text()));
        write(&pair.certificate, chain.as_bytes());
        pair
    }

    fn pair(&self, name: &str) -> Pair {
        let path = |kind: &str| self.folder.path().join(format!("{name}.{kind}"));
        Pair { certificate: path("crt"), key: path("key") }
    }
}

impl Pair {
    /// The certificate's text.
    ///
    /// # Panics
    ///
    /// When the file is missing.
    #[must_use]
    pub fn certificate_text(&self) -> String {
        or_panic(fs::read_to_string(&self.certificate), &self.certificate)
    }

    /// The key's text.
    ///
    /// # Panics
    ///
    /// When the file is missing.
    #[must_use]
    pub fn key_text(&self) -> String {
        or_panic(fs::read_to_string(&self.key), &self.key)
    }
}

/// The certificates of an authority without its root, which every client that trusts it has already.
fn between(certificates: &str) -> String {
    let all: Vec<&str> = certificates.split_inclusive("-----END CERTIFICATE-----\n").collect();
    all.split_last().map(|(_, between)| between.concat()).unwrap_or_default()
}

#[expect(clippy::panic, reason = "what a test takes for granted")]
fn done(command: &mut std::process::Command) {
    if let Err(refused) = run(command).success() {
        panic!("{refused}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_accepted_and_another_authority_is_not() {
        let (one, other) = (Authority::new("one"), Authority::new("one"));
        let server = one.server("api", &["DNS:api.example.org", "IP:10.17.3.11"]);
        let certificate = server.certificate_text();
        let verify =
            |by: &Authority, purpose| verify(&by.own().certificate_text(), "", &certificate, purpose);
        verify(&one, Purpose::Server).unwrap();
        let refused = verify(&one, Purpose::Client).unwrap_err();
        assert!(refused.words().contains("unsuitable certificate purpose"), "{refused}");
        verify(&other, Purpose::Server).unwrap_err();
        is_for(&certificate, "api.example.org").unwrap();
        is_for(&certificate, "10.17.3.11").unwrap();
        is_for(&certificate, "10.17.3.12").unwrap_err();
        is_key_of(&server.key_text(), &certificate).unwrap();
        is_key_of(&other.own().key_text(), &certificate).unwrap_err();
        let client = one.client("system:admin", "system:masters").certificate_text();
        assert!(
            x509(&client, &["-noout", "-subject"]).unwrap().contains("O = system:masters, CN = system:admin")
        );
        x509("no certificate", &["-noout", "-subject"]).unwrap_err();
    }
}
