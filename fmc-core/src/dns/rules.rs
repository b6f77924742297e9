//! The rules of zones: each is one kind of finding, at the author's own value.

mod ipa;
mod server;

use std::collections::{BTreeMap, BTreeSet};

use super::data::RecordData;
use super::derive::{self, A, AAAA, CNAME, zone_of};
use super::name::DnsName;
use super::server::{ZoneServer, servers_of};
use super::zone::ZoneContent;
use super::{Record, RecordName};
use crate::checked::Checked;
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::given::Given;

/// Looks at the zones of a resolved cloud.
pub(crate) fn check(cloud: &Checked, findings: &mut Vec<Finding>) {
    let Some(dns) = cloud.dns() else { return };
    let zones: BTreeMap<DnsName, ZoneContent> =
        derive::zones_of(cloud).into_iter().map(|zone| (zone.name.clone(), zone)).collect();
    let root = At::ROOT.key("dns");
    server::places(cloud, &root, findings);
    if dns.said().without_reverse && !dns.said().reverse.is_empty() {
        findings.push(DnsProblem::TwoReverse {}.at(root.key("reverse")));
    }
    ipa::logins(cloud, &root, findings);
    ipa::forwarding(cloud, &zones, &root, findings);
    let stated = root.key("zones");
    let mut kept = servers_of(cloud);
    kept.retain(ZoneServer::is_kept);
    for said in &dns.said().zones {
        let at = stated.name(&said.name);
        let Some(zone) = said.name.ok().and_then(|name| zones.get(&DnsName::from(name))) else { continue };
        server::unknown(said, cloud, &at, findings);
        let at = at.key("records");
        for (owner, records) in &said.records {
            let at = at.name(owner);
            let one = Own { zone, zones: &zones, records, at };
            one.check(owner, findings);
            one.of_server(owner, &kept, findings);
            ipa::records(&one, owner, cloud, findings);
        }
    }
    too_long(&zones, &kept, &root, findings);
    if !server::undecided(cloud, &zones, &root, findings) {
        server::missing(&zones, &root, findings);
    }
    server::without_glue(&zones, &root, findings);
}

/// The most characters of a name, without the dot at its end (RFC 1035 §2.3.4).
const MOST: usize = 253;

/// A name has a mark beside it, whose name is longer: by `._fmc`, and where `_any` stands in place of a `*` by three more.
fn too_long(
    zones: &BTreeMap<DnsName, ZoneContent>,
    kept: &[ZoneServer],
    root: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let is_marked = |zone: &&ZoneContent| {
        let server = kept.iter().find(|server| zone.server.as_ref() == Some(&server.name));
        server.is_some_and(|server| server.ipa.is_none())
    };
    for owner in zones.values().filter(is_marked).flat_map(|zone| zone.sets.keys()) {
        let more = if owner.is_wildcard() { 8 } else { 5 };
        if owner.bare().len() + more > MOST {
            let problem = DnsProblem::NoPlaceForMark { name: owner.bare().to_owned(), most: MOST - more };
            findings.push(problem.at(root));
        }
    }
}

/// The records of a name that an author wrote.
struct Own<'a> {
    zone: &'a ZoneContent,
    zones: &'a BTreeMap<DnsName, ZoneContent>,
    records: &'a [Given<Record>],
    at: At<'a>,
}

