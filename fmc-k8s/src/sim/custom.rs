//! The kinds that definitions add, and writes that a test wants to fail.

use serde_json::{Value, json};

use super::{Key, Response, State, Target, kind_of, status};
use crate::compare::plain;
use crate::gateway::GROUP;
use crate::kind::{CUSTOM_RESOURCE_DEFINITION, Kind};
use crate::link::Verb;
use crate::provider::ready_status;

/// A version of a custom kind that a definition adds.
pub(super) struct Custom {
    pub(super) kind: &'static Kind,
    /// Whether it has a subresource for its status.
    pub(super) has_status: bool,
}

/// Notes the versions in which the server keeps objects of a definition, and refuses one that loses such a version
/// (`ValidateCustomResourceDefinitionStoredVersions` of the API server).
pub(super) fn store(there: Option<&Value>, next: &mut Value) -> Option<Response> {
    let versions =
        |of: &Value| of.pointer("/spec/versions").and_then(Value::as_array).cloned().unwrap_or_default();
    let stored = |of: &Value| {
        let said = of.pointer("/status/storedVersions").and_then(Value::as_array).cloned();
        let is_stored = |version: &&Value| version.get("storage") == Some(&Value::Bool(true));
        said.unwrap_or_else(|| {
            versions(of).iter().filter(is_stored).filter_map(|version| version.get("name").cloned()).collect()
        })
    };
    let mut all: Vec<Value> = there.map(stored).unwrap_or_default();
    let known = versions(next);
    let has = |name: &Value| known.iter().any(|version| version.get("name") == Some(name));
    if let Some(lost) = all.iter().find(|name| !has(name)) {
        let message = format!(
            "Invalid value: {lost}: missing from spec.versions; it was previously a storage version, and must remain in spec.versions until a \
             storage migration ensures no data remains persisted in it and removes it from status.storedVersions"
        );
        let cause =
            json!({ "reason": "FieldValueInvalid", "field": "status.storedVersions[0]", "message": message });
        return Some(status(422, "Invalid", format!("status.storedVersions[0]: {message}"), vec![cause]));
    }
    let own = json!({ "spec": next.get("spec") });
    for name in stored(&own) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    if let Some(map) = next.as_object_mut()
        && let Some(status) = map.entry("status").or_insert_with(|| json!({})).as_object_mut()
    {
        status.insert("storedVersions".to_owned(), Value::Array(all));
    }
    None
}

impl State {
    /// The versions of custom kinds that are served.
    pub(super) fn custom(&self) -> Vec<Custom> {
        let first = (CUSTOM_RESOURCE_DEFINITION.word, String::new(), String::new());
        let definitions = self
            .objects
            .range(first..)
            .take_while(|((word, ..), _)| *word == CUSTOM_RESOURCE_DEFINITION.word);
        let mut all: Vec<Custom> = definitions.flat_map(|(_, definition)| versions(definition)).collect();
        let brought: Vec<Custom> = brought()
            .into_iter()
            .filter(|one| !all.iter().any(|known| known.kind.word == one.kind.word))
            .collect();
        all.extend(brought);
        all
    }

