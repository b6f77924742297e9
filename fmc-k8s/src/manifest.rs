//! A manifest: one wanted object of the API, as values of JSON in one canonical form.

use std::collections::BTreeMap;
use std::fmt;

use fmc_core::graph::{Address, Fingerprint, Place};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::kind::{CUSTOM_RESOURCE_DEFINITION, Kind};
use crate::provider::NAME;
use crate::secret::{AS_WANTED, Hole};

/// The label with the owner of an object of ours.
pub const OWNER: &str = "fmc/owner";
/// The annotation with the fingerprint of the manifest that an object was made from.
pub const MANIFEST: &str = "fmc/manifest";
/// The label with the operator whose files an object is from.
pub const OPERATOR: &str = "fmc/operator";
/// The annotation by which an object in the form of the API says how many seconds an apply waits for it; 0 for not at all.
pub const READY_WITHIN: &str = "fmc/ready-within";
/// The label by which a workload's pods are known (*Recommended Labels* of Kubernetes).
pub(crate) const APP: &str = "app.kubernetes.io/name";
/// The label by which other programs know who manages an object (*Recommended Labels* of Kubernetes).
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "fmc");

/// The name by which the API knows who decides a field.
pub(crate) fn manager(owner: &str) -> String {
    format!("fmc-{owner}")
}

/// A wanted object.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    kind: &'static Kind,
    namespace: Option<String>,
    name: String,
    content: Value,
    fingerprint: Fingerprint,
    /// The secrets that an apply fills in, by the key in its data.
    holes: BTreeMap<String, Hole>,
    /// The seconds that an apply waits for it to be ready; `None` if it waits for nothing.
    pub(crate) ready_within: Option<u64>,
    /// The objects that are ready before it is made or changed, each by its kind and its name in addresses: `stateful-set/shop/db`.
    pub(crate) needs: Vec<String>,
    /// Whether the cluster itself brings its custom kind, some time after its API answers.
    pub(crate) is_brought: bool,
}

/// The reason why fmc cannot apply a value as a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAManifest {
    /// It has no kind, or one that Kubernetes does not have in a group of its own.
    #[error("fmc does not know the kind {kind} of {api}")]
    Kind {
        /// Its `apiVersion`.
        api: String,
        /// Its `kind`.
        kind: String,
    },
    /// It says no kind.
    #[error("`apiVersion` or `kind` is missing")]
    NoKind,
    /// It has no name.
    #[error("`metadata.name` is missing")]
    Name,
    /// It has a namespace where there is none, or none where one belongs.
    #[error("{0} needs `metadata.namespace`")]
    Namespace(&'static str),
    /// It cannot be written as JSON.
    #[error("{0}")]
    Json(String),
}

impl Manifest {
    /// The manifest of a typed object, as one of `k8s-openapi`.
    ///
    /// # Errors
    ///
    /// The kind is not known, or the object has no name or namespace.
    pub fn of(object: &impl Serialize) -> Result<Self, NotAManifest> {
        Self::of_value(serde_json::to_value(object).map_err(|error| NotAManifest::Json(error.to_string()))?)
    }

    /// The manifest of a value in the form of the API.
    ///
    /// # Errors
    ///
    /// The kind is not known, or the object has no name or namespace.
    pub fn of_value(value: Value) -> Result<Self, NotAManifest> {
        let form = Form::of(&value);
        let content = tidied(value, form).unwrap_or_default();
        let text = |pointer: &str| content.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (api, name) = (text("/apiVersion").unwrap_or_default(), text("/kind").unwrap_or_default());
        let is_namespaced = text("/metadata/namespace").is_some();
        let kind = Kind::of(&api, &name).or_else(|| Kind::custom(&api, &name, is_namespaced));
        let kind = kind.ok_or(match api.is_empty() || name.is_empty() {
            true => NotAManifest::NoKind,
            false => NotAManifest::Kind { api, kind: name },
        })?;
        let name = text("/metadata/name").ok_or(NotAManifest::Name)?;
        let namespace = text("/metadata/namespace").filter(|_| kind.is_namespaced);
        if kind.is_namespaced && namespace.is_none() {
            return Err(NotAManifest::Namespace(kind.name));
        }
        let fingerprint = Fingerprint::of(content.to_string().as_bytes());
        Ok(Self {
            kind,
            namespace,
            name,
            content,
            fingerprint,
            holes: BTreeMap::new(),
            ready_within: None,
            needs: Vec::new(),
            is_brought: false,
        })
    }

