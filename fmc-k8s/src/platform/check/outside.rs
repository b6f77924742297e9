//! The rules of calls to what is outside of a cluster.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::flow::tcp;
use fmc_core::given::Given;
use fmc_core::k3s::capacity::is_whole;
use fmc_core::postgresql::Postgresql;
use fmc_core::role::{RoleFindings, SpanSite, SpanningRole};

use super::reach::{closed_at, kinds, nodes};
use super::value::wrong;
use super::{KEPT_OUT, NO_WORKLOAD, TWICE, known_names, optional};
use crate::name::ObjectName;
use crate::platform::{Namespace, Platform};
use crate::workload::Workload;

pub(super) fn leaves(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, call) in namespace.outside.iter().enumerate() {
        findings.part(&format!("outside[{index}]"), |findings| {
            findings.leaf("from", &call.from);
            optional("machine", call.machine.as_ref(), findings);
            optional("subnet", call.subnet.as_ref(), findings);
            optional("postgresql", call.postgresql.as_ref(), findings);
            optional("name", call.name.as_ref(), findings);
        });
    }
}

/// The calls by themselves.
pub(super) fn values(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, call) in namespace.outside.iter().enumerate() {
        findings.part(&format!("outside[{index}]"), |findings| {
            let follows = [
                ("ports", !call.ports.is_empty()),
                ("machine", call.machine.is_some()),
                ("subnet", call.subnet.is_some()),
            ];
            for (key, _) in follows.into_iter().filter(|(_, is_said)| *is_said && call.postgresql.is_some()) {
                wrong(key, findings, "it follows from the PostgreSQL that is called", "leave it out");
            }
            if call.ports.is_empty() && call.postgresql.is_none() {
                wrong("ports", findings, "it calls nothing", "name the ports, as [443]");
            }
            for (at, _) in call.ports.iter().enumerate().filter(|(_, port)| **port == 0) {
                wrong(&format!("ports[{at}]"), findings, "0 is no port", "say a number from 1 to 65535");
            }
            if call.machine.is_some() && call.subnet.is_some() {
                let help = "leave one of them out, or write two calls";
                wrong("subnet", findings, "a call is to a machine or to a subnet", help);
            }
            if call.name.is_some() && call.machine.is_none() && call.postgresql.is_none() {
                let help = "say the `machine`, or leave `name` out";
                wrong("name", findings, "a call without a machine has no name", help);
            }
        });
    }
}

/// The calls with the workloads and the machines.
pub(super) fn together(
    namespace: &Namespace,
    platform: &Platform,
    site: &SpanSite<'_>,
    findings: &mut RoleFindings<'_>,
) {
    let workloads = namespace.by_name();
    let cloud = site.cloud();
    let cluster = cloud.cluster(&platform.cluster.to_string()).filter(|cluster| is_whole(cluster));
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let services = namespace.operated().flat_map(|(_, one)| one.services());
    let pods = workloads.values().map(Workload::pods_name);
    let taken: BTreeSet<String> = workloads.keys().cloned().chain(services).chain(pods).collect();
    for (index, call) in namespace.outside.iter().enumerate() {
        findings.part(&format!("outside[{index}]"), |findings| {
            if !workloads.contains_key(&call.from.to_string()) {
                let message = format!("{} has no workload {}", namespace.name, call.from);
                let help = known_names(workloads.keys());
                findings.part("from", |findings| findings.find(&NO_WORKLOAD, message, help));
            }
            let call = call.whole(cloud);
            if let Some(missing) = call.postgresql.as_ref().filter(|_| call.machine.is_none()) {
                let message = format!("the cloud has no PostgreSQL {missing}");
                let all = cloud.spanning_roles::<Postgresql>().filter_map(SpanningRole::instance);
                let help = known_names(all.collect::<Vec<_>>().iter());
                return findings.part("postgresql", |findings| findings.find(&NO_WORKLOAD, message, help));
            }
            let Some(name) = call.machine.as_ref().map(ToString::to_string) else { return };
            if let Some(own) = &call.name {
                named(own, &name, &taken, &mut names, findings);
            }
            let Some(machine) = cloud.machine(&name) else {
                let help = known_names(cloud.machines().iter().map(|machine| &machine.name));
                let message = format!("the cloud has no machine {name}");
                return findings.part("machine", |findings| findings.find(&NO_WORKLOAD, message, help));
            };
            let Some(cluster) = cluster else { return };
            let nodes = nodes(cluster, cloud);
            let ports: BTreeSet<u16> = call.ports.iter().copied().filter(|port| *port > 0).collect();
            for port in ports.into_iter().filter(|port| closed_at(cloud, machine, tcp(*port), &nodes)) {
                let message = format!("the firewall of {name} does not let in every node at the port {port}");
                if call.postgresql.is_some() {
                    let from = kinds(cluster).map(|kind| format!("{{role: {{kind: {kind}}}}}"));
                    let from = from.collect::<Vec<_>>().join(", ");
                    let help = format!("let the nodes in at a database of that PostgreSQL: `from: [{from}]`");
                    findings.part("postgresql", |findings| findings.find(&KEPT_OUT, message, help));
                    continue;
                }
                let each = kinds(cluster)
                    .map(|kind| format!("{{service: tcp {port}, from: {{role: {{kind: {kind}}}}}}}"));
                let accept = each.collect::<Vec<_>>().join(", ");
                let help = format!(
                    "let the nodes in by the role that listens there, or say at {name}: `accept: [{accept}]`"
                );
                findings.part("machine", |findings| findings.find(&KEPT_OUT, message, help));
            }
        });
    }
}

/// A name is that of one machine, and of no workload. It is a label of RFC 1035, as that of every service.
fn named(
    own: &Given<ObjectName>,
    machine: &str,
    taken: &BTreeSet<String>,
    names: &mut BTreeMap<String, String>,
    findings: &mut RoleFindings<'_>,
) {
    let name = own.to_string();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        let message = format!("{name} begins with a digit, and a name that others call does not");
        wrong("name", findings, message, format!("begin it with a letter, as db-{name}"));
    }
    let before = names.entry(name.clone()).or_insert_with(|| machine.to_owned());
    let other = match taken.contains(&name) {
        true => Some("a workload or of a service of one".to_owned()),
        false => Some(format!("the machine {before}")).filter(|_| before != machine),
    };
    if let Some(other) = other {
        let message = format!("{name} is the name of {other} too");
        findings.part("name", |findings| findings.find(&TWICE, message, "take another name"));
    }
}
