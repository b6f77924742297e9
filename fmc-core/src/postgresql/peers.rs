//! The callers of databases: one list, of which flows, listen addresses and `pg_hba.conf` are made.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Database, Postgresql};
use crate::checked::{Addressing, Checked, Machine, Network, Sources};
use crate::flow::Peer;
use crate::k3s;

/// The kind of a K3s server's role.
const K3S_SERVER: &str = "k3s-server";

/// The clusters of K3s whose datastore is a PostgreSQL of the cloud, each with the name of the database.
pub(super) fn clusters<'s>(
    postgresql: &Postgresql,
    cloud: &'s Checked,
) -> impl Iterator<Item = (&'s k3s::resolved::Cluster, String)> {
    let name = postgresql.instance_name().to_owned();
    cloud.clusters().iter().filter_map(move |cluster| {
        let datastore = cluster.said().datastore.as_ref()?;
        let of = datastore.postgresql.as_ref()?.ok()?;
        (of.as_str() == name).then(|| (cluster, datastore.database_name()))
    })
}

/// The peers that may connect to a database.
pub(super) fn of_database(postgresql: &Postgresql, database: &Database, cloud: &Checked) -> Vec<Peer> {
    let own = database.from.iter().cloned();
    let name = database.name.ok().map(|name| name.as_str().to_owned());
    let servers = clusters(postgresql, cloud)
        .filter(|(_, database)| Some(database) == name.as_ref())
        .map(|(cluster, _)| Peer::role(K3S_SERVER).of(cluster.name.as_str()));
    own.chain(servers).collect()
}

/// All peers of all databases, each once.
pub(super) fn all(postgresql: &Postgresql, cloud: &Checked) -> Vec<Peer> {
    let mut all: Vec<Peer> = Vec::new();
    for peer in postgresql.databases.iter().flat_map(|database| of_database(postgresql, database, cloud)) {
        if !all.contains(&peer) {
            all.push(peer);
        }
    }
    all
}

/// The addresses of a machine that its callers come to: those on their networks, or else the one by which others find it.
pub(super) fn listened(machine: &Machine, cloud: &Checked, callers: &[Sources]) -> BTreeSet<IpAddr> {
    let mut listened = BTreeSet::new();
    let has_caller = |network: &Network, sources: &Sources| match sources {
        Sources::Anywhere => true,
        Sources::Subnets(subnets) => {
            let own = [&network.ipv4, &network.ipv6].into_iter().flatten().map(|family| family.subnet);
            let mut pairs = own.flat_map(|own| subnets.iter().map(move |caller| (own, caller)));
            pairs.any(|(own, caller)| own.contains(caller.network()) || caller.contains(own.network()))
        }
    };
    for sources in callers {
        let near = machine.interfaces.iter().filter(|interface| {
            cloud.at(interface.network).is_some_and(|network| has_caller(network, sources))
        });
        let near: Vec<IpAddr> = near
            .flat_map(|interface| [interface.ipv4, interface.ipv6].into_iter().flatten())
            .filter_map(Addressing::address)
            .collect();
        if near.is_empty() {
            listened.extend(machine.address());
        }
        listened.extend(near);
    }
    listened
}
