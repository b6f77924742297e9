//! Plans: what is made, what others changed, what goes, what is refused.

use fmc::graph::{Action, NoteKind};
use fmc_k8s::config_map::ConfigMap;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::workload::Deployment;
use serde_json::json;

use crate::check::container;
use crate::cloud::{World, db, notes, shop, steps, web};

#[test]
fn machines_and_what_runs_in_them_are_one_plan() {
    let world = World::new();
    world.cluster.away(true);
    let plan = world.plan(shop([web(2)]));
    assert!(plan.steps.iter().any(|step| step.address.short().to_string() == "domain/node"), "{plan}");
    assert_eq!(steps(&plan), [(Action::Create, "api/single".to_owned())], "{plan}");
    world.cluster.away(false);
    world.apply(&shop([web(2)]));
    assert!(world.cluster.object("deployment", "shop", "web").is_some());
}

#[test]
fn what_is_unchanged_is_listed_and_nothing_else() {
    let world = World::new();
    let platform = shop([web(2), db()]);
    world.apply(&platform);
    let (reads, writes) = world.cluster.requests();
    assert!(world.plan(platform).is_empty());
    let kinds = u32::try_from(fmc_k8s::kind::KINDS.len()).unwrap();
    // The groups, and the kinds of those that are not of Kubernetes itself: of K3s's charts, and of the gateways that they bring.
    let (discovery, of_gateways) = (3, 3);
    let requests = (reads + kinds + of_gateways + discovery, writes);
    assert_eq!(world.cluster.requests(), requests, "one list a kind, and no dry run");
}

#[test]
fn changes_by_others_are_mended() {
    let world = World::new();
    let platform = shop([web(2)]);
    world.apply(&platform);
    let mut deployment = world.cluster.object("deployment", "shop", "web").unwrap();
    deployment["spec"]["replicas"] = json!(5);
    deployment["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{ "name": "DEBUG", "value": "1" }]);
    world.cluster.put(deployment);
    let plan = world.plan(platform.clone());
    assert!(plan.to_string().contains("spec.replicas"), "{plan}");
    let held = plan.notes.iter().find(|note| note.kind == NoteKind::Held).map(|note| note.text.clone());
    assert_eq!(
        held.as_deref(),
        Some(
            "others decide fields of it: spec.replicas (by kubectl-create): leave them out, let the others give them up, or take them \
             over with `--force-conflicts deployment/shop/web`"
        )
    );
    assert!(!world.run(&plan).is_converged());
    assert_eq!(world.cluster.object("deployment", "shop", "web").unwrap()["spec"]["replicas"], 5);

    // Another name takes nothing over, and one that nothing has is refused.
    let other = world.plan(platform.clone()).force_conflicts("service/shop/web");
    assert_eq!(notes(&other, NoteKind::Held).len(), 1, "{other}");
    let typo = world.plan(platform.clone()).force_conflicts("deployment/shop/wbe");
    let told = "--force-conflicts deployment/shop/wbe: the cloud has no such object: did you mean deployment/shop/web?";
    assert!(notes(&typo, NoteKind::Refused).contains(&told.to_owned()), "{typo}");

    let forced = world.plan(platform.clone()).force_conflicts("deployment/shop/web");
    let lines = forced.step("deployment/shop/web").unwrap().details();
    let told = "spec.replicas 5 -> 2 (taken from kubectl-create)";
    assert!(lines.iter().any(|line| line == told), "{lines:?}");
    world.run(&forced).converged().unwrap();
    let again = world.plan(platform);
    assert!(again.is_empty(), "{again}");
    let deployment = world.cluster.object("deployment", "shop", "web").unwrap();
    assert_eq!(deployment["spec"]["replicas"], json!(2));
}

#[test]
fn an_entry_that_somebody_added_to_a_list_goes() {
    let world = World::new();
    let platform = shop([web(2)]);
    world.apply(&platform);
    let mut service = world.cluster.object("service", "shop", "web").unwrap();
    service["spec"]["ports"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "extra", "port": 81, "protocol": "TCP" }));
    world.cluster.put(service);
    let plan = world.apply(&platform);
    assert_eq!(steps(&plan), [(Action::Update, "service/shop/web".to_owned())], "{plan}");
    let ports = world.cluster.object("service", "shop", "web").unwrap()["spec"]["ports"].clone();
    assert_eq!(ports.as_array().unwrap().len(), 1, "{ports}");
}

