//! The rules of objects in the form of the API, as far as they can be told without the server.

use std::collections::BTreeMap;

use fmc_core::checked::Checked;
use fmc_core::graph::Address;
use fmc_core::nearest::nearest;
use fmc_core::role::RoleFindings;
use serde_json::Value;

use super::value::wrong;
use super::{RUNS_AGAIN, TWICE, account};
use crate::compile::operator::scopes;
use crate::kind::{
    CLAIM, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, JOB, KINDS, Kind, NAMESPACE, ROLE, ROLE_BINDING, SECRET,
    STATEFUL_SET,
};
use crate::manifest::{Manifest, READY_WITHIN};
use crate::platform::{Namespace, Platform};
use crate::raw::RawObject;

/// The longest name of an object (`NameIsDNSSubdomain`).
const LONGEST_NAME: usize = 253;

/// The keys of `metadata` that a person decides.
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// The objects of a namespace by themselves.
pub(super) fn of_namespace(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    let name = namespace.name.to_string();
    for (index, object) in namespace.objects.iter().enumerate() {
        findings.part(&format!("objects[{index}]"), |findings| {
            let Some(kind) = any(object, true, findings) else { return };
            if !kind.is_namespaced {
                let message = format!("{} is of the whole cluster", kind.name);
                wrong("kind", findings, message, "write the object below `objects` of the platform");
            } else if let Some(other) = object.namespace().filter(|other| *other != name) {
                let message = format!("the object stands in {name}, and not in {other}");
                wrong("metadata.namespace", findings, message, "leave it out");
            }
        });
    }
}

/// The objects of a platform by themselves.
pub(super) fn of_cluster(platform: &Platform, findings: &mut RoleFindings<'_>) {
    for (index, object) in platform.objects.iter().enumerate() {
        findings.part(&format!("objects[{index}]"), |findings| {
            let Some(kind) = any(object, object.namespace().is_some(), findings) else { return };
            if kind.is_namespaced && object.namespace().is_none() {
                let help =
                    "write the object below `objects` of its namespace, or say `namespace: kube-system`";
                wrong("metadata", findings, format!("{} is in a namespace", kind.name), help);
            } else if !kind.is_namespaced && object.namespace().is_some() {
                let message = format!("{} is of the whole cluster, and in no namespace", kind.name);
                wrong("metadata.namespace", findings, message, "leave it out");
            }
        });
    }
}

/// The rules of an object wherever it stands, and its kind if that is right. A custom kind has the scope of the place.
fn any(object: &RawObject, is_namespaced: bool, findings: &mut RoleFindings<'_>) -> Option<&'static Kind> {
    let (api, name) = (object.api(), object.kind());
    let has_other_version = KINDS.iter().any(|kind| kind.name == name && kind.group == group_of(api));
    let custom = || Kind::custom(api, name, is_namespaced).filter(|_| !has_other_version);
    let Some(kind) = Kind::of(api, name).or_else(custom) else {
        unknown(object, findings);
        return None;
    };
    if [CLAIM, NAMESPACE, SECRET].contains(kind) {
        let help = match *kind {
            NAMESPACE => "write it below `namespaces`",
            CLAIM => {
                "write it as a claim of a set, below `stateful_sets`: then its data outlives it until you say otherwise"
            }
            _ => "write `secrets` at a mount, or `secret_environment`: a file has no bytes of a secret",
        };
        wrong("kind", findings, format!("a {} is not an object here", kind.name), help);
        return None;
    }
    match object.name() {
        None => wrong("metadata", findings, "the object has no name", "say `metadata: {name: …}`"),
        // `path.ValidatePathSegmentName` of Kubernetes.
        Some(name) if [ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING].contains(kind) => {
            if name.contains(['/', '%']) || [".", ".."].contains(&name) || name.is_empty() {
                let message = format!("{name:?} is not the name of a {}", kind.name);
                wrong("metadata.name", findings, message, "write one without `/` and `%`, as system:reader");
            }
        }
        Some(name) if !is_name(name) => {
            let message = format!("{name} is not the name of an object");
            let help = format!("write at most {LONGEST_NAME} lower-case letters, digits, `-` and `.`");
            wrong("metadata.name", findings, message, help);
        }
        Some(_) => {}
    }
    let metadata = object.0.get("metadata").and_then(Value::as_object).into_iter().flatten();
    for (key, _) in metadata.filter(|(key, _)| !METADATA.contains(&key.as_str())) {
        let message = format!("{key} is the server's matter");
        wrong(&format!("metadata.{key}"), findings, message, "leave it out");
    }
    if object.0.get("status").is_some() {
        wrong("status", findings, "the status of an object is its controller's matter", "leave it out");
    }
    content(kind, &object.0, findings);
    Some(kind)
}

/// The rules of what an object says, whoever says it.
pub(super) fn content(kind: &Kind, object: &Value, findings: &mut RoleFindings<'_>) {
    within(object, findings);
    match *kind {
        ROLE | CLUSTER_ROLE => account::raw(object, *kind == CLUSTER_ROLE, findings),
        ROLE_BINDING | CLUSTER_ROLE_BINDING => account::raw_binding(object, findings),
        STATEFUL_SET => retention(object, findings),
        JOB => again(object, findings),
        _ => {}
    }
}

/// The time that an apply waits for an object is a number of seconds.
fn within(object: &Value, findings: &mut RoleFindings<'_>) {
    let said = object.pointer("/metadata/annotations").and_then(|all| all.get(READY_WITHIN));
    let is_right = |said: &Value| said.as_str().is_some_and(|text| text.parse::<u16>().is_ok());
    if said.is_some_and(|said| !is_right(said)) {
        let message = "it is not a number of seconds from 0 to 65535, as a text";
        let at = format!("metadata.annotations.{READY_WITHIN}");
        wrong(&at, findings, message, "write it as \"600\"");
    }
}

/// No data is deleted unasked.
fn retention(set: &Value, findings: &mut RoleFindings<'_>) {
    for key in ["whenDeleted", "whenScaled"] {
        let at = format!("spec.persistentVolumeClaimRetentionPolicy.{key}");
        let said = set.pointer(&format!("/{}", at.replace('.', "/"))).and_then(Value::as_str);
        if said == Some("Delete") {
            let message = "the cluster would delete the data of its pods unasked";
            wrong(
                &at,
                findings,
                message,
                "leave it out, and name the data with `--delete-data` when it is to go",
            );
        }
    }
}

/// A job that the cluster deletes is one that the next apply makes.
fn again(job: &Value, findings: &mut RoleFindings<'_>) {
    if job.pointer("/spec/ttlSecondsAfterFinished").is_some() {
        findings.part("spec.ttlSecondsAfterFinished", |findings| {
            let message =
                "the cluster deletes the finished job, and the next apply makes it and runs it again";
            findings.find(&RUNS_AGAIN, message, "leave it out: the finished job is the record that it ran");
        });
    }
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let ends = |one: Option<u8>| one.is_some_and(|one| one.is_ascii_alphanumeric());
        ends(label.bytes().next()) && ends(label.bytes().last())
    };
    let is_of = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || matches!(one, b'-' | b'.');
    name.len() <= LONGEST_NAME && name.bytes().all(is_of) && name.split('.').all(is_label)
}

