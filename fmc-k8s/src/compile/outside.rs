//! The way of workloads to what is outside of their cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fmc_core::addr::Subnet;
use fmc_core::given::Given;
use fmc_core::k3s::resolved::Cluster;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::jenkins::agents;
use super::network::policy;
use super::scrape::{block, port};
use super::selector;
use crate::name::ObjectName;
use crate::platform::Namespace;

/// Every address that is not one of a cluster's pods and services, one block for each family that its pods have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outside(Vec<networking::IPBlock>);

impl Outside {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let family = |all: &str, is_right: fn(&Subnet) -> bool| {
            cluster.pods.iter().any(is_right).then(|| networking::IPBlock {
                cidr: all.to_owned(),
                except: Some(
                    cluster
                        .pods
                        .iter()
                        .chain(&cluster.services)
                        .filter(|one| is_right(one))
                        .map(ToString::to_string)
                        .collect(),
                ),
            })
        };
        let four = family("0.0.0.0/0", Subnet::is_ipv4);
        let six = family("::/0", |one| !one.is_ipv4());
        Self(four.into_iter().chain(six).collect())
    }

    fn peers(&self) -> Vec<networking::NetworkPolicyPeer> {
        let peer = |block: &networking::IPBlock| networking::NetworkPolicyPeer {
            ip_block: Some(block.clone()),
            ..networking::NetworkPolicyPeer::default()
        };
        self.0.iter().map(peer).collect()
    }
}

/// The pods that may leave the cluster, with the name of their policy and the ports that they call, by their address; those without an
/// address are open for every one outside.
struct Leaving {
    name: String,
    pods: LabelSelector,
    calls: BTreeMap<Option<IpAddr>, BTreeSet<u16>>,
}

fn leaving(namespace: &Namespace) -> Vec<Leaving> {
    let name = |workload: &Given<ObjectName>| format!("{workload}-to-outside");
    let alerts = namespace.alertmanager.iter().map(|one| Leaving {
        name: name(&one.name),
        pods: selector(&one.name),
        calls: one.calls(),
    });
    let builds = namespace.jenkins.iter().filter(|one| !one.outside.is_empty()).flat_map(|one| {
        let calls = || [(None, one.outside.iter().copied().collect())].into();
        [
            Leaving { name: name(&one.name), pods: selector(&one.name), calls: calls() },
            Leaving { name: format!("{}-agents-outside", one.name), pods: agents(&one.name), calls: calls() },
        ]
    });
    alerts.chain(builds).filter(|one| !one.calls.is_empty()).collect()
}

/// The names of the policies of a namespace that are made here.
pub(super) fn names(namespace: &Namespace) -> impl Iterator<Item = String> {
    leaving(namespace).into_iter().map(|one| one.name)
}

/// The policies of a namespace by which its services reach what is outside. That is known from the cloud alone, and without one nothing is
/// open.
pub(super) fn policies(namespace: &Namespace, outside: &Outside) -> Vec<networking::NetworkPolicy> {
    let of = namespace.name.to_string();
    let all = leaving(namespace).into_iter().filter(|_| !outside.0.is_empty());
    let each = all.map(|Leaving { name, pods, calls }| {
        let rules = calls.iter().map(|(address, ports)| rule(*address, ports, outside));
        let spec = networking::NetworkPolicySpec {
            pod_selector: Some(pods),
            policy_types: Some(vec!["Egress".to_owned()]),
            egress: Some(rules.collect()),
            ..networking::NetworkPolicySpec::default()
        };
        policy(name, &of, spec)
    });
    each.collect()
}

fn rule(
    address: Option<IpAddr>,
    ports: &BTreeSet<u16>,
    outside: &Outside,
) -> networking::NetworkPolicyEgressRule {
    let to = address.map_or_else(|| outside.peers(), |address| vec![block(address)]);
    let ports = ports.iter().map(|number| port(IntOrString::Int((*number).into())));
    networking::NetworkPolicyEgressRule { to: Some(to), ports: Some(ports.collect()) }
}
