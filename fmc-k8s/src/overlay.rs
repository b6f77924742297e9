//! Overlays: fields of compiled objects for which a platform has no words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::raw::RawValue;

/// Fields of one compiled object, by their paths in the form of the API: `spec.template.spec.nodeSelector`. A field that the object's kind does
/// not have is an error.
///
/// A part of a list has its name in brackets, `containers[web]`, or its number from 0 on. A key with a dot stands in quotes,
/// `annotations["example.org/team"]`. A part that a list does not have yet is added to it.
///
/// ```
/// use fmc_k8s::overlay::Overlay;
/// use fmc_k8s::platform::{Namespace, Platform};
/// use serde_json::json;
///
/// let team = Overlay::of("namespace/shop").set("metadata.labels.team", &json!("sales"));
/// let platform = Platform::on("prod").namespace(Namespace::new("shop")).overlay(team);
/// assert_eq!(platform.manifests()[0].content()["metadata"]["labels"]["team"], "sales");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// The object as plans name it: `deployment/shop/web`, `namespace/shop`.
    pub(crate) of: String,
    /// The values of fields, by their paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) set: BTreeMap<String, RawValue>,
    /// The paths of fields that are taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remove: Vec<String>,
}

impl Overlay {
    /// One of an object, as plans name it: `deployment/shop/web`.
    pub fn of(object: impl Into<String>) -> Self {
        Self { of: object.into(), set: BTreeMap::new(), remove: Vec::new() }
    }

    /// The value of a field. One that cannot be written as JSON is null, which the check refuses.
    #[must_use]
    pub fn set(mut self, path: impl Into<String>, value: &impl Serialize) -> Self {
        self.set.insert(path.into(), RawValue::of(value));
        self
    }

    /// A field that is taken out.
    #[must_use]
    pub fn remove(mut self, path: impl Into<String>) -> Self {
        self.remove.push(path.into());
        self
    }

    /// Its changes, each with its place in the overlay.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (String, Change<'_>)> {
        let set = self
            .set
            .iter()
            .map(|(path, value)| (format!("set.{path}"), Change { path, value: Some(&value.0) }));
        let removed = self.remove.iter().enumerate();
        set.chain(removed.map(|(at, path)| (format!("remove[{at}]"), Change { path, value: None })))
    }
}

/// A field and its value; without one it is taken out.
#[derive(Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) path: &'a str,
    pub(crate) value: Option<&'a Value>,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Key(String),
    /// The part of a list by its name or its number.
    Named(String),
}

/// The steps of a path, or what is wrong with it.
pub(crate) fn parts(path: &str) -> Result<Vec<Part>, String> {
    let mut all = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (key, after) = quoted.split_once("\"]").ok_or("a quoted key ends with `\"]`")?;
            all.push(Part::Key(key.to_owned()));
            rest = after;
        } else if let Some(named) = rest.strip_prefix('[') {
            let (name, after) = named.split_once(']').ok_or("a part of a list ends with `]`")?;
            all.push(Part::Named(name.to_owned()));
            rest = after;
        } else {
            let begins = if all.is_empty() { Some(rest) } else { rest.strip_prefix('.') };
            let begins = begins.ok_or("a `.` or a `[` stands behind each `]`")?;
            let end = begins.find(['.', '[']).unwrap_or(begins.len());
            let (key, after) = begins.split_at(end);
            all.push(Part::Key(key.to_owned()));
            rest = after;
        }
        if matches!(all.last(), Some(Part::Key(text) | Part::Named(text)) if text.is_empty()) {
            return Err("one of its steps is empty".to_owned());
        }
    }
    if all.is_empty() { Err("it names no field".to_owned()) } else { Ok(all) }
}

impl Change<'_> {
    /// Changes an object.
    ///
    /// # Errors
    ///
    /// The path is malformed, or leads through what the object has otherwise.
    pub(crate) fn apply(&self, object: &mut Value) -> Result<(), String> {
        let parts = parts(self.path)?;
        let Some((last, way)) = parts.split_last() else { return Ok(()) };
        let mut here = object;
        for (part, next) in way.iter().zip(parts.iter().skip(1)) {
            let empty = match next {
                Part::Key(_) => Value::Object(serde_json::Map::new()),
                Part::Named(_) => Value::Array(Vec::new()),
            };
            let missing = self.value.is_some().then_some(empty);
            here = match step(here, part, missing)? {
                Some(below) => below,
                // A person who takes a field out expects that it is there.
                None => return Err(format!("the object has no {}", spoken(part))),
            };
        }
        match self.value {
            Some(value) => put(here, last, value),
            None => take(here, last),
        }
    }
}

