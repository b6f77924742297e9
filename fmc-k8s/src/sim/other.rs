//! Objects of kinds that fmc does not write, and the lists of all kinds that a server gives.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::kind::KINDS;

/// The kinds that a server has at first, as group and version, kind, plural. Another one is known once an object of it was put.
const FIRST: [(&str, &str, &str); 3] =
    [("v1", "Pod", "pods"), ("v1", "Event", "events"), ("apps/v1", "ReplicaSet", "replicasets")];

/// The objects by path, as `/api/v1/namespaces/shop/secrets/token`.
#[derive(Default)]
pub(super) struct Others(BTreeMap<String, Value>);

impl Others {
    pub(super) fn objects(&self) -> impl Iterator<Item = &Value> {
        self.0.values()
    }

    /// Writes an object; `None` if it has no kind, namespace or name.
    pub(super) fn put(&mut self, object: Value) -> Option<()> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let (api, kind) = (text("/apiVersion")?, text("/kind")?);
        let (namespace, name) = (text("/metadata/namespace")?, text("/metadata/name")?);
        let path = format!("{}/namespaces/{namespace}/{}/{name}", root(api), plural(api, kind));
        self.0.insert(path, object);
        Some(())
    }

    /// A namespace goes with what is in it.
    pub(super) fn leave(&mut self, namespace: &str) {
        self.0.retain(|path, _| !path.contains(&format!("/namespaces/{namespace}/")));
    }

    /// The groups, the kinds of a version, or the objects of a kind, if a path names them.
    pub(super) fn answer(&self, path: &str) -> Option<Value> {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let kinds = self.kinds();
        if path == "/apis" {
            let versions: BTreeSet<&str> =
                kinds.iter().filter_map(|(api, ..)| api.contains('/').then_some(api.as_str())).collect();
            let groups = versions.iter().map(|version| {
                let name = version.split('/').next();
                json!({ "name": name, "versions": [{ "groupVersion": version }] })
            });
            return Some(json!({ "kind": "APIGroupList", "groups": groups.collect::<Vec<_>>() }));
        }
        let of: Vec<Value> = kinds
            .iter()
            .filter(|(api, ..)| root(api) == path)
            .map(|(_, kind, plural)| {
                let verbs = ["create", "delete", "get", "list", "patch"];
                json!({ "name": plural, "kind": kind, "namespaced": kind != "Namespace", "verbs": verbs })
            })
            .collect();
        if !of.is_empty() {
            return Some(json!({ "kind": "APIResourceList", "resources": of }));
        }
        let is_list = kinds.iter().any(|(api, kind, plural)| {
            let is_ours = KINDS.iter().any(|known| known.name == kind && known.api() == *api);
            !is_ours
                && path.starts_with(&format!("{}/namespaces/", root(api)))
                && path.ends_with(&format!("/{plural}"))
        });
        let within = |other: &&String| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let items: Vec<&Value> =
            self.0.iter().filter(|(other, _)| within(other)).map(|(_, object)| object).collect();
        is_list.then(|| json!({ "kind": "List", "items": items, "metadata": {} }))
    }

    /// All kinds, as group and version, kind, plural.
    fn kinds(&self) -> BTreeSet<(String, String, String)> {
        let first = FIRST.map(|(api, kind, plural)| (api.to_owned(), kind.to_owned(), plural.to_owned()));
        let ours = KINDS.iter().map(|kind| (kind.api(), kind.name.to_owned(), kind.plural.to_owned()));
        let put = self.0.values().map(|object| {
            let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
            let (api, kind) = (text("apiVersion"), text("kind"));
            (api.to_owned(), kind.to_owned(), plural(api, kind))
        });
        first.into_iter().chain(ours).chain(put).collect()
    }
}

/// The path of a version.
fn root(api: &str) -> String {
    if api.contains('/') { format!("/apis/{api}") } else { format!("/api/{api}") }
}

fn plural(api: &str, kind: &str) -> String {
    let known = FIRST.iter().find(|(of, name, _)| *of == api && *name == kind);
    known.map_or_else(|| format!("{}s", kind.to_lowercase()), |(_, _, plural)| (*plural).to_owned())
}
