//! Objects in the form of the API: planned, applied, compared and deleted as what follows from typed values.

use fmc::graph::{Action, NoteKind};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use serde_json::{Value, json};

use crate::check::{kinds, one};
use crate::cloud::{World, cloud, deleted, notes, steps};

fn object(value: Value) -> RawObject {
    RawObject::of(&value)
}

fn quota(pods: &str) -> RawObject {
    object(
        json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "most" }, "spec": { "hard": { "pods": pods } } }),
    )
}

/// A pod with this container that every namespace admits.
pub(crate) fn restricted(mut container: Value) -> Value {
    let context = json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    container.as_object_mut().unwrap().insert("securityContext".to_owned(), context);
    json!({
        "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        "containers": [container],
    })
}

/// What the types of a platform do not say: a limit, a job by the clock, values of K3s's Traefik, a class.
pub(crate) fn raw(pods: &str) -> Platform {
    let pod = json!({
        "restartPolicy": "OnFailure",
        "securityContext": { "runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": { "type": "RuntimeDefault" } },
        "containers": [{
            "name": "backup",
            "image": "registry.example.org/shop/backup:1.0",
            "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
        }],
    });
    let backup = json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "name": "backup" },
        "spec": { "schedule": "10 3 * * *", "jobTemplate": { "spec": { "template": { "spec": pod } } } },
    });
    let class = json!({ "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": "shop" }, "value": 1000 });
    let shop = Namespace::new("shop").object(quota(pods)).object(object(backup));
    Platform::on("single").namespace(shop).object(object(class))
}

fn traefik() -> RawObject {
    object(json!({
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChartConfig",
        "metadata": { "name": "traefik", "namespace": "kube-system" },
        "spec": { "valuesContent": "logs:\n  access:\n    enabled: true\n" },
    }))
}

#[test]
fn an_object_of_any_kind_is_made_compared_and_deleted() {
    assert_eq!(kinds(raw("20").object(traefik())), []);
    let world = World::new();
    let plan = world.apply(&raw("20").object(traefik()));
    for made in [
        "resource-quota/shop/most",
        "cron-job/shop/backup",
        "priority-class/shop",
        "helm-chart-config/kube-system/traefik",
    ] {
        assert!(steps(&plan).contains(&(Action::Create, made.to_owned())), "{made}: {plan}");
    }
    let plan = world.apply(&raw("30").object(traefik()));
    assert_eq!(steps(&plan), [(Action::Update, "resource-quota/shop/most".to_owned())], "{plan}");
    let mut class = world.cluster.object("priority-class", "", "shop").unwrap();
    class["value"] = json!(2000);
    world.cluster.put(class);
    let refused = notes(&world.plan(raw("30").object(traefik())), NoteKind::Held);
    assert!(refused.iter().any(|text| text.contains("value (by ")), "{refused:?}");
    let plan = world.plan(Platform::on("single"));
    let mut gone = deleted(&plan);
    gone.retain(|name| !name.contains("/shop/") || name.contains("most"));
    assert_eq!(
        gone,
        [
            "helm-chart-config/kube-system/traefik",
            "namespace/shop",
            "priority-class/shop",
            "resource-quota/shop/most"
        ]
    );
    world.run(&plan).converged().unwrap();
    assert!(world.cluster.is_empty());
}

#[test]
fn an_object_that_somebody_deleted_is_told_and_comes_back() {
    let world = World::new();
    world.apply(&raw("20").object(traefik()));
    world.cluster.delete("helm-chart-config", "kube-system", "traefik");
    let plan = world.apply(&raw("20").object(traefik()));
    assert_eq!(
        steps(&plan),
        [(Action::Create, "helm-chart-config/kube-system/traefik".to_owned())],
        "{plan}"
    );
    // Without a platform each of them stays, and has a line.
    let left = notes(&world.plan_of(&world.compile(cloud())), NoteKind::Left);
    assert_eq!(left.len(), 3, "{left:?}");
}

/// The controller of addresses behind a Service gives them its labels.
#[test]
fn an_object_that_a_controller_made_with_our_labels_is_neither_ours_nor_a_copy() {
    let world = World::new();
    let platform = || crate::cloud::shop([crate::cloud::web(1)]);
    world.apply(&platform());
    let service = world.cluster.object("service", "shop", "web").unwrap();
    world.cluster.put(json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "web-mshdk",
            "namespace": "shop",
            "labels": service["metadata"]["labels"],
            "ownerReferences": [{ "apiVersion": "v1", "kind": "Service", "name": "web", "uid": service["metadata"]["uid"] }],
        },
        "addressType": "IPv4",
    }));
    let plan = world.plan(platform());
    assert!(plan.is_empty() && plan.drift().drift.is_empty(), "{plan} {:?}", plan.drift());
    let plan = world.plan(Platform::on("single"));
    assert!(!plan.to_string().contains("web-mshdk"), "{plan}");
}

