//! A whole zone: its SOA and every record set in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::data::RecordData;
use super::name::DnsName;
use super::ttl::Ttl;

/// The records of one name and one type, with their time to live (RFC 2181 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordSet {
    /// How long resolvers keep them.
    pub ttl: Ttl,
    /// The data of each, once, in the canonical order of RFC 4034 §6.3.
    pub data: Vec<RecordData>,
}

impl RecordSet {
    /// A set of these records; each is in it once.
    pub fn new(ttl: Ttl, mut data: Vec<RecordData>) -> Self {
        data.sort_by_cached_key(RecordData::wire);
        data.dedup_by_key(|data| data.wire());
        Self { ttl, data }
    }
}

/// The values of a zone's SOA that the cloud decides (RFC 1035 §3.3.13).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Soa {
    /// The server that has the zone's origin.
    pub primary: DnsName,
    /// The mailbox of who answers for it, as a name.
    pub contact: DnsName,
}

/// How often other servers look for a new version, in seconds (RIPE-203 for small zones).
const REFRESH: u32 = 3600;
/// How soon they look again after a failure.
const RETRY: u32 = 900;
/// After how long without an answer they give the zone up.
const EXPIRE: u32 = 1_209_600;
/// The time for which resolvers remember that a name does not exist (RFC 2308).
const NEGATIVE: u32 = 300;

/// A whole zone, as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneContent {
    /// Its name.
    pub name: DnsName,
    /// The server that it is changed at, if the cloud names one.
    pub server: Option<String>,
    /// The time to live of records without one of their own.
    pub ttl: Ttl,
    /// Its SOA.
    pub soa: Soa,
    /// Its record sets, by owner and the number of their type, without the SOA.
    pub sets: BTreeMap<DnsName, BTreeMap<u16, RecordSet>>,
}

impl ZoneContent {
    /// Its serial: the first 32 bits of a hash of its content, and never 0. Other content has another serial, and nothing else
    /// changes it. It does not grow, so the comparison of RFC 1982 says nothing about which of two is newer.
    pub fn serial(&self) -> u32 {
        let digest = crate::digest::Digest::sha256(self.with_serial(0).as_bytes());
        let bytes = digest.bytes().iter().take(4);
        bytes.fold(0, |number, byte| (number << 8) | u32::from(*byte)).max(1)
    }

    /// The zone as a file (RFC 1035 §5): one record a line, all names absolute, in canonical order.
    pub fn file(&self) -> String {
        self.with_serial(self.serial())
    }

    /// The zone as a server has it before the first update: its SOA, its servers, and their addresses in it. The SOA has serial 1, which
    /// grows with each update.
    pub(crate) fn first_file(&self) -> String {
        let own = self.sets.get(&self.name);
        let servers = own.and_then(|sets| sets.get(&RecordData::Ns(()).type_number()));
        let mut first = Self { sets: BTreeMap::new(), ..self.clone() };
        if let Some(servers) = servers {
            for target in servers.data.iter().filter_map(RecordData::target) {
                let found = self.sets.get(target).into_iter().flatten();
                let addresses = found.filter(|(_, set)| {
                    set.data.iter().any(|data| matches!(data, RecordData::A(_) | RecordData::Aaaa(_)))
                });
                let addresses: BTreeMap<u16, RecordSet> =
                    addresses.map(|(kind, set)| (*kind, set.clone())).collect();
                if !addresses.is_empty() {
                    first.sets.insert(target.clone(), addresses);
                }
            }
            let sets = first.sets.entry(self.name.clone()).or_default();
            sets.insert(RecordData::Ns(()).type_number(), servers.clone());
        }
        first.with_serial(1)
    }

    fn with_serial(&self, serial: u32) -> String {
        let mut text = format!("$ORIGIN {}\n$TTL {}\n", self.name, self.ttl);
        let Soa { primary, contact } = &self.soa;
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{} {} IN SOA {primary} {contact} {serial} {REFRESH} {RETRY} {EXPIRE} {NEGATIVE}",
            self.name, self.ttl
        );
        for (owner, sets) in &self.sets {
            for set in sets.values() {
                for data in &set.data {
                    let _ = writeln!(text, "{owner} {} IN {data}", set.ttl);
                }
            }
        }
        text
    }

    /// The servers of the zone, as its own NS records name them.
    pub fn servers(&self) -> impl Iterator<Item = &DnsName> {
        let sets = self.sets.get(&self.name).into_iter().flat_map(BTreeMap::values);
        let servers = sets.flat_map(|set| &set.data).filter(|data| matches!(data, RecordData::Ns(_)));
        servers.filter_map(RecordData::target)
    }

    /// The names below which the zone's authority ends, because another zone begins there: those with NS records, apart from
    /// its own.
    pub fn cuts(&self) -> impl Iterator<Item = &DnsName> {
        let ns = RecordData::Ns(()).type_number();
        self.sets
            .iter()
            .filter(move |(owner, sets)| **owner != self.name && sets.contains_key(&ns))
            .map(|(owner, _)| owner)
    }

    /// The sets of a name, if it has any.
    pub fn sets_of(&self, owner: &DnsName) -> Option<&BTreeMap<u16, RecordSet>> {
        self.sets.get(owner)
    }
}
