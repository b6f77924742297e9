//! The answer of a command.

use serde_json::{Map, Value};

use super::entry::IpaEntry;
use super::error::{IpaError, Refusal};

/// The answer of a command that the server ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    fields: Map<String, Value>,
}

/// A remark of the server beside an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Its number, as 13017.
    pub number: i64,
    /// Its name, as `SearchResultTruncated`.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// Remarks that say that a part of the command was not done: `FailedToRemoveHostDNSRecords`, `FailedToAddHostDNSRecords`, and the
/// records of Kerberos in a new zone.
const NOT_DONE: [i64; 4] = [13011, 13012, 13020, 13030];

impl Answer {
    /// Reads the whole body: a result or an error.
    pub(crate) fn read(command: &str, body: Value) -> Result<Self, IpaError> {
        let broken = |cause: &str| IpaError::Broken { cause: format!("{command}: {cause}") };
        let Value::Object(mut body) = body else { return Err(broken("it is not an object")) };
        match body.get("error") {
            None | Some(Value::Null) => {}
            Some(error) => {
                let number = error.get("code").and_then(Value::as_i64).unwrap_or_default();
                let refusal =
                    Refusal::read(number, error.get("name"), error.get("message"), error.get("data"));
                return Err(IpaError::Refused { command: command.to_owned(), refusal });
            }
        }
        match body.remove("result") {
            Some(Value::Object(fields)) => Ok(Self { fields }),
            _ => Err(broken("it has neither a result nor an error")),
        }
    }

    /// The answer of a search, which must have left nothing out.
    pub(crate) fn whole(self, command: &str) -> Result<Self, IpaError> {
        if self.is_truncated() {
            return Err(IpaError::Truncated { command: command.to_owned(), count: self.count() });
        }
        Ok(self)
    }

    /// An item of a batch that succeeded.
    pub(super) fn of_item(fields: Map<String, Value>) -> Self {
        Self { fields }
    }

    /// The result itself: an entry, a list of entries, or a word.
    pub fn result(&self) -> &Value {
        self.fields.get("result").unwrap_or(&Value::Null)
    }

    /// The result, if it is one entry.
    pub fn entry(&self) -> IpaEntry {
        IpaEntry::of(self.result())
    }

    /// The result, if it is a list of entries.
    pub fn entries(&self) -> Vec<IpaEntry> {
        self.result().as_array().into_iter().flatten().map(IpaEntry::of).collect()
    }

    /// The result as a list of entries, without a copy.
    pub fn into_entries(mut self) -> Vec<IpaEntry> {
        let Some(Value::Array(entries)) = self.fields.remove("result") else { return Vec::new() };
        entries.into_iter().map(IpaEntry::from).collect()
    }

    /// A member of the answer beside the result, as `value`, `failed` or `randompassword`.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// A line for people.
    pub fn summary(&self) -> &str {
        self.fields.get("summary").and_then(Value::as_str).unwrap_or_default()
    }

    /// How many entries came.
    pub fn count(&self) -> usize {
        let count = self.fields.get("count").and_then(Value::as_u64);
        count.and_then(|count| usize::try_from(count).ok()).unwrap_or_else(|| self.entries().len())
    }

    /// Whether the server left entries out.
    pub fn is_truncated(&self) -> bool {
        self.fields.get("truncated").and_then(Value::as_bool).unwrap_or_default()
    }

    /// What the server remarks.
    pub fn messages(&self) -> Vec<Message> {
        let messages = self.fields.get("messages").and_then(Value::as_array);
        let text = |message: &Value, name: &str| {
            message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let read = |message: &Value| Message {
            number: message.get("code").and_then(Value::as_i64).unwrap_or_default(),
            name: text(message, "name"),
            text: text(message, "message"),
        };
        messages.into_iter().flatten().map(read).collect()
    }

    /// Whether the server remarks that a part of the command was not done.
    pub fn is_partial(&self) -> bool {
        self.messages().iter().any(|message| NOT_DONE.contains(&message.number))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Answer;
    use crate::client::{Code, IpaError};

    #[test]
    fn an_answer_that_is_not_one_is_broken() {
        for body in [
            json!(null),
            json!([]),
            json!("x"),
            json!({}),
            json!({"result": 1}),
            json!({"result": null, "error": null}),
        ] {
            let error = Answer::read("ping", body.clone()).unwrap_err();
            assert!(matches!(error, IpaError::Broken { .. }), "{body}: {error:?}");
        }
        for error in [json!("x"), json!({}), json!({"code": "x", "message": 1, "data": []})] {
            let error = Answer::read("ping", json!({"error": error})).unwrap_err();
            assert_eq!(error.code(), Some(Code::Other));
        }
    }

    #[test]
    fn a_remark_can_say_that_a_part_was_not_done() {
        let read =
            |messages: Value| Answer::read("host_add", json!({"result": {"messages": messages}})).unwrap();
        let remark =
            json!({"type": "warning", "code": 13030, "name": "FailedToAddHostDNSRecords", "message": "x"});
        assert!(read(json!([remark])).is_partial());
        assert!(!read(json!([{"code": 13001}, null, 7])).is_partial());
        assert!(!read(json!(null)).is_partial());
    }

    #[test]
    fn entries_may_be_odd() {
        let answer =
            Answer::read("dnszone_find", json!({"result": {"result": [null, 1, {"a": "b"}]}})).unwrap();
        assert_eq!((answer.count(), answer.is_truncated()), (3, false));
        let entries = answer.into_entries();
        assert_eq!(entries.last().and_then(|entry| entry.text("a")).as_deref(), Some("b"));
    }
}
