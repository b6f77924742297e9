//! Operators and storage classes that stay for as long as something needs them, and a definition that changes with its objects.

use std::collections::BTreeSet;

use fmc::Plan;
use fmc::graph::{Action, Choices, DeleteData, NoteKind};
use fmc::prelude::*;
use fmc_k8s::kafka::{Kafka, KafkaTopic};
use fmc_k8s::operator::Operator;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::postgres::Postgres;
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::raw::RawObject;
use fmc_k8s::sim::Sim;
use fmc_k8s::stateful::VolumeClaim;
use pollster::block_on;
use serde_json::{Value, json};

use crate::ceph::{ceph, cloud as ceph_cloud, raw, rook};
use crate::cloud::{World, deleted, notes, steps};
use crate::custom::{definition, two_versions, unawaited, with};
use crate::operated::{image, kafka, operator, postgres};
use crate::stateful::set;

fn custom(kind: &str, namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "example.org/v1",
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace, "annotations": { "fmc/ready-within": "0" } },
        "spec": {},
    })
}

fn gadgets() -> Operator {
    operator("gadgets", "example.org", &["Gadget", "Wheel"])
}

fn with_objects(objects: impl IntoIterator<Item = Value>) -> Platform {
    let shop = objects.into_iter().fold(Namespace::new("shop"), |shop, one| shop.object(RawObject::of(&one)));
    Platform::on("single").operator(gadgets()).namespace(shop)
}

fn asked(world: &World<Sim>, platform: Platform, names: &[&str]) -> Plan {
    let data = DeleteData::Of(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    let choices = Choices { delete_data: data, ..Choices::default() };
    block_on(world.providers.plan_with(&world.wanted(platform), choices)).unwrap()
}

const PARTS: [&str; 4] = [
    "custom-resource-definition/gadgets.example.org",
    "custom-resource-definition/wheels.example.org",
    "deployment/gadgets-system/gadgets",
    "namespace/gadgets-system",
];

#[test]
fn an_operator_stays_whole_while_an_object_of_another_hand_is_there() {
    let world = World::new();
    world.apply(&with_objects([custom("Gadget", "shop", "ours")]));
    world.cluster.put(custom("Wheel", "default", "theirs"));
    let gone = || Platform::on("single").namespace(Namespace::new("shop"));
    let plan = world.plan(gone());
    assert_eq!(deleted(&plan), ["gadget.example.org/shop/ours"], "{plan}");
    let why = "custom-resource-definition/wheels.example.org needs it, and stays".to_owned();
    assert_eq!(notes(&plan, NoteKind::Kept).iter().filter(|text| **text == why).count(), 2, "{plan}");
    world.run(&plan).converged().unwrap();
    // A person names one definition, and objects of the other kind are there still.
    world.cluster.put(custom("Gadget", "default", "theirs"));
    let plan = asked(&world, gone(), &[PARTS[0]]);
    assert_eq!(deleted(&plan), [""; 0], "{plan}");
    let why = "custom-resource-definition/wheels.example.org stays with the objects of its kind, and the operator of both needs it";
    assert!(notes(&plan, NoteKind::Kept).contains(&why.to_owned()), "{plan}");
    // Both: the objects go while their controllers run.
    let plan = asked(&world, gone(), &PARTS[..2]);
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let place =
        |name: &str| order.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name}: {plan}"));
    assert!(place(PARTS[0]) < place(PARTS[2]) && place(PARTS[1]) < place(PARTS[2]), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(world.plan(gone()).is_empty());
}

#[test]
fn an_operator_stays_whole_while_data_of_ours_is_kept() {
    let world = World::new();
    let shop = || Namespace::new("shop").kafka(kafka());
    let strimzi =
        || operator("strimzi", "kafka.strimzi.io", &["Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"]);
    world.apply(&Platform::on("single").operator(strimzi()).namespace(shop()));
    let gone = || Platform::on("single").namespace(Namespace::new("shop"));
    let plan = world.plan(gone());
    assert!(deleted(&plan).iter().all(|name| !name.contains("strimzi")), "{plan}");
    // One name is enough for a Kafka with its topics, which go before it.
    let plan = asked(&world, gone(), &["kafka.kafka.strimzi.io/shop/events"]);
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let place =
        |name: &str| order.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name}: {plan}"));
    assert!(
        place("kafkatopic.kafka.strimzi.io/shop/orders") < place("kafka.kafka.strimzi.io/shop/events"),
        "{plan}"
    );
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(world.plan(gone()).is_empty());
}

fn class(name: &str) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": name },
        "provisioner": "rancher.io/local-path",
    })
}

fn claim(namespace: &str, name: &str, class: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "storageClassName": class, "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    })
}

