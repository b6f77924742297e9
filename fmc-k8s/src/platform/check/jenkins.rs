//! The rules of Jenkinses, in their own settings.

use std::collections::BTreeSet;

use fmc_core::k3s::capacity::{Amount, Node};
use fmc_core::role::RoleFindings;
use serde_json::Value;

use super::service::{common, page, password, short};
use super::value::{keys, port, wrong};
use super::{RIGHTS, TWICE, UNPINNED, optional, room};
use crate::budget::Waiting;
use crate::jenkins::{Jenkins, OWN};
use crate::platform::Namespace;

pub(super) fn leaves(of: &Jenkins, findings: &mut RoleFindings<'_>) {
    common(&of.name, &of.image, &of.memory, of.cpu.as_ref(), of.class.as_ref(), findings);
    findings.leaf("keep", &of.keep);
    findings.leaf("agent.image", &of.agent.image);
    findings.leaf("agent.memory", &of.agent.memory);
    optional("agent.cpu", of.agent.cpu.as_ref(), findings);
    password(&of.name, of.password.as_ref(), || of.secret(), findings);
}

/// The values by themselves.
pub(super) fn values(of: &Jenkins, findings: &mut RoleFindings<'_>) {
    short(&of.name, findings);
    if of.agent.at_most == 0 {
        wrong("agent.at_most", findings, "nothing would ever be built", "say how many pods, as 2");
    }
    if let Some(url) = &of.url {
        page(url, "write https://jenkins.example.org/", findings);
        if url.contains('$') {
            let message = "Jenkins reads `$` as the beginning of a variable";
            wrong("url", findings, message, "write the URL without it");
        }
    }
    let mut seen = BTreeSet::new();
    for (index, number) in of.outside.iter().enumerate() {
        let at = format!("outside[{index}]");
        port(&at, *number, findings);
        if !seen.insert(number) {
            findings.part(&at, |findings| {
                findings.find(&TWICE, format!("the port {number} is there twice"), "leave one of them out");
            });
        }
    }
    keys("configuration", of.configuration.keys(), findings);
    for (name, text) in &of.configuration {
        let at = format!("configuration.{name}");
        // Its name stands in a list that commas divide, and commas are in no name of a text.
        if name == OWN {
            wrong(&at, findings, "fmc writes a text of this name", "give it another name");
        } else if !serde_saphyr::from_str::<Value>(text).is_ok_and(|text| text.is_object()) {
            let help = "write it as the plugin `configuration-as-code` has it: `unclassified: {…}`";
            wrong(&at, findings, "it is no configuration in YAML", help);
        }
    }
}

/// The rules about its namespace.
pub(super) fn together(of: &Jenkins, namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    if of.agent.image.ok().is_some_and(|image| !image.is_pinned()) {
        findings.part("agent.image", |findings| {
            let message = format!("the image of the agents of {} has a tag and no digest", of.name);
            findings.find(&UNPINNED, message, "add its digest: TAG@sha256:…");
        });
    }
    let others = namespace.workloads().into_iter().filter(|(_, one)| *one.name != of.name);
    let others: Vec<String> = others.map(|(_, one)| one.name.to_string()).collect();
    if !others.is_empty() {
        let message = format!(
            "a build of {} can start pods in {}, which may mount the secrets and volumes of {}",
            of.name,
            namespace.name,
            fmc_core::finding::NameList::new(others)
        );
        let help = "give it a namespace of its own, or accept this with the reason";
        findings.find(&RIGHTS, message, help);
    }
}

/// The pods of its agents, compared with the nodes: Jenkins would ask for one again and again, and each would wait.
pub(super) fn fits(
    of: &Jenkins,
    at: &str,
    namespace: &Namespace,
    nodes: &[&Node],
    findings: &mut RoleFindings<'_>,
) {
    let cpus = of.agent.cpus();
    let (Some(cpu), Some(memory)) = (cpus.ok(), of.agent.memory.ok()) else { return };
    let asks = Amount::new(cpu.as_millicores().into(), *memory, 1);
    if !nodes.iter().any(|node| asks.fits(node.allocatable)) {
        let path = format!("{at}.agent");
        let name = format!("{}/{}", namespace.name, of.name);
        let one = Waiting { nodes: Vec::new(), path, name, asks, pods: 1, at_most: 1, is_certain: true };
        findings.part(&one.path, |findings| room::too_large("an agent", &one, nodes, findings));
    }
}
