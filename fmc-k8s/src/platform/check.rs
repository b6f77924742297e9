//! The rules of a platform: one function each.

mod account;
mod alertmanager;
mod auto_deploy;
mod autoscale;
mod between;
mod ceph;
mod claims;
mod classes;
mod container;
mod gateway;
mod host;
mod images;
mod ingress;
mod jenkins;
mod job;
mod measured;
mod needs;
mod operated;
mod operator;
mod outside;
mod overlay;
mod password;
mod quota;
mod raw;
mod reach;
mod restricted;
mod room;
mod scaler;
mod schema;
mod secret;
mod service;
mod traefik;
mod value;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::finding::{NameList, OwnKind};
use fmc_core::given::{Given, Leaf};
use fmc_core::role::{RoleFindings, SpanSite};

use super::{Namespace, Platform};
use crate::compile::policy_names;
use crate::container::{Container, MountSource};
use crate::gateway::Gateways;
use crate::name::PortName;
use crate::workload::Workload;

/// The kinds of findings of a platform.
pub(super) const KINDS: &[OwnKind] = &[
    NO_CLUSTER,
    TWICE,
    NO_PORT,
    NO_WORKLOAD,
    NO_CLAIM,
    UNPINNED,
    LOCK_UNUSED,
    LOCK_DIFFERS,
    NO_PROBE,
    ROOT,
    LIMIT,
    EMPTY,
    VALUE,
    NODE_LOCAL,
    LOST_WITH_NODE,
    NO_WRITER,
    NO_INGRESS,
    NO_NAME,
    NO_PASSWORD,
    SHARED_PASSWORD,
    CLOSED,
    TOO_LARGE,
    NO_ROOM,
    MAY_WAIT,
    CHANGE_WAITS,
    CROWDED,
    LIMIT_ABOVE_NODE,
    UNASKED,
    RUNS_AGAIN,
    OVER_QUOTA,
    NO_PRIORITY,
    REFUSED_PODS,
    HOST_NETWORK,
    HOST_PATH,
    DATA_ON_ROOT,
    VOLUME_TOO_LARGE,
    NO_CLASS,
    NO_METRICS,
    NO_OPERATOR,
    NO_OPERATOR_PODS,
    RIGHTS,
    OPEN,
    KEPT_OUT,
    NO_RECEIVER,
    UNTOLD,
    SCHEMA,
    TRUSTS_ALL,
    NO_TLS,
    NO_GATEWAY,
    PORT_SHARED,
];

const NO_GATEWAY: OwnKind =
    OwnKind::error("platform-no-gateway", include_str!("pages/no-gateway.md")).never_accepted();
const PORT_SHARED: OwnKind = OwnKind::warning("platform-port-shared", include_str!("pages/port-shared.md"));

const NO_TLS: OwnKind = OwnKind::warning("platform-no-tls", include_str!("pages/no-tls.md"));
const TRUSTS_ALL: OwnKind = OwnKind::warning("platform-trusts-all", include_str!("pages/trusts-all.md"));
const NO_CLUSTER: OwnKind =
    OwnKind::error("platform-no-cluster", include_str!("pages/no-cluster.md")).never_accepted();
const TWICE: OwnKind = OwnKind::error("platform-twice", include_str!("pages/twice.md")).never_accepted();
const NO_PORT: OwnKind =
    OwnKind::error("platform-no-port", include_str!("pages/no-port.md")).never_accepted();
const NO_WORKLOAD: OwnKind =
    OwnKind::error("platform-no-workload", include_str!("pages/no-workload.md")).never_accepted();
const NO_CLAIM: OwnKind =
    OwnKind::error("platform-no-claim", include_str!("pages/no-claim.md")).never_accepted();
const NODE_LOCAL: OwnKind = OwnKind::warning("platform-node-local", include_str!("pages/node-local.md"));
const LOST_WITH_NODE: OwnKind =
    OwnKind::error("platform-lost-with-node", include_str!("pages/lost-with-node.md")).never_accepted();
const NO_WRITER: OwnKind = OwnKind::warning("platform-no-writer", include_str!("pages/no-writer.md"));
const NO_INGRESS: OwnKind =
    OwnKind::error("platform-no-ingress", include_str!("pages/no-ingress.md")).never_accepted();
