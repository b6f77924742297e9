//! Jobs on a real server, with the controllers of jobs and of schedules.

use std::time::{Duration, Instant};

use fmc::graph::Action;
use fmc_k8s::platform::{Namespace, Platform};
use serde_json::{Value, json};

use super::start;
use crate::cloud::{Cluster as _, steps};
use crate::job::{backup, migrate};

fn shop(workers: u16) -> Platform {
    let shop = Namespace::new("shop").job(migrate(workers).ready_within(0)).cron_job(backup());
    Platform::on("single").namespace(shop)
}

#[test]
fn jobs_are_taken_their_pods_are_admitted_and_only_a_change_runs_one_again() {
    let world = start();
    world.apply(&shop(1));
    let pods = || -> Vec<Value> {
        let text = world.cluster.kubectl(&["get", "pods", "--namespace=shop", "--output=json"]);
        let list: Value = serde_json::from_str(&text).unwrap();
        list["items"].as_array().unwrap().clone()
    };
    let until = Instant::now() + Duration::from_secs(60);
    while pods().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(pods().len(), 1, "its pod is admitted");
    // What the controllers write is no difference.
    let written = world.cluster.written();
    assert!(world.plan(shop(1)).is_empty());
    assert_eq!(world.cluster.written(), written);
    assert_eq!(world.cluster.read("cronjob/backup")["spec"]["timeZone"], "Europe/Madrid");

    let before = world.cluster.read("job/migrate")["metadata"]["uid"].clone();
    let plan = world.apply(&shop(2));
    assert!(steps(&plan).contains(&(Action::Replace, "job/shop/migrate".to_owned())), "{plan}");
    assert_ne!(world.cluster.read("job/migrate")["metadata"]["uid"], before);

    // It fails as its controller reports it: the next plan runs it again.
    let until = Instant::now() + Duration::from_secs(60);
    while world.cluster.read("job/migrate")["status"]["startTime"].is_null() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    let now = "2026-11-30T00:00:00Z";
    let is = |kind: &str| json!({ "type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit", "lastProbeTime": now, "lastTransitionTime": now });
    let status = json!({ "status": { "conditions": [is("FailureTarget"), is("Failed")], "failed": 2, "active": 0, "terminating": 0, "ready": 0 } });
    let status = status.to_string();
    world.cluster.kubectl(&[
        "patch",
        "job/migrate",
        "--namespace=shop",
        "--subresource=status",
        "--type=merge",
        "--patch",
        &status,
    ]);
    let waits = Platform::on("single").namespace(Namespace::new("shop").job(migrate(2)).cron_job(backup()));
    let plan = world.plan(waits);
    assert_eq!(steps(&plan), [(Action::Replace, "job/shop/migrate".to_owned())], "{plan}");
    assert!(plan.to_string().contains("status failed -> complete"), "{plan}");
}
