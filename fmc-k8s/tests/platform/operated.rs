//! Services whose pods an operator makes: PostgreSQL by CloudNativePG, Kafka by Strimzi.

use std::collections::BTreeMap;

use fmc::graph::{Choices, DeleteData, NoteKind};
use fmc::prelude::*;
use fmc_k8s::kafka::{Kafka, KafkaTopic};
use fmc_k8s::manifest::Manifest;
use fmc_k8s::operator::Operator;
use fmc_k8s::outside::OutsideCall;
use fmc_k8s::overlay::Overlay;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::postgres::Postgres;
use fmc_k8s::prometheus::Prometheus;
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::workload::Deployment;
use pollster::block_on;
use serde_json::{Value, json};

use crate::check::{container, kinds, one};
use crate::cloud::{World, cloud, deleted, notes, steps};
use crate::raw::restricted;

pub(crate) fn image(named: &str) -> String {
    format!("{named}@sha256:{}", "0".repeat(64))
}

pub(crate) fn postgres() -> Postgres {
    Postgres::new("db", image("ghcr.io/cloudnative-pg/postgresql:18.1"), 512.mib(), 2.gib()).ready_within(0)
}

pub(crate) fn kafka() -> Kafka {
    let topic = KafkaTopic::new("orders").partitions(4).keep(Size::mib(512));
    Kafka::new("events", image("quay.io/strimzi/kafka:1.2.0-kafka-4.3.0"), 512.mib(), 2.gib())
        .cpu(100.millicores())
        .topic(topic)
        .ready_within(0)
}

/// A definition that takes every field.
pub(crate) fn definition(group: &str, kind: &str) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    })
}

/// The pods of an operator, by their label.
pub(crate) fn pods_of(key: &str, value: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": value },
        "spec": {
            "selector": { "matchLabels": { key: value } },
            "template": {
                "metadata": { "labels": { key: value } },
                "spec": restricted(json!({ "name": "operator", "image": image("registry.example.org/operator:1") })),
            },
        },
    })
}

/// An operator of these kinds, in a namespace of its own.
pub(crate) fn operator(name: &str, group: &str, kinds: &[&str]) -> Operator {
    let namespace = format!("{name}-system");
    let pods = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "operator", "image": image("registry.example.org/operator:1") }] },
            },
        },
    });
    let own = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    let all = kinds.iter().map(|kind| definition(group, kind)).chain([own, pods]);
    let texts: Vec<String> = all.map(|value| value.to_string()).collect();
    Operator::new(name).manifests(&texts.join("\n---\n")).ready_within(0)
}

fn with_operators(namespace: Namespace) -> Platform {
    Platform::on("single")
        .operator(operator("cnpg", "postgresql.cnpg.io", &["Cluster"]))
        .operator(operator("strimzi", "kafka.strimzi.io", &["Kafka", "KafkaNodePool", "KafkaTopic"]))
        .namespace(namespace)
}

pub(crate) fn web() -> Deployment {
    Deployment::new("web", container("web").secret_variable("PGPASSWORD", postgres().secret()))
        .ready_within(0)
}

/// A database and a queue that a workload calls, and a Prometheus that asks both.
fn shop() -> Platform {
    let prometheus =
        Prometheus::new("prometheus", image("quay.io/prometheus/prometheus:v3.14.0"), 256.mib(), 1.gib());
    let shop = Namespace::new("shop")
        .deployment(web())
        .postgres(postgres())
        .kafka(kafka())
        .prometheus(prometheus.ready_within(0))
        .connect("web", "db", "postgresql")
        .connect("web", "events", "tcp-clients");
    with_operators(shop)
}

/// The manifests by kind and name.
fn compiled(platform: &Platform) -> BTreeMap<String, Manifest> {
    let checked = cloud().role(platform.clone()).check().unwrap();
    platform.manifests_in(&checked).into_iter().map(|one| (one.to_string(), one)).collect()
}

