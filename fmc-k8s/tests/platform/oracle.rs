//! The real scheduler as the judge of the budget: it places the compiled pods on simulated nodes that give what the model says, and what it
//! leaves pending is what the check said.

#[cfg(feature = "full")]
mod random;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fmc::k3s::capacity::{Amount, packaged};
use fmc::prelude::*;
use fmc_k8s::budget::{ClusterBudget, PodFit};
use fmc_k8s::platform::Platform;
use fmc_testkit::kube::ControlPlane;
use serde_json::{Value, json};

use crate::room::{asks, cloud_of, seed_services, shaped, shop};

/// How long the scheduler gets for all pods.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long nothing changes once it has decided about all.
const STILL: Duration = Duration::from_secs(3);

/// A control plane with a scheduler, and nodes without kubelets.
struct Scheduled {
    plane: ControlPlane,
    /// Counts the volumes, whose names are not used again.
    volumes: usize,
}

impl Scheduled {
    fn start() -> Self {
        let mut plane = ControlPlane::start();
        plane.start_scheduler();
        let mut all = Self { plane, volumes: 0 };
        all.apply(&[json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": { "name": "local-path", "annotations": { "storageclass.kubernetes.io/is-default-class": "true" } },
            "provisioner": "kubernetes.io/no-provisioner",
        })]);
        all
    }

    fn kubectl(&self, words: &[&str]) -> String {
        self.plane
            .kubectl(words)
            .unwrap_or_else(|refused| panic!("{refused}\n{}", self.plane.log("scheduler")))
    }

    fn apply(&mut self, objects: &[Value]) {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), list.to_string()).unwrap();
        self.kubectl(&["create", "--filename", file.path().to_str().unwrap()]);
    }

    /// The nodes of a cluster, which give what the model says, in place of those that are there.
    fn nodes(&mut self, budget: &ClusterBudget) {
        self.kubectl(&["delete", "nodes", "--all"]);
        self.kubectl(&["delete", "pods", "--all", "--namespace=kube-system", "--force", "--grace-period=0"]);
        let amount = |of: Amount| json!({ "cpu": format!("{}m", of.millicores), "memory": of.memory.as_bytes().to_string(), "pods": of.pods.to_string() });
        let nodes: Vec<Value> = budget
            .nodes
            .iter()
            .map(|one| {
                let name = one.node.name.to_string();
                let mut labels: BTreeMap<String, String> =
                    one.node.labels.iter().map(|label| (label.key().to_owned(), label.value().to_owned())).collect();
                labels.insert("kubernetes.io/hostname".to_owned(), name.clone());
                labels.insert("kubernetes.io/os".to_owned(), "linux".to_owned());
                if one.node.is_server {
                    labels.insert("node-role.kubernetes.io/control-plane".to_owned(), "true".to_owned());
                }
                json!({
                    "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels },
                    "status": {
                        "capacity": amount(one.node.capacity), "allocatable": amount(one.node.allocatable),
                        "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "simulated" }],
                    },
                })
            })
            .collect();
        self.apply(&nodes);
        // The API server taints new nodes until their controller finds them ready; no such controller runs here.
        for one in &budget.nodes {
            let taints: Vec<Value> = one
                .node
                .taints
                .iter()
                .map(|taint| json!({ "key": taint.key(), "value": taint.value(), "effect": taint.effect().as_str() }))
                .collect();
            let patch = json!({ "spec": { "taints": taints } }).to_string();
            self.kubectl(&["patch", "node", one.node.name.as_str(), "--type=merge", "--patch", &patch]);
        }
    }

    /// K3s's own pods, with the requests, tolerations and priorities of its manifests.
    fn packaged(&mut self, checked: &Checked) {
        self.kubectl(&[
            "delete",
            "deployments,daemonsets",
            "--all",
            "--namespace=kube-system",
            "--cascade=background",
        ]);
        self.kubectl(&["delete", "pods", "--all", "--namespace=kube-system", "--force", "--grace-period=0"]);
        let tolerations = json!([
            { "key": "CriticalAddonsOnly", "operator": "Exists" },
            { "key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule" },
            { "key": "node-role.kubernetes.io/master", "operator": "Exists", "effect": "NoSchedule" },
        ]);
        let objects: Vec<Value> = packaged(checked.clusters().first().unwrap())
            .iter()
            .map(|one| {
                let labels = json!({ "app": one.name });
                let requests = match one.asks.millicores {
                    0 => json!({}),
                    cpu => json!({ "cpu": format!("{cpu}m"), "memory": one.asks.memory.as_bytes().to_string() }),
                };
                let kind = if one.is_on_each_node { "DaemonSet" } else { "Deployment" };
                json!({
                    "apiVersion": "apps/v1", "kind": kind,
                    "metadata": { "name": one.name, "namespace": "kube-system" },
                    "spec": { "selector": { "matchLabels": labels }, "template": {
                        "metadata": { "labels": labels },
                        "spec": {
                            "priorityClassName": "system-cluster-critical", "tolerations": tolerations,
                            "containers": [{ "name": "one", "image": "example.org/one:1", "resources": { "requests": requests } }],
                        },
                    } },
                })
            })
            .collect();
        if !objects.is_empty() {
            self.apply(&objects);
        }
    }

    /// The pods of a namespace: by workload, those that are bound and those that the scheduler found no node for; and the number of those
    /// that it has not looked at.
    fn pods(&self, namespace: &str) -> (Decided, u64) {
        let text = self.kubectl(&["get", "pods", "--namespace", namespace, "--output=json"]);
        let list: Value = serde_json::from_str(&text).unwrap();
        let (mut all, mut open) = (Decided::new(), 0);
        let mut starting = Vec::new();
        for pod in list.pointer("/items").unwrap().as_array().unwrap() {
            let text = |path: &str| pod.pointer(path).and_then(Value::as_str);
            let name = text("/metadata/labels/app.kubernetes.io~1name")
                .or_else(|| text("/metadata/labels/app"))
                .unwrap();
            let entry = all.entry(name.to_owned()).or_default();
            let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
            let refused = conditions.is_some_and(|all| {
                all.iter().any(|one| one.get("reason").and_then(Value::as_str) == Some("Unschedulable"))
            });
            if text("/spec/nodeName").is_some() {
                entry.0 += 1;
                let is_of_set = text("/metadata/ownerReferences/0/kind") == Some("StatefulSet");
                if is_of_set && text("/status/phase") == Some("Pending") {
                    starting.push(text("/metadata/name").unwrap());
                }
            } else if refused {
                entry.1 += 1;
            } else {
                open += 1;
            }
        }
        // A set makes its next pod when the one before it is ready.
        if !starting.is_empty() {
            let ready = json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } });
            let (ready, mut words) = (ready.to_string(), vec!["patch", "pod"]);
            words.extend(&starting);
            words.extend([
                "--namespace",
                namespace,
                "--subresource=status",
                "--type=strategic",
                "--patch",
                &ready,
            ]);
            self.kubectl(&words);
            open += 1;
        }
        (all, open)
    }

    /// What the scheduler did in a namespace once it has decided about so many pods, or none has come for a while.
    fn decided(&self, namespace: &str, wanted: u64) -> Decided {
        let until = Instant::now() + PATIENCE;
        let (mut last, mut since) = (Decided::new(), Instant::now());
        loop {
            let (all, open) = self.pods(namespace);
            let (bound, refused) = all.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            if all != last || open > 0 {
                (last, since) = (all, Instant::now());
            } else if bound == wanted || (bound + refused > 0 && refused > 0 && since.elapsed() > STILL) {
                return last;
            }
            assert!(Instant::now() < until, "{last:?}, of {wanted}\n{}", self.plane.log("scheduler"));
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Places a platform in its cloud, and compares with what the check says. The kind of what it says.
    #[track_caller]
    fn judge(&mut self, cloud: Cloud, platform: &Platform, comes: Comes) -> &'static str {
        let cloud = ["platform-too-large", "platform-no-room"]
            .into_iter()
            .fold(cloud.role(platform.clone()), |cloud, kind| cloud.accept(kind, "the scheduler judges"));
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        let budget = ClusterBudget::of(platform, &checked).unwrap();
        self.nodes(&budget);
        self.packaged(&checked);
        let each = budget.nodes.iter().filter(|one| one.node.takes_packaged()).count() as u64;
        let own = packaged(checked.clusters().first().unwrap());
        let own: u64 = own.iter().map(|one| if one.is_on_each_node { each } else { 1 }).sum();
        let system = self.decided("kube-system", own);
        assert_eq!(system.values().map(|one| one.0).sum::<u64>(), own, "{system:?}");

        let namespace = platform.manifests().first().unwrap().name().to_owned();
        let (wanted, decided) = self.place(platform, &namespace, comes);
        let kind = compare(&budget.fit, &wanted, &decided, comes);
        if kind == "right" {
            // Those of jobs end, and the budget of a node leaves them out.
            let jobs = platform.manifests().into_iter().filter(|one| one.kind().name == "Job");
            let jobs: u64 = jobs.filter_map(|one| decided.get(one.name())).map(|one| one.0).sum();
            let all: u64 = decided.values().map(|one| one.0).sum();
            let said: u64 = budget.nodes.iter().map(|one| one.asked.pods).sum();
            assert_eq!(said, own + all - jobs, "{decided:?}");
        }
        self.kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
        self.kubectl(&["delete", "pods", "--all", "--namespace", &namespace, "--force", "--grace-period=0"]);
        kind
    }

    /// The name of pods on each node, and the number of nodes that take one, as their controller counts them.
    fn on_each_node(&self, namespace: &str, object: &Value) -> Option<(String, u64)> {
        let is_on_each_node = object.get("kind").and_then(Value::as_str) == Some("DaemonSet");
        let name = object.pointer("/metadata/name").and_then(Value::as_str).filter(|_| is_on_each_node)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let text = self.kubectl(&["get", "daemonset", name, "--namespace", namespace, "--output=json"]);
            let object: Value = serde_json::from_str(&text).unwrap();
            let number = |key: &str| object.pointer(&format!("/status/{key}")).and_then(Value::as_u64);
            if number("observedGeneration").is_some() {
                return Some((name.to_owned(), number("desiredNumberScheduled").unwrap()));
            }
            assert!(Instant::now() < until, "{object}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Applies the manifests of a platform. How many pods each workload has, and what the scheduler did with them.
    fn place(&mut self, platform: &Platform, namespace: &str, comes: Comes) -> (Wanted, Decided) {
        let mut wanted = Wanted::new();
        let (mut around, mut workloads) = (Vec::new(), Vec::new());
        for one in platform.manifests().iter().filter(|one| one.kind().name != "Secret") {
            if !["Deployment", "StatefulSet", "DaemonSet", "Job"].contains(&one.kind().name) {
                around.push(one.content().clone());
                continue;
            }
            let number = match one.kind().name {
                "DaemonSet" => "/none",
                "Job" => "/spec/parallelism",
                _ => "/spec/replicas",
            };
            let replicas = one.content().pointer(number).and_then(Value::as_u64).unwrap_or(0);
            let claims = one.content().pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
            let claims = claims.map_or(0, Vec::len) as u64;
            for _ in 0..replicas * claims {
                self.volumes += 1;
                around.push(json!({
                    "apiVersion": "v1", "kind": "PersistentVolume",
                    "metadata": { "name": format!("volume-{}", self.volumes) },
                    "spec": { "capacity": { "storage": "100Gi" }, "accessModes": ["ReadWriteOnce"],
                        "storageClassName": "local-path", "hostPath": { "path": "/volume" } },
                }));
            }
            wanted.insert(one.name().to_owned(), replicas);
            workloads.push((replicas, one.content().clone()));
        }
        // A job comes to what the others leave.
        workloads.sort_by_key(|(_, one): &(u64, Value)| one["kind"] == "Job");
        self.apply(&around);
        match comes {
            Comes::AtOnce => {
                self.apply(&workloads.iter().map(|(_, one)| one.clone()).collect::<Vec<_>>());
                for (_, one) in &workloads {
                    wanted.extend(self.on_each_node(namespace, one));
                }
                let decided = self.decided(namespace, wanted.values().sum());
                (wanted, decided)
            }
            Comes::InOrder => {
                let (mut decided, mut so_far) = (Decided::new(), 0);
                for (replicas, one) in workloads {
                    self.apply(std::slice::from_ref(&one));
                    so_far += replicas;
                    if let Some((name, count)) = self.on_each_node(namespace, &one) {
                        so_far += count;
                        wanted.insert(name, count);
                    }
                    decided = self.decided(namespace, so_far);
                }
                (wanted, decided)
            }
        }
    }
}

/// Compares what a budget says with what the scheduler did.
#[track_caller]
fn compare(fit: &PodFit, wanted: &Wanted, decided: &Decided, comes: Comes) -> &'static str {
    let told = format!("{fit:#?}\nthe scheduler: {decided:?} of {wanted:?}");
    let waits =
        |name: &str| wanted.get(name).copied().unwrap_or(0) - decided.get(name).map_or(0, |one| one.0);
    let short = |name: &str| name.rsplit('/').next().unwrap().to_owned();
    let large: Vec<String> = fit.too_large.iter().map(|one| short(&one.name)).collect();
    for (name, one) in large.iter().zip(&fit.too_large) {
        assert_eq!(waits(name), one.pods, "{name}: {told}");
    }
    let others: Vec<&String> = wanted.keys().filter(|name| !large.contains(name)).collect();
    let waiting: u64 = others.iter().map(|name| waits(name)).sum();
    if fit.short.is_some() {
        assert!(waiting > 0, "no scheduler can place all, and this one did\n{told}");
        return "short";
    }
    if fit.waiting.is_empty() {
        assert_eq!(waiting, 0, "the check said nothing\n{told}");
        return if large.is_empty() { "right" } else { "too large" };
    }
    let is_certain = fit.waiting.iter().all(|one| one.is_certain);
    if is_certain || comes == Comes::InOrder {
        for name in others {
            let said = fit.waiting.iter().find(|one| short(&one.name) == **name).map_or(0, |one| one.pods);
            assert_eq!(waits(name), said, "{name}: {told}");
        }
    }
    let most: u64 = fit.waiting.iter().map(|one| one.at_most).sum();
    assert!(waiting <= most, "more wait than in any order that was tried\n{told}");
    if is_certain { "certain" } else { "by chance" }
}

/// How the workloads come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Comes {
    /// All at once, so that the controllers decide in which order their pods come.
    AtOnce,
    /// One after the other, as the platform states them.
    InOrder,
}

