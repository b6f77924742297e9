//! Guests of the simulated hypervisor that are up.

use std::net::IpAddr;

use super::domain::interfaces;
use super::state::State;
use super::trouble::Trouble;
use super::xml;
use crate::link::{AddressRecord, AddressSource, LeaseRecord};

/// How long a lease lasts, in seconds: libvirt's default.
const LEASE: u64 = 3600;

/// An interface of a guest that is up.
struct Plugged {
    domain: String,
    mac: String,
    network: Option<String>,
    id: u64,
}

impl State {
    /// The leases of a network: for each guest that is up, its reserved address, or one of the range.
    pub(super) fn leases(&self, network: &str) -> Result<Vec<LeaseRecord>, Trouble> {
        let Some(there) = self.networks.get(network) else {
            return Err(Trouble::absent(format!(
                "Network not found: no network with matching name '{network}'"
            )));
        };
        let Some(live) = &there.live else {
            return Err(Trouble::failed(format!(
                "Requested operation is not valid: network '{network}' is not active"
            )));
        };
        let document = xml::parse(live, "network")?;
        let dhcp = || document.descendants().filter(|node| node.has_tag_name("dhcp"));
        let reserved = |mac: &str| {
            let host = dhcp()
                .flat_map(|dhcp| dhcp.children())
                .find(|host| host.attribute("mac").is_some_and(|own| own.eq_ignore_ascii_case(mac)));
            host.and_then(|host| host.attribute("ip")?.parse::<IpAddr>().ok())
        };
        let range =
            dhcp().flat_map(|dhcp| dhcp.children()).find_map(|range| range.attribute("start")?.parse().ok());
        let plugged = self.plugged();
        let here = plugged.iter().filter(|one| one.network.as_deref() == Some(network)).enumerate();
        let lease = |(nth, one): (usize, &Plugged)| {
            let address = reserved(&one.mac).or_else(|| nth_after(range?, nth))?;
            Some(LeaseRecord { mac: one.mac.clone(), address, expires: LEASE.saturating_add(one.id) })
        };
        let old = self.host.old_leases.get(network).into_iter().flatten();
        let old = old.map(|(mac, address, expires)| LeaseRecord {
            mac: mac.clone(),
            address: *address,
            expires: *expires,
        });
        let mut leases: Vec<LeaseRecord> = here.filter_map(lease).collect();
        let is_renewed = |old: &LeaseRecord| leases.iter().any(|new| new.mac == old.mac);
        let old: Vec<LeaseRecord> = old.filter(|old| !is_renewed(old)).collect();
        leases.extend(old);
        Ok(leases)
    }

    pub(super) fn guest_addresses(
        &self,
        domain: &str,
        source: AddressSource,
    ) -> Result<Option<Vec<AddressRecord>>, Trouble> {
        let Some(there) = self.domains.get(domain) else {
            return Err(Trouble::absent(format!(
                "Domain not found: no domain with matching name '{domain}'"
            )));
        };
        if there.live.is_none() {
            return Err(Trouble::failed("Requested operation is not valid: domain is not running"));
        }
        let plugged = self.plugged();
        let own: Vec<&Plugged> = plugged.iter().filter(|one| one.domain == domain).collect();
        let is_up = self.is_up(domain);
        let addresses =
            own.iter().map(|one| AddressRecord { mac: one.mac.clone(), address: self.address(one) });
        Ok((is_up || source == AddressSource::Arp).then(|| addresses.collect()))
    }

    /// Whether a guest with an address answers at a port. An unknown address counts as one that does.
    pub(super) fn connects(&self, address: IpAddr, port: u16) -> bool {
        let reserved = |one: &(&String, &super::state::Domain)| {
            let document = roxmltree::Document::parse(&one.1.xml).ok();
            let macs: Vec<String> = document.iter().flat_map(|it| macs(it.root_element())).collect();
            self.networks.values().any(|network| macs.iter().any(|mac| reserves(&network.xml, mac, address)))
        };
        let answers = match self.domains.iter().find(reserved) {
            Some((name, _)) => self.is_up(name),
            None => true,
        };
        answers && !self.host.closed.contains(&port)
    }

    fn is_up(&self, domain: &str) -> bool {
        let live = self.domains.get(domain).and_then(|domain| domain.live.as_ref());
        live.and_then(|live| live.up_at).is_some_and(|at| at <= self.host.now)
    }

    /// The interfaces of all guests that are up.
    fn plugged(&self) -> Vec<Plugged> {
        let mut plugged = Vec::new();
        for (name, domain) in &self.domains {
            let Some(live) = domain.live.as_ref().filter(|_| self.is_up(name)) else { continue };
            let Ok(document) = roxmltree::Document::parse(&live.xml) else { continue };
            for interface in interfaces(document.root_element()) {
                let attribute = |child, name| xml::child(interface, child).and_then(|it| it.attribute(name));
                plugged.push(Plugged {
                    domain: name.clone(),
                    mac: attribute("mac", "address").unwrap_or_default().to_lowercase(),
                    network: attribute("source", "network").map(str::to_owned),
                    id: live.id,
                });
            }
        }
        plugged
    }

    /// The address of an interface: that of its lease, or one as from a LAN.
    fn address(&self, one: &Plugged) -> IpAddr {
        let leases = one.network.as_ref().and_then(|network| self.leases(network).ok()).unwrap_or_default();
        let lease = leases.into_iter().find(|lease| lease.mac == one.mac);
        lease.map_or(IpAddr::from([192, 0, 2, 1]), |lease| lease.address)
    }
}

fn macs(root: roxmltree::Node<'_, '_>) -> Vec<String> {
    let mac = |interface| xml::child(interface, "mac").and_then(|mac| mac.attribute("address"));
    interfaces(root).filter_map(mac).map(str::to_lowercase).collect()
}

/// Whether a network's document reserves an address for a MAC.
fn reserves(network: &str, mac: &str, address: IpAddr) -> bool {
    let Ok(document) = roxmltree::Document::parse(network) else { return false };
    document.descendants().any(|host| {
        host.attribute("mac").is_some_and(|own| own.eq_ignore_ascii_case(mac))
            && host.attribute("ip").and_then(|ip| ip.parse().ok()) == Some(address)
    })
}

/// The nth address after the first of a range.
fn nth_after(first: IpAddr, nth: usize) -> Option<IpAddr> {
    let nth = u32::try_from(nth).ok()?;
    match first {
        IpAddr::V4(first) => Some(u32::from(first).checked_add(nth)?.to_be_bytes().into()),
        IpAddr::V6(first) => Some(u128::from(first).checked_add(u128::from(nth))?.to_be_bytes().into()),
    }
}
