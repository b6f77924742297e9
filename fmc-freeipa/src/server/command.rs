//! The commands that the server has.

use serde_json::{Map, Value, json};

use super::account::Rights;
use super::options::Options;
use super::refusal::Refusal;
use super::rpc::{API, SOFTWARE, fields, remark};
use super::state::{Caller, State};
use super::{forward, host, people, record, zone};

/// How many entries a search gives, unless the request says otherwise.
const LIMIT: usize = 100;

/// Runs a command.
pub(super) async fn run(
    state: &State,
    caller: &Caller,
    command: &str,
    arguments: &[Value],
    options: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let (least, most): (&[&str], usize) = match command {
        "ping" | "dns_is_enabled" | "dnsconfig_show" | "dnsconfig_mod" => (&[], 0),
        "dnszone_find" | "dnszone_add" | "dnsforwardzone_find" => (&[], 1),
        "dnsforwardzone_add" | "dnsforwardzone_mod" => (&["name"], 1),
        "dnszone_show" | "dnszone_mod" | "dnszone_del" => (&["name"], 1),
        "host_find" => (&[], 1),
        "host_show" | "host_add" | "host_mod" | "host_del" | "host_disable" => (&["hostname"], 1),
        "dnsrecord_find" => (&["dnszone"], 2),
        "dnsrecord_show" | "dnsrecord_add" | "dnsrecord_mod" | "dnsrecord_del" => (&["dnszone", "name"], 2),
        _ => people::positional(command).ok_or_else(|| Refusal::command(command))?,
    };
    if arguments.len() > most {
        return Err(Refusal::arguments(command, most));
    }
    if let Some(missing) = least.get(arguments.len()) {
        return Err(Refusal::required(missing));
    }
    let options = Options::read(command, options)?;
    if let Some(answer) = people::run(state, caller, command, arguments, &options) {
        return answer;
    }
    match command {
        "ping" => {
            Ok(fields([("summary", json!(format!("IPA server version {SOFTWARE}. API version {API}")))]))
        }
        "dns_is_enabled" => Ok(done(json!(true), json!(""), None)),
        "dnszone_find" => zone::find(state, caller, text(arguments, 0, "criteria")?, &options),
        "dnszone_show" => zone::show(state, caller, &required(arguments, 0, "name")?, &options),
        "dnszone_add" => {
            may_write(caller, "add")?;
            zone::add(state, caller, text(arguments, 0, "name")?, &options)
        }
        "dnszone_mod" => zone::change(state, caller, &required(arguments, 0, "name")?, &options),
        "dnszone_del" => zone::delete(state, caller, arguments.first(), &options),
        "dnsforwardzone_find" => Ok(forward::find(state, caller, &options)),
        "dnsforwardzone_add" => forward::add(state, caller, &required(arguments, 0, "name")?, &options),
        "dnsforwardzone_mod" => forward::change(state, caller, &required(arguments, 0, "name")?, &options),
        "dnsconfig_show" => forward::show_config(state, caller),
        "dnsconfig_mod" => forward::change_config(state, caller, &options),
        "host_find" => Ok(host::find(state, caller, text(arguments, 0, "criteria")?, &options)),
        "host_show" => host::show(state, caller, &required(arguments, 0, "hostname")?),
        "host_add" => host::add(state, caller, &required(arguments, 0, "hostname")?, &options),
        "host_mod" => host::change(state, caller, &required(arguments, 0, "hostname")?, &options),
        "host_disable" => host::disable(state, caller, &required(arguments, 0, "hostname")?),
        "host_del" => host::delete(state, caller, arguments.first(), &options),
        "dnsrecord_find" => record::find(
            state,
            caller,
            &required(arguments, 0, "dnszone")?,
            text(arguments, 1, "criteria")?,
            &options,
        ),
        _ => {
            let (zone, name) = (required(arguments, 0, "dnszone")?, required(arguments, 1, "idnsname")?);
            match command {
                "dnsrecord_show" => record::show(state, caller, &zone, &name, &options),
                "dnsrecord_add" => record::add(state, caller, &zone, &name, &options).await,
                "dnsrecord_mod" => record::change(state, caller, &zone, &name, &options).await,
                _ => record::delete(state, caller, &zone, &name, &options),
            }
        }
    }
}

/// An answer about one entry.
pub(super) fn done(result: Value, value: Value, summary: Option<&str>) -> Map<String, Value> {
    fields([("result", result), ("value", value), ("summary", json!(summary))])
}

/// An answer with as many entries as the request, or else the server, allows.
pub(super) fn list(mut entries: Vec<Value>, options: &Options, most: usize) -> Map<String, Value> {
    let limit = match options.text("sizelimit").map(str::parse) {
        Some(Ok(0)) => usize::MAX,
        Some(Ok(limit)) => limit,
        _ => LIMIT,
    };
    let limit = limit.min(most);
    let is_truncated = entries.len() > limit;
    entries.truncate(limit);
    let mut answer = fields([
        ("count", json!(entries.len())),
        ("truncated", json!(is_truncated)),
        ("summary", Value::Null),
        ("result", Value::Array(entries)),
    ]);
    if is_truncated {
        remark(
            &mut answer,
            13017,
            "SearchResultTruncated",
            "Search result has been truncated: Configured size limit exceeded",
        );
    }
    answer
}

/// Refuses a change by a user who may read alone.
pub(super) fn may_write(caller: &Caller, what: &str) -> Result<(), Refusal> {
    if caller.rights >= Rights::WriteDns { Ok(()) } else { Err(Refusal::rights(what)) }
}

/// A positional argument, which is text.
fn text(arguments: &[Value], at: usize, name: &str) -> Result<Option<String>, Refusal> {
    match arguments.get(at) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(Refusal::conversion(name, "must be Unicode text")),
    }
}

fn required(arguments: &[Value], at: usize, name: &str) -> Result<String, Refusal> {
    let text = text(arguments, at, name)?.filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::required(name))
}
