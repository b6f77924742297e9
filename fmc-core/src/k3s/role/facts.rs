//! What a node says of itself, and a server of its cluster, when its machine is made. Its state keeps some of it for ever.

use super::Node;
use super::server::STATE;
use crate::addr::Subnet;
use crate::role::Facts;

/// The release; the networks of pods and of Services (docs.k3s.io, *Networking*: `cluster-cidr` and `service-cidr` cannot
/// be changed once the cluster is there); and where the state is (*Datastore*, *High Availability Embedded etcd*: a server
/// with SQLite moves to etcd when it starts with `cluster-init`).
pub(super) fn server(node: &Node<'_>) -> Facts {
    let (cluster, name) = (node.cluster, &node.cluster.name);
    let kept = format!(
        "a cluster keeps the networks that it began with: leave them as they were, or make a new cluster with another name \
         and move what runs in {name} there"
    );
    let elsewhere = format!(
        "K3s does not move the state of {name} between its servers and a database: leave it as it was"
    );
    let facts = named(node, cluster.has_etcd() && is_kept(node))
        .fact("release", cluster.version.to_string())
        .fixed("pods", subnets(&cluster.pods), kept.clone())
        .fixed("services", subnets(&cluster.services), kept);
    if cluster.said().datastore.is_some() {
        return facts.fixed("datastore", "database", elsewhere);
    }
    let facts = facts.fixed("datastore", "servers", elsewhere);
    if !cluster.has_etcd() {
        return facts.fact("state", "sqlite");
    }
    let facts = if is_kept(node) {
        facts.in_order("state", "etcd", to_etcd(node))
    } else {
        facts.beforehand("state", "etcd", to_etcd(node))
    };
    facts.stale_after_removal(format!(
        "{name} has gone on without it, and etcd never takes a removed member back with the directory that it had: K3s \
         would stop at its start"
    ))
}

/// The name of the node of an agent.
pub(super) fn agent(node: &Node<'_>) -> Facts {
    named(node, false)
}

/// The name of the node. K3s registers a renamed one as another node beside it; a server with its state on a data disk stays
/// the member of etcd that it was, which leaves etcd when the node of the old name is deleted.
fn named(node: &Node<'_>, keeps_member: bool) -> Facts {
    let machine = node.site.machine();
    let (name, facts) = (machine.hostname.as_str(), Facts::new());
    let keep = "`hostname` with the old name on the machine keeps the node as it is";
    if keeps_member {
        let why = format!(
            "the state on its disk is that of the member with the old name, and deleting that node would take {name} out of \
             etcd: {keep}"
        );
        return facts.fixed("node", name, why);
    }
    let steps = format!(
        "the node keeps its old name until {} is replaced, and then {name} joins as another node: `kubectl delete node` takes \
         the old one out after that ({keep})",
        machine.name
    );
    facts.beforehand("node", name, steps)
}

/// How SQLite moves to etcd, with its data kept.
fn to_etcd(node: &Node<'_>) -> String {
    let name = &node.site.machine().name;
    let copy = format!("on {name}, copy {STATE} and /var/lib/rancher/k3s/server/token to another place");
    if is_kept(node) {
        format!(
            "{name} keeps the cluster in SQLite, which moves to etcd before other servers join: {copy}; then `apply --only \
             machine/{name} --replace {name}` (its data disk stays, and K3s moves what is on it); then apply the rest"
        )
    } else {
        format!(
            "{name} keeps the cluster in SQLite on its root disk, which a replacement loses: {copy}; write `cluster-init: \
             true` to /etc/rancher/k3s/config.yaml.d/etcd.yaml there; `systemctl restart k3s`; go on once `kubectl get \
             node {name}` shows the role etcd"
        )
    }
}

/// Whether the state is on a data disk.
fn is_kept(node: &Node<'_>) -> bool {
    let disks = node.site.machine().disks.iter();
    disks.filter_map(|disk| disk.mount.as_ref()).any(|mount| STATE.is_within(mount))
}

fn subnets(subnets: &[Subnet]) -> String {
    subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
