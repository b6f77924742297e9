//! The addresses of machines: those that the cloud gives, and those that the host has learnt.

use std::net::IpAddr;

use fmc_core::checked::{Addressing, Checked, Forward, Idx, Machine, Network};

use crate::link::{AddressSource, CallError, Link};

/// An address of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The address.
    pub address: IpAddr,
    /// The network of its interface, by index.
    pub network: Idx<Network>,
}

/// The addresses that a cloud gives a machine, those on a host's own bridge first, IPv4 before IPv6.
pub fn known(checked: &Checked, machine: &Machine) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for interface in &machine.interfaces {
        let families = [interface.ipv4, interface.ipv6].into_iter().flatten();
        let addresses = families.filter_map(Addressing::address);
        found.extend(addresses.map(|address| Found { address, network: interface.network }));
    }
    nearest_first(checked, found)
}

/// The addresses that a host has learnt of a running machine: the leases of its networks, otherwise its
/// neighbour table. The order is that of [`known`].
///
/// # Errors
///
/// libvirt does not answer, or the machine is not there.
pub fn learnt(
    link: &(impl Link + ?Sized),
    checked: &Checked,
    machine: &Machine,
) -> Result<Vec<Found>, CallError> {
    let mut found = Vec::new();
    for interface in &machine.interfaces {
        let Some(network) = checked.at(interface.network) else { continue };
        if network.forward == Forward::Bridge {
            continue;
        }
        let mac = interface.mac.to_string();
        let leases = link.leases(&checked.name_on_host(network.name.as_str()))?;
        let own = leases.into_iter().filter(|lease| lease.mac.eq_ignore_ascii_case(&mac));
        found.extend(own.map(|lease| Found { address: lease.address, network: interface.network }));
    }
    if found.is_empty() {
        let name = checked.name_on_host(machine.name.as_str());
        let neighbours = link.guest_addresses(&name, AddressSource::Arp)?.unwrap_or_default();
        for record in neighbours {
            let of = |mac: &str| mac.eq_ignore_ascii_case(&record.mac);
            let interface = machine.interfaces.iter().find(|interface| of(&interface.mac.to_string()));
            found.extend(
                interface.map(|interface| Found { address: record.address, network: interface.network }),
            );
        }
    }
    Ok(nearest_first(checked, found))
}

fn nearest_first(checked: &Checked, mut found: Vec<Found>) -> Vec<Found> {
    let is_bridged =
        |found: &Found| checked.at(found.network).is_some_and(|network| network.forward == Forward::Bridge);
    // A link-local address is useless without its interface.
    found.retain(|found| !matches!(found.address, IpAddr::V6(v6) if v6.is_unicast_link_local()));
    found.sort_by_key(|found| (!is_bridged(found), !found.address.is_ipv4()));
    found
}
