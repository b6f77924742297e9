//! Operators: programs in a cluster that run objects of kinds of their own, from the files that their projects publish.

mod documents;

use std::sync::Arc;

use fmc_core::given::Given;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::kind::{CUSTOM_RESOURCE_DEFINITION, Kind};
use crate::manifest::OPERATOR;
use crate::name::ObjectName;
use crate::setters::setters;

/// The time that objects wait for an operator's pods, in seconds, if nothing is said.
const WITHIN: u32 = 300;

/// An operator, as its project publishes it: definitions of kinds, rights, and the workload that runs objects of these kinds.
///
/// Each document of its files is an object of the plan. Objects of its kinds are made once its pods are ready, and deleted before it.
///
/// ```
/// use fmc_k8s::operator::Operator;
/// use fmc_k8s::platform::Platform;
///
/// let files = "
/// apiVersion: v1
/// kind: Namespace
/// metadata: { name: widgets }
/// ---
/// apiVersion: v1
/// kind: ServiceAccount
/// metadata: { name: widgets, namespace: widgets }
/// ";
/// let platform = Platform::on("prod").operator(Operator::new("widgets").manifests(files));
/// let made: Vec<String> = platform.manifests().iter().map(ToString::to_string).collect();
/// assert_eq!(made, ["namespace widgets", "service-account widgets"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// A name for it, which its objects have as the label `fmc/operator`.
    pub(crate) name: Given<ObjectName>,
    /// Its files, as its project publishes them: YAML with one or more documents. `fmc` reads them below the folder of the cloud's file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<String>,
    /// The texts of files, in place of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) manifests: Vec<ManifestText>,
    /// The namespace of its objects that do not say theirs. It is made if neither the files nor the platform make it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<Given<ObjectName>>,
    /// How long its pods may take until they are ready, in seconds: an apply waits for them, and so do objects of its kinds. 300 if not
    /// said, 0 for not at all.
    #[serde(default = "within")]
    pub(crate) ready_within: u32,
    /// The files that were read, by their place in `files`.
    #[serde(skip)]
    read: Vec<Result<ManifestText, String>>,
}

fn within() -> u32 {
    WITHIN
}

/// The text of a file with documents of YAML, parsed once.
#[derive(Clone, Debug)]
pub struct ManifestText {
    text: Arc<str>,
    documents: Arc<Result<Vec<Value>, String>>,
}

impl PartialEq for ManifestText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for ManifestText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ManifestText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ManifestText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ManifestText".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "Objects in the form of the API: YAML with one or more documents." })
    }
}

impl From<&str> for ManifestText {
    fn from(text: &str) -> Self {
        Self { text: text.into(), documents: Arc::new(documents::documents(text)) }
    }
}

/// A document of an operator.
pub(crate) struct OperatorObject<'a> {
    /// The file or the text, as `files[0]`, and the number of the document in it, from 1 on.
    pub(crate) source: String,
    pub(crate) number: usize,
    pub(crate) value: &'a Value,
}

impl OperatorObject<'_> {
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The object in the words of a person, as `document 3, Deployment web`.
    pub(crate) fn spoken(&self) -> String {
        let Self { number, .. } = self;
        match (self.text("/kind"), self.text("/metadata/name")) {
            ("", "") => format!("document {number}"),
            (kind, name) => format!("document {number}, {kind} {name}"),
        }
    }
}

/// The scopes of the kinds that definitions add, by group and kind: whether their objects are in namespaces.
pub(crate) type Scopes = std::collections::BTreeMap<(String, String), bool>;

/// The scope of a kind that a definition adds.
pub(crate) fn scope(definition: &Value) -> Option<((String, String), bool)> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let is_definition = text("/kind") == CUSTOM_RESOURCE_DEFINITION.name;
    let key = (text("/spec/group").to_owned(), text("/spec/names/kind").to_owned());
    is_definition.then(|| (key, text("/spec/scope") == "Namespaced"))
}