/// The value below a step, made if it is missing and `empty` says what it begins as.
fn step<'a>(here: &'a mut Value, part: &Part, empty: Option<Value>) -> Result<Option<&'a mut Value>, String> {
    match part {
        Part::Key(key) => {
            let map =
                here.as_object_mut().ok_or_else(|| format!("{} is not a field of a map", spoken(part)))?;
            Ok(match empty {
                Some(empty) => Some(map.entry(key.as_str()).or_insert(empty)),
                None => map.get_mut(key),
            })
        }
        Part::Named(name) => {
            let list = here.as_array_mut().ok_or_else(|| no_list(part, name))?;
            let known = || format!("the list has no {}", spoken(part));
            let at = position(list, name).ok_or_else(known)?;
            Ok(list.get_mut(at))
        }
    }
}

fn position(list: &[Value], name: &str) -> Option<usize> {
    let named = list.iter().position(|one| one.get("name").and_then(Value::as_str) == Some(name));
    named.or_else(|| name.parse().ok().filter(|at| *at < list.len()))
}

fn put(here: &mut Value, part: &Part, value: &Value) -> Result<(), String> {
    match part {
        Part::Key(key) => {
            let map =
                here.as_object_mut().ok_or_else(|| format!("{} is not a field of a map", spoken(part)))?;
            map.insert(key.clone(), value.clone());
        }
        Part::Named(name) => {
            let list = here.as_array_mut().ok_or_else(|| no_list(part, name))?;
            let mut value = value.clone();
            if let Some(map) = value.as_object_mut().filter(|_| name.parse::<usize>().is_err()) {
                let own = map.entry("name").or_insert_with(|| name.as_str().into());
                if own.as_str() != Some(name) {
                    return Err(format!("its value has the name {own}, and the path says {name}"));
                }
            }
            match position(list, name) {
                Some(at) => list.splice(at..=at, [value]).for_each(drop),
                None => list.push(value),
            }
        }
    }
    Ok(())
}

fn take(here: &mut Value, part: &Part) -> Result<(), String> {
    let none = || format!("the object has no {}", spoken(part));
    match part {
        Part::Key(key) => here.as_object_mut().and_then(|map| map.remove(key)).map(drop).ok_or_else(none),
        Part::Named(name) => {
            let list = here.as_array_mut().ok_or_else(none)?;
            let at = position(list, name).ok_or_else(none)?;
            list.remove(at);
            Ok(())
        }
    }
}

fn no_list(part: &Part, name: &str) -> String {
    format!("{} stands for a part of a list, and here is none: a key is written [\"{name}\"]", spoken(part))
}

fn spoken(part: &Part) -> String {
    match part {
        Part::Key(key) => format!("`{key}`"),
        Part::Named(name) => format!("`[{name}]`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(path: &str, value: Option<Value>) -> Result<Value, String> {
        let mut object = json!({ "spec": { "containers": [{ "name": "web", "env": [{ "name": "A", "value": "1" }] }, { "name": "2" }] } });
        Change { path, value: value.as_ref() }.apply(&mut object)?;
        Ok(object["spec"].take())
    }

    #[test]
    fn a_path_leads_to_fields_parts_of_lists_and_quoted_keys() {
        let key = |text: &str| Part::Key(text.to_owned());
        let named = |text: &str| Part::Named(text.to_owned());
        let long = parts("spec.containers[web].env[A].value");
        assert_eq!(
            long,
            Ok(vec![key("spec"), key("containers"), named("web"), key("env"), named("A"), key("value")])
        );
        assert_eq!(parts("metadata[\"a.b/c\"]"), Ok(vec![key("metadata"), key("a.b/c")]));
        for wrong in ["", ".a", "a.", "a..b", "a[", "a[]", "a[\"b]", "a[b]c"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fields_are_set_added_and_taken_out() {
        let of = |path: &str, value: Value| applied(path, Some(value)).unwrap();
        assert_eq!(of("spec.nodeSelector", json!({ "disk": "ssd" }))["nodeSelector"]["disk"], "ssd");
        assert_eq!(of("spec.a.b", json!(1))["a"], json!({ "b": 1 }));
        assert_eq!(
            of("spec.containers[web].env[A].value", json!("2"))["containers"][0]["env"][0]["value"],
            "2"
        );
        assert_eq!(
            of("spec.containers[web].env[B]", json!({ "value": "2" }))["containers"][0]["env"][1]["name"],
            "B"
        );
        // A name comes before a number.
        assert_eq!(of("spec.containers[2].image", json!("a"))["containers"][1]["image"], "a");
        assert_eq!(of("spec.containers[0].image", json!("a"))["containers"][0]["image"], "a");
        assert_eq!(applied("spec.containers[web].env[A]", None).unwrap()["containers"][0]["env"], json!([]));
        for (wrong, value) in [
            ("spec.containers[db].image", Some(json!("a"))),
            ("spec.containers.image", Some(json!("a"))),
            ("spec[web]", Some(json!("a"))),
            ("spec.containers[web].env[B]", Some(json!({ "name": "C" }))),
            ("spec.missing", None),
            ("spec.missing.below", None),
            ("spec.containers[web].env[B]", None),
        ] {
            assert!(applied(wrong, value).is_err(), "{wrong}");
        }
    }
}
