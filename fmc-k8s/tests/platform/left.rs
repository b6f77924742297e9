//! What stays when the cloud does not want it any more, and how it goes: a platform that was taken out, a destroyed cloud.

use std::collections::BTreeSet;

use fmc::Plan;
use fmc::graph::{Choices, DeleteData, NoteKind};
use fmc_k8s::platform::Platform;
use fmc_k8s::sim::Sim;
use pollster::block_on;
use serde_json::json;

use crate::cloud::{World, cloud, db, deleted, notes, shop, steps, web};

fn asked(world: &World<Sim>, name: &str) -> Plan {
    let data = DeleteData::Of(BTreeSet::from([name.to_owned()]));
    let choices = Choices { delete_data: data, ..Choices::default() };
    block_on(world.providers.plan_with(&world.compile(cloud()), choices)).unwrap()
}

#[test]
fn a_platform_that_is_taken_out_stays_and_the_plan_says_how_it_goes() {
    let world = World::new();
    world.apply(&shop([web(2)]));
    let wanted = world.compile(cloud());
    let before = world.cluster.state();
    let plan = world.plan_of(&wanted);
    assert_eq!(steps(&plan), [], "{plan}");
    let left = notes(&plan, NoteKind::Left);
    assert_eq!(
        left,
        [
            "the cloud has no platform for the cluster single any more: it stays with the 6 objects in it. To delete all that the \
             platform left, apply with `--delete-data cluster/single`, or give the cluster a platform without namespaces"
        ],
        "{plan}"
    );
    assert!(!plan.is_empty(), "{plan}");
    let outcome = world.run(&plan);
    assert!(outcome.waits_for_person(), "{outcome:?}");
    assert_eq!(world.cluster.state(), before);
}

#[test]
fn what_a_platform_left_goes_when_a_person_asks() {
    let world = World::new();
    world.apply(&shop([web(1)]));
    let wrong = asked(&world, "cluster/singel");
    assert_eq!(steps(&wrong), [], "{wrong}");
    assert!(wrong.refused().next().is_some(), "{wrong}");
    let plan = asked(&world, "cluster/single");
    assert_eq!(deleted(&plan).len(), 6, "{plan}");
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.is_empty());
    assert!(world.plan_of(&world.compile(cloud())).is_empty());
}

/// Pods never run without the policies that close their namespace.
#[test]
fn a_namespace_is_closed_before_its_pods_come_and_until_they_are_gone() {
    let world = World::new();
    let order = |plan: &Plan| -> (usize, usize) {
        let names: Vec<String> = steps(plan).into_iter().map(|(_, name)| name).collect();
        let at = |wanted: &str| names.iter().position(|name| name == wanted).unwrap();
        (at("network-policy/shop/nothing"), at("deployment/shop/web"))
    };
    let plan = world.apply(&shop([web(1)]));
    let (policy, pods) = order(&plan);
    assert!(policy < pods, "{plan}");
    let plan = world.apply(&Platform::on("single"));
    let (policy, pods) = order(&plan);
    assert!(pods < policy, "{plan}");
}

#[test]
fn an_empty_platform_takes_away_what_was_there() {
    let world = World::new();
    world.apply(&shop([web(1)]));
    let plan = world.apply(&Platform::on("single"));
    assert_eq!(deleted(&plan).len(), 6, "{plan}");
    assert!(world.cluster.is_empty());
}

#[test]
fn a_cluster_that_never_had_a_platform_is_not_told_of() {
    let world = World::new();
    let plan = world.plan_of(&world.compile(cloud()));
    assert!(plan.notes.iter().all(|note| !note.text.contains("platform")), "{plan}");
    world.cluster.away(true);
    let plan = world.plan_of(&world.compile(cloud()));
    assert!(plan.deferred().next().is_none(), "{plan}");
}

#[test]
fn a_destroy_says_what_goes_with_the_machines() {
    let world = World::new();
    world.apply(&shop([web(2)]));
    let destroyed = world.wanted(shop([web(2)])).nothing();
    let plan = world.plan_of(&destroyed);
    assert_eq!(deleted(&plan), ["api/single"], "{plan}");
    let said = "the cluster goes with its machines, and with it the namespace shop with 6 objects";
    assert!(plan.to_string().contains(said), "{plan}");
    // A cluster that does not answer stops no destroy.
    world.cluster.away(true);
    let plan = world.plan_of(&destroyed);
    assert_eq!(steps(&plan), [], "{plan}");
    assert!(plan.deferred().next().is_none(), "{plan}");
    assert!(plan.steps.iter().any(|step| step.address.short().to_string() == "domain/node"), "{plan}");
    world.run(&plan).converged().unwrap();
    assert!(world.plan_of(&destroyed).is_empty());
}

#[test]
fn a_part_of_a_platform_can_be_destroyed_and_planned_by_name() {
    let world = World::new();
    let platform = shop([web(1), db()]);
    world.apply(&platform);
    let destroyed = world.wanted(platform.clone()).nothing();
    for name in ["deployment/db", "deployment/shop/db", "kubernetes/single/deployment/shop/db"] {
        let plan = world.plan_of(&destroyed).only(name);
        assert_eq!(deleted(&plan), ["deployment/shop/db"], "{plan}");
        assert_eq!(plan.steps.len(), 1, "{plan}");
    }
    let plan = world.plan_of(&destroyed).only("namespace/shop");
    assert_eq!(deleted(&plan).len(), 8, "what is in it goes first: {plan}");
    let plan = world.plan_of(&destroyed).only("deployment/db");
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.object("deployment", "shop", "db").is_none());
    assert!(world.cluster.object("deployment", "shop", "web").is_some());
    let again = world.plan_of(&destroyed).only("deployment/db");
    assert_eq!(notes(&again, NoteKind::Notice), ["it is gone already"], "{again}");
    world.cluster.away(true);
    let unread = world.plan_of(&destroyed).only("deployment/web");
    assert!(unread.deferred().next().is_some(), "{unread}");
    world.cluster.away(false);

    // In a plan of the cloud only the chosen one comes back.
    world.cluster.delete("config-map", "shop", "settings");
    let plan = world.plan(platform).only("deployment/db");
    assert_eq!(steps(&plan).len(), 1, "{plan}");
    assert!(plan.to_string().contains("deployment shop/db"), "{plan}");
}

#[test]
fn a_copy_with_our_mark_is_a_strangers() {
    let world = World::new();
    let platform = shop([web(1)]);
    world.apply(&platform);
    // kubectl get -o yaml | sed s/web/copy/ | kubectl apply -f -
    let mut copy = world.cluster.object("deployment", "shop", "web").unwrap();
    copy["metadata"] = json!({ "name": "copy", "namespace": "shop", "labels": copy["metadata"]["labels"],
        "annotations": copy["metadata"]["annotations"] });
    world.cluster.put(copy);
    let plan = world.plan(platform.clone());
    assert!(plan.is_empty(), "{plan}");
    let drift = plan.drift();
    let found: Vec<String> =
        drift.drift.iter().map(|one| format!("{} {}", one.kind.as_str(), one.address.short())).collect();
    assert_eq!(found, ["extra deployment/shop/copy"]);
    // Its namespace does not go with it in it.
    let plan = world.plan(Platform::on("single"));
    assert!(notes(&plan, NoteKind::Left).iter().any(|text| text.contains("deployments.apps/copy")), "{plan}");
}
