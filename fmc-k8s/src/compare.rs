//! The differences between an object and its manifest, without asking the server.
//!
//! Three things together say that nothing differs: the mark has the manifest's fingerprint, the entry of our manager in
//! `managedFields` covers every field of the manifest, and the values are equal. Another program's write takes the fields that it
//! changes out of our entry; a webhook changes a value and leaves them there (kubernetes#87672).

mod opened;
mod others;

use serde_json::Value;

use crate::kind::{API_SERVICE, CUSTOM_RESOURCE_DEFINITION, Kind, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS};
use crate::quantity;

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The path, as `spec.template.spec.containers[web].image`.
    pub(crate) path: String,
    /// The value that is there.
    pub(crate) from: Option<Value>,
    /// The wanted value.
    pub(crate) to: Option<Value>,
    /// The place of an entry that somebody added to a list of ours, as a JSON pointer: an apply cannot remove it.
    pub(crate) added_at: Option<String>,
}

/// The fields that differ between a marked manifest and the object, by the fields that are ours.
pub(crate) fn differences(wanted: &Value, object: &Value, owned: Option<&Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&At::default(), wanted, object, owned, &mut found);
    if let Some(owned) = owned.filter(|_| !is_shared(wanted)) {
        others::others(wanted, object, owned, &mut found);
    }
    opened::opened(wanted, object, &mut found);
    found
}

/// Whether other programs write fields beside ours by right: the controllers of a custom kind, and those that put an authority into a webhook.
fn is_shared(wanted: &Value) -> bool {
    const SHARED: [&Kind; 4] =
        [&CUSTOM_RESOURCE_DEFINITION, &VALIDATING_WEBHOOKS, &MUTATING_WEBHOOKS, &API_SERVICE];
    let text = |key: &str| wanted.get(key).and_then(Value::as_str).unwrap_or_default();
    Kind::of(text("apiVersion"), text("kind")).is_none_or(|kind| SHARED.contains(&kind))
}

/// Whether every field of a manifest is ours.
pub(crate) fn is_covered(wanted: &Value, owned: &Value) -> bool {
    const IDENTITY: [&str; 2] = ["apiVersion", "kind"];
    let Some(map) = wanted.as_object() else { return true };
    map.iter().filter(|(key, _)| !IDENTITY.contains(&key.as_str())).all(|(key, value)| {
        let Some(owned) = owned.get(format!("f:{key}")) else { return false };
        if key != "metadata" {
            return covers(value, owned);
        }
        let parts = ["labels", "annotations"].into_iter().filter_map(|part| Some((part, value.get(part)?)));
        let mut parts = parts
            .map(|(part, value)| owned.get(format!("f:{part}")).is_some_and(|owned| covers(value, owned)));
        parts.all(|is_covered| is_covered)
    })
}

fn covers(wanted: &Value, owned: &Value) -> bool {
    // An atomic value is ours as a whole.
    if owned.as_object().is_none_or(serde_json::Map::is_empty) {
        return true;
    }
    match wanted {
        Value::Object(map) => map
            .iter()
            .all(|(key, value)| owned.get(format!("f:{key}")).is_some_and(|owned| covers(value, owned))),
        Value::Array(values) => values.iter().all(|value| match List::of(owned) {
            List::Keyed => entry_of(value, owned).is_some_and(|owned| covers(value, owned)),
            List::Set => owned.get(format!("v:{value}")).is_some(),
            List::Whole => true,
        }),
        _ => true,
    }
}

/// The server's way of merging a list. Our entry in `managedFields` tells it, so that no schema is needed.
enum List {
    /// By the keys of its entries.
    Keyed,
    /// As a set of values.
    Set,
    /// Not at all.
    Whole,
}

impl List {
    fn of(owned: &Value) -> Self {
        let mut keys = owned.as_object().into_iter().flat_map(|map| map.keys());
        match keys.find(|key| *key != ".") {
            Some(key) if key.starts_with("k:") => Self::Keyed,
            Some(key) if key.starts_with("v:") => Self::Set,
            _ => Self::Whole,
        }
    }
}