#[test]
fn what_is_no_longer_wanted_goes_and_what_is_not_ours_stays() {
    let world = World::new();
    world.apply(&shop([web(2), db()]));
    let foreign = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "foreign", "namespace": "shop" } });
    world.cluster.put(foreign);
    let plan = world.apply(&shop([web(1)]));
    let gone: Vec<_> = steps(&plan).into_iter().filter(|(action, _)| *action == Action::Delete).collect();
    let mut names: Vec<&str> = gone.iter().map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["deployment/shop/db", "pod-disruption-budget/shop/web", "service/shop/db"], "{plan}");
    assert!(world.cluster.object("config-map", "shop", "foreign").is_some());
}

#[test]
fn a_namespace_with_foreign_content_is_not_deleted() {
    let world = World::new();
    world.apply(&shop([web(1)]));
    let foreign = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "foreign", "namespace": "shop" } });
    world.cluster.put(foreign);
    let plan = world.plan(Platform::on("single").namespace(Namespace::new("other")));
    assert!(steps(&plan).iter().all(|(_, name)| name != "namespace/shop"), "{plan}");
    let left = plan.notes.iter().find(|note| note.kind == NoteKind::Left).map(|note| note.text.as_str());
    assert!(left.is_some_and(|text| text.contains("configmaps/foreign")), "{plan}");
}

#[test]
fn an_object_of_our_name_that_is_not_ours_is_refused() {
    let world = World::new();
    world.cluster.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }));
    let plan = world.plan(shop([web(1)]));
    let held = plan.notes.iter().find(|note| note.kind == NoteKind::Held).map(|note| note.text.as_str());
    assert_eq!(held, Some("fmc did not make it: give shop another name, or delete that one"), "{plan}");
    assert!(!world.run(&plan).is_converged());
    assert!(world.cluster.object("deployment", "shop", "web").is_none());
    let namespace = world.cluster.object("namespace", "", "shop").unwrap();
    assert!(!namespace.to_string().contains("fmc/owner"), "{namespace}");
}

#[test]
fn a_deployment_whose_pods_do_not_get_ready_is_told_with_the_cause() {
    let world = World::new();
    world.cluster.breaks("shop/web", "the image cannot be pulled");
    let plan = world.plan(shop([web(1)]));
    let outcome = world.run(&plan);
    assert!(!outcome.is_converged());
    let told = format!("{outcome:?}");
    assert!(told.contains("the image cannot be pulled"), "{told}");
}

/// Most programs read their texts once.
#[test]
fn other_texts_start_the_pods_anew() {
    let world = World::new();
    let with = |text: &str| {
        let container =
            container("web").config("/etc/web", ConfigMap::new("settings").file("web.conf", text));
        shop([Deployment::new("web", container)])
    };
    world.apply(&with("workers = 2\n"));
    let plan = world.apply(&with("workers = 3\n"));
    let mut changed = steps(&plan);
    changed.sort_by(|(_, one), (_, other)| one.cmp(other));
    let of = |name: &str| (Action::Update, name.to_owned());
    assert_eq!(changed, [of("config-map/shop/settings"), of("deployment/shop/web")], "{plan}");
    let lines = plan.step("deployment/shop/web").unwrap().details();
    assert!(lines[0].ends_with("(its pods are replaced, to read the other text)"), "{lines:?}");
}
