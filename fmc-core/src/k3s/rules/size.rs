//! Servers that are small for so many agents. The roles check what any server and agent needs.

use super::view::Cluster;
use crate::check::view::View;
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::unit::{Cpus, Size};

/// More agents than so many want so many processors and so much memory (docs.k3s.io, *Requirements/Server Sizing Guide*).
const STEPS: [(usize, u16, Size); 3] =
    [(1800, 16, Size::gib(32)), (900, 8, Size::gib(16)), (350, 4, Size::gib(8))];

/// Servers keep what all agents report.
pub(super) fn servers(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let agents = cluster.draft.agents.len();
    let Some((_, cpus, memory)) = STEPS.into_iter().find(|(most, ..)| agents > *most) else { return };
    let is_small = |server: usize| {
        let Some(draft) = view.machine(server).map(|placed| placed.draft) else { return false };
        let has_cpus = draft.cpus.as_ref().map_or(Some(Cpus::ONE), |cpus| cpus.ok().copied());
        let has_memory = draft.memory.as_ref().map_or(Some(Size::gib(1)), |memory| memory.ok().copied());
        has_cpus.is_some_and(|has| has.get() < cpus) || has_memory.is_some_and(|has| has < memory)
    };
    let small = cluster.servers.iter().filter(|server| is_small(**server));
    let servers = NameList::new(small.map(|server| view.machine_name(*server)));
    if servers.is_empty() {
        return;
    }
    let first = format!("machines.{}", servers.first());
    let cluster = cluster.draft.name.to_string();
    let problem = ServerSizeProblem::Small { servers, cluster, agents, cpus, memory };
    findings.push(problem.at(at.key("servers")).also(first));
}

problems! {
    /// Problems with the size of servers.
    pub enum ServerSizeProblem {
        Small { servers: NameList, cluster: String, agents: usize, cpus: u16, memory: Size } is K3sServerSize
            with (who = servers.first_of("server"), have = servers.verb("has", "have")):
            "{who} of {cluster} {have} less than {cpus} processors and {memory} for {agents} agents",
            "give each server at least {processors} and {size}",
            processors = Remedy::set("cpus", cpus),
            size = Remedy::set("memory", memory);
    }
}