/// The group of an `apiVersion`; empty for the core's.
fn group_of(api: &str) -> &str {
    api.split_once('/').map_or("", |(group, _)| group)
}

fn unknown(object: &RawObject, findings: &mut RoleFindings<'_>) {
    let (api, name) = (object.api(), object.kind());
    if name.is_empty() || api.is_empty() {
        let key = if name.is_empty() { "kind" } else { "apiVersion" };
        let help = "write it as the API has it: `{apiVersion: batch/v1, kind: CronJob, metadata: {name: backup}, spec: …}`";
        wrong(key, findings, format!("the object has no {key}"), help);
        return;
    }
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == name) {
        wrong(
            "apiVersion",
            findings,
            format!("fmc does not know {name} of {api}"),
            format!("write {}", kind.api()),
        );
        return;
    }
    let help = match nearest(name, KINDS.iter().map(|kind| kind.name)) {
        Some(near) => format!("did you mean {near}?"),
        None => {
            let all = KINDS.iter().filter(|kind| ![&CLAIM, &NAMESPACE, &SECRET].contains(kind));
            let all = all.map(|kind| kind.name).collect::<Vec<_>>().join(", ");
            format!(
                "of Kubernetes' own kinds fmc writes {all}; a custom one has a group of its own, as example.org/v1"
            )
        }
    };
    wrong("kind", findings, format!("fmc does not know the kind {name} of {api}"), help);
}

/// No two values make one object.
pub(super) fn twice(platform: &Platform, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    let count = platform.objects.len()
        + platform.operators.len()
        + platform.namespaces.iter().map(|one| one.objects.len()).sum::<usize>();
    if count == 0 {
        return;
    }
    let mut made: BTreeMap<Address, usize> = BTreeMap::new();
    for manifest in platform.manifests_in(cloud) {
        *made.entry(manifest.address("")).or_default() += 1;
    }
    for (path, at) in stated(platform, |_| true) {
        if made.get(&at).is_none_or(|times| *times < 2) {
            continue;
        }
        findings.part(&path, |findings| {
            let message = format!("something else makes the {} {} too", at.kind(), at.name());
            findings.find(&TWICE, message, "leave one of them out, or give it another name");
        });
    }
}

/// The objects of some sort that a platform states in the form of the API, each with its path.
pub(super) fn stated(platform: &Platform, is_of: impl Fn(&Value) -> bool) -> Vec<(String, Address)> {
    let is_of = &is_of;
    let inside = platform.namespaces.iter().enumerate().flat_map(|(index, namespace)| {
        let name = namespace.name.to_string();
        let each = namespace.objects.iter().enumerate().filter(|(_, object)| is_of(&object.0));
        each.map(move |(at, object)| (format!("namespaces[{index}].objects[{at}]"), object.within(&name)))
    });
    let outside = platform.objects.iter().enumerate().filter(|(_, object)| is_of(&object.0));
    let outside = outside.map(|(at, object)| (format!("objects[{at}]"), object.0.clone()));
    let scopes = scopes(platform);
    let operators = platform.operators.iter().enumerate().flat_map(|(index, operator)| {
        let each = operator.objects().into_iter().filter(|object| is_of(object.value));
        let scopes = &scopes;
        each.map(move |object| {
            (format!("operators[{index}].{}", object.source), operator.placed(object.value, scopes))
        })
    });
    let of = |value: Value| Some(Manifest::of_value(value).ok()?.address(""));
    inside.chain(outside).chain(operators).filter_map(|(path, value)| Some((path, of(value)?))).collect()
}
