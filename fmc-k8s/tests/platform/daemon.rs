//! Workloads of which each node has a pod, and pods that share something with their node.

use fmc::graph::Action;
use fmc::prelude::*;
use fmc_k8s::daemon::DaemonSet;
use fmc_k8s::operator::Operator;
use fmc_k8s::overlay::Overlay;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::workload::Deployment;
use serde_json::{Value, json};

use crate::check::{container, kinds, one};
use crate::cloud::{World, shop, steps};
use crate::raw::restricted;
use crate::room::{asks, shaped, sized};

const SET: &str = "namespaces[0].daemon_sets[0]";

/// Pods that read the logs of their nodes.
pub(crate) fn shipper() -> DaemonSet {
    let container =
        container("shipper").user(1000).host_path("/logs", "/var/log/pods").scratch("/tmp", 16.mib());
    DaemonSet::new("shipper", container).on_servers()
}

pub(crate) fn sets(sets: impl IntoIterator<Item = DaemonSet>) -> Platform {
    Platform::on("single").namespace(sets.into_iter().fold(Namespace::new("shop"), Namespace::daemon_set))
}

#[test]
fn a_daemon_set_is_secure_and_its_namespace_says_what_it_reads() {
    let world = World::new();
    let plain = DaemonSet::new("shipper", container("shipper").user(1000));
    assert_eq!(kinds(sets([plain.clone()])), []);
    world.apply(&sets([plain]));
    let level = || {
        let namespace = world.cluster.object("namespace", "", "shop").unwrap();
        namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"].clone()
    };
    assert_eq!(level(), "restricted");
    let set = world.cluster.object("daemon-set", "shop", "shipper").unwrap();
    let pod = &set["spec"]["template"]["spec"];
    assert!(pod.get("tolerations").is_none() && pod.get("topologySpreadConstraints").is_none(), "{pod}");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    one(sets([shipper()]), "platform-host-path", &format!("{SET}.containers[0].mounts[0].from.host_path"));
    let plan = world.apply(&sets([shipper()]));
    assert!(plan.to_string().contains("restricted -> privileged"), "{plan}");
    assert_eq!(level(), "privileged");
    let set = world.cluster.object("daemon-set", "shop", "shipper").unwrap();
    let pod = &set["spec"]["template"]["spec"];
    assert_eq!(
        pod["volumes"][0],
        json!({ "name": "host-logs", "hostPath": { "path": "/var/log/pods", "type": "Directory" } })
    );
    assert_eq!(pod["containers"][0]["volumeMounts"][0]["readOnly"], true);
    assert_eq!(pod["tolerations"][0], json!({ "key": "CriticalAddonsOnly", "operator": "Exists" }));
}

#[test]
fn an_apply_waits_until_each_node_has_its_pod() {
    let world = World::new();
    world.cluster.holds_back("shop/shipper");
    let said = world.run(&world.plan(sets([shipper().ready_within(1)]))).converged().unwrap_err().to_string();
    assert!(
        said.ends_with("its pods were not ready within 1 s: 0 of 1 pods are available, 1 are new"),
        "{said}"
    );
    world.cluster.mends("shop/shipper");
    let plan = world.apply(&sets([shipper().ready_within(1)]));
    assert_eq!(steps(&plan), [], "{plan}");
    let plan = world.apply(&sets([]));
    assert!(steps(&plan).contains(&(Action::Delete, "daemon-set/shop/shipper".to_owned())), "{plan}");
}

#[test]
fn the_budget_has_a_pod_on_each_node_that_it_tolerates() {
    let config = || k3s::Config::new().set(k3s::key::NODE_TAINT, ["CriticalAddonsOnly=true:NoExecute"]);
    let cloud = || {
        let cluster = |cluster: k3s::Cluster| cluster.server_config(config());
        shaped(&[("one", 2, 4096)], &[("two", 2, 4096), ("three", 2, 4096)], cluster, |machine| machine)
    };
    let set = |memory| DaemonSet::new("shipper", sized("shipper", 100, memory));
    let asked = |set: DaemonSet| {
        let platform = sets([set]);
        let checked = cloud().role(platform.clone()).check().unwrap_or_else(|report| panic!("{report}"));
        let budget = fmc_k8s::budget::ClusterBudget::of(&platform, &checked).unwrap();
        budget.nodes.iter().map(|one| one.asked.memory.as_bytes() >> 20 >= 512).collect::<Vec<_>>()
    };
    assert_eq!(asked(set(512)), [false, true, true]);
    assert_eq!(asked(set(512).on_servers()), [true; 3]);
    let with = Platform::on("single")
        .namespace(Namespace::new("shop").daemon_set(set(2000)).deployment(asks("web", 2, 100, 2000)));
    let found = crate::room::found(cloud(), with);
    assert!(found.iter().any(|one| one.kind().as_str() == "platform-no-room"), "{found:?}");
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    let web = Deployment::new("web", container("web").host_path("/a", "/a"));
    one(shop([web]), "platform-value", "namespaces[0].deployments[0].containers[0].mounts[0].from.host_path");
    let wrong = DaemonSet::new("a", container("a").host_path("/a", "a"));
    one(sets([wrong]), "value-invalid", &format!("{SET}.containers[0].mounts[0].from.host_path"));
    let twice =
        Namespace::new("shop").daemon_set(shipper()).deployment(Deployment::new("shipper", container("a")));
    let found = kinds(Platform::on("single").namespace(twice));
    assert!(found.contains(&("platform-twice".to_owned(), format!("roles[0].platform.{SET}"))), "{found:?}");
}

