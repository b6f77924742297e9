//! An entry of the directory, whose values come in many forms.

use serde_json::{Map, Value};

/// An entry as the server sends it. Attributes are lists or single values, numbers are text, and DNS names are text or objects;
/// attributes may be missing or null, and unknown ones are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpaEntry {
    fields: Map<String, Value>,
}

impl IpaEntry {
    /// Reads a value of an answer. What is not an object has no attributes.
    pub fn of(value: &Value) -> Self {
        Self { fields: value.as_object().cloned().unwrap_or_default() }
    }

    pub(super) fn from(value: Value) -> Self {
        match value {
            Value::Object(fields) => Self { fields },
            _ => Self::default(),
        }
    }

    /// The attributes as they came.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// All values of an attribute as text.
    pub fn texts(&self, attribute: &str) -> Vec<String> {
        match self.fields.get(attribute) {
            Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The first value of an attribute as text.
    pub fn text(&self, attribute: &str) -> Option<String> {
        self.texts(attribute).into_iter().next()
    }

    /// The first value of an attribute as a number.
    pub fn number(&self, attribute: &str) -> Option<u32> {
        self.text(attribute)?.parse().ok()
    }

    /// The first value of an attribute as yes or no.
    pub fn flag(&self, attribute: &str) -> Option<bool> {
        match self.text(attribute)?.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

/// A value as text: numbers and yes or no as they are written, names and bytes without the object around them.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Object(object) => ["__dns_name__", "__base64__", "__datetime__"]
            .iter()
            .find_map(|key| object.get(*key))
            .and_then(text),
        Value::Array(_) | Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::IpaEntry;

    #[test]
    fn values_come_in_many_forms() {
        let entry = IpaEntry::of(&json!({
            "idnsname": [{"__dns_name__": "z1.test."}], "old": ["a"], "dnsttl": ["300"], "one": 7,
            "idnszoneactive": [true], "raw": "TRUE", "managedby": null, "odd": [null, {"x": 1}, [2]],
        }));
        assert_eq!(entry.text("idnsname").as_deref(), Some("z1.test."));
        assert_eq!(entry.text("old").as_deref(), Some("a"));
        assert_eq!(
            (entry.number("dnsttl"), entry.number("one"), entry.number("old")),
            (Some(300), Some(7), None)
        );
        assert_eq!(
            (entry.flag("idnszoneactive"), entry.flag("raw"), entry.flag("one")),
            (Some(true), Some(true), None)
        );
        assert_eq!(entry.texts("managedby"), Vec::<String>::new());
        assert_eq!(entry.texts("odd"), Vec::<String>::new());
        assert_eq!(IpaEntry::of(&json!([1])).texts("x"), Vec::<String>::new());
    }
}
