//! Keys and certificates, verified by OpenSSL and OpenSSH.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use crate::program::{Refused, command, run, run_with_input};

/// Whether `openssl verify` finds a chain from a certificate to a root, by the strict rules of RFC 5280
/// (`-x509_strict`), at a time in seconds since 1970.
///
/// # Errors
///
/// OpenSSL's output.
///
/// # Panics
///
/// OpenSSL is missing, or the folder for its files cannot be written.
pub fn verify(
    root: &str,
    between: &[&str],
    certificate: &str,
    purpose: &str,
    at: i64,
) -> Result<(), Refused> {
    let folder = Folder::new();
    let mut openssl = command("openssl");
    openssl.args(["verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-attime"]).arg(at.to_string());
    openssl.args(["-purpose", purpose, "-CAfile"]).arg(folder.file("root.pem", root));
    if !between.is_empty() {
        openssl.arg("-untrusted").arg(folder.file("between.pem", &between.concat()));
    }
    run(openssl.arg(folder.file("certificate.pem", certificate))).silent_success().map(|_| ())
}

/// The output of `openssl x509 -text` about a certificate.
///
/// # Errors
///
/// OpenSSL's output.
///
/// # Panics
///
/// OpenSSL is missing.
pub fn certificate_text(certificate: &str) -> Result<String, Refused> {
    run_with_input(command("openssl").args(["x509", "-noout", "-text"]), certificate).silent_success()
}

/// The public key of a private key on a curve in PEM, after `openssl ec -check` accepted the key.
///
/// # Errors
///
/// OpenSSL's output.
///
/// # Panics
///
/// OpenSSL is missing.
pub fn ec_public(key: &str) -> Result<String, Refused> {
    // It prints on standard error that it reads the key and that the key is valid.
    run_with_input(command("openssl").args(["ec", "-check", "-noout"]), key).success()?;
    run_with_input(command("openssl").args(["pkey", "-pubout"]), key).silent_success()
}

/// The public key in a certificate in PEM.
///
/// # Errors
///
/// OpenSSL's output.
///
/// # Panics
///
/// OpenSSL is missing.
pub fn certificate_public(certificate: &str) -> Result<String, Refused> {
    run_with_input(command("openssl").args(["x509", "-noout", "-pubkey"]), certificate).silent_success()
}

/// The public line that `ssh-keygen -y` derives from a private key in OpenSSH's format.
///
/// # Errors
///
/// OpenSSH's output.
///
/// # Panics
///
/// OpenSSH is missing, or the folder for its files cannot be written.
pub fn ssh_public(private: &str) -> Result<String, Refused> {
    let folder = Folder::new();
    run(command("ssh-keygen").arg("-y").arg("-P").arg("").arg("-f").arg(folder.file("key", private)))
        .silent_success()
}

/// The output of `ssh-keygen -l` about a private or public key: bits, fingerprint, comment, kind.
///
/// # Errors
///
/// OpenSSH's output.
///
/// # Panics
///
/// OpenSSH is missing, or the folder for its files cannot be written.
pub fn ssh_fingerprint(key: &str) -> Result<String, Refused> {
    let folder = Folder::new();
    run(command("ssh-keygen").arg("-l").arg("-f").arg(folder.file("key", key))).silent_success()
}

/// The lines of a `known_hosts` that `ssh-keygen -F` finds for a host.
///
/// # Errors
///
/// OpenSSH's output: the host is not in the file, or the file cannot be read.
///
/// # Panics
///
/// OpenSSH is missing, or the folder for its files cannot be written.
pub fn ssh_known(known_hosts: &str, host: &str) -> Result<String, Refused> {
    let folder = Folder::new();
    run(command("ssh-keygen").arg("-F").arg(host).arg("-f").arg(folder.file("known_hosts", known_hosts)))
        .silent_success()
}

/// An authority that OpenSSL makes: its certificate and its private key, of a kind (a curve, or `RSA`) and with a name such as
/// `/O=x/CN=y`. It is new each time, and valid from 2025 to 2045.
///
/// # Errors
///
/// OpenSSL's output.
///
/// # Panics
///
/// OpenSSL is missing, or the folder for its files cannot be written.
pub fn own_authority(kind: &str, subject: &str) -> Result<(String, String), Refused> {
    let folder = Folder::new();
    let mut generate = command("openssl");
    let (algorithm, option) = match kind {
        "RSA" => (kind, "rsa_keygen_bits:2048".to_owned()),
        curve => ("EC", format!("ec_paramgen_curve:{curve}")),
    };
    let key = run(generate.args(["genpkey", "-algorithm", algorithm, "-pkeyopt", &option])).success()?;
    let mut request = command("openssl");
    request.args(["req", "-new", "-utf8", "-subj", subject, "-key"]).arg(folder.file("key.pem", &key));
    let request = folder.file("request.pem", &run(&mut request).success()?);
    let mut sign = command("openssl");
    // Only `openssl ca` accepts dates. It needs a database.
    let settings = format!(
        "[ca]\ndefault_ca=own\n[own]\ndatabase={0}/books\nnew_certs_dir={0}\nrand_serial=yes\ndefault_md=sha256\n\
         policy=any\nemail_in_dn=yes\npreserve=yes\nx509_extensions=authority\nunique_subject=no\n[any]\ncountryName=optional\norganizationName=optional\n\
         organizationalUnitName=optional\ncommonName=optional\n[authority]\n\
         basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n",
        folder.0.path().display()
    );
    folder.file("books", "");
    sign.args(["ca", "-batch", "-notext", "-selfsign", "-utf8", "-startdate", "20250101000000Z"]);
    sign.args(["-enddate", "20450101000000Z", "-config"]).arg(folder.file("settings", &settings));
    sign.arg("-keyfile").arg(folder.file("key.pem", &key)).arg("-in").arg(request);
    Ok((run(&mut sign).success()?, key))
}

struct Folder(TempDir);

#[expect(clippy::expect_used, reason = "a consumer that cannot be given its files must fail the test")]
impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder for the consumer's files"))
    }

    fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("the consumer's file is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode is set");
        path
    }
}
