//! Additions, changes and deletions of entries.

use std::collections::BTreeSet;

use fmc_core::ssh::SshKey;
use serde_json::{Map, Value, json};

use super::super::command::done;
use super::super::options::Options;
use super::super::refusal::Refusal;
use super::super::rpc::fields;
use super::super::state::{Caller, State};
use super::store::Person;
use super::table::Object;
use super::{may_write, visible};

/// How long a login may be (`ipamaxusernamelength`).
const LOGIN: usize = 32;

const NAME: usize = 255;

pub(super) fn add(
    state: &State,
    caller: &Caller,
    object: &'static Object,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    valid_name(object, name)?;
    let needed: &[&str] = if object.name == "user" { &["givenname", "sn"] } else { &[] };
    for needed in needed {
        if options.text(needed).is_none() {
            return Err(Refusal::required(needed));
        }
    }
    let mut directory = state.directory();
    let domain = directory.realm().to_lowercase();
    let people = &mut directory.people;
    if people.get(object.name, name).is_some() {
        return Err(Refusal::exists(object.said, name));
    }
    match object.name {
        "user" if !options.flag("noprivate") && people.get("group", name).is_some() => {
            return Err(Refusal::private_group(name));
        }
        // The private group of a user.
        "group" if people.get("user", name).is_some_and(|user| !user.is_preserved) => {
            return Err(Refusal::exists(object.said, name));
        }
        _ => {}
    }
    let mut person = Person::default();
    if object.name == "user" {
        for (attribute, value) in [
            ("loginshell", "/bin/sh".to_owned()),
            ("homedirectory", format!("/home/{name}")),
            ("mail", format!("{name}@{domain}")),
        ] {
            person.values.insert(attribute.to_owned(), vec![value]);
        }
        let full = ["givenname", "sn"].map(|part| options.text(part).unwrap_or_default()).join(" ");
        for attribute in ["cn", "displayname", "gecos"] {
            person.values.insert(attribute.to_owned(), vec![full.clone()]);
        }
    }
    write(&mut person, object, options)?;
    let is_posix = object.name == "group" && !options.flag("nonposix") && !options.flag("external");
    if is_posix {
        person.values.entry("gidnumber".to_owned()).or_insert_with(|| vec!["1000001".to_owned()]);
    }
    may_write(caller, "add")?;
    let answer = done(person.shown(object, name, true, true), json!(name), None);
    people.put(object.name, name, person);
    if object.name == "user"
        && let Some(mut group) = people.get("group", "ipausers").cloned()
    {
        group.members.entry("member_user".to_owned()).or_default().insert(name.to_owned());
        people.put("group", "ipausers", group);
    }
    Ok(answer)
}

pub(super) fn modify(
    state: &State,
    caller: &Caller,
    object: &'static Object,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let mut directory = state.directory();
    let before = visible(&directory.people, caller, object, name)?.clone();
    let mut person = before.clone();
    for link in object.links {
        for category in link.categories {
            let attributes = link.kinds.iter().flat_map(|kind| [Some(kind.attribute), kind.external]);
            let has = attributes.flatten().any(|attribute| before.members.contains_key(attribute));
            if options.text(category) == Some("all") && has {
                let why =
                    format!("{category} cannot be set to 'all' while there are allowed {}s", link.suffix);
                return Err(Refusal::exclusive(&why));
            }
        }
    }
    write(&mut person, object, options)?;
    if options.flag("posix") {
        if before.values.contains_key("gidnumber") {
            return Err(Refusal::posix_already());
        }
        person.values.insert("gidnumber".to_owned(), vec!["1000002".to_owned()]);
    }
    may_write(caller, "write")?;
    if person == before {
        return Err(Refusal::unchanged());
    }
    let answer = done(person.shown(object, name, true, true), json!(name), None);
    directory.people.put(object.name, name, person);
    Ok(answer)
}

/// Switches an entry on or off. Of a rule that is so already FreeIPA says nothing.
pub(super) fn switch(
    state: &State,
    caller: &Caller,
    object: &'static Object,
    name: &str,
    is_disabled: bool,
) -> Result<Map<String, Value>, Refusal> {
    let mut directory = state.directory();
    let mut person = visible(&directory.people, caller, object, name)?.clone();
    may_write(caller, "write")?;
    if object.name == "user" {
        if is_disabled {
            not_last_admin(name)?;
        }
        match (person.is_disabled, is_disabled) {
            (true, true) => return Err(Refusal::inactive()),
            (false, false) => return Err(Refusal::active()),
            _ => {}
        }
    }
    person.is_disabled = is_disabled;
    directory.people.put(object.name, name, person);
    Ok(done(json!(true), json!(name), None))
}