/// The number of pods by workload.
type Wanted = BTreeMap<String, u64>;

/// By workload, the pods that are bound and those that the scheduler found no node for.
type Decided = BTreeMap<String, (u64, u64)>;

/// The same platform in a namespace of its own.
fn named(name: &str, platform: Platform) -> Platform {
    let text = serde_json::to_string(&platform).unwrap();
    serde_json::from_str(&text.replacen("\"shop\"", &format!("{name:?}"), 1)).unwrap()
}

#[test]
fn the_scheduler_leaves_pending_what_the_check_said() {
    let mut cluster = Scheduled::start();
    assert_eq!(cluster.judge(crate::seed::cloud(), &seed_services(), Comes::AtOnce), "right");

    let three = || cloud_of(&[("one", 2, 4096)], &[("two", 2, 4096), ("three", 2, 4096)]);
    let large = named("large", shop([asks("web", 2, 100, 256), asks("large", 1, 100, 4096)]));
    assert_eq!(cluster.judge(three(), &large, Comes::AtOnce), "too large");
    let sum = named("sum", shop([asks("web", 12, 100, 1000)]));
    assert_eq!(cluster.judge(three(), &sum, Comes::AtOnce), "short");
    let more = named("more", shop([asks("web", 4, 100, 2000)]));
    assert_eq!(cluster.judge(three(), &more, Comes::AtOnce), "short");
    let sizes =
        named("sizes", shop([asks("a", 2, 100, 2200), asks("small", 1, 100, 100), asks("b", 2, 100, 2000)]));
    assert_eq!(cluster.judge(three(), &sizes, Comes::AtOnce), "short");
    let fits = named("fits", shop([asks("web", 3, 100, 2000), asks("small", 3, 500, 512)]));
    assert_eq!(cluster.judge(three(), &fits, Comes::AtOnce), "right");
    // The number of pods, by the kubelet's settings.
    let few = |cluster: k3s::Cluster| cluster.kubelet(k3s::kubelet::Dropin::new("50-few.conf").max_pods(6));
    let cloud = shaped(&[("one", 2, 4096)], &[("two", 2, 4096)], few, |machine| machine);
    assert_eq!(cluster.judge(cloud, &named("few", shop([asks("web", 7, 10, 16)])), Comes::AtOnce), "short");
}

