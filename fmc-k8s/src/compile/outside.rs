//! The way of workloads to what is outside of their cluster.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fmc_core::addr::Subnet;
use fmc_core::checked::Checked;
use fmc_core::given::Given;
use fmc_core::k3s::resolved::Cluster;
use fmc_core::name::MachineName;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::jenkins::agents;
use super::network::policy;
use super::scrape::{block, port};
use super::selector;
use crate::name::ObjectName;
use crate::outside::OutsideCall;
use crate::platform::{Namespace, Platform};
use crate::workload::Workload;

/// Every address that is not one of a cluster's pods and services, one block for each family that its pods have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outside {
    anywhere: Vec<networking::IPBlock>,
    /// The addresses of the machines that are called.
    pub(super) machines: BTreeMap<String, Vec<IpAddr>>,
    /// The calls to a PostgreSQL of the cloud with the machine and the port of its primary, by the name of that.
    databases: BTreeMap<String, (Given<MachineName>, Vec<u16>)>,
}

impl Outside {
    pub(super) fn of(platform: &Platform, cluster: &Cluster, cloud: &Checked) -> Self {
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
        let calls = platform.namespaces.iter().flat_map(|one| &one.outside).map(|call| call.whole(cloud));
        let (mut machines, mut databases) = (BTreeMap::new(), BTreeMap::new());
        for call in calls {
            let Some(name) = &call.machine else { continue };
            if let Some(machine) = cloud.machine(&name.to_string()) {
                machines.insert(name.to_string(), machine.addresses().collect());
            }
            if let Some(postgresql) = &call.postgresql {
                databases.insert(postgresql.to_string(), (name.clone(), call.ports.clone()));
            }
        }
        Self { anywhere: four.into_iter().chain(six).collect(), machines, databases }
    }

    /// A call with the machine and the port of the PostgreSQL that it names.
    pub(super) fn whole<'a>(&self, call: &'a OutsideCall) -> Cow<'a, OutsideCall> {
        match call.postgresql.as_ref().and_then(|name| self.databases.get(&name.to_string())) {
            Some((machine, ports)) => Cow::Owned(OutsideCall {
                machine: Some(machine.clone()),
                ports: ports.clone(),
                ..call.clone()
            }),
            None => Cow::Borrowed(call),
        }
    }

    fn peers(&self, to: &To) -> Vec<networking::NetworkPolicyPeer> {
        let peer = |block: networking::IPBlock| networking::NetworkPolicyPeer {
            ip_block: Some(block),
            ..networking::NetworkPolicyPeer::default()
        };
        match to {
            To::Nowhere => Vec::new(),
            To::Anywhere => self.anywhere.iter().cloned().map(peer).collect(),
            To::Address(address) => vec![block(*address)],
            To::Subnet(subnet) => vec![peer(networking::IPBlock { cidr: subnet.clone(), except: None })],
            To::Machine(name) => self.machines.get(name).into_iter().flatten().copied().map(block).collect(),
        }
    }
}

/// Where a call goes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum To {
    Nowhere,
    Anywhere,
    Address(IpAddr),
    /// In the form of an `ipBlock`.
    Subnet(String),
    Machine(String),
}

/// The pods that may leave the cluster, with the name of their policy and the ports that they call, by where the calls go.
struct Leaving {
    name: String,
    pods: LabelSelector,
    calls: BTreeMap<To, BTreeSet<u16>>,
}

fn leaving(namespace: &Namespace, outside: &Outside) -> Vec<Leaving> {
    let name = |workload: &Given<ObjectName>| format!("{workload}-to-outside");
    let alerts = namespace.alertmanager.iter().map(|one| Leaving {
        name: name(&one.name),
        pods: selector(&one.name),
        calls: one
            .calls()
            .into_iter()
            .map(|(address, ports)| (address.map_or(To::Anywhere, To::Address), ports))
            .collect(),
    });
    let builds = namespace.jenkins.iter().filter(|one| !one.outside.is_empty()).flat_map(|one| {
        let calls = || [(To::Anywhere, one.outside.iter().copied().collect())].into();
        [
            Leaving { name: name(&one.name), pods: selector(&one.name), calls: calls() },
            Leaving { name: format!("{}-agents-outside", one.name), pods: agents(&one.name), calls: calls() },
        ]
    });
    let workloads = namespace.by_name();
    let of = |from: &Given<ObjectName>| workloads.get(&from.to_string()).map(Workload::selector);
    let mut own: BTreeMap<String, Leaving> = BTreeMap::new();
    for call in namespace.outside.iter().map(|call| outside.whole(call)) {
        let to = match (&call.machine, &call.subnet) {
            (Some(machine), _) => To::Machine(machine.to_string()),
            (None, Some(subnet)) => To::Subnet(subnet.to_string()),
            // A PostgreSQL that is not there, which has a finding, or without the cloud.
            (None, None) if call.postgresql.is_some() => To::Nowhere,
            (None, None) => To::Anywhere,
        };
        let name = format!("{}-outside", call.from);
        let leaving = own.entry(name.clone());
        let leaving = leaving.or_insert_with(|| Leaving {
            name,
            pods: of(&call.from).unwrap_or_else(|| selector(&call.from)),
            calls: BTreeMap::new(),
        });
        leaving.calls.entry(to).or_default().extend(&call.ports);
    }
    alerts.chain(builds).chain(own.into_values()).filter(|one| !one.calls.is_empty()).collect()
}

/// The names of the policies of a namespace that are made here.
pub(super) fn names(namespace: &Namespace) -> impl Iterator<Item = String> {
    leaving(namespace, &Outside::default()).into_iter().map(|one| one.name)
}

/// The policies of a namespace by which its workloads reach what is outside. That is known from the cloud alone, and without one nothing is
/// open.
pub(super) fn policies(namespace: &Namespace, outside: &Outside) -> Vec<networking::NetworkPolicy> {
    let of = namespace.name.to_string();
    let all = leaving(namespace, outside).into_iter().filter(|_| !outside.anywhere.is_empty());
    let each = all.map(|Leaving { name, pods, calls }| {
        let rules = calls.iter().filter_map(|(to, ports)| rule(to, ports, outside));
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

/// A rule; `None` if it would name no address, which the server takes for all of them.
fn rule(to: &To, ports: &BTreeSet<u16>, outside: &Outside) -> Option<networking::NetworkPolicyEgressRule> {
    let to = outside.peers(to);
    if to.is_empty() || ports.is_empty() {
        return None;
    }
    let ports = ports.iter().map(|number| port(IntOrString::Int((*number).into())));
    Some(networking::NetworkPolicyEgressRule { to: Some(to), ports: Some(ports.collect()) })
}
