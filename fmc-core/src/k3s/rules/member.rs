//! Who is in a cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::say::first_of;
use crate::check::view::route_of;
use crate::check::view::{Cluster, View, text};
use crate::finding::{At, Finding, Kind};
use crate::given::Given;
use crate::k3s::{self, Endpoint};
use crate::name::MachineName;

/// Where a machine is named as a node.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    cluster: &'a str,
    list: &'static str,
    index: usize,
}

/// A machine runs one K3s: it is one server or one agent of one cluster.
pub(super) fn once(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, Place<'_>> = BTreeMap::new();
    for cluster in &view.clusters {
        for (list, names) in lists(cluster.draft) {
            for (index, name) in names.iter().enumerate().filter_map(|(at, name)| Some((at, name.ok()?))) {
                let here = Place { cluster: text(&cluster.draft.name), list, index };
                let Some(first) = seen.get(name.as_str()).copied() else {
                    seen.insert(name.as_str(), here);
                    continue;
                };
                let (message, help) = if first.cluster != here.cluster {
                    (
                        format!("{name} is in the clusters {} and {}", first.cluster, here.cluster),
                        "leave it out of one of them: a machine runs one K3s".to_owned(),
                    )
                } else if first.list != here.list {
                    (
                        format!("{name} is a server and an agent of {}", here.cluster),
                        "leave it out of the agents: a server runs pods too".to_owned(),
                    )
                } else {
                    (format!("{name} is named twice"), format!("leave it out of the {list} once"))
                };
                let at =
                    |place: Place<'_>| format!("clusters.{}.{}[{}]", place.cluster, place.list, place.index);
                findings
                    .push(Finding::new(Kind::K3sMemberDuplicate, at(here), message, help).also(at(first)));
            }
        }
    }
}

fn lists(cluster: &k3s::Cluster) -> [(&'static str, &[Given<MachineName>]); 2] {
    [("servers", &cluster.servers), ("agents", &cluster.agents)]
}

/// An etcd of an even number of members bears no more failures than one of a member less, and fails more often. A cluster
/// without a server has a finding of its own.
pub(super) fn count(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let names: BTreeSet<&str> = cluster.draft.servers.iter().map(text).collect();
    let (count, name) = (names.len(), &cluster.draft.name);
    if cluster.draft.datastore.is_some() || matches!(count, 0 | 1 | 3 | 5 | 7) {
        return;
    }
    let (message, help) = if count > 7 {
        (
            format!("{name} has {count} servers, and each change waits for {} of them", count / 2 + 1),
            "have 3 or 5 servers, and make the others agents".to_owned(),
        )
    } else {
        let less = count - 1;
        let bears = (count - 1) / 2;
        let bears = if bears == 0 { "no failure".to_owned() } else { format!("the failure of {bears}") };
        (
            format!("{name} has {count} servers, which bear {bears}, no more than {less} would"),
            format!("have {less} or {} servers", count + 1),
        )
    };
    findings.push(Finding::new(Kind::K3sServerCount, at.key("servers"), message, help));
}

/// What comes from outside goes to nodes of the cluster.
pub(super) fn ingress(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let members: BTreeSet<&str> = cluster.members().map(|member| view.machine_name(member)).collect();
    let mut look = |names: &[Given<MachineName>], at: &At<'_>| {
        for (index, name) in names.iter().enumerate() {
            let Some(name) = name.ok().filter(|name| view.machine_index.contains_key(name.as_str())) else {
                continue;
            };
            if !members.contains(name.as_str()) {
                findings.push(Finding::new(
                    Kind::K3sIngressOutside,
                    at.index(index),
                    format!("{name} is no node of {}, and answers no HTTP for it", cluster.draft.name),
                    "name agents or servers of the cluster, or leave it out: then it is its agents",
                ));
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

/// The machine that the others take their programs from is there before the cluster, and not a part of it.
pub(super) fn bootstrap(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(name) = cluster.draft.bootstrap.as_ref().and_then(|mirror| mirror.machine.ok()) else { return };
    let is_in = |names: &[Given<MachineName>]| names.iter().any(|other| other.ok() == Some(name));
    let (list, what) = if is_in(&cluster.draft.servers) {
        ("servers", "a member of its etcd")
    } else if is_in(&cluster.draft.agents) {
        ("agents", "one of its agents")
    } else {
        return;
    };
    findings.push(
        Finding::new(
            Kind::K3sBootstrapMember,
            at.key("bootstrap"),
            format!(
                "{name} is the bootstrap machine of {} and {what}: it would wait for itself",
                cluster.draft.name
            ),
            format!(
                "leave it out of the {list}; or leave `bootstrap` out: K3s needs none, its first server begins"
            ),
        )
        .also(at.key(list)),
    );
}

/// K3s finds its address by the default route, and does not start without one.
pub(super) fn route(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let is_lost = |member: usize| {
        let placed = view.machine(member)?;
        let known = !placed.links.is_empty() && placed.links.iter().all(|link| link.network.is_some());
        (known && route_of(view, placed).is_none()).then(|| view.machine_name(member))
    };
    let mut names: Vec<&str> = cluster.members().filter_map(is_lost).collect();
    names.sort_unstable();
    let Some(first) = names.first() else { return };
    let has = if names.len() == 1 { "has" } else { "have" };
    findings.push(
        Finding::new(
            Kind::K3sDefaultRoute,
            at,
            format!(
                "{} {has} no default route, and K3s does not start",
                first_of(first, names.len(), "node")
            ),
            "let one interface of each node be on a network that is forwarded",
        )
        .also(format_args!("machines.{first}.interfaces")),
    );
}
