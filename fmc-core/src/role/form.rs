//! The form of a role in a file: one key, its kind, with the settings below it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::Value;

/// The form of a role in a file.
pub(super) struct Form<R> {
    pub(super) kind: String,
    pub(super) settings: Value,
    /// The Rust expression that makes it.
    pub(super) rust: String,
    /// Reads other settings of the same type.
    pub(super) read: fn(&Value) -> Option<R>,
}

/// A value that a file names by its kind: a role of a machine, or one that spans machines.
pub(super) trait Formed: Clone {
    /// Its form, if it has one.
    fn form(&self) -> Option<&Arc<Form<Self>>>;

    /// Its kind.
    fn kind_text(&self) -> String;

    /// One from a file, before a program has registered its kind.
    fn unresolved(kind: &str, settings: Value) -> Self;
}

impl<R> Form<R> {
    /// Whether two forms are equal: a kind alone equals a kind with an empty map.
    fn is_like(&self, other: &Self) -> bool {
        let have_none = is_nothing(&self.settings) && is_nothing(&other.settings);
        self.kind == other.kind && (have_none || self.settings == other.settings)
    }
}

/// Whether two have the same form.
pub(super) fn are_alike<R: Formed>(one: &R, other: &R) -> bool {
    one.form().zip(other.form()).is_some_and(|(one, other)| one.is_like(other))
}

/// A role with the settings of a form after a change of the cloud's file; a role without a form is unchanged.
pub(super) fn changed<R: Formed>(role: &R, form: &R) -> R {
    match (role.form(), form.form()) {
        (Some(said), Some(changed)) if said.kind == changed.kind && !said.is_like(changed) => {
            // A kind alone has the settings of its type's default, which serde reads from an empty map.
            let none = || (said.read)(&Value::Object(serde_json::Map::new()));
            let read =
                (said.read)(&changed.settings).or_else(|| changed.settings.is_null().then(none).flatten());
            read.unwrap_or_else(|| form.clone())
        }
        _ => role.clone(),
    }
}

/// One role: its kind if there are no settings, or a map of its kind to them. Code has its kind.
pub(super) fn serialize<R: Formed, S: Serializer>(role: &R, serializer: S) -> Result<S::Ok, S::Error> {
    match role.form() {
        None => serializer.serialize_str(&role.kind_text()),
        Some(said) if is_nothing(&said.settings) => serializer.serialize_str(&said.kind),
        Some(said) => {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(&said.kind, &said.settings)?;
            map.end()
        }
    }
}

fn is_nothing(settings: &Value) -> bool {
    settings.is_null() || settings.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Reads one role, which no program has looked at yet.
pub(super) fn deserialize<'de, R: Formed, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
    struct One<R>(PhantomData<R>);

    impl<'de, R: Formed> Visitor<'de> for One<R> {
        type Value = R;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the kind of a role, or a map of it to its settings")
        }

        fn visit_str<E: de::Error>(self, kind: &str) -> Result<R, E> {
            Ok(R::unresolved(kind, Value::Null))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<R, A::Error> {
            let wrong = || de::Error::custom("one key is expected here: the kind of the role");
            let (kind, settings) = map.next_entry::<String, Value>()?.ok_or_else(wrong)?;
            match map.next_key::<String>()? {
                None => Ok(R::unresolved(&kind, settings)),
                Some(_) => Err(wrong()),
            }
        }
    }

    deserializer.deserialize_any(One(PhantomData))
}

/// The schema of any role; a program that knows roles lists them in its own schema.
#[cfg(feature = "schema")]
pub(super) fn schema(description: &str) -> schemars::Schema {
    schemars::json_schema!({
        "description": description,
        "anyOf": [
            { "type": "string" },
            { "type": "object", "minProperties": 1, "maxProperties": 1 }
        ]
    })
}
