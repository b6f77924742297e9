//! The commands of people and their rules: users, groups, host groups, sudo and access (`ipaserver/plugins/{user,group,hostgroup,sudorule,
//! sudocmd,hbacrule,hbacsvc}.py`, over `baseldap.py`).
//!
//! All of these objects have the same commands, so each is a row of a table. A command that adds or removes members says in its answer,
//! under `failed`, which of them it could not: that is no error.

mod change;
mod member;
mod store;
mod table;

use serde_json::{Map, Value, json};

use super::account::Rights;
use super::command::{done, list};
use super::options::Options;
use super::refusal::Refusal;
use super::state::{Caller, State};
pub(super) use store::People;
use store::Person;
use table::{Object, Verb};
pub(super) use table::{has_option, positional};

/// Runs a command of people; `None` if it is none.
pub(super) fn run(
    state: &State,
    caller: &Caller,
    command: &str,
    arguments: &[Value],
    options: &Options,
) -> Option<Result<Map<String, Value>, Refusal>> {
    let (object, verb) = table::of(command)?;
    Some(act(state, caller, object, &verb, arguments, options))
}

fn act(
    state: &State,
    caller: &Caller,
    object: &'static Object,
    verb: &Verb,
    arguments: &[Value],
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    match verb {
        Verb::Find => return find(state, caller, object, arguments, options),
        Verb::Delete => return change::delete(state, caller, object, arguments.first(), options),
        _ => {}
    }
    let name = match arguments.first() {
        Some(Value::String(name)) if !name.trim().is_empty() => object.normal(name.trim()),
        None | Some(Value::Null | Value::String(_)) => return Err(Refusal::required(object.key)),
        Some(_) => return Err(Refusal::conversion(object.key, "must be Unicode text")),
    };
    if !matches!(verb, Verb::Add) {
        let directory = state.directory();
        visible(&directory.people, caller, object, &name)?;
    }
    match verb {
        Verb::Show => {
            let directory = state.directory();
            let person = visible(&directory.people, caller, object, &name)?;
            Ok(done(person.shown(object, &name, options.flag("all"), true), json!(name), None))
        }
        Verb::Add => change::add(state, caller, object, &name, options),
        Verb::Modify => change::modify(state, caller, object, &name, options),
        Verb::Enable | Verb::Disable => {
            change::switch(state, caller, object, &name, matches!(verb, Verb::Disable))
        }
        Verb::Restore => change::restore(state, caller, &name),
        Verb::Link { link, is_added } => {
            member::change(state, caller, object, link, *is_added, &name, options)
        }
        Verb::Option { is_added } => member::options(state, caller, object, *is_added, &name, options),
        Verb::Find | Verb::Delete => Err(Refusal::internal()),
    }
}

fn find(
    state: &State,
    caller: &Caller,
    object: &'static Object,
    arguments: &[Value],
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let criteria = match arguments.first() {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text.trim(),
        Some(_) => return Err(Refusal::conversion("criteria", "must be Unicode text")),
    };
    let directory = state.directory();
    let preserved = options.flag("preserved");
    let found = directory.people.all(object.name).filter(|(name, person)| {
        caller.rights > Rights::Nothing && name.contains(criteria) && person.is_preserved == preserved
    });
    let entries = found.map(|(name, person)| person.shown(object, name, options.flag("all"), false));
    Ok(list(entries.collect(), options, directory.limit))
}

/// An entry, unless the user may not see it.
fn visible<'p>(
    people: &'p People,
    caller: &Caller,
    object: &Object,
    name: &str,
) -> Result<&'p Person, Refusal> {
    let person = people.get(object.name, name).filter(|_| caller.rights > Rights::Nothing);
    person.ok_or_else(|| Refusal::not_found(&format!("{name}: {} not found", object.said)))
}

/// The rights of DNS are none to people.
fn may_write(caller: &Caller, what: &str) -> Result<(), Refusal> {
    if caller.rights >= Rights::Write { Ok(()) } else { Err(Refusal::rights(what)) }
}
