//! The zones of a checked cloud: what follows from machines, networks and roles, and the author's own records.
//!
//! A machine has one name in DNS. It leads to the addresses of its first interface with a fixed one, and they lead back to it. A
//! further interface is `MACHINE.NETWORK.DOMAIN`, so that each address has a name of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::data::RecordData;
use super::name::DnsName;
use super::resolved::CheckedDns;
use super::reverse;
use super::server::{ZoneServer, servers_of};
use super::ttl::Ttl;
use super::zone::{RecordSet, Soa, ZoneContent};
use super::{Record, RecordName};
use crate::addr::Subnet;
use crate::checked::{Addressing, Checked, Machine, ZoneForwarder};
use crate::given::Given;

/// The zones of a cloud, by name; none if it has no DNS of its own.
///
/// ```
/// use fmc_core::cloud::Cloud;
/// use fmc_core::dns::{Dns, Zone};
///
/// let zone = Zone::new("lab.example").name_servers(["ns.example.org"]).records("www", ["A 192.0.2.80"]);
/// let checked = Cloud::new("first").dns(Dns::new().zone(zone)).check()?;
/// let zones = fmc_core::dns::zones_of(&checked);
/// assert!(zones[0].file().contains("www.lab.example. 3600 IN A 192.0.2.80\n"));
/// # Ok::<(), fmc_core::finding::Report>(())
/// ```
pub fn zones_of(checked: &Checked) -> Vec<ZoneContent> {
    let Some(dns) = checked.dns() else { return Vec::new() };
    let mut making = Making::new(dns, checked);
    making.machines();
    making.servers();
    making.clusters();
    making.published();
    making.own();
    making.reverse();
    making.delegations();
    making.zones.into_values().collect()
}

/// The servers that the networks of the cloud ask for the names of its zones.
///
/// libvirt's forwarder asks at port 53 alone, and an address that leads back to a computer itself is a tunnel of whoever runs fmc.
pub(crate) fn forwarders_of(checked: &Checked) -> Vec<ZoneForwarder> {
    // Nothing boots in a lab, so its networks have the names themselves.
    let mut servers = if checked.is_lab() { Vec::new() } else { servers_of(checked) };
    servers.retain(|server| server.port == 53 && !server.address.is_loopback());
    if servers.is_empty() {
        return Vec::new();
    }
    let zones = zones_of(checked).into_iter();
    let served = zones.filter_map(|zone| {
        let server = servers.iter().find(|server| zone.server.as_ref() == Some(&server.name))?;
        Some(ZoneForwarder { zone: zone.name, server: server.address })
    });
    served.collect()
}

/// The zone that a name is in: the nearest one around it.
pub(super) fn zone_of<'z, Z>(
    zones: &'z BTreeMap<DnsName, Z>,
    name: &DnsName,
) -> Option<(&'z DnsName, &'z Z)> {
    // A zone sorts before the names in it, so only its ancestors have to be asked.
    let bare = name.bare();
    let starts = std::iter::once(0).chain(bare.match_indices('.').map(|(dot, _)| dot + 1));
    starts.filter_map(|start| zones.get_key_value(&DnsName::parse(bare.get(start..)?).ok()?)).next()
}

/// Zones in the making.
struct Making<'a> {
    dns: &'a CheckedDns,
    checked: &'a Checked,
    servers: Vec<ZoneServer>,
    zones: BTreeMap<DnsName, ZoneContent>,
    /// The subnets whose reverse zones the cloud has.
    subnets: Vec<Subnet>,
    /// The name of each address.
    canonical: BTreeMap<IpAddr, DnsName>,
}

