//! The envelope of JSON-RPC, and batches.

use serde_json::{Map, Value, json};

use super::command;
use super::encoding::Encoding;
use super::refusal::Refusal;
use super::state::{Caller, IpaFault, State};

/// The version of the server's software.
pub(super) const SOFTWARE: &str = "4.13.1";

/// The version of the server's API.
pub(super) const API: &str = "2.257";

/// A command of a request, with the version that it states or inherits.
struct IpaCall<'a> {
    command: &'a str,
    arguments: &'a [Value],
    options: Map<String, Value>,
}

/// The body of an answer. Errors of commands come with status 200.
pub(super) async fn answer(
    state: &State,
    caller: &Caller,
    token: &str,
    body: &[u8],
    fault: IpaFault,
) -> String {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let (result, error) = match run(state, caller, token, &request, fault).await {
        Ok(result) => (result, Value::Null),
        Err(refusal) => (Value::Null, refusal.of_request()),
    };
    let id = request.get("id").cloned().unwrap_or_default();
    let principal = format!("{}@{}", caller.name, state.realm());
    json!({"result": result, "error": error, "id": id, "principal": principal, "version": SOFTWARE})
        .to_string()
}

async fn run(
    state: &State,
    caller: &Caller,
    token: &str,
    request: &Value,
    fault: IpaFault,
) -> Result<Value, Refusal> {
    let call = read(request)?;
    let version = call.options.get("version").and_then(Value::as_str).map(str::to_owned);
    let encoding = Encoding::of(version.as_deref());
    match fault {
        IpaFault::Collision => return Err(Refusal::collision()),
        IpaFault::Internal => return Err(Refusal::internal()),
        _ => {}
    }
    let mut result = match call.command {
        "batch" => batch(state, caller, &call, version.as_deref()).await?,
        "session_logout" => {
            state.end_session(token);
            fields([("result", Value::Null)])
        }
        _ => command::run(state, caller, call.command, call.arguments, &call.options).await?,
    };
    if fault == IpaFault::Part {
        return Err(Refusal::part());
    }
    if encoding.is_unstated {
        remark(
            &mut result,
            13001,
            "VersionMissing",
            "API Version number was not sent, forward compatibility not guaranteed.",
        );
    }
    Ok(encoding.write(Value::Object(result)))
}

fn read(request: &Value) -> Result<IpaCall<'_>, Refusal> {
    let object = request.as_object().ok_or_else(|| Refusal::json("Request must be a dict"))?;
    let command = object.get("method").ok_or_else(|| Refusal::json("Request is missing \"method\""))?;
    let params = object.get("params").ok_or_else(|| Refusal::json("Request is missing \"params\""))?;
    let command = command.as_str().ok_or_else(|| Refusal::json("method must be text"))?;
    let params = params.as_array().ok_or_else(|| Refusal::json("params must be a list"))?;
    let [arguments, options] = params.as_slice() else {
        return Err(Refusal::json("params must contain [args, options]"));
    };
    let arguments =
        arguments.as_array().ok_or_else(|| Refusal::json("params[0] (aka args) must be a list"))?;
    let options =
        options.as_object().ok_or_else(|| Refusal::json("params[1] (aka options) must be a dict"))?;
    Ok(IpaCall { command, arguments, options: options.clone() })
}

/// Commands one after another. One that fails stops no other, and takes none back.
async fn batch(
    state: &State,
    caller: &Caller,
    call: &IpaCall<'_>,
    version: Option<&str>,
) -> Result<Map<String, Value>, Refusal> {
    let mut results = Vec::new();
    for item in call.arguments {
        results.push(match batch_item(state, caller, item, version).await {
            Ok(mut fields) => {
                fields.insert("error".to_owned(), Value::Null);
                Value::Object(fields)
            }
            Err(refusal) => refusal.of_item(),
        });
    }
    Ok(fields([("count", json!(results.len())), ("results", Value::Array(results))]))
}

async fn batch_item(
    state: &State,
    caller: &Caller,
    item: &Value,
    version: Option<&str>,
) -> Result<Map<String, Value>, Refusal> {
    let mut call = read(item)?;
    if let Some(version) = version {
        call.options.entry("version").or_insert_with(|| json!(version));
    }
    command::run(state, caller, call.command, call.arguments, &call.options).await
}

/// Adds a remark to an answer.
pub(super) fn remark(result: &mut Map<String, Value>, code: i64, name: &str, message: &str) {
    let entry = json!({"type": "warning", "name": name, "code": code, "message": message, "data": {}});
    match result.get_mut("messages").and_then(Value::as_array_mut) {
        Some(messages) => messages.push(entry),
        None => drop(result.insert("messages".to_owned(), json!([entry]))),
    }
}

pub(super) fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