    /// The manifest with secrets in its data, by key.
    pub(crate) fn with_holes(self, holes: BTreeMap<String, Hole>) -> Self {
        let keys: Vec<&str> = holes.keys().map(String::as_str).collect();
        let fingerprint = Fingerprint::of(format!("{} {}", self.content, keys.join(" ")).as_bytes());
        Self { holes, fingerprint, ..self }
    }

    /// It with another content of the same object.
    ///
    /// # Errors
    ///
    /// The content has no kind, no name or no namespace.
    pub(crate) fn with_content(&self, content: Value) -> Result<Self, NotAManifest> {
        let Self { holes, ready_within, needs, is_brought, .. } = self.clone();
        let manifest = Self::of_value(content)?;
        let manifest = if holes.is_empty() { manifest } else { manifest.with_holes(holes) };
        Ok(Self { ready_within, needs, is_brought, ..manifest })
    }

    /// Its name as plans have it, as `deployment/shop/web`.
    pub(crate) fn short(&self) -> String {
        self.address("").short().to_string()
    }

    /// The manifest with the seconds that an apply waits for it to be ready.
    pub(crate) fn waits(self, ready_within: Option<u64>) -> Self {
        Self { ready_within, ..self }
    }

    /// The manifest with the objects that are ready before it is made.
    pub(crate) fn after(self, needs: Vec<String>) -> Self {
        Self { needs, ..self }
    }

    /// The manifest of an object whose kind the cluster itself brings.
    pub(crate) fn brought(self) -> Self {
        Self { is_brought: true, ..self }
    }

    pub(crate) fn holes(&self) -> &BTreeMap<String, Hole> {
        &self.holes
    }

    /// Its kind.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Its namespace, if its kind has one.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its content, without marks and without the data of secrets.
    pub fn content(&self) -> &Value {
        &self.content
    }

    /// The fingerprint of what it says.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Its address in a cluster.
    pub fn address(&self, cluster: &str) -> Address {
        address(cluster, self.kind, self.namespace(), &self.name)
    }

    /// It as it is applied, with the mark of its owner. Words stand for the bytes of secrets.
    pub fn marked(&self, owner: &str) -> Value {
        let mut marked = self.content.clone();
        if let Some(map) = marked.as_object_mut().filter(|_| !self.holes.is_empty()) {
            let holes = self.holes.keys().map(|key| (key.clone(), AS_WANTED.into()));
            let data = map.entry("data").or_insert_with(|| Value::Object(Map::new()));
            if let Some(data) = data.as_object_mut() {
                data.extend(holes);
            }
        }
        mark(&mut marked, "labels", &[(OWNER, owner), MANAGED_BY]);
        // The claims that a set makes are known as the owner's by the label of their template.
        let claims = marked.pointer_mut("/spec/volumeClaimTemplates").and_then(Value::as_array_mut);
        for claim in claims.into_iter().flatten() {
            mark(claim, "labels", &[(OWNER, owner)]);
        }
        mark(&mut marked, "annotations", &[(MANIFEST, &self.fingerprint.to_string())]);
        marked
    }

    /// It as YAML, which a person reads more easily than JSON. The data of secrets is left out.
    ///
    /// # Errors
    ///
    /// The writer refuses a value of it, as a text that YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, NotAManifest> {
        serde_saphyr::to_string(&self.content).map_err(|error| NotAManifest::Json(error.to_string()))
    }
}

/// The address of an object: its name has its namespace before it.
pub(crate) fn address(cluster: &str, kind: &'static Kind, namespace: Option<&str>, name: &str) -> Address {
    let place = Place::new(NAME, cluster);
    match namespace {
        Some(namespace) => Address::new(place, kind.word, format!("{namespace}/{name}")),
        None => Address::new(place, kind.word, name),
    }
}

/// The namespace of an object, or the one that rights in the whole cluster follow from: `shop` of `shop/web` and of `shop:web`.
pub(crate) fn namespace_of(at: &Address) -> Option<&str> {
    at.name().split_once(['/', ':']).map(|(namespace, _)| namespace)
}

/// Adds texts to the labels or annotations of an object.
fn mark(object: &mut Value, key: &str, texts: &[(&str, &str)]) {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    let marks = metadata.map(|metadata| metadata.entry(key).or_insert_with(|| Value::Object(Map::new())));
    if let Some(marks) = marks.and_then(Value::as_object_mut) {
        marks.extend(texts.iter().map(|(key, text)| ((*key).to_owned(), Value::from(*text))));
    }
}

