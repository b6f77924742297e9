//! Fragments: a part of a machine's first boot that somebody has already, in the format of Ignition, Butane or cloud-config.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::draft::{Look, Setting};
use crate::finding::At;
use crate::rust::{Expr, Names, Unsaid};

/// The name of a newtype whose scalars a file gives as they are written, whatever they look like: the reader of the fragment knows which of
/// them are numbers, as `0644` of Butane is.
pub const PLAIN: &str = "fmc::Plain";

/// A Butane config (`variant: fcos` or `flatcar`), or an Ignition config, that is merged into what the machine boots with.
///
/// It is judged as Ignition and Butane judge it, and what it says twice, or against the cloud, is a finding.
///
/// ```
/// use fmc_core::guest::{Fragment, Guest};
///
/// let butane = serde_json::json!({
///     "variant": "fcos",
///     "version": "1.5.0",
///     "kernel_arguments": {"should_exist": ["console=ttyS0"]},
/// });
/// let guest = Guest::new().ignition(Fragment::of(&butane));
/// assert_eq!(guest, Guest::new().ignition(Fragment::json(&butane.to_string())));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fragment(Value);

/// A part of a cloud-config that is merged into what the machine boots with: it may have `write_files`, `users`, `groups`, `packages`, `bootcmd`
/// and `runcmd`, whose entries come after those of fmc, and keys that fmc does not write.
///
/// ```
/// use fmc_core::guest::{CloudConfig, Guest};
///
/// let config = serde_json::json!({"package_upgrade": true, "runcmd": [["touch", "/var/lib/upgraded"]]});
/// let guest = Guest::new().cloud_config(CloudConfig::of(&config));
/// # let _ = guest;
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CloudConfig(Value);

impl Fragment {
    /// A value of JSON, or one that serializes as such.
    pub fn of(value: &impl Serialize) -> Self {
        Self(canonical(serde_json::to_value(value).unwrap_or_default()))
    }

    /// A text in JSON. The check tells about a text that is not.
    pub fn json(text: &str) -> Self {
        Self(canonical(read(text)))
    }

    /// The value. Scalars that look like whole numbers or truth values are such.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl CloudConfig {
    /// A value of JSON, or one that serializes as such.
    pub fn of(value: &impl Serialize) -> Self {
        Self(serde_json::to_value(value).unwrap_or_default())
    }

    /// A text in JSON. The check tells about a text that is not.
    pub fn json(text: &str) -> Self {
        Self(read(text))
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Files, Rust and JSON write one scalar in several ways; the fragment's reader knows the types.
fn canonical(value: Value) -> Value {
    match value {
        Value::String(text) => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => match text.parse::<i64>() {
                Ok(number) if number.to_string() == text => Value::from(number),
                _ => Value::String(text),
            },
        },
        Value::Array(values) => values.into_iter().map(canonical).collect(),
        Value::Object(members) => {
            // A member without a value says nothing, and TOML cannot write one.
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            members.map(|(key, value)| (key, canonical(value))).collect()
        }
        other => other,
    }
}

/// The newtype by whose name a reader of files gives scalars as texts.
#[derive(Deserialize)]
#[serde(rename = "fmc::Plain")]
struct Plain(Value);

/// The newtype by whose name a reader of files gives scalars their own types.
#[derive(Deserialize)]
#[serde(rename = "fmc::Json")]
struct Json(Value);

impl<'de> Deserialize<'de> for Fragment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Plain::deserialize(deserializer).map(|plain| Self(canonical(plain.0)))
    }
}

impl<'de> Deserialize<'de> for CloudConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| Self(json.0))
    }
}

/// Its keys alone, because its values may be secrets.
impl fmt::Debug for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys("Fragment", &self.0, f)
    }
}

/// Its keys alone, because its values may be secrets.
impl fmt::Debug for CloudConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys("CloudConfig", &self.0, f)
    }
}

fn keys(name: &str, value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let keys: Vec<&String> = value.as_object().into_iter().flat_map(|members| members.keys()).collect();
    f.debug_tuple(name).field(&keys).finish()
}

impl Setting for Fragment {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(said("Fragment::json", &self.0))
    }
}

impl Setting for CloudConfig {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(said("CloudConfig::json", &self.0))
    }
}

fn said(constructor: &str, value: &Value) -> Expr {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    Expr::of(constructor, vec![Expr::text(&text)])
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Fragment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fragment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "A Butane config, with `variant: fcos` or `flatcar` and its `version`; or an Ignition config, with `ignition: {version: 3.4.0}`.",
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for CloudConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CloudConfig".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "A part of a cloud-config, without its first line.",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_scalar_is_one_value_however_it_is_written() {
        let as_file =
            Fragment::of(&json!({"mode": "420", "enabled": "true", "version": "1.5.0", "octal": "0644"}));
        let as_json =
            Fragment::json(r#"{"mode": 420, "enabled": true, "version": "1.5.0", "octal": "0644"}"#);
        assert_eq!(as_file, as_json);
        assert_eq!(
            serde_json::from_value::<Fragment>(json!({"a": "1"})).unwrap(),
            Fragment::of(&json!({"a": 1}))
        );
    }

    #[test]
    fn no_value_is_shown() {
        let fragment =
            Fragment::of(&json!({"passwd": {"users": [{"name": "core", "passwordHash": "$y$secret"}]}}));
        assert_eq!(format!("{fragment:?}"), "Fragment([\"passwd\"])");
        let config = CloudConfig::of(&json!({"password": "secret"}));
        assert_eq!(format!("{config:?}"), "CloudConfig([\"password\"])");
    }
}
