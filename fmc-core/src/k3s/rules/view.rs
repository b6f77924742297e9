//! The clusters of a draft with their machines looked up.

use std::collections::BTreeSet;

use crate::check::view::{View, text};
use crate::given::Given;
use crate::k3s;
use crate::name::MachineName;
use crate::named::Keyed as _;
use crate::sort;

/// A K3s cluster with its machines.
pub(crate) struct Cluster<'a> {
    pub(crate) draft: &'a k3s::Cluster,
    /// Its servers that are machines of the cloud, each once, in the user's order.
    pub(crate) servers: Vec<usize>,
    /// Its agents, likewise; a machine that is a server too is not among them.
    pub(crate) agents: Vec<usize>,
}

impl Cluster<'_> {
    /// Its machines: servers, then agents.
    pub(crate) fn members(&self) -> impl Iterator<Item = usize> {
        self.servers.iter().chain(&self.agents).copied()
    }

    /// Whether its state is in an etcd on its servers; see `k3s::resolved`.
    pub(crate) fn has_etcd(&self) -> bool {
        let snapshots = self.draft.snapshots.as_ref().is_some_and(|snapshots| snapshots.enabled);
        self.draft.datastore.is_none() && (snapshots || self.draft.servers.len() > 1)
    }
}

/// The clusters, in the order of their names.
pub(super) fn clusters<'a>(view: &View<'a>) -> Vec<Cluster<'a>> {
    let (cloud, machines) = (view.cloud, &view.machine_index);
    let mut clusters: Vec<Cluster<'a>> = Vec::with_capacity(cloud.clusters.len());
    for draft in &cloud.clusters {
        let mut seen = BTreeSet::new();
        let mut members = |names: &[Given<MachineName>]| -> Vec<usize> {
            let known = names.iter().filter_map(|name| machines.get(text(name)).copied());
            known.filter(|machine| seen.insert(*machine)).collect()
        };
        let (servers, agents) = (members(&draft.servers), members(&draft.agents));
        clusters.push(Cluster { draft, servers, agents });
    }
    sort::by_key(&mut clusters, |cluster| text(cluster.draft.name()));
    clusters
}
