//! How values are sent: DNS names are objects since version 2.88 of the API, and text before.

use serde_json::{Map, Value, json};

/// The version of the API that has names as objects.
const NAMES_AS_OBJECTS: (u32, u32) = (2, 88);

/// The form in which an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    names_are_objects: bool,
    /// The request has no version.
    pub(super) is_unstated: bool,
}

impl Encoding {
    /// The form that a request's version asks for. A later version than the server's is taken as its own.
    pub(super) fn of(version: Option<&str>) -> Self {
        let number = version.and_then(|text| {
            let (major, minor) = text.split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        Self {
            names_are_objects: number.is_some_and(|number: (u32, u32)| number >= NAMES_AS_OBJECTS),
            is_unstated: version.is_none(),
        }
    }

    /// An answer in this form.
    pub(super) fn write(self, value: Value) -> Value {
        if self.names_are_objects { value } else { plain(value) }
    }
}

/// A DNS name of an answer.
pub(super) fn name(text: &str) -> Value {
    json!({ "__dns_name__": text })
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut fields) if fields.len() == 1 => match fields.remove("__dns_name__") {
            Some(name) => name,
            None => Value::Object(plain_fields(fields)),
        },
        Value::Object(fields) => Value::Object(plain_fields(fields)),
        Value::Array(values) => values.into_iter().map(plain).collect(),
        other => other,
    }
}

fn plain_fields(fields: Map<String, Value>) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name, plain(value))).collect()
}