impl Own<'_> {
    fn check(&self, owner: &Given<RecordName>, findings: &mut Vec<Finding>) {
        let Some(owner) = owner.ok().and_then(|owner| owner.absolute(&self.zone.name).ok()) else { return };
        if let Some(problem) = self.outside(&owner) {
            findings.push(problem.at(self.at));
            return;
        }
        self.reserved(&owner, findings);
        self.ttls(&owner, findings);
        self.beside(&owner, findings);
        self.below_dname(&owner, findings);
        self.hosts(&owner, findings);
        self.two_names(&owner, findings);
        for (index, record) in self.records.iter().enumerate() {
            let Some(data) = record.ok().and_then(|record| record.in_zone(&self.zone.name).ok()) else {
                continue;
            };
            if let Some(problem) = self.target(&owner, &data) {
                findings.push(problem.at(self.at.index(index)));
            }
        }
    }

    /// A record is in its zone, and not in one that begins below it.
    fn outside(&self, owner: &DnsName) -> Option<DnsProblem> {
        let name = owner.bare().to_owned();
        let zone = self.zone.name.bare().to_owned();
        if !owner.is_within(&self.zone.name) {
            return Some(DnsProblem::Outside { name, zone });
        }
        let (nearest, _) = zone_of(self.zones, owner)?;
        if *nearest != self.zone.name {
            return Some(DnsProblem::InAnotherZone { name, zone, other: nearest.bare().to_owned() });
        }
        let cut = self.zone.cuts().find(|cut| owner.is_within(cut) && *cut != owner)?;
        // The address of a server below a cut is what leads to it.
        let is_glue = self
            .zone
            .sets_of(cut)
            .into_iter()
            .flatten()
            .any(|(_, set)| set.data.iter().any(|data| data.target() == Some(owner)));
        (!is_glue).then(|| DnsProblem::BelowCut { name, zone, cut: cut.bare().to_owned() })
    }

    /// The name servers of a zone are left to the server that has it.
    fn of_server(&self, owner: &Given<RecordName>, kept: &[ZoneServer], findings: &mut Vec<Finding>) {
        let is_apex = owner
            .ok()
            .and_then(|owner| owner.absolute(&self.zone.name).ok())
            .is_some_and(|owner| owner == self.zone.name);
        let has_ns =
            self.records.iter().filter_map(Given::ok).any(|one| matches!(one.data(), RecordData::Ns(_)));
        let server = kept.iter().find(|server| self.zone.server.as_ref() == Some(&server.name));
        if let Some(server) = server.filter(|_| is_apex && has_ns) {
            let (zone, server) = (self.zone.name.bare().to_owned(), server.name.clone());
            findings.push(DnsProblem::OfServer { zone, server }.at(self.at));
        }
    }

    /// The marks of names have places of their own.
    fn reserved(&self, owner: &DnsName, findings: &mut Vec<Finding>) {
        let is_marks = |label: &str| ["_fmc", "_any", "_fmc-names"].contains(&label);
        if owner.relative_to(&self.zone.name).split('.').any(is_marks) {
            findings.push(DnsProblem::Reserved { name: owner.bare().to_owned() }.at(self.at));
        }
        let has_ns =
            self.records.iter().filter_map(Given::ok).any(|one| matches!(one.data(), RecordData::Ns(_)));
        if has_ns && owner.is_wildcard() {
            findings.push(DnsProblem::WildcardCut { name: owner.bare().to_owned() }.at(self.at));
        }
    }

    /// A DNAME stands for all names below it, so none of them is there.
    fn below_dname(&self, owner: &DnsName, findings: &mut Vec<Finding>) {
        let above = self.zone.sets.iter().find(|(above, sets)| {
            *above != owner && owner.is_within(above) && sets.contains_key(&derive::DNAME)
        });
        let name = owner.bare().to_owned();
        if let Some((above, _)) = above {
            findings.push(DnsProblem::BelowDname { name, above: above.bare().to_owned() }.at(self.at));
        } else if self
            .zone
            .sets_of(owner)
            .and_then(|sets| sets.get(&derive::DNAME))
            .is_some_and(|set| set.data.len() > 1)
        {
            findings.push(DnsProblem::TwoDnames { name }.at(self.at));
        }
    }

    /// Whether a chain of aliases comes back to its beginning.
    fn is_circle(&self, owner: &DnsName) -> bool {
        let mut seen = BTreeSet::from([owner.clone()]);
        let mut at = owner.clone();
        loop {
            let alias = zone_of(self.zones, &at)
                .and_then(|(_, zone)| zone.sets_of(&at)?.get(&CNAME)?.data.first()?.target().cloned());
            match alias {
                Some(next) if next == *owner => return true,
                Some(next) if seen.insert(next.clone()) => at = next,
                _ => return false,
            }
        }
    }

    /// All records of a set have one time to live.
    fn ttls(&self, owner: &DnsName, findings: &mut Vec<Finding>) {
        let mut seen: BTreeMap<u16, u32> = BTreeMap::new();
        for (index, record) in self.records.iter().enumerate() {
            let Some(record) = record.ok() else { continue };
            let ttl = record.own_ttl().unwrap_or(self.zone.ttl).get();
            let first = *seen.entry(record.data().type_number()).or_insert(ttl);
            if first != ttl {
                let (name, kind) = (owner.bare().to_owned(), record.data().type_name());
                let problem = DnsProblem::TwoTtls { name, kind, first, other: ttl };
                findings.push(problem.at(self.at.index(index)));
                return;
            }
        }
    }

    /// A name that stands for another one has nothing else.
    fn beside(&self, owner: &DnsName, findings: &mut Vec<Finding>) {
        let Some(sets) = self.zone.sets_of(owner).filter(|sets| sets.contains_key(&CNAME)) else { return };
        let name = owner.bare().to_owned();
        let others = sets.values().flat_map(|set| set.data.first()).map(RecordData::type_name);
        let mut others: Vec<&str> = others.filter(|kind| *kind != "CNAME").collect();
        if *owner == self.zone.name {
            others.push("SOA");
        }
        if !others.is_empty() {
            let others = NameList::new(others);
            findings.push(DnsProblem::BesideCname { name, others }.at(self.at));
        } else if sets.get(&CNAME).is_some_and(|set| set.data.len() > 1) {
            findings.push(DnsProblem::TwoCnames { name }.at(self.at));
        }
    }

    /// The owner of an address is a host.
    fn hosts(&self, owner: &DnsName, findings: &mut Vec<Finding>) {
        let addresses = self.records.iter().filter_map(Given::ok).map(|record| record.data());
        let mut of_hosts = addresses
            .filter(|data| matches!(data, RecordData::A(_) | RecordData::Aaaa(_) | RecordData::Mx { .. }));
        if let Some(data) = of_hosts.next().filter(|_| !owner.is_of_host()) {
            let near = owner.relative_to(&self.zone.name).replace('_', "-");
            let near = near.trim_matches('-').to_owned();
            let (name, kind) = (owner.bare().to_owned(), data.type_name());
            findings.push(DnsProblem::NotAHost { name, kind, near }.at(self.at));
        }
    }

    /// An address has one name.
    fn two_names(&self, owner: &DnsName, findings: &mut Vec<Finding>) {
        let names = self.records.iter().filter_map(Given::ok).filter_map(|record| match record.data() {
            RecordData::Ptr(name) => Some(name.as_str()),
            _ => None,
        });
        let names = NameList::new(names);
        if names.len() > 1 {
            findings.push(DnsProblem::TwoNames { owner: owner.bare().to_owned(), names }.at(self.at));
        }
    }

    /// A name that a record leads to is in the cloud's zones, if it is inside one of them.
    fn target(&self, owner: &DnsName, data: &RecordData) -> Option<DnsProblem> {
        let target = data.target().filter(|target| target.as_str() != ".")?;
        if matches!(data, RecordData::Cname(_)) && self.is_circle(owner) {
            return Some(DnsProblem::Circle { name: owner.bare().to_owned() });
        }
        let (_, zone) = zone_of(self.zones, target)?;
        if zone.cuts().any(|cut| target.is_within(cut)) {
            return None;
        }
        let name = target.bare().to_owned();
        let kind = data.type_name();
        let sets = found(zone, target);
        let Some(sets) = sets else {
            let twice = self.without_dot(target);
            let owner = owner.bare().to_owned();
            return Some(match twice {
                Some(absolute) => DnsProblem::NoDot { owner, kind, name, absolute },
                None => DnsProblem::UnknownTarget { owner, kind, name },
            });
        };
        let needs_address =
            matches!(data, RecordData::Ns(_) | RecordData::Mx { .. } | RecordData::Srv { .. });
        if !needs_address {
            return None;
        }
        if sets.contains_key(&CNAME) {
            return Some(DnsProblem::AliasTarget { owner: owner.bare().to_owned(), kind, name });
        }
        let has_address = sets.contains_key(&A) || sets.contains_key(&AAAA);
        (!has_address).then(|| DnsProblem::NoAddress { owner: owner.bare().to_owned(), kind, name })
    }

    /// The name that was meant, if a relative one looks like an absolute one without its dot.
    fn without_dot(&self, target: &DnsName) -> Option<String> {
        let relative = target.relative_to(&self.zone.name);
        (target.is_within(&self.zone.name) && relative.contains('.')).then(|| format!("{relative}."))
    }
}