/// A set in the form of the API with a field of its pod.
fn raw(pointer: &str, value: Value) -> RawObject {
    let pod = restricted(json!({ "name": "raw", "image": "registry.example.org/raw:1" }));
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": { "name": "raw" },
        "spec": { "selector": { "matchLabels": { "app": "raw" } }, "template": { "metadata": { "labels": { "app": "raw" } }, "spec": pod } },
    });
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(&format!("/spec/template/spec{parent}")).unwrap();
    parent.as_object_mut().unwrap().insert(key.to_owned(), value);
    RawObject::of(&object)
}

#[test]
fn pods_that_their_namespace_refuses_are_told() {
    let at = "namespaces[0].objects[0]";
    for (pointer, value) in [
        ("/hostNetwork", json!(true)),
        ("/hostPID", json!(true)),
        ("/hostIPC", json!(true)),
        ("/volumes", json!([{ "name": "a", "hostPath": { "path": "/" } }])),
        ("/containers/0/ports", json!([{ "containerPort": 8080, "hostPort": 8080 }])),
        ("/containers/0/securityContext", json!({ "privileged": true })),
        ("/containers/0/securityContext", json!({})),
        ("/containers/0/securityContext/runAsUser", json!(0)),
        ("/securityContext", json!({})),
        ("/volumes", json!([{ "name": "a", "nfs": { "server": "a", "path": "/" } }])),
    ] {
        let shop = Namespace::new("shop").object(raw(pointer, value));
        one(Platform::on("single").namespace(shop), "platform-refused-pods", at);
    }
    // An overlay of a workload.
    let overlay = |path: &str| {
        shop([asks("web", 1, 100, 64)]).overlay(Overlay::of("deployment/shop/web").set(path, &true))
    };
    one(overlay("spec.template.spec.hostNetwork"), "platform-refused-pods", "overlays[0]");
    let context = "spec.template.spec.containers[web].securityContext.allowPrivilegeEscalation";
    one(overlay(context), "platform-refused-pods", "overlays[0]");
    assert_eq!(
        kinds(Platform::on("single").namespace(Namespace::new("shop").object(raw("/hostPID", json!(false))))),
        []
    );
    // An overlay says what an object lacks.
    let lacking = Namespace::new("shop").object(raw("/containers/0/securityContext", json!({})));
    let context = "spec.template.spec.containers[raw].securityContext";
    let mended = Overlay::of("daemon-set/shop/raw")
        .set(format!("{context}.allowPrivilegeEscalation"), &false)
        .set(format!("{context}.capabilities"), &json!({ "drop": ["ALL"] }));
    assert_eq!(kinds(Platform::on("single").namespace(lacking).overlay(mended)), []);
    // The namespace that only the setting of an operator names enforces the standard too.
    let operator = |more: Value| {
        let mut set = serde_json::to_value(raw("/containers/0/securityContext", more)).unwrap();
        set["metadata"]["namespace"] = json!("agents");
        Platform::on("single")
            .operator(Operator::new("agents").manifests(&set.to_string()).namespace("agents"))
    };
    let refused =
        |found: Vec<(String, String)>| found.iter().any(|(kind, _)| kind == "platform-refused-pods");
    assert!(refused(kinds(operator(json!({})))));
    let right = json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    assert!(!refused(kinds(operator(right))));
    // Where the namespace admits them, no policy holds them.
    let admits = Overlay::of("namespace/shop")
        .set("metadata.labels[\"pod-security.kubernetes.io/enforce\"]", &"privileged");
    let shop = || Namespace::new("shop").object(raw("/hostNetwork", json!(true)));
    let admitted = Platform::on("single").namespace(shop()).overlay(admits);
    one(admitted, "platform-host-network", at);
    // The ports of K3s's Traefik are taken on each node.
    let on = |port: u16| {
        let admits = Overlay::of("namespace/shop")
            .set("metadata.labels[\"pod-security.kubernetes.io/enforce\"]", &"privileged");
        let ports = json!([{ "containerPort": 8080, "hostPort": port }]);
        let shop = Namespace::new("shop").object(raw("/containers/0/ports", ports));
        Platform::on("single").namespace(shop).overlay(admits)
    };
    one(on(443), "platform-port-shared", at);
    assert_eq!(kinds(on(8443)), []);
    let mut system = raw("/hostNetwork", json!(true));
    system = RawObject::of(&{
        let mut value = serde_json::to_value(&system).unwrap();
        value["metadata"]["namespace"] = json!("kube-system");
        value
    });
    one(Platform::on("single").object(system), "platform-host-network", "objects[0]");
}