    /// The kind with a word in addresses.
    pub(super) fn by_word(&self, word: &str) -> Option<&'static Kind> {
        let custom = || self.custom().into_iter().map(|one| one.kind).find(|kind| kind.word == word);
        Kind::by_word(word).or_else(custom)
    }

    /// The key of an object; `None` if the server does not have its kind.
    pub(super) fn key_of(&self, object: &Value) -> Option<Key> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let said = kind_of(object)?;
        let kind = match said.is_custom() {
            true => self.by_word(said.word)?,
            false => said,
        };
        let namespace = text("/metadata/namespace").filter(|_| kind.is_namespaced).unwrap_or_default();
        Some((kind.word, namespace.to_owned(), text("/metadata/name")?.to_owned()))
    }

    /// Writes the status of a custom object: what a test says, or that it is ready.
    pub(super) fn report(&self, key: &Key, object: &mut Value) {
        let has_status = |one: &Custom| one.kind.word == key.0 && one.has_status;
        if !key.0.contains('.') || !self.custom().iter().any(has_status) {
            return;
        }
        let said = self.reported.get(&(key.0.to_owned(), key.1.clone(), key.2.clone()));
        let status = said.cloned().or_else(|| ready_status(object)).filter(|status| !status.is_null());
        if let Some(object) = object.as_object_mut() {
            match status {
                Some(status) => drop(object.insert("status".to_owned(), status)),
                None => drop(object.remove("status")),
            }
        }
    }

    /// The objects of a kind go with its definition.
    pub(super) fn leave_without_definition(&mut self) {
        let left: Vec<&str> = self.custom().iter().map(|one| one.kind.word).collect();
        self.objects.retain(|(word, ..), _| !word.contains('.') || left.contains(word));
    }

    /// The answer to a write that a test wants to fail.
    pub(super) fn refusal(&mut self, verb: &Verb, target: &Target) -> Option<Response> {
        if *verb == Verb::Get {
            return None;
        }
        let word = target.kind.word;
        if let Some(left) = self.silent.get_mut(word).filter(|left| **left > 0) {
            *left -= 1;
            let message = format!(
                "Internal error occurred: failed calling webhook \"{word}\": failed to call webhook: Post \"https://webhook/\": dial tcp: \
                 connect: connection refused"
            );
            return Some(status(500, "InternalError", message, Vec::new()));
        }
        let (_, namespace, name) = target.key();
        let name = if namespace.is_empty() { name } else { format!("{namespace}/{name}") };
        let words = self.refused.get(&format!("{word}/{name}"))?;
        Some(status(422, "Invalid", words.clone(), Vec::new()))
    }
}

/// The kinds that K3s brings with its Traefik: those of the Gateway API that a platform writes.
fn brought() -> Vec<Custom> {
    let api = format!("{GROUP}/v1");
    let all = [
        ("GatewayClass", "gatewayclasses", false),
        ("Gateway", "gateways", true),
        ("HTTPRoute", "httproutes", true),
    ];
    let each = all.into_iter().filter_map(|(name, plural, is_namespaced)| {
        let kind = Kind::custom(&api, name, is_namespaced)?.served(plural, is_namespaced)?;
        Some(Custom { kind, has_status: true })
    });
    each.collect()
}

/// The versions that a definition serves.
fn versions(definition: &Value) -> Vec<Custom> {
    let text = |pointer: &str| definition.pointer(pointer).map(plain).unwrap_or_default();
    let (group, name, plural) = (text("/spec/group"), text("/spec/names/kind"), text("/spec/names/plural"));
    let is_namespaced = text("/spec/scope") == "Namespaced";
    let all = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    let served = all.filter(|version| version.get("served") == Some(&Value::Bool(true)));
    let each = served.filter_map(|version| {
        let api = format!("{group}/{}", version.get("name").map(plain)?);
        let kind = Kind::custom(&api, &name, is_namespaced)?.served(&plural, is_namespaced)?;
        Some(Custom { kind, has_status: version.pointer("/subresources/status").is_some() })
    });
    each.collect()
}

/// An object in the version of its kind that a path names.
pub(super) fn converted(object: &Value, kind: &Kind) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut().filter(|_| kind.is_custom()) {
        map.insert("apiVersion".to_owned(), kind.api().into());
    }
    object
}

/// The report of the server's controllers on a definition.
pub(super) fn establish(definition: &mut Value) {
    let names = definition.pointer("/spec/names").cloned().unwrap_or_default();
    let condition = |kind: &str| json!({ "type": kind, "status": "True", "reason": "", "message": "" });
    let conditions = [condition("NamesAccepted"), condition("Established")];
    let map = definition.as_object_mut();
    let status = map.and_then(|map| map.entry("status").or_insert_with(|| json!({})).as_object_mut());
    if let Some(status) = status {
        status.insert("acceptedNames".to_owned(), names);
        status.insert("conditions".to_owned(), json!(conditions));
    }
}
