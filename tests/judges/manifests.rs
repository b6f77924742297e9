//! Schemas and rules of others read every object of the examples' and the seed's platforms.

use fmc::k8s::manifest::{OPERATOR, OWNER};
use fmc_testkit::manifests::validate;
use serde_json::{Value, json};

use crate::objects;

/// The version of the examples' K3s, as schemas know it.
const VERSION: &str = "1.36";

/// The objects of each example that fmc made.
fn examples() -> Vec<(&'static str, Vec<Value>)> {
    let seed = [
        include_str!("../../examples/flatcar_micro_cloud/cloud.yaml"),
        include_str!("../../examples/flatcar_micro_cloud/services.yaml"),
    ];
    let examples = [
        ("database", include_str!("../../examples/platform/database.yaml").to_owned()),
        ("jenkins", include_str!("../../examples/platform/jenkins.yaml").to_owned()),
        ("monitoring", include_str!("../../examples/platform/monitoring.yaml").to_owned()),
        ("redis", include_str!("../../examples/platform/redis.yaml").to_owned()),
        ("seed", seed.concat()),
    ];
    let ours = |mut all: Vec<Value>| {
        let has = |object: &Value, label: &str| object["metadata"]["labels"].get(label).is_some();
        // The judges know neither the kinds of operators nor why their projects write their pods as they do.
        let is_custom = |object: &Value| {
            let group = object["apiVersion"]
                .as_str()
                .and_then(|api| api.split_once('/'))
                .map_or("", |(group, _)| group);
            group.contains('.') && !group.ends_with(".k8s.io")
        };
        all.retain(|object| has(object, OWNER) && !has(object, OPERATOR) && !is_custom(object));
        for metadata in all.iter_mut().filter_map(|object| object["metadata"].as_object_mut()) {
            metadata.remove("managedFields");
        }
        assert!(all.len() > 10, "{all:?}");
        all
    };
    examples.into_iter().map(|(name, cloud)| (name, ours(objects(&cloud)))).collect()
}

#[test]
fn the_schemas_of_the_clusters_version_are_silent() {
    let all: Vec<Value> = examples().into_iter().flat_map(|(_, objects)| objects).collect();
    validate(&all, VERSION).unwrap();
    // So the judge can say no: a field of another name, and a value of another type.
    let wrong = |path: &str, value: Value| {
        let mut all = all.clone();
        let deployment = all.iter_mut().find(|object| object["kind"] == "Deployment").unwrap();
        let spec = deployment.pointer_mut("/spec").unwrap();
        spec[path] = value;
        validate(&all, VERSION).unwrap_err().words().to_owned()
    };
    let said = wrong("replica", json!(1));
    assert!(said.contains("replica"), "{said}");
    let said = wrong("replicas", json!("two"));
    assert!(said.contains("'two' is not of type"), "{said}");
}

/// A rule of Checkov that fmc does not follow, the workloads or the example that break it, and the reason.
#[cfg(feature = "full")]
struct Exception(
    &'static str,
    &'static [&'static str],
    #[expect(dead_code, reason = "for people")] &'static str,
);

#[cfg(feature = "full")]
const EXCEPTIONS: [Exception; 6] = [
    Exception(
        "CKV_K8S_8",
        &[".web ", ".db "],
        "a liveness probe of a user's own program is the user's choice: a wrong one kills a program that is only busy",
    ),
    Exception(
        "CKV_K8S_15",
        &["(seed)"],
        "an image with a digest need not be pulled again, and these get theirs from the lock of `fmc images pin`",
    ),
    Exception(
        "CKV_K8S_35",
        &[".cache ", ".sessions ", ".grafana ", ".jenkins ", ".web "],
        "these programs take a password by a variable, and the examples' web asks Redis with it",
    ),
    Exception(
        "CKV_K8S_38",
        &[".jenkins ", ".objects ", ".prometheus "],
        "they ask the API, each by an account of its own with the rights that it needs",
    ),
    Exception(
        "CKV_K8S_40",
        &[".cache ", ".db ", ".grafana ", ".jenkins ", ".sessions ", ".web "],
        "the number of a user is the image's own: another could not read the image's files",
    ),
    Exception(
        "CKV_K8S_43",
        &["(seed)"],
        "the seed has no digests until `fmc images pin` asks the registries",
    ),
];

#[cfg(feature = "full")]
#[test]
fn checkov_finds_nothing_above_the_explained_list() {
    let found = examples().into_iter().flat_map(|(name, objects)| {
        let found = fmc_testkit::manifests::checkov(&objects);
        found.into_iter().map(move |one| format!("{one} ({name})"))
    });
    let found: Vec<String> = found.collect();
    let explains = |Exception(rule, whose, _): &Exception, one: &str| {
        one.split(' ').next() == Some(rule) && whose.iter().any(|whose| one.contains(whose))
    };
    let others: Vec<&String> =
        found.iter().filter(|one| !EXCEPTIONS.iter().any(|known| explains(known, one))).collect();
    assert!(others.is_empty(), "{others:#?}");
    for known in &EXCEPTIONS {
        assert!(found.iter().any(|one| explains(known, one)), "{}: no object breaks it", known.0);
    }
}
