//! The mirror of systemd and bash: curl, Ignition and misbehaving clients ask the compiled script, which runs
//! once for each connection.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "programs run, time passes, and what is not there is what fails the test"
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fmc_core::boot::Boot;
use fmc_core::checked::{Checked, Machine};
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::guest::GuestFile;
use fmc_core::guest::checked::Contents;
use fmc_core::host::Host;
use fmc_core::image::Os;
use fmc_core::mirror::{self, MirrorRole, socket};
use fmc_core::network::Network;
use fmc_core::path::HttpUrl;
use fmc_core::secret::NoSecrets;
use fmc_testkit::activate::Activated;
use fmc_testkit::{ignition, tree};
use tempfile::TempDir;

use crate::clouds;

/// A mirror with its files in a folder of its own, beside files that it must not serve.
struct Served {
    server: Activated,
    folder: TempDir,
    path: String,
    body: Vec<u8>,
}

fn url() -> HttpUrl {
    "https://example.org/v1.36.3%2Bk3s1/k3s".parse().unwrap()
}

fn cloud(os: Os, machine: impl FnOnce(fmc_core::machine::Machine) -> fmc_core::machine::Machine) -> Checked {
    let machine = machine(clouds::machine("bootstrap", "kube", "10.17.4.27", os));
    let network = Network::nat("kube", "10.17.4.0/24");
    Cloud::new("first").host(Host::local()).network(network).machine(machine).check().unwrap()
}

fn text<'a>(machine: &'a Machine, path: &str) -> &'a str {
    let file = machine.guest.files.iter().find(|file| file.path.as_str() == path);
    let Some(Contents::Text(text)) = file.map(|file| &file.contents) else { panic!("{path}") };
    text
}

/// 5 MB with line ends and zeros, in which no two places are alike.
fn body() -> Vec<u8> {
    let mut state: u64 = 17;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..5_000_000).map(next).collect()
}

fn serve(os: Os) -> Served {
    let body = body();
    let digest = Digest::sha256(&body);
    let cloud = cloud(os, |machine| machine.role(MirrorRole::new("prod", [(url(), digest)], None)));
    let machine = cloud.machine("bootstrap").unwrap();
    let folder = tree::scratch();
    let root = folder.path().join("mirror");
    let path = format!("/{}", mirror::path(&url(), &digest));
    tree::write(&root.join(&path[1..]), &body);
    tree::write(&root.join("SHA256SUMS"), text(machine, "/var/www/fmc-mirror/SHA256SUMS").as_bytes());
    tree::write(&root.join("secret"), b"nobody's business");
    tree::write(&folder.path().join("secret"), b"nobody's business");
    let script = folder.path().join("mirror.sh");
    tree::write(&script, text(machine, socket::PATH).as_bytes());
    let unit = machine.guest.units.iter().find(|unit| unit.name.as_str() == "fmc-mirror@.service").unwrap();
    let contents = unit.contents.as_ref().unwrap().text();
    let starts = contents.lines().find_map(|line| line.strip_prefix("ExecStart="));
    let words: Vec<String> = starts
        .unwrap()
        .split(' ')
        .map(|word| {
            let place = |path: &Path| path.to_str().unwrap().to_owned();
            match word {
                socket::PATH => place(&script),
                mirror::ROOT => place(&root),
                _ => word.to_owned(),
            }
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Served { server: Activated::start(&words), folder, path, body }
}

impl Served {
    /// curl's result; the body goes into a file.
    fn curl(&self, path: &str, words: &[&str], into: &Path) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "30", "--path-as-is", "--write-out"]);
        curl.arg("%{http_code} %{size_download} %header{content-length} %header{content-type}");
        let done = curl.args(words).arg("--output").arg(into).arg(self.server.url(path)).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    fn get(&self, path: &str) -> String {
        self.curl(path, &[], &self.folder.path().join("body"))
    }

    /// The mirror's answer to some bytes, until it closes the connection.
    fn raw(&self, request: &[u8]) -> String {
        let mut connection = self.server.connect();
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        connection.write_all(request).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[test]
fn a_file_its_head_and_its_sums() {
    for os in [Os::FedoraCoreos, Os::Flatcar] {
        let served = serve(os);
        let into = served.folder.path().join("body");
        assert_eq!(served.get(&served.path), "200 5000000 5000000 application/octet-stream");
        assert!(fs::read(&into).unwrap() == served.body);
        let head = served.curl(&served.path, &["--head"], &into);
        assert_eq!(head, "200 0 5000000 application/octet-stream");
        assert!(fs::read_to_string(&into).unwrap().contains("Connection: close\r\n"));
        assert!(served.get("/SHA256SUMS").starts_with("200 "));
        let path = served.path.trim_start_matches('/');
        let hash = Digest::sha256(&served.body).hex();
        assert_eq!(fs::read_to_string(&into).unwrap(), format!("{hash}  {path}\n"));
        assert!(served.server.log().contains("HTTP/1.1: 200 OK\n"), "{}", served.server.log());
    }
}

#[test]
fn nothing_else_is_served() {
    let served = serve(Os::Flatcar);
    let folder = served.path.trim_end_matches("/k3s").to_owned();
    let other = format!("/sha256-{}/k3s", "0".repeat(64));
    for path in [
        "/",
        "/secret",
        "/../secret",
        "/../../../../etc/passwd",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%2fetc/passwd",
        "//etc/passwd",
        "/SHA512SUMS",
        "/SHA256SUMS?x",
        "/SHA256SUMS/",
        &other,
        &folder,
        &format!("{folder}/"),
        &format!("{folder}/."),
        &format!("{folder}/.."),
        &format!("{folder}/../secret"),
        &format!("{folder}/%2e%2e/secret"),
        &format!("{folder}/k3s%00"),
        &format!("{folder}/k3s/"),
        &format!("{folder}/*"),
        &format!("{folder}/$(id)"),
        &folder.to_uppercase(),
    ] {
        let said = served.get(path);
        assert!(said.starts_with("404 "), "{path}: {said}");
        let body = fs::read_to_string(served.folder.path().join("body")).unwrap();
        assert_eq!(body, "404 Not Found\n", "{path}");
    }
    // A link is not followed, even if its name is right.
    let link = format!("{folder}/link");
    std::os::unix::fs::symlink(
        served.folder.path().join("secret"),
        served.folder.path().join("mirror").join(&link[1..]),
    )
    .unwrap();
    assert!(served.get(&link).starts_with("404 "));
}

#[test]
fn other_methods_and_what_is_no_request() {
    let served = serve(Os::Flatcar);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        let body = served.folder.path().join("body");
        let said = served.curl(&served.path, &["--request", method, "--data", "x=y"], &body);
        assert!(said.starts_with("405 "), "{method}: {said}");
    }
    assert!(served.raw(b"POST / HTTP/1.0\r\n\r\n").contains("\r\nAllow: GET, HEAD\r\n"));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(30_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100));
    for request in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "get / HTTP/1.1\r\n\r\n",
        "GET / HTTP/2\r\n\r\n",
        "GET / HTTP/1.1 more\r\n\r\n",
        "GET /\x1b[2J HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02\n",
        &long,
        &many,
    ] {
        let answer = served.raw(request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{request:?}: {answer}");
    }
    let log = served.server.log();
    assert!(log.chars().all(|c| c == '\n' || !c.is_control()), "{log:?}");
    // A HEAD request gets only the head of an answer, even of an error.
    assert!(served.raw(b"HEAD / HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n"));
    assert!(
        served.raw(format!("GET {} HTTP/1.0\n\n", served.path).as_bytes()).starts_with("HTTP/1.1 200 OK\r\n")
    );
}

