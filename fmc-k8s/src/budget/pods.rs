//! The pods of a platform and of K3s itself, in groups that are alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::given::Given;
use fmc_core::k3s::capacity::{self, Amount, Node, packaged};
use fmc_core::k3s::resolved::Cluster;
use fmc_core::unit::Size;
use serde_json::{Value, json};

use super::template::{HostPort, Template};
use crate::compile::daemon::tolerations;
use crate::compile::operator::scopes;
use crate::container::Container;
use crate::kind::{self, Kind};
use crate::manifest::Manifest;
use crate::operated::ROOK;
use crate::platform::Platform;
use crate::quantity::Cpu;
use crate::traefik;
use crate::workload::Workload;

/// Pods that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Pods {
    /// The path of their workload below the platform; `None` for K3s's own.
    pub(crate) path: Option<String>,
    /// The path of their number, below that of their workload; empty if nothing says it alone.
    pub(crate) count_at: &'static str,
    /// The namespace and the name of the workload, as `shop/web`.
    pub(crate) name: String,
    /// The request of one of them.
    pub(crate) asks: Amount,
    /// Their number. Of pods on each node it is that of the nodes that take them.
    pub(crate) count: u64,
    /// Whether each node has one that nothing else moves away.
    pub(crate) is_on_each_node: bool,
    /// Whether they are told to spread over the nodes.
    pub(crate) is_spread: bool,
    /// Whether a change of them needs room for one pod more: a deployment of one to three pods ends an old one only when a new one is ready
    /// (`maxSurge` and `maxUnavailable` of 25 %, rounded up and down).
    pub(crate) needs_one_more: bool,
    /// Whether they end by themselves, as those of a job: they have room for a while, and wait for it without harm to others.
    pub(crate) ends: bool,
    /// Whether a node takes them, beside room, by the index of the node.
    pub(crate) on: Arc<[bool]>,
    /// The ports of a node that each takes for itself.
    pub(crate) host_ports: BTreeSet<HostPort>,
}

/// From so many pods on, a deployment ends an old one before it has a new one.
const ENDS_FIRST: u64 = 4;

/// The nodes of a cluster, as groups of pods are made for them.
struct Nodes<'a> {
    nodes: &'a [Node],
    cloud: &'a Checked,
    /// Those that take pods without tolerations.
    any: Arc<[bool]>,
    /// Those that take K3s's own pods.
    packaged: Arc<[bool]>,
    /// Those that take pods which are on servers too.
    servers: Arc<[bool]>,
}

impl Pods {
    /// All pods of a cluster: K3s's own, and those of a platform in the order in which it states them.
    pub(super) fn of(platform: &Platform, cluster: &Cluster, nodes: &[Node], cloud: &Checked) -> Vec<Self> {
        let tolerant = json!({ "tolerations": serde_json::to_value(tolerations()).unwrap_or_default() });
        let nodes = Nodes {
            servers: nodes.iter().map(|node| Template::of_pod(&tolerant).suits(node, cloud)).collect(),
            nodes,
            cloud,
            any: nodes.iter().map(Node::takes_any).collect(),
            packaged: nodes.iter().map(Node::takes_packaged).collect(),
        };
        let overlaid = overlaid(platform, cloud);
        let own = packaged(cluster).into_iter().map(|one| {
            let said = platform.traefik.as_ref().and_then(|traefik| traefik.replicas);
            let said = said.filter(|_| one.name == traefik::NAME);
            Self {
                count_at: if said.is_some() { "replicas" } else { "" },
                is_on_each_node: one.is_on_each_node,
                on: Arc::clone(&nodes.packaged),
                ..nodes.group(
                    said.map(|_| traefik::NAME.to_owned()),
                    format!("kube-system/{}", one.name),
                    one.asks,
                    said.unwrap_or(1).into(),
                )
            }
        });
        let mut all: Vec<Self> = own.collect();
        let ceph = platform.ceph.iter().flat_map(|ceph| ceph.pods(cluster, cloud));
        all.extend(ceph.map(|(name, asks, count)| Self {
            is_spread: true,
            ..nodes.group(Some("ceph".to_owned()), format!("{}/{name}", ROOK.namespace), asks, count)
        }));
        for (index, namespace) in platform.namespaces.iter().enumerate() {
            let namespace = namespace.with_services();
            let name = namespace.name.to_string();
            for (path, workload) in namespace.workloads() {
                let path = format!("namespaces[{index}].{path}");
                let made = format!("{}/{name}/{}", workload.kind.word, workload.name);
                let group = match overlaid.get(&made).filter(|_| workload.label.is_none()) {
                    Some(object) => nodes.of_object(path, "replicas", object),
                    None => Some(nodes.of_workload(path, &name, &workload)),
                };
                all.extend(group);
            }
            let beside = namespace.operated().filter_map(|(path, one)| Some((path, one.beside.as_ref()?)));
            all.extend(beside.map(|(path, one)| Self {
                needs_one_more: true,
                ..nodes.group(
                    Some(format!("namespaces[{index}].{path}")),
                    format!("{name}/{}", one.name),
                    Amount::new(one.cpu.as_millicores().into(), one.memory, 1),
                    1,
                )
            }));
            for (at, object) in namespace.objects.iter().enumerate() {
                let path = format!("namespaces[{index}].objects[{at}]");
                all.extend(nodes.of_raw(path, "spec.replicas", object.within(&name), &overlaid));
            }
        }
        for (at, object) in platform.objects.iter().enumerate() {
            all.extend(nodes.of_raw(format!("objects[{at}]"), "spec.replicas", object.0.clone(), &overlaid));
        }
        let scopes = scopes(platform);
        for (at, operator) in platform.operators.iter().enumerate() {
            for object in operator.objects() {
                let placed = operator.placed(object.value, &scopes);
                all.extend(nodes.of_raw(format!("operators[{at}].{}", object.source), "", placed, &overlaid));
            }
        }
        all
    }

