//! A cluster with every key of K3s and every field of a kubelet, taken from the schema, so that a new key is
//! set too.

use fmc::file;
use fmc::prelude::*;
use serde_json::{Map, Value, json};

pub(crate) fn cloud() -> Cloud {
    let schema = Cloud::schema();
    let cloud = json!({
        "name": "tables",
        "clusters": {
            "prod": {
                "version": "v1.36.3+k3s1",
                "config": all(&schema, "K3sConfig"),
                "agent_config": { "node-label": [] },
                "kubelet": {
                    "50-all.conf": all(&schema, "KubeletDropin"),
                    "60-none.conf": { "evictionHard": {}, "featureGates": {}, "tlsCipherSuites": [] },
                },
            }
        }
    });
    file::from_json(&cloud.to_string()).unwrap()
}

/// A value for each property of a definition.
fn all(schema: &Value, definition: &str) -> Map<String, Value> {
    let place = format!("/$defs/{definition}/properties");
    let properties = schema.pointer(&place).and_then(Value::as_object).unwrap();
    assert!(properties.len() > 20, "{definition} is a table");
    properties.iter().map(|(key, property)| (key.clone(), some(schema, key, property))).collect()
}

/// A value of a property: a valid one, or a text if the schema has no type.
fn some(schema: &Value, key: &str, property: &Value) -> Value {
    if let Some(link) = property["$ref"].as_str() {
        if link.ends_with("/Secret") {
            return json!({ "name": key, "source": { "environment": "A_SECRET" } });
        }
        return some(schema, key, schema.pointer(link.trim_start_matches('#')).unwrap());
    }
    if let Some(value) = property["anyOf"].get(0) {
        return some(schema, key, value);
    }
    if let Some(value) = property["examples"].get(0).or(property["enum"].get(0)) {
        return value.clone();
    }
    let is = |kind: &str| match &property["type"] {
        Value::Array(kinds) => kinds.iter().any(|other| other == kind),
        other => other == kind,
    };
    if is("boolean") {
        json!(true)
    } else if is("array") {
        json!([some(schema, key, &property["items"]), "a text"])
    } else if is("object") {
        json!({ "a": some(schema, key, &property["additionalProperties"]) })
    } else {
        json!("a text")
    }
}
