//! The bounds of namespaces, and priorities.

use fmc::graph::Action;
use fmc::prelude::*;
use fmc_k8s::job::CronJob;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::quota::{ContainerResources, Limits, PriorityClass, Quota};
use fmc_k8s::stateful::{Stateful, VolumeClaim};
use serde_json::json;

use crate::check::{container, kinds, one};
use crate::cloud::{World, shop, steps, web};
use crate::room::{asks, sized};

/// A namespace with bounds, and a workload with a priority.
pub(crate) fn bounded() -> Platform {
    let limits = Limits::new()
        .min(ContainerResources::new().memory(16.mib()))
        .max(ContainerResources::new().cpu("2").memory(1.gib()))
        .default_limit(ContainerResources::new().cpu("200m").memory(128.mib()))
        .default_request(ContainerResources::new().cpu("100m").memory(64.mib()));
    let shop = Namespace::new("shop")
        .quota(Quota::new().pods(20).cpu("2").memory(2.gib()).storage(20.gib()))
        .limits(limits)
        .deployment(web(1).priority("shop").ready_within(0));
    Platform::on("single").priority_class(PriorityClass::new("shop", 1000).never_preempts()).namespace(shop)
}

#[test]
fn bounds_and_priorities_are_made_before_the_pods() {
    assert_eq!(kinds(bounded()), []);
    let world = World::new();
    let plan = world.plan(bounded());
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let at =
        |name: &str| order.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name}: {plan}"));
    for first in ["resource-quota/shop/quota", "limit-range/shop/limits", "priority-class/shop"] {
        assert!(at(first) < at("deployment/shop/web"), "{first}: {plan}");
    }
    world.apply(&bounded());
    let hard = world.cluster.object("resource-quota", "shop", "quota").unwrap()["spec"]["hard"].clone();
    assert_eq!(
        hard,
        json!({ "pods": "20", "requests.cpu": "2", "requests.memory": "2Gi", "requests.storage": "20Gi" })
    );
    let range = world.cluster.object("limit-range", "shop", "limits").unwrap()["spec"]["limits"][0].clone();
    assert_eq!(
        range,
        json!({
            "type": "Container",
            "min": { "memory": "16Mi" },
            "max": { "cpu": "2", "memory": "1Gi" },
            "default": { "cpu": "200m", "memory": "128Mi" },
            "defaultRequest": { "cpu": "100m", "memory": "64Mi" },
        })
    );
    let class = world.cluster.object("priority-class", "", "shop").unwrap();
    assert_eq!((&class["value"], &class["preemptionPolicy"]), (&json!(1000), &json!("Never")));
    let web = world.cluster.object("deployment", "shop", "web").unwrap();
    assert_eq!(web["spec"]["template"]["spec"]["priorityClassName"], "shop");
    let plan = world.apply(&Platform::on("single"));
    assert!(steps(&plan).contains(&(Action::Delete, "priority-class/shop".to_owned())), "{plan}");
}

fn within(quota: Quota) -> Namespace {
    Namespace::new("shop").quota(quota)
}

#[test]
fn workloads_that_are_more_than_their_quota_are_found() {
    let find = |namespace: Namespace, kind: &str, at: &str| {
        one(crate::stateful::shelf_of(namespace), kind, &format!("namespaces[0].{at}"));
    };
    let web = || asks("web", 2, 100, 256);
    find(within(Quota::new().pods(1)).deployment(web()), "platform-over-quota", "quota.pods");
    find(within(Quota::new().cpu("150m")).deployment(web()), "platform-over-quota", "quota.cpu");
    find(within(Quota::new().memory(500.mib())).deployment(web()), "platform-over-quota", "quota.memory");
    // One pod more is for a change.
    find(within(Quota::new().memory(512.mib())).deployment(web()), "platform-change-waits", "quota.memory");
    assert_eq!(
        kinds(Platform::on("single").namespace(within(Quota::new().memory(768.mib())).deployment(web()))),
        []
    );
    let backup = CronJob::new("backup", "@daily", sized("backup", 100, 512));
    let beside = within(Quota::new().memory(1.gib())).deployment(web()).cron_job(backup);
    assert_eq!(kinds(Platform::on("single").namespace(beside.clone())), []);
    find(beside.quota(Quota::new().memory(800.mib())), "platform-may-wait", "cron_jobs[0]");
    let claim = VolumeClaim::new("data", 2.gib()).class("block");
    let set =
        Stateful::new("db", container("db").user(1000).volume("/data", "data")).replicas(2).claim_of(claim);
    find(within(Quota::new().storage(3.gib())).stateful(set), "platform-over-quota", "quota.storage");
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    let find = |namespace: Namespace, kind: &str, at: &str| {
        one(Platform::on("single").namespace(namespace), kind, &format!("namespaces[0].{at}"));
    };
    find(within(Quota::new()), "platform-value", "quota");
    find(Namespace::new("shop").limits(Limits::new()), "platform-value", "limits");
    find(within(Quota::new().cpu("x")), "value-invalid", "quota.cpu");
    let of = |limits: Limits| Namespace::new("shop").limits(limits).deployment(asks("web", 1, 100, 256));
    let memory = |size: Size| ContainerResources::new().memory(size);
    let at = "deployments[0].containers[0]";
    find(of(Limits::new().max(memory(128.mib()))), "platform-over-quota", &format!("{at}.memory"));
    find(of(Limits::new().min(memory(512.mib()))), "platform-over-quota", &format!("{at}.memory"));
    find(
        of(Limits::new().max(ContainerResources::new().cpu("50m"))),
        "platform-over-quota",
        &format!("{at}.cpu"),
    );
    let order = Limits::new().min(memory(2.gib())).max(memory(1.gib()));
    find(Namespace::new("shop").limits(order), "platform-value", "limits.min.memory");
    find(
        Namespace::new("shop").deployment(asks("web", 1, 100, 256).priority("first")),
        "platform-no-priority",
        "deployments[0].priority",
    );
    assert_eq!(kinds(shop([asks("web", 1, 100, 256).priority("system-cluster-critical")])), []);
    let class = |class: PriorityClass| Platform::on("single").priority_class(class);
    one(class(PriorityClass::new("system-first", 1)), "platform-value", "priority_classes[0].name");
    one(class(PriorityClass::new("first", 1_000_000_001)), "platform-value", "priority_classes[0].value");
    let twice = class(PriorityClass::new("first", 1)).priority_class(PriorityClass::new("first", 2));
    one(twice, "platform-twice", "priority_classes[1]");
}
