//! Deployments whose pods are not ready: told by each plan until they are.

use fmc::graph::{Action, NoteKind};
use fmc_k8s::sim::Sim;
use serde_json::json;

use crate::cloud::{World, cloud, notes, shop, steps, web};

fn update() -> [(Action, String); 1] {
    [(Action::Update, "deployment/shop/web".to_owned())]
}

fn state(world: &World<Sim>, at: &str) -> String {
    let checked = cloud().role(shop([web(2)])).check().unwrap();
    let status = world.plan(shop([web(2)])).status(&checked);
    let standing = status.objects.iter().find(|one| one.address.short().to_string() == at).unwrap();
    standing.state.clone()
}

#[test]
fn an_apply_that_waited_in_vain_is_asked_again_and_never_converged_in_silence() {
    let world = World::new();
    world.cluster.breaks("shop/web", "the image cannot be pulled");
    let outcome = world.run(&world.plan(shop([web(2)])));
    assert!(!outcome.is_converged());
    // The manifest is the same, and the plan is not empty all the same.
    for _ in 0..2 {
        let plan = world.plan(shop([web(2)]));
        assert_eq!(steps(&plan), update(), "{plan}");
        assert!(plan.to_string().contains("pods not ready -> ready (the image cannot be pulled)"), "{plan}");
        assert!(!world.run(&plan).is_converged());
    }
    assert_eq!(
        state(&world, "deployment/shop/web"),
        "there, its pods are not ready: the image cannot be pulled"
    );
    assert_eq!(state(&world, "service/shop/web"), "there");
    world.cluster.mends("shop/web");
    world.apply(&shop([web(2)]));
    assert_eq!(state(&world, "deployment/shop/web"), "there");
}

#[test]
fn pods_that_were_ready_and_are_not_any_more_are_told_and_waited_for() {
    let world = World::new();
    world.apply(&shop([web(2)]));
    world.cluster.breaks("shop/web", "0 of 2 nodes are available");
    let plan = world.plan(shop([web(2)]));
    assert_eq!(steps(&plan), update(), "{plan}");
    // No hand changed anything.
    assert!(plan.drift().is_empty() && plan.drift().unclear.is_empty(), "{:?}", plan.drift());
    world.cluster.mends("shop/web");
    world.run(&plan).converged().unwrap();
    assert!(world.plan(shop([web(2)])).is_empty());
}

/// What the pods say tells more than how many there are.
#[test]
fn the_cause_of_the_first_pod_is_told() {
    let world = World::new();
    world.cluster.holds_back("shop/web");
    let pod = |reason: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": "web-1", "namespace": "shop", "labels": { "app.kubernetes.io/name": "web" } },
            "status": { "containerStatuses": [{ "name": "web", "state": { "waiting": { "reason": reason, "message": "no such tag" } } }] },
        })
    };
    let told = || world.run(&world.plan(shop([web(2)]))).converged().unwrap_err().to_string();
    world.cluster.put(pod("ImagePullBackOff"));
    let said = told();
    let why = "its pods were not ready within 300 s: 0 of 2 pods are available, 2 are new: container web of web-1: ImagePullBackOff: no such tag";
    assert!(said.contains(why), "{said}");
    // Nothing mends the name of an image.
    world.cluster.put(pod("InvalidImageName"));
    let said = told();
    assert!(
        said.ends_with("deployment/shop/web: container web of web-1: InvalidImageName: no such tag"),
        "{said}"
    );
}

#[test]
fn pods_that_nobody_waits_for_are_told_without_a_step() {
    let world = World::new();
    world.cluster.breaks("shop/web", "the image cannot be pulled");
    let platform = shop([web(2).ready_within(0)]);
    world.run(&world.plan(platform.clone())).converged().unwrap();
    let plan = world.plan(platform);
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(notes(&plan, NoteKind::Notice), ["its pods are not ready: the image cannot be pulled"]);
}

#[test]
fn a_change_that_mends_the_pods_converges() {
    let world = World::new();
    world.cluster.breaks("shop/web", "no node has room");
    let _ = world.run(&world.plan(shop([web(2)])));
    world.cluster.mends("shop/web");
    let plan = world.apply(&shop([web(1)]));
    assert!(plan.to_string().contains("spec.replicas 2 -> 1"), "{plan}");
}
