//! The objects of workloads of which each node has a pod.

use k8s_openapi::api::apps::v1 as apps;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{metadata, pod, pods, selector, starts_with};
use crate::daemon::DaemonSet;

/// The taints by which servers keep pods away, as K3s's own pods tolerate them (`manifests/` of K3s).
const OF_SERVERS: [(&str, Option<&str>); 2] =
    [("CriticalAddonsOnly", None), ("node-role.kubernetes.io/control-plane", Some("NoSchedule"))];

/// The tolerations of pods that are on servers too.
pub(crate) fn tolerations() -> Vec<core::Toleration> {
    let of = |(key, effect): (&str, Option<&str>)| core::Toleration {
        key: Some(key.to_owned()),
        operator: Some("Exists".to_owned()),
        effect: effect.map(str::to_owned),
        ..core::Toleration::default()
    };
    OF_SERVERS.into_iter().map(of).collect()
}

pub(super) fn set(of: &DaemonSet, namespace: &str) -> apps::DaemonSet {
    apps::DaemonSet {
        metadata: metadata(&of.name, namespace),
        spec: Some(apps::DaemonSetSpec {
            selector: selector(&of.name),
            template: core::PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(pods(&of.name)),
                    annotations: starts_with(&of.containers),
                    ..ObjectMeta::default()
                }),
                spec: Some(core::PodSpec {
                    tolerations: of.on_servers.then(tolerations),
                    // Their controller places them.
                    topology_spread_constraints: None,
                    ..pod::spec(&of.into())
                }),
            },
            ..apps::DaemonSetSpec::default()
        }),
        ..apps::DaemonSet::default()
    }
}