#[cfg(feature = "full")]
#[test]
fn a_change_waits_for_room_if_the_check_said_so() {
    let mut cluster = Scheduled::start();
    for (name, memory, waits) in [("waits", 2000, true), ("changes", 1100, false)] {
        let cloud = cloud_of(&[("one", 2, 4096)], &[("two", 2, 4096)]);
        let platform = named(name, shop([asks("web", 2, 100, memory)]));
        let checked = cloud.role(platform.clone()).check().unwrap_or_else(|report| panic!("{report}"));
        let budget = ClusterBudget::of(&platform, &checked).unwrap();
        assert_eq!(!budget.fit.changes.is_empty(), waits, "{:?}", budget.fit);
        cluster.nodes(&budget);
        cluster.place(&platform, name, Comes::AtOnce);
        let patch = r#"{"spec":{"template":{"metadata":{"annotations":{"changed":"yes"}}}}}"#;
        cluster.kubectl(&["patch", "deployment", "web", "--namespace", name, "--patch", patch]);
        let decided = cluster.decided(name, 3);
        let expected = if waits { (2, 1) } else { (3, 0) };
        assert_eq!(decided["web"], expected, "{name}");
        cluster.kubectl(&["delete", "namespace", name, "--wait=false"]);
        cluster.kubectl(&["delete", "pods", "--all", "--namespace", name, "--force", "--grace-period=0"]);
    }
}
