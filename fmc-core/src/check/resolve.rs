//! From a draft without errors to the checked cloud: bare leaves, sorted by name, references as indices.
//!
//! Routes between the routed networks of a host are derived for a machine whose default route leads elsewhere: a balancer
//! on the LAN reaches the cluster's network without a route in the cloud.

mod host;
mod host_key;
mod image;
mod machine;
mod names;
mod network;

use super::view::View;
use crate::checked::build::{Building, index};
use crate::checked::{self, Idx, OfRoles};
use crate::dns::CheckedDns;
use crate::given::{Given, Leaf};
use crate::named::{Keyed, Named};
use crate::role::Spanning;
use crate::roles::ROOMS;
use crate::sort;

pub(crate) use host::RESERVE;
pub(crate) use names::{ResolversFrom, domain_of, resolvers};
pub(crate) use network::bridge_of;

/// A resolved draft.
pub(crate) struct Resolved {
    /// The right part of it: hosts, networks and machines with a wrong leaf or reference are left out.
    pub(crate) cloud: Building,
    /// Whether nothing is left out.
    pub(crate) is_whole: bool,
}

/// Resolves the right part of a draft; `None` if the cloud has no valid name or owner.
pub(crate) fn resolve(view: &View<'_>) -> Option<Resolved> {
    let hosts: Vec<Option<checked::Host>> = view.hosts.iter().map(|draft| host::host(draft)).collect();
    let (order, hosts) = Order::of(hosts, &view.cloud.hosts);
    let name = view.cloud.name.ok()?.clone();
    let mut cloud = Building::new(name, view.owner.clone()?, view.cloud.lab, hosts);
    cloud.set_prefixed(view.cloud.prefixed);
    cloud.set_derivation(view.cloud.secrets.derivation);
    let networks = view.networks.iter().map(|net| network::network(view, net, &order, &cloud)).collect();
    let (networks, resolved) = Order::of(networks, &view.cloud.networks);
    cloud.set_networks(resolved);
    let mut shared = machine::Shared::default();
    let machines = view.machines.iter();
    let machines = machines
        .map(|placed| machine::machine(view, placed, &order, &networks, &cloud, &mut shared))
        .collect();
    let (machines, resolved) = Order::of(machines, &view.cloud.machines);
    cloud.set_machines(resolved);
    network::attach(&mut cloud);
    let mut of_roles = OfRoles::default();
    let mut rooms_are_whole = true;
    for room in ROOMS {
        rooms_are_whole &= room.resolve(view.cloud, &cloud, &mut of_roles);
    }
    cloud.set_of_roles(of_roles);
    let domain = view.cloud.domain.as_ref().and_then(Given::ok);
    cloud.set_dns(view.cloud.dns.as_ref().map(|dns| CheckedDns::new(dns.clone(), domain.cloned())));
    cloud.set_people(view.cloud.people.clone());
    cloud.set_stated_clusters(view.cloud.clusters.iter().map(|cluster| cluster.name.to_string()).collect());
    cloud.set_role_values(view.cloud.roles.iter().map(Spanning::shared).collect());
    let is_whole = rooms_are_whole && order.is_whole && networks.is_whole && machines.is_whole;
    let is_whole = is_whole && optional(view.cloud.time_zone.as_ref()).is_some();
    Some(Resolved { cloud, is_whole })
}

/// The new indices of a draft's values once they are sorted by name.
struct Order<T> {
    /// The new index of each value of the draft; `None` if it is left out.
    rank: Vec<Option<Idx<T>>>,
    /// Whether none is left out.
    is_whole: bool,
}

impl<T> Order<T> {
    /// Sorts the resolved values.
    fn of<D: Keyed>(resolved: Vec<Option<T>>, drafts: &Named<D>) -> (Self, Vec<T>)
    where
        D::Name: AsRef<str>,
    {
        let mut rank = vec![None; resolved.len()];
        let is_whole = resolved.iter().all(Option::is_some);
        let named = resolved.into_iter().zip(drafts).enumerate();
        let mut order: Vec<(&str, usize, T)> = named
            .filter_map(|(old, (value, draft))| Some((draft.name().ok()?.as_ref(), old, value?)))
            .collect();
        sort::by_key(&mut order, |(name, old, _)| (*name, *old));
        let values = order.into_iter().enumerate().map(|(new, (_, old, value))| {
            if let Some(rank) = rank.get_mut(old) {
                *rank = Some(index(new));
            }
            value
        });
        let values = values.collect();
        (Self { rank, is_whole }, values)
    }

    fn new_index(&self, old: usize) -> Option<Idx<T>> {
        self.rank.get(old).copied().flatten()
    }
}

/// A leaf that may be left out: `Some(None)` when it is, `None` when it is wrong.
fn optional<T: Leaf>(given: Option<&Given<T>>) -> Option<Option<T>> {
    given.map_or(Some(None), |given| given.ok().cloned().map(Some))
}

/// A leaf with a default.
fn or<T: Leaf>(given: Option<&Given<T>>, default: T) -> Option<T> {
    optional(given).map(|value| value.unwrap_or(default))
}

/// Leaves that must all be right, sorted and without duplicates.
fn each<T: Leaf + Ord>(given: &[Given<T>]) -> Option<Vec<T>> {
    let mut values = given.iter().map(|given| given.ok().cloned()).collect::<Option<Vec<_>>>()?;
    sort::all(&mut values);
    values.dedup();
    Some(values)
}
