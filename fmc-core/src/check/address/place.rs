//! Whether a machine of the network can have its address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::super::view::{Net, View};
use super::{Holder, Use, free};
use crate::addr::{IpRange, Subnet};
use crate::finding::{Finding, Remedy, for_example, problems};

/// Looks at the place of every address.
pub(super) fn check(view: &View<'_>, uses: &[Use], findings: &mut Vec<Finding>) {
    let mut examples = BTreeMap::new();
    let mistyped = mistyped(view, uses);
    findings.extend(mistyped.iter().filter_map(|((network, _), all)| none_fits(view, *network, all)));
    for one in uses {
        let Some(net) = view.network(one.network) else { continue };
        if fits_field(one) && !mistyped.contains_key(&(one.network, one.address.is_ipv4())) {
            place(view, net, one, uses, &mut examples, findings);
        }
    }
}

/// The subnets, by network and family, that have none of several addresses of their network: the subnet is wrong, and not each
/// of the addresses.
fn mistyped<'u>(view: &View<'_>, uses: &'u [Use]) -> BTreeMap<(usize, bool), Vec<&'u Use>> {
    let mut outside: BTreeMap<(usize, bool), Vec<&Use>> = BTreeMap::new();
    let mut right = BTreeSet::new();
    for one in uses.iter().filter(|one| fits_field(one)) {
        let Some(family) = view.network(one.network).and_then(|net| net.family(one.address)) else {
            continue;
        };
        let key = (one.network, one.address.is_ipv4());
        if family.subnet.contains(one.address) {
            right.insert(key);
        } else {
            outside.entry(key).or_default().push(one);
        }
    }
    outside.retain(|key, all| all.len() > 1 && !right.contains(key));
    outside
}

fn none_fits(view: &View<'_>, network: usize, all: &[&Use]) -> Option<Finding> {
    let (net, first) = (view.network(network)?, all.first()?);
    let subnet = net.family(first.address)?.subnet;
    let field = if first.address.is_ipv4() { "subnet" } else { "ipv6" };
    let wanted = Subnet::around(first.address, subnet.prefix_len()).ok();
    let example = wanted.filter(|wanted| all.iter().all(|one| wanted.contains(one.address)));
    let name = &net.draft.name;
    let problem = PlaceProblem::NoneFits {
        network: name.to_string(),
        subnet,
        count: all.len(),
        like: first.address,
        example,
    };
    let finding = problem.at(format_args!("networks.{name}.{field}"));
    let places: BTreeSet<String> = all.iter().map(|one| one.holder.at(view)).collect();
    Some(places.into_iter().fold(finding, Finding::also))
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
    let fault = if !subnet.contains(address) {
        Fault::Outside
    } else if !subnet.is_host(address) {
        if address == subnet.network() { Fault::Network } else { Fault::Broadcast }
    } else if family.gateway == Some(address) && !may_be_router(view, net, one) {
        Fault::Gateway
    } else if let Some(range) = family.dhcp.filter(|range| !is_reserved(one) && range.contains(address)) {
        Fault::Dynamic(range)
    } else {
        return;
    };
    let example = *examples.entry((one.network, address.is_ipv4())).or_insert_with(|| {
        let start = uses.partition_point(|other| other.segment < one.segment);
        let end = uses.partition_point(|other| other.segment <= one.segment);
        free::first(uses.get(start..end)?, family, subnet.first_host())
    });
    let network = name.to_string();
    let problem = match fault {
        Fault::Outside => PlaceProblem::Outside { address, subnet, network, example },
        Fault::Network => PlaceProblem::OfNetwork { address, subnet, network, example },
        Fault::Broadcast => PlaceProblem::Broadcast { address, subnet, network, example },
        Fault::Gateway => PlaceProblem::Gateway { address, subnet, network, example },
        Fault::Dynamic(range) => PlaceProblem::InRange { address, range, network, example },
    };
    findings.push(problem.at(one.holder.at(view)));
}

/// dnsmasq never gives the address of a reservation to another machine (dnsmasq(8), `--dhcp-host`).
fn is_reserved(one: &Use) -> bool {
    match one.holder {
        Holder::Interface(_, _, field) => field.starts_with("reserved"),
        Holder::Reservation(..) => true,
    }
}

