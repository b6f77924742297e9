//! Zones, as the server has them and as they are asked for.

use serde_json::{Map, Value, json};

use super::entry::IpaEntry;

/// A zone of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct IpaZone {
    entry: IpaEntry,
}

impl IpaZone {
    pub(crate) fn new(entry: IpaEntry) -> Self {
        Self { entry }
    }

    /// Its name, absolute with a dot at the end.
    pub fn name(&self) -> String {
        self.entry.text("idnsname").unwrap_or_default()
    }

    /// Whether the server serves it.
    pub fn is_active(&self) -> bool {
        self.entry.flag("idnszoneactive").unwrap_or(true)
    }

    /// Whether it is a zone that the server only forwards.
    pub fn is_forward(&self) -> bool {
        self.entry.fields().contains_key("idnsforwardpolicy") && self.primary_server().is_none()
    }

    /// The primary name server of its SOA (MNAME).
    pub fn primary_server(&self) -> Option<String> {
        self.entry.text("idnssoamname")
    }

    /// The mailbox of its SOA (RNAME).
    pub fn mailbox(&self) -> Option<String> {
        self.entry.text("idnssoarname")
    }

    /// The serial of its SOA. The server may not show it.
    pub fn serial(&self) -> Option<u32> {
        self.entry.number("idnssoaserial")
    }

    /// The settings of its SOA and its TTLs, as far as the server shows them.
    pub fn settings(&self) -> ZoneSettings {
        ZoneSettings {
            refresh: self.entry.number("idnssoarefresh"),
            retry: self.entry.number("idnssoaretry"),
            expire: self.entry.number("idnssoaexpire"),
            minimum: self.entry.number("idnssoaminimum"),
            ttl: self.entry.number("dnsttl"),
            default_ttl: self.entry.number("dnsdefaultttl"),
            mailbox: self.mailbox(),
            dynamic_update: self.entry.flag("idnsallowdynupdate"),
            update_policy: self.entry.text("idnsupdatepolicy"),
            allow_query: self.entry.text("idnsallowquery"),
            allow_transfer: self.entry.text("idnsallowtransfer"),
        }
    }

    /// Everything that the server says of it.
    pub fn entry(&self) -> &IpaEntry {
        &self.entry
    }
}

/// The settings of a zone that a request states. What is `None` stays as it is, or gets FreeIPA's default in a new zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneSettings {
    /// The refresh of the SOA in seconds: 3600 by default.
    pub refresh: Option<u32>,
    /// The retry of the SOA in seconds: 900 by default.
    pub retry: Option<u32>,
    /// The expiry of the SOA in seconds: 1209600 by default.
    pub expire: Option<u32>,
    /// How long the absence of a name is remembered, in seconds: 3600 by default.
    pub minimum: Option<u32>,
    /// The TTL of the zone's own name in seconds.
    pub ttl: Option<u32>,
    /// The TTL of names that have none, in seconds. `named` must be restarted when it changes.
    pub default_ttl: Option<u32>,
    /// The mailbox of the SOA (RNAME), as `hostmaster.lab.example.`.
    pub mailbox: Option<String>,
    /// Whether the zone takes dynamic updates: not by default.
    pub dynamic_update: Option<bool>,
    /// The policy of dynamic updates, in BIND's syntax.
    pub update_policy: Option<String>,
    /// Who may ask: `any;` by default.
    pub allow_query: Option<String>,
    /// Who may transfer the zone: `none;` by default.
    pub allow_transfer: Option<String>,
}

impl ZoneSettings {
    /// The options of a request.
    pub(super) fn options(&self) -> Map<String, Value> {
        let numbers = [
            ("idnssoarefresh", self.refresh),
            ("idnssoaretry", self.retry),
            ("idnssoaexpire", self.expire),
            ("idnssoaminimum", self.minimum),
            ("dnsttl", self.ttl),
            ("dnsdefaultttl", self.default_ttl),
        ];
        let texts = [
            ("idnssoarname", &self.mailbox),
            ("idnsupdatepolicy", &self.update_policy),
            ("idnsallowquery", &self.allow_query),
            ("idnsallowtransfer", &self.allow_transfer),
        ];
        let numbers = numbers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
        let texts =
            texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
        let flag = self.dynamic_update.map(|flag| ("idnsallowdynupdate".to_owned(), json!(flag)));
        numbers.chain(texts).chain(flag).collect()
    }

    /// The options of a new zone. Neither the overlap with a zone of another server nor the address of the name server is asked of
    /// the server's resolver, which takes up to 45 s where it has no way out.
    pub(crate) fn options_of_add(&self) -> Map<String, Value> {
        let mut options = self.options();
        options.insert("skip_overlap_check".to_owned(), json!(true));
        options.insert("skip_nameserver_check".to_owned(), json!(true));
        options
    }
}