const NO_PASSWORD: OwnKind = OwnKind::warning("platform-no-password", include_str!("pages/no-password.md"));
const SHARED_PASSWORD: OwnKind =
    OwnKind::warning("platform-shared-password", include_str!("pages/shared-password.md"));
const NO_NAME: OwnKind = OwnKind::warning("platform-no-name", include_str!("pages/no-name.md"));
const CLOSED: OwnKind = OwnKind::warning("platform-closed", include_str!("pages/closed.md"));
const TOO_LARGE: OwnKind = OwnKind::error("platform-too-large", include_str!("pages/too-large.md"));
const NO_ROOM: OwnKind = OwnKind::error("platform-no-room", include_str!("pages/no-room.md"));
const MAY_WAIT: OwnKind = OwnKind::warning("platform-may-wait", include_str!("pages/may-wait.md"));
const CHANGE_WAITS: OwnKind =
    OwnKind::warning("platform-change-waits", include_str!("pages/change-waits.md"));
const CROWDED: OwnKind = OwnKind::warning("platform-crowded", include_str!("pages/crowded.md"));
const LIMIT_ABOVE_NODE: OwnKind =
    OwnKind::warning("platform-limit-above-node", include_str!("pages/limit-above-node.md"));
const UNASKED: OwnKind = OwnKind::warning("platform-unasked", include_str!("pages/unasked.md"));
const DATA_ON_ROOT: OwnKind =
    OwnKind::warning("platform-data-on-root", include_str!("pages/data-on-root.md"));
const VOLUME_TOO_LARGE: OwnKind =
    OwnKind::warning("platform-volume-too-large", include_str!("pages/volume-too-large.md"));
const NO_CLASS: OwnKind = OwnKind::warning("platform-no-class", include_str!("pages/no-class.md"));
const NO_METRICS: OwnKind = OwnKind::warning("platform-no-metrics", include_str!("pages/no-metrics.md"));
const NO_OPERATOR: OwnKind = OwnKind::warning("platform-no-operator", include_str!("pages/no-operator.md"));
const NO_OPERATOR_PODS: OwnKind =
    OwnKind::error("platform-no-operator-pods", include_str!("pages/no-operator-pods.md"));
const OVER_QUOTA: OwnKind = OwnKind::error("platform-over-quota", include_str!("pages/over-quota.md"));
const NO_PRIORITY: OwnKind =
    OwnKind::error("platform-no-priority", include_str!("pages/no-priority.md")).never_accepted();
const REFUSED_PODS: OwnKind = OwnKind::error("platform-refused-pods", include_str!("pages/refused-pods.md"));
const HOST_NETWORK: OwnKind =
    OwnKind::warning("platform-host-network", include_str!("pages/host-network.md"));
const HOST_PATH: OwnKind = OwnKind::warning("platform-host-path", include_str!("pages/host-path.md"));
const RUNS_AGAIN: OwnKind = OwnKind::warning("platform-runs-again", include_str!("pages/runs-again.md"));
const RIGHTS: OwnKind = OwnKind::warning("platform-rights", include_str!("pages/rights.md"));
const KEPT_OUT: OwnKind = OwnKind::warning("platform-kept-out", include_str!("pages/kept-out.md"));
const OPEN: OwnKind = OwnKind::error("platform-open", include_str!("pages/open.md"));
const NO_RECEIVER: OwnKind =
    OwnKind::error("platform-no-receiver", include_str!("pages/no-receiver.md")).never_accepted();
const UNTOLD: OwnKind = OwnKind::warning("platform-untold", include_str!("pages/untold.md"));
const UNPINNED: OwnKind = OwnKind::warning("platform-unpinned", include_str!("pages/unpinned.md"));
const LOCK_UNUSED: OwnKind = OwnKind::warning("platform-lock-unused", include_str!("pages/lock-unused.md"));
const LOCK_DIFFERS: OwnKind =
    OwnKind::warning("platform-lock-differs", include_str!("pages/lock-differs.md"));
const NO_PROBE: OwnKind = OwnKind::warning("platform-no-probe", include_str!("pages/no-probe.md"));
const ROOT: OwnKind = OwnKind::error("platform-root", include_str!("pages/root.md")).never_accepted();
const LIMIT: OwnKind = OwnKind::error("platform-limit", include_str!("pages/limit.md")).never_accepted();
const EMPTY: OwnKind = OwnKind::error("platform-empty", include_str!("pages/empty.md")).never_accepted();
const SCHEMA: OwnKind = OwnKind::error("platform-schema", include_str!("pages/schema.md"));
const VALUE: OwnKind = OwnKind::error("platform-value", include_str!("pages/value.md")).never_accepted();