#[test]
fn slow_clients_end_and_others_do_not_wait() {
    let served = serve(Os::Flatcar);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let silent = scope.spawn(|| served.raw(b"GET / HT"));
        let dripping = scope.spawn(|| {
            let mut connection = served.server.connect();
            connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            connection.write_all(b"GET / HTTP/1.1\r\n").unwrap();
            // More headers do not extend the client's deadline.
            for _ in 0..9 {
                std::thread::sleep(Duration::from_secs(2));
                if connection.write_all(b"A: b\r\n").is_err() {
                    break;
                }
            }
            began.elapsed()
        });
        let gone = scope.spawn(|| drop(served.server.connect()));
        let loads = [1, 2].map(|n| {
            let (served, into) = (&served, served.folder.path().join(format!("body{n}")));
            scope.spawn(move || {
                (served.curl(&served.path, &["--limit-rate", "5M"], &into), fs::read(into).unwrap())
            })
        });
        for load in loads {
            let (said, body) = load.join().unwrap();
            assert_eq!(said, "200 5000000 5000000 application/octet-stream");
            assert!(body == served.body);
        }
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        gone.join().unwrap();
        let answer = silent.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
        assert!(dripping.join().unwrap() < Duration::from_secs(18));
    });
    assert!(served.server.log().contains("408 Request Timeout"), "{}", served.server.log());
}

#[test]
fn ignition_fetches_from_it() {
    let served = serve(Os::FedoraCoreos);
    let there = served.server.url(&served.path);
    let fetched = |digest: Digest| {
        let cloud = cloud(Os::Flatcar, |machine| {
            machine.file(GuestFile::remote("/opt/bin/k3s", there.as_str(), digest))
        });
        let boot = Boot::of(&cloud, cloud.machine("bootstrap").unwrap()).unwrap();
        let (_, template) = boot.files().into_iter().find(|(name, _)| *name == "config.ign").unwrap();
        let bytes = template.render(&NoSecrets).unwrap();
        ignition::apply(std::str::from_utf8(bytes.expose()).unwrap(), tree::scratch().path())
    };
    let there = fetched(Digest::sha256(&served.body)).unwrap();
    let tree::EntryKind::File(bytes) = &there["/opt/bin/k3s"].kind else { panic!("no file") };
    assert!(*bytes == served.body);
    fetched(Digest::sha256(b"another")).unwrap_err();
}
