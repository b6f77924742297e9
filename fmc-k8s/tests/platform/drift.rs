//! Drift: what other hands changed, took away or copied.

use fmc::graph::NoteKind;
use fmc_k8s::platform::Platform;
use fmc_k8s::sim::Sim;
use serde_json::{Value, json};

use crate::cloud::{World, db, notes, shop, web};

/// Each drifted object in a line, as `changed service/shop/web: spec.ports[http].port 80 -> 81`, and then the unclear ones.
fn told(world: &World<Sim>, platform: Platform) -> (Vec<String>, Vec<String>) {
    let drift = world.plan(platform).drift();
    let lines = |list: &[fmc_core::provider::Drifted]| {
        let line = |one: &fmc_core::provider::Drifted| {
            let changes: Vec<String> = one.changes.iter().map(ToString::to_string).collect();
            format!("{} {}: {}", one.kind.as_str(), one.address.short(), changes.join("; "))
        };
        list.iter().map(line).collect()
    };
    (lines(&drift.drift), lines(&drift.unclear))
}

fn edit(world: &World<Sim>, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
    let mut object = world.cluster.object(kind, "shop", name).unwrap();
    change(&mut object);
    world.cluster.put(object);
}

#[test]
fn edited_objects_are_told_with_the_path_and_both_values() {
    let world = World::new();
    world.apply(&shop([web(2)]));
    assert_eq!(told(&world, shop([web(2)])), (vec![], vec![]));
    edit(&world, "deployment", "web", |object| object["spec"]["replicas"] = json!(5));
    edit(&world, "config-map", "settings", |object| object["data"]["web.conf"] = json!("workers = 9\n"));
    edit(&world, "service", "web", |object| {
        let ports = object["spec"]["ports"].as_array_mut().unwrap();
        ports.push(json!({ "name": "extra", "port": 81, "protocol": "TCP" }));
    });
    let (changed, unclear) = told(&world, shop([web(2)]));
    assert_eq!(changed.len(), 3, "{changed:?}");
    assert_eq!(changed[0], "changed config-map/shop/settings: data[web.conf] workers = 9 -> workers = 2");
    assert_eq!(changed[1], "changed deployment/shop/web: spec.replicas 5 -> 2");
    assert!(changed[2].starts_with("changed service/shop/web: spec.ports[extra] {"), "{}", changed[2]);
    assert!(changed[2].ends_with(" added"), "{}", changed[2]);
    assert_eq!(unclear, [""; 0]);
    // The cloud itself has changed too, so that nobody can tell whose change it is.
    let (changed, unclear) = told(&world, shop([web(3)]));
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert_eq!(unclear, ["edited deployment/shop/web: spec.replicas 5 -> 3"]);
}