/// The empty values that say nothing, by the kind of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Lists of a kind of Kubernetes itself: an empty one raises the version of the object with each apply (kubernetes#131175).
    Own,
    /// The same, but for the values of a schema in a `CustomResourceDefinition`: `default: []` is a default.
    Definition,
    /// Nothing but nulls: the server keeps a list of a custom kind as it is.
    Custom,
}

impl Form {
    fn of(value: &Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        match Kind::of(text("apiVersion"), text("kind")) {
            Some(kind) if *kind == CUSTOM_RESOURCE_DEFINITION => Self::Definition,
            Some(_) => Self::Own,
            None => Self::Custom,
        }
    }
}

/// The keys of a schema that hold a value and not a further schema.
const VALUES: [&str; 3] = ["default", "enum", "example"];

/// The value in the form that is applied. A null says nothing, and in most kinds an empty list says nothing either. An empty map may mean something, as
/// that of `emptyDir` does.
fn tidied(value: Value, form: Form) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(values) => {
            let values: Vec<Value> = values.into_iter().filter_map(|value| tidied(value, form)).collect();
            (form == Form::Custom || !values.is_empty()).then_some(Value::Array(values))
        }
        Value::Object(map) => {
            let each = map.into_iter().filter_map(|(key, value)| {
                let is_value = form == Form::Definition && VALUES.contains(&key.as_str()) && !value.is_null();
                let value = if is_value { sorted(value) } else { tidied(value, form)? };
                Some((key, value))
            });
            Some(in_order(each.collect()))
        }
        scalar => Some(scalar),
    }
}

/// The value with all that is in it.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        Value::Object(map) => in_order(map.into_iter().map(|(key, value)| (key, sorted(value))).collect()),
        scalar => scalar,
    }
}

/// A map in an order that does not depend on how another crate configured JSON.
fn in_order(mut map: Vec<(String, Value)>) -> Value {
    map.sort_by(|(one, _), (other, _)| one.cmp(other));
    Value::Object(map.into_iter().collect())
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word, self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kind::{DEPLOYMENT, NAMESPACE};

    #[test]
    fn what_says_nothing_is_left_out() {
        let value = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "paused": null, "tolerations": [], "volumes": [{ "emptyDir": {} }] } });
        let manifest = Manifest::of_value(value).unwrap();
        assert_eq!(manifest.kind(), &DEPLOYMENT);
        assert_eq!(manifest.content()["spec"], json!({ "volumes": [{ "emptyDir": {} }] }));
        assert_eq!(manifest.address("prod").to_string(), "kubernetes/prod/deployment/shop/web");
        assert_eq!(manifest.marked("first")["metadata"]["labels"][OWNER], "first");
    }

    #[test]
    fn what_is_empty_stays_in_a_custom_object_and_in_the_values_of_a_schema() {
        let value = json!({ "apiVersion": "example.org/v1", "kind": "Widget", "metadata": { "name": "a", "namespace": "b" },
            "spec": { "parts": [], "size": null } });
        let manifest = Manifest::of_value(value).unwrap();
        assert_eq!(manifest.content()["spec"], json!({ "parts": [] }));
        assert_eq!(manifest.address("prod").to_string(), "kubernetes/prod/widget.example.org/b/a");
        let schema =
            json!({ "default": [], "nullable": true, "enum": [null, "a"], "required": [], "title": null });
        let value = json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "widgets.example.org", "creationTimestamp": null }, "spec": schema });
        let manifest = Manifest::of_value(value).unwrap();
        assert_eq!(
            manifest.content()["spec"],
            json!({ "default": [], "nullable": true, "enum": [null, "a"] })
        );
    }

    #[test]
    fn a_manifest_needs_a_kind_a_name_and_a_namespace() {
        let of = |value| Manifest::of_value(value).map(|manifest| manifest.kind().word);
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
        assert_eq!(of(namespace), Ok(NAMESPACE.word));
        let deployment =
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" } });
        assert_eq!(of(deployment), Err(NotAManifest::Namespace("Deployment")));
        let unknown = json!({ "apiVersion": "v2", "kind": "Namespace", "metadata": { "name": "shop" } });
        assert!(matches!(of(unknown), Err(NotAManifest::Kind { .. })));
    }
}
