//! The commands of hosts (`ipaserver/plugins/host.py`).

use fmc_core::graph::Fingerprint;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::account::Rights;
use super::command::{done, list};
use super::directory::IpaDirectory;
use super::options::Options;
use super::refusal::Refusal;
use super::rpc::fields;
use super::state::{Caller, State};

/// A host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Host {
    classes: Vec<String>,
    description: Option<String>,
    /// The hash of its one-time password, until it is enrolled.
    once: Option<Fingerprint>,
    has_keytab: bool,
}

impl Host {
    /// The host of the server itself, which is enrolled.
    pub(super) fn of_server() -> Self {
        Self { has_keytab: true, ..Self::default() }
    }

    /// Enrols it, as `ipa-client-install` does by the password, which is used up.
    pub(super) fn enrol(&mut self, password: &str) -> bool {
        let is_it = !self.has_keytab && self.once == Some(Fingerprint::of(password.as_bytes()));
        if is_it {
            (self.once, self.has_keytab) = (None, true);
        }
        is_it
    }

    fn write(&mut self, options: &Options) -> Result<(), Refusal> {
        if let Some(classes) = options.values("userclass") {
            self.classes = classes.to_vec();
        }
        if let Some(description) = options.values("description") {
            self.description = description.first().cloned();
        }
        if let Some(password) = options.text("userpassword") {
            if self.has_keytab {
                return Err(Refusal::validation("password", "Password cannot be set on enrolled host."));
            }
            self.once = Some(Fingerprint::of(password.as_bytes()));
        }
        Ok(())
    }

    /// A search does not tell whether a host has a keytab or a password.
    fn entry(&self, name: &str, is_search: bool) -> Value {
        let mut shown = fields([
            ("dn", json!(format!("fqdn={name},cn=computers,cn=accounts,dc=test"))),
            ("fqdn", json!([name])),
            ("krbcanonicalname", json!([format!("host/{name}")])),
            ("managedby_host", json!([name])),
        ]);
        if !self.classes.is_empty() {
            shown.insert("userclass".to_owned(), json!(self.classes));
        }
        if let Some(description) = &self.description {
            shown.insert("description".to_owned(), json!([description]));
        }
        if !is_search {
            shown.insert("has_keytab".to_owned(), json!(self.has_keytab));
            shown.insert("has_password".to_owned(), json!(self.once.is_some()));
        }
        Value::Object(shown)
    }
}

pub(super) fn find(
    state: &State,
    caller: &Caller,
    criteria: Option<String>,
    options: &Options,
) -> Map<String, Value> {
    let directory = state.directory();
    let criteria = criteria.unwrap_or_default();
    let seen = directory
        .hosts
        .iter()
        .filter(|(name, _)| caller.rights > Rights::Nothing && name.contains(&criteria));
    list(seen.map(|(name, host)| host.entry(name, true)).collect(), options, directory.limit)
}

pub(super) fn show(state: &State, caller: &Caller, name: &str) -> Result<Map<String, Value>, Refusal> {
    let name = lower(name);
    let directory = state.directory();
    let host = visible(&directory, caller, &name)?;
    Ok(done(host.entry(&name, false), json!(name), None))
}

pub(super) fn add(
    state: &State,
    caller: &Caller,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let name = lower(name);
    full(&name)?;
    let mut directory = state.directory();
    if directory.hosts.contains_key(&name) {
        return Err(Refusal::host_exists(&name));
    }
    if !options.flag("force") && !directory.has_address(&name) {
        return Err(Refusal::no_address(&name));
    }
    may_write(caller, "add")?;
    let mut host = Host::default();
    host.write(options)?;
    let answer = done(host.entry(&name, false), json!(name), None);
    directory.hosts.insert(name, host);
    Ok(answer)
}

pub(super) fn change(
    state: &State,
    caller: &Caller,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    let name = lower(name);
    let mut directory = state.directory();
    let before = visible(&directory, caller, &name)?.clone();
    let mut host = before.clone();
    host.write(options)?;
    may_write(caller, "write")?;
    // A password that is set again is another value of the directory.
    if host == before && options.text("userpassword").is_none() {
        return Err(Refusal::unchanged());
    }
    let answer = done(host.entry(&name, false), json!(name), None);
    directory.hosts.insert(name, host);
    Ok(answer)
}

/// Takes the keytab and the password of a host away.
pub(super) fn disable(state: &State, caller: &Caller, name: &str) -> Result<Map<String, Value>, Refusal> {
    let name = lower(name);
    let mut directory = state.directory();
    let host = visible(&directory, caller, &name)?.clone();
    is_not_servers(&directory, &name)?;
    may_write(caller, "write")?;
    if !host.has_keytab {
        return Err(Refusal::inactive());
    }
    directory.hosts.insert(name.clone(), Host { once: None, has_keytab: false, ..host });
    Ok(done(json!(true), json!(name), None))
}

pub(super) fn delete(
    state: &State,
    caller: &Caller,
    names: Option<&Value>,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    // The server looks for each record by its resolver, which has no way out.
    if options.flag("updatedns") {
        return Err(Refusal::internal());
    }
    let names: Option<Vec<&str>> = match names {
        Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
        Some(name) => name.as_str().map(|name| vec![name]),
        None => None,
    };
    let names = names.ok_or_else(|| Refusal::conversion("hostname", "must be Unicode text"))?;
    let mut directory = state.directory();
    let (mut failed, mut gone) = (Vec::new(), Vec::new());
    for name in names.into_iter().map(lower) {
        match visible(&directory, caller, &name) {
            Ok(_) => may_write(caller, "delete")?,
            Err(_) if options.flag("continue") => {
                failed.push(name);
                continue;
            }
            Err(refusal) => return Err(refusal),
        }
        is_not_servers(&directory, &name)?;
        directory.hosts.remove(&name);
        directory.people.leave("host", &name);
        gone.push(name);
    }
    Ok(done(Value::Object(fields([("failed", json!(failed))])), json!(gone), None))
}

fn lower(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

fn full(name: &str) -> Result<(), Refusal> {
    if name.split('.').count() < 2 || name.split('.').any(str::is_empty) {
        return Err(Refusal::validation("hostname", "Fully-qualified hostname required"));
    }
    Ok(())
}

/// A host, unless the user may not see it.
fn visible<'a>(directory: &'a IpaDirectory, caller: &Caller, name: &str) -> Result<&'a Host, Refusal> {
    let host = directory.hosts.get(name).filter(|_| caller.rights > Rights::Nothing);
    host.ok_or_else(|| Refusal::not_found(&format!("{name}: host not found")))
}

fn is_not_servers(directory: &IpaDirectory, name: &str) -> Result<(), Refusal> {
    if name == directory.fqdn() {
        let why = "An IPA master host cannot be deleted or disabled";
        return Err(Refusal::validation("hostname", why));
    }
    Ok(())
}

/// The rights of DNS are none to hosts.
fn may_write(caller: &Caller, what: &str) -> Result<(), Refusal> {
    if caller.rights >= Rights::Write { Ok(()) } else { Err(Refusal::rights(what)) }
}