/// The keys of the entries of a list that are ours, with the fields of each that are.
fn entries(owned: &Value) -> impl Iterator<Item = (Value, &Value)> {
    let all = owned.as_object().into_iter().flatten();
    all.filter_map(|(key, owned)| Some((serde_json::from_str(key.strip_prefix("k:")?).ok()?, owned)))
}

/// The fields of an entry of a list that are ours.
fn entry_of<'a>(entry: &Value, owned: &'a Value) -> Option<&'a Value> {
    entries(owned).find(|(keys, _)| has_keys(entry, keys)).map(|(_, owned)| owned)
}

/// Whether an entry has these keys. A manifest may leave out one that the server fills in, as the protocol of a port.
fn has_keys(entry: &Value, keys: &Value) -> bool {
    let mut keys = keys.as_object().into_iter().flatten();
    keys.all(|(key, value)| entry.get(key).is_none_or(|own| own == value))
}

/// A place in an object. Its names are written down only where something differs, because most of an object never does.
#[derive(Default)]
struct At<'a> {
    /// The place that it is in, and its name there; `None` for the whole object.
    within: Option<(&'a At<'a>, Part<'a>)>,
    is_quantity: bool,
    /// Whether a field that is not wanted differs, whoever wrote it: the server takes the value as a whole, and adds nothing to it.
    is_exact: bool,
}

/// The name of a place in the one around it.
enum Part<'a> {
    /// A field.
    Key(&'a str),
    /// An entry of a list, with a value that its name is read from.
    Entry(usize, &'a Value),
}

impl At<'_> {
    fn key<'b>(&'b self, key: &'b str) -> At<'b> {
        const QUANTITIES: [&str; 5] = ["requests", "limits", "hard", "capacity", "sizeLimit"];
        const EXACT: [&str; 9] = [
            "podSelector",
            "namespaceSelector",
            "labelSelector",
            "selector",
            "matchLabels",
            "ingress",
            "egress",
            "rules",
            "subjects",
        ];
        At {
            within: Some((self, Part::Key(key))),
            is_quantity: self.is_quantity || QUANTITIES.contains(&key),
            is_exact: self.is_exact || EXACT.contains(&key),
        }
    }

    fn entry<'b>(&'b self, index: usize, entry: &'b Value) -> At<'b> {
        let within = Some((self, Part::Entry(index, entry)));
        At { within, is_quantity: self.is_quantity, is_exact: self.is_exact }
    }

    /// The path, as `spec.template.spec.containers[web].image`.
    fn path(&self) -> String {
        let Some((within, part)) = &self.within else { return String::new() };
        let path = within.path();
        match part {
            Part::Key(key) if path.is_empty() => (*key).to_owned(),
            Part::Key(key) if key.bytes().all(|byte| byte.is_ascii_alphanumeric()) => format!("{path}.{key}"),
            Part::Key(key) => format!("{path}[{key}]"),
            Part::Entry(index, entry) => {
                let known_by = ["name", "mountPath", "port", "containerPort", "ip", "key"];
                let name = known_by.iter().find_map(|key| entry.get(key));
                format!("{path}[{}]", name.map_or_else(|| index.to_string(), plain))
            }
        }
    }

    /// The place as a JSON pointer (RFC 6901).
    fn pointer(&self) -> String {
        let Some((within, part)) = &self.within else { return String::new() };
        let pointer = within.pointer();
        match part {
            Part::Key(key) => format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
            Part::Entry(index, _) => format!("{pointer}/{index}"),
        }
    }

    fn differs(&self, from: Option<&Value>, to: Option<&Value>, found: &mut Vec<Difference>) {
        let (from, to) = (from.cloned(), to.cloned());
        found.push(Difference { path: self.path(), from, to, added_at: None });
    }
}