impl Operator {
    /// An operator without files.
    pub fn new(name: impl Into<Given<ObjectName>>) -> Self {
        Self {
            name: name.into(),
            files: Vec::new(),
            manifests: Vec::new(),
            namespace: None,
            ready_within: WITHIN,
            read: Vec::new(),
        }
    }

    /// The text of a file, as `include_str!("cnpg-1.30.0.yaml")`.
    #[must_use]
    pub fn manifests(mut self, text: &str) -> Self {
        self.manifests.push(text.into());
        self
    }

    /// A file that the program reads by [`Platform::read_files`](crate::platform::Platform::read_files), as the commands do below the folder of
    /// a cloud's file.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>) -> Self {
        self.files.push(path.into());
        self
    }

    /// The namespace of objects that do not say theirs.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<Given<ObjectName>>) -> Self {
        Self { namespace: Some(namespace.into()), ..self }
    }

    /// Reads its files.
    pub(crate) fn read(&mut self, read: &mut impl FnMut(&str) -> Result<String, String>) {
        self.read = self.files.iter().map(|path| read(path).map(|text| ManifestText::from(&*text))).collect();
    }

    /// The files and texts that have no documents, each with its path and the reason.
    pub(crate) fn unread(&self) -> Vec<(String, String)> {
        let files = self.files.iter().enumerate().filter_map(|(at, path)| {
            let why = match self.read.get(at) {
                None => "the program that plans it did not read it".to_owned(),
                Some(Err(why)) => why.clone(),
                Some(Ok(text)) => text.documents.as_ref().as_ref().err()?.clone(),
            };
            Some((format!("files[{at}]"), format!("failed to read {path}: {why}")))
        });
        let texts = self.manifests.iter().enumerate().filter_map(|(at, text)| {
            let why = text.documents.as_ref().as_ref().err()?;
            Some((format!("manifests[{at}]"), format!("failed to read the text: {why}")))
        });
        files.chain(texts).collect()
    }

    /// The documents of its files and texts, as far as they can be read.
    pub(crate) fn objects(&self) -> Vec<OperatorObject<'_>> {
        let files = self.read.iter().enumerate();
        let files = files.filter_map(|(at, text)| Some((format!("files[{at}]"), text.as_ref().ok()?)));
        let texts = self.manifests.iter().enumerate().map(|(at, text)| (format!("manifests[{at}]"), text));
        let mut all = Vec::new();
        for (source, text) in files.chain(texts) {
            let documents = text.documents.as_ref().as_ref().map(Vec::as_slice).unwrap_or_default();
            all.extend((1..).zip(documents).map(|(number, value)| OperatorObject {
                source: source.clone(),
                number,
                value,
            }));
        }
        all
    }

    /// An object of it as it is planned: with its label and its namespace, without what the server reports.
    pub(crate) fn placed(&self, value: &Value, scopes: &Scopes) -> Value {
        let mut value = value.clone();
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api, name) = (text("apiVersion"), text("kind"));
        let group = api.split_once('/').map_or("", |(group, _)| group).to_owned();
        let is_namespaced = match Kind::of(&api, &name) {
            Some(kind) => Some(kind.is_namespaced),
            None => scopes.get(&(group, name)).copied(),
        };
        if let Some(map) = value.as_object_mut() {
            map.remove("status");
        }
        let metadata = value.get_mut("metadata").and_then(Value::as_object_mut);
        let Some(metadata) = metadata else { return value };
        ["creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink"]
            .iter()
            .for_each(|key| drop(metadata.remove(*key)));
        match (&self.namespace, is_namespaced) {
            (_, Some(false)) => drop(metadata.remove("namespace")),
            (Some(namespace), Some(true)) if !metadata.contains_key("namespace") => {
                metadata.insert("namespace".to_owned(), namespace.to_string().into());
            }
            _ => {}
        }
        let labels = metadata.entry("labels").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if labels.is_null() {
            *labels = Value::Object(serde_json::Map::new());
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(OPERATOR.to_owned(), self.name.to_string().into());
        }
        value
    }
}

setters! { Operator: ready_within }
