//! The rules of zones in a FreeIPA server.

use std::collections::{BTreeMap, BTreeSet};

use super::{DnsProblem, Own};
use crate::checked::Checked;
use crate::dns::server::servers_of;
use crate::dns::{DnsName, ForwardPolicy, RecordData, RecordName, ZoneContent};
use crate::finding::{At, Finding};
use crate::given::Given;

/// A login is complete, and stands alone.
pub(super) fn logins(cloud: &Checked, root: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(dns) = cloud.dns() else { return };
    let all = root.key("servers");
    let known = servers_of(cloud);
    for said in &dns.said().servers {
        let Some(login) = &said.ipa else { continue };
        let at = all.name(&said.name);
        let server = said.name.to_string();
        if said.key.is_some() || said.transfer_key.is_some() {
            findings.push(DnsProblem::TwoLogins { server: server.clone() }.at(at));
        }
        let has_user = login.user.is_some() || login.password.is_some();
        if login.kerberos && has_user {
            findings.push(DnsProblem::TicketAndUser { server: server.clone() }.at(at.key("ipa")));
        }
        if !login.kerberos && (login.user.is_none() || login.password.is_none()) {
            findings.push(DnsProblem::NoUserOfIpa { server: server.clone() }.at(at.key("ipa")));
        }
        if login.ca.is_none() {
            findings.push(DnsProblem::NoCa { server: server.clone() }.at(at.key("ipa")));
        }
        if known.iter().any(|known| known.name == server && known.fqdn.is_none()) {
            findings.push(DnsProblem::NoNameOfIpa { server }.at(at));
        }
    }
}

/// Only FreeIPA forwards by the cloud's word, and only what it does not have itself.
pub(super) fn forwarding(
    cloud: &Checked,
    zones: &BTreeMap<DnsName, ZoneContent>,
    root: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let Some(dns) = cloud.dns() else { return };
    let servers = root.key("servers");
    for said in dns.said().servers.iter().filter(|said| said.ipa.is_none() && !said.forwarders.is_empty()) {
        let problem = DnsProblem::ForwardersOfOther { server: said.name.to_string() };
        findings.push(problem.at(servers.name(&said.name).key("forwarders")));
    }
    let all = root.key("forward_zones");
    for said in &dns.said().forward_zones {
        let at = all.name(&said.name);
        let zone = said.name.to_string();
        let server = said.server.as_ref().and_then(Given::ok).map(|server| server.as_str());
        match server.or_else(|| dns.default_server()) {
            Some(server) if is_ipa(cloud, server) => {}
            Some(server) => {
                let server = server.to_owned();
                findings.push(DnsProblem::ForwardedByOther { zone: zone.clone(), server }.at(at));
            }
            None => findings.push(DnsProblem::ForwardedByNone { zone: zone.clone() }.at(at)),
        }
        if said.forwarders.is_empty() && said.policy != ForwardPolicy::None {
            findings.push(DnsProblem::NoForwarders { zone: zone.clone() }.at(at));
        }
        if said.name.ok().is_some_and(|name| zones.contains_key(&DnsName::from(name))) {
            findings.push(DnsProblem::ForwardedOwn { zone }.at(at));
        }
    }
}

/// FreeIPA has the types of the records of a name, and one time to live for all of them.
pub(super) fn records(
    one: &Own<'_>,
    owner: &Given<RecordName>,
    cloud: &Checked,
    findings: &mut Vec<Finding>,
) {
    let Some(server) = one.zone.server.as_ref().filter(|server| is_ipa(cloud, server)) else { return };
    let Some(owner) = owner.ok().and_then(|owner| owner.absolute(&one.zone.name).ok()) else { return };
    let records = one.records.iter().enumerate();
    let strange = records
        .filter_map(|(index, record)| Some((index, record.ok()?.data())))
        .find(|(_, data)| matches!(data, RecordData::Caa { .. }));
    if let Some((index, data)) = strange {
        let (name, kind, server) = (owner.bare().to_owned(), data.type_name(), server.clone());
        findings.push(DnsProblem::NotInIpa { name, kind, server }.at(one.at.index(index)));
    }
    // Two times of one type are found by the rule for all servers.
    let ttls = one.zone.sets_of(&owner).into_iter().flatten().map(|(_, set)| set.ttl.get());
    let ttls: Vec<u32> = ttls.collect::<BTreeSet<_>>().into_iter().collect();
    if let [first, other, ..] = ttls[..] {
        findings.push(DnsProblem::TwoTtlsOfName { name: owner.bare().to_owned(), first, other }.at(one.at));
    }
}

fn is_ipa(cloud: &Checked, server: &str) -> bool {
    let said = cloud.dns().and_then(|dns| dns.said().servers.get(server));
    said.is_some_and(|said| said.ipa.is_some())
}
