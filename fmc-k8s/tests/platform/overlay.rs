//! Overlays: fields of compiled objects for which a platform has no words.

use fmc::graph::Action;
use fmc_k8s::job::{CronJob, Job};
use fmc_k8s::overlay::Overlay;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::traefik::Traefik;
use fmc_k8s::workload::{Autoscale, Deployment};
use serde_json::json;

use crate::check::{self, kinds, one};
use crate::cloud::{World, db, shop, steps, web};
use crate::custom::{definition, unawaited};
use crate::operated::operator;

fn with(overlay: Overlay) -> Platform {
    shop([web(1).ready_within(0), db().ready_within(0)]).overlay(overlay)
}

fn of_web() -> Overlay {
    Overlay::of("deployment/shop/web")
}

#[test]
fn an_overlay_is_a_part_of_its_object() {
    let ours = || {
        of_web()
            .set("spec.template.spec.nodeSelector", &json!({ "kubernetes.io/os": "linux" }))
            .set("spec.template.spec.containers[web].env[COLOUR]", &json!({ "value": "red" }))
            .set("metadata.annotations[\"example.org/team\"]", &"sales")
            .remove("spec.template.spec.topologySpreadConstraints")
    };
    assert_eq!(kinds(with(ours())), []);
    let world = World::new();
    world.apply(&with(ours()));
    let made = world.cluster.object("deployment", "shop", "web").unwrap();
    let pod = &made["spec"]["template"]["spec"];
    assert_eq!(pod["nodeSelector"], json!({ "kubernetes.io/os": "linux" }));
    assert_eq!(pod["containers"][0]["env"], json!([{ "name": "COLOUR", "value": "red" }]));
    assert!(pod.get("topologySpreadConstraints").is_none());
    assert_eq!(made["metadata"]["annotations"]["example.org/team"], "sales");
    let again = world.plan(with(ours()));
    assert!(again.is_empty(), "{again}");
    // A change of it is a change of the object, and so is its end.
    let plan = world.apply(&shop([web(1).ready_within(0), db().ready_within(0)]));
    assert_eq!(steps(&plan), [(Action::Update, "deployment/shop/web".to_owned())], "{plan}");
}

#[test]
fn the_pods_of_an_operator_get_what_their_file_does_not_say() {
    let env = Overlay::of("deployment/rook-system/rook")
        .set("spec.template.spec.containers[operator].env[LEVEL]", &json!({ "value": "debug" }))
        .set(
            "spec.template.spec.containers[operator].resources",
            &json!({ "requests": { "memory": "64Mi" } }),
        );
    let platform = || {
        Platform::on("single")
            .operator(operator("rook", "ceph.rook.io", &["CephCluster"]))
            .overlay(env.clone())
    };
    assert_eq!(kinds(platform()), []);
    let world = World::new();
    world.apply(&platform());
    let made = world.cluster.object("deployment", "rook-system", "rook").unwrap();
    assert_eq!(
        made["spec"]["template"]["spec"]["containers"][0]["env"][0],
        json!({ "name": "LEVEL", "value": "debug" })
    );
}

#[test]
fn a_field_that_its_kind_does_not_have_is_never_dropped() {
    let set = |path: &str, value: serde_json::Value| with(of_web().set(path, &value));
    let find = |path: &str, value, kind: &str| {
        let found = kinds(set(path, value));
        assert_eq!(found, [(kind.to_owned(), format!("roles[0].platform.overlays[0].set.{path}"))]);
    };
    find("spec.template.spec.nodeSelectr", json!({ "disk": "ssd" }), "platform-schema");
    find("spec.template.spec.priority", json!("high"), "platform-schema");
    find("spec.template.spec.containers[web].livenes", json!({}), "platform-schema");
    find("spec.template.spec.containers[wbe].tty", json!(true), "platform-value");
    find("spec..template", json!(1), "platform-value");
    find("spec.paused", json!(null), "platform-value");
    // What the platform says itself, and judges, is not an overlay's.
    for (path, value) in [
        ("spec.replicas", json!(3)),
        ("spec.template.spec.containers[web].image", json!("registry.example.org/web:2")),
        ("spec.template.spec.containers[web].resources.limits.memory", json!("1Gi")),
        ("metadata.name", json!("other")),
    ] {
        find(path, value, "platform-value");
    }
    // A map that is set would replace what the platform has there.
    for (path, value) in [
        ("spec.template.spec.containers[web]", json!({ "image": "registry.example.org/evil:1" })),
        ("spec.template", json!({ "spec": {} })),
        ("spec.template.spec.securityContext", json!({ "runAsNonRoot": false })),
    ] {
        find(path, value, "platform-value");
    }
    for path in ["spec", "spec.template", "spec.template.spec.containers[web]"] {
        one(with(of_web().remove(path)), "platform-value", "overlays[0].remove[0]");
    }
    let label = kinds(set("metadata.labels[a/b]", json!("c")));
    assert_eq!(label.len(), 1, "{label:?}");
    // Two of them say one field, or one says nothing.
    let twice = with(of_web().set("spec.paused", &true)).overlay(of_web().set("spec.paused", &false));
    one(twice, "platform-twice", "overlays[1].set.spec.paused");
    one(with(of_web()), "platform-value", "overlays[0].of");
    // One field by its own path is what a person means.
    let open =
        of_web().set("spec.template.spec.containers[web].securityContext.readOnlyRootFilesystem", &false);
    assert_eq!(kinds(with(open)), []);
    let lost = with(Overlay::of("deployment/shop/wbe").set("spec.paused", &true));
    one(lost, "platform-value", "overlays[0].of");
    let gone = with(of_web().remove("spec.template.spec.nodeSelector"));
    one(gone, "platform-value", "overlays[0].remove[0]");
}

