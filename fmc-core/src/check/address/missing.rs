//! Interfaces without an address: libvirt answers DHCP on its own networks only where they have a range, and the cloud says no
//! address for the interface.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::view::{Net, Plugged, View, text};
use super::{Use, free};
use crate::addr::IpRange;
use crate::checked::Family;
use crate::finding::{Finding, NameList, Remedy, problems};

/// The prefix length with which a guest makes an address of its own from a router advertisement (RFC 4862, 5.5.3); dnsmasq sends
/// them on each IPv6 network of libvirt's.
const AUTONOMOUS: u8 = 64;

/// One finding for each network: a range there mends all its machines.
pub(super) fn check(view: &View<'_>, uses: &[Use], findings: &mut Vec<Finding>) {
    let mut without: BTreeMap<usize, Vec<(&str, usize)>> = BTreeMap::new();
    for placed in &view.machines {
        // A machine that nothing configures is set up by a person.
        if placed.draft.image.os.provisioner().is_none() {
            continue;
        }
        for (index, link) in placed.links.iter().enumerate() {
            let network = link.network.filter(|at| view.network(*at).is_some_and(|net| gets_none(link, net)));
            if let Some(network) = network {
                without.entry(network).or_default().push((text(&placed.draft.name), index));
            }
        }
    }
    for (network, links) in without {
        let (Some(net), Some((first, index))) = (view.network(network), links.iter().min()) else { continue };
        // No bridge of libvirt's is of two networks, so the network is a segment.
        let start = uses.partition_point(|one| one.segment < network);
        let end = uses.partition_point(|one| one.segment <= network);
        let uses = uses.get(start..end).unwrap_or_default();
        let problem = MissingProblem::NoDhcp {
            machines: NameList::new(links.iter().map(|(name, _)| *name)),
            network: net.draft.name.to_string(),
            example: net.ipv4.as_ref().or(net.ipv6.as_ref()).and_then(|family| {
                free::first(uses, family, family.subnet.nth(10).unwrap_or_else(|| family.subnet.first_host()))
            }),
            range: net.ipv4.as_ref().and_then(|family| range(uses, family)),
        };
        findings.push(problem.at(format_args!("machines.{first}.interfaces[{index}]")));
    }
}

/// Whether an interface is on a network of libvirt's with a subnet, and gets no address there.
pub(in super::super) fn gets_none(link: &Plugged<'_>, net: &Net<'_>) -> bool {
    let draft = link.draft;
    let said = [&draft.address, &draft.address6, &draft.reserved, &draft.reserved6];
    // A wrong value is a finding of its own, and a network without a subnet is for other things than IP.
    if !net.is_own() || said.into_iter().any(Option::is_some) || net.ipv4.is_none() && net.ipv6.is_none() {
        return false;
    }
    let is_wrong = net.draft.subnet.is_some() && net.ipv4.is_none();
    let is_wrong = is_wrong || net.draft.ipv6.is_some() && net.ipv6.is_none();
    let is_told = net.ipv6.as_ref().is_some_and(|family| family.subnet.prefix_len() == AUTONOMOUS);
    !is_wrong && !is_told && net.draft.dhcp.is_none() && net.draft.dhcp6.is_none()
}

/// The part of a subnet above all addresses that are in use, at most its upper half.
fn range(uses: &[Use], family: &Family) -> Option<IpRange> {
    let subnet = family.subnet;
    let half = subnet.nth(1_u128.checked_shl(31_u32.checked_sub(subnet.prefix_len().into())?)?)?;
    let highest = uses.iter().map(|one| one.address).chain(family.gateway).filter(IpAddr::is_ipv4).max();
    let above = highest.and_then(free::next).map_or(half, |above| above.max(half));
    IpRange::new(above, subnet.last_host()).ok()
}

/// The setting of an interface.
fn address(example: Option<IpAddr>) -> Remedy {
    let field = if example.is_some_and(|example| example.is_ipv6()) { "address6" } else { "address" };
    Remedy::set(field, example.map_or_else(|| "10.17.3.10".to_owned(), |example| example.to_string()))
}

/// The setting of a network.
fn dhcp(range: Option<IpRange>) -> Remedy {
    let example = range.map_or_else(|| "10.17.3.128-10.17.3.254".to_owned(), |range| range.to_string());
    Remedy::set("dhcp", example)
}

problems! {
    /// Problems with addresses that nobody gives.
    pub enum MissingProblem {
        NoDhcp { machines: NameList, network: String, example: Option<IpAddr>, range: Option<IpRange> } is AddressMissing
            with (get = machines.verb("gets", "get")):
            "{machines} {get} no address on {network}: it has no DHCP, and the interface says no address",
            "write {address} on the interface, or {dhcp} on the network",
            address = address(*example),
            dhcp = dhcp(*range);
    }
}
