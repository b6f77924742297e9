//! The pods of a workload.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::unit::Size;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::selector;
use crate::container::{Container, Mount, Probe, Source};
use crate::name::ObjectName;
use crate::quantity::{Cpu, bytes};

/// The pods of a workload: no root, no token of the API, spread over the nodes if there are several.
pub(super) fn spec(name: &Given<ObjectName>, containers: &[Container], is_spread: bool) -> core::PodSpec {
    let constraint = core::TopologySpreadConstraint {
        label_selector: Some(selector(name)),
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        ..core::TopologySpreadConstraint::default()
    };
    core::PodSpec {
        automount_service_account_token: Some(false),
        containers: containers.iter().map(container).collect(),
        security_context: Some(core::PodSecurityContext {
            run_as_non_root: Some(true),
            seccomp_profile: Some(core::SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..core::SeccompProfile::default()
            }),
            ..core::PodSecurityContext::default()
        }),
        topology_spread_constraints: is_spread.then(|| vec![constraint]),
        volumes: Some(volumes(containers)),
        ..core::PodSpec::default()
    }
}

fn container(of: &Container) -> core::Container {
    core::Container {
        name: of.name.to_string(),
        image: Some(of.image.to_string()),
        args: Some(of.arguments.clone()),
        env: Some(of.environment.iter().map(|one| variable(&one.name, &one.value)).collect()),
        ports: Some(of.ports.iter().map(|port| port_of(&port.name.to_string(), port.number)).collect()),
        readiness_probe: of.ready.as_ref().map(probe),
        liveness_probe: of.alive.as_ref().map(probe),
        resources: Some(core::ResourceRequirements {
            requests: Some(resources(&of.cpu, &of.memory)),
            limits: Some(resources(
                of.cpu_limit.as_ref().unwrap_or(&of.cpu),
                of.memory_limit.as_ref().unwrap_or(&of.memory),
            )),
            ..core::ResourceRequirements::default()
        }),
        security_context: Some(core::SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(core::Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..core::Capabilities::default()
            }),
            read_only_root_filesystem: Some(!of.writable_root),
            run_as_user: of.user.map(Into::into),
            ..core::SecurityContext::default()
        }),
        volume_mounts: Some(of.mounts.iter().map(mount).collect()),
        ..core::Container::default()
    }
}

fn variable(name: &str, value: &str) -> core::EnvVar {
    core::EnvVar { name: name.to_owned(), value: Some(value.to_owned()), ..core::EnvVar::default() }
}

fn port_of(name: &str, number: u16) -> core::ContainerPort {
    core::ContainerPort {
        name: Some(name.to_owned()),
        container_port: number.into(),
        protocol: Some("TCP".to_owned()),
        ..core::ContainerPort::default()
    }
}

fn probe(of: &Probe) -> core::Probe {
    let port = IntOrString::String(of.port().to_string());
    match of {
        Probe::Http { path, .. } => core::Probe {
            http_get: Some(core::HTTPGetAction {
                path: Some(path.clone()),
                port,
                ..core::HTTPGetAction::default()
            }),
            ..core::Probe::default()
        },
        Probe::Tcp { .. } => core::Probe {
            tcp_socket: Some(core::TCPSocketAction { port, ..core::TCPSocketAction::default() }),
            ..core::Probe::default()
        },
    }
}

fn resources(cpu: &Given<Cpu>, memory: &Given<Size>) -> BTreeMap<String, Quantity> {
    let memory = memory.ok().map(|size| bytes(*size)).unwrap_or_default();
    [("cpu".to_owned(), Quantity(cpu.to_string())), ("memory".to_owned(), Quantity(memory))].into()
}

/// The name of a mount's volume: that of its texts, or one that its folder gives.
fn volume_name(mount: &Mount) -> String {
    match &mount.from {
        Source::Config(config) => format!("config-{}", config.name),
        Source::Scratch(_) => {
            let path = mount.path.to_string();
            let letters = path
                .chars()
                .map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '-' });
            format!("scratch{}", letters.collect::<String>().trim_end_matches('-'))
        }
    }
}

fn mount(of: &Mount) -> core::VolumeMount {
    let is_read_only = matches!(of.from, Source::Config(_));
    core::VolumeMount {
        name: volume_name(of),
        mount_path: of.path.to_string(),
        read_only: is_read_only.then_some(true),
        ..core::VolumeMount::default()
    }
}

/// The volumes of the containers' mounts, each once.
fn volumes(containers: &[Container]) -> Vec<core::Volume> {
    let mounts = containers.iter().flat_map(|container| &container.mounts);
    let volumes: BTreeMap<String, core::Volume> = mounts
        .map(|mount| {
            let name = volume_name(mount);
            let volume = core::Volume { name: name.clone(), ..core::Volume::default() };
            let volume = match &mount.from {
                Source::Config(config) => core::Volume {
                    config_map: Some(core::ConfigMapVolumeSource {
                        name: config.name.to_string(),
                        ..core::ConfigMapVolumeSource::default()
                    }),
                    ..volume
                },
                Source::Scratch(size) => core::Volume {
                    empty_dir: Some(core::EmptyDirVolumeSource {
                        size_limit: size.ok().map(|size| Quantity(bytes(*size))),
                        ..core::EmptyDirVolumeSource::default()
                    }),
                    ..volume
                },
            };
            (name, volume)
        })
        .collect();
    volumes.into_values().collect()
}
