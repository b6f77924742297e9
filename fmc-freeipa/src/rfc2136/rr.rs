//! Records as a server has them: by name and type, compared by their bytes.

use std::collections::BTreeMap;

use fmc_core::dns::{DnsName, RecordSet};
use fmc_core::graph::Fingerprint;
use serde::{Deserialize, Serialize};

/// A record of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rr {
    /// Its name, absolute, in lower case.
    pub(super) owner: String,
    /// The number of its type.
    pub(super) kind: u16,
    pub(super) ttl: u32,
    /// Its data in the canonical form of RFC 4034 §6.2.
    pub(super) data: Vec<u8>,
    /// Its type and data for a person, as `A 10.17.3.10`.
    pub(super) text: String,
}

/// The records of one name and type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Set {
    pub(super) ttl: u32,
    /// The bytes of each, with its text.
    pub(super) data: BTreeMap<Vec<u8>, String>,
}

impl Set {
    /// Whether both have the same records and the same time to live.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.ttl == other.ttl && self.data.keys().eq(other.data.keys())
    }

    /// The records for a person.
    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> =
            self.data.values().map(|text| text.split_once(' ').map_or("", |(_, data)| data)).collect();
        texts.join(", ")
    }
}

/// The record sets of a name, by the number of their type.
pub(super) type Sets = BTreeMap<u16, Set>;

/// The record sets of a zone, by name.
pub(super) type Names = BTreeMap<String, Sets>;

/// The wanted sets of a name.
pub(super) fn sets<'a>(wanted: impl IntoIterator<Item = (&'a u16, &'a RecordSet)>) -> Sets {
    let set = |set: &RecordSet| Set {
        ttl: set.ttl.get(),
        data: set.data.iter().map(|data| (data.wire(), data.to_string())).collect(),
    };
    wanted.into_iter().map(|(kind, one)| (*kind, set(one))).collect()
}

/// Sorts the records of a zone by name and type.
pub(super) fn sorted(records: impl IntoIterator<Item = Rr>) -> Names {
    let mut names = Names::new();
    for record in records {
        let set = names.entry(record.owner).or_default().entry(record.kind).or_default();
        set.ttl = record.ttl;
        set.data.insert(record.data, record.text);
    }
    names
}

/// A hash of a name's records.
pub(super) fn fingerprint(sets: &Sets) -> Fingerprint {
    let mut bytes = Vec::new();
    for (kind, set) in sets {
        bytes.extend(kind.to_be_bytes());
        bytes.extend(set.ttl.to_be_bytes());
        for data in set.data.keys() {
            bytes.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend(data);
        }
    }
    Fingerprint::of(&bytes)
}

/// The numbers of types.
pub(super) const NS: u16 = 2;
pub(super) const CNAME: u16 = 5;
pub(super) const SOA: u16 = 6;
pub(super) const TXT: u16 = 16;

/// The types that a server makes itself: its SOA and those of DNSSEC (RFC 4034, RFC 5155, RFC 7344).
const SERVERS_OWN: [u16; 10] = [SOA, 46, 47, 48, 50, 51, 59, 60, 63, 65534];

/// Whether the sets of a type are the server's own: at the zone itself its name servers are too.
pub(super) fn is_servers_own(kind: u16, is_apex: bool) -> bool {
    SERVERS_OWN.contains(&kind) || (is_apex && kind == NS)
}

/// The label below which a zone has the marks.
const MARKS: &str = "_fmc";

/// In the name of a mark, the label for the `*` of a wildcard, which would match other marks.
const ANY: &str = "_any";

/// The name at which the mark of a name stands: of `www` in a zone it is `www._fmc`. `None` if it would be too long.
pub(super) fn mark_name(zone: &DnsName, owner: &DnsName) -> Option<DnsName> {
    let relative = owner.relative_to(zone);
    if relative == "@" {
        return zone.below(MARKS).ok();
    }
    let relative = match relative.strip_prefix('*') {
        Some(rest) => format!("{ANY}{rest}"),
        None => relative.to_owned(),
    };
    zone.below(&format!("{relative}.{MARKS}")).ok()
}

/// The name that a mark is of; `None` if a name is not that of a mark.
pub(super) fn marked(zone: &DnsName, mark: &str) -> Option<String> {
    let marks = format!("{MARKS}.{zone}");
    if mark == marks {
        return Some(zone.to_string());
    }
    let relative = mark.strip_suffix(&marks)?;
    let relative = match relative.strip_prefix(ANY) {
        Some(rest) => format!("*{rest}"),
        None => relative.to_owned(),
    };
    Some(format!("{relative}{zone}"))
}

/// A mark: whose a name is, and the hash of the records that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The owner of the cloud.
    pub(super) owner: String,
    /// The hash of the name's records at the last apply.
    pub(super) made: Option<Fingerprint>,
}

impl Mark {
    /// The mark as a record set.
    pub(super) fn set(&self, ttl: u32) -> Set {
        let texts =
            [format!("fmc/{}", self.owner), self.made.map(|made| made.to_string()).unwrap_or_default()];
        let wire = texts.iter().flat_map(|text| {
            std::iter::once(u8::try_from(text.len()).unwrap_or(u8::MAX))
                .chain(text.bytes())
                .collect::<Vec<u8>>()
        });
        let text = format!("TXT \"{}\" \"{}\"", texts[0], texts[1]);
        Set { ttl, data: BTreeMap::from([(wire.collect(), text)]) }
    }

    /// Reads the mark of a name.
    pub(super) fn of(sets: &Sets) -> Option<Self> {
        sets.get(&TXT)?.data.keys().find_map(|data| {
            let mut texts = Vec::new();
            let mut rest = data.as_slice();
            while let Some((length, tail)) = rest.split_first() {
                let (text, tail) = tail.split_at_checked(usize::from(*length))?;
                texts.push(std::str::from_utf8(text).ok()?.to_owned());
                rest = tail;
            }
            let owner = texts.first()?.strip_prefix("fmc/")?.to_owned();
            Some(Self { owner, made: texts.get(1).and_then(|text| text.parse().ok()) })
        })
    }
}
