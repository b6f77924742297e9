//! The rules of the servers that have the zones.

use std::collections::BTreeMap;

use super::{DnsProblem, found};
use crate::checked::Checked;
use crate::dns::data::RecordData;
use crate::dns::derive::{self, A, AAAA, zone_of};
use crate::dns::server::servers_of;
use crate::dns::{DnsName, ReadBy, Zone, ZoneContent};
use crate::finding::{At, Finding, NameList};
use crate::given::Given;

/// Each server has one place and a name.
pub(super) fn places(cloud: &Checked, root: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(dns) = cloud.dns() else { return };
    let all = root.key("servers");
    let known = servers_of(cloud);
    for said in &dns.said().servers {
        let at = all.name(&said.name);
        let name = said.name.to_string();
        match (&said.address, &said.machine) {
            (Some(_), Some(_)) => findings.push(DnsProblem::TwoPlaces { server: name }.at(at)),
            (None, None) => findings.push(DnsProblem::NoPlace { server: name }.at(at)),
            _ if said.read_by != ReadBy::Transfer && said.key.is_none() => {
                findings.push(DnsProblem::NothingToRead { server: name }.at(at.key("read_by")));
            }
            (None, Some(machine)) if known.iter().all(|known| known.name != name) => {
                findings.push(
                    DnsProblem::NoAddressOfMachine { server: name, machine: machine.to_string() }.at(at),
                );
            }
            _ => {}
        }
    }
}

/// A zone's server is one of the cloud's.
pub(super) fn unknown(said: &Zone, cloud: &Checked, at: &At<'_>, findings: &mut Vec<Finding>) {
    let (Some(server), Some(dns)) = (said.server.as_ref().and_then(Given::ok), cloud.dns()) else { return };
    if dns.said().servers.get(server.as_str()).is_none() {
        let known = NameList::new(dns.said().servers.iter().map(|server| server.name.to_string()));
        findings.push(DnsProblem::UnknownServer { server: server.to_string(), known }.at(at.key("server")));
    }
}

/// Of several servers, each zone has one: a zone that no server has is kept up to date by none. Whether there is such a finding.
pub(super) fn undecided(
    cloud: &Checked,
    zones: &BTreeMap<DnsName, ZoneContent>,
    root: &At<'_>,
    findings: &mut Vec<Finding>,
) -> bool {
    let Some(dns) = cloud.dns().filter(|dns| dns.default_server().is_none()) else { return false };
    let servers = NameList::new(dns.said().servers.iter().map(|server| server.name.to_string()));
    let without =
        NameList::new(zones.values().filter(|zone| zone.server.is_none()).map(|zone| zone.name.bare()));
    if servers.len() < 2 || without.is_empty() {
        return false;
    }
    findings.push(DnsProblem::Undecided { zones: without, servers }.at(root));
    true
}

/// Every zone has a server: one finding for all that have none.
pub(super) fn missing(zones: &BTreeMap<DnsName, ZoneContent>, root: &At<'_>, findings: &mut Vec<Finding>) {
    let without = zones.values().filter(|zone| {
        let sets = zone.sets_of(&zone.name);
        sets.is_none_or(|sets| !sets.contains_key(&derive::NS))
    });
    let without = NameList::new(without.map(|zone| zone.name.bare()));
    if !without.is_empty() {
        findings.push(DnsProblem::NoServer { zones: without }.at(root));
    }
}

/// A server of a zone whose name is in one of the cloud's zones has an address there: one finding for each name.
pub(super) fn without_glue(
    zones: &BTreeMap<DnsName, ZoneContent>,
    root: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let mut of_server: BTreeMap<&DnsName, Vec<&str>> = BTreeMap::new();
    for zone in zones.values() {
        let servers = zone.sets_of(&zone.name).and_then(|sets| sets.get(&derive::NS));
        for server in servers.into_iter().flat_map(|set| &set.data).filter_map(RecordData::target) {
            let home = zone_of(zones, server).map(|(_, home)| home);
            let has_address = |home: &ZoneContent| {
                found(home, server).is_some_and(|sets| sets.contains_key(&A) || sets.contains_key(&AAAA))
            };
            if home.is_some_and(|home| !has_address(home)) {
                of_server.entry(server).or_default().push(zone.name.bare());
            }
        }
    }
    for (server, zones) in of_server {
        let problem = DnsProblem::NoGlue { server: server.bare().to_owned(), zones: NameList::new(zones) };
        findings.push(problem.at(root));
    }
}
