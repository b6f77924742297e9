//! What a real API server says of the accounts and the pods of services.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::start;
use crate::monitoring::watched;

#[test]
fn an_account_may_do_what_its_rules_say_and_nothing_else() {
    let world = start();
    world.apply(&crate::account::watching());
    assert!(world.plan(crate::account::watching()).is_empty());
    let may = |account: &str, words: &[&str]| world.cluster.may(account, words);
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

#[test]
fn what_watches_a_platform_is_taken_and_its_pods_are_admitted() {
    let world = start();
    world.apply(&watched());
    let pods = || world.cluster.kubectl(&["get", "pods", "--namespace=monitoring", "--output=name"]);
    let until = Instant::now() + Duration::from_secs(60);
    while pods().lines().count() < 3 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(pods().lines().count(), 3, "{}", pods());
}

/// The token of the account of a Jenkins starts an agent, which the server admits, and reads no secret.
#[test]
fn a_jenkins_is_taken_and_its_account_starts_agents_that_are_admitted() {
    let world = start();
    world.apply(&crate::jenkins::builds());
    let read = |what: &str| -> Value {
        let text = world.cluster.kubectl(&["get", what, "--namespace=ci", "--output=json"]);
        serde_json::from_str(&text).unwrap()
    };
    let until = Instant::now() + Duration::from_secs(60);
    let is_there = || world.cluster.0.kubectl(&["get", "pod/jenkins-0", "--namespace=ci"]).is_ok();
    while !is_there() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(is_there(), "the controller's pod is not admitted");
    let config = read("configmap/jenkins-config");
    let pod = crate::jenkins::agent_pod(config["data"]["fmc.yaml"].as_str().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.json");
    let account = "--as=system:serviceaccount:ci:jenkins";
    let start = |pod: &Value| {
        std::fs::write(&file, pod.to_string()).unwrap();
        let file = format!("--filename={}", file.display());
        world.cluster.0.kubectl(&["create", &file, "--namespace=ci", account]).map_err(|one| one.to_string())
    };
    start(&pod).unwrap();
    let mut wild = pod;
    wild["metadata"]["name"] = "wild".into();
    wild["spec"]["securityContext"] = json!({});
    let refused = start(&wild).unwrap_err();
    assert!(refused.contains("violates PodSecurity"), "{refused}");
    for (allowed, words) in [
        (true, &["delete", "pods"][..]),
        (true, &["create", "pods", "--subresource=exec"]),
        (true, &["get", "pods", "--subresource=log"]),
        (true, &["watch", "events"]),
        (false, &["get", "secrets"]),
        (false, &["create", "pods", "--subresource=attach"]),
        (false, &["create", "deployments.apps"]),
    ] {
        let words = [words, &["--namespace=ci"]].concat();
        assert_eq!(world.cluster.may("ci:jenkins", &words), allowed, "{words:?}");
    }
}

#[test]
fn redis_is_taken_and_its_pods_are_admitted() {
    let world = start();
    world.apply(&crate::redis::shop());
    let pods = || world.cluster.kubectl(&["get", "pods", "--namespace=shop", "--output=name"]);
    let until = Instant::now() + Duration::from_secs(60);
    while pods().lines().count() < 3 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(pods().lines().count(), 3, "{}", pods());
}
