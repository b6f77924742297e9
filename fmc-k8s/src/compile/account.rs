//! The objects of a workload's account: who it is, what it may do, and its way to the API.

use std::net::IpAddr;

use fmc_core::checked::{Checked, Machine};
use fmc_core::k3s::resolved::{API, Cluster};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::api::rbac::v1 as rbac;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::network::policy;
use super::scrape::{block, port};
use super::{manifest, metadata, selector};
use crate::account::AccountRule;
use crate::manifest::Manifest;
use crate::platform::Namespace;
use crate::workload::Workload;

/// The group of roles and bindings.
const GROUP: &str = "rbac.authorization.k8s.io";

/// The API of a cluster, as pods reach it: the addresses of its servers, which stand behind the name `kubernetes`, and their port.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ApiServers {
    addresses: Vec<IpAddr>,
    port: u16,
}

impl ApiServers {
    pub(super) fn of(cluster: &Cluster, cloud: &Checked) -> Self {
        let servers = cluster.servers.iter().filter_map(|at| cloud.at(*at));
        let mut addresses: Vec<IpAddr> = servers.flat_map(Machine::addresses).collect();
        addresses.sort_unstable();
        addresses.dedup();
        Self { addresses, port: API }
    }

    /// The way to them; nothing if no address is known, which the server would take for all of them.
    pub(super) fn rule(&self) -> Option<networking::NetworkPolicyEgressRule> {
        let to = || self.addresses.iter().copied().map(block).collect();
        (!self.addresses.is_empty()).then(|| networking::NetworkPolicyEgressRule {
            to: Some(to()),
            ports: Some(vec![port(IntOrString::Int(self.port.into()))]),
        })
    }
}

/// The name of the policy by which a workload reaches the API.
fn policy_name(workload: &Workload<'_>) -> Option<String> {
    workload.account.filter(|account| !account.is_for_nodes).map(|_| format!("{}-to-api", workload.name))
}

/// The names of those policies of a namespace.
pub(super) fn policy_names(namespace: &Namespace) -> impl Iterator<Item = String> {
    let all = namespace.workloads().into_iter();
    all.filter_map(|(_, workload)| policy_name(&workload)).collect::<Vec<_>>().into_iter()
}

/// The name of the cluster's role of a workload. No other name of ours has a colon.
fn in_cluster(workload: &Workload<'_>, namespace: &str) -> String {
    format!("{namespace}:{}", workload.name)
}

/// The account of a workload, if it has one, with its roles and their bindings.
pub(super) fn objects(workload: Workload<'_>, namespace: &str, servers: &ApiServers) -> Vec<Manifest> {
    let Some(account) = workload.account else { return Vec::new() };
    let of = metadata(workload.name, namespace);
    let who = core::ServiceAccount {
        metadata: of.clone(),
        // Its own pods have the token because they say so.
        automount_service_account_token: Some(false),
        ..core::ServiceAccount::default()
    };
    let mut all = vec![manifest(&who)];
    all.extend(way(&workload, namespace, servers).map(|way| manifest(&way)));
    if !account.rules.is_empty() {
        let rules = Some(account.rules.iter().map(rule).collect());
        all.push(manifest(&rbac::Role { metadata: of.clone(), rules }));
        all.push(manifest(&rbac::RoleBinding {
            metadata: of,
            role_ref: role("Role", &workload.name.to_string()),
            subjects: Some(vec![subject(&workload, namespace)]),
        }));
    }
    if !account.cluster_rules.is_empty() {
        let name = in_cluster(&workload, namespace);
        let of = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
        let rules = Some(account.cluster_rules.iter().map(rule).collect());
        all.push(manifest(&rbac::ClusterRole { metadata: of.clone(), rules, aggregation_rule: None }));
        all.push(manifest(&rbac::ClusterRoleBinding {
            metadata: of,
            role_ref: role("ClusterRole", &name),
            subjects: Some(vec![subject(&workload, namespace)]),
        }));
    }
    all.into_iter().flatten().collect()
}

fn rule(of: &AccountRule) -> rbac::PolicyRule {
    let some = |texts: &[String]| (!texts.is_empty()).then(|| texts.to_vec());
    rbac::PolicyRule {
        verbs: of.verbs.clone(),
        api_groups: if of.paths.is_empty() { some(&of.groups) } else { None },
        resources: some(&of.resources),
        resource_names: some(&of.names),
        non_resource_urls: some(&of.paths),
    }
}

fn role(kind: &str, name: &str) -> rbac::RoleRef {
    rbac::RoleRef { api_group: Some(GROUP.to_owned()), kind: kind.to_owned(), name: name.to_owned() }
}

fn subject(workload: &Workload<'_>, namespace: &str) -> rbac::Subject {
    rbac::Subject {
        kind: "ServiceAccount".to_owned(),
        name: workload.name.to_string(),
        namespace: Some(namespace.to_owned()),
        api_group: None,
    }
}

/// The way to the API. Its name leads to the servers' own addresses before a policy is asked.
fn way(workload: &Workload<'_>, namespace: &str, servers: &ApiServers) -> Option<networking::NetworkPolicy> {
    let (name, rule) = (policy_name(workload)?, servers.rule()?);
    let spec = networking::NetworkPolicySpec {
        pod_selector: Some(selector(workload.name)),
        policy_types: Some(vec!["Egress".to_owned()]),
        egress: Some(vec![rule]),
        ..networking::NetworkPolicySpec::default()
    };
    Some(policy(name, namespace, spec))
}
