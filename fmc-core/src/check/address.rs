//! Addresses: two holders of one, addresses that the network does not have, subnets that overlap, MACs and host names.

use std::net::IpAddr;

use super::view::{View, text};
use crate::addr::{Subnet, is_rfc1918};
use crate::finding::{Finding, NameList, for_example, problems};
use crate::sort;

mod free;
pub(super) mod identity;
pub(super) mod missing;
pub(super) mod place;
pub(super) mod subnet;

/// Looks at every address.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let uses = uses(view);
    duplicates(view, &uses, findings);
    place::check(view, &uses, findings);
    missing::check(view, &uses, findings);
    subnet::check(view, findings);
    identity::check(view, findings);
    public(view, findings);
}

/// The holder of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    /// An interface of a machine, by index, and the field with the address.
    Interface(usize, usize, &'static str),
    /// A reservation of a network, by index.
    Reservation(usize, usize),
}

impl Holder {
    /// Its path; written only when something is found.
    fn at(self, view: &View<'_>) -> String {
        match self {
            Self::Interface(machine, index, field) => {
                format!("machines.{}.interfaces[{index}].{field}", self.name(view, machine))
            }
            Self::Reservation(network, index) => {
                let name = view.network(network).map_or("", |net| text(&net.draft.name));
                format!("networks.{name}.reservations[{index}].address")
            }
        }
    }

    fn name<'a>(self, view: &View<'a>, machine: usize) -> &'a str {
        view.machines.get(machine).map_or("", |placed| text(&placed.draft.name))
    }

    /// Its name in a sentence.
    fn who(self, view: &View<'_>) -> String {
        match self {
            Self::Interface(machine, ..) => self.name(view, machine).to_owned(),
            Self::Reservation(network, _) => {
                let name = view.network(network).map_or("", |net| text(&net.draft.name));
                format!("a reservation of {name}")
            }
        }
    }
}

/// An address that is in use on a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    /// The segment: the first of the networks that are one bridge.
    segment: usize,
    address: IpAddr,
    network: usize,
    holder: Holder,
}

/// Every address of the draft, sorted by segment and address.
fn uses(view: &View<'_>) -> Vec<Use> {
    let segments = segments(view);
    let segment = |network: usize| segments.get(network).copied().unwrap_or(network);
    let mut uses = Vec::with_capacity(view.machines.len());
    for (machine, placed) in view.machines.iter().enumerate() {
        for (index, link) in placed.links.iter().enumerate() {
            let Some(network) = link.network else { continue };
            for (field, address) in link.addresses() {
                let holder = Holder::Interface(machine, index, field);
                uses.push(Use { segment: segment(network), address, network, holder });
            }
        }
    }
    for (network, net) in view.networks.iter().enumerate() {
        for (index, reservation) in net.draft.reservations.iter().enumerate() {
            if let Some(address) = reservation.address.ok() {
                let holder = Holder::Reservation(network, index);
                uses.push(Use { segment: segment(network), address: address.get(), network, holder });
            }
        }
    }
    uses.sort_unstable();
    uses
}

/// Two networks on one host bridge are one segment, in which an address may occur only once.
fn segments(view: &View<'_>) -> Vec<usize> {
    let mut bridges = std::collections::BTreeMap::new();
    let segment = |(at, net): (usize, &super::view::Net<'_>)| {
        let bridge = net.draft.bridge.as_ref().and_then(|bridge| bridge.ok()).filter(|_| !net.is_own());
        let vlan = net.draft.vlan.as_ref().map(ToString::to_string);
        bridge.map_or(at, |bridge| *bridges.entry((bridge.as_str().to_owned(), vlan)).or_insert(at))
    };
    view.networks.iter().enumerate().map(segment).collect()
}

fn duplicates(view: &View<'_>, uses: &[Use], findings: &mut Vec<Finding>) {
    for segment in uses.chunk_by(|a, b| a.segment == b.segment) {
        let mut free = free::Free::new(segment);
        for same in segment.chunk_by(|a, b| a.address == b.address) {
            if let [first, _, ..] = same {
                findings.extend(duplicate(view, first.address, same, &mut free));
            }
        }
    }
}

fn duplicate(view: &View<'_>, address: IpAddr, same: &[Use], free: &mut free::Free<'_>) -> Option<Finding> {
    let mut holders: Vec<(String, &Use)> = same.iter().map(|one| (one.holder.at(view), one)).collect();
    sort::all(&mut holders);
    let (last, others) = holders.split_last()?;
    let is_machine = |one: &Use| matches!(one.holder, Holder::Interface(..));
    let who = NameList::new(same.iter().map(|one| one.holder.who(view)));
    let count = same.len();
    let net = view.network(last.1.network)?;
    let subnet = net.family(address).map(|family| family.subnet);
    let example = net.family(address).and_then(|family| free.after(family, address));
    let network = net.draft.name.to_string();
    let problem = if who.len() == count && same.iter().all(is_machine) {
        AddressProblem::OfMachines { address, machines: who, network, subnet, example }
    } else {
        AddressProblem::Twice { address, count, holders: who, network, subnet, example }
    };
    let finding = problem.at(&last.0);
    Some(others.iter().fold(finding, |finding, (at, _)| finding.also(at)))
}

fn public(view: &View<'_>, findings: &mut Vec<Finding>) {
    for (index, given) in view.cloud.public_addresses.iter().enumerate() {
        let Some(address) = given.ok().map(|ip| ip.get()).filter(|address| !crate::addr::is_public(*address))
        else {
            continue;
        };
        let problem = if is_rfc1918(address) {
            AddressProblem::Private { address }
        } else {
            AddressProblem::Kept { address }
        };
        findings.push(problem.at(format_args!("public_addresses[{index}]")));
    }
}

/// The help for an address that is already in use. Who had it first is not known.
fn another(network: &str, subnet: Option<Subnet>, example: Option<IpAddr>) -> String {
    match subnet {
        Some(subnet) => {
            format!("give one of them a free address of {network} ({subnet}){}", for_example(example))
        }
        None => "give one of them a free address".to_owned(),
    }
}

fn two_or(count: usize) -> String {
    if count == 2 { "two".to_owned() } else { count.to_string() }
}

problems! {
    /// Problems with addresses as such.
    pub enum AddressProblem {
        OfMachines { address: IpAddr, machines: NameList, network: String, subnet: Option<Subnet>, example: Option<IpAddr> } is AddressDuplicate
            with (several = two_or(machines.len()), help = another(network, *subnet, *example)):
            "{address} is the address of {several} machines: {machines}",
            "{help}";
        Twice { address: IpAddr, count: usize, holders: NameList, network: String, subnet: Option<Subnet>, example: Option<IpAddr> } is AddressDuplicate
            with (several = two_or(*count), help = another(network, *subnet, *example)):
            "{address} is given {several} times, to {holders}",
            "{help}";
        Private { address: IpAddr } is AddressNotPublic:
            "{address} is a private address (RFC 1918), which cannot be reached from the Internet",
            "write the address that the provider gave to the router, or leave it out";
        Kept { address: IpAddr } is AddressNotPublic:
            "{address} is in a block of addresses that the Internet does not route",
            "write the address that the provider gave to the router, or leave it out";
    }
}
