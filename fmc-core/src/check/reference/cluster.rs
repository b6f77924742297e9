//! Machines that a K3s cluster names and the cloud does not have.

use super::super::view::text;
use super::{ReferenceProblem, Unknown};
use crate::finding::{At, Finding, NameList};
use crate::given::Given;
use crate::k3s::{Cluster, Endpoint};
use crate::name::MachineName;

pub(super) fn check<'a>(unknown: &mut Unknown<'_, 'a>, findings: &mut Vec<Finding>) {
    let view = unknown.view;
    for cluster in &view.cloud.clusters {
        let clusters = At::ROOT.key("clusters");
        let at = clusters.name(&cluster.name);
        let name = || cluster.name.to_string();
        if cluster.servers.is_empty() {
            findings.push(ReferenceProblem::NoServer { cluster: name() }.at(at.key("servers")));
        }
        let mut named = |given: &'a Given<MachineName>, at: &At<'_>| {
            if let Given::Right(name) = given {
                findings.extend(unknown.machine(name, at));
            }
        };
        machines(cluster, &at, &mut named);
        if let Some(Given::Right(initial)) = &cluster.initial
            && cluster.servers.iter().all(|server| text(server) != initial.as_str())
        {
            let servers = NameList::new(cluster.servers.iter().map(text));
            let problem =
                ReferenceProblem::InitialElsewhere { cluster: name(), initial: initial.to_string(), servers };
            findings.push(problem.at(at.key("initial")));
        }
    }
}

/// Every machine that a cluster names, with its path.
fn machines<'a>(cluster: &'a Cluster, at: &At<'_>, named: &mut impl FnMut(&'a Given<MachineName>, &At<'_>)) {
    let mut each = |given: &'a [Given<MachineName>], at: &At<'_>| {
        for (index, given) in given.iter().enumerate() {
            named(given, &at.index(index));
        }
    };
    each(&cluster.servers, &at.key("servers"));
    each(&cluster.agents, &at.key("agents"));
    each(&cluster.ingress, &at.key("ingress"));
    if let Endpoint::Balancer(balancer) = &cluster.endpoint {
        let at = at.key("endpoint");
        let at = at.key("balancer");
        each(balancer.machines(), &at.key("machines"));
        each(&balancer.ingress.nodes, &at.key("ingress").key("nodes"));
    }
    if let Some(mirror) = &cluster.bootstrap {
        mirror.at_machine(&at.key("bootstrap"), |at| named(&mirror.machine, at));
    }
}