impl<'a> Making<'a> {
    fn new(dns: &'a CheckedDns, checked: &'a Checked) -> Self {
        let mut making = Self {
            dns,
            checked,
            servers: servers_of(checked),
            zones: BTreeMap::new(),
            subnets: Vec::new(),
            canonical: BTreeMap::new(),
        };
        let stated = dns.said().zones.iter().filter_map(|zone| zone.name.ok());
        let stated: Vec<DnsName> = stated.chain(dns.domain.as_ref()).map(DnsName::from).collect();
        for name in stated {
            making.begin(name);
        }
        for domain in checked.networks().iter().filter_map(|network| network.domain.as_ref()) {
            let name = DnsName::from(domain);
            if zone_of(&making.zones, &name).is_none() {
                making.begin(name);
            }
        }
        let chosen = &dns.said().reverse;
        let is_chosen = |name: &str| {
            (chosen.is_empty() && !dns.said().without_reverse)
                || chosen.iter().any(|one| one.ok().is_some_and(|one| one == name))
        };
        let networks = checked.networks().iter().filter(|network| is_chosen(network.name.as_str()));
        let families = networks.flat_map(|network| [&network.ipv4, &network.ipv6]).flatten();
        making.subnets = families.map(|family| family.subnet).collect();
        for zone in making.subnets.iter().flat_map(reverse::zones_of).collect::<Vec<_>>() {
            making.begin_within(zone);
        }
        making
    }

    /// Begins a reverse zone, unless a stated zone is around it.
    fn begin_within(&mut self, name: DnsName) {
        if zone_of(&self.zones, &name).is_none() {
            self.begin(name);
        }
    }

    /// Begins a zone with its SOA and its servers.
    fn begin(&mut self, name: DnsName) {
        if self.zones.contains_key(&name) {
            return;
        }
        let said = self.dns.zone(name.bare());
        let server = said.and_then(|zone| zone.server.as_ref()?.ok()).map(|server| server.as_str());
        let server = server.or_else(|| self.dns.default_server());
        let server = self.servers.clone().into_iter().find(|known| Some(known.name.as_str()) == server);
        let said_ttl = said.and_then(|zone| zone.ttl.as_ref()).or(self.dns.said().ttl.as_ref());
        let ttl = said_ttl.and_then(Given::ok).copied().unwrap_or(Ttl::HOUR);
        let own: Vec<DnsName> = said
            .iter()
            .flat_map(|zone| &zone.name_servers)
            .filter_map(|name| Some(name.ok()?.into()))
            .collect();
        let own_fqdn = server.as_ref().and_then(|server| server.fqdn.as_ref()).map(DnsName::from);
        let servers: Vec<DnsName> = if own.is_empty() { own_fqdn.into_iter().collect() } else { own };
        let contact = said.and_then(|zone| zone.contact.as_ref()?.ok()).map(DnsName::from);
        let contact = contact.or_else(|| name.below("hostmaster").ok()).unwrap_or_else(|| name.clone());
        let primary = servers.first().cloned().unwrap_or_else(|| name.clone());
        let mut zone = ZoneContent {
            name: name.clone(),
            server: server.map(|server| server.name),
            ttl,
            soa: Soa { primary, contact },
            sets: BTreeMap::new(),
        };
        if !servers.is_empty() {
            zone.set(name.clone(), ttl, servers.into_iter().map(RecordData::Ns).collect());
        }
        self.zones.insert(name, zone);
    }

    fn add(&mut self, owner: &DnsName, data: RecordData) {
        let Some(zone) = zone_of(&self.zones, owner).map(|(name, _)| name.clone()) else { return };
        if let Some(zone) = self.zones.get_mut(&zone) {
            let ttl = zone.ttl;
            zone.add(owner.clone(), ttl, data);
        }
    }

    fn address(&mut self, owner: &DnsName, address: IpAddr) {
        self.add(
            owner,
            match address {
                IpAddr::V4(address) => RecordData::A(address),
                IpAddr::V6(address) => RecordData::Aaaa(address),
            },
        );
    }

    fn machines(&mut self) {
        let checked = self.checked;
        for machine in checked.machines() {
            for (name, address) in names_of(checked, machine) {
                self.address(&name, address);
                self.canonical.insert(address, name);
            }
        }
    }

