//! Records of a transfer, and the records by which names are marked.

use std::collections::{BTreeMap, BTreeSet};

use domain::base::iana::Rtype;
use domain::base::name::ParsedName;
use domain::base::rdata::ParseAnyRecordData as _;
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt as _};
use domain::dep::octseq::Parser;
use domain::rdata::AllRecordData;
use fmc_core::dns::DnsName;

use crate::object::Mark;
use crate::reading::cut_kind;
use crate::records::{Names, Set, Sets, TXT, is_servers_own};

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
}

impl Rr {
    /// Its type and data for a person, as `A 10.17.3.10`.
    fn text(&self) -> String {
        let kind = Rtype::from_int(self.kind);
        match AllRecordData::parse_any_rdata(kind, &mut Parser::from_ref(self.data.as_slice())) {
            Ok(data) => {
                let data: AllRecordData<&[u8], ParsedName<&[u8]>> = data;
                format!("{kind} {}", data.display_zonefile(DisplayKind::Simple))
            }
            Err(_) => format!("{kind} of {} bytes", self.data.len()),
        }
    }
}

/// The records of a zone: those of names that are wanted or have a mark, and the names of strangers, of which a plan needs no more.
pub(super) struct Sorted {
    pub(super) names: Names,
    pub(super) strangers: Vec<String>,
    /// The strangers whose NS or DNAME records take the names below them away, with the type.
    pub(super) cuts: Vec<(String, &'static str)>,
}

impl Sorted {
    /// Sorts the records of a zone by name and type.
    pub(super) fn of(zone: &DnsName, records: Vec<Rr>, is_wanted: impl Fn(&str) -> bool) -> Self {
        let under = format!("{MARKS}.{zone}");
        let is_mark = |owner: &str| owner.ends_with(&under);
        let marks = records.iter().filter(|record| is_mark(&record.owner));
        let marks: BTreeSet<String> = marks.filter_map(|record| marked(zone, &record.owner)).collect();
        let mut sorted = Self { names: Names::new(), strangers: Vec::new(), cuts: Vec::new() };
        for record in records {
            let is_apex = record.owner == zone.as_str();
            if is_apex || is_wanted(&record.owner) || is_mark(&record.owner) || marks.contains(&record.owner)
            {
                let text = record.text();
                let set = sorted.names.entry(record.owner).or_default().entry(record.kind).or_default();
                set.ttl = record.ttl;
                set.data.insert(record.data, text);
                continue;
            }
            if let Some(kind) = cut_kind(record.kind)
                && sorted.cuts.last().is_none_or(|(last, _)| *last != record.owner)
            {
                sorted.cuts.push((record.owner.clone(), kind));
            }
            if !super::index::is_index(zone, &record.owner)
                && !is_servers_own(record.kind, is_apex)
                && sorted.strangers.last() != Some(&record.owner)
            {
                sorted.strangers.push(record.owner);
            }
        }
        sorted
    }
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

impl Mark {
    /// The mark as a record set.
    pub(super) fn set(&self, ttl: u32) -> Set {
        let texts = self.texts();
        let text = format!("TXT \"{}\" \"{}\"", texts[0], texts[1]);
        Set { ttl, data: BTreeMap::from([(text_data(&texts), text)]) }
    }

    /// Reads the mark of a name.
    pub(super) fn of(sets: &Sets) -> Option<Self> {
        sets.get(&TXT)?.data.keys().find_map(|data| {
            let texts = texts(data);
            let owner = texts.first()?.strip_prefix("fmc/")?.to_owned();
            Some(Self { owner, made: texts.get(1).and_then(|text| text.parse().ok()) })
        })
    }
}

/// The data of a TXT record.
pub(super) fn text_data(texts: &[String]) -> Vec<u8> {
    let wire = texts.iter().flat_map(|text| {
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        std::iter::once(length).chain(text.bytes())
    });
    wire.collect()
}

/// The texts of a TXT record; none if its data is not that of one.
pub(super) fn texts(data: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = data;
    while let Some((length, tail)) = rest.split_first() {
        let Some((text, tail)) = tail.split_at_checked(usize::from(*length)) else { return Vec::new() };
        let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
        texts.push(text.to_owned());
        rest = tail;
    }
    texts
}
