//! An operator from the file of its project: the file is taken as it is, and the operator itself takes our objects.

use std::time::{Duration, Instant};

use fmc::graph::{Choices, DeleteData, NoteKind};
use fmc_k8s::operator::Operator;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_testkit::prometheus_operator::PrometheusOperator;
use pollster::block_on;
use serde_json::json;

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
    let operator = Operator::new("prometheus").ready_within(120).manifests(&PrometheusOperator::bundle());
    let monitoring = objects.into_iter().fold(Namespace::new("monitoring"), Namespace::object);
    Platform::on("single").operator(operator).namespace(monitoring)
}

/// Says that pods are ready, as a node would, once they are made.
pub(super) fn nurse(world: &World<Plane>, namespace: &str, name: &str) {
    let until = Instant::now() + Duration::from_secs(110);
    let namespace = format!("--namespace={namespace}");
    let selector = format!("--selector=app.kubernetes.io/name={name}");
    let status =
        json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } })
            .to_string();
    while Instant::now() < until {
        let pods = world.cluster.0.kubectl(&["get", "pods", &namespace, &selector, "--output=name"]);
        let pods = pods.unwrap_or_default();
        for pod in pods.lines() {
            let words =
                ["patch", pod, &namespace, "--subresource=status", "--type=merge", "--patch", &status];
            if world.cluster.0.kubectl(&words).is_ok() {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Runs the operator in place of its pods, as soon as an apply makes them.
fn run(world: &World<Plane>) -> PrometheusOperator {
    let until = Instant::now() + Duration::from_secs(110);
    let is_there = || {
        let words = ["get", "deployment/prometheus-operator", "--namespace=default"];
        world.cluster.0.kubectl(&words).is_ok()
    };
    while !is_there() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(300));
    }
    PrometheusOperator::start(&world.cluster.0)
}

/// One apply on an empty cluster: definitions, the operator, and an object that it takes and makes ready.
#[test]
fn the_prometheus_operator_takes_our_object_and_makes_it_ready() {
    let found = kinds(platform([prometheus("10d")]));
    let told: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    // Its image has a tag, and it reads secrets everywhere: a person reads that once.
    assert_eq!(told, ["platform-rights", "platform-unpinned"], "{found:?}");

    let world = start();
    let plan = world.plan(platform([prometheus("10d")]));
    let all: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let named = "prometheus.monitoring.coreos.com/monitoring/main";
    let at = |wanted: &str| all.iter().position(|name| name == wanted).unwrap();
    assert!(
        at("custom-resource-definition/prometheuses.monitoring.coreos.com")
            < at("deployment/default/prometheus-operator")
    );
    assert!(at("deployment/default/prometheus-operator") < at(named), "{plan}");
    let operator = std::thread::scope(|scope| {
        let operator = scope.spawn(|| run(&world));
        scope.spawn(|| nurse(&world, "default", "prometheus-operator"));
        scope.spawn(|| nurse(&world, "monitoring", "prometheus"));
        let outcome = world.run(&plan);
        let operator = operator.join().unwrap();
        outcome.converged().unwrap_or_else(|error| panic!("{error}\n{plan}\n{}", operator.log()));
        operator
    });
    let written = world.cluster.written();
    let again = world.plan(platform([prometheus("10d")]));
    assert!(again.is_empty() && again.drift().drift.is_empty(), "{again} {:?}", again.drift());
    assert_eq!(world.cluster.written(), written);
    let status = world.cluster.kubectl(&[
        "get",
        "prometheus/main",
        "--namespace=monitoring",
        "--output=jsonpath={.status.availableReplicas}",
    ]);
    assert_eq!(status, "1", "{}", operator.log());

    // A change that the operator cannot carry out: the wait tells what it says, and the next plan is not empty.
    let mut hasty = serde_json::to_value(prometheus("20d")).unwrap();
    hasty["metadata"]["annotations"]["fmc/ready-within"] = json!("5");
    hasty["spec"]["replicas"] = json!(2);
    let hasty = || platform([RawObject::of(&hasty)]);
    let told = world.run(&world.plan(hasty())).converged().unwrap_err().to_string();
    assert!(told.contains("it was not ready within 5 s: SomePodsNotReady"), "{told}\n{}", operator.log());
    assert!(world.plan(hasty()).to_string().contains("status not ready -> ready (SomePodsNotReady"));

    // Its data stays until a person names it; then it goes before its operator.
    let plan = world.plan(Platform::on("single"));
    let kept = notes(&plan, NoteKind::Kept);
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