    /// The names of servers that are not machines: with them the zones can be found.
    fn servers(&mut self) {
        for server in self.servers.clone() {
            let Some(fqdn) = server.fqdn else { continue };
            let name = DnsName::from(&fqdn);
            // A loopback address is the way of this program alone.
            if server.address.is_loopback() {
                continue;
            }
            if self.canonical.get(&server.address) != Some(&name) {
                self.address(&name, server.address);
            }
            self.canonical.entry(server.address).or_insert(name);
        }
    }

    /// The names by which nodes join clusters: they lead to the servers.
    fn clusters(&mut self) {
        let checked = self.checked;
        for cluster in checked.clusters() {
            let host = &cluster.endpoint.host;
            let Some(name) = DnsName::parse(host).ok().filter(|_| host.parse::<IpAddr>().is_err()) else {
                continue;
            };
            if self.canonical.values().any(|known| *known == name) {
                continue;
            }
            let servers = cluster.servers.iter().filter_map(|server| checked.at(*server));
            for address in servers.filter_map(Machine::address).collect::<Vec<_>>() {
                self.address(&name, address);
            }
        }
    }

    fn published(&mut self) {
        let dns = self.dns;
        for one in &dns.published {
            for name in &one.names {
                self.address(&name.into(), one.address);
            }
        }
    }

    /// The author's own records. Those of a name and type stand in place of derived ones.
    fn own(&mut self) {
        let dns = self.dns;
        for said in &dns.said().zones {
            let Some(name) = said.name.ok().map(DnsName::from) else { continue };
            let Some(zone) = self.zones.get_mut(&name) else { continue };
            for (owner, records) in &said.records {
                for (owner, ttl, data) in own_sets(&name, owner, records, zone.ttl) {
                    zone.set(owner, ttl, data);
                }
            }
        }
    }

    /// The names of addresses: those of machines first, and then the first name that leads to an address.
    fn reverse(&mut self) {
        let all = self.zones.values().flat_map(|zone| &zone.sets).filter(|(owner, _)| !owner.is_wildcard());
        let addresses = all.flat_map(|(owner, sets)| {
            sets.values().flat_map(|set| &set.data).filter_map(move |data| match data {
                RecordData::A(address) => Some((IpAddr::V4(*address), owner)),
                RecordData::Aaaa(address) => Some((IpAddr::V6(*address), owner)),
                _ => None,
            })
        });
        let mut names = self.canonical.clone();
        for (address, owner) in addresses {
            names.entry(address).or_insert_with(|| owner.clone());
        }
        for (address, name) in names {
            let subnet = self.subnets.iter().find(|subnet| subnet.contains(address)).copied();
            if let Some(zone) = subnet.and_then(|subnet| reverse::zone_of(&subnet, address)) {
                self.begin_within(zone);
            }
            let Some(plain) = reverse::name_of(address) else { continue };
            // A classless zone is beside the name of the address, and not around it.
            let classless = subnet.and_then(|subnet| reverse::zone_of(&subnet, address));
            let classless = classless.filter(|zone| self.zones.contains_key(zone));
            let owner = classless.and_then(|zone| reverse::name_in(&zone, address)).unwrap_or(plain);
            let ptr = RecordData::Ptr(name);
            let said = zone_of(&self.zones, &owner).and_then(|(_, zone)| zone.sets_of(&owner));
            if said.is_none_or(|sets| sets.is_empty()) {
                self.add(&owner, ptr);
            }
        }
    }