/// The values by themselves.
pub(super) fn settings(platform: &Platform, findings: &mut RoleFindings<'_>) {
    findings.leaf("cluster", &platform.cluster);
    optional("image_lock", platform.image_lock.as_ref(), findings);
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        findings.part(&format!("namespaces[{index}]"), |findings| {
            leaves(namespace, findings);
            value::namespace(&namespace.with_services(), findings);
            service::values(namespace, findings);
            job::values(namespace, findings);
            autoscale::values(namespace, findings);
            quota::values(namespace, findings);
            operated::values(namespace, findings);
            for (index, of) in namespace.ingresses.iter().enumerate() {
                findings.part(&format!("ingresses[{index}]"), |findings| ingress::values(of, findings));
            }
            gateway::values(namespace, findings);
            outside::values(namespace, findings);
            raw::of_namespace(namespace, findings);
        });
    }
    quota::classes(platform, findings);
    raw::of_cluster(platform, findings);
    operator::values(platform, findings);
    ceph::values(platform, findings);
    between::leaves(platform, findings);
    traefik::values(platform, findings);
}

fn leaves(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    findings.leaf("name", &namespace.name);
    for (path, workload) in namespace.workloads() {
        findings.part(&path, |findings| {
            findings.leaf("name", workload.name);
            needs::leaves(workload.needs, findings);
            claims::leaves(workload.claims, findings);
            for (index, exposed) in workload.expose.iter().enumerate() {
                findings.leaf(&format!("expose[{index}].to"), &exposed.to);
            }
            for (index, container) in workload.containers.iter().enumerate() {
                findings
                    .part(&format!("containers[{index}]"), |findings| container::leaves(container, findings));
            }
        });
    }
    service::leaves(namespace, findings);
    job::leaves(namespace, findings);
    autoscale::leaves(namespace, findings);
    quota::leaves(namespace, findings);
    operated::leaves(namespace, findings);
    for (index, connection) in namespace.connections.iter().enumerate() {
        findings.part(&format!("connections[{index}]"), |findings| {
            findings.leaf("from", &connection.from);
            findings.leaf("to", &connection.to);
            findings.leaf("port", &connection.port);
        });
    }
    outside::leaves(namespace, findings);
    gateway::leaves(namespace, findings);
    for (index, of) in namespace.ingresses.iter().enumerate() {
        findings.part(&format!("ingresses[{index}]"), |findings| ingress::leaves(of, findings));
    }
}

/// The findings of a container of a workload. A service has its settings itself.
fn in_container(
    workload: &Workload<'_>,
    index: usize,
    findings: &mut RoleFindings<'_>,
    tell: impl FnOnce(&mut RoleFindings<'_>),
) {
    match workload.container_path(index) {
        Some(path) => findings.part(&path, tell),
        None => tell(findings),
    }
}

fn optional<T: Leaf>(key: &str, given: Option<&Given<T>>, findings: &mut RoleFindings<'_>) {
    given.map(|given| findings.leaf(key, given));
}

/// The values together, and with the cloud. All leaves are right.
pub(super) fn together(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    if !site.states_cluster(&platform.cluster.to_string()) {
        let help = match site.cloud().clusters() {
            [] => "add the cluster to the cloud".to_owned(),
            known => known_names(known.iter().map(|cluster| &cluster.name)),
        };
        findings.part("cluster", |findings| {
            findings.find(&NO_CLUSTER, format!("the cloud has no cluster {}", platform.cluster), help);
        });
    }
    second(platform, site, findings);
    is_open(platform, site, findings);
    let names = platform.namespaces.iter().map(|namespace| namespace.name.to_string());
    twice("namespaces", "namespace", names, findings);
    ingress::hosts(platform, findings);
    let gateways = Gateways::of(platform);
    gateway::owners(platform, &gateways, findings);
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        findings.part(&format!("namespaces[{index}]"), |findings| {
            let namespace = &*platform.pinned(namespace.with_services());
            service::together(namespace, findings);
            in_namespace(namespace, &gateways, findings);
            operated::together(namespace, platform, site, findings);
            claims::sets(namespace, platform, site, findings);
            ingress::together(namespace, platform, site, findings);
            gateway::together(namespace, (platform, &gateways), site, findings);
            ingress::closed(namespace, platform, findings);
            outside::together(namespace, platform, site, findings);
            autoscale::together(namespace, platform, site, findings);
            host::folders(namespace, findings);
            quota::together(namespace, &format!("namespaces[{index}]"), platform, site, findings);
        });
    }
    operator::together(platform, findings);
    ceph::together(platform, site, findings);
    between::together(platform, findings);
    password::check(platform, findings);
    traefik::together(platform, site, findings);
    schema::check(platform, findings);
    needs::check(platform, site.cloud(), findings);
    overlay::check(platform, site.cloud(), findings);
    images::check(platform, site, findings);
    host::check(platform, site.cloud(), findings);
    room::check(platform, site, findings);
    volumes::check(platform, site, findings);
    classes::check(platform, site, findings);
    measured::check(platform, site, findings);
    raw::twice(platform, site.cloud(), findings);
    scaler::check(platform, site.cloud(), findings);
    auto_deploy::check(platform, site.cloud(), findings);
}

