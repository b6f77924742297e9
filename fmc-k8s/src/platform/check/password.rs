//! The passwords of databases and caches: who calls has them, no two share one, and one name is one secret in every namespace.

use std::collections::BTreeMap;

use fmc_core::role::RoleFindings;
use fmc_core::secret::{Secret, SecretRef};

use super::secret::secrets;
use super::{NO_PASSWORD, SHARED_PASSWORD, TWICE, containers_of};
use crate::platform::{Namespace, Platform};

/// A service with a password.
struct Guarded {
    /// The path of the service below the platform.
    path: String,
    namespace: String,
    name: String,
    secret: SecretRef,
}

/// A secret of a container.
struct Held {
    path: String,
    namespace: String,
    workload: String,
    secret: SecretRef,
}

/// All leaves are right.
pub(super) fn check(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let guarded: Vec<Guarded> = platform.namespaces.iter().enumerate().flat_map(guarded).collect();
    let held: Vec<Held> = platform.namespaces.iter().enumerate().flat_map(held).collect();
    shared(&guarded, findings);
    across(&guarded, &held, findings);
    missing(platform, &guarded, &held, findings);
}

fn guarded((index, namespace): (usize, &Namespace)) -> Vec<Guarded> {
    let of = |path: String, name: String, secret: Secret| {
        let (path, namespace) = (format!("namespaces[{index}].{path}"), namespace.name.to_string());
        Some(Guarded { path, namespace, name, secret: secret.reference()? })
    };
    let postgres = namespace.postgres.iter().enumerate();
    let postgres = postgres.map(|(at, one)| (format!("postgres[{at}]"), one.name.to_string(), one.secret()));
    let redis = namespace.redis.iter().enumerate();
    let redis = redis.map(|(at, one)| (format!("redis[{at}]"), one.name.to_string(), one.secret()));
    postgres.chain(redis).filter_map(|(path, name, secret)| of(path, name, secret)).collect()
}

/// The secrets that a person gave to workloads. Those of services follow from their settings.
fn held((index, namespace): (usize, &Namespace)) -> Vec<Held> {
    let mut all = Vec::new();
    for (path, workload) in namespace.workloads() {
        for (path, container) in containers_of(&path, &workload) {
            all.extend(secrets(container).into_iter().filter_map(|(at, secret)| {
                Some(Held {
                    path: format!("namespaces[{index}].{path}.{at}"),
                    namespace: namespace.name.to_string(),
                    workload: workload.name.to_string(),
                    secret: secret.reference()?,
                })
            }));
        }
    }
    all
}

/// Two services with one password.
fn shared(guarded: &[Guarded], findings: &mut RoleFindings<'_>) {
    let mut known: BTreeMap<String, &Guarded> = BTreeMap::new();
    for one in guarded {
        let Some(first) = known.get(one.secret.name.as_str()) else {
            known.insert(one.secret.name.to_string(), one);
            continue;
        };
        findings.part(&one.path, |findings| {
            let message = format!(
                "{}/{} and {}/{} have one password: {}",
                first.namespace, first.name, one.namespace, one.name, one.secret.name
            );
            let help = format!(
                "give it its own: `password: {{name: {}-{}-password, source: {{generated: password}}}}`",
                one.namespace, one.name
            );
            findings.find(&SHARED_PASSWORD, message, help);
        });
    }
}

/// The bytes of a secret follow from its name, so one name with two sources is a slip in other namespaces too.
fn across(guarded: &[Guarded], held: &[Held], findings: &mut RoleFindings<'_>) {
    let mut known: BTreeMap<&str, (&str, &SecretRef)> = BTreeMap::new();
    let all = guarded.iter().map(|one| (&one.path, &*one.namespace, &one.secret));
    for (path, namespace, secret) in
        all.chain(held.iter().map(|one| (&one.path, &*one.namespace, &one.secret)))
    {
        let (first, other) = *known.entry(secret.name.as_str()).or_insert((namespace, secret));
        // In one namespace another rule finds it.
        if first == namespace || other == secret {
            continue;
        }
        findings.part(path, |findings| {
            let message = format!("the secret {} has another source or generation in {first}", secret.name);
            findings.find(&TWICE, message, "give one of them another name, or both the same");
        });
    }
}

/// A workload that may call a service and does not have its password.
fn missing(platform: &Platform, guarded: &[Guarded], held: &[Held], findings: &mut RoleFindings<'_>) {
    let services: BTreeMap<(&str, &str), &Guarded> =
        guarded.iter().map(|one| ((&*one.namespace, &*one.name), one)).collect();
    if services.is_empty() {
        return;
    }
    let mut ask = |at: String, from: (&str, &str), to: (&str, &str)| {
        let Some(service) = services.get(&to) else { return };
        let has = held
            .iter()
            .any(|one| (&*one.namespace, &*one.workload) == from && one.secret.name == service.secret.name);
        if has || guarded.iter().any(|one| (&*one.namespace, &*one.name) == from) {
            return;
        }
        let name = &service.secret.name;
        findings.part(&at, |findings| {
            let message = format!("{} may call {} and has no secret {name}, its password", from.1, to.1);
            let help = format!(
                "give a container of {} `secret_environment: [{{name: …, secret: {{name: {name}, source: {{generated: password}}}}}}]`",
                from.1
            );
            findings.find(&NO_PASSWORD, message, help);
        });
    };
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        let name = namespace.name.to_string();
        for (at, connection) in namespace.connections.iter().enumerate() {
            let (from, to) = (connection.from.to_string(), connection.to.to_string());
            ask(format!("namespaces[{index}].connections[{at}]"), (&name, &from), (&name, &to));
        }
    }
    for (at, connection) in platform.connections.iter().enumerate() {
        if let Some([from, to]) = connection.ends() {
            let ends = [from, to].map(|one| (one.namespace(), one.name()));
            ask(format!("connections[{at}]"), ends[0], ends[1]);
        }
    }
}
