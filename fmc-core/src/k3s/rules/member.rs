//! The members of a cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::view::Cluster;
use crate::check::view::route_of;
use crate::check::view::{View, text};
use crate::finding::{At, Finding, NameList, problems};
use crate::given::Given;
use crate::k3s::{self, Endpoint};
use crate::name::MachineName;
use crate::sort;

/// Where a machine is named as a node.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    cluster: &'a str,
    list: &'static str,
    index: usize,
}

/// A machine runs one K3s: it is one server or one agent of one cluster.
pub(super) fn once(clusters: &[Cluster<'_>], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, Place<'_>> = BTreeMap::new();
    for cluster in clusters {
        for (list, names) in lists(cluster.draft) {
            for (index, name) in names.iter().enumerate().filter_map(|(at, name)| Some((at, name.ok()?))) {
                let here = Place { cluster: text(&cluster.draft.name), list, index };
                let Some(first) = seen.get(name.as_str()).copied() else {
                    seen.insert(name.as_str(), here);
                    continue;
                };
                let machine = name.to_string();
                let cluster = || here.cluster.to_owned();
                let problem = if first.cluster != here.cluster {
                    let first = first.cluster.to_owned();
                    MemberProblem::TwoClusters { machine, first, second: cluster() }
                } else if first.list != here.list {
                    MemberProblem::ServerAndAgent { machine, cluster: cluster() }
                } else {
                    MemberProblem::Twice { machine, list: here.list }
                };
                let at =
                    |place: Place<'_>| format!("clusters.{}.{}[{}]", place.cluster, place.list, place.index);
                findings.push(problem.at(at(here)).also(at(first)));
            }
        }
    }
}

fn lists(cluster: &k3s::Cluster) -> [(&'static str, &[Given<MachineName>]); 2] {
    [("servers", &cluster.servers), ("agents", &cluster.agents)]
}

/// An etcd of an even number of members tolerates no more failures than one with a member less, and fails more often. A cluster
/// without a server has a finding of its own.
pub(super) fn count(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let names: BTreeSet<&str> = cluster.draft.servers.iter().map(text).collect();
    let (count, name) = (names.len(), cluster.draft.name.to_string());
    if cluster.draft.datastore.is_some() || matches!(count, 0 | 1 | 3 | 5 | 7) {
        return;
    }
    let problem = if count > 7 {
        MemberProblem::Many { cluster: name, count, majority: count / 2 + 1 }
    } else {
        MemberProblem::Even { cluster: name, count, less: count - 1, more: count + 1, lost: (count - 1) / 2 }
    };
    findings.push(problem.at(at.key("servers")));
}

/// Traffic from outside goes to nodes of the cluster.
pub(super) fn ingress(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let members: BTreeSet<&str> = cluster.members().map(|member| view.machine_name(member)).collect();
    let mut look = |names: &[Given<MachineName>], at: &At<'_>| {
        for (index, name) in names.iter().enumerate() {
            let Some(name) = name.ok().filter(|name| view.machine_index.contains_key(name.as_str())) else {
                continue;
            };
            if !members.contains(name.as_str()) {
                let (cluster, machine) = (cluster.draft.name.to_string(), name.to_string());
                findings.push(MemberProblem::IngressOutside { cluster, machine }.at(at.index(index)));
            }
        }
    };
    look(&cluster.draft.ingress, &at.key("ingress"));
    if let Endpoint::Balancer(balancer) = &cluster.draft.endpoint {
        let at = at.key("endpoint");
        let at = at.key("balancer");
        let at = at.key("ingress");
        look(&balancer.ingress.nodes, &at.key("nodes"));
    }
}

/// The machine that the others download from exists before the cluster, so it cannot be a part of it.
pub(super) fn bootstrap(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(name) = cluster.draft.bootstrap.as_ref().and_then(|mirror| mirror.machine.ok()) else { return };
    let is_in = |names: &[Given<MachineName>]| names.iter().any(|other| other.ok() == Some(name));
    let list = if is_in(&cluster.draft.servers) {
        "servers"
    } else if is_in(&cluster.draft.agents) {
        "agents"
    } else {
        return;
    };
    let (machine, cluster) = (name.to_string(), cluster.draft.name.to_string());
    let problem = MemberProblem::Bootstrap { machine, cluster, list };
    findings.push(problem.at(at.key("bootstrap")).also(at.key(list)));
}

/// A node is known by its name: K3s refuses the second of two nodes of one name, because its node password differs, and
/// etcd takes the second server for the first.
pub(super) fn node_names(view: &View<'_>, cluster: &Cluster<'_>, _: &At<'_>, findings: &mut Vec<Finding>) {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for placed in cluster.members().filter_map(|member| view.machine(member)) {
        let machine = text(&placed.draft.name);
        let name = placed.draft.hostname.as_ref().map_or(machine, text);
        by_name.entry(name).or_default().push(machine);
    }
    for (name, mut machines) in by_name.into_iter().filter(|(_, machines)| machines.len() > 1) {
        sort::all(&mut machines);
        let Some((last, others)) = machines.split_last() else { continue };
        let (cluster, name) = (cluster.draft.name.to_string(), name.to_owned());
        let problem =
            MemberProblem::NodeName { cluster, name, machines: NameList::new(machines.iter().copied()) };
        let finding = problem.at(format_args!("machines.{last}.hostname"));
        let also = others.iter().map(|machine| format!("machines.{machine}.hostname"));
        findings.push(also.fold(finding, Finding::also));
    }
}

