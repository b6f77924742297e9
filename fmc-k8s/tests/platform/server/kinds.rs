//! Accounts, and objects in the form of the API, on a real server.

use fmc::graph::Action;
use fmc_k8s::platform::Platform;
use fmc_k8s::raw::RawObject;
use serde_json::{Value, json};

use super::start;
use crate::cloud::{Cluster as _, deleted, steps};

#[test]
fn an_account_may_do_what_its_rules_say_and_nothing_else() {
    let world = start();
    world.apply(&crate::account::watching());
    assert!(world.plan(crate::account::watching()).is_empty());
    let may = |account: &str, words: &[&str]| {
        let who = format!("--as=system:serviceaccount:{account}");
        let asked = world.cluster.0.kubectl(&[&["auth", "can-i", &who], words].concat());
        // It ends with 1 where the answer is no.
        match asked {
            Ok(said) => said.trim() == "yes",
            Err(refused) => {
                assert!(refused.to_string().contains("no"), "{refused}");
                false
            }
        }
    };
    assert!(may("shop:agent", &["list", "pods", "--namespace=shop"]));
    assert!(may("shop:agent", &["list", "nodes"]));
    for denied in [
        ["delete", "pods", "--namespace=shop"],
        ["list", "pods", "--namespace=default"],
        ["list", "secrets", "--namespace=shop"],
        ["get", "nodes", "--namespace=shop"],
    ] {
        assert!(!may("shop:agent", &denied), "{denied:?}");
    }
    // Another hand adds a right: it is told, and goes when a person says so.
    let patch = r#"[{"op": "add", "path": "/rules/-", "value": {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}}]"#;
    world.cluster.kubectl(&["patch", "clusterrole/shop:agent", "--type=json", "--patch", patch]);
    assert!(may("shop:agent", &["list", "secrets", "--namespace=shop"]));
    let refused = world.plan(crate::account::watching()).to_string();
    assert!(refused.contains("rules (by kubectl-patch)"), "{refused}");
    let forced = world.plan(crate::account::watching()).force_conflicts("cluster-role/shop:agent");
    world.run(&forced).converged().unwrap_or_else(|error| panic!("{error}\n{forced}"));
    assert!(!may("shop:agent", &["list", "secrets", "--namespace=shop"]));

    // Another hand binds more: no object of ours changes, and `drift` tells of it.
    let bind = ["create", "clusterrolebinding", "more", "--clusterrole=view", "--serviceaccount=shop:agent"];
    world.cluster.kubectl(&bind);
    let plan = world.plan(crate::account::watching());
    let drift = plan.drift();
    let extra: Vec<String> = drift.drift.iter().map(|one| one.address.short().to_string()).collect();
    assert!(plan.is_empty() && extra == ["cluster-role-binding/more"], "{extra:?} {plan}");
    world.cluster.kubectl(&["delete", "clusterrolebinding", "more"]);
    assert!(world.plan(crate::account::watching()).drift().is_empty());

    // The token of its pods is one that the server knows, with these rights.
    world.apply(&crate::account::counted());
    assert!(may("monitoring:prometheus", &["get", "nodes", "--subresource=metrics"]));
    assert!(!may("monitoring:prometheus", &["get", "nodes", "--subresource=proxy"]));
    assert!(may("monitoring:objects", &["list", "deployments.apps", "--all-namespaces"]));
    assert!(!may("monitoring:objects", &["list", "secrets", "--all-namespaces"]));
    // What the other platform had is gone.
    assert!(!may("shop:agent", &["list", "nodes"]));
    let gone =
        world.cluster.kubectl(&["get", "clusterrolebindings", "--selector=fmc/owner", "--output=name"]);
    assert!(!gone.contains("shop:agent"), "{gone}");
}

