//! The objects of a workload that keeps data.

use k8s_openapi::api::apps::v1 as apps;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{metadata, pod, pods, selector, starts_with};
use crate::quantity::bytes;
use crate::stateful::{Stateful, VolumeClaim};
use crate::workload::Workload;

/// The set. Its volumes stay when it goes and when it has fewer pods.
pub(super) fn set(of: &Stateful, namespace: &str) -> apps::StatefulSet {
    let stays = || Some("Retain".to_owned());
    let mut spec = pod::spec(&of.into());
    if let Some(security) = spec.security_context.as_mut().filter(|_| !of.claims.is_empty()) {
        security.fs_group = of.writers().map(Into::into);
        security.fs_group_change_policy = of.writers().map(|_| "OnRootMismatch".to_owned());
    }
    apps::StatefulSet {
        metadata: metadata(&of.name, namespace),
        spec: Some(apps::StatefulSetSpec {
            replicas: Some(of.replicas.into()),
            selector: selector(&of.name),
            service_name: Some(of.pods_name()),
            persistent_volume_claim_retention_policy: Some(
                apps::StatefulSetPersistentVolumeClaimRetentionPolicy {
                    when_deleted: stays(),
                    when_scaled: stays(),
                },
            ),
            template: core::PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(pods(&of.name)),
                    annotations: starts_with(&of.containers),
                    ..ObjectMeta::default()
                }),
                spec: Some(spec),
            },
            volume_claim_templates: Some(of.claims.iter().map(claim).collect()),
            ..apps::StatefulSetSpec::default()
        }),
        ..apps::StatefulSet::default()
    }
}

fn claim(of: &VolumeClaim) -> core::PersistentVolumeClaim {
    let size = of.size.ok().map(|size| Quantity(bytes(*size))).unwrap_or_default();
    core::PersistentVolumeClaim {
        metadata: ObjectMeta { name: Some(of.name.to_string()), ..ObjectMeta::default() },
        spec: Some(core::PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: of.class.as_ref().map(ToString::to_string),
            resources: Some(core::VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), size)].into()),
                ..core::VolumeResourceRequirements::default()
            }),
            ..core::PersistentVolumeClaimSpec::default()
        }),
        ..core::PersistentVolumeClaim::default()
    }
}

/// The service with the addresses of the pods, which gives each pod of a set its name. They have them before they are ready: the pods
/// look for each other while they start.
pub(super) fn names(of: Workload<'_>, namespace: &str) -> core::Service {
    let ports = of.containers.iter().flat_map(|container| &container.ports);
    let ports = ports.map(|port| core::ServicePort {
        name: Some(port.name.to_string()),
        port: port.number.into(),
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(port.name.to_string())),
        ..core::ServicePort::default()
    });
    core::Service {
        metadata: ObjectMeta { name: Some(of.pods_name()), ..metadata(of.name, namespace) },
        spec: Some(core::ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(of.labels()),
            ports: Some(ports.collect()),
            ..core::ServiceSpec::default()
        }),
        ..core::Service::default()
    }
}
