//! Debian's `docker-registry` on a port of this machine, which skopeo fills from images that a test makes.

#![expect(clippy::indexing_slicing, reason = "an object of JSON takes any key")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::openssl::Pair;
use crate::program::{command, run};
use crate::tree::{or_panic, scratch, write};

/// The time for a registry to start. It takes a tenth of a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service, by which a registry and its server of tokens know each other.
const SERVICE: &str = "fmc-test";

/// Whom a registry admits.
#[derive(Clone, Copy, Debug)]
pub enum Entrance<'a> {
    /// Everyone.
    Open,
    /// A user with a password, by HTTP's Basic scheme.
    Password(&'a str, &'a str),
    /// Everyone with a token of a server at a URL, whose certificate has this authority.
    Token(&'a str, &'a Path),
}

/// A registry. It ends with the value.
pub struct Registry {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
    creds: Option<String>,
    is_tls: bool,
}

impl Registry {
    /// Starts one, and returns once it answers.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    #[must_use]
    pub fn start() -> Self {
        let listener = or_panic(TcpListener::bind("127.0.0.1:0"), Path::new("127.0.0.1"));
        let port = or_panic(listener.local_addr(), Path::new("127.0.0.1")).port();
        drop(listener);
        let mut registry = Self { folder: scratch(), port, child: None, creds: None, is_tls: false };
        registry.restart(Entrance::Open, None);
        registry
    }

