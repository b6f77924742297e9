//! The commands of zones.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::account::Rights;
use super::command::{done, list, may_write};
use super::directory::{IpaDirectory, IpaZone, absolute};
use super::encoding;
use super::options::Options;
use super::record::mark;
use super::refusal::Refusal;
use super::rpc::{fields, remark};
use super::state::{Caller, State};

/// Attributes whose values are names.
const NAMES: [&str; 2] = ["idnssoamname", "idnssoarname"];

pub(super) fn find(
    state: &State,
    caller: &Caller,
    criteria: Option<String>,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let directory = state.directory();
    let criteria = criteria.unwrap_or_default();
    let seen = directory
        .zones
        .iter()
        .filter(|(name, _)| caller.rights > Rights::Nothing && name.contains(criteria.trim_end_matches('.')));
    let entries = seen.map(|(name, zone)| entry(name, zone, options)).collect();
    Ok(list(entries, options, directory.limit))
}

pub(super) fn show(
    state: &State,
    caller: &Caller,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let name = absolute(name);
    let directory = state.directory();
    let zone = visible(&directory, caller, &name)?;
    Ok(done(entry(&name, zone, options), encoding::name(&name), None))
}

pub(super) fn add(
    state: &State,
    caller: &Caller,
    name: Option<String>,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let name = match (name, options.text("name_from_ip")) {
        (Some(name), _) => absolute(&name),
        (None, Some(network)) => reverse(network)?,
        (None, None) => return Err(Refusal::required("name")),
    };
    let mut directory = state.directory();
    if directory.zones.contains_key(&name) {
        return Err(Refusal::duplicate(&name));
    }
    if directory.forward_zones.contains_key(&name) {
        return Err(Refusal::other_kind());
    }
    if directory.elsewhere.contains(&name) && !options.flag("skip_overlap_check") {
        return Err(Refusal::elsewhere(&name));
    }
    let skips = options.flag("skip_nameserver_check") || options.flag("force");
    if let Some(server) =
        options.text("idnssoamname").filter(|server| !skips && !directory.resolves(server, &name))
    {
        let text = format!("Nameserver '{server}' does not have a corresponding A/AAAA record");
        return Err(Refusal::not_found(&text));
    }
    let mut zone = directory.new_zone(&name);
    write(&mut zone, options)?;
    let shown = entry(&name, &zone, options);
    let is_of_realm = zone.nodes.contains_key("_kerberos");
    if is_of_realm && caller.rights < Rights::Write {
        zone.nodes.remove("_kerberos");
    }
    directory.zones.insert(name.clone(), zone);
    // The last step: the zone is there, and the command fails.
    if is_of_realm && caller.rights < Rights::Write {
        return Err(Refusal::rights("write"));
    }
    Ok(done(shown, encoding::name(&name), None))
}

pub(super) fn change(
    state: &State,
    caller: &Caller,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let name = absolute(name);
    let mut directory = state.directory();
    let before = visible(&directory, caller, &name)?.clone();
    may_write(caller, "write")?;
    let mut zone = before.clone();
    write(&mut zone, options)?;
    if zone.attributes == before.attributes && zone.nodes == before.nodes {
        return Err(Refusal::unchanged());
    }
    let mut answer = done(entry(&name, &zone, options), encoding::name(&name), None);
    if zone.attributes.get("dnsdefaultttl") != before.attributes.get("dnsdefaultttl") {
        let text = "named.service on the IPA server(s) needs to be restarted";
        remark(&mut answer, 13025, "ServiceRestartRequired", text);
    }
    directory.zones.insert(name, zone);
    Ok(answer)
}

