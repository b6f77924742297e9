//! The room of pods that are in the form of the API, of operators, of overlays and of jobs.

use fmc::prelude::*;
use fmc_k8s::job::{CronJob, Job};
use fmc_k8s::operator::Operator;
use fmc_k8s::overlay::Overlay;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use serde_json::{Value, json};

use super::{asks, budget, cloud_of, one, shaped, shop, sized, three};
use crate::raw::restricted;

/// An object with pods that ask for so much.
fn object(kind: &str, memory: &str, spec: &Value) -> RawObject {
    let api = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let mut object = json!({
        "apiVersion": api, "kind": kind, "metadata": { "name": "raw" },
        "spec": { "selector": { "matchLabels": { "app": "raw" } }, "template": {
            "metadata": { "labels": { "app": "raw" } },
            "spec": restricted(json!({ "name": "raw", "image": "registry.example.org/raw:1",
                "resources": { "requests": { "cpu": "100m", "memory": memory } } })),
        } },
    });
    for (at, value) in spec.as_object().unwrap() {
        let (parent, key) = at.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value.clone());
    }
    RawObject::of(&object)
}

fn raw(kind: &str, memory: &str, spec: &Value) -> Platform {
    Platform::on("single").namespace(Namespace::new("shop").object(object(kind, memory, spec)))
}

/// One server that takes K3s's own pods, and two agents, one with a label.
fn tainted() -> Cloud {
    let config = k3s::Config::new().set(k3s::key::NODE_TAINT, ["CriticalAddonsOnly=true:NoExecute"]);
    let cluster = move |cluster: k3s::Cluster| cluster.server_config(config.clone());
    let label = |machine: Machine| {
        if machine.name.to_string() == "two" { machine.label("example.com/disk=fast") } else { machine }
    };
    shaped(&[("one", 2, 4096)], &[("two", 2, 4096), ("three", 2, 4096)], cluster, label)
}

fn asked(cloud: Cloud, platform: &Platform) -> Vec<(u64, u64)> {
    let budget = budget(cloud, platform);
    budget.nodes.iter().map(|one| (one.asked.memory.as_bytes() >> 20, one.asked.pods)).collect()
}

#[test]
fn pods_in_the_form_of_the_api_are_in_the_budget() {
    let before: u64 = asked(three(), &shop([])).iter().map(|(memory, _)| memory).sum();
    let platform = raw("Deployment", "512Mi", &json!({ "/spec/replicas": 3 }));
    let after = asked(three(), &platform);
    assert_eq!(after.iter().map(|(memory, _)| memory).sum::<u64>(), before + 3 * 512);
    let message = "a pod of shop/raw asks for 4 GiB of memory and 100m of CPU; the largest node, three, gives 3918 MiB of memory and 2 of CPU";
    let at = "namespaces[0].objects[0]";
    one(three(), raw("StatefulSet", "4Gi", &json!({})), "platform-too-large", at, message);
    let message = "shop/raw has 4 pods, and the 3 nodes that take them have room for 3 of them";
    let four = raw("Deployment", "2000Mi", &json!({ "/spec/replicas": 4 }));
    one(three(), four, "platform-no-room", &format!("{at}.spec.replicas"), message);
}

#[test]
fn pods_on_each_node_take_from_every_node_that_they_tolerate() {
    let all = json!({ "/spec/template/spec/tolerations": [{ "operator": "Exists" }] });
    let [plain, tolerant, selected] =
        [json!({}), all, json!({ "/spec/template/spec/nodeSelector": { "example.com/disk": "fast" } })].map(
            |spec| {
                let before = asked(tainted(), &shop([]));
                let after = asked(tainted(), &raw("DaemonSet", "512Mi", &spec));
                let more = after
                    .iter()
                    .zip(&before)
                    .map(|((after, pods), (before, there))| (after - before, pods - there));
                more.collect::<Vec<_>>()
            },
        );
    assert_eq!(plain, [(0, 0), (512, 1), (512, 1)]);
    assert_eq!(tolerant, [(512, 1); 3]);
    assert_eq!(selected, [(0, 0), (512, 1), (0, 0)]);
    // With them two nodes have too little for the others.
    let both = raw("DaemonSet", "2Gi", &json!({}));
    let shop = Namespace::new("web").deployment(asks("web", 1, 100, 1900));
    let message = "the pod of web/web finds no room beside the pods that are on each node";
    let at = "namespaces[1].deployments[0].replicas";
    one(tainted(), both.namespace(shop), "platform-no-room", at, message);
    let message = "a pod of shop/raw asks for 3000 MiB of memory and 100m of CPU; the largest node, small, gives 1911 MiB of memory and 2 of CPU";
    let cloud = cloud_of(&[("small", 2, 2048)], &[]);
    one(
        cloud,
        raw("DaemonSet", "3000Mi", &json!({})),
        "platform-too-large",
        "namespaces[0].objects[0]",
        message,
    );
}

