//! Which fields a manifest has, in the form of `fieldsV1` (`structured-merge-diff`).

use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::kind::SERVICE;

/// The keys by which the server merges a list of a kind; `None` if it takes the list as a whole.
pub(super) fn keys(kind: &Kind, list: &str) -> Option<&'static [&'static str]> {
    Some(match list {
        "containers" | "initContainers" | "env" | "volumes" => &["name"],
        "volumeMounts" => &["mountPath"],
        "ports" if *kind == SERVICE => &["port", "protocol"],
        // In a network policy the server takes the list as a whole.
        "ports" if kind.has_pods() => &["containerPort", "protocol"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        "conditions" => &["type"],
        _ => return None,
    })
}

/// The name of an entry in `fieldsV1`: `k:{"name":"web"}`.
pub(super) fn entry_key(entry: &Value, keys: &[&str]) -> String {
    let of = |key: &&str| entry.get(*key).map(|value| ((*key).to_owned(), value.clone()));
    format!("k:{}", Value::Object(keys.iter().filter_map(of).collect()))
}

/// The fields of a manifest. Those of its identity are nobody's.
pub(super) fn of_manifest(kind: &Kind, manifest: &Value) -> Value {
    let mut fields = of(kind, "", manifest);
    if let Some(map) = fields.as_object_mut() {
        ["f:apiVersion", "f:kind", "f:status"].iter().for_each(|key| drop(map.remove(*key)));
        if let Some(metadata) = map.get_mut("f:metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| matches!(key.as_str(), "f:labels" | "f:annotations"));
            if metadata.is_empty() {
                map.remove("f:metadata");
            }
        }
    }
    fields
}

fn of(kind: &Kind, name: &str, value: &Value) -> Value {
    match value {
        // A selector of one label is one thing to the server.
        Value::Object(_)
            if matches!(name, "matchLabels" | "selector" | "podSelector" | "namespaceSelector") =>
        {
            Value::Object(Map::new())
        }
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (format!("f:{key}"), of(kind, key, value))).collect())
        }
        Value::Array(entries) => match keys(kind, name) {
            Some(keys) => {
                let mut fields = Map::new();
                for entry in entries {
                    let mut of_entry = of(kind, "", entry);
                    if let Some(map) = of_entry.as_object_mut() {
                        map.insert(".".to_owned(), Value::Object(Map::new()));
                    }
                    fields.insert(entry_key(entry, keys), of_entry);
                }
                Value::Object(fields)
            }
            None => Value::Object(Map::new()),
        },
        _ => Value::Object(Map::new()),
    }
}

/// The fields of one that another one has too.
pub(super) fn without(fields: &Value, taken: &Value) -> Option<Value> {
    let (map, taken) = (fields.as_object()?, taken.as_object()?);
    if taken.is_empty() || map.is_empty() {
        return None;
    }
    let left: Map<String, Value> = map
        .iter()
        .filter_map(|(key, fields)| match taken.get(key) {
            Some(taken) => Some((key.clone(), without(fields, taken)?)),
            None => Some((key.clone(), fields.clone())),
        })
        .collect();
    (!left.is_empty()).then_some(Value::Object(left))
}
