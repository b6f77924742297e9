//! What a real API server says of the accounts and the pods of services.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Plane, start};
use crate::monitoring::watched;

impl Plane {
    /// Whether the account of a workload, as `shop:agent`, may do something, in the words of `kubectl auth can-i`.
    fn may(&self, account: &str, words: &[&str]) -> bool {
        let who = format!("--as=system:serviceaccount:{account}");
        // It ends with 1 where the answer is no.
        match self.0.kubectl(&[&["auth", "can-i", &who], words].concat()) {
            Ok(said) => said.trim() == "yes",
            Err(refused) => {
                assert!(refused.to_string().contains("no"), "{refused}");
                false
            }
        }
    }
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
