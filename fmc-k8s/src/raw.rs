//! Objects that the types of a platform do not say, in the form of the API.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// An object of a kind of Kubernetes' own that fmc knows ([`KINDS`](crate::kind::KINDS)), or of a custom kind, in the form of the API: it is
/// planned, applied, compared and deleted as what follows from typed values is. The fields of Kubernetes' own kinds are the server's matter; those
/// of a custom kind are judged by its definition, if the cloud has that. A plan says what the server refuses.
///
/// ```
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::raw::RawObject;
/// use serde_json::json;
///
/// let quota = json!({
///     "apiVersion": "v1",
///     "kind": "ResourceQuota",
///     "metadata": { "name": "most" },
///     "spec": { "hard": { "pods": "20" } },
/// });
/// // A type of `k8s-openapi` serves as well as a value of JSON.
/// let platform = Platform::on("prod").namespace(Namespace::new("shop").object(RawObject::of(&quota)));
/// assert_eq!(platform.manifests()[3].to_string(), "resource-quota most");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RawObject(pub(crate) Value);

/// The newtype by whose name a reader of files gives scalars their own types.
#[derive(Deserialize)]
#[serde(rename = "fmc::Json")]
struct Json(Value);

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| Self(json.0))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RawObject {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RawObject".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "An object in the form of the API: `{apiVersion: batch/v1, kind: CronJob, metadata: {name: backup}, spec: …}`.",
            "required": ["apiVersion", "kind", "metadata"],
            "properties": {
                "apiVersion": { "type": "string" },
                "kind": { "type": "string" },
                "metadata": { "type": "object" },
            },
        })
    }
}

/// A value in the form of the API.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RawValue(pub(crate) Value);

impl RawValue {
    /// The value of anything that can be written as JSON; null of anything else.
    pub fn of(value: &impl Serialize) -> Self {
        Self(serde_json::to_value(value).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| Self(json.0))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RawValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RawValue".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "A value in the form of the API." })
    }
}

impl RawObject {
    /// A typed object, as one of `k8s-openapi`, or a value of JSON. One that cannot be written as JSON is refused by the check.
    pub fn of(object: &impl Serialize) -> Self {
        Self(serde_json::to_value(object).unwrap_or_default())
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    pub(crate) fn api(&self) -> &str {
        self.text("/apiVersion").unwrap_or_default()
    }

    pub(crate) fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.text("/metadata/name")
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.text("/metadata/namespace")
    }

    /// It as an object of a namespace.
    pub(crate) fn within(&self, namespace: &str) -> Value {
        let mut value = self.0.clone();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
        value
    }
}
