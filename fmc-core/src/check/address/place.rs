//! Whether an address is one that its network has for a machine.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::view::{Net, View};
use super::{Holder, Use, free};
use crate::finding::{Finding, Kind};

/// Looks at the place of every address.
pub(super) fn check(view: &View<'_>, uses: &[Use], findings: &mut Vec<Finding>) {
    let mut examples = BTreeMap::new();
    for one in uses {
        let Some(net) = view.network(one.network) else { continue };
        if fits_field(one) {
            place(view, net, one, uses, &mut examples, findings);
        }
    }
}

/// An address in the field of the other family is a finding of its own.
fn fits_field(one: &Use) -> bool {
    match one.holder {
        Holder::Interface(_, _, field) => field.ends_with('6') != one.address.is_ipv4(),
        Holder::Reservation(..) => true,
    }
}

fn place(
    view: &View<'_>,
    net: &Net<'_>,
    one: &Use,
    uses: &[Use],
    examples: &mut BTreeMap<(usize, bool), Option<IpAddr>>,
    findings: &mut Vec<Finding>,
) {
    let address = one.address;
    let Some(family) = net.family(address) else {
        findings.extend(without_family(view, net, one));
        return;
    };
    let subnet = family.subnet;
    let name = &net.draft.name;
    let (kind, message) = if !subnet.contains(address) {
        (Kind::AddressOutside, format!("{address} is not in {subnet}, the subnet of {name}"))
    } else if !subnet.is_host(address) {
        let which = if address == subnet.network() { "network" } else { "broadcast" };
        (Kind::AddressTaken, format!("{address} is the {which} address of {subnet}"))
    } else if family.gateway == Some(address) && !may_be_router(view, net, one) {
        (Kind::AddressTaken, format!("{address} is the gateway of {name}"))
    } else if let Some(range) = family.dhcp.filter(|range| range.contains(address)) {
        let message = format!("{address} is in {range}, which DHCP on {name} hands out to anyone");
        (Kind::ReservationInRange, message)
    } else {
        return;
    };
    let example = *examples.entry((one.network, address.is_ipv4())).or_insert_with(|| {
        let start = uses.partition_point(|other| other.segment < one.segment);
        let end = uses.partition_point(|other| other.segment <= one.segment);
        free::first(uses.get(start..end)?, family, subnet.first_host())
    });
    let example = example.map(|address| format!(", for example {address}")).unwrap_or_default();
    let help = match kind {
        Kind::ReservationInRange => {
            format!("write one outside of the range{example}, or make the range smaller")
        }
        _ => format!("write a free address of {name} ({subnet}){example}"),
    };
    findings.push(Finding::new(kind, one.holder.at(view), message, help));
}

/// The router of a LAN may be a machine of the cloud, if it has another side; that of an own network is the host.
fn may_be_router(view: &View<'_>, net: &Net<'_>, one: &Use) -> bool {
    match one.holder {
        Holder::Interface(machine, ..) => {
            !net.is_own() && view.machines.get(machine).is_some_and(|placed| placed.links.len() > 1)
        }
        Holder::Reservation(..) => false,
    }
}

/// An address of a family that the network does not say; a wrong subnet is a finding of its own.
fn without_family(view: &View<'_>, net: &Net<'_>, one: &Use) -> Option<Finding> {
    let v4 = one.address.is_ipv4();
    let (field, label, given) = if v4 {
        ("subnet", "IPv4", net.draft.subnet.is_some())
    } else {
        ("ipv6", "IPv6", net.draft.ipv6.is_some())
    };
    if given || net.draft.subnet.is_none() && net.draft.ipv6.is_none() && net.is_own() && net.is_forwarded() {
        return None;
    }
    let (name, address) = (&net.draft.name, one.address);
    let example = if v4 { "192.168.0.0/24" } else { "fd00:17::/64" };
    Some(if net.is_own() {
        Finding::new(
            Kind::AddressOutside,
            one.holder.at(view),
            format!("{name} has no {label} subnet for {address}"),
            format!("give the network one, for example `{field}: {example}`, or leave the address out"),
        )
    } else {
        Finding::new(
            Kind::NetworkIncomplete,
            one.holder.at(view),
            format!("{name} does not say its {label} subnet, and so not the prefix length of {address}"),
            format!("say the LAN's on the network, for example `{field}: {example}`"),
        )
    })
}
