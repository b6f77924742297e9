//! Who may talk to whom in a namespace: nobody, unless a connection says so.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::selector;
use crate::connection::Connection;
use crate::gateway::Gateways;
use crate::ingress::CLASS;
use crate::manifest::APP;
use crate::name::{ObjectName, PortName};
use crate::platform::Namespace;
use crate::workload::Workload;

/// The policies of a namespace.
pub(super) fn policies(namespace: &Namespace, gateways: &Gateways<'_>) -> Vec<networking::NetworkPolicy> {
    let name = namespace.name.to_string();
    let mut all = vec![names(&name), nothing(&name)];
    let workloads = namespace.by_name();
    for connection in &namespace.connections {
        all.extend(pair(connection, &workloads, &name));
    }
    let entrances = namespace.entrances(gateways).into_iter();
    all.extend(entrances.map(|(policy, entrance)| outside(policy, &entrance, &name)));
    all
}

pub(super) fn policy(
    name: String,
    namespace: &str,
    spec: networking::NetworkPolicySpec,
) -> networking::NetworkPolicy {
    networking::NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
    }
}

/// Nothing is reached, and nothing reaches anything.
fn nothing(namespace: &str) -> networking::NetworkPolicy {
    let spec = networking::NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
        ..networking::NetworkPolicySpec::default()
    };
    policy("nothing".to_owned(), namespace, spec)
}

/// Every pod asks the cluster's resolver for names.
fn names(namespace: &str) -> networking::NetworkPolicy {
    let peer = networking::NetworkPolicyPeer {
        namespace_selector: Some(labelled("kubernetes.io/metadata.name", "kube-system")),
        pod_selector: Some(labelled("k8s-app", "kube-dns")),
        ..networking::NetworkPolicyPeer::default()
    };
    let port = |protocol: &str| networking::NetworkPolicyPort {
        port: Some(IntOrString::Int(53)),
        protocol: Some(protocol.to_owned()),
        ..networking::NetworkPolicyPort::default()
    };
    let rule = networking::NetworkPolicyEgressRule {
        ports: Some(vec![port("UDP"), port("TCP")]),
        to: Some(vec![peer]),
    };
    let spec = networking::NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        policy_types: Some(vec!["Egress".to_owned()]),
        egress: Some(vec![rule]),
        ..networking::NetworkPolicySpec::default()
    };
    policy("names".to_owned(), namespace, spec)
}

pub(super) fn labelled(key: &str, value: &str) -> LabelSelector {
    LabelSelector {
        match_labels: Some([(key.to_owned(), value.to_owned())].into()),
        ..LabelSelector::default()
    }
}

/// Lets the cluster's Traefik in, or the pods that take the calls of a gateway of another class.
fn outside(name: String, entrance: &Entrance<'_>, namespace: &str) -> networking::NetworkPolicy {
    let peer = match entrance.by {
        None => networking::NetworkPolicyPeer {
            namespace_selector: Some(labelled("kubernetes.io/metadata.name", "kube-system")),
            pod_selector: Some(labelled(APP, CLASS)),
            ..networking::NetworkPolicyPeer::default()
        },
        Some(within) => networking::NetworkPolicyPeer {
            namespace_selector: Some(labelled("kubernetes.io/metadata.name", &within.to_string())),
            ..networking::NetworkPolicyPeer::default()
        },
    };
    let port = networking::NetworkPolicyPort {
        port: Some(IntOrString::String(entrance.port.to_string())),
        protocol: Some("TCP".to_owned()),
        ..networking::NetworkPolicyPort::default()
    };
    let spec = networking::NetworkPolicySpec {
        pod_selector: Some(selector(entrance.to)),
        policy_types: Some(vec!["Ingress".to_owned()]),
        ingress: Some(vec![networking::NetworkPolicyIngressRule {
            ports: Some(vec![port]),
            from: Some(vec![peer]),
        }]),
        ..networking::NetworkPolicySpec::default()
    };
    policy(name, namespace, spec)
}

/// A container's port that calls from outside of the cluster come to.
pub(crate) struct Entrance<'a> {
    to: &'a Given<ObjectName>,
    port: &'a Given<PortName>,
    /// The namespace of the pods that lead there; `None` for K3s's Traefik.
    by: Option<&'a Given<ObjectName>>,
}

impl Namespace {
    /// The ports of containers that its ingresses and routes lead to, by the name of the policy that lets the calls in.
    pub(crate) fn entrances<'a>(&'a self, gateways: &Gateways<'a>) -> BTreeMap<String, Entrance<'a>> {
        let deployments = self.deployments.iter().map(|one| (&one.name, &one.expose));
        let all = deployments.chain(self.stateful_sets.iter().map(|one| (&one.name, &one.expose)));
        let exposed: BTreeMap<(String, u16), Entrance<'_>> = all
            .flat_map(|(to, expose)| expose.iter().map(move |one| (to, one)))
            .map(|(to, one)| ((to.to_string(), one.port), Entrance { to, port: &one.to, by: None }))
            .collect();
        let name = self.name.to_string();
        let routes = self.ingresses.iter().flat_map(|one| &one.routes).map(|route| (route, None));
        let by_gateways = self.http_routes.iter().flat_map(|one| {
            let by = gateways.parent(one, &name).and_then(|gateway| gateway.pods_in.as_ref());
            one.routes.iter().map(move |route| (route, by))
        });
        let entrances = routes
            .chain(by_gateways)
            .filter_map(|(route, by)| Some((exposed.get(&(route.to.to_string(), route.port))?, by)));
        let named = entrances.map(|(&Entrance { to, port, .. }, by)| {
            let from = by.map_or_else(|| "outside".to_owned(), |within| format!("gateway.{within}"));
            (format!("{to}-from-{from}-{port}"), Entrance { to, port, by })
        });
        named.collect()
    }
}

/// The two policies of a connection: the one that asks may leave, the one that answers lets in.
fn pair(
    connection: &Connection,
    workloads: &BTreeMap<String, Workload<'_>>,
    namespace: &str,
) -> [networking::NetworkPolicy; 2] {
    let Connection { from, to, port } = connection;
    let [leaves, enters] = connection.policy_names();
    let ports = Some(vec![networking::NetworkPolicyPort {
        port: Some(IntOrString::String(port.to_string())),
        protocol: Some("TCP".to_owned()),
        ..networking::NetworkPolicyPort::default()
    }]);
    let pods = |name: &Given<ObjectName>| {
        let operated = workloads.get(&name.to_string()).filter(|one| one.label.is_some());
        operated.map_or_else(|| selector(name), Workload::selector)
    };
    let peers = |name| {
        Some(vec![networking::NetworkPolicyPeer {
            pod_selector: Some(pods(name)),
            ..networking::NetworkPolicyPeer::default()
        }])
    };
    let out = networking::NetworkPolicySpec {
        pod_selector: Some(pods(from)),
        policy_types: Some(vec!["Egress".to_owned()]),
        egress: Some(vec![networking::NetworkPolicyEgressRule { ports: ports.clone(), to: peers(to) }]),
        ..networking::NetworkPolicySpec::default()
    };
    let into = networking::NetworkPolicySpec {
        pod_selector: Some(pods(to)),
        policy_types: Some(vec!["Ingress".to_owned()]),
        ingress: Some(vec![networking::NetworkPolicyIngressRule { ports, from: peers(from) }]),
        ..networking::NetworkPolicySpec::default()
    };
    [policy(leaves, namespace, out), policy(enters, namespace, into)]
}