fn compare(at: &At<'_>, wanted: &Value, object: &Value, owned: Option<&Value>, found: &mut Vec<Difference>) {
    match (wanted, object) {
        (Value::Object(wanted), Value::Object(there)) => {
            for (key, value) in wanted {
                let owned = owned.and_then(|owned| owned.get(format!("f:{key}")));
                match there.get(key) {
                    Some(there) => compare(&at.key(key), value, there, owned, found),
                    // A map that means nothing by itself is not kept by the server.
                    None if value.as_object().is_some_and(serde_json::Map::is_empty) => {}
                    None => at.key(key).differs(None, Some(value), found),
                }
            }
            for (key, there) in there.iter().filter(|_| at.is_exact) {
                if !wanted.contains_key(key) && is_something(there) && !is_filled_in(key, there) {
                    at.key(key).differs(Some(there), None, found);
                }
            }
            if at.is_exact {
                return;
            }
            // What was ours and is not wanted any more: an apply takes it away.
            let ours = owned.and_then(Value::as_object).into_iter().flat_map(|owned| owned.keys());
            for key in ours.filter_map(|key| key.strip_prefix("f:")) {
                if !wanted.contains_key(key)
                    && let Some(there) = there.get(key)
                {
                    at.key(key).differs(Some(there), None, found);
                }
            }
        }
        (Value::Array(wanted), Value::Array(there)) if at.is_exact && wanted.len() != there.len() => {
            let list = |values: &[Value]| Value::Array(values.to_vec());
            at.differs(Some(&list(there)), Some(&list(wanted)), found);
        }
        (Value::Array(wanted), Value::Array(there)) => lists(at, wanted, there, owned, found),
        _ if are_equal(wanted, object, at.is_quantity) => {}
        _ => at.differs(Some(object), Some(wanted), found),
    }
}

fn lists(at: &At<'_>, wanted: &[Value], there: &[Value], owned: Option<&Value>, found: &mut Vec<Difference>) {
    let owned = owned.filter(|owned| owned.is_object());
    match owned.map_or(List::Whole, List::of) {
        List::Keyed => {
            let keys = owned.into_iter().flat_map(entries).next().map(|(keys, _)| keys).unwrap_or_default();
            let is_same = |one: &Value, other: &Value| {
                let mut names = keys.as_object().into_iter().flat_map(|keys| keys.keys());
                names.all(|key| {
                    one.get(key).is_none() || other.get(key).is_none() || one.get(key) == other.get(key)
                })
            };
            for value in wanted {
                let position = there.iter().position(|there| is_same(value, there));
                match position.and_then(|index| Some((index, there.get(index)?))) {
                    Some((index, there)) => {
                        let owned = owned.and_then(|owned| entry_of(there, owned));
                        compare(&at.entry(index, value), value, there, owned, found);
                    }
                    None => at.entry(there.len(), value).differs(None, Some(value), found),
                }
            }
            for (index, value) in there.iter().enumerate() {
                if wanted.iter().any(|wanted| is_same(wanted, value)) {
                    continue;
                }
                let is_ours = owned.is_some_and(|owned| entry_of(value, owned).is_some());
                let at = at.entry(index, value);
                let added_at = (!is_ours).then(|| at.pointer());
                found.push(Difference { path: at.path(), from: Some(value.clone()), to: None, added_at });
            }
        }
        List::Set => {
            for value in wanted.iter().filter(|value| !there.contains(value)) {
                at.differs(None, Some(value), found);
            }
            for (index, value) in there.iter().enumerate().filter(|(_, value)| !wanted.contains(value)) {
                let is_ours = owned.is_some_and(|owned| owned.get(format!("v:{value}")).is_some());
                let added_at = (!is_ours).then(|| format!("{}/{index}", at.pointer()));
                found.push(Difference { path: at.path(), from: Some(value.clone()), to: None, added_at });
            }
        }
        List::Whole if wanted.len() == there.len() => {
            for (index, (wanted, there)) in wanted.iter().zip(there).enumerate() {
                compare(&at.entry(index, wanted), wanted, there, None, found);
            }
        }
        List::Whole => {
            let list = |values: &[Value]| Value::Array(values.to_vec());
            at.differs(Some(&list(there)), Some(&list(wanted)), found);
        }
    }
}

