//! The pods of a workload.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::given::Given;
use fmc_core::graph::Fingerprint;
use fmc_core::unit::Size;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{secret, selector};
use crate::container::{Container, Mount, MountSource, Probe};
use crate::quantity::{Cpu, bytes};
use crate::workload::Workload;

/// The pods of a workload: no root, a token of the API if it has an account, spread over the nodes. A single pod has
/// that too, so that a second one does not start the first anew.
pub(super) fn spec(workload: &Workload<'_>) -> core::PodSpec {
    let Workload { name, containers, account, priority, .. } = workload;
    let constraint = core::TopologySpreadConstraint {
        label_selector: Some(selector(name)),
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        ..core::TopologySpreadConstraint::default()
    };
    let names = volume_names(containers);
    core::PodSpec {
        automount_service_account_token: Some(account.is_some()),
        priority_class_name: priority.map(ToString::to_string),
        service_account_name: account.map(|_| name.to_string()),
        containers: containers.iter().zip(&names).map(|(one, names)| container(one, names)).collect(),
        security_context: Some(core::PodSecurityContext {
            run_as_non_root: Some(true),
            seccomp_profile: Some(core::SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..core::SeccompProfile::default()
            }),
            ..core::PodSecurityContext::default()
        }),
        topology_spread_constraints: Some(vec![constraint]),
        volumes: Some(volumes(containers, &names)),
        ..core::PodSpec::default()
    }
}

fn container(of: &Container, volumes: &[String]) -> core::Container {
    core::Container {
        name: of.name.to_string(),
        image: Some(of.image.to_string()),
        command: Some(of.command.clone()).filter(|words| !words.is_empty()),
        args: Some(of.arguments.clone()),
        env: Some(environment(of)),
        ports: Some(of.ports.iter().map(|port| port_of(&port.name.to_string(), port.number)).collect()),
        readiness_probe: of.ready.as_ref().map(probe),
        liveness_probe: of.alive.as_ref().map(probe),
        startup_probe: of.starts_within.and_then(|seconds| Some(start(of.alive.as_ref()?, seconds))),
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
        volume_mounts: Some(of.mounts.iter().zip(volumes).map(|(one, volume)| mount(one, volume)).collect()),
        ..core::Container::default()
    }
}

fn environment(of: &Container) -> Vec<core::EnvVar> {
    let plain = of.environment.iter().map(|one| variable(&one.name, &one.value));
    plain.chain(of.secret_environment.iter().map(|one| secret::variable(&one.name, &one.secret))).collect()
}

fn variable(name: &str, value: &str) -> core::EnvVar {
    // The server keeps no empty value, and would never have the one that is applied.
    let value = Some(value.to_owned()).filter(|value| !value.is_empty());
    core::EnvVar { name: name.to_owned(), value, ..core::EnvVar::default() }
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

/// The same question until it is answered once, and then no more.
fn start(alive: &Probe, seconds: u32) -> core::Probe {
    const EVERY: u32 = 10;
    let most = i32::try_from(seconds.div_ceil(EVERY)).unwrap_or(i32::MAX);
    core::Probe {
        period_seconds: i32::try_from(EVERY).ok(),
        failure_threshold: Some(most.max(1)),
        ..probe(alive)
    }
}

fn resources(cpu: &Given<Cpu>, memory: &Given<Size>) -> BTreeMap<String, Quantity> {
    let memory = memory.ok().map(|size| bytes(*size)).unwrap_or_default();
    [("cpu".to_owned(), Quantity(cpu.to_string())), ("memory".to_owned(), Quantity(memory))].into()
}

/// The longest name of a volume, which is a label of DNS.
const LONGEST_NAME: usize = 63;

/// The names of the volumes of a pod's mounts, by container: texts have one volume however often they are mounted, and each empty
/// folder is one of its own.
fn volume_names(containers: &[Container]) -> Vec<Vec<String>> {
    let mut taken = BTreeSet::new();
    let mut name = |container: &Container, mount: &Mount| match &mount.from {
        MountSource::Config(config) => short(format!("config-{}", config.name)),
        MountSource::Claim(claim) => claim.to_string(),
        MountSource::Scratch(_) | MountSource::Secrets(_) | MountSource::HostPath(_) => {
            let begin = match mount.from {
                MountSource::Secrets(_) => "secrets",
                MountSource::HostPath(_) => "host",
                _ => "scratch",
            };
            let path = mount.path.to_string();
            let letters = path
                .chars()
                .map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '-' });
            let plain = short(format!("{begin}{}", letters.collect::<String>().trim_end_matches('-')));
            if taken.insert(plain.clone()) {
                return plain;
            }
            // Another folder has that name: `/a.b` beside `/a-b`, or the same path in another container.
            let own = short_of(begin, &format!("{} {path}", container.name));
            taken.insert(own.clone());
            own
        }
    };
    let all = containers.iter().map(|container| {
        let mounts = container.mounts.iter();
        mounts.map(|mount| name(container, mount)).collect()
    });
    all.collect()
}

/// A name, or a shorter one that it gives.
fn short(name: String) -> String {
    if name.len() <= LONGEST_NAME {
        return name;
    }
    short_of(name.split('-').next().unwrap_or_default(), &name)
}

fn short_of(begin: &str, name: &str) -> String {
    let hash = Fingerprint::of(name.as_bytes()).to_string();
    format!("{begin}-{}", hash.get(..16).unwrap_or_default())
}

fn mount(of: &Mount, volume: &str) -> core::VolumeMount {
    let is_read_only =
        matches!(of.from, MountSource::Config(_) | MountSource::Secrets(_) | MountSource::HostPath(_));
    core::VolumeMount {
        name: volume.to_owned(),
        mount_path: of.path.to_string(),
        read_only: is_read_only.then_some(true),
        ..core::VolumeMount::default()
    }
}

/// The volumes of the containers' mounts, each once.
fn volumes(containers: &[Container], names: &[Vec<String>]) -> Vec<core::Volume> {
    let mounts = containers.iter().flat_map(|container| &container.mounts);
    let volumes: BTreeMap<String, core::Volume> = mounts
        .zip(names.iter().flatten())
        // The set gives each pod the volumes of its claims.
        .filter(|(mount, _)| !matches!(mount.from, MountSource::Claim(_)))
        .map(|(mount, name)| {
            let name = name.clone();
            let volume = core::Volume { name: name.clone(), ..core::Volume::default() };
            let volume = match &mount.from {
                MountSource::Config(config) => core::Volume {
                    config_map: Some(core::ConfigMapVolumeSource {
                        name: config.name.to_string(),
                        ..core::ConfigMapVolumeSource::default()
                    }),
                    ..volume
                },
                MountSource::Claim(_) => volume,
                MountSource::HostPath(folder) => core::Volume {
                    host_path: Some(core::HostPathVolumeSource {
                        path: folder.to_string(),
                        type_: Some("Directory".to_owned()),
                    }),
                    ..volume
                },
                MountSource::Secrets(files) => {
                    core::Volume { projected: Some(secret::volume(files)), ..volume }
                }
                MountSource::Scratch(size) => core::Volume {
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
