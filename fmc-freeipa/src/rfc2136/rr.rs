//! Records of a transfer, and the records by which names are marked.

use std::collections::BTreeMap;

use fmc_core::dns::DnsName;

use crate::object::Mark;
use crate::records::{Names, Set, Sets, TXT};

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
