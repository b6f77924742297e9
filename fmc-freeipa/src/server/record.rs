//! The commands of records.

use serde_json::{Map, Value, json};

use super::command::{done, list, may_write};
use super::directory::{Node, absolute};
use super::options::Options;
use super::record_data::{check_node, check_value};
use super::refusal::Refusal;
use super::rpc::{fields, remark};
use super::state::{Caller, State};
use super::{encoding, zone};

pub(super) fn find(
    state: &State,
    caller: &Caller,
    zone: &str,
    criteria: Option<String>,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let directory = state.directory();
    let found = zone::visible(&directory, caller, &absolute(zone))?;
    let criteria = criteria.unwrap_or_default();
    let nodes = found.nodes.iter().filter(|(name, _)| name.contains(&criteria));
    Ok(list(nodes.map(|(name, node)| entry(name, node, options)).collect(), options, directory.limit))
}

pub(super) fn show(
    state: &State,
    caller: &Caller,
    zone: &str,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let (zone, name) = (absolute(zone), relative(name, zone)?);
    let directory = state.directory();
    let node = zone::visible(&directory, caller, &zone)?.nodes.get(&name);
    let node = node.ok_or_else(|| missing(&name))?;
    Ok(done(entry(&name, node, options), encoding::name(&name), None))
}

/// Adds values to what was read before. There is no lock between the reading and the writing, as in FreeIPA.
pub(super) async fn add(
    state: &State,
    caller: &Caller,
    zone: &str,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let (zone, is_absolute) = (absolute(zone), name.ends_with('.'));
    let name = relative(name, &zone)?;
    let before = read(state, caller, &zone, &name, "add")?;
    let mut node = before.clone().unwrap_or_default();
    for (attribute, values) in options.of_record() {
        for value in values {
            check_value(attribute, value, &zone, &name)?;
            let held = node.values.entry(attribute.to_owned()).or_default();
            if !held.contains(value) {
                held.push(value.clone());
            }
        }
    }
    node.values.retain(|_, values| !values.is_empty());
    if let Some(ttl) = options.text("dnsttl") {
        node.ttl = Some(ttl.to_owned());
    }
    mark(&mut node, options)?;
    if node.values.is_empty() {
        return Err(Refusal::required("a record"));
    }
    if before.as_ref() == Some(&node) {
        return Err(Refusal::unchanged());
    }
    check_node(state, &zone, &name, &node, options.flag("force"))?;
    state.between().await;
    write(state, &zone, &name, node.clone())?;
    let mut answer = done(entry(&name, &node, options), encoding::name(&name), None);
    if !is_absolute && name.ends_with(zone.trim_end_matches('.')) {
        let text = "Record name looks relative, and ends with the zone's name";
        remark(&mut answer, 13014, "DNSSuspiciousRelativeName", text);
    }
    Ok(answer)
}

/// Replaces the values of the stated types. A change that comes between is seen: 4201.
pub(super) async fn change(
    state: &State,
    caller: &Caller,
    zone: &str,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let zone = absolute(zone);
    let name = relative(name, &zone)?;
    let before = read(state, caller, &zone, &name, "write")?.ok_or_else(|| missing(&name))?;
    let mut node = before.clone();
    for (attribute, values) in options.of_record() {
        for value in values {
            check_value(attribute, value, &zone, &name)?;
        }
        if values.is_empty() {
            node.values.remove(attribute);
        } else {
            node.values.insert(attribute.to_owned(), values.to_vec());
        }
    }
    if let Some(ttl) = options.values("dnsttl") {
        node.ttl = ttl.first().cloned();
    }
    mark(&mut node, options)?;
    if same(&node, &before) {
        return Err(Refusal::unchanged());
    }
    check_node(state, &zone, &name, &node, options.flag("force"))?;
    state.between().await;
    if read(state, caller, &zone, &name, "write")?.as_ref() != Some(&before) {
        return Err(Refusal::collision());
    }
    write(state, &zone, &name, node.clone())?;
    if node.values.is_empty() {
        return Ok(deleted(&name));
    }
    Ok(done(entry(&name, &node, options), encoding::name(&name), None))
}