#[test]
fn the_number_of_pods_is_an_autoscalers_if_a_deployment_says_so() {
    let world = World::new();
    let scaler = object(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "web" },
        "spec": { "minReplicas": 2, "maxReplicas": 8, "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
    }));
    let platform = || {
        let shop =
            Namespace::new("shop").deployment(crate::cloud::web(2).autoscaled()).object(scaler.clone());
        Platform::on("single").namespace(shop)
    };
    world.apply(&platform());
    assert!(world.cluster.object("pod-disruption-budget", "shop", "web").is_some());
    let mut web = world.cluster.object("deployment", "shop", "web").unwrap();
    web["spec"]["replicas"] = json!(7);
    world.cluster.put(web);
    let plan = world.plan(platform());
    assert!(plan.is_empty() && plan.drift().drift.is_empty(), "{plan} {:?}", plan.drift());
    // Another change leaves the number alone.
    let shop = Namespace::new("shop")
        .deployment(crate::cloud::web(2).autoscaled().ready_within(20))
        .object(scaler.clone());
    world.apply(&Platform::on("single").namespace(shop));
    assert_eq!(world.cluster.object("deployment", "shop", "web").unwrap()["spec"]["replicas"], 7);
}

/// Kubernetes keeps the role of a binding.
#[test]
fn a_binding_to_another_role_is_made_anew() {
    let world = World::new();
    let bound = |role: &str| {
        let binding = object(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": { "name": "ci" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role },
            "subjects": [{ "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "ci" }],
        }));
        Platform::on("single").namespace(Namespace::new("shop").object(binding))
    };
    world.apply(&bound("reader"));
    let plan = world.apply(&bound("writer"));
    assert_eq!(steps(&plan), [(Action::Replace, "role-binding/shop/ci".to_owned())], "{plan}");
}

#[test]
fn each_mistake_in_an_object_is_found_where_it_stands() {
    let inside =
        |value: Value| Platform::on("single").namespace(Namespace::new("shop").object(object(value)));
    let outside = |value: Value| Platform::on("single").object(object(value));
    let at = |path: &str| format!("namespaces[0].objects[0].{path}");
    let of = |api: &str, kind: &str, metadata: Value| json!({ "apiVersion": api, "kind": kind, "metadata": metadata });
    let named = || json!({ "name": "a" });
    one(inside(of("v1", "ResourceQuotas", named())), "platform-value", &at("kind"));
    one(inside(of("v2", "ResourceQuota", named())), "platform-value", &at("apiVersion"));
    one(inside(json!({ "apiVersion": "v1", "metadata": named() })), "platform-value", &at("kind"));
    one(inside(json!(1)), "platform-value", &at("kind"));
    one(inside(of("v1", "ResourceQuota", json!({}))), "platform-value", &at("metadata"));
    one(inside(of("v1", "ResourceQuota", json!({ "name": "A" }))), "platform-value", &at("metadata.name"));
    one(
        inside(of("v1", "ResourceQuota", json!({ "name": "a", "uid": "1" }))),
        "platform-value",
        &at("metadata.uid"),
    );
    one(inside(of("v1", "Secret", named())), "platform-value", &at("kind"));
    one(inside(of("v1", "Namespace", named())), "platform-value", &at("kind"));
    one(inside(of("v1", "PersistentVolumeClaim", named())), "platform-value", &at("kind"));
    let mut set = of("apps/v1", "StatefulSet", named());
    set["spec"] = json!({ "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Retain", "whenScaled": "Delete" } });
    one(inside(set), "platform-value", &at("spec.persistentVolumeClaimRetentionPolicy.whenScaled"));
    let mut scaler = of("autoscaling/v2", "HorizontalPodAutoscaler", named());
    scaler["spec"] = json!({ "scaleTargetRef": { "kind": "Deployment", "name": "web" } });
    let shop = Namespace::new("shop").deployment(crate::cloud::web(2)).object(object(scaler));
    one(Platform::on("single").namespace(shop), "platform-value", &at("spec.scaleTargetRef"));
    one(
        inside(of("v1", "ResourceQuota", json!({ "name": "a", "namespace": "b" }))),
        "platform-value",
        &at("metadata.namespace"),
    );
    one(inside(of("scheduling.k8s.io/v1", "PriorityClass", named())), "platform-value", &at("kind"));
    let mut with_status = of("v1", "ResourceQuota", named());
    with_status["status"] = json!({});
    one(inside(with_status), "platform-value", &at("status"));
    one(outside(of("v1", "ResourceQuota", named())), "platform-value", "objects[0].metadata");
    let class = |metadata| of("scheduling.k8s.io/v1", "PriorityClass", metadata);
    one(
        outside(class(json!({ "name": "a", "namespace": "b" }))),
        "platform-value",
        "objects[0].metadata.namespace",
    );
    one(
        inside(of("networking.k8s.io/v1", "NetworkPolicy", json!({ "name": "nothing" }))),
        "platform-twice",
        "namespaces[0].objects[0]",
    );
    let mut role = of("rbac.authorization.k8s.io/v1", "Role", named());
    role["rules"] = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }, { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }]);
    one(inside(role), "platform-rights", &at("rules[1].verbs"));
    let mut binding = of("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", named());
    binding["roleRef"] =
        json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" });
    one(outside(binding), "platform-rights", "objects[0].roleRef");
    let twice = Namespace::new("shop").object(quota("1")).object(quota("2"));
    let found: Vec<String> =
        kinds(Platform::on("single").namespace(twice)).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(found, ["platform-twice", "platform-twice"]);
}

#[test]
fn an_object_of_rights_has_any_name_that_a_path_can_have() {
    let of = |name: &str| {
        RawObject::of(&json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": { "name": name }, "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }] }))
    };
    assert_eq!(kinds(Platform::on("single").object(of("team:Reader"))), []);
    for wrong in ["a/b", "a%b", ".."] {
        one(Platform::on("single").object(of(wrong)), "platform-value", "objects[0].metadata.name");
    }
}
