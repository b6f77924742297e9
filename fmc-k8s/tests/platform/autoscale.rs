//! Deployments whose number of pods a load decides.

use fmc::graph::Action;
use fmc::prelude::*;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::stateful::Stateful;
use fmc_k8s::workload::{Autoscale, Deployment};
use serde_json::json;

use crate::check::{container, kinds, one};
use crate::cloud::{World, cloud_with, shop, steps, web};
use crate::room::{asks, cloud_of};

const WEB: &str = "namespaces[0].deployments[0]";

/// A web that has two to six pods.
pub(crate) fn scaled() -> Deployment {
    web(1).autoscale(Autoscale::between(2, 6).cpu("80%"))
}

#[test]
fn an_autoscaler_follows_and_decides_the_number_of_pods() {
    let world = World::new();
    assert_eq!(kinds(shop([scaled()])), []);
    world.apply(&shop([scaled()]));
    let scaler = world.cluster.object("horizontal-pod-autoscaler", "shop", "web").unwrap();
    let spec = &scaler["spec"];
    assert_eq!((&spec["minReplicas"], &spec["maxReplicas"]), (&json!(2), &json!(6)));
    assert_eq!(
        spec["scaleTargetRef"],
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" })
    );
    let target = json!({ "type": "Utilization", "averageUtilization": 80 });
    assert_eq!(
        spec["metrics"],
        json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }])
    );
    assert!(world.cluster.object("pod-disruption-budget", "shop", "web").is_some());
    let mut web = world.cluster.object("deployment", "shop", "web").unwrap();
    web["spec"]["replicas"] = json!(5);
    world.cluster.put(web);
    let plan = world.plan(shop([scaled()]));
    assert!(plan.is_empty() && plan.drift().is_empty(), "{plan}");
    let plan = world.apply(&shop([web_with(3, 6)]));
    assert_eq!(steps(&plan), [(Action::Update, "horizontal-pod-autoscaler/shop/web".to_owned())], "{plan}");
    assert_eq!(world.cluster.object("deployment", "shop", "web").unwrap()["spec"]["replicas"], 5);
}

fn web_with(min: u16, max: u16) -> Deployment {
    web(1).autoscale(Autoscale::between(min, max).cpu("80%"))
}

/// A number that nobody decides any more would be 1.
#[test]
fn a_deployment_keeps_its_pods_when_an_autoscaler_takes_over() {
    for later in [scaled(), web(3).autoscaled()] {
        let world = World::new();
        world.apply(&shop([web(3)]));
        world.apply(&shop([later]));
        assert_eq!(world.cluster.object("deployment", "shop", "web").unwrap()["spec"]["replicas"], 3);
        // And back, with another number.
        let plan = world.apply(&shop([web(2)]));
        assert!(plan.to_string().contains("spec.replicas 3 -> 2"), "{plan}");
    }
}

#[test]
fn the_budget_counts_with_the_greatest_number() {
    let cloud = || cloud_of(&[("one", 4, 4096)], &[]);
    let scaled = |max| asks("web", 1, 100, 600).autoscale(Autoscale::between(1, max).memory("70%"));
    let found =
        |max| crate::room::found(cloud(), shop([scaled(max)])).iter().filter(|one| one.refuses()).count();
    assert_eq!((found(6), found(7)), (0, 1));
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    let find =
        |deployment: Deployment, kind: &str, at: &str| one(shop([deployment]), kind, &format!("{WEB}.{at}"));
    let of = |scale: Autoscale| Deployment::new("web", container("web")).autoscale(scale);
    find(of(Autoscale::between(0, 2).cpu("80%")), "platform-value", "autoscale.min");
    find(of(Autoscale::between(3, 2).cpu("80%")), "platform-value", "autoscale.max");
    find(of(Autoscale::between(1, 2)), "platform-value", "autoscale.cpu");
    for wrong in ["80", "0%", "1001%", "%", "-1%", "8 %"] {
        find(of(Autoscale::between(1, 2).cpu(wrong)), "value-invalid", "autoscale.cpu");
    }
    find(of(Autoscale::between(1, 2).cpu("80%")).replicas(2), "platform-value", "replicas");
    find(of(Autoscale::between(1, 2).cpu("80%")).autoscaled(), "platform-value", "autoscaled");
    let other = RawObject::of(&json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "other" },
        "spec": { "maxReplicas": 3, "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
    }));
    let twice = Namespace::new("shop").deployment(of(Autoscale::between(1, 2).cpu("80%"))).object(other);
    one(
        Platform::on("single").namespace(twice),
        "platform-value",
        "namespaces[0].objects[0].spec.scaleTargetRef",
    );
    let cluster =
        k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]).disable(k3s::Component::MetricsServer);
    let checked =
        cloud_with(cluster).role(shop([scaled()])).check().unwrap_or_else(|report| panic!("{report}"));
    let at = format!("roles[0].platform.{WEB}.autoscale");
    assert!(
        checked.findings().iter().any(|one| one.kind().as_str() == "platform-no-metrics" && one.at() == at)
    );
}

#[test]
fn an_autoscaler_as_an_object_has_a_target_that_leaves_the_number_to_it() {
    let of = |kind: &str, name: &str| {
        RawObject::of(&json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "own" },
            "spec": { "maxReplicas": 3, "scaleTargetRef": { "apiVersion": "apps/v1", "kind": kind, "name": name } },
        }))
    };
    let set = |replicas: Option<u16>| {
        let labels = json!({ "app": "raw" });
        let pod = json!({ "containers": [{ "name": "a", "image": format!("registry.example.org/a:1@sha256:{}", "0".repeat(64)) }] });
        let mut set = json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "raw" },
            "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": pod } },
        });
        if let Some(replicas) = replicas {
            set["spec"]["replicas"] = json!(replicas);
        }
        RawObject::of(&set)
    };
    let shop = |replicas, scaler| {
        let data = Stateful::new("data", container("data"));
        Platform::on("single")
            .namespace(Namespace::new("shop").stateful(data).object(set(replicas)).object(scaler))
    };
    let at = "namespaces[0].objects[1].spec.scaleTargetRef";
    let scalers = |platform| {
        let all = kinds(platform).into_iter();
        all.filter(|(_, place)| place.ends_with(at)).map(|(kind, _)| kind).collect::<Vec<_>>()
    };
    assert_eq!(scalers(shop(None, of("StatefulSet", "raw"))), [""; 0]);
    assert_eq!(scalers(shop(None, of("Cluster", "other"))), [""; 0]);
    assert_eq!(scalers(shop(Some(2), of("StatefulSet", "raw"))), ["platform-value"]);
    assert_eq!(scalers(shop(None, of("StatefulSet", "data"))), ["platform-value"]);
    assert_eq!(scalers(shop(None, of("StatefulSet", "dta"))), ["platform-no-workload"]);
    assert_eq!(scalers(shop(None, of("Deployment", "data"))), ["platform-no-workload"]);
}