#[test]
fn what_may_be_a_secret_is_not_shown() {
    let world = World::new();
    world.apply(&shop([web(1)]));
    edit(&world, "deployment", "web", |object| {
        object["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{ "name": "DB_PASSWORD", "value": "hunter2" }]);
    });
    edit(&world, "config-map", "settings", |object| {
        object["data"]["web.conf"] = json!("workers = 9\ndb = postgres://shop:hunter2@db/shop\n");
    });
    let plan = world.plan(shop([web(1)]));
    let told = format!("{plan}{:?}", plan.drift());
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn missing_objects_are_told_where_others_show_that_they_were_there() {
    let world = World::new();
    let platform = || shop([web(2), db()]);
    world.apply(&platform());
    for (kind, name) in [
        ("config-map", "settings"),
        ("pod-disruption-budget", "web"),
        ("network-policy", "nothing"),
        ("deployment", "db"),
    ] {
        world.cluster.delete(kind, "shop", name);
    }
    let (missing, unclear) = told(&world, platform());
    assert_eq!(
        missing,
        [
            "missing config-map/shop/settings: ",
            "missing deployment/shop/db: ",
            "missing network-policy/shop/nothing: ",
            "missing pod-disruption-budget/shop/web: "
        ]
    );
    assert_eq!(unclear, [""; 0]);
    // A port that is exposed may be new in the cloud.
    world.apply(&platform());
    world.cluster.delete("service", "shop", "web");
    assert_eq!(told(&world, platform()), (vec![], vec!["missing service/shop/web: missing".to_owned()]));
    // What went with its namespace is told of once.
    world.cluster.delete("namespace", "", "shop");
    assert_eq!(told(&world, platform()), (vec![], vec!["missing namespace/shop: missing".to_owned()]));
}

#[test]
fn an_object_with_another_owners_mark_is_told() {
    let world = World::new();
    world.apply(&shop([web(1)]));
    edit(&world, "service", "web", |object| object["metadata"]["labels"]["fmc/owner"] = json!("second"));
    edit(&world, "config-map", "settings", |object| {
        object["metadata"]["labels"].as_object_mut().unwrap().remove("fmc/owner");
    });
    let (changed, unclear) = told(&world, shop([web(1)]));
    assert_eq!(
        changed,
        [
            "changed config-map/shop/settings: metadata.labels[fmc/owner] first removed",
            "changed service/shop/web: metadata.labels[fmc/owner] second -> first"
        ]
    );
    assert_eq!(unclear, [""; 0]);
    // The plan refuses both, and never advises to delete what we made.
    let refused = notes(&world.plan(shop([web(1)])), NoteKind::Held).concat();
    let back = "put it back, as `kubectl label configmaps/settings --namespace shop fmc/owner=first`";
    assert!(refused.contains(back) && refused.contains("it belongs to the cloud second"), "{refused}");
    // An object that never was ours is the plan's business.
    let world = World::new();
    world.cluster.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }));
    assert_eq!(told(&world, shop([web(1)])).0, [""; 0]);
}

/// A manifest leaves closed what it leaves out, and another hand can open it beside our fields.
#[test]
fn what_others_opened_is_told_and_closed_again() {
    let world = World::new();
    let platform = || shop([web(2), db()]);
    world.apply(&platform());
    edit(&world, "network-policy", "nothing", |object| object["spec"]["ingress"] = json!([{}]));
    edit(&world, "service", "web", |object| object["spec"]["externalIPs"] = json!(["192.0.2.7"]));
    edit(&world, "deployment", "web", |object| {
        object["spec"]["paused"] = json!(true);
        let pod = &mut object["spec"]["template"]["spec"];
        pod["hostNetwork"] = json!(true);
        pod["containers"][0]["command"] = json!(["sh", "-c", "echo hunter2"]);
        pod["containers"][0]["securityContext"]["privileged"] = json!(true);
        pod["containers"][0]["securityContext"]["capabilities"]["add"] = json!(["SYS_ADMIN"]);
    });
    let plan = world.plan(platform()).to_string();
    for path in [
        "spec.ingress",
        "spec.externalIPs",
        "spec.paused",
        "spec.hostNetwork",
        "containers[web].command",
        "containers[web].securityContext.privileged",
        "containers[web].securityContext.capabilities.add",
    ] {
        assert!(plan.contains(path), "{path}: {plan}");
    }
    let (changed, _) = told(&world, platform());
    assert_eq!(changed.len(), 3, "{changed:?}");
    assert!(!plan.contains("hunter2") && !changed.concat().contains("hunter2"), "{plan} {changed:?}");
    world.apply(&platform());
    let policy = world.cluster.object("network-policy", "shop", "nothing").unwrap();
    assert_eq!(policy["spec"].get("ingress"), None);
    let pod = &world.cluster.object("deployment", "shop", "web").unwrap()["spec"]["template"]["spec"];
    assert_eq!(pod.get("hostNetwork"), None);
    assert_eq!(pod["containers"][0]["securityContext"].get("privileged"), None);
}