#[test]
fn a_class_stays_while_claims_have_it_and_the_plan_names_them() {
    let world = World::new();
    let shop = || Namespace::new("shop");
    world.apply(&Platform::on("single").object(RawObject::of(&class("fast"))).namespace(shop()));
    world.cluster.put(claim("default", "theirs", "fast"));
    world.cluster.put(claim("default", "other", "slow"));
    let plan = world.plan(Platform::on("single").namespace(shop()));
    assert!(plan.is_empty(), "{plan}");
    let kept = notes(&plan, NoteKind::Kept);
    assert_eq!(
        kept,
        [
            "1 claim of it that fmc did not make (default/theirs): delete it, or move the data to another class, and apply again"
        ],
        "{plan}"
    );
    world.cluster.delete("claim", "default", "theirs");
    let plan = world.apply(&Platform::on("single").namespace(shop()));
    assert_eq!(deleted(&plan), ["storage-class/fast"], "{plan}");
}

#[test]
fn a_class_goes_with_the_last_of_our_claims() {
    let world = World::new();
    let claim = || VolumeClaim::new("data", 1.gib()).class("fast");
    let shop = Namespace::new("shop").stateful(set(claim()).ready_within(0));
    world.apply(&Platform::on("single").object(RawObject::of(&class("fast"))).namespace(shop));
    let gone = || Platform::on("single").namespace(Namespace::new("shop"));
    let plan = world.plan(gone());
    assert!(!deleted(&plan).contains(&"storage-class/fast".to_owned()), "{plan}");
    let kept = notes(&plan, NoteKind::Kept);
    assert!(kept.iter().any(|text| text.starts_with("claim/shop/data-db-0 needs it")), "{plan}");
    let plan = asked(&world, gone(), &["stateful-set/shop/db"]);
    assert!(deleted(&plan).contains(&"storage-class/fast".to_owned()), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(world.plan(gone()).is_empty());
}

#[test]
fn a_pool_of_ceph_stays_while_claims_of_its_class_are_there() {
    let world = World::new();
    let platform = |with_ceph: bool| {
        let platform = Platform::on("single").operator(rook()).namespace(Namespace::new("shop"));
        let platform = if with_ceph { platform.ceph(ceph()) } else { platform };
        world.compile(ceph_cloud(3, raw()).role(platform))
    };
    world.run(&world.plan_of(&platform(true))).converged().unwrap();
    world.cluster.put(claim("default", "theirs", "ceph-block"));
    let data =
        ["cephcluster.ceph.rook.io/rook-system/ceph", "cephblockpool.ceph.rook.io/rook-system/ceph-block"];
    let data = DeleteData::Of(data.iter().map(|name| (*name).to_owned()).collect());
    let choices = || Choices { delete_data: data.clone(), ..Choices::default() };
    let plan = block_on(world.providers.plan_with(&platform(false), choices())).unwrap();
    assert_eq!(deleted(&plan), [""; 0], "{plan}");
    assert!(notes(&plan, NoteKind::Kept).iter().any(|text| text.contains("(default/theirs)")), "{plan}");
    world.cluster.delete("claim", "default", "theirs");
    let plan = block_on(world.providers.plan_with(&platform(false), choices())).unwrap();
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    assert_eq!(
        order,
        [
            "storage-class/ceph-block",
            "cephblockpool.ceph.rook.io/rook-system/ceph-block",
            "cephcluster.ceph.rook.io/rook-system/ceph"
        ],
        "{plan}"
    );
    world.run(&plan).converged().unwrap();
}

#[test]
fn a_new_version_of_a_kind_and_its_objects_change_in_one_apply() {
    let world = World::new();
    world.apply(&with(Some(definition()), [unawaited(1)]));
    let mut newer = unawaited(2);
    newer["apiVersion"] = json!("example.org/v2");
    let plan = world.apply(&with(Some(two_versions()), [newer]));
    let made: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    assert_eq!(
        made,
        ["custom-resource-definition/widgets.example.org", "widget.example.org/shop/main"],
        "{plan}"
    );
}

#[test]
fn a_new_field_of_a_kind_and_its_value_change_in_one_apply() {
    let world = World::new();
    world.apply(&with(Some(definition()), [unawaited(1)]));
    world.cluster.refuses("widget.example.org/shop/main", ".spec.weight: field not declared in schema");
    let mut wider = definition();
    wider["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["weight"] =
        json!({ "type": "integer" });
    let mut heavier = unawaited(1);
    heavier["spec"]["weight"] = json!(3);
    let plan = world.plan(with(Some(wider), [heavier]));
    assert_eq!(notes(&plan, NoteKind::Held), [""; 0], "{plan}");
    world.cluster.refuses("widget.example.org/shop/main", "");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
}

#[test]
fn a_part_of_a_plan_takes_what_a_database_and_a_kafka_stand_on() {
    let world = World::new();
    let class = "ceph-block";
    let shop = Namespace::new("shop").postgres(postgres().class(class)).kafka(kafka().class(class));
    let platform = Platform::on("single")
        .operator(operator("cnpg", "postgresql.cnpg.io", &["Cluster"]))
        .operator(operator("strimzi", "kafka.strimzi.io", &["Kafka", "KafkaNodePool", "KafkaTopic"]))
        .operator(rook())
        .ceph(ceph())
        .namespace(shop);
    let wanted = world.compile(ceph_cloud(3, raw()).role(platform));
    let made = |name: &str| -> Vec<String> {
        let plan = world.plan_of(&wanted).only(name);
        steps(&plan).into_iter().map(|(_, name)| name).collect()
    };
    let ceph = [
        "cephcluster.ceph.rook.io/rook-system/ceph",
        "cephblockpool.ceph.rook.io/rook-system/ceph-block",
        "storage-class/ceph-block",
        "deployment/rook-system/rook",
    ];
    let db = made("cluster.postgresql.cnpg.io/shop/db");
    let own = ["secret/shop/db-owner", "network-policy/shop/db-operated", "deployment/cnpg-system/cnpg"];
    let plan = world.plan_of(&wanted).only("cluster.postgresql.cnpg.io/shop/db");
    for machine in ["a", "b", "c"] {
        assert!(plan.step(&format!("domain/{machine}")).is_ok(), "{machine}: {plan}");
    }
    assert!(plan.step("domain/d").is_err(), "{plan}");
    for name in ceph.iter().chain(&own) {
        assert!(db.contains(&(*name).to_owned()), "{name}: {db:?}");
    }
    assert!(!db.iter().any(|name| name.contains("strimzi")), "{db:?}");
    let topic = made("kafkatopic.kafka.strimzi.io/shop/orders");
    let own = ["kafka.kafka.strimzi.io/shop/events", "kafkanodepool.kafka.strimzi.io/shop/events-brokers"];
    for name in ceph.iter().chain(&own) {
        assert!(topic.contains(&(*name).to_owned()), "{name}: {topic:?}");
    }
}

#[test]
fn a_renamed_kafka_takes_no_topics_along_and_a_renamed_database_begins_empty() {
    let world = World::new();
    let platform = |db: &str, events: &str| {
        let postgres = Postgres::new(db, image("ghcr.io/cloudnative-pg/postgresql:18.1"), 512.mib(), 2.gib());
        let topic = KafkaTopic::new("orders").keep(Size::mib(512));
        let kafka = Kafka::new(events, image("quay.io/strimzi/kafka:1.2.0-kafka-4.3.0"), 512.mib(), 2.gib());
        let kafka = kafka.cpu(100.millicores()).topic(topic).ready_within(0);
        Platform::on("single")
            .operator(operator("cnpg", "postgresql.cnpg.io", &["Cluster"]))
            .operator(operator("strimzi", "kafka.strimzi.io", &["Kafka", "KafkaNodePool", "KafkaTopic"]))
            .namespace(Namespace::new("shop").postgres(postgres.ready_within(0)).kafka(kafka))
    };
    world.apply(&platform("db", "events"));
    let plan = world.plan(platform("data", "facts"));
    let held = notes(&plan, NoteKind::Held);
    assert_eq!(
        held,
        [
            "its messages stay with the Kafka events, and facts begins empty: say the former name, or let a topic of another name replace this one"
        ],
        "{plan}"
    );
    let text = plan.to_string();
    assert!(text.contains("begins empty, beside db, which stays with its data"), "{plan}");
    assert!(text.contains("begins empty, beside events, which stays with its data"), "{plan}");
    assert!(
        deleted(&plan).iter().all(|name| !name.contains("shop/db") && !name.contains("shop/events")),
        "{plan}"
    );
}

/// A database whose class goes waits for its next volume for ever.
#[test]
fn a_class_stays_while_a_wanted_database_names_it() {
    let world = World::new();
    let shop = || Namespace::new("shop").postgres(postgres().class("ceph-block"));
    let cnpg = || operator("cnpg", "postgresql.cnpg.io", &["Cluster"]);
    let base = || Platform::on("single").operator(cnpg()).operator(rook()).namespace(shop());
    let all = world.compile(ceph_cloud(3, raw()).role(base().ceph(ceph())));
    world.run(&world.plan_of(&all)).converged().unwrap();
    let parts = [
        "storage-class/ceph-block",
        "cephblockpool.ceph.rook.io/rook-system/ceph-block",
        "cephcluster.ceph.rook.io/rook-system/ceph",
    ];
    let data = DeleteData::Of(parts[1..].iter().map(|name| (*name).to_owned()).collect());
    for data in [DeleteData::None, data] {
        let choices = Choices { delete_data: data, ..Choices::default() };
        let wanted = world.compile(ceph_cloud(3, raw()).role(base()));
        let plan = block_on(world.providers.plan_with(&wanted, choices)).unwrap();
        assert_eq!(deleted(&plan), [""; 0], "{plan}");
        let why = "cluster.postgresql.cnpg.io/shop/db of the cloud names it as the class of its volumes";
        assert!(notes(&plan, NoteKind::Kept).iter().any(|note| note.starts_with(why)), "{plan}");
    }
    // Another class beside it takes nothing away, and neither does one that the database is to have, or its end.
    let other = || ceph().class("other");
    let without = || Platform::on("single").operator(cnpg()).operator(rook());
    let moved = Namespace::new("shop").postgres(postgres().class("other"));
    for platform in [
        base().ceph(other()),
        without().namespace(moved).ceph(other()),
        without().namespace(Namespace::new("shop")).ceph(other()),
    ] {
        let plan = world.plan_of(&world.compile(ceph_cloud(3, raw()).role(platform)));
        assert!(!deleted(&plan).contains(&parts[0].to_owned()), "{plan}");
    }
}

/// A topic goes only while the operator of topics runs.
#[test]
fn a_kafka_keeps_its_topic_operator_when_its_last_topic_leaves_the_cloud() {
    let with_strimzi = |shop: Namespace| {
        let strimzi = operator("strimzi", "kafka.strimzi.io", &["Kafka", "KafkaNodePool", "KafkaTopic"]);
        Platform::on("single").operator(strimzi).namespace(shop)
    };
    let world = World::new();
    world.apply(&with_strimzi(Namespace::new("shop").kafka(kafka())));
    let none = Kafka::new("events", image("quay.io/strimzi/kafka:1.2.0-kafka-4.3.0"), 512.mib(), 2.gib())
        .cpu(100.millicores())
        .ready_within(0);
    let plan = world.plan(with_strimzi(Namespace::new("shop").kafka(none)));
    assert_eq!(steps(&plan), [], "{plan}");
    assert!(notes(&plan, NoteKind::Kept).iter().any(|note| note.contains("kafkatopic")), "{plan}");
}

/// A definition that the files of an operator lose goes with the last of its objects.
#[test]
fn a_definition_that_an_operator_does_not_bring_any_more_goes() {
    let world = World::new();
    let of = |kinds: &[&str]| {
        Platform::on("single")
            .operator(operator("gadgets", "example.org", kinds))
            .namespace(Namespace::new("shop"))
    };
    world.apply(&of(&["Gadget", "Wheel"]));
    let plan = world.apply(&of(&["Gadget"]));
    assert_eq!(deleted(&plan), ["custom-resource-definition/wheels.example.org"], "{plan}");
}

/// The server keeps what makes the volumes of a class.
#[test]
fn a_class_with_another_provisioner_is_made_again() {
    let world = World::new();
    let of = |provisioner: &str, policy: &str| {
        let mut class = class("fast");
        class["provisioner"] = json!(provisioner);
        class["reclaimPolicy"] = json!(policy);
        Platform::on("single").object(RawObject::of(&class)).namespace(Namespace::new("shop"))
    };
    world.apply(&of("a.example.org", "Delete"));
    for other in [of("b.example.org", "Delete"), of("b.example.org", "Retain")] {
        let plan = world.apply(&other);
        assert_eq!(steps(&plan), [(Action::Replace, "storage-class/fast".to_owned())], "{plan}");
        assert!(plan.to_string().contains("volumes that are there stay as they were made"), "{plan}");
    }
}

/// No cause is told that is not true: nobody but the cloud changed these.
#[test]
fn what_the_cloud_alone_changed_is_told_as_that() {
    let world = World::new();
    let mut wider = definition();
    wider["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["weight"] =
        json!({ "type": "integer" });
    world.apply(&with(Some(wider), [unawaited(1)]));
    let plan = world.plan(with(Some(definition()), [unawaited(1)]));
    let text = plan.to_string();
    assert!(text.contains("manifest (the cloud leaves out what it said before"), "{plan}");
    assert!(!text.contains("others changed"), "{plan}");
    world.apply(&with(Some(definition()), [unawaited(1)]));
    let of = |version: &str| {
        let mut object = unawaited(1);
        object["apiVersion"] = json!(format!("example.org/{version}"));
        with(Some(two_versions()), [object])
    };
    world.apply(&of("v2"));
    let plan = world.plan(of("v1"));
    assert!(plan.to_string().contains("apiVersion example.org/v2 -> example.org/v1"), "{plan}");
}
