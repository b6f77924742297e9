//! `compile --out`: the files, their permissions, and the files that it must not overwrite.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fmc::prelude::*;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::stage::{Stage, cloud};

/// A cloud with a guest of each kind, and a routed network.
fn guests() -> Cloud {
    Cloud::new("first")
        .host(Host::local())
        .network(Network::routed("lab", "10.17.3.0/24"))
        .machine(
            Machine::new("web", Image::debian("12").path("/images/debian-12.qcow2"))
                .root_disk(3.gib())
                .interface(Interface::on("lab").address("10.17.3.10"))
                .user(User::admin("ops")),
        )
        .machine(
            Machine::new("core", Image::flatcar("4593.2.0").path("/images/flatcar.qcow2"))
                .root_disk(3.gib())
                .interface(Interface::on("lab").address("10.17.3.11"))
                .user(User::admin("ops")),
        )
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn every_artifact_has_its_place_and_its_mode() {
    let stage = Stage::new();
    let out = stage.done(guests(), "compile --out deep/out");
    let folder = stage.path().join("deep/out");
    assert!(out.contains("artifacts of first in deep/out"), "{out}");
    for path in [
        "index.json",
        "hosts/local.nft",
        "guests/core/config.ign",
        "guests/web/meta-data",
        "guests/web/network-config",
        "guests/web/seed.iso",
        "guests/web/user-data",
        "libvirt/local/domains/core.xml",
        "libvirt/local/domains/web.xml",
        "libvirt/local/networks/lab.xml",
        "libvirt/local/pools/fmc-first.xml",
    ] {
        assert!(folder.join(path).is_file(), "{path} is not among {:?}", files(&folder));
    }
    for path in files(&folder.join("guests")) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for path in ["guests", "guests/web", "guests/core"] {
        assert_eq!(mode(&folder.join(path)), 0o700, "{path}");
    }
    let beside: Vec<_> = fs::read_dir(stage.path().join("deep")).unwrap().collect();
    assert_eq!(beside.len(), 1, "nothing is left beside it: {beside:?}");
}

#[test]
fn the_index_lists_every_file_with_its_hash() {
    let stage = Stage::new();
    stage.done(guests(), "compile --out out");
    let folder = stage.path().join("out");
    let index: Value = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    assert_eq!((&index["form"], &index["version"]), (&"fmc-artifacts".into(), &1.into()));
    assert_eq!(
        (&index["cloud"], &index["owner"], &index["lab"]),
        (&"first".into(), &"first".into(), &false.into())
    );
    let mut listed = vec![folder.join("index.json")];
    for entry in index["artifacts"].as_array().unwrap() {
        let path = folder.join(entry["path"].as_str().unwrap());
        let digest = Sha256::digest(fs::read(&path).unwrap());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(entry["sha256"], digest, "{}", path.display());
        assert_eq!(entry.get("template"), None);
        listed.push(path);
    }
    listed.sort();
    assert_eq!(listed, files(&folder));
}

#[test]
fn the_same_cloud_gives_the_same_bytes() {
    let stage = Stage::new();
    stage.done(guests(), "compile --out one");
    stage.done(guests(), "compile --out two");
    let (one, two) = (stage.path().join("one"), stage.path().join("two"));
    let below = |folder: &Path| -> Vec<PathBuf> {
        files(folder).iter().map(|path| path.strip_prefix(folder).unwrap().to_owned()).collect()
    };
    assert_eq!(below(&one), below(&two));
    for path in below(&one) {
        assert!(
            fs::read(one.join(&path)).unwrap() == fs::read(two.join(&path)).unwrap(),
            "{}",
            path.display()
        );
    }
    let printed = stage.done(guests(), "compile --out one --json");
    assert_eq!(printed, fs::read_to_string(one.join("index.json")).unwrap());
}

#[test]
fn an_earlier_compile_is_replaced_whole() {
    let stage = Stage::new();
    stage.done(guests(), "compile --out out");
    stage.done(cloud(), "compile --out out");
    let folder = stage.path().join("out");
    assert!(!folder.join("guests").exists() && !folder.join("hosts").exists());
    assert!(folder.join("libvirt/local/domains/db.xml").is_file());
    fs::create_dir(stage.path().join("empty")).unwrap();
    stage.done(cloud(), "compile --out empty");
}

#[test]
fn what_is_not_ours_is_not_touched() {
    let stage = Stage::new();
    let folder = stage.path().join("mine");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("letter.txt"), "dear").unwrap();
    stage.fails(cloud(), "compile --out mine", 1, &["mine", "no index of fmc"]);
    fs::write(folder.join("index.json"), "{}").unwrap();
    stage.fails(cloud(), "compile --out mine", 1, &["no index of fmc"]);
    assert_eq!(files(&folder).len(), 2);
    assert_eq!(fs::read_to_string(folder.join("letter.txt")).unwrap(), "dear");

    stage.done(cloud(), "compile --out ours");
    fs::write(stage.path().join("ours/letter.txt"), "dear").unwrap();
    stage.fails(cloud(), "compile --out ours", 1, &["letter.txt", "does not list"]);
    assert!(stage.path().join("ours/letter.txt").is_file());

    fs::write(stage.path().join("file"), "").unwrap();
    stage.fails(cloud(), "compile --out file", 1, &["it is not a folder"]);
}

/// `server_config: { tls-san: […] }` is what recipes for K3s say.
#[test]
fn a_name_of_the_api_among_the_keys_of_servers_is_beside_those_of_the_cloud() {
    let server = |name: &'static str, address: &'static str| {
        Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
            .cpus(2)
            .memory(4.gib())
            .root_disk(20.gib())
            .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
            .interface(Interface::on("lab").address(address))
            .user(User::admin("ops"))
    };
    let config = k3s::Config::new().set(k3s::key::TLS_SAN, ["k8s.example.com", "10.17.3.10"]);
    let cloud = Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(server("m1", "10.17.3.10"))
        .cluster(k3s::Cluster::new("prod", "v1.36.3+k3s1").servers(["m1"]).server_config(config))
        .accept("k3s-install-unpinned", "the release is enough here");
    let stage = Stage::new();
    stage.done(cloud, "compile --out out");
    let said = fs::read_to_string(stage.path().join("out/guests/m1/user-data")).unwrap();
    // A file with secrets is one quoted line.
    let line = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("content: ").filter(|it| it.contains("tls-san:")));
    let config: String = serde_json::from_str(line.unwrap()).unwrap();
    let (_, after) = config.split_once("tls-san:\n").unwrap();
    let names: Vec<&str> = after.lines().map_while(|line| line.strip_prefix("- ")).collect();
    assert_eq!(names, ["\"10.17.3.10\"", "k8s.example.com", "m1"]);
}