/// A preserved user is a user again, without their groups.
pub(super) fn restore(state: &State, caller: &Caller, name: &str) -> Result<Map<String, Value>, Refusal> {
    let mut directory = state.directory();
    let Some(mut user) = directory.people.get("user", name).cloned() else {
        return Err(Refusal::not_found(&format!("{name}: user not found")));
    };
    may_write(caller, "add")?;
    if !user.is_preserved {
        return Err(Refusal::invocation(&format!("user \"{name}\" is already active")));
    }
    user.is_preserved = false;
    directory.people.put("user", name, user);
    Ok(done(json!(true), json!(name), None))
}

pub(super) fn delete(
    state: &State,
    caller: &Caller,
    object: &'static Object,
    names: Option<&Value>,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let names: Option<Vec<&str>> = match names {
        Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
        Some(name) => name.as_str().map(|name| vec![name]),
        None => None,
    };
    let names = names.ok_or_else(|| Refusal::conversion(object.key, "must be Unicode text"))?;
    let mut directory = state.directory();
    let (mut failed, mut gone) = (Vec::new(), Vec::new());
    for name in names.into_iter().map(|name| object.normal(name)) {
        match visible(&directory.people, caller, object, &name) {
            Ok(_) => may_write(caller, "delete")?,
            Err(_) if options.flag("continue") => {
                failed.push(name);
                continue;
            }
            Err(refusal) => return Err(refusal),
        }
        match (object.name, name.as_str()) {
            ("user", name) => not_last_admin(name)?,
            ("group", "ipausers") => return Err(Refusal::default_group()),
            ("group", "admins") | ("hostgroup", "ipaservers") => {
                return Err(Refusal::protected(object.said, &name));
            }
            _ => {}
        }
        if object.name == "sudocmd" {
            let rules = directory
                .people
                .with_member(&["memberallowcmd_sudocmd", "memberdenycmd_sudocmd"], &name)
                .join(", ");
            if !rules.is_empty() {
                return Err(Refusal::dependent(&name, &rules));
            }
        }
        let person = directory.people.take(object.name, &name);
        if options.flag("preserve")
            && let Some(user) = person
        {
            directory.people.put(object.name, &name, Person { is_preserved: true, ..user });
        }
        gone.push(name);
    }
    Ok(done(Value::Object(fields([("failed", json!(failed))])), json!(gone), None))
}

/// Writes the attributes that a request states, and judges them.
fn write(person: &mut Person, object: &Object, options: &Options) -> Result<(), Refusal> {
    for attribute in object.single.iter().chain(object.several) {
        let Some(values) = options.values(attribute) else { continue };
        if values.is_empty() {
            if matches!(*attribute, "givenname" | "sn" | "cn" | "gidnumber") {
                return Err(Refusal::required(attribute));
            }
            person.values.remove(*attribute);
            continue;
        }
        for value in values {
            let why = match *attribute {
                "mail" if !value.contains('@') => "invalid e-mail format",
                "ipasshpubkey" if value.parse::<SshKey>().is_err() => "invalid SSH public key",
                _ if attribute.ends_with("category") && value != "all" => "must be 'all'",
                "gidnumber" if value.parse::<u32>().is_err() => "must be an integer",
                _ => continue,
            };
            return Err(Refusal::validation(attribute, why));
        }
        let distinct: BTreeSet<&String> = values.iter().collect();
        if distinct.len() < values.len() {
            return Err(Refusal::type_or_value_exists());
        }
        person.values.insert((*attribute).to_owned(), values.to_vec());
    }
    Ok(())
}

fn not_last_admin(name: &str) -> Result<(), Refusal> {
    if name == "admin" { Err(Refusal::last_member(name)) } else { Ok(()) }
}

/// `PATTERN_GROUPUSER_NAME` and `NETGROUP_PATTERN`.
fn valid_name(object: &Object, name: &str) -> Result<(), Refusal> {
    let is_inside = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    let is_account = |name: &str| {
        let body = name.strip_suffix('$').filter(|body| !body.is_empty()).unwrap_or(name);
        body.chars().all(is_inside)
            && !name.starts_with('-')
            && !name.chars().all(|letter| letter.is_ascii_digit())
    };
    let (is_valid, why) = match object.name {
        "user" | "group" => (is_account(name), "may only include letters, numbers, _, -, . and $"),
        "hostgroup" => (
            name.chars().all(is_inside) && !name.starts_with('-'),
            "may only include letters, numbers, _, -, and .",
        ),
        "sudocmd" => (!name.ends_with('.'), "must not contain trailing dot"),
        _ => (true, ""),
    };
    if !is_valid {
        return Err(Refusal::validation(object.key, why));
    }
    let most = if object.name == "user" { LOGIN } else { NAME };
    if object.name != "sudocmd" && name.chars().count() > most {
        return Err(Refusal::validation(object.key, &format!("can be at most {most} characters")));
    }
    Ok(())
}
