//! The way from a Prometheus to the machines that it asks.

use std::collections::BTreeMap;

use fmc_core::checked::{Checked, CheckedPeer, Machine};
use fmc_core::finding::NameList;
use fmc_core::k3s::capacity::is_whole;
use fmc_core::role::{RoleFindings, SpanSite};

use super::UNASKED;
use super::reach::{kept_out, kinds, let_in, nodes};
use crate::platform::Platform;
use crate::prometheus::config::exporters;

/// A warning if a firewall keeps away a node on which a Prometheus may run. What the first one cannot ask, none can.
pub(super) fn check(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let cloud = site.cloud();
    let first = platform.namespaces.iter().enumerate().find_map(|(index, namespace)| {
        let prometheus = namespace.prometheus.first()?;
        Some((format!("namespaces[{index}].prometheus[0]"), prometheus))
    });
    let cluster = cloud.cluster(&platform.cluster.to_string()).filter(|cluster| is_whole(cluster));
    let (Some((path, prometheus)), Some(cluster)) = (first, cluster) else { return };
    let closed = closed(cloud, &nodes(cluster, cloud));
    if closed.is_empty() {
        return;
    }
    let message = format!(
        "{} runs on a node of {}, and cannot ask {}: their firewalls do not let in every node",
        prometheus.name,
        platform.cluster,
        NameList::new(closed)
    );
    let from: Vec<String> = kinds(cluster).map(|kind| format!("{{role: {{kind: {kind}}}}}")).collect();
    let help = format!("let the nodes in: `node-exporter: {{from: [{}]}}`", from.join(", "));
    findings.part(&path, |findings| findings.find(&UNASKED, message, help));
}

/// The machines whose exporter some other node cannot call. A node lets its own pods in.
fn closed(cloud: &Checked, nodes: &[&Machine]) -> Vec<String> {
    // Machines are alike, and so are the peers that they let in.
    let mut known: BTreeMap<Vec<&CheckedPeer>, Vec<&str>> = BTreeMap::new();
    let each = exporters(cloud).filter_map(|answer| {
        let machine = cloud.at(answer.machine).filter(|machine| machine.firewall)?;
        let peers = let_in(cloud, machine, answer.service);
        let kept_out = known.entry(peers).or_insert_with_key(|peers| kept_out(cloud, peers, nodes));
        kept_out.iter().any(|node| *node != machine.name.as_str()).then(|| machine.name.to_string())
    });
    each.collect()
}
