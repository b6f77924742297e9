//! The rules of connections between namespaces.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use fmc_core::role::RoleFindings;

use super::value::wrong;
use super::{NO_WORKLOAD, TWICE, ingress, known_names, port};
use crate::name::NamespacedName;
use crate::platform::{Namespace, Platform};
use crate::workload::Workload;

/// The leaves of each.
pub(super) fn leaves(platform: &Platform, findings: &mut RoleFindings<'_>) {
    for (index, connection) in platform.connections.iter().enumerate() {
        findings.part(&format!("connections[{index}]"), |findings| {
            findings.leaf("from", &connection.from);
            findings.leaf("to", &connection.to);
            findings.leaf("port", &connection.port);
        });
    }
}

/// Both ends are there, and the port is one of the workload that answers. All leaves are right.
pub(super) fn together(platform: &Platform, findings: &mut RoleFindings<'_>) {
    if platform.connections.is_empty() {
        return;
    }
    let all: Vec<Cow<'_, Namespace>> = platform.namespaces.iter().map(Namespace::with_services).collect();
    let workloads: BTreeMap<String, BTreeMap<String, Workload<'_>>> =
        all.iter().map(|one| (one.name.to_string(), one.by_name())).collect();
    let mut seen = BTreeSet::new();
    for (index, connection) in platform.connections.iter().enumerate() {
        let Some([from, to]) = connection.ends() else { continue };
        findings.part(&format!("connections[{index}]"), |findings| {
            if !seen.insert((from.to_string(), to.to_string(), connection.port.to_string())) {
                let message = format!("the connection from {from} to {to} is there twice");
                return findings.find(&TWICE, message, "leave one of them out");
            }
            if from.namespace() == to.namespace() {
                let message = format!("both are of the namespace {}", from.namespace());
                let help = format!(
                    "say it there: `connections: [{{from: {}, to: {}, port: {}}}]`",
                    from.name(),
                    to.name(),
                    connection.port
                );
                return wrong("to", findings, message, help);
            }
            let [asks, answers] =
                [("from", from), ("to", to)].map(|(key, at)| found(key, at, &workloads, findings));
            if let (Some(_), Some(answers)) = (asks, answers)
                && port("port", &connection.port, answers, findings)
            {
                ingress::named(&from.to_string(), &connection.port, answers, findings);
            }
        });
    }
}

/// The workload at one end. A name that nothing has is a finding.
fn found<'a>(
    key: &str,
    at: &NamespacedName,
    workloads: &BTreeMap<String, BTreeMap<String, Workload<'a>>>,
    findings: &mut RoleFindings<'_>,
) -> Option<Workload<'a>> {
    let Some(namespace) = workloads.get(at.namespace()) else {
        let message = format!("the platform has no namespace {}", at.namespace());
        findings.part(key, |findings| findings.find(&NO_WORKLOAD, message, &*known_names(workloads.keys())));
        return None;
    };
    let found = namespace.get(at.name()).copied();
    if found.is_none() {
        let message = format!("{} has no workload {}", at.namespace(), at.name());
        findings.part(key, |findings| findings.find(&NO_WORKLOAD, message, &*known_names(namespace.keys())));
    }
    found
}
