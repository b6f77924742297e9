//! Members of groups and rules. One that cannot be added or removed stands under `failed`, and the command has no error.

use serde_json::{Map, Value, json};

use super::super::options::Options;
use super::super::refusal::Refusal;
use super::super::rpc::fields;
use super::super::state::{Caller, State};
use super::table::{Link, Object};
use super::{may_write, visible};

/// Adds or removes members.
pub(super) fn change(
    state: &State,
    caller: &Caller,
    object: &'static Object,
    link: &'static Link,
    is_added: bool,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let mut directory = state.directory();
    let mut person = visible(&directory.people, caller, object, name)?.clone();
    may_write(caller, "write")?;
    if is_added && link.categories.iter().any(|category| person.is_all(category)) {
        let why = format!("{}s cannot be added when {} category='all'", link.suffix, link.suffix);
        return Err(Refusal::exclusive(&why));
    }
    let mut completed = 0;
    let mut failed: Map<String, Value> = Map::new();
    for kind in link.kinds {
        let mut wrong = Vec::new();
        for member in options.values(kind.object).unwrap_or_default() {
            let member = if kind.object == "sudocmd" { member.clone() } else { member.to_lowercase() };
            let is_there = match kind.object {
                "host" => directory.hosts.contains_key(&member),
                other => directory.people.get(other, &member).is_some_and(|person| !person.is_preserved),
            };
            // sudo takes names that the directory does not have as those of others.
            let is_member =
                |attribute: &str| person.members.get(attribute).is_some_and(|names| names.contains(&member));
            let attribute = match kind.external {
                Some(external) if is_added && !is_there => external,
                Some(external) if !is_added && !is_member(kind.attribute) => external,
                _ => kind.attribute,
            };
            let names = person.members.entry(attribute.to_owned()).or_default();
            let why = match is_added {
                _ if !is_there && kind.external.is_none() => Some("no such entry"),
                true if kind.object == object.name && member == name => {
                    Some("A group may not be added as a member of itself")
                }
                true if !names.insert(member.clone()) => Some("This entry is already a member"),
                false if !names.remove(&member) => Some("This entry is not a member"),
                _ => None,
            };
            match why {
                Some(why) => wrong.push(json!([member, why])),
                None => completed += 1,
            }
        }
        let attribute = kind.attribute.split('_').next().unwrap_or_default();
        let of_attribute = failed.entry(attribute.to_owned()).or_insert_with(|| json!({}));
        if let Some(of_attribute) = of_attribute.as_object_mut() {
            of_attribute.insert(kind.object.to_owned(), Value::Array(wrong));
        }
    }
    person.members.retain(|_, names| !names.is_empty());
    let shown = person.shown(object, name, options.flag("all"), true);
    directory.people.put(object.name, name, person);
    Ok(fields([("result", shown), ("failed", Value::Object(failed)), ("completed", json!(completed))]))
}

/// Adds or removes options of sudo. Here a wrong one is an error, and changes nothing.
pub(super) fn options(
    state: &State,
    caller: &Caller,
    object: &'static Object,
    is_added: bool,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let mut directory = state.directory();
    let mut person = visible(&directory.people, caller, object, name)?.clone();
    let stated = options.values("ipasudoopt").unwrap_or_default();
    if stated.is_empty() {
        return Err(Refusal::required("ipasudoopt"));
    }
    may_write(caller, "write")?;
    let held = person.values.entry("ipasudoopt".to_owned()).or_default();
    for option in stated {
        match (held.iter().position(|held| held == option), is_added) {
            (None, true) => held.push(option.clone()),
            (Some(at), false) => drop(held.remove(at)),
            (Some(_), true) => return Err(Refusal::exists("option", option)),
            (None, false) => return Err(Refusal::no_value("ipasudoopt", option)),
        }
    }
    if held.is_empty() {
        person.values.remove("ipasudoopt");
    }
    let shown = person.shown(object, name, options.flag("all"), true);
    directory.people.put(object.name, name, person);
    Ok(fields([("result", shown), ("value", json!(name)), ("summary", Value::Null)]))
}
