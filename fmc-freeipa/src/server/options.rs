//! The options of each command, and how their values are converted and judged (`ipalib/parameters.py`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::people;
use super::refusal::Refusal;

/// How a value is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Text. Numbers are taken as text.
    Text,
    /// Several texts.
    Texts,
    /// A number up to 2147483647. Text that is a number is taken.
    Number,
    /// Yes or no.
    Flag,
    /// An option that may not be used any more.
    Deprecated,
}

/// Options that every command of an object has.
const COMMON: &[(&str, Kind)] = &[("all", Kind::Flag), ("raw", Kind::Flag), ("version", Kind::Text)];

const RIGHTS: &[(&str, Kind)] = &[("rights", Kind::Flag)];

const ATTRIBUTES: &[(&str, Kind)] = &[("setattr", Kind::Texts), ("addattr", Kind::Texts)];

/// Only what is there can lose a value.
const REMOVAL: &[(&str, Kind)] = &[("delattr", Kind::Texts)];

const FIND: &[(&str, Kind)] =
    &[("sizelimit", Kind::Number), ("timelimit", Kind::Number), ("pkey_only", Kind::Flag)];

/// The attributes of a zone that a request may state.
const ZONE: &[(&str, Kind)] = &[
    ("idnssoamname", Kind::Text),
    ("idnssoarname", Kind::Text),
    ("idnssoaserial", Kind::Deprecated),
    ("idnssoarefresh", Kind::Number),
    ("idnssoaretry", Kind::Number),
    ("idnssoaexpire", Kind::Number),
    ("idnssoaminimum", Kind::Number),
    ("dnsttl", Kind::Number),
    ("dnsdefaultttl", Kind::Number),
    ("idnsupdatepolicy", Kind::Text),
    ("idnsallowdynupdate", Kind::Flag),
    ("idnsallowquery", Kind::Text),
    ("idnsallowtransfer", Kind::Text),
    ("idnsallowsyncptr", Kind::Flag),
    ("idnssecinlinesigning", Kind::Flag),
    ("nsec3paramrecord", Kind::Text),
    ("skip_nameserver_check", Kind::Flag),
    ("skip_overlap_check", Kind::Flag),
    ("force", Kind::Flag),
    ("name_from_ip", Kind::Text),
];

/// Where names are asked for.
const FORWARDING: &[(&str, Kind)] = &[("idnsforwarders", Kind::Texts), ("idnsforwardpolicy", Kind::Text)];

/// The types of records. CAA, SVCB and HTTPS are not among them.
pub(super) const TYPES: &[&str] = &[
    "a", "aaaa", "a6", "afsdb", "apl", "cert", "cname", "dhcid", "dlv", "dname", "ds", "hip", "ipseckey",
    "key", "kx", "loc", "mx", "naptr", "ns", "nsec", "ptr", "rrsig", "rp", "sig", "spf", "srv", "sshfp",
    "tlsa", "txt", "uri",
];

const HOST: &[(&str, Kind)] =
    &[("userpassword", Kind::Text), ("userclass", Kind::Texts), ("description", Kind::Text)];

const RECORD: &[(&str, Kind)] = &[("dnsttl", Kind::Number), ("structured", Kind::Flag)];

const STRUCTURED: &[(&str, Kind)] = &[("structured", Kind::Flag)];

/// The options of a request, converted. An empty list stands for a value that is to be cleared.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    values: BTreeMap<String, Vec<String>>,
}

impl Options {
    /// Converts the options of a command.
    pub(super) fn read(command: &str, options: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut values = BTreeMap::new();
        for (name, value) in options {
            let kind = kind(command, name).ok_or_else(|| Refusal::option(name))?;
            values.insert(name.clone(), convert(name, kind, value)?);
        }
        Ok(Self { values })
    }

