//! The records of a DNS name, as the server has them and as they are asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::entry::{IpaEntry, text};

/// A name of a zone with all of its records.
#[derive(Clone, Debug, PartialEq)]
pub struct IpaRecord {
    entry: IpaEntry,
}

impl IpaRecord {
    pub(crate) fn new(entry: IpaEntry) -> Self {
        Self { entry }
    }

    /// The name relative to the zone; the zone's own name is `@`.
    pub fn name(&self) -> String {
        self.entry.text("idnsname").unwrap_or_default()
    }

    /// The values of each type (`A`, `SRV`, …), as text in the form in which they were written: the server changes neither case nor
    /// abbreviations, and their order means nothing.
    pub fn values(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let structured = self.entry.fields().get("dnsrecords").and_then(Value::as_array);
        for part in structured.into_iter().flatten() {
            let (Some(kind), Some(data)) =
                (part.get("dnstype").and_then(text), part.get("dnsdata").and_then(text))
            else {
                continue;
            };
            values.entry(kind.to_ascii_uppercase()).or_default().insert(data);
        }
        for attribute in self.entry.fields().keys() {
            let Some(kind) = attribute.strip_suffix("record").filter(|kind| !kind.is_empty()) else {
                continue;
            };
            let data = self.entry.texts(attribute);
            if !data.is_empty() {
                values.entry(kind.to_ascii_uppercase()).or_default().extend(data);
            }
        }
        values
    }

    /// The TTL of all records of the name in seconds, if it has one of its own.
    pub fn ttl(&self) -> Option<u32> {
        self.entry.number("dnsttl")
    }

    /// The marks of the entry (`cn`), which DNS does not show.
    pub fn marks(&self) -> Vec<String> {
        self.entry.texts("cn")
    }

    /// Everything that the server says of it.
    pub fn entry(&self) -> &IpaEntry {
        &self.entry
    }
}

/// A change of one DNS name: all of its values in one call, since the server loses values when two calls run at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordChange {
    options: Map<String, Value>,
}

impl RecordChange {
    /// A change of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The values of a type (`A`, `SRV`, …). An addition adds them, a modification replaces all of the type with them: without
    /// values the type goes. Texts must be quoted, and targets end with a dot.
    #[must_use]
    pub fn set<V: Into<String>>(mut self, kind: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        self.options.insert(format!("{}record", kind.to_ascii_lowercase()), json!(values));
        self
    }

    /// The TTL of all records of the name, in seconds.
    #[must_use]
    pub fn ttl(mut self, seconds: u32) -> Self {
        self.options.insert("dnsttl".to_owned(), json!(seconds));
        self
    }

    /// Removes the TTL, so that the zone's default holds. Only a modification takes it.
    #[must_use]
    pub fn no_ttl(mut self) -> Self {
        self.options.insert("dnsttl".to_owned(), json!(""));
        self
    }

    /// Marks a new entry (`cn`). DNS does not show it, and later modifications keep it.
    #[must_use]
    pub fn mark(mut self, mark: &str) -> Self {
        self.options.insert("addattr".to_owned(), json!([format!("cn={mark}")]));
        self
    }

    /// Marks an entry that is there (`cn`), instead of any other mark.
    #[must_use]
    pub fn remark(mut self, mark: &str) -> Self {
        self.options.insert("setattr".to_owned(), json!([format!("cn={mark}")]));
        self
    }

    /// Marks an entry that is new, or one that is there instead of all its other marks, by several marks.
    pub(crate) fn marks<'m>(mut self, is_new: bool, marks: impl IntoIterator<Item = &'m String>) -> Self {
        let marks: Vec<String> = marks.into_iter().map(|mark| format!("cn={mark}")).collect();
        self.options.insert(if is_new { "addattr" } else { "setattr" }.to_owned(), json!(marks));
        self
    }

    /// Takes marks away from an entry that has no others.
    pub(crate) fn unmark<'m>(mut self, marks: impl IntoIterator<Item = &'m String>) -> Self {
        let marks: Vec<String> = marks.into_iter().map(|mark| format!("cn={mark}")).collect();
        self.options.insert("delattr".to_owned(), json!(marks));
        self
    }

    /// Does not ask whether a name server has an address. Only an addition takes it.
    pub(crate) fn force(mut self) -> Self {
        self.options.insert("force".to_owned(), json!(true));
        self
    }

    pub(super) fn options(&self) -> Map<String, Value> {
        self.options.clone()
    }
}
