//! Machines that a K3s cluster names, and that are not there.

use std::collections::BTreeMap;

use super::super::say::known;
use super::super::view::{View, text};
use crate::finding::{At, Finding, Kind};
use crate::given::Given;
use crate::k3s::{Cluster, Endpoint};
use crate::name::MachineName;

pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    // What would be right is worked out once for each wrong text.
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    for cluster in &view.cloud.clusters {
        let clusters = At::ROOT.key("clusters");
        let at = clusters.name(&cluster.name);
        if cluster.servers.is_empty() {
            findings.push(Finding::new(
                Kind::ValueInvalid,
                at.key("servers"),
                format!("the cluster {} has no server", cluster.name),
                "name the machines that run its API, one, three, five or seven: `.servers([MASTER1])`",
            ));
        }
        let mut named = |given: &Given<MachineName>, at: &At<'_>| {
            let Given::Right(name) = given else { return };
            if !view.machine_index.contains_key(name.as_str()) {
                let help = helps.entry(name.as_str().to_owned()).or_insert_with(|| {
                    known(
                        name.as_str(),
                        "machine",
                        view.machine_index.keys().copied(),
                        "add the machine to the cloud",
                    )
                });
                let message = format!("there is no machine {name}");
                findings.push(Finding::new(Kind::ReferenceUnknown, at, message, &**help));
            }
        };
        machines(cluster, &at, &mut named);
        if let Some(Given::Right(initial)) = &cluster.initial
            && cluster.servers.iter().all(|server| text(server) != initial.as_str())
        {
            findings.push(Finding::new(
                Kind::ReferenceUnknown,
                at.key("initial"),
                format!("{initial} begins the cluster {}, and is none of its servers", cluster.name),
                "name one of the servers, or leave it out: the first one begins the cluster",
            ));
        }
    }
}

/// Every machine that a cluster names, with its path.
fn machines(cluster: &Cluster, at: &At<'_>, named: &mut impl FnMut(&Given<MachineName>, &At<'_>)) {
    let mut each = |given: &[Given<MachineName>], at: &At<'_>| {
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
