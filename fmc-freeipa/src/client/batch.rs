//! Many commands in one request.

use std::fmt;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::error::{IpaError, Refusal};
use super::record::RecordChange;
use super::zone::ZoneSettings;
use super::{Client, dns};

/// A command of a batch. `Debug` shows no passwords.
#[derive(Clone, PartialEq)]
pub struct IpaCall {
    command: String,
    arguments: Vec<Value>,
    options: Map<String, Value>,
}

impl IpaCall {
    /// Any command, with its positional arguments and its options.
    pub fn new(command: impl Into<String>, arguments: Vec<Value>, options: Map<String, Value>) -> Self {
        Self { command: command.into(), arguments, options }
    }

    /// Adds values to a DNS name: see [`Client::record_add`].
    pub fn record_add(zone: &str, name: &str, change: &RecordChange) -> Self {
        Self::new("dnsrecord_add", dns::record_arguments(zone, name), change.options())
    }

    /// Replaces the values of a DNS name: see [`Client::record_mod`].
    pub fn record_mod(zone: &str, name: &str, change: &RecordChange) -> Self {
        Self::new("dnsrecord_mod", dns::record_arguments(zone, name), change.options())
    }

    /// Deletes a DNS name with all of its records: see [`Client::record_del`].
    pub fn record_del(zone: &str, name: &str) -> Self {
        Self::new("dnsrecord_del", dns::record_arguments(zone, name), dns::delete_all())
    }

    /// Makes a zone: see [`Client::zone_add`].
    pub fn zone_add(zone: &str, settings: &ZoneSettings) -> Self {
        Self::new("dnszone_add", vec![json!(zone)], settings.options_of_add())
    }

    /// The command.
    pub fn command(&self) -> &str {
        &self.command
    }

    fn value(&self) -> Value {
        json!({"method": self.command, "params": [self.arguments, self.options]})
    }
}

impl fmt::Debug for IpaCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = self.options.clone();
        for (name, value) in &mut options {
            if name.contains("password") {
                *value = json!("[REDACTED]");
            }
        }
        f.debug_struct("IpaCall")
            .field("command", &self.command)
            .field("arguments", &self.arguments)
            .field("options", &options)
            .finish()
    }
}

impl Client {
    /// Runs commands one after another in one request. The server goes on after one that fails, and takes none back; the results are
    /// in the order of the calls.
    ///
    /// No call is repeated. The caller reads again what an error may have [changed](super::Code::effect), and keeps all values of a
    /// name in one call.
    ///
    /// # Errors
    ///
    /// [`IpaError`], when the request as a whole failed or does not have as many results as calls.
    pub async fn batch(&self, calls: &[IpaCall]) -> Result<Vec<Result<Answer, Refusal>>, IpaError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.call("batch", &items(calls), Map::new()).await?;
        read_results(calls, &answer)
    }
}

/// The positional arguments of a batch.
pub(crate) fn items(calls: &[IpaCall]) -> Vec<Value> {
    calls.iter().map(IpaCall::value).collect()
}

/// The results of the commands of a batch, in their order.
pub(crate) fn read_results(
    calls: &[IpaCall],
    answer: &Answer,
) -> Result<Vec<Result<Answer, Refusal>>, IpaError> {
    let results = answer.member("results").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if results.len() != calls.len() {
        let cause = format!("batch: {} results for {} commands", results.len(), calls.len());
        return Err(IpaError::Broken { cause });
    }
    results.iter().zip(calls).map(|(item, call)| read_item(call, item)).collect()
}

/// The error of an item has other members than the error of a request.
fn read_item(call: &IpaCall, item: &Value) -> Result<Result<Answer, Refusal>, IpaError> {
    let Some(fields) = item.as_object() else {
        return Err(IpaError::Broken {
            cause: format!("batch: the result of {} is not an object", call.command),
        });
    };
    match fields.get("error") {
        None | Some(Value::Null) => Ok(Ok(Answer::of_item(fields.clone()))),
        message => {
            let number = fields.get("error_code").and_then(Value::as_i64).unwrap_or_default();
            Ok(Err(Refusal::read(number, fields.get("error_name"), message, fields.get("error_kw"))))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{IpaCall, read_item};
    use crate::client::{Code, RecordChange};

    #[test]
    fn a_password_is_not_shown() {
        let options = [("userpassword".to_owned(), json!("once-4711"))].into_iter().collect();
        let call = IpaCall::new("host_add", vec![json!("web.lab.test")], options);
        let text = format!("{call:?}");
        assert!(text.contains("web.lab.test") && !text.contains("4711"), "{text}");
    }

    #[test]
    fn results_of_items_may_be_odd() {
        let call = IpaCall::record_add("lab.test", "a", &RecordChange::new());
        for item in [Value::Null, json!([]), json!("x")] {
            let error = read_item(&call, &item).unwrap_err();
            assert!(error.to_string().contains("dnsrecord_add"), "{error}");
        }
        let code = |item: Value| read_item(&call, &item).unwrap().map_err(|refusal| refusal.code);
        assert_eq!(code(json!({"error": "x"})), Err(Code::Other));
        assert_eq!(
            code(json!({"error": "x", "error_code": 4202, "error_kw": null})),
            Err(Code::EmptyModlist)
        );
        assert!(code(json!({"error": null})).is_ok() && code(json!({})).is_ok());
    }
}
