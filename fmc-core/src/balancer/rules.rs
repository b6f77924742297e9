//! Balancers: how many machines one is on, and the address that they share.
//!
//! The shared address is checked on the resolved cloud, which has the networks and addresses of machines. A balancer
//! with wrong leaves or machines is skipped.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::problem::{BalancerProblem, Whose};
use crate::balancer::keepalived::MOST;
use crate::balancer::{Balancer, VirtualRouter, address_on, home};
use crate::check::view::{View, text};
use crate::checked::{Checked, Family, Forward, Idx, Machine, Network};
use crate::finding::{Finding, NameList};
use crate::given::Given;
use crate::k3s::Endpoint;

/// Looks at all balancers.
pub(crate) fn check(view: &View<'_>, cloud: &Checked, findings: &mut Vec<Finding>) {
    let all: Vec<Stated<'_>> = stated(view, cloud).collect();
    for one in &all {
        members(one, findings);
        missing(one, findings);
        outside(one, findings);
        taken(one, cloud, findings);
    }
    shared_twice(&all, findings);
    routers(&all, cloud, findings);
}

/// A balancer of a cluster.
struct Stated<'a> {
    at: String,
    balancer: &'a Balancer,
    /// Its machines; `None` if one is missing.
    machines: Option<Vec<&'a Machine>>,
    shared: Option<IpAddr>,
    /// The network of the shared address, by index, if all machines are on it.
    home: Option<Idx<Network>>,
    cloud: &'a Checked,
}

fn stated<'a>(view: &'a View<'_>, cloud: &'a Checked) -> impl Iterator<Item = Stated<'a>> {
    view.cloud.clusters.iter().filter_map(|cluster| {
        let Endpoint::Balancer(balancer) = &cluster.endpoint else { return None };
        let machine = |name: &Given<_>| cloud.machine(text(name));
        let machines: Option<Vec<&Machine>> = balancer.machines().iter().map(machine).collect();
        let shared = balancer.shared();
        let home = shared.zip(machines.as_ref()).and_then(|(shared, machines)| {
            let mut homes =
                machines.iter().map(|machine| home(cloud, machine, shared).map(|(network, _)| network));
            let first = homes.next()??;
            homes.all(|other| other == Some(first)).then_some(first)
        });
        let at = format!("clusters.{}.endpoint.balancer", text(&cluster.name));
        Some(Stated { at, balancer, machines, shared, home, cloud })
    })
}

impl Stated<'_> {
    fn address(&self) -> String {
        format!("{}.virtual_address", self.at)
    }

    /// The setting that decides the virtual router id: the address, unless a number is set.
    fn router(&self) -> String {
        if self.balancer.virtual_router.is_some() {
            format!("{}.virtual_router", self.at)
        } else {
            self.address()
        }
    }

    fn network(&self) -> Option<&Network> {
        self.cloud.at(self.home?)
    }
}

/// At least one machine, each once, and at most as many as keepalived has distinct priorities for.
fn members(one: &Stated<'_>, findings: &mut Vec<Finding>) {
    let names = one.balancer.machines();
    let at = format!("{}.machines", one.at);
    if names.is_empty() {
        findings.push(BalancerProblem::NoMachine.at(&at));
    }
    if names.len() > MOST {
        findings.push(BalancerProblem::TooMany { count: names.len(), most: MOST }.at(&at));
    }
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|other| text(other) == text(name)) {
            let problem = BalancerProblem::Twice { machine: name.to_string() };
            findings.push(problem.at(format_args!("{at}[{index}]")));
        }
    }
}

/// Several machines have nothing in common but a shared address.
fn missing(one: &Stated<'_>, findings: &mut Vec<Finding>) {
    if one.balancer.machines().len() > 1 && one.balancer.virtual_address.is_none() {
        findings.push(BalancerProblem::NoAddress.at(&one.at));
    }
}