/// The record sets of a name: its own, or those of a wildcard around it.
fn found<'z>(zone: &'z ZoneContent, name: &DnsName) -> Option<&'z BTreeMap<u16, super::zone::RecordSet>> {
    if let Some(sets) = zone.sets_of(name) {
        return Some(sets);
    }
    let mut above = name.bare();
    while let Some((_, rest)) = above.split_once('.') {
        let wildcard = DnsName::parse(&format!("*.{rest}")).ok()?;
        if let Some(sets) = zone.sets_of(&wildcard) {
            return Some(sets);
        }
        above = rest;
    }
    None
}

problems! {
    /// Problems with the cloud's DNS.
    pub enum DnsProblem {
        Outside { name: String, zone: String } is DnsRecordOutside:
            "{name} is not in the zone {zone}",
            "write a name relative to {zone}, or move the record to the zone that it is in";
        InAnotherZone { name: String, zone: String, other: String } is DnsRecordOutside:
            "{name} is in the zone {other}, which begins inside {zone}",
            "move the record to the zone {other}";
        BelowCut { name: String, zone: String, cut: String } is DnsRecordOutside:
            "{name} is below {cut}, for which {zone} names other servers",
            "put the record into the zone of those servers, or remove the NS records of {cut}";
        BesideCname { name: String, others: NameList } is DnsCnameBeside:
            "{name} is an alias (CNAME), and has {others} records too",
            "remove the CNAME, or the other records: the name that it stands for has them";
        Reserved { name: String } is DnsHostName:
            "{name} is a name that fmc keeps for its own marks: `_fmc`, `_fmc-names`, and `_any` in place of a `*`",
            "give it another label";
        NoPlaceForMark { name: String, most: usize } is DnsHostName:
            "{name} is so long that the mark beside it, which says that it is the cloud's, has no place",
            "give it at most {most} characters";
        OfServer { zone: String, server: String } is DnsRecordOutside:
            "the NS records of {zone} are left to {server}, which has the zone, and would never be written",
            "change them at the server, and take them out here";
        WildcardCut { name: String } is DnsRecordOutside:
            "{name} has NS records, and a wildcard cannot be a zone of its own",
            "write the name of the zone that others have";
        BelowDname { name: String, above: String } is DnsCnameBeside:
            "{name} is below {above}, which stands for another name with all that is below it (DNAME)",
            "put the record below the other name, or remove the DNAME";
        TwoDnames { name: String } is DnsCnameBeside:
            "{name} stands for several names with all that is below them (DNAME)",
            "keep one of them";
        Circle { name: String } is DnsTargetUnknown:
            "{name} is an alias (CNAME) that leads back to itself",
            "let one name of the circle have an address";
        TwoCnames { name: String } is DnsCnameBeside:
            "{name} is an alias (CNAME) of several names",
            "keep one of them; several addresses of one name are several A records";
        UnknownTarget { owner: String, kind: &'static str, name: String } is DnsTargetUnknown:
            "the {kind} record of {owner} leads to {name}, and the zone has no such name",
            "write the name of a machine or of another record, or add one of {name}";
        NoDot { owner: String, kind: &'static str, name: String, absolute: String } is DnsTargetUnknown:
            "the {kind} record of {owner} leads to {name}, and the zone has no such name",
            "write {absolute} with a dot at its end if the name stands by itself: without one the zone is added to it";
        AliasTarget { owner: String, kind: &'static str, name: String } is DnsTargetUnknown:
            "the {kind} record of {owner} leads to {name}, which is an alias (CNAME)",
            "write the name that {name} stands for: RFC 2181 §10.3 wants addresses there";
        NoAddress { owner: String, kind: &'static str, name: String } is DnsTargetUnknown:
            "the {kind} record of {owner} leads to {name}, which has no address",
            "add an A or AAAA record of {name}, or write a name that has one";
        TwoNames { owner: String, names: NameList } is DnsReverseDouble:
            "{owner} has several names: {names}",
            "keep one PTR record: many programs take the first they get, and it differs from one answer to the next";
        TwoReverse {} is DnsReverseDouble:
            "`reverse` names networks, and `without_reverse` says that none has reverse zones",
            "keep one of them";
        TwoTtls { name: String, kind: &'static str, first: u32, other: u32 } is DnsTtlMixed:
            "the {kind} records of {name} have a time to live of {first} s and of {other} s",
            "give all {kind} records of {name} the same: a server has one for all of them";
        TwoTtlsOfName { name: String, first: u32, other: u32 } is DnsTtlMixed:
            "{name} has records with a time to live of {first} s and of {other} s, and FreeIPA has one for all records of a name",
            "give all records of {name} the same";
        NotInIpa { name: String, kind: &'static str, server: String } is DnsIpaRecord:
            "{name} has {kind} records, and FreeIPA, which is the server {server}, has none of this type",
            "remove them, or put the zone into a server that is kept up to date by a key";
        ForwardersOfOther { server: String } is DnsForward:
            "{server} has forwarders, and it is not a FreeIPA server of the cloud",
            "remove them and set them at the server, or give it a login of FreeIPA: {ipa}",
            ipa = Remedy::either("ipa", ".ipa(…)");
        ForwardedByOther { zone: String, server: String } is DnsForward:
            "{zone} is forwarded by {server}, which is not a FreeIPA server of the cloud",
            "name a server with a login of FreeIPA, or remove {zone} and set it at the server";
        ForwardedByNone { zone: String } is DnsForward:
            "{zone} is forwarded by no server",
            "name the FreeIPA server that forwards it, for example {server}",
            server = Remedy::set("server", "ipa");
        NoForwarders { zone: String } is DnsForward:
            "{zone} is forwarded to nowhere",
            "give it the addresses of the servers that have it, for example {to}",
            to = Remedy::either("forwarders: [192.0.2.53]", ".forwarders([\"192.0.2.53\"])");
        ForwardedOwn { zone: String } is DnsForward:
            "{zone} is a zone of the cloud, and forwarded to other servers",
            "keep one of them: a server cannot have a zone and forward it";
        NothingToRead { server: String } is DnsServerMissing:
            "{server} has no `key`, so that its zones are not read, neither by transfer nor by queries",
            "take `read_by` out, or give the server the key of its updates";
        TwoLogins { server: String } is DnsIpaLogin:
            "{server} has keys of dynamic updates and a login of FreeIPA",
            "keep `ipa` for a FreeIPA server, and `key` for any other";
        TicketAndUser { server: String } is DnsIpaLogin:
            "the login of {server} is by a Kerberos ticket, and names a user or a password",
            "keep {kerberos}, which logs in as the owner of the ticket, or the user with its password",
            kerberos = Remedy::either("kerberos: true", "IpaLogin::kerberos()");
        NoUserOfIpa { server: String } is DnsIpaLogin:
            "the login of {server} has no user with a password, and no Kerberos ticket",
            "give it both, as {user}, or log in by the ticket of `kinit`: {kerberos}",
            user = Remedy::either("user: admin, password: {name: ipa-password, source: {file: secrets/ipa-password}}", "IpaLogin::new(\"admin\", Secret::file(\"ipa-password\", \"secrets/ipa-password\"))"),
            kerberos = Remedy::either("kerberos: true", "IpaLogin::kerberos()");
        NoCa { server: String } is DnsIpaLogin:
            "the login of {server} names no certificate authority",
            "say where /etc/ipa/ca.crt of the server is, for example {ca}",
            ca = Remedy::either("ca: {name: ipa-ca, source: {file: ipa-ca.crt}}", ".ca(Secret::file(\"ipa-ca\", \"ipa-ca.crt\"))");
        NoNameOfIpa { server: String } is DnsIpaLogin:
            "{server} is a FreeIPA server without a name, and FreeIPA answers only by its own",
            "give it its name, for example {fqdn}",
            fqdn = Remedy::set("fqdn", "ipa.lab.example");
        NotAHost { name: String, kind: &'static str, near: String } is DnsHostName:
            "{name} has {kind} records, and no host can be called so: a label of it begins with an underscore",
            "write {near}; names with an underscore are for SRV and TXT records";
        Undecided { zones: NameList, servers: NameList } is DnsServerMissing with (have = zones.verb("has", "have")):
            "{zones} {have} none of the servers {servers}, of which none or several are the default",
            "say {default} at one of them, or name the server of each zone: {server}",
            default = Remedy::either("default: true", ".default(true)"),
            server = Remedy::set("server", "ns1");
        NoServer { zones: NameList } is DnsServerMissing with (have = zones.verb("has", "have")):
            "{zones} {have} no name server",
            "give `dns` a server whose own name is known, or name the servers of each zone, for example {servers}",
            servers = Remedy::either("name_servers: [ns1.lab.example]", ".name_servers([\"ns1.lab.example\"])");
        NoGlue { server: String, zones: NameList } is DnsServerMissing:
            "{server}, which has {zones}, is in a zone of the cloud without an address",
            "write the name of a machine, or give {server} an A or AAAA record there";
        UnknownServer { server: String, known: NameList } is ReferenceUnknown:
            "`dns` has no server {server}",
            "write the name of one of its servers: {known}";
        NoPlace { server: String } is DnsServerMissing:
            "{server} has neither an address nor a machine",
            "say where it is: give it an address, or a machine of the cloud";
        TwoPlaces { server: String } is DnsServerMissing:
            "{server} has an address and a machine",
            "keep one of them: the address of a machine follows from it";
        NoAddressOfMachine { server: String, machine: String } is DnsServerMissing:
            "{server} is on {machine}, which has no fixed address",
            "give an interface of {machine} a static or reserved address, for example {address}",
            address = Remedy::set("address", "10.17.3.11");
    }
}