fn at<'a>(all: &'a BTreeMap<String, Manifest>, name: &str, pointer: &str) -> &'a Value {
    let known = || panic!("{name}{pointer} in {:?}", all.keys());
    all.get(name).and_then(|one| one.content().pointer(pointer)).unwrap_or_else(known)
}

#[test]
fn a_platform_with_both_is_right_applied_and_planned_again_empty() {
    assert_eq!(kinds(shop()), []);
    let world = World::new();
    let plan = world.apply(&shop());
    let all = steps(&plan);
    let place =
        |name: &str| all.iter().position(|(_, one)| one == name).unwrap_or_else(|| panic!("{name}: {plan}"));
    assert!(place("deployment/cnpg-system/cnpg") < place("cluster.postgresql.cnpg.io/shop/db"), "{plan}");
    assert!(
        place("deployment/strimzi-system/strimzi") < place("kafka.kafka.strimzi.io/shop/events"),
        "{plan}"
    );
    let again = world.plan(shop());
    assert!(again.is_empty(), "{again}");
}

#[test]
fn the_data_of_both_stays_when_they_leave_the_cloud() {
    let world = World::new();
    world.apply(&shop());
    let plan = world.plan(with_operators(Namespace::new("shop").deployment(web())));
    let gone = deleted(&plan);
    // The objects that they need stay with them.
    for kept in [
        "network-policy/shop/db-operated",
        "secret/shop/db-owner",
        "service/shop/events-pods",
        "network-policy/shop/events-operated",
    ] {
        assert!(!gone.contains(&kept.to_owned()), "{kept}: {plan}");
    }
    assert!(gone.contains(&"network-policy/shop/web-to-db-postgresql".to_owned()), "{plan}");
    for kept in [
        "cluster.postgresql.cnpg.io shop/db ",
        "kafka.kafka.strimzi.io shop/events ",
        "kafkatopic.kafka.strimzi.io shop/orders ",
    ] {
        let is_kept =
            |line: &str| line.contains(kept) && line.contains(" kept ") && line.contains("--delete-data");
        assert!(plan.to_string().lines().any(is_kept), "{kept}: {plan}");
        assert!(!gone.contains(&kept.trim().replace(' ', "/")), "{plan}");
    }
}

/// The policies that close a namespace serve everything in it: they go with the last of what stays there.
#[test]
fn what_two_databases_need_stays_while_one_of_them_does() {
    let second = || {
        Postgres::new("orders", image("ghcr.io/cloudnative-pg/postgresql:18.1"), 256.mib(), 1.gib())
            .ready_within(0)
    };
    let world = World::new();
    world.apply(&with_operators(Namespace::new("shop").postgres(postgres()).postgres(second())));
    let none = || with_operators(Namespace::new("other"));
    world.apply(&none());
    let asked = |names: &[&str]| {
        let names = names.iter().map(|name| format!("cluster.postgresql.cnpg.io/shop/{name}")).collect();
        let choices = Choices { delete_data: DeleteData::Of(names), ..Choices::default() };
        block_on(world.providers.plan_with(&world.wanted(none()), choices)).unwrap()
    };
    let plan = asked(&["db"]);
    let gone = deleted(&plan);
    assert!(gone.contains(&"cluster.postgresql.cnpg.io/shop/db".to_owned()), "{plan}");
    assert!(!gone.iter().any(|name| name.starts_with("network-policy/shop/n")), "{plan}");
    world.run(&plan).converged().unwrap();
    for policy in ["names", "nothing", "orders-operated"] {
        assert!(world.cluster.object("network-policy", "shop", policy).is_some(), "{policy}");
    }
    assert!(world.cluster.object("network-policy", "shop", "db-operated").is_none());
    let plan = asked(&["orders"]);
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.object("namespace", "", "shop").is_none(), "{plan}");
}

