//! A record as the author of a zone writes it.

use std::fmt;

use super::data::RecordData;
use super::name::{DnsName, RecordName};
use super::parse;
use super::ttl::Ttl;
use crate::given::{Leaf, LeafError, leaf_traits};

/// A record of a name, as in a zone file: the type and the data, with a time to live before them if it is not the zone's:
/// `CNAME web`, `300 A 10.17.3.80`, `MX 10 mail`, `TXT "v=spf1 -all"`.
///
/// A name in it is relative to the zone unless it ends with a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    ttl: Option<Ttl>,
    data: RecordData<RecordName>,
}

impl Record {
    /// A record with the zone's time to live.
    pub const fn new(data: RecordData<RecordName>) -> Self {
        Self { ttl: None, data }
    }

    /// The same with a time to live of its own. All records of one name and type must have the same.
    #[must_use]
    pub fn ttl(self, ttl: Ttl) -> Self {
        Self { ttl: Some(ttl), ..self }
    }

    /// Its time to live, if it has one of its own.
    pub const fn own_ttl(&self) -> Option<Ttl> {
        self.ttl
    }

    /// Its data, with names as they were written.
    pub const fn data(&self) -> &RecordData<RecordName> {
        &self.data
    }

    /// Its data in a zone.
    ///
    /// # Errors
    ///
    /// A name is longer than a name may be.
    pub fn in_zone(&self, zone: &DnsName) -> Result<RecordData, LeafError> {
        self.data.try_map(|name| name.absolute(zone))
    }
}

impl Leaf for Record {
    const WHAT: &'static str = "record";
    const EXAMPLE: &'static str = "CNAME web";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let text = text.trim();
        let (first, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        if first.starts_with(|c: char| c.is_ascii_digit()) {
            let ttl = Ttl::parse(first).map_err(|error| error.before(&format!("{first}: ")))?;
            return Ok(Self { ttl: Some(ttl), data: parse::data(rest.trim_start())? });
        }
        Ok(Self { ttl: None, data: parse::data(text)? })
    }
}

leaf_traits!(Record);

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ttl) = self.ttl {
            write!(f, "{ttl} ")?;
        }
        write!(f, "{}", self.data)
    }
}
