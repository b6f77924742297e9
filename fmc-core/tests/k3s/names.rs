//! The names by which the API is called, in the certificates of its servers, and the nodes' addresses for the outside.

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::image::Os;
use fmc_core::k3s::{self, Cluster, Component, key};
use serde_json::{Value, json};

use crate::cluster;

fn checked(cluster: Cluster, change: impl FnOnce(Cloud) -> Cloud) -> Checked {
    let draft = cluster::draft(Os::Flatcar, cluster).accept("k3s-data-on-root", "nothing is kept");
    change(draft).check().map_err(|report| report.to_string()).unwrap()
}

fn external(machine: &str, address: &str) -> impl FnOnce(Cloud) -> Cloud {
    move |mut cloud| {
        for machine in cloud.machines.iter_mut().filter(|one| one.name.to_string() == machine) {
            *machine = machine.clone().external_address(address);
        }
        cloud
    }
}

/// The names that a cluster's servers have more than the seed's.
fn more(cloud: &Checked) -> Vec<String> {
    let names = |cloud: &Checked| -> Vec<String> {
        let names = cluster::config(cloud, "master2").get("tls-san").cloned().unwrap();
        serde_json::from_value(names).unwrap()
    };
    let before = names(&cluster::cloud(Os::Flatcar, cluster::seed()));
    let now = names(cloud);
    assert!(before.iter().all(|name| now.contains(name)), "{now:?}");
    assert!(now.is_sorted(), "{now:?}");
    now.into_iter().filter(|name| !before.contains(name)).collect()
}

#[test]
fn names_that_the_user_gives_are_beside_the_derived_ones() {
    let said = cluster::seed().tls_san("kube.example.org").tls_san("2001:db8::7").tls_san("10.17.4.10");
    let cloud = checked(said, |cloud| cloud);
    // 10.17.4.10 is the balancer's, and is there once.
    assert_eq!(more(&cloud), ["2001:db8::7", "kube.example.org"]);
    assert_eq!(cluster::config(&cloud, "worker1")["tls-san"], Value::Null);
}

#[test]
fn keys_that_add_to_a_list_are_merged_with_what_is_derived() {
    let said = k3s::Config::new()
        .set(key::TLS_SAN, ["kube.example.org", "10.17.4.10", "2001:DB8::7"])
        .set(key::NODE_EXTERNAL_IP, ["8.8.4.4"])
        .set(key::NODE_LABEL, ["example.com/tier=servers", "example.com/disk=ssd"])
        .set(key::NODE_TAINT, ["CriticalAddonsOnly=true:NoExecute"])
        .set(key::DISABLE, [Component::Servicelb, Component::Traefik]);
    let cluster = cluster::seed().server_config(said).tls_san("kube.example.org");
    let cloud = checked(cluster, |mut cloud| {
        for machine in cloud.machines.iter_mut().filter(|one| one.name.to_string() == "master2") {
            *machine = machine.clone().label("example.com/disk=ssd").external_address("8.8.8.8");
        }
        cloud
    });
    assert_eq!(more(&cloud), ["2001:db8::7", "8.8.4.4", "8.8.8.8", "kube.example.org"]);
    let server = cluster::config(&cloud, "master2");
    assert_eq!(server["node-external-ip"], json!(["8.8.4.4", "8.8.8.8"]));
    assert_eq!(server["advertise-address"], "10.17.4.22");
    assert_eq!(server["node-label"], json!(["example.com/tier=servers", "example.com/disk=ssd"]));
    assert_eq!(server["node-taint"], json!(["CriticalAddonsOnly=true:NoExecute"]));
    assert_eq!(server["disable"], json!(["servicelb", "traefik"]));
    let other = cluster::config(&cloud, "master1");
    assert_eq!(
        other["advertise-address"], "10.17.4.21",
        "also where only the configuration names an address"
    );
    let agent = cluster::config(&cloud, "worker1");
    assert_eq!(agent["node-label"], json!(["example.com/disk=ssd"]), "its machine's alone");
    assert_eq!(agent["node-taint"], json!(["example.com/only=db:NoSchedule"]), "its machine's alone");
    for key in ["tls-san", "node-external-ip", "disable"] {
        assert_eq!(agent[key], Value::Null, "{key}");
    }
}

#[test]
fn public_addresses_of_the_cloud_are_names_of_the_api() {
    let cloud = checked(cluster::seed(), |cloud| cloud.public_address("8.8.4.4"));
    assert_eq!(more(&cloud), ["8.8.4.4"]);
}

#[test]
fn an_external_address_is_for_the_outside_alone() {
    let cloud = checked(cluster::seed(), external("master1", "8.8.4.4"));
    assert_eq!(more(&cloud), ["8.8.4.4"]);
    let server = cluster::config(&cloud, "master1");
    assert_eq!(server["node-external-ip"], json!(["8.8.4.4"]));
    // K3s would advertise the external address, and calls of the API inside the cloud would leave it.
    assert_eq!(server["advertise-address"], "10.17.4.21");
    assert_eq!(cluster::config(&cloud, "master2")["advertise-address"], Value::Null);
    let cloud = checked(cluster::seed(), external("worker1", "8.8.4.4"));
    assert_eq!(more(&cloud), [""; 0]);
    let agent = cluster::config(&cloud, "worker1");
    assert_eq!(agent["node-external-ip"], json!(["8.8.4.4"]));
    assert_eq!(agent["advertise-address"], Value::Null);
}
