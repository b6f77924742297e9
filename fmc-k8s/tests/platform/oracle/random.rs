//! Platforms that dice chose, placed by the real scheduler.

use std::collections::BTreeMap;

use fmc_k8s::job::Job;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::stateful::Stateful;
use serde_json::{Value, json};

use super::{Comes, Scheduled};
use crate::room::{asks, shaped, sized};

/// Numbers from a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % most
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }
}

#[test]
fn random_platforms_are_placed_as_the_check_said() {
    let mut cluster = Scheduled::start();
    let mut seen = BTreeMap::<&str, u32>::new();
    for case in 1..=20_u64 {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (case << 8));
        let mut node = |name: String| (name, dice.between(2, 4) as u32, dice.between(8, 32) as u32 * 256);
        let count = 1 + case as usize % 5;
        let nodes: Vec<(String, u32, u32)> =
            (0..count).map(|index| node(format!("n{case}x{index}"))).collect();
        let sizes: Vec<(&str, u32, u32)> =
            nodes.iter().map(|(name, cpus, memory)| (name.as_str(), *cpus, *memory)).collect();
        let (servers, agents) = sizes.split_at(1);
        let zoned = dice.below(3) == 0;
        let avoided = dice.below(3) == 0;
        let cloud = shaped(
            servers,
            agents,
            |cluster| cluster,
            |machine| {
                let name = machine.name.to_string();
                let machine = if zoned && name.ends_with(['0', '2']) {
                    machine.label(format!("topology.kubernetes.io/zone={}", &name[..1]))
                } else {
                    machine
                };
                if avoided && name.ends_with('0') {
                    machine.taint("example.com/slow:PreferNoSchedule")
                } else {
                    machine
                }
            },
        );
        let memory: u64 = sizes.iter().map(|(.., memory)| u64::from(*memory)).sum();
        let cpus: u64 = sizes.iter().map(|(_, cpus, _)| u64::from(*cpus) * 1000).sum();
        // Half to a little more than all that the nodes have, in some workloads.
        let load = dice.between(30, 105);
        let workloads = dice.between(1, 6);
        let mut namespace = Namespace::new(format!("case{case}"));
        for index in 0..workloads {
            let replicas = dice.between(1, 5);
            let share = |all: u64, dice: &mut Dice| {
                (all * load / 100 / workloads / replicas * dice.between(40, 130) / 100).max(1) as u32
            };
            let (cpu, ram) = (share(cpus, &mut dice), share(memory, &mut dice));
            let name = format!("w{index}");
            namespace = if dice.below(4) == 0 {
                namespace
                    .stateful(Stateful::new(name.clone(), sized(&name, cpu, ram)).replicas(replicas as u16))
            } else {
                namespace.deployment(asks(&name, replicas as u16, cpu, ram))
            };
        }
        let comes = if case % 2 == 0 { Comes::InOrder } else { Comes::AtOnce };
        let kind = cluster.judge(cloud, &Platform::on("single").namespace(namespace), comes);
        *seen.entry(kind).or_default() += 1;
    }
    println!("{seen:?}");
    assert!(seen.len() >= 3, "the cases differ: {seen:?}");
}

/// An object in the form of the API whose pods a closed namespace admits, with further fields of the pod.
fn raw(kind: &str, name: &str, (cpu, memory): (u32, u32), replicas: Option<u64>, pod: Value) -> RawObject {
    let labels = json!({ "app": name });
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name },
        "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": {
            "securityContext": { "runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "raw", "image": "registry.example.org/raw:1",
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                "resources": { "requests": { "cpu": format!("{cpu}m"), "memory": format!("{memory}Mi") } },
            }],
        } } },
    });
    if let Some(replicas) = replicas {
        let spec = object.pointer_mut("/spec").and_then(Value::as_object_mut).unwrap();
        spec.insert("replicas".to_owned(), json!(replicas));
    }
    let of_pod = object.pointer_mut("/spec/template/spec").and_then(Value::as_object_mut).unwrap();
    of_pod.extend(pod.as_object().unwrap().clone());
    RawObject::of(&object)
}