    /// The same of the cluster of a platform; `None` if the cloud does not have it.
    pub(crate) fn of_platform(platform: &Platform, cloud: &Checked) -> Option<Vec<Self>> {
        let cluster = cloud.cluster(&platform.cluster.to_string())?;
        Some(Self::of(platform, cluster, &capacity::nodes(cluster, cloud), cloud))
    }

    /// Whether they are K3s's own.
    pub(crate) fn is_packaged(&self) -> bool {
        self.path.is_none()
    }

    /// Whether a node takes one of them, beside room.
    pub(crate) fn suits(&self, node: usize) -> bool {
        self.on.get(node).copied().unwrap_or(false)
    }
}

impl Nodes<'_> {
    /// Pods without wishes.
    fn group(&self, path: Option<String>, name: String, asks: Amount, count: u64) -> Pods {
        Pods {
            path,
            count_at: "",
            name,
            asks,
            count,
            is_on_each_node: false,
            is_spread: false,
            needs_one_more: false,
            ends: false,
            on: Arc::clone(&self.any),
            host_ports: BTreeSet::new(),
        }
    }

    /// The pods of a workload as its values say them.
    fn of_workload(&self, path: String, namespace: &str, workload: &Workload<'_>) -> Pods {
        let on = if workload.on_servers { &self.servers } else { &self.any };
        let is_on_each_node = *workload.kind == kind::DAEMON_SET;
        let count = match is_on_each_node {
            true => on.iter().filter(|takes| **takes).count() as u64,
            false => u64::from(workload.replicas),
        };
        let name = format!("{namespace}/{}", workload.name);
        Pods {
            count_at: if workload.ends() { "parallelism" } else { "replicas" },
            is_on_each_node,
            on: Arc::clone(on),
            is_spread: count > 1,
            needs_one_more: (1..ENDS_FIRST).contains(&count) && *workload.kind == kind::DEPLOYMENT,
            ends: workload.ends(),
            ..self.group(Some(path), name, asked(workload), count)
        }
    }

    /// The pods of an object in the form of the API, with the changes of overlays.
    fn of_raw(
        &self,
        path: String,
        count_at: &'static str,
        object: Value,
        overlaid: &BTreeMap<String, Value>,
    ) -> Option<Pods> {
        Template::of(&object)?;
        let made = (!overlaid.is_empty()).then(|| Manifest::of_value(object.clone()).ok()).flatten();
        let changed = made.and_then(|made| overlaid.get(&made.short()));
        self.of_object(path, count_at, changed.unwrap_or(&object))
    }

    /// The pods of an object in the form of the API; `None` if it has none.
    fn of_object(&self, path: String, count_at: &'static str, object: &Value) -> Option<Pods> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(1);
        let kind = Kind::of(text("/apiVersion"), text("/kind"))?;
        let template = Template::of(object)?;
        let on: Arc<[bool]> = self.nodes.iter().map(|node| template.suits(node, self.cloud)).collect();
        let (count, ends) = match *kind {
            kind::DEPLOYMENT | kind::STATEFUL_SET => (number("/spec/replicas"), false),
            kind::DAEMON_SET => (on.iter().filter(|takes| **takes).count() as u64, false),
            kind::JOB => (number("/spec/parallelism").min(number("/spec/completions")), true),
            kind::CRON_JOB => {
                let at = "/spec/jobTemplate/spec/";
                let (at_once, all) = (format!("{at}parallelism"), format!("{at}completions"));
                (number(&at_once).min(number(&all)), true)
            }
            _ => return None,
        };
        let is_surging = text("/spec/strategy/type") != "Recreate" && *kind == kind::DEPLOYMENT;
        Some(Pods {
            count_at,
            is_on_each_node: *kind == kind::DAEMON_SET,
            is_spread: count > 1 && template.is_spread(),
            needs_one_more: is_surging && (1..ENDS_FIRST).contains(&count),
            ends,
            on,
            host_ports: template.host_ports(),
            ..self.group(
                Some(path),
                format!("{}/{}", text("/metadata/namespace"), text("/metadata/name")),
                template.asks(),
                count,
            )
        })
    }
}

/// The objects that overlays change, by their names in plans.
fn overlaid(platform: &Platform, cloud: &Checked) -> BTreeMap<String, Value> {
    if platform.overlays.is_empty() {
        return BTreeMap::new();
    }
    let named: BTreeSet<&str> = platform.overlays.iter().map(|one| one.of.as_str()).collect();
    let all = platform.manifests_in(cloud).into_iter();
    all.map(|one| (one.short(), one))
        .filter(|(short, _)| named.contains(short.as_str()))
        .map(|(short, one)| (short, one.content().clone()))
        .collect()
}

/// The request of a pod of a workload: the sum over its containers.
fn asked(workload: &Workload<'_>) -> Amount {
    let cpu = |one: &Container| one.cpu.ok().map_or(0, |cpu: &Cpu| u64::from(cpu.as_millicores()));
    let memory = |one: &Container| Given::ok(&one.memory).copied().unwrap_or(Size::ZERO);
    let each = workload.containers.iter().map(|one| Amount::new(cpu(one), memory(one), 0));
    each.fold(Amount::new(0, Size::ZERO, 1), Amount::plus)
}
