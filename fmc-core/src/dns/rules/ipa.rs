//! The rules of zones in a FreeIPA server.

use std::collections::BTreeSet;

use super::{DnsProblem, Own};
use crate::checked::Checked;
use crate::dns::server::servers_of;
use crate::dns::{RecordData, RecordName};
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
        if login.ca.is_none() {
            findings.push(DnsProblem::NoCa { server: server.clone() }.at(at.key("ipa")));
        }
        if known.iter().any(|known| known.name == server && known.fqdn.is_none()) {
            findings.push(DnsProblem::NoNameOfIpa { server }.at(at));
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
