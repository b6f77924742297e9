//! Objects of kinds that fmc does not write, and the lists of all kinds that a server gives.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::custom::Custom;
use crate::kind::{KINDS, Kind};

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
    pub(super) fn answer(&self, path: &str, custom: &[Custom]) -> Option<Value> {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let kinds = self.kinds(custom);
        let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (group, version) in kinds.iter().filter_map(|(api, ..)| api.split_once('/')) {
            groups.entry(group).or_default().insert(version);
        }
        let group = |name: &str, versions: &BTreeSet<&str>| {
            let each = versions
                .iter()
                .map(|version| json!({ "groupVersion": format!("{name}/{version}"), "version": version }));
            let each: Vec<Value> = each.collect();
            json!({ "kind": "APIGroup", "name": name, "versions": each, "preferredVersion": each.last() })
        };
        if path == "/apis" {
            let all: Vec<Value> = groups.iter().map(|(name, versions)| group(name, versions)).collect();
            return Some(json!({ "kind": "APIGroupList", "groups": all }));
        }
        if let Some((name, versions)) =
            path.strip_prefix("/apis/").and_then(|name| groups.get_key_value(name))
        {
            return Some(group(name, versions));
        }
        let of: Vec<Value> = kinds
            .iter()
            .filter(|(api, ..)| root(api) == path)
            .flat_map(|(_, kind, plural)| {
                let verbs = ["create", "delete", "get", "list", "patch"];
                let is_namespaced = Kind::of(path_api(path), kind).is_none_or(|kind| kind.is_namespaced);
                let defined = custom.iter().find(|one| one.kind.plural == plural && root(&one.kind.api()) == path);
                let is_namespaced = defined.map_or(is_namespaced, |one| one.kind.is_namespaced);
                let resource = json!({ "name": plural, "kind": kind, "namespaced": is_namespaced, "verbs": verbs });
                let status = defined.filter(|one| one.has_status).map(|_| {
                    json!({ "name": format!("{plural}/status"), "kind": kind, "namespaced": is_namespaced, "verbs": ["get", "patch"] })
                });
                [Some(resource), status]
            })
            .flatten()
            .collect();
        if !of.is_empty() {
            return Some(json!({ "kind": "APIResourceList", "resources": of }));
        }
        let is_list = kinds.iter().any(|(api, kind, plural)| {
            let is_ours = KINDS.iter().any(|known| known.name == kind && known.api() == *api);
            let is_defined = custom.iter().any(|known| known.kind.name == kind && known.kind.api() == *api);
            !is_ours
                && !is_defined
                && path.starts_with(&format!("{}/namespaces/", root(api)))
                && path.ends_with(&format!("/{plural}"))
        });
        let within = |other: &&String| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let items: Vec<&Value> =
            self.0.iter().filter(|(other, _)| within(other)).map(|(_, object)| object).collect();
        is_list.then(|| json!({ "kind": "List", "items": items, "metadata": {} }))
    }

    /// All kinds, as group and version, kind, plural.
    fn kinds(&self, custom: &[Custom]) -> BTreeSet<(String, String, String)> {
        let first = FIRST.map(|(api, kind, plural)| (api.to_owned(), kind.to_owned(), plural.to_owned()));
        let ours = KINDS.iter().copied().chain(custom.iter().map(|one| one.kind));
        let ours = ours.map(|kind| (kind.api(), kind.name.to_owned(), kind.plural.to_owned()));
        let put = self.0.values().map(|object| {
            let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
            let (api, kind) = (text("apiVersion"), text("kind"));
            (api.to_owned(), kind.to_owned(), plural(api, kind))
        });
        first.into_iter().chain(ours).chain(put).collect()
    }
}

/// The version of a path, as `apps/v1` of `/apis/apps/v1`.
fn path_api(path: &str) -> &str {
    path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/")).unwrap_or_default()
}

/// The path of a version.
fn root(api: &str) -> String {
    if api.contains('/') { format!("/apis/{api}") } else { format!("/api/{api}") }
}

fn plural(api: &str, kind: &str) -> String {
    let known = FIRST.iter().find(|(of, name, _)| *of == api && *name == kind);
    known.map_or_else(|| format!("{}s", kind.to_lowercase()), |(_, _, plural)| (*plural).to_owned())
}
