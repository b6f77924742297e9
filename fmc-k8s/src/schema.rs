//! Structural schemas: whether a value suits the schema of its kind in a `CustomResourceDefinition`
//! (*Extend the Kubernetes API with CustomResourceDefinitions*, *Specifying a structural schema*).
//!
//! It judges what every server judges in the same way: unknown fields, types, required fields, words, and sizes. Patterns, formats and the
//! rules of CEL are left to the server.

use fmc_core::nearest::nearest;
use serde_json::{Map, Value};

/// A value that a schema refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsuited {
    /// The path in the object, as `spec.parts[0]`.
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Fields of an object that each kind has.
const OF_EACH: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The words or fields that a help names at most.
const NAMED: usize = 12;

/// The values of an object that its schema refuses. The server judges its metadata.
pub(crate) fn judge(schema: &Value, object: &Value) -> Vec<Unsuited> {
    let mut found = Vec::new();
    let at = At { path: String::new(), is_whole: true };
    at.judge(schema, object, &mut found);
    found
}

struct At {
    path: String,
    /// Whether the value is an object of the API, with fields that each has.
    is_whole: bool,
}

impl At {
    fn below(&self, key: &str) -> Self {
        let plain = key.bytes().all(|one| one.is_ascii_alphanumeric() || matches!(one, b'_' | b'-'));
        let path = match (self.path.is_empty(), plain) {
            (true, _) => key.to_owned(),
            (false, true) => format!("{}.{key}", self.path),
            (false, false) => format!("{}[{key}]", self.path),
        };
        Self { path, is_whole: false }
    }

    fn tell(&self, found: &mut Vec<Unsuited>, message: impl Into<String>, help: impl Into<String>) {
        found.push(Unsuited { path: self.path.clone(), message: message.into(), help: help.into() });
    }

    fn judge(&self, schema: &Value, value: &Value, found: &mut Vec<Unsuited>) {
        if value.is_null() {
            return;
        }
        let says = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        if says("x-kubernetes-int-or-string") {
            if !value.is_string() && !is_integer(value) {
                self.tell(
                    found,
                    format!("it is {}, and not a number or a text", word(value)),
                    "write 8080 or \"80%\"",
                );
            }
            return;
        }
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        if !is_of(kind, value) {
            let help = match (kind, value) {
                ("string", Value::Number(_) | Value::Bool(_)) => format!("write it in quotes: \"{value}\""),
                ("integer" | "number" | "boolean", Value::String(text)) if is_written(kind, text) => {
                    format!("write it without quotes: {text}")
                }
                _ => format!("write {}", example(kind)),
            };
            self.tell(found, format!("it is {}, and not {}", word(value), article(kind)), help);
            return;
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array)
            && !words.contains(value)
        {
            let all: Vec<String> = words.iter().take(NAMED).map(Value::to_string).collect();
            self.tell(
                found,
                format!("{value} is not one of its values"),
                format!("write one of {}", all.join(", ")),
            );
        }
        match value {
            Value::Object(map) => self.of_object(schema, map, found),
            Value::Array(list) => self.of_list(schema, list, found),
            Value::String(text) => {
                let length = text.chars().count();
                self.size(schema, ("minLength", "maxLength"), length, "characters", found);
            }
            Value::Number(number) => self.of_number(schema, number.as_f64().unwrap_or_default(), found),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn of_object(&self, schema: &Value, map: &Map<String, Value>, found: &mut Vec<Unsuited>) {
        let is_whole =
            self.is_whole || schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true));
        let properties = schema.get("properties").and_then(Value::as_object);
        let is_open = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
        let others = schema.get("additionalProperties");
        // The server takes any field where a schema names none.
        let is_open = is_open || properties.is_none();
        for (key, value) in map {
            if is_whole && OF_EACH.contains(&key.as_str()) {
                continue;
            }
            match (properties.and_then(|all| all.get(key)), others) {
                (Some(schema), _) => self.below(key).judge(schema, value, found),
                (None, Some(Value::Object(_))) => {
                    self.below(key).judge(others.unwrap_or(&Value::Null), value, found);
                }
                (None, Some(Value::Bool(true))) => {}
                (None, _) if is_open => {}
                (None, _) => {
                    let known = || properties.into_iter().flat_map(|all| all.keys()).map(String::as_str);
                    let help = nearest(key, known()).map_or_else(
                        || {
                            let all: Vec<&str> = known().take(NAMED).collect();
                            let more = if known().count() > all.len() { ", …" } else { "" };
                            format!("known fields: {}{more}", all.join(", "))
                        },
                        |near| format!("did you mean {near}?"),
                    );
                    self.below(key).tell(found, format!("its kind has no field {key}"), help);
                }
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            let has_default =
                properties.and_then(|all| all.get(key)).is_some_and(|one| one.get("default").is_some());
            let is_there = map.get(key).is_some_and(|value| !value.is_null());
            let is_of_each = is_whole && OF_EACH.contains(&key);
            if !is_there && !has_default && !is_of_each {
                self.tell(found, format!("{key} is missing"), format!("its kind needs `{key}`"));
            }
        }
        self.size(schema, ("minProperties", "maxProperties"), map.len(), "fields", found);
    }

    fn of_list(&self, schema: &Value, list: &[Value], found: &mut Vec<Unsuited>) {
        if let Some(items) = schema.get("items") {
            for (index, value) in list.iter().enumerate() {
                let at = Self { path: format!("{}[{index}]", self.path), is_whole: false };
                at.judge(items, value, found);
            }
        }
        self.size(schema, ("minItems", "maxItems"), list.len(), "entries", found);
    }

    fn of_number(&self, schema: &Value, number: f64, found: &mut Vec<Unsuited>) {
        let of = |key: &str| schema.get(key).and_then(Value::as_f64);
        let is_exclusive = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        if let Some(least) = of("minimum")
            && (number < least || (number == least && is_exclusive("exclusiveMinimum")))
        {
            let word = if is_exclusive("exclusiveMinimum") { "more than" } else { "at least" };
            self.tell(found, format!("{number} is too small"), format!("write {word} {least}"));
        }
        if let Some(most) = of("maximum")
            && (number > most || (number == most && is_exclusive("exclusiveMaximum")))
        {
            let word = if is_exclusive("exclusiveMaximum") { "less than" } else { "at most" };
            self.tell(found, format!("{number} is too large"), format!("write {word} {most}"));
        }
    }

    fn size(&self, schema: &Value, keys: (&str, &str), size: usize, what: &str, found: &mut Vec<Unsuited>) {
        let of =
            |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok());
        if let Some(least) = of(keys.0).filter(|least| size < *least) {
            self.tell(found, format!("it has {size} {what}"), format!("at least {least} are right"));
        }
        if let Some(most) = of(keys.1).filter(|most| size > *most) {
            self.tell(found, format!("it has {size} {what}"), format!("at most {most} are right"));
        }
    }
}

fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => is_integer(value),
        "number" => value.is_number(),
        _ => true,
    }
}

/// Whether a text is written as a value of a type.
fn is_written(kind: &str, text: &str) -> bool {
    match kind {
        "integer" => text.parse::<i64>().is_ok(),
        "number" => text.parse::<f64>().is_ok(),
        _ => text == "true" || text == "false",
    }
}

fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn article(kind: &str) -> &str {
    match kind {
        "object" => "a map",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "a truth value",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    }
}

fn example(kind: &str) -> &'static str {
    match kind {
        "object" => "`{key: value}`",
        "array" => "`[value]`",
        "boolean" => "true or false",
        "integer" => "a whole number, as 3",
        "number" => "a number, as 0.5",
        _ => "a text",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(schema: Value, value: Value) -> Vec<String> {
        let schema = json!({ "type": "object", "properties": { "spec": schema } });
        let object = json!({ "apiVersion": "a/v1", "kind": "A", "metadata": { "name": "a" }, "spec": value });
        judge(&schema, &object)
            .into_iter()
            .map(|one| format!("{}: {}; {}", one.path, one.message, one.help))
            .collect()
    }

    #[test]
    fn a_value_that_suits_has_no_finding() {
        let schema = json!({ "type": "object", "required": ["size", "colour"], "properties": {
            "size": { "type": "integer", "minimum": 1 },
            "colour": { "type": "string", "enum": ["red"], "default": "red" },
            "port": { "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            "any": { "x-kubernetes-preserve-unknown-fields": true },
            "pod": { "type": "object", "x-kubernetes-embedded-resource": true, "properties": { "spec": { "type": "object" } } },
            "list": { "type": "array", "items": { "type": "number" } },
        } });
        let value = json!({ "size": 1, "port": "http", "labels": { "a": "b" }, "free": { "x": [1] }, "any": 3,
            "pod": { "apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {} }, "list": [1, 0.5] });
        assert_eq!(of(schema, value), [""; 0]);
    }

    #[test]
    fn each_mistake_is_found_at_its_path() {
        let schema = json!({ "type": "object", "required": ["size"], "properties": {
            "size": { "type": "integer", "minimum": 1, "maximum": 5, "exclusiveMaximum": true },
            "name": { "type": "string", "maxLength": 3 },
            "on": { "type": "boolean" },
            "port": { "x-kubernetes-int-or-string": true },
            "list": { "type": "array", "maxItems": 1, "items": { "type": "string", "enum": ["a"] } },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
        } });
        let found = |value: Value| of(schema.clone(), value);
        assert_eq!(found(json!({})), ["spec: size is missing; its kind needs `size`"]);
        assert_eq!(found(json!({ "size": 0 })), ["spec.size: 0 is too small; write at least 1"]);
        assert_eq!(found(json!({ "size": 5 })), ["spec.size: 5 is too large; write less than 5"]);
        assert_eq!(
            found(json!({ "size": "2" })),
            ["spec.size: it is a text, and not a whole number; write it without quotes: 2"]
        );
        assert_eq!(
            found(json!({ "size": 1.5 })),
            ["spec.size: it is a number, and not a whole number; write a whole number, as 3"]
        );
        let one = |key: &str, value: Value| found(json!({ "size": 1, key: value }));
        assert_eq!(
            one("name", json!(3)),
            ["spec.name: it is a number, and not a text; write it in quotes: \"3\""]
        );
        assert_eq!(one("name", json!("long")), ["spec.name: it has 4 characters; at most 3 are right"]);
        assert_eq!(
            one("on", json!("yes")),
            ["spec.on: it is a text, and not a truth value; write true or false"]
        );
        assert_eq!(
            one("port", json!(true)),
            ["spec.port: it is a truth value, and not a number or a text; write 8080 or \"80%\""]
        );
        assert_eq!(
            one("list", json!(["b", "a"])),
            [
                "spec.list[0]: \"b\" is not one of its values; write one of \"a\"",
                "spec.list: it has 2 entries; at most 1 are right",
            ]
        );
        assert_eq!(
            one("labels", json!({ "a/b": 1 })),
            ["spec.labels[a/b]: it is a number, and not a text; write it in quotes: \"1\""]
        );
        assert_eq!(of(json!({ "type": "object" }), json!({ "any": 1 })), [""; 0]);
        assert_eq!(one("nmae", json!("a")), ["spec.nmae: its kind has no field nmae; did you mean name?"]);
    }
}