/// Variables and arguments of a container that another hand added may have any secret.
#[test]
fn the_values_of_a_container_that_others_added_are_not_shown() {
    let world = World::new();
    world.apply(&shop([web(1)]));
    edit(&world, "deployment", "web", |object| {
        let containers = object["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
        containers
            .push(json!({ "name": "side", "image": "x", "env": [{ "name": "A", "value": "hunter2" }] }));
    });
    let (changed, unclear) = told(&world, shop([web(1)]));
    let all = format!("{changed:?} {unclear:?} {}", world.plan(shop([web(1)])));
    assert!(all.contains("containers[side]") && !all.contains("hunter2"), "{all}");
}

/// A selector and a rule are taken as a whole, so that one more label or port in them is another selector or rule.
#[test]
fn what_others_wrote_into_a_whole_of_ours_is_told() {
    let world = World::new();
    let platform = || shop([web(1), db()]);
    world.apply(&platform());
    edit(&world, "network-policy", "nothing", |object| {
        object["spec"]["podSelector"] = json!({ "matchLabels": { "a": "b" } });
    });
    edit(&world, "network-policy", "names", |object| {
        object["spec"]["egress"][0]["to"][0]["podSelector"] = json!({});
        object["spec"]["egress"][0]["ports"][0]["endPort"] = json!(65535);
    });
    edit(&world, "service", "web", |object| object["spec"]["selector"]["tier"] = json!("x"));
    let (changed, unclear) = told(&world, platform());
    let all = format!("{changed:?} {unclear:?}");
    for path in ["spec.podSelector.matchLabels", "endPort", "spec.selector.tier"] {
        assert!(all.contains(path), "{path}: {all}");
    }
}

/// Whatever another program decides below our `spec` is told by `managedFields`, and closed; a restart of pods is not.
#[test]
fn fields_that_others_decide_are_told_whatever_their_names() {
    let world = World::new();
    world.apply(&shop([web(2)]));
    edit(&world, "deployment", "web", |object| {
        let template = &mut object["spec"]["template"];
        template["metadata"]["annotations"] =
            json!({ "kubectl.kubernetes.io/restartedAt": "2026-11-29T00:00:00Z" });
        template["spec"]["nodeName"] = json!("node9");
        template["spec"]["securityContext"]["sysctls"] = json!([{ "name": "kernel.msgmax", "value": "1" }]);
        // One before ours moves ours.
        let containers = template["spec"]["containers"].as_array_mut().unwrap();
        containers[0]["securityContext"]["runAsNonRoot"] = json!(false);
        containers[0]["securityContext"]["privileged"] = json!(true);
        containers.insert(0, json!({ "name": "aaa", "image": "x" }));
    });
    edit(&world, "config-map", "settings", |object| object["data"]["more.conf"] = json!("x"));
    let plan = world.plan(shop([web(2)])).to_string();
    for path in ["nodeName", "sysctls", "containers[aaa]", "runAsNonRoot", "privileged", "more.conf"] {
        assert!(plan.contains(path), "{path}: {plan}");
    }
    assert!(plan.contains("its pods are replaced") && !plan.contains("restartedAt"), "{plan}");
    world.apply(&shop([web(2)]));
    let template = &world.cluster.object("deployment", "shop", "web").unwrap()["spec"]["template"];
    assert_eq!(template["spec"]["containers"].as_array().unwrap().len(), 1);
    assert_eq!(template["spec"].get("nodeName"), None);
    assert!(template["metadata"]["annotations"].to_string().contains("restartedAt"), "{template}");
}

/// An argument, a variable or a text of another hand may be a secret, whatever its name.
#[test]
fn what_a_program_reads_is_not_shown_if_others_wrote_it() {
    let world = World::new();
    let container = || web(1);
    world.apply(&shop([container()]));
    edit(&world, "deployment", "web", |object| {
        let container = &mut object["spec"]["template"]["spec"]["containers"][0];
        container["args"] = json!(["--requirepass", "hunter2"]);
        container["env"] = json!([{ "name": "X", "value": "hunter2" }]);
        container["lifecycle"] = json!({ "postStart": { "httpGet": { "path": "/?k=hunter2", "port": 1 } } });
    });
    edit(&world, "config-map", "settings", |object| {
        object["data"]["web.conf"] = json!("requirepass hunter2")
    });
    let (changed, unclear) = told(&world, shop([container()]));
    let plan = world.plan(shop([container()]));
    let json = serde_json::to_string(&plan.to_string()).unwrap();
    assert!(!format!("{changed:?} {unclear:?} {plan} {json}").contains("hunter2"), "{changed:?} {plan}");
    assert!(changed.concat().contains("containers[web].args"), "{changed:?}");
}