pub(super) fn delete(
    state: &State,
    caller: &Caller,
    names: Option<&Value>,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let names = match names {
        Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
        Some(name) => Some(vec![name.as_str().unwrap_or_default()]),
        None => None,
    };
    let names = names.ok_or_else(|| Refusal::conversion("name", "must be Unicode text"))?;
    let mut directory = state.directory();
    let mut failed = Vec::new();
    let mut gone = Vec::new();
    for name in names {
        let name = absolute(name);
        match visible(&directory, caller, &name) {
            Ok(_) => may_write(caller, "delete")?,
            Err(_) if options.flag("continue") => {
                failed.push(encoding::name(&name));
                continue;
            }
            Err(refusal) => return Err(refusal),
        }
        directory.zones.remove(&name);
        gone.push(encoding::name(&name));
    }
    let result = Value::Object(fields([("failed", Value::Array(failed))]));
    Ok(done(result, Value::Array(gone), None))
}

/// A zone, unless the user may not see it: that looks as if it did not exist.
pub(super) fn visible<'a>(
    directory: &'a IpaDirectory,
    caller: &Caller,
    name: &str,
) -> Result<&'a IpaZone, Refusal> {
    let zone = directory.zones.get(name).filter(|_| caller.rights > Rights::Nothing);
    zone.ok_or_else(|| Refusal::not_found(&format!("{name}: DNS zone not found")))
}

/// Writes the attributes and the marks. The entry of a zone is also the one of its own name, with the same marks.
fn write(zone: &mut IpaZone, options: &Options) -> Result<(), Refusal> {
    for (name, values) in options.of_zone() {
        if values.is_empty() {
            zone.attributes.remove(name);
        } else {
            zone.attributes.insert(name.to_owned(), values.to_vec());
        }
    }
    mark(zone.nodes.entry("@".to_owned()).or_default(), options)
}

fn entry(name: &str, zone: &IpaZone, options: &Options) -> Value {
    let mut shown = fields([
        ("dn", json!(format!("idnsname={name},cn=dns,dc=test"))),
        ("idnsname", json!([encoding::name(name)])),
    ]);
    if options.flag("pkey_only") {
        return Value::Object(shown);
    }
    let is_raw = options.flag("raw");
    for (attribute, values) in &zone.attributes {
        let values: Vec<Value> = values
            .iter()
            .map(|value| match value.as_str() {
                value if NAMES.contains(&attribute.as_str()) => encoding::name(value),
                "true" if is_raw => json!("TRUE"),
                "false" if is_raw => json!("FALSE"),
                "true" => json!(true),
                "false" => json!(false),
                value => json!(value),
            })
            .collect();
        shown.insert(attribute.clone(), Value::Array(values));
    }
    if let Some(servers) = zone.nodes.get("@").and_then(|apex| apex.values.get("nsrecord")) {
        shown.insert("nsrecord".to_owned(), json!(servers));
    }
    if options.flag("all") {
        shown.insert("objectclass".to_owned(), json!(["idnszone", "top", "idnsrecord"]));
        if let Some(apex) = zone.nodes.get("@").filter(|apex| !apex.marks.is_empty()) {
            shown.insert("cn".to_owned(), json!(apex.marks));
        }
    }
    Value::Object(shown)
}

/// The reverse zone of a network whose prefix ends at a byte.
fn reverse(network: &str) -> Result<String, Refusal> {
    let wrong = || Refusal::validation("name_from_ip", "invalid IP network format");
    let (address, length) = network.split_once('/').ok_or_else(wrong)?;
    let (address, length): (IpAddr, usize) =
        (address.parse().map_err(|_| wrong())?, length.parse().map_err(|_| wrong())?);
    let (labels, per_label, suffix): (Vec<String>, usize, &str) = match address {
        IpAddr::V4(address) => (address.octets().iter().map(u8::to_string).collect(), 8, "in-addr.arpa."),
        IpAddr::V6(address) => {
            let octets = address.octets();
            let nibbles =
                octets.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| format!("{nibble:x}"));
            (nibbles.collect(), 4, "ip6.arpa.")
        }
    };
    let mut kept: Vec<String> = labels.into_iter().take(length.div_ceil(per_label)).collect();
    kept.reverse();
    kept.push(suffix.to_owned());
    Ok(kept.join("."))
}
