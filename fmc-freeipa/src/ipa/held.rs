//! The names of a zone as FreeIPA has them. It keeps values as they were written, so they are read before they are compared.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::dns::{DnsName, Record, RecordData};
use fmc_core::given::Leaf as _;

use super::idn::ascii;
use crate::client::IpaRecord;
use crate::object::{DnsObject, Mark};
use crate::records::{CNAME, NS, SSHFP, Set, Sets, is_servers_own};
use crate::wanted::Name;

/// What the mark of a name begins with, before the cloud's owner.
const OURS: &str = "fmc/";

/// What the mark with the hash of a name's records begins with.
const MADE: &str = "fmc-made/";

/// What the mark of a zone begins with, before the cloud's owner.
const ZONE: &str = "fmc-zone/";

/// The time to live of names that have none, in a zone that has none either (bind-dyndb-ldap).
const DEFAULT_TTL: u32 = 86_400;

/// The types that FreeIPA has, with their numbers (IANA, *DNS Parameters*).
const TYPES: [(&str, u16); 30] = [
    ("A", 1),
    ("A6", 38),
    ("AAAA", 28),
    ("AFSDB", 18),
    ("APL", 42),
    ("CERT", 37),
    ("CNAME", 5),
    ("DHCID", 49),
    ("DLV", 32769),
    ("DNAME", 39),
    ("DS", 43),
    ("HIP", 55),
    ("IPSECKEY", 45),
    ("KEY", 25),
    ("KX", 36),
    ("LOC", 29),
    ("MX", 15),
    ("NAPTR", 35),
    ("NS", 2),
    ("NSEC", 47),
    ("PTR", 12),
    ("RP", 17),
    ("RRSIG", 46),
    ("SIG", 24),
    ("SPF", 99),
    ("SRV", 33),
    ("SSHFP", SSHFP),
    ("TLSA", 52),
    ("TXT", 16),
    ("URI", 256),
];

/// Names that FreeIPA makes for its own services, by their first label.
const SERVICES: [&str; 6] = ["_kerberos", "_kerberos-master", "_kpasswd", "_ldap", "_ntp", "ipa-ca"];

/// An entry of a zone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Held {
    /// Its record sets, without those that are FreeIPA's own.
    pub(super) sets: Sets,
    /// Its marks, ours and others.
    pub(super) marks: Vec<String>,
    /// Whether FreeIPA makes it for its own use.
    is_servers: bool,
}

/// The entries of a zone by their absolute names. `ttl` is the zone's own for names without one.
pub(super) fn read(
    zone: &DnsName,
    server: &DnsName,
    records: &[IpaRecord],
    ttl: Option<u32>,
) -> BTreeMap<String, Held> {
    let mut servers = BTreeSet::from([server.to_string()]);
    let mut entries = BTreeMap::new();
    for record in records {
        let relative = record.name();
        let relative = ascii(&relative);
        let is_apex = relative == "@" || relative == zone.as_str();
        let name = if is_apex { zone.to_string() } else { format!("{relative}.{zone}") };
        let ttl = record.ttl().or(ttl).unwrap_or(DEFAULT_TTL);
        let mut sets = Sets::new();
        for (kind, values) in record.values() {
            for value in values {
                let (number, data, text) = value_of(&kind, &value, zone);
                let set = sets.entry(number).or_insert_with(|| Set { ttl, ..Set::default() });
                set.data.insert(data, text);
            }
        }
        if is_apex {
            let names = sets.get(&NS).into_iter().flat_map(Set::texts);
            servers.extend(names.map(str::to_owned));
        }
        sets.retain(|kind, _| !is_servers_own(*kind, is_apex));
        let first = relative.split('.').next().unwrap_or_default();
        let is_servers = SERVICES.contains(&first);
        entries.insert(name, Held { sets, marks: record.marks(), is_servers });
    }
    for server in servers {
        if let Some(entry) = entries.get_mut(&server) {
            entry.is_servers = true;
        }
    }
    entries
}

/// The servers that the zone itself names, bare.
pub(super) fn servers(zone: &DnsName, records: &[IpaRecord]) -> BTreeSet<String> {
    let apex = records.iter().filter(|record| record.name() == "@" || record.name() == zone.as_str());
    let values = apex.flat_map(IpaRecord::values).filter(|(kind, _)| kind == "NS");
    let names = values.flat_map(|(_, values)| values).filter_map(|value| {
        let (_, _, text) = value_of("NS", &value, zone);
        let name = text.strip_prefix("NS ")?;
        Some(name.strip_suffix('.').unwrap_or(name).to_owned())
    });
    names.collect()
}

/// The number of a value's type, its bytes, and its text with the type.
fn value_of(kind: &str, value: &str, zone: &DnsName) -> (u16, Vec<u8>, String) {
    let parsed = match kind {
        // Without quotation marks each word is a text of its own, as BIND reads it.
        "TXT" if !value.contains('"') => {
            let words: Vec<String> = value.split_whitespace().map(|word| format!("\"{word}\"")).collect();
            data_of(kind, &words.join(" "), zone)
        }
        "CNAME" | "DNAME" | "MX" | "NS" | "PTR" | "SRV" => data_of(kind, &value.to_ascii_lowercase(), zone),
        _ => data_of(kind, value, zone),
    };
    if let Some(data) = parsed {
        return (data.type_number(), data.wire(), data.to_string());
    }
    let known = TYPES.iter().find(|(known, _)| *known == kind).map_or(u16::MAX, |(_, number)| *number);
    // Nothing that a cloud wants has these bytes.
    let bytes = [&[u8::MAX; 8][..], kind.as_bytes(), b" ", value.as_bytes()].concat();
    (known, bytes, format!("{kind} {value}"))
}