pub(super) fn delete(
    state: &State,
    caller: &Caller,
    zone: &str,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let zone = absolute(zone);
    let name = relative(name, &zone)?;
    let mut node = read(state, caller, &zone, &name, "delete")?.ok_or_else(|| missing(&name))?;
    if options.flag("del_all") {
        if name == "@" {
            return Err(Refusal::validation("del_all", "Zone record '@' cannot be deleted"));
        }
        node.values.clear();
    } else {
        let mut is_stated = false;
        for (attribute, values) in options.of_record() {
            for value in values {
                is_stated = true;
                let held = node.values.entry(attribute.to_owned()).or_default();
                let Some(at) = held.iter().position(|held| held == value) else {
                    return Err(Refusal::no_value(attribute, value));
                };
                held.remove(at);
            }
        }
        if !is_stated {
            return Err(Refusal::no_option());
        }
        node.values.retain(|_, values| !values.is_empty());
    }
    write(state, &zone, &name, node)?;
    Ok(deleted(&name))
}

fn read(state: &State, caller: &Caller, zone: &str, name: &str, what: &str) -> Result<Option<Node>, Refusal> {
    let directory = state.directory();
    let node = zone::visible(&directory, caller, zone)?.nodes.get(name).cloned();
    may_write(caller, what)?;
    Ok(node)
}

/// Writes a name. One without values goes, except for the zone's own.
fn write(state: &State, zone: &str, name: &str, node: Node) -> Result<(), Refusal> {
    let mut directory = state.directory();
    let zone = directory.zones.get_mut(zone).ok_or_else(|| missing(name))?;
    if node.values.is_empty() && name != "@" {
        zone.nodes.remove(name);
    } else {
        zone.nodes.insert(name.to_owned(), node);
    }
    Ok(())
}

pub(super) fn mark(node: &mut Node, options: &Options) -> Result<(), Refusal> {
    let marks = options.marks("setattr")?;
    if !marks.is_empty() {
        node.marks = marks;
    }
    for mark in options.marks("addattr")? {
        if !node.marks.contains(&mark) {
            node.marks.push(mark);
        }
    }
    for mark in options.marks("delattr")? {
        let Some(at) = node.marks.iter().position(|held| *held == mark) else {
            return Err(Refusal::no_value("cn", &mark));
        };
        node.marks.remove(at);
    }
    Ok(())
}

/// Whether two names have the same values; their order means nothing.
fn same(one: &Node, other: &Node) -> bool {
    let sorted = |node: &Node| {
        let mut node = node.clone();
        node.values.values_mut().for_each(|values| values.sort());
        node
    };
    sorted(one) == sorted(other)
}

/// A name relative to its zone. Without a dot at its end it is taken as relative, even if the zone's name is in it.
fn relative(name: &str, zone: &str) -> Result<String, Refusal> {
    let (name, zone) = (name.to_lowercase(), absolute(zone));
    if name == zone || name == "@" {
        return Ok("@".to_owned());
    }
    if !name.ends_with('.') {
        return Ok(name);
    }
    let within = name.strip_suffix(&format!(".{zone}")).map(str::to_owned);
    within.ok_or_else(|| {
        Refusal::validation(
            "idnsname",
            "out-of-zone data: record name must be a subdomain of the zone or a relative name",
        )
    })
}

fn missing(name: &str) -> Refusal {
    Refusal::not_found(&format!("{name}: DNS resource record not found"))
}

fn deleted(name: &str) -> Map<String, Value> {
    let result = Value::Object(fields([("failed", json!([]))]));
    done(result, json!([encoding::name(name)]), None)
}

fn entry(name: &str, node: &Node, options: &Options) -> Value {
    let mut shown = fields([
        ("dn", json!(format!("idnsname={name},cn=dns,dc=test"))),
        ("idnsname", json!([encoding::name(name)])),
    ]);
    if options.flag("pkey_only") {
        return Value::Object(shown);
    }
    if options.flag("structured") {
        let parts = node.values.iter().flat_map(|(attribute, values)| {
            let kind = attribute.trim_end_matches("record").to_ascii_uppercase();
            values.iter().map(move |value| json!({"dnstype": kind, "dnsdata": value}))
        });
        shown.insert("dnsrecords".to_owned(), parts.collect());
    } else {
        for (attribute, values) in &node.values {
            shown.insert(attribute.clone(), json!(values));
        }
    }
    if let Some(ttl) = &node.ttl {
        shown.insert("dnsttl".to_owned(), json!([ttl]));
    }
    if options.flag("all") {
        shown.insert("objectclass".to_owned(), json!(["top", "idnsrecord"]));
        if !node.marks.is_empty() {
            shown.insert("cn".to_owned(), json!(node.marks));
        }
    }
    Value::Object(shown)
}
