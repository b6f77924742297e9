//! The JSON Schema of a cloud's file.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema of a type. A key without a value is refused where the file is read, so no place takes `null`: an optional
/// setting is left out.
pub(crate) fn of<T: JsonSchema + ?Sized>() -> Schema {
    let settings = SchemaSettings::default()
        .with_transform(RecursiveTransform(without_null))
        .with_transform(RecursiveTransform(without_rust));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    if let Some(Value::Object(definitions)) = schema.get_mut("$defs") {
        for (name, example) in EXAMPLES {
            let of = definitions.get_mut(*name).and_then(Value::as_object_mut);
            if let (Some(of), Ok(example)) = (of, serde_json::from_str::<Value>(example)) {
                of.insert("examples".to_owned(), Value::Array(vec![example]));
            }
        }
    }
    schema
}

/// A right value of each map that people write most.
const EXAMPLES: &[(&str, &str)] = &[
    ("Accept", r#"{ "kind": "image-unpinned", "reason": "a first try" }"#),
    ("Cluster", r#"{ "version": "v1.36.3+k3s1", "servers": ["master1"] }"#),
    ("Disk", r#"{ "size": "20 GiB", "mount": "/srv/data" }"#),
    ("Guest", r#"{ "packages": ["nginx"] }"#),
    ("Image", r#"{ "os": "debian", "version": "12", "source": { "path": "/images/debian-12.qcow2" } }"#),
    ("Interface", r#"{ "network": "lab", "address": "10.17.3.10" }"#),
    ("Network", r#"{ "mode": "nat", "subnet": "10.17.3.0/24" }"#),
    ("Opening", r#"{ "service": "tcp 22", "from": { "machine": "bastion" } }"#),
    ("Peer", r#"{ "machine": "bastion" }"#),
    ("Ready", r#"{ "signal": { "tcp": 22 } }"#),
    ("Source", r#"{ "path": "/images/debian-12.qcow2" }"#),
    ("Unit", r#"{ "state": "enabled" }"#),
    ("User", r#"{ "admin": true }"#),
];

fn without_null(schema: &mut Schema) {
    let Some(keys) = schema.as_object_mut() else { return };
    if keys.get("default").is_some_and(Value::is_null) {
        keys.remove("default");
    }
    if let Some(Value::Array(types)) = keys.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keys.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(forms)) = keys.get_mut("anyOf") {
        forms.retain(|form| form.get("type").is_none_or(|one| one != "null"));
        if let [Value::Object(only)] = forms.as_slice() {
            let only = only.clone();
            keys.remove("anyOf");
            // The description of a field takes precedence over that of its type.
            for (key, value) in only {
                keys.entry(key).or_insert(value);
            }
        }
    }
}

/// Leaves the examples in Rust and the links between items out of a description: its reader writes a file.
fn without_rust(schema: &mut Schema) {
    let Some(Value::String(text)) = schema.get_mut("description") else { return };
    let outside = text.split("```").step_by(2).map(str::trim);
    // The words that lead to an example go with it.
    let outside = outside.map(|piece| piece.strip_suffix("In a file:").unwrap_or(piece).trim_end());
    let outside = outside.filter(|piece| !piece.is_empty());
    let prose = outside.collect::<Vec<_>>().join("\n\n");
    let mut words = String::with_capacity(prose.len());
    let mut rest = &*prose;
    while let Some((before, link)) = rest.split_once('[') {
        words.push_str(before);
        let named = link.split_once(']').filter(|(name, _)| name.starts_with('`') && name.ends_with('`'));
        let Some((name, after)) = named else {
            words.push('[');
            rest = link;
            continue;
        };
        // A link to an item becomes its name; the target is for readers of Rust.
        words.push('`');
        words.push_str(name.trim_matches('`').rsplit("::").next().unwrap_or_default());
        words.push('`');
        rest = after.strip_prefix('(').and_then(|to| to.split_once(')')).map_or(after, |(_, after)| after);
    }
    words.push_str(rest);
    *text = words;
}