/// The server's own controller fills in the rules of a role that gathers those of others.
#[test]
fn a_role_that_gathers_rights_stays_as_wanted_once_it_is_filled_in() {
    let world = start();
    let role = |name: &str, metadata: Value, more: Value| {
        let mut role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata });
        role["metadata"]["name"] = json!(name);
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        RawObject::of(&role)
    };
    let labels = json!({ "example.org/watches": "true" });
    let rules = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["watch"] }]);
    let platform = || {
        let gathers = json!({ "aggregationRule": { "clusterRoleSelectors": [{ "matchLabels": labels }] } });
        let gathered = role("pod-watcher", json!({ "labels": labels }), json!({ "rules": rules }));
        Platform::on("single").object(role("watchers", json!({}), gathers)).object(gathered)
    };
    world.apply(&platform());
    let filled = || world.cluster.kubectl(&["get", "clusterrole/watchers", "--output=jsonpath={.rules}"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !filled().contains("watch") && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(filled().contains("watch"), "the controller fills it in");
    let plan = world.plan(platform());
    assert!(plan.is_empty() && plan.drift().is_empty(), "{plan}");
}

#[test]
fn objects_in_the_form_of_the_api_are_taken_as_they_are() {
    let world = start();
    world.apply(&crate::raw::raw("20"));
    let written = world.cluster.written();
    assert!(world.plan(crate::raw::raw("20")).is_empty());
    assert_eq!(world.cluster.written(), written);
    assert_eq!(world.cluster.read("cronjob/backup")["spec"]["schedule"], "10 3 * * *");
    let plan = world.apply(&crate::raw::raw("30"));
    assert_eq!(steps(&plan), [(Action::Update, "resource-quota/shop/most".to_owned())], "{plan}");
    let plan = world.plan(Platform::on("single"));
    assert!(deleted(&plan).contains(&"priority-class/shop".to_owned()), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(
        world
            .cluster
            .kubectl(&["get", "priorityclasses", "--selector=fmc/owner", "--output=name"])
            .is_empty()
    );
}

/// The controller of autoscalers is not asked for measurements here: its hand is `kubectl scale`.
#[test]
fn an_autoscaler_is_taken_and_a_deployment_keeps_its_pods_when_it_takes_over() {
    let world = start();
    let plain = || crate::cloud::shop([crate::plane::unawaited(crate::cloud::web(3))]);
    let scaled = || crate::cloud::shop([crate::plane::unawaited(crate::autoscale::scaled())]);
    let number = || world.cluster.read("deployment/web")["spec"]["replicas"].clone();
    world.apply(&plain());
    world.apply(&scaled());
    assert_eq!(number(), 3);
    assert_eq!(world.cluster.read("horizontalpodautoscaler/web")["spec"]["maxReplicas"], 6);
    // Back, with another number, and forth.
    world.apply(&crate::cloud::shop([crate::plane::unawaited(crate::cloud::web(4))]));
    assert_eq!(number(), 4);
    world.apply(&scaled());
    world.cluster.kubectl(&["scale", "deployment/web", "--namespace=shop", "--replicas=5"]);
    let plan = world.plan(scaled());
    assert!(plan.is_empty() && plan.drift().is_empty(), "{plan}");
    assert_eq!(number(), 5);
}

#[test]
fn bounds_and_priorities_hold_on_the_server() {
    let world = start();
    world.apply(&crate::quota::bounded());
    let pods = || world.cluster.kubectl(&["get", "pods", "--namespace=shop", "--output=name"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while pods().is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let pod = world.cluster.read(pods().trim());
    assert_eq!((&pod["spec"]["priorityClassName"], &pod["spec"]["priority"]), (&"shop".into(), &1000.into()));
    let file = tempfile::NamedTempFile::new().unwrap();
    let large = |memory: &str| {
        let resources =
            format!("{{requests: {{cpu: 100m, memory: {memory}}}, limits: {{cpu: 100m, memory: {memory}}}}}");
        let security = "{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}";
        let pod = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: large}}, spec: {{containers: [{{name: a, image: 'example.org/a:1', resources: {resources}, securityContext: {security}}}]}}}}"
        );
        std::fs::write(file.path(), pod).unwrap();
        let name = format!("--filename={}", file.path().display());
        world
            .cluster
            .0
            .kubectl(&["create", &name, "--namespace=shop", "--dry-run=server"])
            .map_err(|one| one.to_string())
    };
    assert!(large("8Mi").unwrap_err().contains("minimum memory usage per Container is 16Mi"));
    assert!(large("2Gi").unwrap_err().contains("maximum memory usage per Container is 1Gi"));
    large("512Mi").unwrap();
    let plan = world.plan(Platform::on("single"));
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
}

/// Its namespace admits what it reads of its node.
#[test]
fn a_daemon_set_with_a_folder_of_its_node_is_admitted() {
    let world = start();
    let node = "{apiVersion: v1, kind: Node, metadata: {name: node}}";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), node).unwrap();
    world.cluster.kubectl(&["create", &format!("--filename={}", file.path().display())]);
    // The API server taints a new node until a controller finds it ready, and none does so here.
    world.cluster.kubectl(&["patch", "node", "node", "--type=merge", "--patch", r#"{"spec":{"taints":[]}}"#]);
    let platform = || crate::daemon::sets([crate::daemon::shipper().ready_within(0)]);
    world.apply(&platform());
    let pods = || world.cluster.kubectl(&["get", "pods", "--namespace=shop", "--output=name"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while pods().is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_eq!(pods().lines().count(), 1, "{}", world.cluster.read("daemonset/shipper"));
    assert!(world.plan(platform()).is_empty());
}
