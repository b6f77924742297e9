//! Reading a zone name by name, from a server that gives no transfers.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::dns::DnsName;

use super::error::DnsError;
use super::index;
use super::link::DnsLink;
use super::rr::{Rr, mark_name};
use super::update::{Condition, Update};
use crate::records::{DNAME, NS, SOA, TXT};

/// The types that are asked for at each name: those that a cloud can have, and DS, SVCB and HTTPS of others.
pub(super) const ASKED: [u16; 17] = [1, 2, 5, 12, 15, 16, 28, 33, 35, 39, 43, 44, 52, 64, 65, 256, 257];

/// What was read of a zone.
pub(super) struct Asked {
    pub(super) records: Vec<Rr>,
    /// The names of the cloud by the index.
    pub(super) listed: BTreeSet<String>,
}

/// Reads the names that are wanted, and those that the index says are ours.
///
/// # Errors
///
/// The server does not answer, or does not have the zone.
pub(super) fn read(
    link: &dyn DnsLink,
    zone: &DnsName,
    cloud: &str,
    wanted: BTreeSet<String>,
) -> Result<Asked, DnsError> {
    let listed = index::names(zone, cloud, &link.ask(zone.as_str(), &index::questions(zone))?);
    let names: BTreeSet<String> =
        wanted.into_iter().chain(listed.iter().cloned()).chain([zone.to_string()]).collect();
    let marks: BTreeMap<String, &String> = names
        .iter()
        .filter_map(|name| Some((mark_name(zone, &DnsName::parse(name).ok()?)?.to_string(), name)))
        .collect();
    let mut questions = all_types(&names);
    questions.extend(marks.keys().map(|mark| (mark.clone(), TXT)));
    // A name of others above them may lead elsewhere.
    let above: BTreeSet<&str> = names.iter().flat_map(|name| above(zone, name)).collect();
    let above = above.into_iter().filter(|name| !names.contains(*name));
    questions.extend(above.flat_map(|name| [NS, DNAME].map(|kind| (name.to_owned(), kind))));
    let mut records = link.ask(zone.as_str(), &questions)?;
    let marked: BTreeSet<&String> =
        records.iter().filter_map(|record| marks.get(&record.owner).copied()).collect();
    // What has no mark may be the answer of a wildcard.
    let unmarked: BTreeSet<&String> = records
        .iter()
        .map(|record| &record.owner)
        .filter(|owner| names.contains(*owner) && !marked.contains(owner))
        .collect();
    let wildcards = wildcards(zone, unmarked.iter().copied());
    let of_wildcards = if wildcards.is_empty() {
        Vec::new()
    } else {
        let answers = link.ask(zone.as_str(), &all_types(&wildcards))?;
        of_wildcards(zone, &records, &answers, &unmarked)
    };
    for name in of_wildcards {
        let conditions = vec![Condition::Used(name.clone())];
        match link.update(&Update { zone: zone.to_string(), conditions, changes: Vec::new() }) {
            Ok(()) => {}
            Err(DnsError::Changed(_)) => records.retain(|record| record.owner != name),
            Err(error) => return Err(error),
        }
    }
    Ok(Asked { records, listed })
}

/// A question for each type of each name.
fn all_types(names: &BTreeSet<String>) -> Vec<(String, u16)> {
    names.iter().flat_map(|name| ASKED.map(|kind| (name.clone(), kind))).collect()
}

/// The wildcards that may answer for names.
fn wildcards<'a>(zone: &DnsName, names: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let above = names.flat_map(|name| above(zone, name));
    above.map(|above| format!("*.{above}")).collect()
}

/// The names above a name, up to the zone.
fn above<'a>(zone: &DnsName, name: &'a str) -> impl Iterator<Item = &'a str> {
    let end = zone.as_str().len();
    let cut = |name: &'a str| name.split_once('.').map(|(_, above)| above);
    std::iter::successors(cut(name), move |name| cut(name)).take_while(move |name| name.len() >= end)
}

/// The names with the records of a wildcard above them: whether they have them themselves, no answer tells.
fn of_wildcards(zone: &DnsName, records: &[Rr], wildcards: &[Rr], names: &BTreeSet<&String>) -> Vec<String> {
    let mut of: BTreeMap<&str, BTreeSet<(u16, &[u8])>> = BTreeMap::new();
    for record in records.iter().chain(wildcards) {
        of.entry(&record.owner).or_default().insert((record.kind, &record.data));
    }
    let is_alike = |name: &str| {
        let mut above = above(zone, name).map(|above| format!("*.{above}"));
        above.any(|wildcard| wildcard != name && of.get(wildcard.as_str()) == of.get(name))
    };
    names.iter().filter(|name| is_alike(name)).map(|name| (*name).clone()).collect()
}

/// The question that tells whether a server has a zone.
pub(super) fn of_zone(zone: &str) -> (String, u16) {
    (zone.to_owned(), SOA)
}