/// Whether two scalars say the same. The server writes a quantity in its own form.
fn are_equal(one: &Value, other: &Value, is_quantity: bool) -> bool {
    let meaning = |value: &Value| is_quantity.then(|| quantity::canonical(&plain(value))).flatten();
    one == other || meaning(one).is_some_and(|one| Some(one) == meaning(other))
}

/// Whether the server fills in this value of a list that it takes as a whole, where nothing is said: the scope of a webhook's rule, the protocol
/// of a policy's port, the group of a user who gets rights.
fn is_filled_in(key: &str, there: &Value) -> bool {
    const FILLED_IN: [(&str, &str); 3] =
        [("scope", "*"), ("protocol", "TCP"), ("apiGroup", "rbac.authorization.k8s.io")];
    there.as_str().is_some_and(|there| FILLED_IN.contains(&(key, there)))
}

/// Whether a value says something: the server leaves out what is empty.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// A value as a person reads it in a line.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(found: &[Difference]) -> Vec<&str> {
        found.iter().map(|one| one.path.as_str()).collect()
    }

    #[test]
    fn the_server_fills_in_what_a_whole_list_leaves_out() {
        let of = |rule: Value| json!({ "webhooks": [{ "name": "a", "rules": [rule] }] });
        let wanted = of(json!({ "apiGroups": ["example.org"] }));
        let there = |scope: &str| of(json!({ "apiGroups": ["example.org"], "scope": scope }));
        assert_eq!(differences(&wanted, &there("*"), None), []);
        let found = differences(&wanted, &there("Cluster"), None);
        assert_eq!(paths(&found), ["webhooks[a].rules[0].scope"]);
    }

    #[test]
    fn what_the_server_adds_is_no_difference() {
        let wanted = json!({ "spec": { "replicas": 2, "template": { "containers": [{ "name": "web", "image": "a" }] } } });
        let there = json!({ "spec": { "replicas": 2, "strategy": {}, "template": { "containers": [
            { "name": "web", "image": "a", "imagePullPolicy": "Always" } ] } }, "status": {} });
        let owned = json!({ "f:spec": { "f:replicas": {}, "f:template": { "f:containers": {
            "k:{\"name\":\"web\"}": { ".": {}, "f:name": {}, "f:image": {} } } } } });
        assert_eq!(differences(&wanted, &there, Some(&owned)), []);
        assert!(is_covered(&wanted, &owned));
    }

    #[test]
    fn a_changed_field_a_field_that_is_no_longer_wanted_and_an_added_entry_differ() {
        let wanted = json!({ "spec": { "replicas": 2, "containers": [{ "name": "web", "ports": [{ "containerPort": 80 }] }] } });
        let there = json!({ "spec": { "replicas": 5, "paused": true, "containers": [
            { "name": "web", "ports": [{ "containerPort": 80, "protocol": "TCP" }, { "containerPort": 81, "protocol": "TCP" }] } ] } });
        let owned = json!({ "f:spec": { "f:paused": {}, "f:containers": { "k:{\"name\":\"web\"}": { "f:name": {}, "f:ports": {
            "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": { "f:containerPort": {} } } } } } });
        let found = differences(&wanted, &there, Some(&owned));
        assert_eq!(paths(&found), ["spec.containers[web].ports[81]", "spec.replicas", "spec.paused"]);
        assert_eq!(found[0].added_at.as_deref(), Some("/spec/containers/0/ports/1"));
        assert!(!is_covered(&wanted, &owned), "another took the replicas");
    }

    #[test]
    fn quantities_are_compared_by_what_they_mean() {
        let of = |cpu: &str| json!({ "limits": { "cpu": cpu }, "name": cpu });
        assert_eq!(paths(&differences(&of("1"), &of("1000m"), None)), ["name"]);
    }
}