/// Pods on each node, pods that select nodes or tolerate their taints, and a job that comes last.
#[test]
fn random_pods_of_other_kinds_are_placed_as_the_check_said() {
    let mut cluster = Scheduled::start();
    let mut seen = BTreeMap::<&str, u32>::new();
    for case in 1..=14_u64 {
        let mut dice = Dice(0x51AF_3D70_1C5E_D00D ^ (case << 8));
        let count = 2 + case as usize % 4;
        let nodes: Vec<(String, u32, u32)> = (0..count)
            .map(|index| {
                (format!("o{case}x{index}"), dice.between(2, 4) as u32, dice.between(8, 24) as u32 * 256)
            })
            .collect();
        let sizes: Vec<(&str, u32, u32)> =
            nodes.iter().map(|(name, cpus, memory)| (name.as_str(), *cpus, *memory)).collect();
        let (servers, agents) = sizes.split_at(1);
        let has_own = dice.below(2) == 0;
        let cloud = shaped(
            servers,
            agents,
            |cluster| cluster,
            |machine| {
                let name = machine.name.to_string();
                let machine =
                    if name.ends_with(['0', '2']) { machine.label("example.com/disk=fast") } else { machine };
                // The last digit alone: there is always a node without a taint.
                if has_own && name.ends_with('1') {
                    machine.taint("example.com/own=yes:NoSchedule")
                } else {
                    machine
                }
            },
        );
        let memory: u64 = sizes.iter().map(|(.., memory)| u64::from(*memory)).sum();
        let (load, workloads) = (dice.between(20, 90), dice.between(1, 3));
        let share = |dice: &mut Dice, parts: u64| {
            (memory * load / 100 / parts * dice.between(50, 130) / 100).max(1) as u32
        };
        let mut namespace = Namespace::new(format!("other{case}"));
        for index in 0..workloads {
            let replicas = dice.between(1, 3);
            let ram = share(&mut dice, (workloads + 2) * replicas);
            namespace = namespace.deployment(asks(&format!("w{index}"), replicas as u16, 50, ram));
        }
        let toleration = json!([{ "key": "example.com/own", "operator": "Exists" }]);
        let pod = match dice.below(4) {
            0 => json!({}),
            1 => json!({ "tolerations": toleration }),
            2 => json!({ "nodeSelector": { "example.com/disk": "fast" } }),
            _ => json!({ "tolerations": [{ "operator": "Exists" }] }),
        };
        let each = dice.between(64, 512) as u32;
        namespace = namespace.object(raw("DaemonSet", "each", (50, each), None, pod));
        let replicas = dice.between(1, 4);
        let expression = |operator: &str| {
            json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{ "matchExpressions": [{ "key": "example.com/disk", "operator": operator }] }] } } } })
        };
        let pod = match dice.below(4) {
            0 => json!({ "tolerations": toleration }),
            1 => expression("Exists"),
            2 => expression("DoesNotExist"),
            _ => json!({ "nodeSelector": { "kubernetes.io/hostname": nodes[0].0 } }),
        };
        let ram = share(&mut dice, (workloads + 2) * replicas);
        namespace = namespace.object(raw("Deployment", "raw", (50, ram), Some(replicas), pod));
        let comes = if case % 2 == 0 { Comes::InOrder } else { Comes::AtOnce };
        if comes == Comes::InOrder {
            let ram = share(&mut dice, workloads + 2);
            namespace = namespace.job(Job::new("job", sized("job", 50, ram)).parallelism(2).completions(3));
        }
        let kind = cluster.judge(cloud, &Platform::on("single").namespace(namespace), comes);
        *seen.entry(kind).or_default() += 1;
    }
    println!("{seen:?}");
    assert!(seen.len() >= 3, "the cases differ: {seen:?}");
}
