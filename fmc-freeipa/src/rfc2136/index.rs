//! The index of a zone that is read name by name: which names the cloud has there.
//!
//! Without a transfer nobody can tell which names a zone has. So each message that makes or deletes a name also adds or removes a TXT
//! record, `fmc/OWNER` and the name, at one of sixteen names below `_fmc-names`: by the hash of the name, so that no answer grows too long.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::dns::DnsName;
use fmc_core::graph::Fingerprint;

use super::rr::{Rr, text_data, texts};
use super::update::Change;
use crate::records::{Set, TXT};

/// The label below which a zone has the index.
const NAMES: &str = "_fmc-names";

/// The time to live of the index, in seconds.
const TTL: u32 = 60;

/// Whether a name is part of an index.
pub(super) fn is_index(zone: &DnsName, owner: &str) -> bool {
    owner.strip_suffix(zone.as_str()).is_some_and(|rest| rest.ends_with("._fmc-names."))
}

/// The questions that read the index.
pub(super) fn questions(zone: &DnsName) -> Vec<(String, u16)> {
    (0..16).map(|number| (format!("{number:x}.{NAMES}.{zone}"), TXT)).collect()
}

/// The names of an owner by the records of the index.
pub(super) fn names(zone: &DnsName, owner: &str, records: &[Rr]) -> BTreeSet<String> {
    let ours = format!("fmc/{owner}");
    let name = |record: &Rr| {
        let texts = texts(&record.data);
        let [by, relative] = texts.as_slice() else { return None };
        let absolute = if relative == "@" { zone.to_string() } else { format!("{relative}.{zone}") };
        (*by == ours).then_some(absolute)
    };
    records.iter().filter_map(name).collect()
}

/// The change that enters a name.
pub(super) fn enter(zone: &DnsName, owner: &str, name: &DnsName) -> Change {
    let text = format!("TXT \"fmc/{owner}\" \"{}\"", name.relative_to(zone));
    let data = BTreeMap::from([(data(zone, owner, name), text)]);
    Change::Add(place(zone, name), TXT, Set { ttl: TTL, data })
}

/// The change that takes a name out.
pub(super) fn take_out(zone: &DnsName, owner: &str, name: &DnsName) -> Change {
    Change::Remove(place(zone, name), TXT, data(zone, owner, name))
}

/// Where a name stands in the index.
fn place(zone: &DnsName, name: &DnsName) -> String {
    let hash = Fingerprint::of(name.as_str().as_bytes()).to_string();
    let bucket = hash.chars().find(char::is_ascii_hexdigit).unwrap_or('0');
    format!("{bucket}.{NAMES}.{zone}")
}

fn data(zone: &DnsName, owner: &str, name: &DnsName) -> Vec<u8> {
    text_data(&[format!("fmc/{owner}"), name.relative_to(zone).to_owned()])
}
