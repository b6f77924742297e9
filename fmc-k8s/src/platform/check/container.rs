//! The rules of a container.

use fmc_core::given::Given;
use fmc_core::role::RoleFindings;

use super::{LIMIT, NO_PROBE, ROOT, no_port, optional, secret, twice};
use crate::container::{Container, MountSource, Probe};
use crate::workload::Workload;

pub(super) fn leaves(container: &Container, findings: &mut RoleFindings<'_>) {
    findings.leaf("name", &container.name);
    findings.leaf("image", &container.image);
    findings.leaf("cpu", &container.cpu);
    findings.leaf("memory", &container.memory);
    optional("cpu_limit", container.cpu_limit.as_ref(), findings);
    optional("memory_limit", container.memory_limit.as_ref(), findings);
    for (index, port) in container.ports.iter().enumerate() {
        findings.leaf(&format!("ports[{index}].name"), &port.name);
    }
    for (index, variable) in container.secret_environment.iter().enumerate() {
        findings.secret(&format!("secret_environment[{index}].secret"), &variable.secret);
    }
    for (index, mount) in container.mounts.iter().enumerate() {
        findings.leaf(&format!("mounts[{index}].path"), &mount.path);
        match &mount.from {
            MountSource::Config(config) => {
                findings.leaf(&format!("mounts[{index}].from.config.name"), &config.name);
            }
            MountSource::Claim(claim) => {
                findings.leaf(&format!("mounts[{index}].from.claim"), claim);
            }
            MountSource::Secrets(files) => {
                for (file, secret) in files {
                    findings.secret(&format!("mounts[{index}].from.secrets.{file}"), secret);
                }
            }
            MountSource::HostPath(folder) => {
                findings.leaf(&format!("mounts[{index}].from.host_path"), folder);
            }
            MountSource::Scratch(size) => {
                findings.leaf(&format!("mounts[{index}].from.scratch"), size);
            }
        }
    }
    if let Some(metrics) = &container.metrics {
        findings.leaf("metrics.port", &metrics.port);
    }
    for (key, probe) in [("ready", &container.ready), ("alive", &container.alive)] {
        let Some(probe) = probe else { continue };
        let of = match probe {
            Probe::Http { .. } => "http",
            Probe::Tcp { .. } => "tcp",
        };
        findings.leaf(&format!("{key}.{of}.port"), probe.port());
    }
}

/// A container with the rest of its workload.
pub(super) fn together(container: &Container, workload: Workload<'_>, findings: &mut RoleFindings<'_>) {
    let name = &container.name;
    if !workload.expose.is_empty() && container.ready.is_none() && !container.ports.is_empty() {
        let message = format!("nothing tells when {name} can serve");
        findings.find(&NO_PROBE, message, "give it `ready`, as `{http: {port: http, path: /healthz}}`");
    }
    if container.user == Some(0) {
        findings.part("user", |findings| {
            findings.find(&ROOT, format!("{name} would run as root"), "name another user, as 1000");
        });
    }
    if let Some(metrics) = &container.metrics
        && !container.ports.iter().any(|one| one.name == metrics.port)
    {
        no_port("metrics.port", &metrics.port, container.ports.iter().map(|port| &port.name), findings);
    }
    for (key, probe) in [("ready", &container.ready), ("alive", &container.alive)] {
        let Some(probe) = probe else { continue };
        if !container.ports.iter().any(|one| one.name == *probe.port()) {
            no_port(key, probe.port(), container.ports.iter().map(|port| &port.name), findings);
        }
    }
    if let (Some(limit), Some(cpu)) = (container.cpu_limit.as_ref().and_then(Given::ok), container.cpu.ok())
        && limit < cpu
    {
        below("cpu_limit", &limit.to_string(), &cpu.to_string(), findings);
    }
    if let (Some(limit), Some(memory)) =
        (container.memory_limit.as_ref().and_then(Given::ok), container.memory.ok())
        && limit < memory
    {
        below("memory_limit", &limit.to_string(), &memory.to_string(), findings);
    }
    twice("mounts", "mount", container.mounts.iter().map(|mount| mount.path.to_string()), findings);
    secret::variables(container, findings);
}

fn below(key: &str, limit: &str, sure: &str, findings: &mut RoleFindings<'_>) {
    findings.part(key, |findings| {
        let message = format!("the limit {limit} is below the {sure} that it is sure of");
        findings.find(&LIMIT, message, format!("say at least {sure}"));
    });
}
