//! Definitions of real projects: the server takes them, nothing differs afterwards, and it refuses what our judge of schemas refuses.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use fmc_k8s::operator::Operator;
use fmc_k8s::platform::Platform;
use fmc_k8s::raw::RawObject;
use fmc_testkit::prometheus_operator::PrometheusOperator;
use serde_json::{Value, json};

use super::{Plane, start};
use crate::check::kinds;
use crate::cloud::World;

/// The texts of projects: those in the folder `FMC_CRDS` if there is one, and always those of the Prometheus operator.
fn texts() -> Vec<(String, String)> {
    let folder = std::env::var_os("FMC_CRDS").map(PathBuf::from);
    let files = folder.into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|end| end == "yaml"));
    let mut all: Vec<(String, String)> = files
        .map(|file| {
            (file.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&file).unwrap())
        })
        .filter(|(name, _)| name != "prometheus-operator")
        .collect();
    all.sort();
    all.push(("prometheus-operator".to_owned(), PrometheusOperator::bundle()));
    all
}

/// Objects that are nearly empty, and the same with a field that no kind has.
fn objects(definition: &Value) -> Vec<Value> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).unwrap();
    let served = versions.iter().filter(|version| version["served"] == true);
    let mut all = Vec::new();
    for version in served {
        let api = format!("{}/{}", text("/spec/group"), version["name"].as_str().unwrap());
        for spec in [json!({}), json!({ "fmcUnknown": 1 })] {
            let metadata = match &*text("/spec/scope") {
                "Namespaced" => json!({ "name": "a", "namespace": "default" }),
                _ => json!({ "name": "a" }),
            };
            let object = json!({ "apiVersion": api, "kind": text("/spec/names/kind"), "metadata": metadata, "spec": spec });
            all.push(object);
        }
    }
    all
}

/// The server's refusal of an object.
fn refusal(world: &World<Plane>, object: &Value) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), object.to_string()).unwrap();
    let name = file.path().to_str().unwrap();
    let words = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename", name];
    world.cluster.0.kubectl(&words).err().map(|refused| refused.to_string())
}

#[test]
fn definitions_of_projects_are_taken_and_their_schemas_are_judged_as_the_server_does() {
    let all = texts();
    let all = all.iter().map(|(name, text)| Operator::new(&**name).ready_within(0).manifests(text));
    let operators = all.fold(Platform::on("single"), Platform::operator);
    let world = start();
    // Nothing differs once they are there, whatever form the server keeps them in.
    world.apply(&operators);
    let manifests = operators.manifests();
    let definitions = manifests.iter().filter(|manifest| manifest.kind().name == "CustomResourceDefinition");
    let mut objects: Vec<Value> = definitions.flat_map(|manifest| objects(manifest.content())).collect();
    for (index, object) in objects.iter_mut().enumerate() {
        object["metadata"]["name"] = json!(format!("a{index}"));
    }
    let judged = objects.iter().fold(operators, |platform, object| platform.object(RawObject::of(object)));
    let found = kinds(judged);
    // Without other errors, as those of a value, the rules that see the whole platform speak.
    let others: Vec<_> =
        found.iter().filter(|(kind, _)| kind == "platform-value" || kind == "platform-twice").collect();
    assert!(others.is_empty(), "{others:?}");
    let found: BTreeSet<usize> = found
        .into_iter()
        .filter(|(kind, _)| kind == "platform-schema")
        .filter_map(|(_, at)| at.split("objects[").nth(1)?.split(']').next()?.parse().ok())
        .collect();
    println!(
        "{} objects of {} kinds, {} refused before they are sent",
        objects.len(),
        objects.len() / 2,
        found.len()
    );
    let mut wrong = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        match refusal(&world, object) {
            None if found.contains(&index) => wrong.push(format!("the server takes {object}")),
            Some(words) if !found.contains(&index) && words.contains("unknown field") => {
                wrong.push(format!("the server knows no such field: {object}: {words}"));
            }
            _ => {}
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(found.len() > objects.len() / 3);
}
