//! A cloud in other languages: the printed Rust compiles and gives an equal cloud, and so do the files.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod full;
#[path = "../../examples/flatcar_micro_cloud/cloud.rs"]
mod seed;
mod tables;

use std::collections::BTreeSet;

use expect_test::expect_file;
use fmc::file;
use fmc::prelude::*;
use serde_json::Value;

/// The seed's cloud in printed Rust.
#[expect(dead_code, reason = "its `main` is the program's")]
mod seed_written {
    include!("golden/seed.rs");

    pub(super) fn written() -> Cloud {
        cloud()
    }
}

/// The full cloud in printed Rust.
#[expect(dead_code, reason = "its `main` is the program's")]
mod full_written {
    include!("golden/full.rs");

    pub(super) fn written() -> Cloud {
        cloud()
    }
}

/// Every key of K3s and every field of a kubelet, in printed Rust.
#[expect(dead_code, reason = "its `main` is the program's")]
mod tables_written {
    include!("golden/tables.rs");

    pub(super) fn written() -> Cloud {
        cloud()
    }
}

#[test]
fn a_cloud_as_rust_is_a_program_that_gives_it() {
    expect_file!["golden/seed.rs"].assert_eq(&file::to_rust(&seed::cloud()).unwrap());
    assert_eq!(seed_written::written(), seed::cloud());
    expect_file!["golden/full.rs"].assert_eq(&file::to_rust(&full::cloud()).unwrap());
    assert_eq!(full_written::written(), full::cloud());
    expect_file!["golden/tables.rs"].assert_eq(&file::to_rust(&tables::cloud()).unwrap());
    assert_eq!(tables_written::written(), tables::cloud());
}

#[test]
fn a_cloud_as_a_file_is_read_as_it_was() {
    for cloud in [seed::cloud(), full::cloud(), tables::cloud()] {
        assert_eq!(file::from_json(&file::to_json(&cloud).unwrap()).unwrap(), cloud);
        assert_eq!(file::from_yaml(&file::to_yaml(&cloud).unwrap()).unwrap(), cloud);
        assert_eq!(file::from_toml(&file::to_toml(&cloud).unwrap()).unwrap(), cloud);
        assert_eq!(file::from_yaml(&file::to_json(&cloud).unwrap()).unwrap(), cloud, "JSON is YAML");
    }
}

#[test]
fn the_seed_s_file_is_the_seed_s_cloud() {
    let yaml = include_str!("../../examples/flatcar_micro_cloud/cloud.yaml");
    assert_eq!(file::from_yaml(yaml).unwrap(), seed::cloud());
}

/// A new field of a value must be set in `full.rs`, and printed in `file/rust.rs` unless it is a plain
/// setter.
#[test]
fn the_full_cloud_has_every_field_that_there_is() {
    let schema = Cloud::schema();
    let value = |cloud| serde_json::from_str(&file::to_json(&cloud).unwrap()).unwrap();
    let (full, tables) = (value(full::cloud()), value(tables::cloud()));
    let mut walk = Walk { schema: &schema, there_are: BTreeSet::new(), said: BTreeSet::new() };
    walk.walk("#", &schema, &[&full, &tables], 0);
    let unsaid: Vec<&String> = walk.there_are.difference(&walk.said).collect();
    // The editor and `--lab` set the first two; no role that `fmc` itself knows is said at `roles`, which the example
    // `private_network` converts.
    assert_eq!(unsaid, ["#.$schema", "#.lab", "#.roles"]);
}

/// Walks a schema together with the values at each of its places.
struct Walk<'a> {
    schema: &'a Value,
    there_are: BTreeSet<String>,
    said: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    fn walk(&mut self, name: &str, schema: &'a Value, values: &[&Value], depth: usize) {
        assert!(depth < 40, "no cloud contains itself");
        if let Some(link) = schema["$ref"].as_str() {
            let target = link.trim_start_matches('#');
            self.walk(link, self.schema.pointer(target).unwrap(), values, depth + 1);
        }
        for kind in ["anyOf", "oneOf", "allOf"] {
            for (index, branch) in schema[kind].as_array().into_iter().flatten().enumerate() {
                self.walk(&format!("{name}/{index}"), branch, values, depth + 1);
            }
        }
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{name}.{key}");
            let inner: Vec<&Value> = values.iter().filter_map(|value| value.get(key)).collect();
            if !inner.is_empty() {
                self.said.insert(place.clone());
            }
            self.there_are.insert(place.clone());
            self.walk(&place, property, &inner, depth + 1);
        }
        for (kind, members) in [("items", true), ("additionalProperties", false)] {
            if !schema[kind].is_object() {
                continue;
            }
            let inner: Vec<&Value> = values
                .iter()
                .flat_map(|value| -> Vec<&Value> {
                    if members {
                        value.as_array().into_iter().flatten().collect()
                    } else {
                        value.as_object().into_iter().flat_map(|map| map.values()).collect()
                    }
                })
                .collect();
            self.walk(&format!("{name}[]"), &schema[kind], &inner, depth + 1);
        }
    }
}