#[test]
fn the_schema_of_a_definition_judges_an_overlay() {
    let platform = |value: serde_json::Value| {
        let shop = Namespace::new("shop").object(RawObject::of(&unawaited(1)));
        Platform::on("single")
            .object(RawObject::of(&definition()))
            .namespace(shop)
            .overlay(Overlay::of("widget.example.org/shop/main").set("spec.colour", &value))
    };
    assert_eq!(kinds(platform(json!("blue"))), []);
    one(platform(json!("green")), "platform-schema", "overlays[0].set.spec.colour");
}

#[test]
fn no_overlay_says_what_the_platform_says_itself() {
    let container = || check::container("web");
    let shop = || {
        let scaled = Deployment::new("web", container()).autoscale(Autoscale::between(1, 2).cpu("80%"));
        let migrate = Job::new("migrate", container());
        let nightly = CronJob::new("nightly", "@daily", container());
        Namespace::new("shop").deployment(scaled).job(migrate).cron_job(nightly)
    };
    let platform = |overlay| {
        Platform::on("single").traefik(Traefik::new().replicas(2)).namespace(shop()).overlay(overlay)
    };
    for (of, path, value) in [
        ("horizontal-pod-autoscaler/shop/web", "spec.maxReplicas", json!(300)),
        ("helm-chart-config/kube-system/traefik", "spec.valuesContent", json!("deployment: { replicas: 9 }")),
        ("job/shop/migrate", "spec.backoffLimit", json!(60)),
        ("job/shop/migrate", "spec.completions", json!(60)),
        ("cron-job/shop/nightly", "spec.schedule", json!("@hourly")),
        ("cron-job/shop/nightly", "spec.jobTemplate.spec.parallelism", json!(60)),
        ("deployment/shop/web", "spec.template.metadata.labels[\"app.kubernetes.io/name\"]", json!("other")),
    ] {
        let set = Overlay::of(of).set(path, &value);
        one(platform(set), "platform-value", &format!("overlays[0].set.{path}"));
        one(platform(Overlay::of(of).remove(path)), "platform-value", "overlays[0].remove[0]");
    }
    // What has a rule of its own has it in an overlay too.
    let again = Overlay::of("job/shop/migrate").set("spec.ttlSecondsAfterFinished", &60);
    one(platform(again), "platform-runs-again", "overlays[0].set.spec.ttlSecondsAfterFinished");
    let waits = Overlay::of("job/shop/migrate").set("metadata.annotations[\"fmc/ready-within\"]", &"soon");
    one(platform(waits), "platform-value", "overlays[0].set.metadata.annotations.fmc/ready-within");
    // Nothing says these.
    for (of, path, value) in [
        (
            "horizontal-pod-autoscaler/shop/web",
            "spec.behavior.scaleDown.stabilizationWindowSeconds",
            json!(60),
        ),
        ("job/shop/migrate", "spec.podReplacementPolicy", json!("Failed")),
        ("pod-disruption-budget/shop/web", "spec.maxUnavailable", json!("50%")),
        ("deployment/shop/web", "spec.template.spec.automountServiceAccountToken", json!(true)),
    ] {
        assert_eq!(kinds(platform(Overlay::of(of).set(path, &value))), [], "{path}");
    }
}
