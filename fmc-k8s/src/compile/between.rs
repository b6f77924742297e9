//! The policies of connections between namespaces.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::network::{labelled, policy};
use super::scrape::port;
use crate::connection::NamespacedConnection;
use crate::name::NamespacedName;
use crate::platform::Platform;

/// The connections of a platform between its namespaces.
#[derive(Default)]
pub(super) struct Between(Vec<Way>);

/// A connection whose workloads are there.
struct Way {
    from: End,
    to: End,
    /// The port of the workload that answers.
    port: String,
}

/// A workload at one end.
struct End {
    namespace: String,
    workload: String,
    pods: LabelSelector,
    /// The name of the policy in its namespace.
    policy: String,
}

impl Between {
    /// Those of a platform.
    pub(super) fn of(platform: &Platform) -> Self {
        if platform.connections.is_empty() {
            return Self::default();
        }
        let mut pods = BTreeMap::new();
        for namespace in &platform.namespaces {
            let name = namespace.name.to_string();
            let lowered = namespace.with_services();
            let each = lowered
                .by_name()
                .into_iter()
                .map(|(workload, one)| ((name.clone(), workload), one.selector()));
            pods.extend(each.collect::<Vec<_>>());
        }
        Self(platform.connections.iter().filter_map(|one| Way::of(one, &pods)).collect())
    }

    /// The policies of a namespace.
    pub(super) fn policies(&self, namespace: &str) -> Vec<networking::NetworkPolicy> {
        self.0
            .iter()
            .flat_map(|way| way.policies())
            .filter(|(of, _)| *of == namespace)
            .map(|(_, one)| one)
            .collect()
    }

    /// Who calls a workload from another namespace, as a peer of a policy.
    pub(super) fn callers(&self, namespace: &str, workload: &str) -> Vec<networking::NetworkPolicyPeer> {
        let to_it = self.0.iter().filter(|way| way.to.namespace == namespace && way.to.workload == workload);
        to_it.map(|way| way.from.peer()).collect()
    }
}

impl Way {
    fn of(of: &NamespacedConnection, pods: &BTreeMap<(String, String), LabelSelector>) -> Option<Self> {
        let [leaves, enters] = of.policy_names()?;
        let [from, to] = of.ends()?;
        let end = |at: &NamespacedName, policy: String| {
            let (namespace, workload) = (at.namespace().to_owned(), at.name().to_owned());
            let pods = pods.get(&(namespace.clone(), workload.clone()))?.clone();
            Some(End { namespace, workload, pods, policy })
        };
        Some(Self { from: end(from, leaves)?, to: end(to, enters)?, port: of.port.to_string() })
    }

    /// The policy that lets the asking workload out, and the one that lets it in, each with its namespace.
    fn policies(&self) -> [(&str, networking::NetworkPolicy); 2] {
        let Self { from, to, port: name } = self;
        let ports = || Some(vec![port(IntOrString::String(name.clone()))]);
        let out = networking::NetworkPolicySpec {
            pod_selector: Some(from.pods.clone()),
            policy_types: Some(vec!["Egress".to_owned()]),
            egress: Some(vec![networking::NetworkPolicyEgressRule {
                ports: ports(),
                to: Some(vec![to.peer()]),
            }]),
            ..networking::NetworkPolicySpec::default()
        };
        let into = networking::NetworkPolicySpec {
            pod_selector: Some(to.pods.clone()),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![networking::NetworkPolicyIngressRule {
                ports: ports(),
                from: Some(vec![from.peer()]),
            }]),
            ..networking::NetworkPolicySpec::default()
        };
        [
            (&*from.namespace, policy(from.policy.clone(), &from.namespace, out)),
            (&*to.namespace, policy(to.policy.clone(), &to.namespace, into)),
        ]
    }
}

impl End {
    fn peer(&self) -> networking::NetworkPolicyPeer {
        networking::NetworkPolicyPeer {
            namespace_selector: Some(labelled("kubernetes.io/metadata.name", &self.namespace)),
            pod_selector: Some(self.pods.clone()),
            ..networking::NetworkPolicyPeer::default()
        }
    }
}
