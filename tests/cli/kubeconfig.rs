//! The kubeconfig of a cloud's cluster, computed before anything boots.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use fmc::k3s;
use fmc::prelude::*;

use crate::stage::{Stage, cloud as without};

fn cloud() -> Cloud {
    cloud_with(k3s::pki::Credentials::new())
}

fn cloud_with(credentials: k3s::pki::Credentials) -> Cloud {
    let node = Machine::new("node", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.10"));
    let cluster = k3s::Cluster::new("prod", "v1.36.3+k3s1")
        .endpoint(k3s::Endpoint::server())
        .servers(["node"])
        .credentials(credentials);
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(node)
        .cluster(cluster)
}

#[test]
fn the_only_cluster_is_meant_and_the_sample_key_says_so() {
    let stage = Stage::new();
    let ran = stage.run(cloud(), "kubeconfig");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("the public sample key"), "{ran:?}");
    let read: serde_json::Value = serde_saphyr::from_str(&ran.out).unwrap();
    assert_eq!(read["clusters"][0]["cluster"]["server"], "https://10.17.3.10:6443");
    assert_eq!(read["current-context"], "prod");
    let ran = stage.run(cloud(), "kubeconfig prod --out prod.yaml --hours 1");
    assert_eq!(ran.code, 0, "{ran:?}");
    let mode = fs::metadata(stage.path().join("prod.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = stage.run(cloud(), "kubeconfig --out prod.yaml");
    assert!(again.code == 1 && again.err.contains("already exists, and was not changed"), "{again:?}");
}

#[test]
fn a_cluster_that_is_not_there_is_told() {
    let stage = Stage::new();
    let ran = stage.run(cloud(), "kubeconfig dev");
    assert!(ran.code == 64 && ran.err.contains("the cloud has no cluster `dev`"), "{ran:?}");
    let ran = stage.run(without(), "kubeconfig");
    assert!(ran.code == 1 && ran.err.contains("no cluster"), "{ran:?}");
}

/// A server would get them, and K3s would not start.
#[test]
fn authorities_that_do_not_serve_are_refused_before_anything_is_written() {
    let (ca, _) = fmc_testkit::pki::own_authority("prime256v1", "/CN=clients").unwrap();
    let (_, other) = fmc_testkit::pki::own_authority("prime256v1", "/CN=other").unwrap();
    let stage = Stage::new();
    let own = |name: &str| Secret::file(name.to_owned(), format!("{name}.pem"));
    let credentials = k3s::pki::Credentials::new();
    let cloud =
        cloud_with(credentials.authority(k3s::pki::Ca::Client, own("client-ca"), own("client-ca-key")));
    fs::write(stage.path().join("client-ca.pem"), ca).unwrap();
    fs::write(stage.path().join("client-ca-key.pem"), other).unwrap();
    let words =
        ["use the secret client-ca-key: it is not the key of the first certificate", "the cluster prod"];
    stage.fails(cloud.clone(), "compile --out out", 1, &words);
    assert!(!stage.path().join("out").exists());
    fs::write(stage.path().join("client-ca.pem"), "hunter2").unwrap();
    let ran = stage.run(cloud, "compile --out out");
    assert!(
        ran.code == 1 && ran.err.contains("no certificate in PEM") && !ran.err.contains("hunter2"),
        "{ran:?}"
    );
}
