//! Records as a server has them: by name and type, compared by their bytes.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::dns::RecordSet;
use fmc_core::graph::{Change, Fingerprint, Impact};
use serde::{Deserialize, Serialize};

/// The records of one name and type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Set {
    pub(crate) ttl: u32,
    /// The bytes of each, with its type and its text, as `A 10.17.3.10`.
    pub(crate) data: BTreeMap<Vec<u8>, String>,
}

impl Set {
    /// Whether both have the same records and the same time to live.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.ttl == other.ttl && self.has_same_data(other)
    }

    /// Whether both have the same records.
    pub(crate) fn has_same_data(&self, other: &Self) -> bool {
        self.data.keys().eq(other.data.keys())
    }

    /// The records for a person, without their type.
    pub(crate) fn text(&self) -> String {
        self.texts().collect::<Vec<_>>().join(", ")
    }

    /// The text of each record, without its type.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.data.values().map(|text| text.split_once(' ').map_or("", |(_, data)| data))
    }

    /// The set for a person: `A 10.17.3.10, 10.17.3.11`.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}", self.kind(), self.text())
    }

    /// The name of its type.
    pub(crate) fn kind(&self) -> &str {
        self.data.values().next().and_then(|text| text.split(' ').next()).unwrap_or_default()
    }
}

/// The servers that the NS records of a zone name, bare and in lower case.
pub(crate) fn own_servers(set: &Set) -> BTreeSet<String> {
    let bare = |text: &str| text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    set.texts().map(bare).collect()
}

/// The record sets of a name, by the number of their type.
pub(crate) type Sets = BTreeMap<u16, Set>;

/// The record sets of a zone, by name.
pub(crate) type Names = BTreeMap<String, Sets>;

/// The wanted sets of a name.
pub(crate) fn sets<'a>(wanted: impl IntoIterator<Item = (&'a u16, &'a RecordSet)>) -> Sets {
    let set = |set: &RecordSet| Set {
        ttl: set.ttl.get(),
        data: set.data.iter().map(|data| (data.wire(), data.to_string())).collect(),
    };
    wanted.into_iter().map(|(kind, one)| (*kind, set(one))).collect()
}

/// A hash of a name's records.
pub(crate) fn fingerprint(sets: &Sets) -> Fingerprint {
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
pub(crate) const A: u16 = 1;
pub(crate) const AAAA: u16 = 28;
pub(crate) const NS: u16 = 2;
pub(crate) const CNAME: u16 = 5;
pub(crate) const DNAME: u16 = 39;
pub(crate) const SSHFP: u16 = 44;
pub(crate) const SOA: u16 = 6;
pub(crate) const TXT: u16 = 16;

/// The types that a server makes itself: its SOA and those of DNSSEC (RFC 4034, RFC 5155, RFC 7344).
const SERVERS_OWN: [u16; 10] = [SOA, 46, 47, 48, 50, 51, 59, 60, 63, 65534];

/// Whether the sets of a type are the server's own: at the zone itself its name servers are too.
pub(crate) fn is_servers_own(kind: u16, is_apex: bool) -> bool {
    SERVERS_OWN.contains(&kind) || (is_apex && kind == NS)
}

/// The differences between the records of a name.
pub(crate) fn differences(seen: &Sets, wanted: &Sets) -> Vec<Change> {
    let mut kinds: Vec<u16> = seen.keys().chain(wanted.keys()).copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let change = |kind: u16| {
        let (from, to) = (seen.get(&kind), wanted.get(&kind));
        if from.zip(to).is_some_and(|(from, to)| from.is_same(to)) {
            return None;
        }
        let path = from.or(to)?.kind().to_owned();
        let is_ttl = from.zip(to).is_some_and(|(from, to)| from.has_same_data(to));
        let (path, from, to) = if is_ttl {
            (format!("{path}.ttl"), from.map(|set| set.ttl.to_string()), to.map(|set| set.ttl.to_string()))
        } else {
            (path, from.map(Set::text), to.map(Set::text))
        };
        Some(Change { path, from, to, impact: Impact::Live, reason: None })
    };
    kinds.into_iter().filter_map(change).collect()
}
