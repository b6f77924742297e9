//! The facts of a node and of its cluster when its machine is made. Its state keeps some of them for ever.

use std::sync::Arc;

use super::server::STATE;
use super::settings::{self, settled};
use super::{Node, config};
use crate::addr::Subnet;
use crate::checked::{Idx, Machine};
use crate::given::{Given, Leaf as _};
use crate::k3s::resolved::Cluster;
use crate::k3s::{Version, goes_back, skips_a_minor};
use crate::path::AbsPath;
use crate::role::{FactChange, Facts};

/// The release.
pub(super) const RELEASE: &str = "release";
/// Where the state is: on the servers, or in a database.
pub(super) const DATASTORE: &str = "datastore";
/// The state is in a database.
pub(super) const DATABASE: &str = "database";
/// The database of a PostgreSQL of the cloud, in which the state is.
const NAMED: &str = "datastore-of";
/// The store of a server's state.
pub(super) const HELD: &str = "state";
/// A single server keeps it in SQLite.
pub(super) const SQLITE: &str = "sqlite";
/// How a server starts without a state.
pub(super) const START: &str = "start";
/// It begins the cluster.
pub(super) const BEGINS: &str = "begins";
/// The servers that the firewall inside a server lets in.
pub(super) const ADMITS: &str = "admits";
/// The balancers that it lets in.
pub(super) const BALANCERS: &str = "balancers";
/// A machine without a firewall lets everybody in.
pub(super) const ALL: &str = "all";

/// Where an agent keeps the images and containers of its runtime.
const RUNTIME: AbsPath = AbsPath::literal("/var/lib/rancher/k3s/agent");

/// The release; the networks of pods and of Services (docs.k3s.io, *Networking*: `cluster-cidr` and `service-cidr` cannot
/// be changed once the cluster is there); and where the state is (*Datastore*, *High Availability Embedded etcd*: a server
/// with SQLite moves to etcd when it starts with `cluster-init`).
pub(super) fn server(node: &Node<'_>) -> Facts {
    let cluster = node.cluster;
    let facts = release(node, named(node, cluster.has_etcd() && is_kept(node, &STATE)));
    let facts = of_names(facts, ADMITS, admitted(node, &cluster.servers));
    let facts = if cluster.endpoint.is_balanced {
        let balancers = admitted(node, &cluster.endpoint.machines);
        of_names(facts, BALANCERS, balancers)
    } else {
        facts
    };
    let facts = facts.and(&cluster.facts);
    if cluster.said().datastore.is_some() {
        return facts;
    }
    // Who began is history: a server that is there starts with its state, however it came to it.
    let history = |_: &str| FactChange::Nothing;
    let facts = if node.is_initial() {
        facts.judged(START, BEGINS, history).begins_instance()
    } else {
        facts.judged(START, "joins", history)
    };
    if !cluster.has_etcd() {
        // K3s goes on with the etcd that it finds, whatever it is asked for.
        return facts.judged(HELD, SQLITE, |was| match was {
            "etcd" => FactChange::Nothing,
            _ => FactChange::Replacement,
        });
    }
    if is_kept(node, &STATE) {
        addressed(node, facts).in_order(HELD, "etcd", to_etcd(node))
    } else {
        facts.beforehand(HELD, "etcd", to_etcd(node))
    }
}

/// The facts that every server of a cluster has alike: the networks, the settings, where the state is, and that it is of this cluster.
pub(crate) fn of_cluster(cluster: &Cluster) -> Facts {
    let name = &cluster.name;
    let kept: Arc<str> = format!(
        "a cluster keeps the networks that it began with: leave them as they were, or make a new cluster with another name \
         and move what runs in {name} there"
    )
    .into();
    let bound = format!(
        "the tokens and authorities of a cluster are derived from its name, and the state on its disk is of the cluster \
         that it was made for, so K3s would not start as a server of {name}: leave the cluster its name, and make a new \
         cluster of new machines"
    );
    let networks = [("pods", &cluster.pods), ("services", &cluster.services)];
    let facts = networks.into_iter().fold(Facts::new().bound_to_instance(bound), |facts, (key, networks)| {
        let kept = Arc::clone(&kept);
        settled(cluster, facts, key, subnets(networks), move |_| Some(kept.to_string()))
    });
    let facts = settings::facts(cluster, facts);
    let has_database = cluster.said().datastore.is_some();
    let kept = format!(
        "K3s does not move the state of {name} between its servers and a database: leave it as it was"
    );
    let facts = facts.fixed(DATASTORE, if has_database { DATABASE } else { "servers" }, kept);
    let named = cluster.said().datastore.as_ref().and_then(|datastore| {
        let postgresql = datastore.postgresql.as_ref()?.ok()?;
        Some(format!("{}/{postgresql}", datastore.database_name()))
    });
    let facts = match named {
        Some(named) => {
            let why: Arc<str> = format!(
                "K3s would begin {name} in a database without its state: name the database that it has. To move, copy the state by `pg_dump`, and \
                 make the servers anew by `destroy --only`"
            )
            .into();
            // The state is not on the servers' disks, so that nothing else holds a change back.
            facts.judged(NAMED, named, move |_| FactChange::Refused(Arc::clone(&why)))
        }
        None => facts,
    };
    let facts = if has_database {
        facts.state_elsewhere(format!("the database of the cluster {name}"))
    } else if cluster.has_etcd() {
        facts.stale_after_removal(format!(
            "{name} has gone on without it, and etcd never takes a removed member back with the directory that it had: K3s \
             would stop at its start"
        ))
    } else {
        facts
    };
    facts.fitted()
}

