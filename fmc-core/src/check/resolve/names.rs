//! The resolvers and the domain of a machine, and where each is said.

use std::net::IpAddr;

use crate::addr::Ip;
use crate::check::view::{Placed, View, route_of};
use crate::given::Given;
use crate::name::DomainName;

/// The resolvers of a machine, and which value names them.
pub(crate) fn resolvers(view: &View<'_>, placed: &Placed<'_>) -> Option<(Vec<IpAddr>, ResolversFrom)> {
    let right =
        |given: &[Given<Ip>]| given.iter().map(|ip| ip.ok().map(|ip| ip.get())).collect::<Option<Vec<_>>>();
    if !placed.draft.resolvers.is_empty() {
        return Some((right(&placed.draft.resolvers)?, ResolversFrom::Machine));
    }
    for link in &placed.links {
        let Some(at) = link.network else { continue };
        let net = view.network(at)?;
        if !net.draft.resolvers.is_empty() {
            return Some((right(&net.draft.resolvers)?, ResolversFrom::Network(at)));
        }
    }
    if !view.cloud.resolvers.is_empty() {
        return Some((right(&view.cloud.resolvers)?, ResolversFrom::Cloud));
    }
    // libvirt's dnsmasq answers on the gateway of every network that is its own.
    let gateway = route_of(view, placed)
        .or(if placed.links.is_empty() { None } else { Some(0) })
        .and_then(|at| placed.links.get(at)?.network)
        .and_then(|at| view.network(at))
        .filter(|net| net.is_own())
        .and_then(|net| net.ipv4.as_ref().or(net.ipv6.as_ref())?.gateway);
    Some((gateway.into_iter().collect(), ResolversFrom::Gateway))
}

/// Which value names the resolvers of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResolversFrom {
    /// The machine's own list.
    Machine,
    /// The list of this network.
    Network(usize),
    /// The cloud's list.
    Cloud,
    /// No value: the gateway is the resolver.
    Gateway,
}

/// The domain of a machine: that of the first of its networks that has one, or else the cloud's.
pub(crate) fn domain_of<'a>(view: &View<'a>, placed: &Placed<'a>) -> Option<&'a DomainName> {
    placed
        .links
        .iter()
        .filter_map(|link| view.networks.get(link.network?)?.draft.domain.as_ref()?.ok())
        .next()
        .or_else(|| view.cloud.domain.as_ref()?.ok())
}
