//! The rules of secrets in a namespace.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::role::RoleFindings;
use fmc_core::secret::{Secret, SecretRef};

use super::{TWICE, VALUE, containers_of};
use crate::container::{Container, MountSource};
use crate::platform::Namespace;
use crate::workload::Workload;

/// The names of a cluster's own secrets begin so, and the bytes follow from the name.
const OF_CLUSTERS: &str = "k3s-";

/// One name is one secret: the cluster has one object for it.
pub(super) fn once(
    namespace: &Namespace,
    workloads: &[(String, Workload<'_>)],
    findings: &mut RoleFindings<'_>,
) {
    let mut known: BTreeMap<String, SecretRef> = BTreeMap::new();
    let containers = workloads.iter().flat_map(|(path, workload)| {
        containers_of(path, workload).map(|(path, container)| (path, workload.is_service, container))
    });
    for (path, is_service, container) in containers {
        for (at, secret) in secrets(container) {
            let Some(secret) = secret.reference() else { continue };
            // A service has settings in place of variables and mounts, and looks at each of them itself.
            let at = if is_service { path.clone() } else { format!("{path}.{at}") };
            if !is_service {
                of_no_cluster(&secret, &at, findings);
            }
            alike(&mut known, &at, secret, findings);
        }
    }
    // The owner of a database has its password in a secret of another form.
    for (index, postgres) in namespace.postgres.iter().enumerate() {
        if let Some(secret) = postgres.secret().reference() {
            let at =
                format!("postgres[{index}]{}", if postgres.password.is_some() { ".password" } else { "" });
            alike(&mut known, &at, secret, findings);
        }
    }
}

fn alike(
    known: &mut BTreeMap<String, SecretRef>,
    at: &str,
    secret: SecretRef,
    findings: &mut RoleFindings<'_>,
) {
    let name = secret.name.to_string();
    let other = known.entry(name.clone()).or_insert_with(|| secret.clone());
    if *other != secret {
        findings.part(at, |findings| {
            let message = format!("two secrets {name} have different sources or generations");
            findings.find(&TWICE, message, "give one of them another name, or both the same");
        });
    }
}

/// Bytes that are made from the root key follow from the name alone.
pub(super) fn of_no_cluster(secret: &SecretRef, path: &str, findings: &mut RoleFindings<'_>) {
    let name = &secret.name;
    if secret.needs_root_key() && name.as_str().starts_with(OF_CLUSTERS) {
        findings.part(path, |findings| {
            let message =
                format!("{name} is a name of the secrets of clusters: the platform would get the same bytes");
            findings.find(&VALUE, message, "give it another name, which does not begin with `k3s-`");
        });
    }
}

/// The secrets of a container, each with its path.
pub(super) fn secrets(container: &Container) -> Vec<(String, &Secret)> {
    let variables = container.secret_environment.iter().enumerate();
    let variables =
        variables.map(|(index, one)| (format!("secret_environment[{index}].secret"), &one.secret));
    let mounts = container.mounts.iter().enumerate().filter_map(|(index, mount)| match &mount.from {
        MountSource::Secrets(files) => Some((index, files)),
        _ => None,
    });
    let files = mounts.flat_map(|(index, files)| {
        files.iter().map(move |(file, secret)| (format!("mounts[{index}].from.secrets.{file}"), secret))
    });
    variables.chain(files).collect()
}

/// A variable has one value, whether that is a secret or not.
pub(super) fn variables(container: &Container, findings: &mut RoleFindings<'_>) {
    let plain = container.environment.iter().enumerate();
    let plain = plain.map(|(index, one)| (format!("environment[{index}]"), &one.name));
    let secret = container.secret_environment.iter().enumerate();
    let secret = secret.map(|(index, one)| (format!("secret_environment[{index}]"), &one.name));
    let mut seen = BTreeSet::new();
    for (path, name) in plain.chain(secret) {
        if !seen.insert(name) {
            let message = format!("the variable {name} is there twice");
            findings.part(&path, |findings| findings.find(&TWICE, message, "give one of them another name"));
        }
    }
}