fn data_of(kind: &str, value: &str, zone: &DnsName) -> Option<RecordData> {
    Record::parse(&format!("{kind} {value}")).ok()?.in_zone(zone).ok()
}

impl Held {
    /// The name as an object. What FreeIPA may add to a name of ours, or has at one of its own, is not seen as a difference.
    pub(super) fn object(&self, owner: &str, wanted: Option<&Name>, nothing: DnsObject) -> Option<DnsObject> {
        let mark = self.mark();
        let is_servers = self.is_servers && mark.is_none();
        let mut sets = self.sets.clone();
        if let Some(wanted) = wanted {
            sets.retain(|kind, _| !is_of_hosts(*kind, &wanted.sets));
            if is_servers {
                sets.retain(|kind, _| wanted.sets.contains_key(kind));
                for (kind, set) in &mut sets {
                    set.ttl = wanted.sets.get(kind).map_or(set.ttl, |wanted| wanted.ttl);
                }
            }
        }
        if sets.is_empty() && mark.is_none() && !is_servers {
            return None;
        }
        let is_ours = mark.as_ref().is_some_and(|mark| mark.owner == owner);
        Some(DnsObject { sets, mark, is_ours, is_servers, ..nothing })
    }

    fn mark(&self) -> Option<Mark> {
        let owner = self.marks.iter().find_map(|mark| mark.strip_prefix(OURS))?.to_owned();
        let made = self.marks.iter().find_map(|mark| mark.strip_prefix(MADE)?.parse().ok());
        Some(Mark { owner, made })
    }

    /// The marks without those of a name.
    pub(super) fn other_marks(&self) -> Vec<String> {
        let is_of_name = |mark: &String| mark.starts_with(OURS) || mark.starts_with(MADE);
        self.marks.iter().filter(|mark| !is_of_name(mark)).cloned().collect()
    }
}

/// Whether records of a type that a wanted name has besides are those that a host brings when it enrols. An alias has no host.
pub(super) fn is_of_hosts(kind: u16, wanted: &Sets) -> bool {
    kind == SSHFP && !wanted.contains_key(&SSHFP) && !wanted.contains_key(&CNAME)
}

/// The marks of a wanted name.
pub(super) fn marks_of(name: &Name) -> [String; 2] {
    let Mark { owner, made } = name.mark();
    [format!("{OURS}{owner}"), format!("{MADE}{}", made.map(|made| made.to_string()).unwrap_or_default())]
}

/// The mark of a zone.
pub(super) fn zone_mark(owner: &str) -> String {
    format!("{ZONE}{owner}")
}

/// Whose a zone is, by its marks.
pub(super) fn zone_owner(marks: &[String]) -> Option<&str> {
    marks.iter().find_map(|mark| mark.strip_prefix(ZONE))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::IpaEntry;

    #[test]
    fn values_are_read_as_bind_reads_them() {
        let zone = DnsName::parse("lab.example").unwrap();
        let text = |kind: &str, value: &str| value_of(kind, value, &zone).2;
        assert_eq!(text("AAAA", "2001:DB8:0:0::1"), "AAAA 2001:db8::1");
        assert_eq!(text("CNAME", "VM1.Lab.Example."), "CNAME vm1.lab.example.");
        assert_eq!(text("MX", "10 mail"), "MX 10 mail.lab.example.");
        assert_eq!(text("TXT", "a, b;  c"), "TXT \"a,\" \"b;\" \"c\"");
        assert_eq!(text("TXT", "\"one\" \"two\""), "TXT \"one\" \"two\"");
        // What cannot be read is kept, and is never what a cloud wants.
        for (kind, value, number) in
            [("LOC", "52 22 N", 29), ("CNAME", "no_host.x.", 5), ("NEW", "x", u16::MAX), ("A", "", 1)]
        {
            let (found, bytes, shown) = value_of(kind, value, &zone);
            assert_eq!((found, shown), (number, format!("{kind} {value}")));
            assert!(bytes.starts_with(&[u8::MAX; 8]));
        }
    }

    #[test]
    fn names_are_those_of_dns() {
        let zone = DnsName::parse("lab.example").unwrap();
        let server = DnsName::parse("ipa.lab.example").unwrap();
        let record = |name: &str| {
            IpaRecord::new(IpaEntry::of(&json!({
                "idnsname": [{"__dns_name__": name}], "arecord": ["192.0.2.1"], "cn": ["fmc/first", "other"],
            })))
        };
        let entries = read(&zone, &server, &["@", "bücher", "ipa", "_ldap._tcp"].map(record), Some(60));
        let names: Vec<&str> = entries.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["_ldap._tcp.lab.example.", "ipa.lab.example.", "lab.example.", "xn--bcher-kva.lab.example."]
        );
        let held = &entries["xn--bcher-kva.lab.example."];
        assert_eq!(held.other_marks(), ["other"]);
        let nothing = DnsObject::of_step(Sets::new(), None);
        assert!(held.object("first", None, nothing).unwrap().is_ours);
        assert_eq!(held.sets.values().map(|set| set.ttl).collect::<Vec<_>>(), [60]);
    }
}
