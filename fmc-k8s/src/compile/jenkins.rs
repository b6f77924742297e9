//! The policies between a Jenkins and its agents.

use fmc_core::given::Given;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::network::{labelled, policy};
use super::scrape::port;
use super::selector;
use crate::jenkins::{AGENT_OF, AGENT_PORT, PORT};
use crate::name::ObjectName;
use crate::platform::Namespace;

/// The pods of the agents of a Jenkins.
pub(super) fn agents(jenkins: &Given<ObjectName>) -> LabelSelector {
    labelled(AGENT_OF, &jenkins.to_string())
}

fn pair_names(jenkins: &Given<ObjectName>) -> [String; 2] {
    [format!("{jenkins}-agents-to-controller"), format!("{jenkins}-from-agents")]
}

/// The names of the policies of a namespace that are made here.
pub(super) fn names(namespace: &Namespace) -> impl Iterator<Item = String> {
    namespace.jenkins.iter().flat_map(|one| pair_names(&one.name))
}

/// The policies of a namespace: agents call their controller, which calls none of them.
pub(super) fn policies(namespace: &Namespace) -> Vec<networking::NetworkPolicy> {
    let of = namespace.name.to_string();
    namespace.jenkins.iter().flat_map(|one| pair(&one.name, &of)).collect()
}

fn pair(jenkins: &Given<ObjectName>, namespace: &str) -> [networking::NetworkPolicy; 2] {
    let [leaves, enters] = pair_names(jenkins);
    let ports = [PORT, AGENT_PORT].map(|(name, _)| port(IntOrString::String(name.to_owned())));
    let ports = || Some(ports.to_vec());
    let peers = |pods| {
        Some(vec![networking::NetworkPolicyPeer {
            pod_selector: Some(pods),
            ..networking::NetworkPolicyPeer::default()
        }])
    };
    let out = networking::NetworkPolicySpec {
        pod_selector: Some(agents(jenkins)),
        policy_types: Some(vec!["Egress".to_owned()]),
        egress: Some(vec![networking::NetworkPolicyEgressRule {
            to: peers(selector(jenkins)),
            ports: ports(),
        }]),
        ..networking::NetworkPolicySpec::default()
    };
    let into = networking::NetworkPolicySpec {
        pod_selector: Some(selector(jenkins)),
        policy_types: Some(vec!["Ingress".to_owned()]),
        ingress: Some(vec![networking::NetworkPolicyIngressRule {
            from: peers(agents(jenkins)),
            ports: ports(),
        }]),
        ..networking::NetworkPolicySpec::default()
    };
    [policy(leaves, namespace, out), policy(enters, namespace, into)]
}
