//! Networks of a cluster that overlap each other or the networks of the cloud.

use std::collections::BTreeSet;

use super::super::view::Cluster;
use super::problem::ClusterNetworkProblem;
use super::{Own, pods, services};
use crate::addr::Ip;
use crate::check::view::{View, text};
use crate::finding::{At, Finding};
use crate::given::Given;

/// A pod sends packets for the network of pods or of Services into the cluster, even if another machine has such an
/// address.
pub(in super::super) fn check(
    view: &View<'_>,
    cluster: &Cluster<'_>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let all: Vec<Own> = pods(cluster).into_iter().chain(services(cluster)).collect();
    let lists = resolvers(view, cluster);
    for (index, one) in all.iter().enumerate() {
        for other in all.iter().skip(index + 1).filter(|other| other.subnet.overlaps(&one.subnet)) {
            let problem = ClusterNetworkProblem::Overlap { own: one.network(), other: other.network() };
            findings.push(problem.at(other.path(at)).also(one.path(at)));
        }
        for (subnet, net) in view.subnets.overlapping(&one.subnet) {
            let name = view.network(net).map_or("", |net| text(&net.draft.name));
            let field = if subnet.is_ipv4() { "subnet" } else { "ipv6" };
            let (own, network) = (one.network(), name.to_owned());
            let problem = ClusterNetworkProblem::OverlapsNetwork { own, network, subnet };
            findings.push(problem.at(one.path(at)).also(format_args!("networks.{name}.{field}")));
        }
        for (of, resolvers) in &lists {
            for (index, resolver) in resolvers.iter().enumerate() {
                let Some(resolver) = resolver.ok().map(|ip| ip.get()).filter(|ip| one.subnet.contains(*ip))
                else {
                    continue;
                };
                let problem = ClusterNetworkProblem::HasResolver { own: one.network(), resolver };
                findings.push(problem.at(one.path(at)).also(format_args!("{of}resolvers[{index}]")));
            }
        }
    }
}

/// The lists of resolvers that its nodes may ask: the cloud's, those of their networks, and their own; each after the path of
/// what says it.
fn resolvers<'a>(view: &View<'a>, cluster: &Cluster<'_>) -> Vec<(String, &'a [Given<Ip>])> {
    let nodes: Vec<_> = cluster.members().filter_map(|at| view.machines.get(at)).collect();
    let networks: BTreeSet<usize> =
        nodes.iter().flat_map(|node| &node.links).filter_map(|link| link.network).collect();
    let networks = networks.into_iter().filter_map(|at| view.network(at)).map(|net| {
        let of = format!("networks.{}.", text(&net.draft.name));
        (of, net.draft.resolvers.as_slice())
    });
    let own = nodes.iter().map(|node| {
        let of = format!("machines.{}.", text(&node.draft.name));
        (of, node.draft.resolvers.as_slice())
    });
    let clouds = (String::new(), view.cloud.resolvers.as_slice());
    [clouds].into_iter().chain(networks).chain(own).collect()
}