/// A machine of the cloud may be the router of a LAN if it has an interface elsewhere; the router of libvirt's own
/// network is the host.
fn may_be_router(view: &View<'_>, net: &Net<'_>, one: &Use) -> bool {
    match one.holder {
        Holder::Interface(machine, ..) => {
            !net.is_own() && view.machines.get(machine).is_some_and(|placed| placed.links.len() > 1)
        }
        Holder::Reservation(..) => false,
    }
}

/// An address of a family that the network does not have; a wrong subnet is a finding of its own.
fn without_family(view: &View<'_>, net: &Net<'_>, one: &Use) -> Option<Finding> {
    let v4 = one.address.is_ipv4();
    let (field, given) =
        if v4 { ("subnet", net.draft.subnet.is_some()) } else { ("ipv6", net.draft.ipv6.is_some()) };
    if given || net.draft.subnet.is_none() && net.draft.ipv6.is_none() && net.is_own() && net.is_forwarded() {
        return None;
    }
    let (network, address) = (net.draft.name.to_string(), one.address);
    let field = field.to_owned();
    let problem = if net.is_own() {
        PlaceProblem::NoSubnet { address, network, field }
    } else {
        PlaceProblem::UnknownSubnet { address, network, field }
    };
    Some(problem.at(one.holder.at(view)))
}

/// Problems with the place of an address.
enum Fault {
    Outside,
    Network,
    Broadcast,
    Gateway,
    Dynamic(IpRange),
}

/// `IPv4`, `IPv6`.
fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

/// The setting of a network that gives it a subnet.
pub(super) fn subnet_of(field: &str) -> Remedy {
    Remedy::set(field, if field == "ipv6" { "fd00:17::/64" } else { "192.168.0.0/24" })
}

problems! {
    /// Problems with the place of an address in its network.
    pub enum PlaceProblem {
        Outside { address: IpAddr, subnet: Subnet, network: String, example: Option<IpAddr> } is AddressOutside
            with (example = for_example(*example)):
            "{address} is not in {subnet}, the subnet of {network}",
            "write a free address of {network} ({subnet}){example}";
        NoneFits { network: String, subnet: Subnet, count: usize, like: IpAddr, example: Option<Subnet> } is AddressOutside
            with (example = for_example(*example)):
            "none of the {count} addresses on {network} is in its subnet {subnet}: one is {like}",
            "write the subnet that they are in{example}, or addresses of {subnet}";
        OfNetwork { address: IpAddr, subnet: Subnet, network: String, example: Option<IpAddr> } is AddressTaken
            with (example = for_example(*example)):
            "{address} is the network address of {subnet}",
            "write a free address of {network} ({subnet}){example}";
        Broadcast { address: IpAddr, subnet: Subnet, network: String, example: Option<IpAddr> } is AddressTaken
            with (example = for_example(*example)):
            "{address} is the broadcast address of {subnet}",
            "write a free address of {network} ({subnet}){example}";
        Gateway { address: IpAddr, subnet: Subnet, network: String, example: Option<IpAddr> } is AddressTaken
            with (example = for_example(*example)):
            "{address} is the gateway of {network}",
            "write a free address of {network} ({subnet}){example}";
        InRange { address: IpAddr, range: IpRange, network: String, example: Option<IpAddr> } is ReservationInRange
            with (example = for_example(*example)):
            "{address} is in {range}, which DHCP on {network} hands out to anyone",
            "write one outside of the range{example}, or make the range smaller";
        NoSubnet { address: IpAddr, network: String, field: String } is AddressOutside
            with (label = family(*address)):
            "{network} has no {label} subnet for {address}",
            "give the network one, for example {subnet}, or leave the address out",
            subnet = subnet_of(field);
        UnknownSubnet { address: IpAddr, network: String, field: String } is NetworkIncomplete
            with (label = family(*address)):
            "{network} has no {label} subnet, so the prefix length of {address} is not known",
            "write the LAN's subnet on the network, for example {subnet}",
            subnet = subnet_of(field);
    }
}
