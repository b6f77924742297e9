//! Balancers: how many machines one is on, and the address that they share.
//!
//! The shared address is judged on the resolved cloud, where the networks and addresses of machines are; a balancer whose leaves or
//! machines are wrong is passed over.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::balancer::keepalived::MOST;
use crate::balancer::{Balancer, VirtualRouter, address_on, home};
use crate::check::view::{View, text};
use crate::checked::{Checked, Family, Forward, Idx, Machine, Network};
use crate::finding::{Finding, Kind};
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
    /// Its machines; `None` where one is not there.
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

    /// What says the virtual router: the address, where no number is said.
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

/// One machine at least, each once, and as many as keepalived has distances between priorities for.
fn members(one: &Stated<'_>, findings: &mut Vec<Finding>) {
    let names = one.balancer.machines();
    let at = format!("{}.machines", one.at);
    let mut wrong = |at: &str, message: String, help: &str| {
        findings.push(Finding::new(Kind::BalancerMembers, at, message, help));
    };
    if names.is_empty() {
        wrong(
            &at,
            "the balancer is on no machine".to_owned(),
            "name one machine, or two that share an address",
        );
    }
    if names.len() > MOST {
        wrong(
            &at,
            format!("the balancer is on {} machines", names.len()),
            "name 8 at most; 2 are enough to lose one",
        );
    }
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|other| text(other) == text(name)) {
            wrong(
                &format!("{at}[{index}]"),
                format!("the balancer is on {name} twice"),
                "name each machine once",
            );
        }
    }
}

/// Several machines have nothing in common but a shared address.
fn missing(one: &Stated<'_>, findings: &mut Vec<Finding>) {
    if one.balancer.machines().len() > 1 && one.balancer.virtual_address.is_none() {
        findings.push(Finding::new(
            Kind::BalancerAddressMissing,
            &one.at,
            "the balancer is on several machines that share no address: who calls one of them loses its calls with it",
            "give them a free address of a network that all are on: `.virtual_address(\"10.17.5.10\")`",
        ));
    }
}

/// The shared address is one of a network that all machines are on, with an address of their own.
fn outside(one: &Stated<'_>, findings: &mut Vec<Finding>) {
    let (Some(shared), Some(machines)) = (one.shared, &one.machines) else { return };
    let mut wrong = |message: String, help: String| {
        findings.push(Finding::new(Kind::BalancerAddressOutside, one.address(), message, help));
    };
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
        let names: Vec<&str> = machines.iter().map(|machine| machine.name.as_str()).collect();
        let names = names.join(" and ");
        if !names.is_empty() {
            let help = match common {
                Some((network, subnet)) => format!("write a free address of {} ({subnet})", network.name),
                None => format!("put {names} on one network, and write a free address of it"),
            };
            wrong(format!("{shared} is in no subnet that {names} have in common"), help);
        }
        return;
    };
    if let Some(machine) = machines.iter().find(|machine| address_on(machine, home, shared).is_none()) {
        let network = one.network().map(|network| network.name.as_str()).unwrap_or_default();
        wrong(
            format!(
                "{} has no address of its own on {network}, by which the others would know it",
                machine.name
            ),
            format!("give its interface on {network} a static or reserved address"),
        );
    }
}

/// Nobody else has the shared address: no machine, no router, no reservation, and nobody by chance.
fn taken(one: &Stated<'_>, cloud: &Checked, findings: &mut Vec<Finding>) {
    let (Some(shared), Some(home), Some(network)) = (one.shared, one.home, one.network()) else { return };
    let Some(family) = family(network, shared) else { return };
    let mut wrong = |whose: String, also: Option<String>| {
        let finding = Finding::new(
            Kind::BalancerAddressTaken,
            one.address(),
            format!("{shared} is {whose}"),
            format!("write an address of {} ({}) that nobody has", network.name, family.subnet),
        );
        findings.push(match also {
            Some(also) => finding.also(also),
            None => finding,
        });
    };
    for machine in cloud.machines() {
        for (index, interface) in machine.interfaces.iter().enumerate() {
            let mut own = [interface.ipv4, interface.ipv6].into_iter().flatten();
            if interface.network == home && own.any(|addressing| addressing.address() == Some(shared)) {
                let at = format!("machines.{}.interfaces[{index}]", machine.name);
                wrong(format!("the address of {}", machine.name), Some(at));
                return;
            }
        }
    }
    if family.gateway == Some(shared) {
        wrong(format!("the gateway of {}", network.name), Some(format!("networks.{}", network.name)));
    } else if network.reservations.iter().any(|reservation| reservation.address == shared) {
        wrong("reserved".to_owned(), Some(format!("networks.{}.reservations", network.name)));
    } else if let Some(range) = family.dhcp.filter(|range| range.contains(shared)) {
        let whose = format!("in {range}, which DHCP on {} hands out to anyone", network.name);
        wrong(whose, Some(format!("networks.{}.dhcp", network.name)));
    }
}

/// Two balancers share different addresses.
fn shared_twice(all: &[Stated<'_>], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(Idx<Network>, IpAddr), &Stated<'_>> = BTreeMap::new();
    for one in all {
        let Some(key) = one.home.zip(one.shared) else { continue };
        if let Some(other) = seen.insert(key, one) {
            findings.push(
                Finding::new(
                    Kind::BalancerAddressTaken,
                    one.address(),
                    format!("{} is the shared address of another balancer", key.1),
                    "give each balancer an address of its own",
                )
                .also(other.address()),
            );
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
        // Each family has numbers of its own (RFC 5798, section 5.2.3); two balancers of one address are told of already.
        let Some(other) = seen.insert((wire, shared.is_ipv4(), router), one) else { continue };
        if other.shared != one.shared {
            let free = (1..=u8::MAX)
                .filter_map(VirtualRouter::new)
                .find(|free| all.iter().all(|other| other.balancer.router() != Some(*free)));
            let free = free.map(|free| format!(": `.virtual_router({free})`")).unwrap_or_default();
            findings.push(
                Finding::new(
                    Kind::BalancerRouterDuplicate,
                    one.router(),
                    format!("two balancers have the virtual router id {router} on {}", network.name),
                    format!("give one of them a number that nobody has there{free}"),
                )
                .also(other.router()),
            );
        }
    }
}

/// What VRRP is heard on.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Wire<'a> {
    Network(Idx<Network>),
    Bridge(&'a str),
}

fn family(network: &Network, like: IpAddr) -> Option<&Family> {
    if like.is_ipv4() { network.ipv4.as_ref() } else { network.ipv6.as_ref() }
}