/// No pod without its policies: a database whose deletion a person asked for goes before what serves it.
#[test]
fn a_database_that_goes_goes_before_its_policies_and_its_secret() {
    let world = World::new();
    world.apply(&shop());
    let gone = with_operators(Namespace::new("shop").deployment(web()));
    let names = ["cluster.postgresql.cnpg.io/shop/db", "kafka.kafka.strimzi.io/shop/events"];
    let asked = |platform: Platform, names: &[&str]| {
        let data = DeleteData::Of(names.iter().map(|name| (*name).to_owned()).collect());
        let choices = Choices { delete_data: data, ..Choices::default() };
        block_on(world.providers.plan_with(&world.wanted(platform), choices)).unwrap()
    };
    let in_order = |plan: &fmc::Plan, first: &str, then: &[&str]| {
        let order: Vec<String> = steps(plan).into_iter().map(|(_, name)| name).collect();
        let place =
            |name: &str| order.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name}: {plan}"));
        for one in then {
            assert!(place(first) < place(one), "{one}: {plan}");
        }
    };
    let plan = asked(gone, &names);
    in_order(
        &plan,
        names[0],
        &["network-policy/shop/db-operated", "network-policy/shop/db-answers", "secret/shop/db-owner"],
    );
    in_order(&plan, names[1], &["network-policy/shop/events-operated", "service/shop/events-pods"]);
    let all = asked(Platform::on("single"), &names);
    in_order(&all, names[0], &["network-policy/shop/nothing", "network-policy/shop/db-operated"]);
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
}