#[test]
fn pods_that_select_nodes_find_room_there_alone() {
    let fast = |replicas: u16| json!({ "/spec/replicas": replicas, "/spec/template/spec/nodeSelector": { "example.com/disk": "fast" } });
    assert_eq!(asked(tainted(), &raw("Deployment", "1000Mi", &fast(3)))[1..], [(3070, 5), (0, 2)]);
    let message = "the pods ask for 4000 MiB of memory, with K3s's own, and the node gives 3918 MiB; most ask shop/raw 4000 MiB (4 pods)";
    one(tainted(), raw("Deployment", "1000Mi", &fast(4)), "platform-no-room", "namespaces", message);
    let lost = json!({ "/spec/template/spec/nodeSelector": { "example.com/disk": "slow" } });
    let message =
        "no node takes a pod of shop/raw: none has the labels that it selects, or a taint keeps it away";
    one(
        tainted(),
        raw("Deployment", "16Mi", &lost),
        "platform-too-large",
        "namespaces[0].objects[0]",
        message,
    );
    // An overlay says the same of a workload.
    let web = || shop([asks("web", 2, 100, 2000)]);
    assert_eq!(super::found(tainted(), web()).iter().filter(|one| one.refuses()).count(), 0);
    let selected = Overlay::of("deployment/shop/web")
        .set("spec.template.spec.nodeSelector", &json!({ "kubernetes.io/hostname": "two" }));
    let message = "the pods ask for 4000 MiB of memory, with K3s's own, and the node gives 3918 MiB; most ask shop/web 4000 MiB (2 pods)";
    one(tainted(), web().overlay(selected), "platform-no-room", "namespaces", message);
    // A label that a person gives to a node by hand may be there.
    let by_hand =
        json!({ "/spec/template/spec/nodeSelector": { "node-role.kubernetes.io/worker": "worker" } });
    assert_eq!(super::found(tainted(), raw("Deployment", "16Mi", &by_hand)), []);
}

#[test]
fn two_pods_in_the_network_of_their_node_do_not_share_it() {
    let ports = json!({
        "/spec/replicas": 3,
        "/spec/template/spec/hostNetwork": true,
        "/spec/template/spec/containers/0/ports": [{ "containerPort": 80 }],
    });
    let message = "shop/raw has 3 pods, and the 2 nodes that take them have room for 2 of them";
    let at = "namespaces[0].objects[0].spec.replicas";
    let found = super::found(tainted(), raw("Deployment", "16Mi", &ports));
    let told: Vec<_> = found.iter().map(|one| (one.at().to_owned(), one.message().to_string())).collect();
    assert_eq!(told, [(format!("roles[0].platform.{at}"), message.to_owned())]);
}

#[test]
fn pods_of_operators_are_in_the_budget() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: operator}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: operator, namespace: operator}\n\
                spec:\n  selector: {matchLabels: {app: operator}}\n  template:\n    metadata: {labels: {app: operator}}\n    spec:\n      containers:\n        \
                - {name: operator, image: 'registry.example.org/operator:1', resources: {requests: {cpu: 500m, memory: 5Gi}}}\n";
    let platform = Platform::on("single").operator(Operator::new("operator").manifests(text));
    let message = "a pod of operator/operator asks for 5 GiB of memory and 500m of CPU; the largest node, three, gives 3918 MiB of memory and 2 of CPU";
    one(three(), platform, "platform-too-large", "operators[0].manifests[0]", message);
}

/// They end, and come to what the others leave: that they wait is a warning.
#[test]
fn jobs_wait_for_what_the_others_leave() {
    let cloud = || cloud_of(&[("one", 4, 4096)], &[]);
    let shop = |memory: u32| {
        let shop = Namespace::new("shop").deployment(asks("web", 1, 100, 1500));
        Platform::on("single").namespace(shop.cron_job(CronJob::new(
            "backup",
            "@daily",
            sized("backup", 100, memory),
        )))
    };
    let before = asked(cloud(), &shop(16));
    assert_eq!(asked(cloud(), &shop(1000)), before);
    let message = "a pod of shop/backup finds no node with 2500 MiB of memory and 100m of CPU left, although the nodes give more than all pods ask for";
    one(cloud(), shop(2500), "platform-may-wait", "namespaces[0].cron_jobs[0]", message);
    let message = "a pod of shop/backup asks for 4 GiB of memory and 100m of CPU; the largest node, one, gives 3918 MiB of memory and 4 of CPU";
    one(cloud(), shop(4096), "platform-too-large", "namespaces[0].cron_jobs[0]", message);
    let two = Job::new("raw", sized("raw", 100, 2200)).parallelism(2).completions(2);
    let two = Platform::on("single").namespace(Namespace::new("shop").job(two));
    let message = "a pod of shop/raw finds no node with 2200 MiB of memory and 100m of CPU left, although the nodes give more than all pods ask for";
    one(cloud(), two, "platform-may-wait", "namespaces[0].jobs[0]", message);
}
