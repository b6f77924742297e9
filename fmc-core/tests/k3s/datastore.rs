//! A datastore on a machine of the cloud: its address, its accepted peers, and the machines that start after it.

use fmc_core::boot::Boot;
use fmc_core::checked::Checked;
use fmc_core::flow::tcp;
use fmc_core::image::Os;
use fmc_core::k3s::{Cluster, Config, Datastore, SslMode};
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::MachineName;
use fmc_core::secret::{Secret, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_core::unit::SizeExt as _;
use fmc_testkit::{ignition, tree};
use serde_json::json;

use crate::cluster;

fn on(machine: &'static str) -> Datastore {
    Datastore::postgres(MachineName::literal(machine), Secret::environment("db", "DB"))
}

fn stored(cluster: Cluster) -> fmc_core::cloud::Cloud {
    let db = cluster::machine("db", Os::Debian, 40);
    cluster::draft(Os::Flatcar, cluster).machine(db).accept("k3s-data-on-root", "nothing is kept")
}

fn checked(datastore: Datastore) -> Checked {
    let cloud = stored(cluster::seed().datastore(datastore));
    cloud.check().map_err(|report| report.to_string()).unwrap()
}

#[test]
fn every_server_has_the_machine_s_address_with_the_password_in_it() {
    let cloud = checked(on("db"));
    for server in ["master1", "master2", "master3"] {
        let config = cluster::config(&cloud, server);
        assert_eq!(config["datastore-endpoint"], json!("postgres://k3s:secret-db-1@10.17.4.40:5432/k3s"));
        assert!(config.get("cluster-init").is_none() && config.get("server").is_none(), "{config}");
        // The boot configuration has the secret too, in its own encoding.
        assert!(cluster::rendered(&cloud, server).contains("secret-db-1"));
    }
    assert!(cluster::config(&cloud, "worker1").get("datastore-endpoint").is_none());

    let named = on("db").port(6432).database("prod").user("app").sslmode(SslMode::VerifyFull);
    assert_eq!(
        cluster::config(&checked(named), "master1")["datastore-endpoint"],
        json!("postgres://app:secret-db-1@10.17.4.40:6432/prod?sslmode=verify-full")
    );
}

/// Gives each secret a password that is no component of a URL as it is.
struct Tricky;

impl Secrets for Tricky {
    fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(b"p@ss:/% \"'\n".to_vec()))
    }
}

#[test]
fn a_password_of_any_characters_is_encoded_in_the_address() {
    let rendered = |os: Os, name: &str| {
        let cluster = cluster::seed().datastore(on("db"));
        let cloud = cluster::draft(os, cluster).machine(cluster::machine("db", Os::Debian, 40));
        let cloud = cloud.accept("k3s-data-on-root", "nothing is kept").check().unwrap();
        let boot = Boot::of(&cloud, cloud.machine("master1").unwrap()).unwrap();
        let (_, template) = boot.files().into_iter().find(|(file, _)| *file == name).unwrap();
        String::from_utf8(template.render(&Tricky).unwrap().expose().to_vec()).unwrap()
    };
    let expected = json!("postgres://k3s:p%40ss%3A%2F%25%20%22%27@10.17.4.40:5432/k3s");
    let endpoint = |config: &str| -> serde_json::Value {
        let config: serde_json::Value = serde_saphyr::from_str(config).unwrap();
        config["datastore-endpoint"].clone()
    };

    let root = tree::scratch();
    let written = ignition::apply(&rendered(Os::Flatcar, "config.ign"), root.path()).unwrap();
    assert_eq!(endpoint(written[Config::PATH].text().unwrap()), expected);

    let user_data: serde_json::Value = serde_saphyr::from_str(&rendered(Os::Debian, "user-data")).unwrap();
    let mut files = user_data["write_files"].as_array().unwrap().iter();
    let config = files.find(|file| file["path"] == Config::PATH).unwrap();
    assert_eq!(endpoint(config["content"].as_str().unwrap()), expected);
}

#[test]
fn a_machine_without_a_known_address_is_found() {
    let db =
        Machine::new("db", cluster::image(Os::Debian)).root_disk(20.gib()).interface(Interface::on("kube"));
    let cluster = cluster::seed().datastore(on("db"));
    let cloud =
        cluster::draft(Os::Flatcar, cluster).machine(db).accept("k3s-data-on-root", "nothing is kept");
    let report = cloud.check().unwrap_err().to_string();
    assert!(
        report.contains("db has no fixed address, by which other machines find k3s-datastore"),
        "{report}"
    );
}

#[test]
fn the_machine_accepts_only_the_servers() {
    let cloud = checked(on("db").port(6432));
    let allows = |from, port| cloud.flows().into("db").from(MachineName::literal(from)).allows(tcp(port));
    for server in ["master1", "master2", "master3"] {
        assert!(allows(server, 6432) && !allows(server, 5432), "{server}");
    }
    assert!(!allows("worker1", 6432) && !allows("loadbalancer1", 6432));
    // A database elsewhere opens nothing.
    let elsewhere = checked(Datastore::endpoint(Secret::environment("db", "DB")));
    let master = MachineName::literal("master1");
    assert!(!elsewhere.flows().into("db").from(master).allows(tcp(5432)));
}

#[test]
fn the_servers_start_after_the_machine_and_wait_for_it() {
    let cloud = checked(on("db"));
    let db = cloud.find("db").unwrap();
    for server in ["master1", "master2", "master3"] {
        assert_eq!(cloud.machine(server).unwrap().after, [db], "{server}");
        assert!(
            cluster::unit(&cloud, server, "fmc-after-db-5432.service").contains("/dev/tcp/10.17.4.40/5432")
        );
    }
    assert!(cloud.machine("worker1").unwrap().after.is_empty());
}

#[test]
fn a_machine_that_is_not_there_is_found_with_what_is_near() {
    let report = stored(cluster::seed().datastore(on("dbb"))).check().unwrap_err();
    let found: Vec<_> =
        report.findings().iter().filter(|one| one.kind().as_str() == "reference-unknown").collect();
    assert_eq!(found.len(), 1, "{report}");
    assert_eq!(found[0].at(), "clusters.prod.datastore.machine");
    assert!(report.to_string().contains("did you mean db?"), "{report}");
}

#[test]
fn what_is_neither_or_both_is_refused() {
    let message = |text: serde_json::Value| {
        let datastore: Datastore = serde_json::from_value(text).unwrap();
        stored(cluster::seed().datastore(datastore)).check().unwrap_err().to_string()
    };
    assert!(message(json!({})).contains("the datastore has neither a machine nor an endpoint"));
    assert!(message(json!({"machine": "db"})).contains("has no password"));
    let secret = json!({"name": "db", "source": {"environment": "DB"}});
    let both = message(json!({"machine": "db", "endpoint": secret, "password": secret}));
    assert!(both.contains("on a machine and at an endpoint"), "{both}");
    let more = message(json!({"endpoint": secret, "port": 5432}));
    assert!(more.contains("clusters.prod.datastore.port"), "{more}");
    let text = message(json!({"machine": "db", "password": secret, "user": "a@b"}));
    assert!(text.contains("clusters.prod.datastore.user"), "{text}");
}
