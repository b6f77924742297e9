//! The policies by which every Prometheus of a platform reaches what it asks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fmc_core::given::Given;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::network::{labelled, policy};
use super::selector;
use crate::manifest::APP;
use crate::name::ObjectName;
use crate::platform::{Namespace, Platform};
use crate::prometheus::Prometheus;
use crate::prometheus::config::{Answering, Measured, Scrapes};

/// Every Prometheus of a platform, by namespace and name.
pub(super) struct Asking(Vec<(String, String)>);

pub(super) fn asking(platform: &Platform) -> Asking {
    let all = platform.namespaces.iter().flat_map(|namespace| {
        namespace.prometheus.iter().map(|one| (namespace.name.to_string(), one.name.to_string()))
    });
    Asking(all.collect())
}

/// The names of the policies of a namespace that are made here.
pub(crate) fn names(namespace: &Namespace) -> Vec<String> {
    let workloads = namespace.workloads();
    let measured = workloads.iter().filter(|(_, one)| one.is_measured());
    let asked = measured.map(|(_, one)| answers(&one.name.to_string()));
    namespace.prometheus.iter().map(|one| asks(&one.name)).chain(asked).collect()
}

fn asks(prometheus: &Given<ObjectName>) -> String {
    format!("{prometheus}-asks")
}

fn answers(workload: &str) -> String {
    format!("{workload}-answers")
}

/// The policies of a namespace: for its own, to reach everything that answers, and for what answers, to be reached. An Alertmanager takes
/// alerts at the port of its measurements, so that the same policies let them through.
pub(super) fn policies(
    namespace: &Namespace,
    scrapes: &Scrapes,
    asking: &Asking,
) -> Vec<networking::NetworkPolicy> {
    let name = namespace.name.to_string();
    let out = namespace.prometheus.iter().map(|one| leaves(one, &name, scrapes));
    let mut workloads: BTreeMap<&str, Vec<&Answering>> = BTreeMap::new();
    for one in scrapes.workloads.iter().filter(|one| one.namespace == name && !asking.0.is_empty()) {
        workloads.entry(&one.workload).or_default().push(one);
    }
    let into = workloads.into_iter().map(|(workload, ports)| enters(workload, &ports, &name, asking));
    out.chain(into).collect()
}

fn pods(namespace: &str, (key, value): (&str, &str)) -> networking::NetworkPolicyPeer {
    networking::NetworkPolicyPeer {
        namespace_selector: Some(labelled("kubernetes.io/metadata.name", namespace)),
        pod_selector: Some(labelled(key, value)),
        ..networking::NetworkPolicyPeer::default()
    }
}

/// One address outside of the cluster's pods.
pub(super) fn block(address: IpAddr) -> networking::NetworkPolicyPeer {
    networking::NetworkPolicyPeer {
        ip_block: Some(networking::IPBlock {
            cidr: format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 }),
            except: None,
        }),
        ..networking::NetworkPolicyPeer::default()
    }
}

pub(super) fn port(port: IntOrString) -> networking::NetworkPolicyPort {
    networking::NetworkPolicyPort {
        port: Some(port),
        protocol: Some("TCP".to_owned()),
        ..networking::NetworkPolicyPort::default()
    }
}

fn leaves(prometheus: &Prometheus, namespace: &str, scrapes: &Scrapes) -> networking::NetworkPolicy {
    let rule = |to: Vec<networking::NetworkPolicyPeer>, ports: Vec<networking::NetworkPolicyPort>| {
        networking::NetworkPolicyEgressRule { to: Some(to), ports: Some(ports) }
    };
    let workloads = scrapes.workloads.iter().map(|one| {
        rule(vec![pods(&one.namespace, one.label())], vec![port(IntOrString::String(one.port.0.clone()))])
    });
    let mut machines: BTreeMap<u16, Vec<&Measured>> = BTreeMap::new();
    let nodes = scrapes.nodes.iter().filter(|_| prometheus.asks_nodes(scrapes));
    for machine in scrapes.machines.iter().chain(nodes) {
        machines.entry(machine.port).or_default().push(machine);
    }
    let machines = machines.into_iter().map(|(number, machines)| {
        let to = machines.into_iter().map(|machine| block(machine.address));
        rule(to.collect(), vec![port(IntOrString::Int(number.into()))])
    });
    let spec = networking::NetworkPolicySpec {
        pod_selector: Some(selector(&prometheus.name)),
        policy_types: Some(vec!["Egress".to_owned()]),
        egress: Some(workloads.chain(machines).collect()),
        ..networking::NetworkPolicySpec::default()
    };
    policy(asks(&prometheus.name), namespace, spec)
}

fn enters(
    workload: &str,
    ports: &[&Answering],
    namespace: &str,
    asking: &Asking,
) -> networking::NetworkPolicy {
    let from = asking.0.iter().map(|(namespace, name)| pods(namespace, (APP, name)));
    let (key, value) = ports.first().map_or((APP, workload), |one| one.label());
    let rule = networking::NetworkPolicyIngressRule {
        from: Some(from.collect()),
        ports: Some(ports.iter().map(|one| port(IntOrString::String(one.port.0.clone()))).collect()),
    };
    let spec = networking::NetworkPolicySpec {
        pod_selector: Some(labelled(key, value)),
        policy_types: Some(vec!["Ingress".to_owned()]),
        ingress: Some(vec![rule]),
        ..networking::NetworkPolicySpec::default()
    };
    policy(answers(workload), namespace, spec)
}