    /// The values of an option, if the request has it.
    pub(super) fn values(&self, name: &str) -> Option<&[String]> {
        self.values.get(name).map(Vec::as_slice)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values(name)?.first().map(String::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// The attributes of a zone that the request states.
    pub(super) fn of_zone(&self) -> impl Iterator<Item = (&str, &[String])> {
        const OTHERS: [&str; 4] = ["skip_nameserver_check", "skip_overlap_check", "force", "name_from_ip"];
        let stated = ZONE.iter().filter(|(name, _)| !OTHERS.contains(name));
        stated.filter_map(|(name, _)| Some((*name, self.values(name)?)))
    }

    /// The record types that the request states, as attributes.
    pub(super) fn of_record(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.values
            .iter()
            .filter(|(name, _)| is_record(name))
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The values of `cn` that `setattr`, `addattr` or `delattr` states.
    pub(super) fn marks(&self, option: &str) -> Result<Vec<String>, Refusal> {
        let read = |text: &String| match text.split_once('=') {
            Some(("cn", mark)) => Ok(mark.to_owned()),
            Some((name, _)) => Err(Refusal::validation(name, "attribute is not configurable")),
            None => Err(Refusal::validation(option, "Invalid format. Should be name=value")),
        };
        self.values(option).unwrap_or_default().iter().map(read).collect()
    }
}

fn is_record(option: &str) -> bool {
    option.strip_suffix("record").is_some_and(|kind| TYPES.contains(&kind))
}

/// How a command takes an option, if it has it.
fn kind(command: &str, option: &str) -> Option<Kind> {
    if people::positional(command).is_some() {
        let of_search = command.ends_with("_find").then_some(FIND).into_iter().flatten();
        let known = of_search.chain(COMMON).find(|(name, _)| *name == option).map(|(_, kind)| *kind);
        // Of a switch and a deletion the common options are none.
        let known = known.filter(|_| option == "version" || people::has_option(command, "all").is_some());
        return known.or_else(|| match people::has_option(command, option)? {
            (true, _) => Some(Kind::Flag),
            (false, true) => Some(Kind::Texts),
            (false, false) => Some(Kind::Text),
        });
    }
    let tables: &[&[(&str, Kind)]] = match command {
        "dnszone_add" => &[COMMON, ATTRIBUTES, ZONE],
        "dnszone_mod" => &[COMMON, RIGHTS, ATTRIBUTES, REMOVAL, ZONE],
        "dnszone_show" => &[COMMON, RIGHTS],
        "dnsforwardzone_find" => &[COMMON, FIND],
        "dnsforwardzone_add" => &[COMMON, ATTRIBUTES, FORWARDING, &[("skip_overlap_check", Kind::Flag)]],
        "dnsforwardzone_mod" | "dnsconfig_mod" => &[COMMON, RIGHTS, ATTRIBUTES, REMOVAL, FORWARDING],
        "dnsconfig_show" => &[COMMON, RIGHTS],
        "dnsrecord_show" => &[COMMON, RIGHTS, STRUCTURED],
        "dnszone_find" => &[COMMON, FIND, &[("forward_only", Kind::Flag)]],
        "dnszone_del" => &[&[("continue", Kind::Flag), ("version", Kind::Text)]],
        "dnsrecord_add" => &[COMMON, ATTRIBUTES, RECORD, &[("force", Kind::Flag)]],
        "dnsrecord_mod" => &[COMMON, RIGHTS, ATTRIBUTES, REMOVAL, RECORD],
        "dnsrecord_del" => &[&[("del_all", Kind::Flag), ("structured", Kind::Flag), ("version", Kind::Text)]],
        "dnsrecord_find" => &[COMMON, FIND, STRUCTURED],
        "host_find" => &[COMMON, FIND],
        "host_show" => &[COMMON, RIGHTS],
        "host_add" => &[COMMON, HOST, &[("force", Kind::Flag)]],
        "host_mod" => &[COMMON, RIGHTS, HOST],
        "host_del" => &[&[("continue", Kind::Flag), ("updatedns", Kind::Flag), ("version", Kind::Text)]],
        _ => &[&[("version", Kind::Text)]],
    };
    let takes_records = matches!(command, "dnsrecord_add" | "dnsrecord_mod" | "dnsrecord_del");
    if takes_records && is_record(option) {
        return Some(Kind::Texts);
    }
    if command == "dnszone_mod"
        && matches!(option, "skip_overlap_check" | "name_from_ip" | "skip_nameserver_check")
    {
        return None;
    }
    tables.iter().copied().flatten().find(|(name, _)| *name == option).map(|(_, kind)| *kind)
}

fn convert(name: &str, kind: Kind, value: &Value) -> Result<Vec<String>, Refusal> {
    match (kind, value) {
        (Kind::Deprecated, _) => Err(Refusal::validation(name, "this option is deprecated")),
        (_, Value::Null) => Ok(Vec::new()),
        (_, Value::String(text)) if text.is_empty() => Ok(Vec::new()),
        (_, Value::Array(values)) if values.is_empty() => Ok(Vec::new()),
        (Kind::Texts, Value::Array(values)) => values.iter().map(|value| scalar(name, kind, value)).collect(),
        _ => Ok(vec![scalar(name, kind, value)?]),
    }
}

fn scalar(name: &str, kind: Kind, value: &Value) -> Result<String, Refusal> {
    match (kind, value) {
        (_, Value::Array(_)) => Err(Refusal::conversion(name, "Only one value is allowed")),
        (Kind::Number, Value::Number(_) | Value::String(_)) => number(name, value),
        (Kind::Number, _) => Err(Refusal::conversion(name, "must be an integer")),
        (Kind::Flag, Value::Bool(flag)) => Ok(flag.to_string()),
        (Kind::Flag, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok("true".to_owned()),
        (Kind::Flag, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok("false".to_owned()),
        (Kind::Flag, _) => Err(Refusal::conversion(name, "must be True or False")),
        (_, Value::String(text)) => Ok(text.trim().to_owned()),
        (_, Value::Number(number)) => Ok(number.to_string()),
        _ => Err(Refusal::conversion(name, "must be Unicode text")),
    }
}

fn number(name: &str, value: &Value) -> Result<String, Refusal> {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    match text.parse::<i64>() {
        Err(_) => Err(Refusal::conversion(name, "must be an integer")),
        Ok(number) if number < 0 => Err(Refusal::validation(name, "must be at least 0")),
        Ok(number) if number > i64::from(i32::MAX) => {
            Err(Refusal::validation(name, "can be at most 2147483647"))
        }
        Ok(number) => Ok(number.to_string()),
    }
}