/// Without the controller of network policies every pod reaches every other one.
fn is_open(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cluster = site.cloud().cluster(&platform.cluster.to_string());
    if cluster.is_some_and(|cluster| !cluster.has_network_policies()) && !platform.namespaces.is_empty() {
        findings.part("cluster", |findings| {
            let message = format!("{} leaves out its network policies, so that no connection is denied", platform.cluster);
            let help = "take `disable-network-policy` out of the cluster's configuration, or accept this if another program enforces them";
            findings.find(&OPEN, message, help);
        });
    }
}

/// A cluster has one platform: two would each delete what the other one made.
fn second(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let mut before = site.stated::<Platform>().take_while(|(_, other)| !std::ptr::eq(*other, platform));
    if let Some((path, _)) = before.find(|(_, other)| other.cluster == platform.cluster) {
        findings.part("cluster", |findings| {
            let message = format!("{path} is a platform of the cluster {} too", platform.cluster);
            findings.find(&TWICE, message, format!("write the namespaces of both in {path}"));
        });
    }
}

fn in_namespace(namespace: &Namespace, gateways: &Gateways<'_>, findings: &mut RoleFindings<'_>) {
    let workloads = namespace.workloads();
    names(&workloads, findings);
    configs(&workloads, findings);
    secret::once(namespace, &workloads, findings);
    claims::known(&workloads, findings);
    policies(namespace, gateways, findings);
    for (path, workload) in &workloads {
        findings.part(path, |findings| {
            of_workload(*workload, findings);
            account::account(workload, findings);
        });
    }
    let by_name = namespace.by_name();
    let known = known_names(by_name.keys());
    for (index, connection) in namespace.own_connections().iter().enumerate() {
        findings.part(&format!("connections[{index}]"), |findings| {
            for (key, name) in [("from", &connection.from), ("to", &connection.to)] {
                if !by_name.contains_key(&name.to_string()) {
                    let message = format!("{} has no workload {name}", namespace.name);
                    findings.part(key, |findings| findings.find(&NO_WORKLOAD, message, &*known));
                }
            }
            if let Some(to) = by_name.get(&connection.to.to_string())
                && port("port", &connection.port, *to, findings)
            {
                ingress::named(&connection.from.to_string(), &connection.port, *to, findings);
            }
        });
    }
}

