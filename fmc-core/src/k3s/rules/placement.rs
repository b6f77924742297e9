//! Where servers are, and whether they run.

use std::collections::BTreeMap;

use crate::check::view::{Cluster, View, text};
use crate::finding::{At, Finding, Kind};
use crate::machine::Power;

/// A hypervisor that most servers are on takes the cluster along.
pub(super) fn quorum(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let count = cluster.servers.len();
    if view.hosts.len() < 2 || count < 3 || !cluster.has_etcd() {
        return;
    }
    let mut by_host: BTreeMap<usize, usize> = BTreeMap::new();
    for host in cluster.servers.iter().filter_map(|server| view.machine(*server)?.host) {
        *by_host.entry(host).or_default() += 1;
    }
    // On two hosts one always has most of them.
    let most = if view.hosts.len() == 2 { count } else { count / 2 + 1 };
    for (host, here) in by_host.into_iter().filter(|(_, here)| *here >= most) {
        let Some(host) = view.hosts.get(host).map(|host| text(&host.name)) else { continue };
        findings.push(
            Finding::new(
                Kind::K3sQuorumHost,
                at.key("servers"),
                format!("{here} of {count} servers are on {host}: without it the others are no majority"),
                "spread them over hosts, so that none has most of them",
            )
            .also(format_args!("hosts.{host}")),
        );
    }
}

/// A server that is off is missing in every majority.
pub(super) fn power(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (index, name) in cluster.draft.servers.iter().enumerate() {
        let machine = view.machine_index.get(text(name)).and_then(|machine| view.machine(*machine));
        let Some(draft) = machine.map(|placed| placed.draft) else { continue };
        let (field, what) = if draft.power == Power::Stopped {
            ("power", "is off")
        } else if !draft.autostart && draft.power == Power::Running {
            ("autostart", "does not start with its host")
        } else {
            continue;
        };
        let servers = at.key("servers");
        findings.push(
            Finding::new(
                Kind::K3sServerOff,
                servers.index(index),
                format!("{name} {what}, and is a server of {}", cluster.draft.name),
                "let it run and start with its host; leave it out of the servers when its etcd member is gone",
            )
            .also(format_args!("machines.{name}.{field}")),
        );
    }
}