/// The name of the node of an agent, and its release.
pub(super) fn agent(node: &Node<'_>) -> Facts {
    let (version, keeps) = (node.cluster.agent_version, is_kept(node, &RUNTIME));
    let why = format!(
        "the disk of {} has the images and containers of the newer one, which an older K3s does not read: leave the release \
         of the agents as it was, or make another machine",
        node.site.machine().name
    );
    named(node, false).judged(RELEASE, version.to_string(), move |was| match Version::parse(was) {
        Ok(was) if keeps && goes_back(was, version) => FactChange::Refused(why.as_str().into()),
        _ => FactChange::Replacement,
    })
}

/// The release of a server (docs.k3s.io, *Upgrades*; Kubernetes, *Version Skew Policy*): its datastore does not go back,
/// and API servers go up one minor version at a time. One that begins a new cluster may have any.
fn release(node: &Node<'_>, facts: Facts) -> Facts {
    let (cluster, version) = (node.cluster, node.cluster.version);
    let said = cluster.said();
    let upgraded = said.upgraded_from.as_ref().and_then(Given::ok).copied();
    let is_alone = cluster.servers.len() == 1 && said.datastore.is_none();
    let (of, name) = (cluster.name.to_string(), node.site.machine().name.to_string());
    facts.judged(RELEASE, version.to_string(), move |was| {
        let Ok(born) = Version::parse(was) else { return FactChange::Replacement };
        // fmc does not see an upgrade in place: the cloud says it.
        let from = upgraded.map_or(born, |said| born.max(said));
        let why = if goes_back(from, version) {
            format!(
                "the datastore of {of} cannot go back: write {from} or a later release as `version`; to go back, restore \
                 a snapshot of the older release into a new cluster"
            )
        } else if skips_a_minor(from, version) {
            format!(
                "Kubernetes goes up one minor version at a time: write {} as `version`, each time replace the servers one \
                 after another (`apply --replace {name}`, and wait until its node is Ready) before you go on; if {name} \
                 was upgraded in place since it was made, write what it runs as `upgraded_from`",
                steps(from, version)
            )
        } else {
            return FactChange::Replacement;
        };
        if is_alone { FactChange::Impossible(why.into()) } else { FactChange::Refused(why.into()) }
    })
}

/// The releases on the way from one to another: the last of each minor version between, and the other.
fn steps(from: Version, to: Version) -> String {
    let between = (from.minor().saturating_add(1)..to.minor()).map(|minor| format!("of v1.{minor}"));
    let words: Vec<String> = between.chain([to.to_string()]).collect();
    format!("the last release {}", words.join(", then "))
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

/// The address of a member of etcd whose state is on a data disk: etcd keeps it with the state.
fn addressed(node: &Node<'_>, facts: Facts) -> Facts {
    let Some(address) = config::addresses(node).next() else { return facts };
    let name = &node.site.machine().name;
    let why = format!(
        "etcd knows {name} by its address, and K3s with the state on its disk would stop, because that is of no member: leave \
         {name} its address, or make a server with another name and then remove this one"
    );
    facts.fixed("address", address.to_string(), why)
}

/// A fact with names in any order: a mark may have them in the order in which a cloud once stated them.
fn of_names(facts: Facts, key: &'static str, names: String) -> Facts {
    let sorted = |names: &str| {
        let mut all: Vec<String> = names.split(',').map(str::to_owned).collect();
        all.sort();
        all
    };
    let wanted = sorted(&names);
    facts.judged(key, names, move |was| match sorted(was) == wanted {
        true => FactChange::Nothing,
        false => FactChange::Replacement,
    })
}

/// The machines of these that the firewall of a server lets in.
fn admitted(node: &Node<'_>, machines: &[Idx<Machine>]) -> String {
    if !node.site.machine().firewall {
        return ALL.to_owned();
    }
    let machines = machines.iter().filter_map(|at| node.site.cloud().at(*at));
    machines.map(|machine| machine.name.as_str()).collect::<Vec<_>>().join(",")
}

/// The steps that move SQLite to etcd with its data.
fn to_etcd(node: &Node<'_>) -> String {
    let name = &node.site.machine().name;
    let copy = format!("on {name}, copy {STATE} and /var/lib/rancher/k3s/server/token to another place");
    if is_kept(node, &STATE) {
        format!(
            "{name} keeps the cluster in SQLite, which moves to etcd before other servers join: {copy}; then `apply --only \
             machine/{name} --replace {name}` (its data disk stays, and K3s moves what is on it); then apply the rest"
        )
    } else {
        format!(
            "{name} keeps the cluster in SQLite on its root disk, which a replacement loses: {copy}; write `cluster-init: \
             true` to /etc/rancher/k3s/config.yaml.d/etcd.yaml there; `systemctl restart k3s`; once `kubectl get node {name}` \
             shows the role etcd, `apply` without `--replace {name}`"
        )
    }
}

/// Whether a folder is on a data disk.
fn is_kept(node: &Node<'_>, path: &AbsPath) -> bool {
    let disks = node.site.machine().disks.iter();
    disks.filter_map(|disk| disk.mount.as_ref()).any(|mount| path.is_within(mount))
}

fn subnets(subnets: &[Subnet]) -> String {
    subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
