//! Where servers are, and whether they run.

use std::collections::BTreeMap;

use super::view::Cluster;
use crate::check::view::{View, text};
use crate::finding::{At, Finding, problems};
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
        let problem = PlacementProblem::Quorum { here, count, host: host.to_owned() };
        findings.push(problem.at(at.key("servers")).also(format_args!("hosts.{host}")));
    }
}

/// A server that is off is missing in every majority.
pub(super) fn power(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    for (index, name) in cluster.draft.servers.iter().enumerate() {
        let machine = view.machine_index.get(text(name)).and_then(|machine| view.machine(*machine));
        let Some(draft) = machine.map(|placed| placed.draft) else { continue };
        let field = if draft.power == Power::Stopped {
            "power"
        } else if !draft.autostart && draft.power == Power::Running {
            "autostart"
        } else {
            continue;
        };
        let servers = at.key("servers");
        let (server, cluster) = (name.to_string(), cluster.draft.name.to_string());
        let problem = match field {
            "power" => PlacementProblem::Off { server, cluster },
            _ => PlacementProblem::NotStarted { server, cluster },
        };
        findings.push(problem.at(servers.index(index)).also(format_args!("machines.{name}.{field}")));
    }
}

problems! {
    /// Problems with where servers are, and whether they run.
    pub enum PlacementProblem {
        Quorum { here: usize, count: usize, host: String } is K3sQuorumHost:
            "{here} of {count} servers are on {host}: without it the others have no majority",
            "spread them over hosts, so that none has most of them";
        Off { server: String, cluster: String } is K3sServerOff:
            "{server} is a server of {cluster}, but is switched off",
            "let it run and start with its host; leave it out of `servers` once its etcd member is gone";
        NotStarted { server: String, cluster: String } is K3sServerOff:
            "{server} is a server of {cluster}, but does not start with its host",
            "let it run and start with its host; leave it out of `servers` once its etcd member is gone";
    }
}