    /// A zone names the servers of a zone inside it, with their addresses where those are inside too.
    fn delegations(&mut self) {
        let names: Vec<DnsName> = self.zones.keys().cloned().collect();
        for child in &names {
            let Some((_, above)) = child.bare().split_once('.') else { continue };
            let Ok(above) = DnsName::parse(above) else { continue };
            let Some((parent, _)) = zone_of(&self.zones, &above).map(|(name, zone)| (name.clone(), zone))
            else {
                continue;
            };
            let Some(zone) = self.zones.get(child) else { continue };
            let ns = zone.sets_of(child).and_then(|sets| sets.get(&NS)).cloned();
            let Some(ns) = ns else { continue };
            let inside =
                ns.data.iter().filter_map(|data| data.target()).filter(|target| target.is_within(child));
            let inside: BTreeSet<DnsName> = inside.cloned().collect();
            let glue: Vec<(DnsName, RecordSet)> = inside
                .iter()
                .filter_map(|target| Some((target, zone_of(&self.zones, target)?.1.sets_of(target)?)))
                .flat_map(|(target, sets)| {
                    let addresses = sets.iter().filter(|(kind, _)| matches!(**kind, A | AAAA));
                    addresses.map(move |(_, set)| (target.clone(), set.clone()))
                })
                .collect();
            let Some(parent) = self.zones.get_mut(&parent) else { continue };
            for (owner, set) in std::iter::once((child.clone(), ns)).chain(glue) {
                parent.set(owner, set.ttl, set.data);
            }
        }
    }
}

/// The numbers of types.
pub(super) const A: u16 = 1;
pub(super) const NS: u16 = 2;
pub(super) const CNAME: u16 = 5;
pub(super) const AAAA: u16 = 28;
pub(super) const DNAME: u16 = 39;

impl ZoneContent {
    /// Sets all records of a name and type.
    fn set(&mut self, owner: DnsName, ttl: Ttl, data: Vec<RecordData>) {
        if let Some(first) = data.first() {
            let kind = first.type_number();
            self.sets.entry(owner).or_default().insert(kind, RecordSet::new(ttl, data));
        }
    }

    /// Adds a record.
    fn add(&mut self, owner: DnsName, ttl: Ttl, data: RecordData) {
        let sets = self.sets.entry(owner).or_default();
        let known = sets.remove(&data.type_number());
        let (ttl, known) = known.map_or((ttl, Vec::new()), |set| (set.ttl, set.data));
        sets.insert(data.type_number(), RecordSet::new(ttl, known.into_iter().chain([data]).collect()));
    }
}

/// The names of a machine's fixed addresses.
fn names_of(checked: &Checked, machine: &Machine) -> Vec<(DnsName, IpAddr)> {
    let Some(fqdn) = &machine.fqdn else { return Vec::new() };
    let own = DnsName::from(fqdn);
    let domain = fqdn.as_str().split_once('.').map_or("", |(_, domain)| domain);
    let fixed = machine.interfaces.iter().filter_map(|interface| {
        let both = [interface.ipv4, interface.ipv6].into_iter().flatten().filter_map(Addressing::address);
        let both: Vec<IpAddr> = both.collect();
        if both.is_empty() { None } else { Some((interface, both)) }
    });
    let mut names = Vec::new();
    for (place, (interface, addresses)) in fixed.enumerate() {
        let network = checked.at(interface.network).map(|network| network.name.as_str()).unwrap_or_default();
        let further = || DnsName::parse(&format!("{}.{network}.{domain}", machine.hostname)).ok();
        let Some(name) = (if place == 0 { Some(own.clone()) } else { further() }) else { continue };
        names.extend(addresses.into_iter().map(|address| (name.clone(), address)));
    }
    names
}

/// The record sets of a name that an author wrote.
pub(super) fn own_sets(
    zone: &DnsName,
    owner: &Given<RecordName>,
    records: &[Given<Record>],
    ttl: Ttl,
) -> Vec<(DnsName, Ttl, Vec<RecordData>)> {
    let Some(owner) = owner.ok().and_then(|owner| owner.absolute(zone).ok()) else { return Vec::new() };
    let mut sets: BTreeMap<u16, (Ttl, Vec<RecordData>)> = BTreeMap::new();
    for record in records.iter().filter_map(Given::ok) {
        let Ok(data) = record.in_zone(zone) else { continue };
        let own = record.own_ttl();
        let set = sets.entry(data.type_number()).or_insert_with(|| (own.unwrap_or(ttl), Vec::new()));
        set.1.push(data);
    }
    sets.into_values().map(|(ttl, data)| (owner.clone(), ttl, data)).collect()
}
