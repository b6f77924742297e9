//! The commands of forward zones and of the forwarders of all servers. The forwarders are not asked.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::account::Rights;
use super::command::{done, list, may_write};
use super::directory::absolute;
use super::encoding;
use super::options::Options;
use super::refusal::Refusal;
use super::rpc::fields;
use super::state::{Caller, State};

/// Where names are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Forwarding {
    forwarders: Vec<String>,
    policy: Option<String>,
}

pub(super) fn find(state: &State, caller: &Caller, options: &Options) -> Map<String, Value> {
    let directory = state.directory();
    let zones = directory.forward_zones.iter().filter(|_| caller.rights > Rights::Nothing);
    list(zones.map(|(name, zone)| entry(Some(name), zone)).collect(), options, directory.limit)
}

pub(super) fn add(
    state: &State,
    caller: &Caller,
    name: &str,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    may_write(caller, "add")?;
    let name = absolute(name);
    let mut directory = state.directory();
    if directory.zones.contains_key(&name) {
        return Err(Refusal::other_kind());
    }
    if directory.forward_zones.contains_key(&name) {
        return Err(Refusal::duplicate(&name));
    }
    if directory.elsewhere.contains(&name) && !options.flag("skip_overlap_check") {
        return Err(Refusal::elsewhere(&name));
    }
    let mut zone = Forwarding { policy: Some("first".to_owned()), ..Forwarding::default() };
    zone.write(options)?;
    zone.needs_forwarders()?;
    let shown = entry(Some(&name), &zone);
    directory.forward_zones.insert(name.clone(), zone);
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
    let before = directory.forward_zones.get(&name).filter(|_| caller.rights > Rights::Nothing).cloned();
    let before = before.ok_or_else(|| Refusal::not_found(&format!("{name}: DNS forward zone not found")))?;
    may_write(caller, "write")?;
    let mut zone = before.clone();
    zone.write(options)?;
    zone.needs_forwarders()?;
    if zone == before {
        return Err(Refusal::unchanged());
    }
    let shown = entry(Some(&name), &zone);
    directory.forward_zones.insert(name.clone(), zone);
    Ok(done(shown, encoding::name(&name), None))
}

pub(super) fn show_config(state: &State, caller: &Caller) -> Result<Map<String, Value>, Refusal> {
    if caller.rights == Rights::Nothing {
        return Err(Refusal::not_found("DNS configuration not found"));
    }
    Ok(done(entry(None, &state.directory().config), Value::Null, None))
}

pub(super) fn change_config(
    state: &State,
    caller: &Caller,
    options: &Options,
) -> Result<Map<String, Value>, Refusal> {
    may_write(caller, "write")?;
    let mut directory = state.directory();
    let mut config = directory.config.clone();
    config.write(options)?;
    if config == directory.config {
        return Err(Refusal::unchanged());
    }
    directory.config = config;
    Ok(done(entry(None, &directory.config), Value::Null, None))
}

impl Forwarding {
    fn write(&mut self, options: &Options) -> Result<(), Refusal> {
        if let Some(forwarders) = options.values("idnsforwarders") {
            if let Some(wrong) = forwarders.iter().find(|forwarder| !is_forwarder(forwarder)) {
                let why = format!("{wrong}: invalid IP address format");
                return Err(Refusal::validation("forwarder", &why));
            }
            self.forwarders = forwarders.to_vec();
        }
        if let Some(policy) = options.values("idnsforwardpolicy") {
            if policy.iter().any(|policy| !["only", "first", "none"].contains(&policy.as_str())) {
                return Err(Refusal::validation("forward_policy", "must be one of 'only', 'first', 'none'"));
            }
            self.policy = policy.first().cloned();
        }
        Ok(())
    }

    fn needs_forwarders(&self) -> Result<(), Refusal> {
        if self.forwarders.is_empty() && self.policy.as_deref() != Some("none") {
            return Err(Refusal::validation("idnsforwarders", "Please specify forwarders."));
        }
        Ok(())
    }
}

/// An address, with a port behind the word `port` if it is not 53.
fn is_forwarder(text: &str) -> bool {
    let (address, port) = text.split_once(" port ").unwrap_or((text, "53"));
    address.parse::<IpAddr>().is_ok() && port.parse::<u16>().is_ok()
}

fn entry(name: Option<&str>, forwarding: &Forwarding) -> Value {
    let mut shown = fields([]);
    if let Some(name) = name {
        shown.insert("idnsname".to_owned(), json!([encoding::name(name)]));
        shown.insert("idnszoneactive".to_owned(), json!([true]));
    }
    if !forwarding.forwarders.is_empty() {
        shown.insert("idnsforwarders".to_owned(), json!(forwarding.forwarders));
    }
    if let Some(policy) = &forwarding.policy {
        shown.insert("idnsforwardpolicy".to_owned(), json!([policy]));
    }
    Value::Object(shown)
}
