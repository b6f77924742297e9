//! `images resolve`, with answers in the forms that upstreams publish.

use fmc::digest::Digest;
use fmc_testkit::http::{Reply, Request, Server};

use crate::stage::{Stage, cloud};

/// The form of Fedora CoreOS's `streams/stable.json`, with one more platform.
const STREAM: &str = r#"{
    "stream": "stable",
    "metadata": {"last-modified": "2026-08-20T14:03:41Z", "generator": "fedora-coreos-stream-generator v0.2.5"},
    "architectures": {
        "x86_64": {
            "artifacts": {
                "aws": {"release": "44.20260802.3.1", "formats": {"vmdk.xz": {"disk": {
                    "location": "https://builds.coreos.fedoraproject.org/prod/aws.vmdk.xz", "sha256": "00"}}}},
                "qemu": {"release": "44.20260802.3.1", "formats": {"qcow2.xz": {"disk": {
                    "location": "https://builds.coreos.fedoraproject.org/prod/streams/stable/builds/44.20260802.3.1/x86_64/fedora-coreos-44.20260802.3.1-qemu.x86_64.qcow2.xz",
                    "signature": "https://builds.coreos.fedoraproject.org/prod/streams/stable/builds/44.20260802.3.1/x86_64/fedora-coreos-44.20260802.3.1-qemu.x86_64.qcow2.xz.sig",
                    "sha256": "1111111111111111111111111111111111111111111111111111111111111111",
                    "uncompressed-sha256": "2222222222222222222222222222222222222222222222222222222222222222"}}}}
            },
            "images": {"aws": {"regions": {}}}
        }
    }
}"#;

const VERSION_TXT: &str = "FLATCAR_BUILD=4593\nFLATCAR_BRANCH=2\nFLATCAR_PATCH=1\nFLATCAR_VERSION=4593.2.1\n\
    FLATCAR_VERSION_ID=4593.2.1\nFLATCAR_BUILD_ID=\"\"\nFLATCAR_SDK_VERSION=4593.0.0\n";

fn hex(digit: char, digest: &Digest) -> String {
    digest.hex().chars().map(|_| digit).collect()
}

fn sha256(digit: char) -> String {
    hex(digit, &Digest::sha256(b""))
}

fn sha512(digit: char) -> String {
    hex(digit, &Digest::sha512(b""))
}

/// All upstreams on one server.
fn upstreams() -> Server {
    Server::start(|Request { path, .. }: &Request| {
        let text = match path.as_str() {
            "/streams/stable.json" => STREAM.to_owned(),
            "/amd64-usr/current/version.txt" => VERSION_TXT.to_owned(),
            "/amd64-usr/4593.2.1/flatcar_production_qemu_image.img.bz2.DIGESTS" => format!(
                "# MD5 HASH\n{}  flatcar_production_qemu_image.img.bz2\n# SHA1 HASH\n{}  flatcar_production_qemu_image.img.bz2\n\
                 # SHA512 HASH\n{}  flatcar_production_qemu_image.img.bz2\n",
                "a".repeat(32),
                "b".repeat(40),
                sha512('3')
            ),
            "/9/images/x86_64/CHECKSUM" => format!(
                "# Rocky-9-GenericCloud-Base-9.9-20261001.0.x86_64.qcow2: 9 bytes\n\
                 SHA256 (Rocky-9-GenericCloud-Base-9.9-20261001.0.x86_64.qcow2) = {}\n\
                 SHA256 (Rocky-9-GenericCloud-Base-9.10-20261101.1.x86_64.qcow2) = {}\n\
                 SHA256 (Rocky-9-GenericCloud-Base.latest.x86_64.qcow2) = {}\n\
                 SHA256 (Rocky-9-GenericCloud-LVM-9.11-20261102.0.x86_64.qcow2) = {}\n",
                sha256('4'),
                sha256('5'),
                sha256('6'),
                sha256('7')
            ),
            "/9/cloud/x86_64/images/CHECKSUM" => format!(
                "{}  AlmaLinux-9-GenericCloud-9.8-20260601.x86_64.qcow2\n{}  AlmaLinux-9-GenericCloud-latest.x86_64.qcow2\n",
                sha256('8'),
                sha256('9')
            ),
            "/bookworm/" => "<html><a href=\"20260901-2222/\">x</a><a href=\"20261001-2255/\">y</a><a href=\"latest/\">z</a></html>"
                .to_owned(),
            "/bookworm/20261001-2255/SHA512SUMS" => format!(
                "{}  debian-12-genericcloud-amd64-20261001-2255.qcow2\n{}  debian-12-genericcloud-arm64-20261001-2255.qcow2\n",
                sha512('a'),
                sha512('b')
            ),
            "/10/images/x86_64/CHECKSUM" => "<html>Not the list</html>".to_owned(),
            _ => return Reply::status("404 Not Found", b"no"),
        };
        Reply::file(text.as_bytes())
    })
}

