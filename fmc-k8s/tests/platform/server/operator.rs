//! An operator from the file of its project: the file is taken as it is, and the operator itself takes our objects.

use std::time::{Duration, Instant};

use fmc::graph::{Choices, DeleteData, NoteKind};
use fmc_k8s::operator::Operator;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_testkit::prometheus_operator::PrometheusOperator;
use pollster::block_on;
use serde_json::{Value, json};

use super::{Plane, start};
use crate::check::kinds;
use crate::cloud::{Cluster as _, World, deleted, notes, steps};

fn prometheus(retention: &str) -> RawObject {
    RawObject::of(&json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": { "name": "main", "annotations": { "fmc/ready-within": "90" } },
        "spec": {
            "replicas": 1,
            "retention": retention,
            "image": "registry.example.org/prometheus:3.14.0",
            "resources": { "requests": { "memory": "0.5Gi" } },
            // The namespace enforces the standard `restricted`.
            "securityContext": { "runAsNonRoot": true, "runAsUser": 65534, "seccompProfile": { "type": "RuntimeDefault" } },
            "ruleSelector": {},
            "tolerations": [],
        },
    }))
}

fn platform(objects: impl IntoIterator<Item = RawObject>) -> Platform {
    // Without nodes its own pods do not come: the test runs it.
    let operator = Operator::new("prometheus").ready_within(0).manifests(&PrometheusOperator::bundle());
    let monitoring = objects.into_iter().fold(Namespace::new("monitoring"), Namespace::object);
    Platform::on("single").operator(operator).namespace(monitoring)
}

/// Says that the pod of a Prometheus is ready, as a node would, once the operator's set has made it.
fn nurse(world: &World<Plane>) {
    let until = Instant::now() + Duration::from_secs(80);
    let pod = ["pod/prometheus-main-0", "--namespace=monitoring"];
    let status =
        json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } });
    while Instant::now() < until {
        let patch = status.to_string();
        let words = ["patch", pod[0], pod[1], "--subresource=status", "--type=merge", "--patch", &patch];
        if world.cluster.0.kubectl(&words).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn the_prometheus_operator_takes_our_objects_and_gives_them_a_status() {
    let found = kinds(platform([prometheus("10d")]));
    let told: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    // Its image has a tag, and it reads secrets everywhere: a person reads that once.
    assert!(told.iter().all(|kind| ["platform-unpinned", "platform-rights"].contains(kind)), "{found:?}");
    assert!(!told.is_empty());

    let world = start();
    let plan = world.apply(&platform([]));
    assert_eq!(steps(&plan).len(), 18, "{plan}");
    let operator = PrometheusOperator::start(&world.cluster.0);
    // Nothing is ready yet: the wait tells what the operator says.
    let mut hasty = prometheus("10d");
    hasty = {
        let mut value: Value = serde_json::to_value(&hasty).unwrap();
        value["metadata"]["annotations"]["fmc/ready-within"] = json!("10");
        RawObject::of(&value)
    };
    let outcome = world.run(&world.plan(platform([hasty])));
    let told = outcome.converged().unwrap_err().to_string();
    assert!(told.contains("it was not ready within 10 s: NoPodReady"), "{told}\n{}", operator.log());

    let plan = world.plan(platform([prometheus("10d")]));
    std::thread::scope(|scope| {
        scope.spawn(|| nurse(&world));
        world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}\n{}", operator.log()));
    });
    let written = world.cluster.written();
    let again = world.plan(platform([prometheus("10d")]));
    assert!(again.is_empty() && again.drift().drift.is_empty(), "{again} {:?}", again.drift());
    assert_eq!(world.cluster.written(), written);
    let set = world.cluster.kubectl(&["get", "statefulsets", "--namespace=monitoring", "--output=name"]);
    assert!(set.contains("prometheus-main"), "{set}");

    // Its data stays until a person names it; then it goes before its operator.
    let plan = world.plan(Platform::on("single"));
    let kept = notes(&plan, NoteKind::Kept);
    let named = "prometheus.monitoring.coreos.com/monitoring/main";
    assert!(
        kept.iter().any(|text| text.contains(&format!("`--delete-data {named}` deletes both"))),
        "{plan}"
    );
    let data = DeleteData::Of([named.to_owned()].into());
    let choices = Choices { delete_data: data, ..Choices::default() };
    let wanted = world.wanted(Platform::on("single"));
    let plan = block_on(world.providers.plan_with(&wanted, choices)).unwrap();
    assert!(deleted(&plan).contains(&named.to_owned()), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    let left = world.cluster.kubectl(&["get", "customresourcedefinitions", "--output=name"]);
    assert_eq!(left, "");
}