/// K3s finds its address by the default route, and does not start without one.
pub(super) fn route(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let is_lost = |member: usize| {
        let placed = view.machine(member)?;
        let known = !placed.links.is_empty() && placed.links.iter().all(|link| link.network.is_some());
        (known && route_of(view, placed).is_none()).then(|| view.machine_name(member))
    };
    let nodes = NameList::new(cluster.members().filter_map(is_lost));
    if nodes.is_empty() {
        return;
    }
    let interfaces = format!("machines.{}.interfaces", nodes.first());
    findings.push(MemberProblem::NoRoute { nodes }.at(at).also(interfaces));
}

/// How many servers may fail.
fn failures(count: usize) -> String {
    if count == 0 { "no failure".to_owned() } else { format!("the failure of {count}") }
}

problems! {
    /// Problems with the machines of a cluster.
    pub enum MemberProblem {
        TwoClusters { machine: String, first: String, second: String } is K3sMemberDuplicate:
            "{machine} is in the clusters {first} and {second}",
            "leave it out of one of them: a machine runs one K3s";
        ServerAndAgent { machine: String, cluster: String } is K3sMemberDuplicate:
            "{machine} is a server and an agent of {cluster}",
            "leave it out of `agents`: a server runs pods too";
        Twice { machine: String, list: &'static str } is K3sMemberDuplicate:
            "{machine} is named twice",
            "leave it out of `{list}` once";
        Many { cluster: String, count: usize, majority: usize } is K3sServerCount:
            "{cluster} has {count} servers, and each change waits for {majority} of them",
            "have 3 or 5 servers, and make the others agents";
        Even { cluster: String, count: usize, less: usize, more: usize, lost: usize } is K3sServerCount
            with (lost = failures(*lost)):
            "{cluster} has {count} servers, which tolerate {lost}, as {less} would",
            "have {less} or {more} servers";
        IngressOutside { cluster: String, machine: String } is K3sIngressOutside:
            "{machine} is not a node of {cluster}, so it cannot answer HTTP for it",
            "name agents or servers of the cluster, or leave it out: then the agents answer";
        Bootstrap { machine: String, cluster: String, list: &'static str } is K3sBootstrapMember:
            "{machine} is the bootstrap machine of {cluster} and one of its {list}: it would wait for itself",
            "leave it out of `{list}`, or leave `bootstrap` out: K3s does not need one, since its first server begins";
        NodeName { cluster: String, name: String, machines: NameList } is K3sNodeName with (list = machines):
            "{list} would be the node {name} of {cluster}: K3s refuses every one but the first",
            "leave the host name out: the machine's name is then used, which is unique";
        NoRoute { nodes: NameList } is K3sDefaultRoute with (who = nodes.first_of("node"), have = nodes.verb("has", "have")):
            "{who} {have} no default route, and K3s does not start without one",
            "put one interface of each node on a nat or routed network";
    }
}