    /// Starts it again with the same images, for others than before, and over TLS if it has a certificate.
    #[expect(clippy::panic, reason = "a registry that does not start must fail the test")]
    pub fn restart(&mut self, entrance: Entrance<'_>, certificate: Option<&Pair>) {
        self.end();
        let folder = self.folder.path().to_owned();
        let shown = |path: &Path| path.display().to_string();
        let mut config = json!({
            "version": "0.1",
            "log": { "level": "warn", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": shown(&folder.join("images")) } },
            "http": { "addr": format!("0.0.0.0:{}", self.port), "secret": "of a test" },
        });
        self.creds = None;
        match entrance {
            Entrance::Open => {}
            Entrance::Password(user, password) => {
                let file = folder.join("htpasswd");
                write(&file, format!("{user}:{}\n", bcrypt(password)).as_bytes());
                config["auth"] = json!({ "htpasswd": { "realm": SERVICE, "path": shown(&file) } });
                self.creds = Some(format!("{user}:{password}"));
            }
            Entrance::Token(realm, authority) => {
                config["auth"] = json!({ "token": {
                    "realm": realm, "service": SERVICE, "issuer": SERVICE, "rootcertbundle": shown(authority),
                } });
            }
        }
        if let Some(pair) = certificate {
            config["http"]["tls"] =
                json!({ "certificate": shown(&pair.certificate), "key": shown(&pair.key) });
        }
        self.is_tls = certificate.is_some();
        let (file, log) = (folder.join("config.yml"), folder.join("log"));
        // JSON is YAML.
        write(&file, config.to_string().as_bytes());
        let output = or_panic(std::fs::File::create(&log), &log);
        let mut serve = command("docker-registry");
        serve.arg("serve").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        self.child = Some(or_panic(serve.spawn(), Path::new("docker-registry")));
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if began.elapsed() > PATIENCE {
                panic!("the registry does not start:\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its name in an image: `127.0.0.1:5000`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Puts an image with this content there, as `shop/web:1`: for one architecture, or an index of several.
    ///
    /// # Panics
    ///
    /// When skopeo cannot.
    #[expect(clippy::panic, reason = "what the test stands on")]
    pub fn push(&self, image: &str, content: &str, architectures: &[&str]) {
        let made = scratch();
        layout(made.path(), content, architectures);
        let from = format!("oci:{}:image", made.path().display());
        let mut copy = command("skopeo");
        copy.args(["--insecure-policy", "copy", "--quiet", "--all", "--dest-tls-verify=false"]);
        if let Some(creds) = &self.creds {
            copy.args(["--dest-creds", creds]);
        }
        let copied = run(copy.arg(from).arg(format!("docker://{}/{image}", self.name()))).success();
        if let Err(refused) = copied {
            panic!("{refused}");
        }
    }

    /// The digest of an image, as skopeo tells it.
    ///
    /// # Panics
    ///
    /// When skopeo cannot.
    #[must_use]
    #[expect(clippy::panic, reason = "what the test stands on")]
    pub fn digest(&self, image: &str) -> String {
        let mut inspect = command("skopeo");
        inspect.args(["inspect", "--no-tags", "--tls-verify=false", "--format", "{{.Digest}}"]);
        if let Some(creds) = &self.creds {
            inspect.args(["--creds", creds]);
        }
        match run(inspect.arg(format!("docker://{}/{image}", self.name()))).success() {
            Ok(told) => told.trim().to_owned(),
            Err(refused) => panic!("{refused}"),
        }
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.end();
    }
}

/// A file with a login, as `skopeo login` writes it.
#[must_use]
pub fn auth_file(registry: &str, user: &str, password: &str) -> String {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    json!({ "auths": { registry: { "auth": encoded } } }).to_string()
}

/// The answer of a server of tokens, whose token lets its owner pull from a repository (*Docker Registry v2 authentication*).
///
/// # Panics
///
/// When OpenSSL cannot sign it.
#[must_use]
pub fn token(signer: &Pair, repository: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let certificate: String =
        signer.certificate_text().lines().filter(|line| !line.starts_with("-----")).collect();
    let head = json!({ "typ": "JWT", "alg": "ES256", "x5c": [certificate] });
    let claims = json!({
        "iss": SERVICE, "aud": SERVICE, "sub": "test", "jti": "1", "iat": now, "nbf": now - 60, "exp": now + 300,
        "access": [{ "type": "repository", "name": repository, "actions": ["pull"] }],
    });
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encoded(&head), encoded(&claims));
    let signature = URL_SAFE_NO_PAD.encode(signature(&signer.key, &signed));
    json!({ "token": format!("{signed}.{signature}") }).to_string()
}

/// A signature of P-256 in the form of JSON Web Signature (RFC 7518, section 3.4).
fn signature(key: &Path, text: &str) -> Vec<u8> {
    let folder = scratch();
    let (input, output): (PathBuf, PathBuf) = (folder.path().join("text"), folder.path().join("signature"));
    write(&input, text.as_bytes());
    let mut sign = command("openssl");
    sign.args(["dgst", "-sha256", "-sign"]).arg(key).arg("-out").arg(&output).arg(&input);
    or_panic(run(&mut sign).success().map_err(std::io::Error::other), key);
    // DER has two integers, each with its length before it.
    let der = or_panic(std::fs::read(&output), &output);
    let mut rest = der.get(2..).unwrap_or_default();
    let mut raw = Vec::new();
    while let [2, length, more @ ..] = rest {
        let (number, after) = more.split_at(usize::from(*length).min(more.len()));
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        raw.extend(std::iter::repeat_n(0, 32 - number.len().min(32)));
        raw.extend(number);
        rest = after;
    }
    raw
}

/// A password as the registry keeps it. Perl is on every Debian, and has the C library's `crypt`.
fn bcrypt(password: &str) -> String {
    let program = "print crypt($ARGV[0], q($2y$05$abcdefghijklmnopqrstuu))";
    or_panic(
        run(command("perl").args(["-e", program, password])).success().map_err(std::io::Error::other),
        Path::new("perl"),
    )
}

/// Writes an image without a program into a folder (*OCI Image Layout*).
fn layout(folder: &Path, content: &str, architectures: &[&str]) {
    let blob = |bytes: &[u8], media_type: &str| {
        let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        write(&folder.join("blobs/sha256").join(&hex), bytes);
        json!({ "mediaType": media_type, "digest": format!("sha256:{hex}"), "size": bytes.len() })
    };
    let json_blob = |value: &Value, media_type: &str| blob(value.to_string().as_bytes(), media_type);
    let of = |kind: &str| format!("application/vnd.oci.image.{kind}");
    let layer = blob(&tar("content", content.as_bytes()), &of("layer.v1.tar"));
    let images = architectures.iter().map(|architecture| {
        let config = json!({
            "os": "linux", "architecture": architecture, "config": {},
            "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] },
        });
        let config = json_blob(&config, &of("config.v1+json"));
        let manifest = of("manifest.v1+json");
        let image = json!({ "schemaVersion": 2, "mediaType": manifest, "config": config, "layers": [layer] });
        let mut image = json_blob(&image, &manifest);
        image["platform"] = json!({ "os": "linux", "architecture": architecture });
        image
    });
    let images: Vec<Value> = images.collect();
    let index = of("index.v1+json");
    let mut top = match images.as_slice() {
        [one] => one.clone(),
        several => {
            json_blob(&json!({ "schemaVersion": 2, "mediaType": index, "manifests": several }), &index)
        }
    };
    top["annotations"] = json!({ "org.opencontainers.image.ref.name": "image" });
    write(&folder.join("oci-layout"), br#"{"imageLayoutVersion": "1.0.0"}"#);
    let all = json!({ "schemaVersion": 2, "mediaType": index, "manifests": [top] });
    write(&folder.join("index.json"), all.to_string().as_bytes());
}

/// An archive with one file (POSIX, *ustar Interchange Format*).
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    let mut field = |text: &str, length: usize| {
        head.extend(text.as_bytes());
        head.extend(std::iter::repeat_n(0, length - text.len()));
    };
    field(name, 100);
    field("0000644", 8);
    field("0000000", 8);
    field("0000000", 8);
    field(&format!("{:011o}", content.len()), 12);
    field("00000000000", 12);
    field("        ", 8);
    field("0", 1);
    field("", 100);
    field("ustar", 6);
    field("00", 2);
    field("", 247);
    let sum: u32 = head.iter().copied().map(u32::from).sum();
    let sum = format!("{sum:06o}\0 ");
    for (place, byte) in head.iter_mut().skip(148).zip(sum.bytes()) {
        *place = byte;
    }
    let mut all = head;
    all.extend(content);
    all.resize(all.len().next_multiple_of(512) + 1024, 0);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssl::Authority;

    #[test]
    fn a_registry_has_what_skopeo_puts_there() {
        let mut registry = Registry::start();
        registry.push("shop/web:1", "one", &["amd64"]);
        registry.push("shop/web:2", "two", &["amd64", "arm64"]);
        let (one, two) = (registry.digest("shop/web:1"), registry.digest("shop/web:2"));
        assert!(one.starts_with("sha256:") && one != two, "{one} {two}");
        registry.restart(Entrance::Password("ops", "hush"), None);
        assert_eq!(registry.digest("shop/web:1"), one);
    }

    #[test]
    fn a_signature_is_two_numbers_of_32_bytes() {
        let authority = Authority::new("tokens");
        let pair = authority.client("tokens", "test");
        for text in ["a", "b", "c", "d"] {
            assert_eq!(signature(&pair.key, text).len(), 64);
        }
    }
}
