//! Namespaces that would take along what is not ours.

use fmc::graph::NoteKind;
use fmc_k8s::platform::Platform;
use fmc_k8s::sim::Sim;
use serde_json::{Value, json};

use crate::cloud::{World, deleted, notes, shop, web};

fn object(api: &str, kind: &str, name: &str, owners: &Value) -> Value {
    json!({ "apiVersion": api, "kind": kind, "metadata": { "name": name, "namespace": "shop", "uid": format!("uid of {name}"),
        "ownerReferences": owners } })
}

fn owner(api: &str, kind: &str, uid: &str) -> Value {
    json!([{ "apiVersion": api, "kind": kind, "name": "x", "uid": uid }])
}

/// A world with a shop, and what else is in its namespace.
fn with(objects: impl IntoIterator<Item = Value>) -> World<Sim> {
    let world = World::new();
    world.apply(&shop([web(1)]));
    objects.into_iter().for_each(|object| world.cluster.put(object));
    world
}

fn told(world: &World<Sim>) -> Vec<String> {
    let plan = world.plan(Platform::on("single"));
    let left = notes(&plan, NoteKind::Left);
    assert_eq!(left.is_empty(), deleted(&plan).contains(&"namespace/shop".to_owned()), "{plan}");
    left
}

#[test]
fn objects_of_every_kind_keep_a_namespace() {
    for (api, kind, name) in [
        ("v1", "Secret", "secrets/own"),
        ("apps/v1", "StatefulSet", "statefulsets.apps/own"),
        ("example.org/v1alpha1", "Widget", "widgets.example.org/own"),
    ] {
        let world = with([object(api, kind, "own", &json!([]))]);
        let said = format!("it has what fmc did not make: {name}: move that or delete it, and apply again");
        assert_eq!(told(&world), [said]);
    }
}

#[test]
fn what_ours_own_goes_and_what_strangers_own_stays() {
    let world = with([]);
    let uid = world.cluster.object("deployment", "shop", "web").unwrap()["metadata"]["uid"].clone();
    let uid = uid.as_str().unwrap();
    let of_ours = [
        object("apps/v1", "ReplicaSet", "web-1", &owner("apps/v1", "Deployment", uid)),
        object("v1", "Pod", "web-1-a", &owner("apps/v1", "ReplicaSet", "uid of web-1")),
        // Its owner in the namespace is gone: the cluster collects it.
        object("v1", "Pod", "late", &owner("apps/v1", "ReplicaSet", "another")),
        object("v1", "Event", "happened", &json!([])),
        object("v1", "ServiceAccount", "default", &json!([])),
    ];
    of_ours.into_iter().for_each(|object| world.cluster.put(object));
    assert_eq!(told(&world), [""; 0]);
    // A cluster-wide owner, and a stranger beside, which is told of and not its pods.
    world.cluster.put(object("v1", "Secret", "token", &owner("example.org/v1", "ClusterThing", "elsewhere")));
    world.cluster.put(object("batch/v1", "Job", "copy", &json!([])));
    world.cluster.put(object("v1", "Pod", "copy-1", &owner("batch/v1", "Job", "uid of copy")));
    assert_eq!(
        told(&world),
        [
            "it has what fmc did not make: jobs.batch/copy, secrets/token: move that or delete it, and apply again"
        ]
    );
}

#[test]
fn a_namespace_is_looked_into_again_right_before_it_goes() {
    let world = with([]);
    let plan = world.plan(Platform::on("single"));
    assert!(deleted(&plan).contains(&"namespace/shop".to_owned()), "{plan}");
    world.cluster.put(object("v1", "Secret", "late", &json!([])));
    let outcome = world.run(&plan);
    let (at, error) = &outcome.failed[0];
    assert_eq!(at.short().to_string(), "namespace/shop");
    assert_eq!(
        error.to_string(),
        "delete it: it has what fmc did not make: secrets/late: move that or delete it, and apply again"
    );
    assert!(world.cluster.object("namespace", "", "shop").is_some());
    assert_eq!(told(&world).len(), 1);
}

/// CloudNativePG writes a text into each namespace of its databases, and names no owner.
#[test]
fn the_text_of_an_operator_keeps_no_namespace() {
    let made = |by: &str| {
        let mut text = object("v1", "ConfigMap", "cnpg-default-monitoring", &json!([]));
        text["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": by });
        text
    };
    let world = with([made("somebody")]);
    assert_eq!(told(&world).len(), 1);
    let world = with([made("cloudnative-pg")]);
    assert_eq!(told(&world), [""; 0]);
}