/// A workload has its name alone: its pods and its service are known by it.
fn names(workloads: &[(String, Workload<'_>)], findings: &mut RoleFindings<'_>) {
    let mut seen = BTreeSet::new();
    for (path, workload) in workloads {
        if !seen.insert(workload.name.to_string()) {
            let message = format!("the workload {} is there twice", workload.name);
            findings.part(path, |findings| findings.find(&TWICE, message, "give one of them another name"));
        }
    }
}

/// One name has one content.
fn configs(workloads: &[(String, Workload<'_>)], findings: &mut RoleFindings<'_>) {
    let mut known = BTreeMap::new();
    for (path, container) in containers(workloads) {
        for (mount, of) in container.mounts.iter().enumerate() {
            let MountSource::Config(config) = &of.from else { continue };
            let name = config.name.to_string();
            if known.insert(name.clone(), &config.files).is_some_and(|other| *other != config.files) {
                findings.part(&format!("{path}.mounts[{mount}].from.config"), |findings| {
                    let help = "give one of them another name, or both the same texts";
                    findings.find(&TWICE, format!("two configs {name} have different texts"), help);
                });
            }
        }
    }
}

/// The containers of workloads, each with its path.
fn containers<'a>(workloads: &'a [(String, Workload<'a>)]) -> impl Iterator<Item = (String, &'a Container)> {
    workloads.iter().flat_map(|(path, workload)| containers_of(path, workload))
}

/// The containers of a workload at a path, each with its own path.
fn containers_of<'a>(
    path: &'a str,
    workload: &'a Workload<'a>,
) -> impl Iterator<Item = (String, &'a Container)> {
    workload.containers.iter().enumerate().map(move |(index, one)| match workload.container_path(index) {
        Some(below) => (format!("{path}.{below}"), one),
        None => (path.to_owned(), one),
    })
}

/// Two connections may have one name in the cluster: `a-to-b` to `c`, and `a` to `b-to-c`.
fn policies(namespace: &Namespace, gateways: &Gateways<'_>, findings: &mut RoleFindings<'_>) {
    let mut seen: BTreeSet<String> =
        namespace.entrances(gateways).into_keys().chain(policy_names(namespace)).collect();
    for (index, connection) in namespace.own_connections().iter().enumerate() {
        let Some(name) = connection.policy_names().into_iter().find(|name| !seen.insert(name.clone())) else {
            continue;
        };
        findings.part(&format!("connections[{index}]"), |findings| {
            let message = format!("a connection and something else make the network policy {name}");
            findings.find(&TWICE, message, "leave one of them out, or give a workload another name");
        });
    }
}

fn of_workload(workload: Workload<'_>, findings: &mut RoleFindings<'_>) {
    if workload.containers.is_empty() {
        findings.find(&EMPTY, format!("{} has no container", workload.name), "add one to `containers`");
    }
    let names = workload.containers.iter().map(|container| container.name.to_string());
    twice("containers", "container", names, findings);
    let ports = || workload.containers.iter().flat_map(|container| &container.ports);
    twice("containers", "port", ports().map(|port| port.name.to_string()), findings);
    twice("containers", "port number", ports().map(|port| port.number.to_string()), findings);
    twice("expose", "port", workload.expose.iter().map(|exposed| exposed.port.to_string()), findings);
    for (index, exposed) in workload.expose.iter().enumerate() {
        port(&format!("expose[{index}].to"), &exposed.to, workload, findings);
    }
    for (index, container) in workload.containers.iter().enumerate() {
        in_container(&workload, index, findings, |findings| {
            container::together(container, workload, findings)
        });
    }
}

/// The port of a workload that a reference names. Whether it is there.
fn port(key: &str, name: &Given<PortName>, of: Workload<'_>, findings: &mut RoleFindings<'_>) -> bool {
    let ports = || of.containers.iter().flat_map(|container| &container.ports).map(|port| &port.name);
    let is_there = ports().any(|known| known == name);
    if !is_there {
        no_port(key, name, ports(), findings);
    }
    is_there
}

fn no_port<'a>(
    key: &str,
    name: &Given<PortName>,
    known: impl Iterator<Item = &'a Given<PortName>>,
    findings: &mut RoleFindings<'_>,
) {
    let mut known = known.peekable();
    let help = if known.peek().is_none() {
        format!("add the port: `ports: [{{name: {name}, number: 8080}}]`")
    } else {
        known_names(known)
    };
    findings.part(key, |findings| findings.find(&NO_PORT, format!("no container has the port {name}"), help));
}

/// The help that lists right names: a few of them, however many there are.
fn known_names(names: impl IntoIterator<Item = impl ToString>) -> String {
    let mut names = names.into_iter().map(|name| name.to_string()).peekable();
    match names.peek() {
        Some(_) => format!("name one of {}", NameList::new(names)),
        None => "add it first, or leave this out".to_owned(),
    }
}

/// A name that two values of a list have.
fn twice(key: &str, what: &str, names: impl Iterator<Item = String>, findings: &mut RoleFindings<'_>) {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        if seen.contains(&name) {
            findings.part(&format!("{key}[{index}]"), |findings| {
                findings.find(
                    &TWICE,
                    format!("the {what} {name} is there twice"),
                    "give one of them another name",
                );
            });
        }
        seen.insert(name);
    }
}
