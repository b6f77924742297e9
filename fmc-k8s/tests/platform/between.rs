//! Connections between namespaces.

use std::collections::BTreeSet;

use fmc::prelude::*;
use fmc_k8s::kafka::{Kafka, KafkaTopic};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::workload::Deployment;
use serde_json::json;

use crate::check::{container, every_kind, kinds, one};
use crate::cloud::{World, db, deleted, web};
use crate::operated::{image, operator};

fn platform() -> Platform {
    let caller = Deployment::new("web", container("web")).ready_within(0);
    Platform::on("single")
        .namespace(Namespace::new("shop").deployment(caller))
        .namespace(Namespace::new("data").deployment(db().ready_within(0)))
}

#[test]
fn both_sides_are_opened_and_closed_again() {
    let connected = || platform().connect("shop/web", "data/db", "sql");
    assert_eq!(every_kind(connected()), []);
    let world = World::new();
    world.apply(&connected());
    let out = world.cluster.object("network-policy", "shop", "web.to.data.db.sql").unwrap()["spec"].clone();
    let of = |namespace: &str, workload: &str| {
        json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
            "podSelector": { "matchLabels": { "app.kubernetes.io/name": workload } } })
    };
    assert_eq!(out["podSelector"]["matchLabels"], json!({ "app.kubernetes.io/name": "web" }));
    let ports = json!([{ "port": "sql", "protocol": "TCP" }]);
    assert_eq!(out["egress"], json!([{ "ports": ports, "to": [of("data", "db")] }]));
    let into =
        world.cluster.object("network-policy", "data", "db.from.shop.web.sql").unwrap()["spec"].clone();
    assert_eq!(into["ingress"], json!([{ "ports": ports, "from": [of("shop", "web")] }]));
    let plan = world.apply(&platform());
    let mut gone = deleted(&plan);
    gone.sort();
    assert_eq!(gone, ["network-policy/data/db.from.shop.web.sql", "network-policy/shop/web.to.data.db.sql"]);
}

/// Two connections whose names would be one with dashes between the words.
#[test]
fn no_two_connections_make_one_policy() {
    let caller = |name: &str| Deployment::new(name.to_owned(), container(name)).ready_within(0);
    let data = Namespace::new("data").deployment(db().ready_within(0)).deployment(caller("shop-web"));
    let all = Platform::on("single")
        .namespace(data.connect("shop-web", "db", "sql"))
        .namespace(Namespace::new("shop").deployment(caller("web")).deployment(caller("web-x")))
        .namespace(Namespace::new("shop-web").deployment(caller("x")))
        .connect("shop/web", "data/db", "sql")
        .connect("shop/web-x", "data/db", "sql")
        .connect("shop-web/x", "data/db", "sql");
    assert_eq!(kinds(all.clone()), []);
    let names: Vec<String> = all
        .manifests()
        .iter()
        .map(|one| one.address("").to_string())
        .filter(|name| name.contains("from"))
        .collect();
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!((names.len(), unique.len()), (4, 4), "{names:?}");
}

#[test]
fn a_queue_lets_in_a_caller_of_another_namespace() {
    let kafka = Kafka::new("events", image("quay.io/strimzi/kafka:1.2.0-kafka-4.3.0"), 1.gib(), 4.gib())
        .topic(KafkaTopic::new("orders"))
        .ready_within(0);
    let all = Platform::on("single")
        .operator(operator("strimzi", "kafka.strimzi.io", &["Kafka", "KafkaNodePool", "KafkaTopic"]))
        .namespace(
            Namespace::new("shop").deployment(Deployment::new("web", container("web")).ready_within(0)),
        )
        .namespace(Namespace::new("data").kafka(kafka))
        .connect("shop/web", "data/events", "tcp-clients");
    let manifests = all.manifests();
    let kafka = manifests.iter().find(|one| one.to_string() == "kafka.kafka.strimzi.io events").unwrap();
    let peers = &kafka.content()["spec"]["kafka"]["listeners"][0]["networkPolicyPeers"];
    assert_eq!(peers[1]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], "shop");
    assert_eq!(peers[1]["podSelector"]["matchLabels"]["app.kubernetes.io/name"], "web");
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    let found = |from: &str, to: &str, port: &str, kind: &str, path: &str| {
        let all = platform().connect(from.to_owned(), to.to_owned(), port.to_owned());
        one(all, kind, &format!("connections[0].{path}"));
    };
    found("shop/wbe", "data/db", "sql", "platform-no-workload", "from");
    found("shop/web", "dat/db", "sql", "platform-no-workload", "to");
    found("shop/web", "data/db", "sq", "platform-no-port", "port");
    found("web", "data/db", "sql", "name-invalid", "from");
    found("shop/web", "shop/web", "http", "platform-value", "to");
    let twice = platform().connect("shop/web", "data/db", "sql").connect("shop/web", "data/db", "sql");
    assert_eq!(kinds(twice), [("platform-twice".to_owned(), "roles[0].platform.connections[1]".to_owned())]);
    // What exposes nothing has no name.
    let nameless = Platform::on("single")
        .namespace(Namespace::new("shop").deployment(web(1)))
        .namespace(
            Namespace::new("data").deployment(Deployment::new("db", container("db").port("sql", 5432))),
        )
        .connect("shop/web", "data/db", "sql");
    assert!(
        kinds(nameless).iter().any(|(kind, at)| kind == "platform-no-name" && at.ends_with("connections[0]"))
    );
}
