//! The servers of a K3s cluster, by name.

use super::super::view::{View, text};
use super::ReferenceProblem;
use crate::finding::{At, Finding, NameList};
use crate::given::Given;

pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    for cluster in &view.cloud.clusters {
        let clusters = At::ROOT.key("clusters");
        let at = clusters.name(&cluster.name);
        let name = || cluster.name.to_string();
        if cluster.servers.is_empty() {
            findings.push(ReferenceProblem::NoServer { cluster: name() }.at(at.key("servers")));
        }
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