/// The shared address is in a network on which every machine has an address of its own.
fn outside(one: &Stated<'_>, findings: &mut Vec<Finding>) {
    let (Some(shared), Some(machines)) = (one.shared, &one.machines) else { return };
    let mut wrong = |problem: BalancerProblem| findings.push(problem.at(one.address()));
    let Some(home) = one.home else {
        let on = |machine: &Machine, index: Idx<Network>| {
            machine.interfaces.iter().any(|one| one.network == index)
        };
        let common = one
            .cloud
            .each::<Network>()
            .filter(|(index, _)| machines.iter().all(|machine| on(machine, *index)))
            .filter_map(|(_, network)| Some((network, family(network, shared)?.subnet)))
            .next();
        let names = NameList::new(machines.iter().map(|machine| machine.name.as_str()));
        if !names.is_empty() {
            wrong(match common {
                Some((network, subnet)) => {
                    let network = network.name.to_string();
                    BalancerProblem::Outside { address: shared, machines: names, network, subnet }
                }
                None => BalancerProblem::NothingInCommon { address: shared, machines: names },
            });
        }
        return;
    };
    if let Some(machine) = machines.iter().find(|machine| address_on(machine, home, shared).is_none()) {
        let network = one.network().map(|network| network.name.as_str()).unwrap_or_default();
        wrong(BalancerProblem::NoOwnAddress {
            machine: machine.name.to_string(),
            network: network.to_owned(),
        });
    }
}

/// The shared address belongs to no machine, router or reservation, and DHCP does not hand it out.
fn taken(one: &Stated<'_>, cloud: &Checked, findings: &mut Vec<Finding>) {
    let (Some(shared), Some(home), Some(network)) = (one.shared, one.home, one.network()) else { return };
    let Some(family) = family(network, shared) else { return };
    let mut wrong = |whose: Whose, also: String| {
        let (network, subnet) = (network.name.to_string(), family.subnet);
        let problem = BalancerProblem::Taken { address: shared, whose, network, subnet };
        findings.push(problem.at(one.address()).also(also));
    };
    for machine in cloud.machines() {
        for (index, interface) in machine.interfaces.iter().enumerate() {
            let mut own = [interface.ipv4, interface.ipv6].into_iter().flatten();
            if interface.network == home && own.any(|addressing| addressing.address() == Some(shared)) {
                let at = format!("machines.{}.interfaces[{index}]", machine.name);
                wrong(Whose::Machine(machine.name.to_string()), at);
                return;
            }
        }
    }
    if family.gateway == Some(shared) {
        wrong(Whose::Gateway, format!("networks.{}", network.name));
    } else if network.reservations.iter().any(|reservation| reservation.address == shared) {
        wrong(Whose::Reservation, format!("networks.{}.reservations", network.name));
    } else if let Some(range) = family.dhcp.filter(|range| range.contains(shared)) {
        wrong(Whose::Dhcp(range), format!("networks.{}.dhcp", network.name));
    }
}

/// Two balancers share different addresses.
fn shared_twice(all: &[Stated<'_>], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(Idx<Network>, IpAddr), &Stated<'_>> = BTreeMap::new();
    for one in all {
        let Some(key) = one.home.zip(one.shared) else { continue };
        if let Some(other) = seen.insert(key, one) {
            findings.push(BalancerProblem::Shared { address: key.1 }.at(one.address()).also(other.address()));
        }
    }
}

/// Two balancers on one network have different numbers there.
fn routers(all: &[Stated<'_>], cloud: &Checked, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(Wire<'_>, bool, VirtualRouter), &Stated<'_>> = BTreeMap::new();
    for one in all {
        let (Some(home), Some(shared), Some(router)) = (one.home, one.shared, one.balancer.router()) else {
            continue;
        };
        let Some(network) = cloud.at(home) else { continue };
        let wire = match network.forward {
            // Several networks may be on one bridge of the host's.
            Forward::Bridge => Wire::Bridge(network.bridge.as_str()),
            _ => Wire::Network(home),
        };
        // Each family has numbers of its own (RFC 5798, section 5.2.3); another finding reports two balancers with one
        // address.
        let Some(other) = seen.insert((wire, shared.is_ipv4(), router), one) else { continue };
        if other.shared != one.shared {
            let free = (1..=u8::MAX)
                .filter_map(VirtualRouter::new)
                .find(|free| all.iter().all(|other| other.balancer.router() != Some(*free)));
            let (router, network) = (router.to_string(), network.name.to_string());
            let problem = BalancerProblem::SameRouter { router, network, free: free.map(VirtualRouter::get) };
            findings.push(problem.at(one.router()).also(other.router()));
        }
    }
}

/// The address that VRRP is received on.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Wire<'a> {
    Network(Idx<Network>),
    Bridge(&'a str),
}

fn family(network: &Network, like: IpAddr) -> Option<&Family> {
    if like.is_ipv4() { network.ipv4.as_ref() } else { network.ipv6.as_ref() }
}
