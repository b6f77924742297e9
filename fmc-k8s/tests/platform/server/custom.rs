//! Custom objects on a real server.

use fmc::graph::Action;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use serde_json::json;

use super::start;
use crate::cloud::{Cluster as _, deleted, steps};
use crate::custom::{definition, two_versions, unawaited, with};

#[test]
fn a_custom_object_is_made_after_its_definition_compared_and_deleted_before_it() {
    let world = start();
    let platform = |size| with(Some(definition()), [unawaited(size)]);
    let started = std::time::Instant::now();
    world.apply(&platform(1));
    println!("first apply and plan: {:?}", started.elapsed());
    let written = world.cluster.written();
    let started = std::time::Instant::now();
    assert!(world.plan(platform(1)).is_empty());
    println!("plan: {:?}", started.elapsed());
    assert_eq!(world.cluster.written(), written);
    // The schema fills in a default, and keeps an empty list.
    let widget = world.cluster.read("widgets.example.org/main");
    assert_eq!(widget["spec"], json!({ "size": 1, "parts": [], "colour": "red" }));
    let plan = world.apply(&platform(2));
    assert_eq!(steps(&plan), [(Action::Update, "widget.example.org/shop/main".to_owned())], "{plan}");
    // A value that the server alone refuses is told, and holds up nothing else.
    let wrong = || {
        let mut widget = unawaited(3);
        widget["spec"]["name"] = json!("A");
        let shop = Namespace::new("shop").deployment(crate::cloud::web(1).ready_within(0));
        let shop = shop.object(RawObject::of(&widget));
        Platform::on("single").object(RawObject::of(&definition())).namespace(shop)
    };
    let plan = world.plan(wrong());
    assert!(plan.to_string().contains("spec.name in body should match '^[a-z]+$'"), "{plan}");
    assert!(!world.run(&plan).is_converged());
    assert_eq!(world.cluster.read("deployment/web")["spec"]["replicas"], json!(1));
    assert_eq!(world.cluster.read("widgets.example.org/main")["spec"]["size"], json!(2));
    let plan = world.plan(Platform::on("single"));
    assert!(deleted(&plan).contains(&"widget.example.org/shop/main".to_owned()), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(world.plan(Platform::on("single")).is_empty());
    let left = world.cluster.kubectl(&["get", "customresourcedefinitions", "--output=name"]);
    assert_eq!(left, "");
}

#[test]
fn an_object_goes_whatever_version_of_its_kind_it_was_written_in() {
    let world = start();
    let mut other = unawaited(1);
    other["metadata"]["name"] = json!("other");
    world.apply(&with(Some(two_versions()), [unawaited(1), other]));
    let plan = world.apply(&with(Some(two_versions()), [unawaited(1)]));
    assert_eq!(deleted(&plan), ["widget.example.org/shop/other"], "{plan}");
    let plan = world.apply(&with(Some(two_versions()), []));
    assert_eq!(deleted(&plan), ["widget.example.org/shop/main"], "{plan}");
}

/// A webhook of the server's own that nothing serves, until somebody takes it away.
#[test]
fn a_webhook_that_does_not_answer_is_waited_for() {
    let world = start();
    let platform = |size| with(Some(definition()), [unawaited(size)]);
    world.apply(&platform(1));
    let hook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "widgets" },
        "webhooks": [{
            "name": "widgets.example.org",
            "clientConfig": { "url": "https://127.0.0.1:9/validate" },
            "rules": [{ "apiGroups": ["example.org"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["widgets"] }],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 2,
        }],
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), hook.to_string()).unwrap();
    world.cluster.kubectl(&["create", "--filename", file.path().to_str().unwrap()]);
    let told = |plan: &fmc::Plan| plan.to_string().contains("its webhook does not answer now");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut plan = world.plan(platform(2));
    while !told(&plan) && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(500));
        plan = world.plan(platform(2));
    }
    assert!(told(&plan), "{plan}");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_secs(4));
            world.cluster.kubectl(&["delete", "validatingwebhookconfiguration/widgets"]);
        });
        world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    });
    assert_eq!(world.cluster.read("widgets.example.org/main")["spec"]["size"], json!(2));
}
