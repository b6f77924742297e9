//! The JSON Schema of a cloud's file: the committed schema is up to date, and a validator accepts and refuses
//! the same files as fmc's reader.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use expect_test::expect_file;
use fmc::prelude::*;
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator() -> Validator {
    jsonschema::draft202012::options().build(&Cloud::schema()).unwrap()
}

/// Asserts that a validator accepts a file.
#[track_caller]
fn fits(value: &Value) {
    let validator = validator();
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// The value that another YAML reader gives.
fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_committed_schema_is_the_one_that_is_written() {
    let text = serde_json::to_string_pretty(&Cloud::schema()).unwrap() + "\n";
    expect_file!["../schema/cloud.schema.json"].assert_eq(&text);
    assert!(jsonschema::meta::is_valid(&Cloud::schema()));
}

/// Every text of a schema that people read.
fn descriptions<'a>(value: &'a Value, all: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            all.extend(members.get("description").and_then(Value::as_str));
            members.values().for_each(|member| descriptions(member, all));
        }
        Value::Array(items) => items.iter().for_each(|item| descriptions(item, all)),
        _ => {}
    }
}

#[test]
fn descriptions_have_no_rust_in_them() {
    let schema = Cloud::schema();
    let mut all = Vec::new();
    descriptions(&schema, &mut all);
    assert!(all.len() > 100);
    for text in all {
        for rust in ["```", "use fmc", "::new", "](", "Self::"] {
            assert!(!text.contains(rust), "{rust:?} is in {text:?}");
        }
        assert!(!text.ends_with(':'), "{text:?} leads to an example that is left out");
    }
}

#[test]
fn files_that_are_clouds_fit() {
    fits(&yaml(include_str!("../src/cli/init/cloud.yaml")));
    fits(&yaml(include_str!("../src/cli/init/cloud.json")));
    fits(&yaml(include_str!("../examples/flatcar_micro_cloud/cloud.yaml")));
}

/// Each example that a mistake shows is right where it is shown.
#[test]
fn examples_fit_their_forms() {
    let schema = Cloud::schema();
    let mut examples = 0;
    for (name, of) in schema["$defs"].as_object().unwrap() {
        for example in of["examples"].as_array().into_iter().flatten() {
            let form = json!({ "$defs": schema["$defs"], "$ref": format!("#/$defs/{name}") });
            let validator = jsonschema::draft202012::options().build(&form).unwrap();
            assert!(validator.is_valid(example), "{name}: {example}");
            examples += 1;
        }
    }
    assert!(examples > 50, "{examples}");
}

#[test]
fn mistakes_do_not_fit() {
    let cloud = |machine: Value| json!({ "name": "first", "machines": { "web": machine } });
    let image = json!({ "os": "none" });
    fits(&cloud(json!({ "image": image, "cpus": 2, "memory": "2 GiB" })));
    for wrong in [
        json!({}),
        json!({ "name": "first", "machnies": {} }),
        json!({ "name": "First Cloud" }),
        json!({ "name": 1 }),
        json!({ "name": "first", "resolvers": "9.9.9.9" }),
        json!({ "name": "first", "networks": { "lab": { "mode": "nta" } } }),
        json!({ "name": "first", "networks": { "lab": {} } }),
        json!({ "name": "first", "machines": { "db_1": { "image": image } } }),
        cloud(json!({})),
        cloud(json!({ "image": { "os": "debain" } })),
        cloud(json!({ "image": image, "memroy": "2 GiB" })),
        cloud(json!({ "image": image, "cpus": 0 })),
        cloud(json!({ "image": image, "memory": "2 GB" })),
        cloud(json!({ "image": image, "root_disk": { "size": "2 GiB", "allocation": "thick" } })),
        cloud(json!({ "image": image, "interfaces": [{ "network": "lab", "mac": "52:54:00" }] })),
        cloud(json!({ "image": image, "guest": { "files": { "/a": { "contents": {} } } } })),
        cloud(
            json!({ "image": image, "guest": { "files": { "/a": { "contents": { "text": "" }, "mode": "644" } } } }),
        ),
        cloud(json!({ "image": image, "guest": { "users": { "u": { "keys": ["ssh-ed25519"] } } } })),
    ] {
        assert!(!validator().is_valid(&wrong), "{wrong}");
    }
}

/// An editor shows the meaning of each key and its possible values.
#[test]
fn every_key_is_described() {
    let schema = Cloud::schema();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut missing = Vec::new();
    for (name, definition) in definitions.iter().chain([(&"Cloud".to_owned(), &schema)]) {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let described = property.get("description").is_some();
            // If the definition is one of several variants, the variant has the description.
            if !described && definition.get("description").is_none() {
                missing.push(format!("{name}.{key}"));
            }
        }
    }
    assert!(missing.is_empty(), "without a description: {missing:?}");
}