/// The image of a printed YAML, read by the same reader as a user's file.
fn of_yaml(printed: &str) -> String {
    let (_, yaml) = printed.split_once("\n\n").unwrap();
    let yaml: String = yaml.lines().map(|line| format!("    {line}\n")).collect();
    let file =
        format!("name: first\nhosts: {{local: {{}}}}\nmachines:\n  web:\n{yaml}    root_disk: 20 GiB\n");
    let read = fmc::file::from_yaml(&file).unwrap_or_else(|error| panic!("{error}\n{file}"));
    fmc::file::to_json(&read).unwrap()
}

#[test]
fn each_upstreams_newest_image_is_pinned() {
    let (server, stage) = (upstreams(), Stage::new());
    let base = server.url("");
    let cases = [
        (
            "fedora-coreos",
            format!(
                "Image::fedora_coreos(\"44.20260802.3.1\")\n    .url(\"https://builds.coreos.fedoraproject.org/prod/streams/stable/builds/\
                 44.20260802.3.1/x86_64/fedora-coreos-44.20260802.3.1-qemu.x86_64.qcow2.xz\", \"sha256:{}\")\n    \
                 .unpacked_digest(\"sha256:{}\")\n",
                sha256('1'),
                sha256('2')
            ),
        ),
        (
            "flatcar --channel stable",
            format!(
                "Image::flatcar(\"4593.2.1\")\n    .url(\"{base}/amd64-usr/4593.2.1/flatcar_production_qemu_image.img.bz2\", \
                 \"sha512:{}\")\n",
                sha512('3')
            ),
        ),
        (
            "rocky 9",
            format!(
                "Image::rocky(\"9.10\")\n    .url(\"{base}/9/images/x86_64/Rocky-9-GenericCloud-Base-9.10-20261101.1.x86_64.qcow2\", \
                 \"sha256:{}\")\n",
                sha256('5')
            ),
        ),
        (
            "almalinux 9",
            format!(
                "Image::almalinux(\"9.8\")\n    .url(\"{base}/9/cloud/x86_64/images/AlmaLinux-9-GenericCloud-9.8-20260601.x86_64.qcow2\", \
                 \"sha256:{}\")\n",
                sha256('8')
            ),
        ),
        (
            "debian 12 --arch aarch64",
            format!(
                "Image::debian(\"12\").architecture(Arch::Aarch64)\n    \
                 .url(\"{base}/bookworm/20261001-2255/debian-12-genericcloud-arm64-20261001-2255.qcow2\", \"sha512:{}\")\n",
                sha512('b')
            ),
        ),
    ];
    for (asked, rust) in cases {
        let printed = stage.done(cloud(), &format!("images resolve {asked} --url {base}"));
        assert!(printed.starts_with(&rust), "{asked}: {printed}\n{rust}");
        let json = of_yaml(&printed);
        let url = rust.split('"').find(|part| part.starts_with("http")).unwrap();
        assert!(json.contains(url) && json.contains(rust.rsplit('"').nth(1).unwrap()), "{json}");
    }
}

#[test]
fn what_an_upstream_does_not_say_is_an_error_that_names_it() {
    let (server, stage) = (upstreams(), Stage::new());
    let base = server.url("");
    let fails = |asked: &str, code, says: &[&str]| {
        stage.fails(cloud(), &format!("images resolve {asked} --url {base}"), code, says);
    };
    fails(
        "flatcar --stream beta --arch aarch64",
        1,
        &["/arm64-usr/current/version.txt", "answers 404 Not Found"],
    );
    fails(
        "rocky 10",
        1,
        &["/10/images/x86_64/CHECKSUM", "has no SHA-256 or SHA-512 of Rocky-10-GenericCloud-Base-"],
    );
    fails("fedora-coreos --arch aarch64", 1, &["/streams/stable.json", "it has no architecture aarch64"]);
    fails("rocky", 64, &["which release?"]);
    fails("debian 5", 64, &["5 is not a known release of Debian; known: 11, 12, 13"]);
    fails("rocky ../../x", 64, &["is not the name of a release"]);
}

#[test]
fn a_release_that_is_not_said_is_asked_for_in_the_systems_own_words() {
    let stage = Stage::new();
    let debian = "help: name it, as `images resolve debian 12`: 11 (bullseye), 12 (bookworm), 13 (trixie)";
    stage.fails(cloud(), "images resolve debian", 64, &["which release?", debian]);
    stage.fails(cloud(), "images resolve almalinux", 64, &["`images resolve almalinux 9`"]);
    stage.fails(cloud(), "images resolve rocky", 64, &["`images resolve rocky 9`"]);
}

#[test]
fn a_program_reads_it_as_json() {
    let (server, stage) = (upstreams(), Stage::new());
    let json = stage.done(cloud(), &format!("images resolve debian 12 --json --url {}", server.url("")));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["version"], &json["image"]["os"]), (&1.into(), &"debian".into()));
    let digest = json["image"]["source"]["url"]["digest"].as_str().unwrap();
    assert_eq!(digest, format!("sha512:{}", sha512('a')));
}
