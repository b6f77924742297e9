//! Custom objects against the schemas of their definitions, where the cloud has these.

use std::collections::BTreeMap;

use fmc_core::nearest::nearest;
use fmc_core::role::RoleFindings;
use serde_json::Value;

use super::{SCHEMA, TWICE};
use crate::kind::CUSTOM_RESOURCE_DEFINITION;
use crate::operator::Operator;
use crate::platform::Platform;
use crate::schema::judge;

/// The findings about one object at most: one wrong indentation makes many.
const MOST: usize = 8;

/// The definitions of a platform, by group and kind.
pub(super) struct Definitions<'a>(BTreeMap<(&'a str, &'a str), &'a Value>);

pub(super) fn check(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let documents: Vec<_> = platform
        .operators
        .iter()
        .enumerate()
        .flat_map(|(index, operator)| operator.objects().into_iter().map(move |object| (index, object)))
        .collect();
    let definitions = Definitions::of(platform);
    if definitions.0.is_empty() {
        return;
    }
    twice(platform, findings);
    for (index, namespace) in platform.namespaces.iter().enumerate() {
        for (at, object) in namespace.objects.iter().enumerate() {
            let path = format!("namespaces[{index}].objects[{at}]");
            findings.part(&path, |findings| of_object(&definitions, &object.0, findings));
        }
    }
    for (at, object) in platform.objects.iter().enumerate() {
        findings.part(&format!("objects[{at}]"), |findings| of_object(&definitions, &object.0, findings));
    }
    // A project's document has no line in the cloud's file.
    for (index, object) in &documents {
        let found = definitions.unsuited(object.value);
        findings.part(&format!("operators[{index}].{}", object.source), |findings| {
            for (path, message, help) in found {
                findings.find(&SCHEMA, format!("{}: {path}: {message}", object.spoken()), help);
            }
        });
    }
}

/// Two definitions of one kind: the server takes the names of the first alone.
fn twice(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let own = platform.objects.iter().enumerate().map(|(at, object)| (format!("objects[{at}]"), &object.0));
    let operators = platform.operators.iter().enumerate().flat_map(|(index, operator)| {
        let objects = operator.objects().into_iter();
        objects.map(move |object| (format!("operators[{index}].{}", object.source), object.value))
    });
    let name = |value: &Value| {
        value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut known: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for (path, value) in own.chain(operators) {
        let Some((key, _)) = defined(value) else { continue };
        let first = known.entry(key).or_insert_with(|| name(value));
        if *first != name(value) {
            let message = format!("{} defines the kind {} of {}, as {first} does", name(value), key.1, key.0);
            findings.part(&path, |findings| findings.find(&TWICE, message, "leave one of them out"));
        }
    }
}

fn defined(value: &Value) -> Option<((&str, &str), &Value)> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    (text("/kind") == Some(CUSTOM_RESOURCE_DEFINITION.name)).then_some(())?;
    Some(((text("/spec/group")?, text("/spec/names/kind")?), value))
}

fn of_object(definitions: &Definitions<'_>, object: &Value, findings: &mut RoleFindings<'_>) {
    for (path, message, help) in definitions.unsuited(object) {
        if path.is_empty() {
            findings.find(&SCHEMA, message, help);
        } else {
            findings.part(&path, |findings| findings.find(&SCHEMA, message, help));
        }
    }
}

impl<'a> Definitions<'a> {
    pub(super) fn of(platform: &'a Platform) -> Self {
        let own = platform.objects.iter().map(|object| &object.0);
        let operators = platform.operators.iter().flat_map(Operator::objects);
        Self(own.chain(operators.map(|object| object.value)).filter_map(defined).collect())
    }

    /// The finding about a kind that differs from one of the same group by a slip. Others of the group may be in the cluster already.
    fn near(&self, group: &str, kind: &str) -> Option<(String, String, String)> {
        let of_group = self.0.keys().filter(|(other, _)| *other == group).map(|(_, kind)| *kind);
        let near = nearest(kind, of_group)?;
        let message = format!("no definition of the cloud makes the kind {kind} of {group}");
        Some(("kind".to_owned(), message, format!("did you mean {near}?")))
    }

    /// The values of an object that the definition of its kind refuses: path, message and help.
    pub(super) fn unsuited(&self, object: &Value) -> Vec<(String, String, String)> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let (group, version) = text("apiVersion").split_once('/').unwrap_or_default();
        let Some(definition) = self.0.get(&(group, text("kind"))) else {
            return self.near(group, text("kind")).into_iter().collect();
        };
        let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
        let name = |one: &Value| one.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let served = || {
            let all = versions.into_iter().flatten();
            all.filter(|one| one.get("served") == Some(&Value::Bool(true)))
        };
        let Some(of) = served().find(|one| name(one) == version) else {
            let all: Vec<String> = served().map(|one| format!("{group}/{}", name(one))).collect();
            let message = format!("its definition does not serve {group}/{version}");
            return vec![("apiVersion".to_owned(), message, format!("write {}", all.join(" or ")))];
        };
        let Some(schema) = of.pointer("/schema/openAPIV3Schema") else { return Vec::new() };
        let found = judge(schema, object).into_iter().take(MOST);
        found.map(|one| (one.path, one.message, one.help)).collect()
    }
}