#[test]
fn the_pods_of_a_database_reach_each_other_the_api_and_nothing_else() {
    let all = compiled(&shop());
    let way = at(&all, "network-policy db-operated", "/spec");
    assert_eq!(way["podSelector"]["matchLabels"], json!({ "cnpg.io/cluster": "db" }));
    let numbers = |rule: &Value| -> Vec<u64> {
        rule["ports"].as_array().unwrap().iter().map(|one| one["port"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&way["egress"][0]), [5432, 8000]);
    assert_eq!(way["egress"][1]["to"][0]["ipBlock"]["cidr"], "10.17.3.10/32");
    assert_eq!(way["egress"].as_array().unwrap().len(), 2);
    let operator = &way["ingress"][0]["from"][1];
    assert_eq!(operator["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], "cnpg-system");
    assert_eq!(operator["podSelector"]["matchLabels"], json!({ "app.kubernetes.io/name": "cloudnative-pg" }));
    // Both halves of the connection and of the measurements know its pods by their label.
    let into = at(&all, "network-policy db-from-web-postgresql", "/spec");
    assert_eq!(into["podSelector"]["matchLabels"], json!({ "cnpg.io/cluster": "db" }));
    let out = at(&all, "network-policy web-to-db-postgresql", "/spec/egress/0/to/0/podSelector/matchLabels");
    assert_eq!(out, &json!({ "cnpg.io/cluster": "db" }));
    let answers = at(&all, "network-policy db-answers", "/spec");
    assert_eq!(answers["podSelector"]["matchLabels"], json!({ "cnpg.io/cluster": "db" }));
    assert_eq!(answers["ingress"][0]["ports"][0]["port"], "metrics");
    assert_eq!(at(&all, "service db-pods", "/spec/selector"), &json!({ "cnpg.io/cluster": "db" }));
}

#[test]
fn what_a_database_calls_outside_is_that_of_its_own_pods() {
    let shop = Namespace::new("shop").postgres(postgres()).call_outside(OutsideCall::new("db", [443]));
    let all = compiled(&with_operators(shop));
    let pods = at(&all, "network-policy db-outside", "/spec/podSelector/matchLabels");
    assert_eq!(pods, &json!({ "cnpg.io/cluster": "db" }));
}

#[test]
fn a_database_is_made_with_its_memory_its_owner_and_a_node_for_each_instance() {
    let all = compiled(&shop());
    let spec = at(&all, "cluster.postgresql.cnpg.io db", "/spec");
    assert_eq!(spec["imageName"], image("ghcr.io/cloudnative-pg/postgresql:18.1"));
    assert_eq!(spec["postgresql"]["parameters"], json!({ "shared_buffers": "128MB" }));
    assert_eq!(spec["resources"]["limits"], json!({ "cpu": "500m", "memory": "512Mi" }));
    assert_eq!(spec["affinity"]["podAntiAffinityType"], "required");
    let start = json!({ "database": "app", "owner": "app", "secret": { "name": "db-owner" } });
    assert_eq!(spec["bootstrap"]["initdb"], start);
    let owner = &all["secret db-owner"];
    assert_eq!(owner.content()["type"], "kubernetes.io/basic-auth");
    assert_eq!(owner.content()["data"], json!({ "username": "YXBw" }));
    // The workload that shows the password has it too.
    assert!(all.contains_key("secret db-password"));
}

#[test]
fn the_password_of_a_databases_owner_is_filled_in_beside_its_name() {
    let world = World::new();
    world.apply(&shop());
    let of = |name: &str| world.cluster.object("secret", "shop", name).unwrap()["data"].clone();
    let owner = of("db-owner");
    assert_eq!(owner["username"], "YXBw");
    assert_eq!(owner["password"], of("db-password")["line"]);
    // A name that another hand wrote is drift, and no plan shows the bytes.
    let mut changed = world.cluster.object("secret", "shop", "db-owner").unwrap();
    changed["data"]["username"] = json!("cm9vdA==");
    world.cluster.put(changed);
    let plan = world.plan(shop());
    assert!(!plan.is_empty() && !plan.to_string().contains("cm9vdA"), "{plan}");
}

#[test]
fn a_queue_keeps_its_topics_below_its_volumes_and_lets_in_its_clients_alone() {
    let all = compiled(&shop());
    let pool = at(&all, "kafkanodepool.kafka.strimzi.io events-brokers", "/spec");
    assert_eq!(pool["roles"], json!(["controller", "broker"]));
    assert_eq!(pool["jvmOptions"], json!({ "-Xms": "256m", "-Xmx": "256m" }));
    assert_eq!(pool["storage"]["volumes"][0]["deleteClaim"], false);
    let topic = at(&all, "kafkatopic.kafka.strimzi.io orders", "/spec");
    assert_eq!(topic["config"]["retention.bytes"], (128_u64 << 20));
    assert_eq!(topic["config"]["retention.ms"], 604_800_000_u64);
    let listener = at(&all, "kafka.kafka.strimzi.io events", "/spec/kafka/listeners/0");
    let peers: Vec<&Value> = listener["networkPolicyPeers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["podSelector"]["matchLabels"])
        .collect();
    assert_eq!(
        peers,
        [&json!({ "strimzi.io/cluster": "events" }), &json!({ "app.kubernetes.io/name": "web" })]
    );
    // A topic that says no size has its share of what the others leave.
    let three = Kafka::new("events", image("quay.io/strimzi/kafka:1.2.0-kafka-4.3.0"), 1.gib(), 10.gib())
        .brokers(3)
        .topic(KafkaTopic::new("said").keep(Size::gib(8)))
        .topic(KafkaTopic::new("silent"));
    let all: BTreeMap<String, Manifest> = Platform::on("prod")
        .namespace(Namespace::new("shop").kafka(three))
        .manifests()
        .into_iter()
        .map(|one| (one.to_string(), one))
        .collect();
    let silent =
        at(&all, "kafkatopic.kafka.strimzi.io silent", "/spec/config")["retention.bytes"].as_u64().unwrap();
    assert!((silent as f64 / f64::from(1 << 30) - 0.5).abs() < 0.01, "{silent}");
}

#[test]
fn an_overlay_adds_to_the_object_of_a_value_and_changes_nothing_that_it_says() {
    let of = |path: &str, value: Value| {
        let overlay = Overlay::of("cluster.postgresql.cnpg.io/shop/db").set(path, &value);
        kinds(with_operators(Namespace::new("shop").postgres(postgres())).overlay(overlay))
    };
    assert_eq!(of("spec.description", json!("the shop's")), []);
    let found = of("spec.storage.size", json!("5Gi"));
    assert_eq!(
        found,
        [("platform-value".to_owned(), "roles[0].platform.overlays[0].set.spec.storage.size".to_owned())]
    );
}

#[test]
fn changes_that_an_operator_does_not_make_are_held() {
    let world = World::new();
    let of = |db: Postgres, queue: Kafka| with_operators(Namespace::new("shop").postgres(db).kafka(queue));
    let own = || {
        Postgres::new("db", image("ghcr.io/cloudnative-pg/postgresql:18.1"), 512.mib(), 2.gib())
            .ready_within(0)
    };
    world.apply(&of(own().class("block"), kafka()));
    let held = |db: Postgres, queue: Kafka, words: &str| {
        let plan = world.plan(of(db, queue));
        let all = notes(&plan, NoteKind::Held);
        assert!(all.iter().any(|note| note.contains(words)), "{words}: {plan}");
    };
    let small = Postgres::new("db", image("ghcr.io/cloudnative-pg/postgresql:18.1"), 512.mib(), 1.gib())
        .ready_within(0);
    held(small.class("block"), kafka(), "cannot shrink from 2Gi to 1Gi");
    held(own().class("other"), kafka(), "are of the class block");
    held(own().class("block").database("other"), kafka(), "is read when the database is made");
    held(own().class("block").database("other"), kafka(), "the role of a database keeps the name");
    let older = Postgres::new("db", image("ghcr.io/cloudnative-pg/postgresql:17.1"), 512.mib(), 2.gib())
        .ready_within(0);
    held(older.class("block"), kafka(), "PostgreSQL 17 does not read the data of PostgreSQL 18");
    let fewer = Kafka::new("events", image("quay.io/strimzi/kafka:1.2.0-kafka-4.3.0"), 512.mib(), 2.gib())
        .cpu(100.millicores())
        .topic(KafkaTopic::new("orders").partitions(2).keep(Size::mib(512)))
        .ready_within(0);
    held(own().class("block"), fewer, "a topic keeps its parts");
    let newer = Postgres::new("db", image("ghcr.io/cloudnative-pg/postgresql:19.0"), 512.mib(), 2.gib())
        .ready_within(0);
    let plan = world.plan(of(newer.class("block"), kafka()));
    assert!(
        plan.to_string().contains("every instance stops while its data is upgraded from PostgreSQL 18 to 19"),
        "{plan}"
    );
}

#[test]
fn one_password_has_one_source() {
    let other = Secret::password("db-password").generation(2);
    let web = Deployment::new("web", container("web").secret_variable("PGPASSWORD", other));
    let shop = Namespace::new("shop").deployment(web).postgres(postgres());
    one(with_operators(shop), "platform-twice", "namespaces[0].postgres[0]");
}

/// A login that fails when it runs is found before.
#[test]
fn who_calls_a_database_has_its_password_and_no_other() {
    let own = |name: &str| Deployment::new(name.to_owned(), container(name)).ready_within(0);
    let knows = |secret: Secret| {
        Deployment::new("web", container("web").secret_variable("PGPASSWORD", secret)).ready_within(0)
    };
    let inside = |web: Deployment| {
        with_operators(Namespace::new("shop").postgres(postgres()).deployment(web).connect(
            "web",
            "db",
            "postgresql",
        ))
    };
    assert_eq!(kinds(inside(knows(postgres().secret()))), []);
    one(inside(own("web")), "platform-no-password", "namespaces[0].connections[0]");
    one(
        inside(knows(Secret::password("db-pasword"))),
        "platform-no-password",
        "namespaces[0].connections[0]",
    );
    let across = |web: Deployment| {
        with_operators(Namespace::new("data").postgres(postgres()))
            .namespace(Namespace::new("shop").deployment(web))
            .connect("shop/web", "data/db", "postgresql")
    };
    assert_eq!(kinds(across(knows(postgres().secret()))), []);
    one(across(own("web")), "platform-no-password", "connections[0]");
    let at = "namespaces[1].deployments[0].containers[0].secret_environment[0].secret";
    one(across(knows(postgres().secret().generation(2))), "platform-twice", at);
    // One name is one password.
    let two = with_operators(Namespace::new("data").postgres(postgres()))
        .namespace(Namespace::new("shop").postgres(postgres()));
    one(two, "platform-shared-password", "namespaces[1].postgres[0]");
}

#[test]
fn each_mistake_is_found_in_its_own_settings() {
    let of = |db: Postgres| with_operators(Namespace::new("shop").postgres(db));
    let find =
        |db: Postgres, path: &str| one(of(db), "platform-value", &format!("namespaces[0].postgres[0]{path}"));
    find(postgres().instances(0), ".instances");
    find(postgres().instances(2), ".instances");
    find(postgres().database("postgres"), ".database");
    find(postgres().database("Shop-1"), ".database");
    find(postgres().parameter("port", "5433"), ".parameters.port");
    find(postgres().parameter("max connections", "1"), ".parameters.max connections");
    let old = |tag: &str| {
        Postgres::new("db", image(&format!("ghcr.io/cloudnative-pg/postgresql:{tag}")), 512.mib(), 2.gib())
    };
    find(old("12.4"), ".image");
    find(old("bookworm"), ".image");
    let of = |queue: Kafka| with_operators(Namespace::new("shop").kafka(queue));
    let find =
        |queue: Kafka, path: &str| one(of(queue), "platform-value", &format!("namespaces[0].kafka[0]{path}"));
    find(kafka().brokers(3), ".brokers");
    find(kafka().days(0), ".days");
    find(kafka().config("ssl.protocol", "TLSv1.3"), ".config.ssl.protocol");
    find(kafka().topic(KafkaTopic::new("a").partitions(0)), ".topics[1].partitions");
    find(kafka().topic(KafkaTopic::new("a").days(0)), ".topics[1].days");
    find(kafka().topic(KafkaTopic::new("large").keep(2.gib())), ".topics");
    one(of(kafka().topic(KafkaTopic::new("orders"))), "platform-twice", "namespaces[0].kafka[0].topics[1]");
    let lost = Platform::on("single").namespace(Namespace::new("shop").postgres(postgres()));
    one(lost, "platform-no-operator", "namespaces[0].postgres[0]");
    let idle = |name: &str, text: String| Operator::new(name).manifests(&text).namespace("idle");
    let cnpg = || idle("cnpg", definition("postgresql.cnpg.io", "Cluster").to_string());
    let shop = || Namespace::new("shop").postgres(postgres());
    one(
        Platform::on("single").operator(cnpg()).namespace(shop()),
        "platform-no-operator-pods",
        "namespaces[0].postgres[0]",
    );
    let strimzi = idle("strimzi", definition("kafka.strimzi.io", "Kafka").to_string());
    let queue = Namespace::new("shop").kafka(kafka());
    one(
        Platform::on("single").operator(strimzi).namespace(queue),
        "platform-no-operator-pods",
        "namespaces[0].kafka[0]",
    );
    // Its pods may stand in the files of another entry: they are known by their label.
    let pods = idle("cnpg-pods", pods_of("app.kubernetes.io/name", "cloudnative-pg").to_string());
    let both = Platform::on("single").operator(cnpg()).operator(pods).namespace(shop());
    assert_eq!(kinds(both), []);
}

#[test]
fn the_budget_counts_the_pods_that_operators_make() {
    let large = Postgres::new("db", image("ghcr.io/cloudnative-pg/postgresql:18.1"), 8.gib(), 2.gib());
    let found = kinds(with_operators(Namespace::new("shop").postgres(large)));
    assert!(
        found.iter().any(|(kind, at)| kind == "platform-too-large" && at.ends_with("postgres[0]")),
        "{found:?}"
    );
}
