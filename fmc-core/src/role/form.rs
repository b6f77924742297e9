//! The form of a role in a file: one key, its kind, with the settings below it. Roles of machines and spanning roles share it.

use std::any::{Any, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::Value;

use super::SaidProblem;
use crate::rust::{Expr, Unsaid};

/// The form of a role in a file.
pub(super) struct Form<R> {
    pub(super) kind: String,
    pub(super) settings: Value,
    /// The Rust expression that makes it.
    pub(super) rust: String,
    /// Reads other settings of the same type.
    #[cfg_attr(not(feature = "lab"), expect(dead_code, reason = "only a lab changes what a role says"))]
    pub(super) read: fn(&Value) -> Option<R>,
}

/// A role that a file names by its kind: a role of a machine, or one that spans machines.
pub(super) trait Formed: Clone {
    /// Its form, if it has one.
    fn form(&self) -> Option<&Arc<Form<Self>>>;

    /// Its kind.
    fn kind_text(&self) -> String;

    /// The value that it holds.
    fn value(&self) -> &dyn Any;

    /// The role of a kind that the program does not know, or whose settings are wrong.
    fn of_unknown(unknown: Unknown, form: Form<Self>) -> Self;
}

/// A type whose values are roles of one kind in files.
pub(super) trait Said<R>: Serialize + DeserializeOwned + Send + Sync + 'static {
    const KIND: &'static str;

    /// The Rust expression that makes the value.
    fn rust(&self) -> String;

    /// The role of a shared value, with its form.
    fn role(value: Arc<Self>, form: Option<Arc<Form<R>>>) -> R;
}

/// The value of a role that is refused: no program has registered its kind, or its settings are wrong.
pub(super) struct Unknown {
    pub(super) kind: String,
    why: String,
}

impl Unknown {
    fn role<R: Formed>(kind: &str, settings: Value, why: String) -> R {
        let form = Form { kind: kind.to_owned(), settings, rust: String::new(), read: |_| None };
        R::of_unknown(Self { kind: kind.to_owned(), why }, form)
    }

    pub(super) fn problem(&self) -> SaidProblem {
        SaidProblem::NoRole { role: self.kind.clone(), why: self.why.clone() }
    }
}

/// The role of a shared value, with its form in a file.
pub(super) fn said<R, T: Said<R>>(value: Arc<T>) -> R {
    let read = |settings: &Value| {
        serde_json::from_value::<T>(settings.clone()).ok().map(|value| said::<R, T>(Arc::new(value)))
    };
    let form = serde_json::to_value(&*value)
        .ok()
        .map(|settings| Arc::new(Form { kind: T::KIND.to_owned(), settings, rust: value.rust(), read }));
    T::role(value, form)
}

/// The role of a type whose settings are JSON; an [`Unknown`] one if they are wrong.
pub(super) fn from_json<R: Formed, T: Said<R>>(settings: &str) -> R {
    match serde_json::from_str::<T>(settings) {
        Ok(value) => said(Arc::new(value)),
        Err(error) => Unknown::role(T::KIND, Value::Null, error.to_string()),
    }
}

/// The role of a shared value with its form in a file, if the value is of this type.
pub(super) fn as_said<R, T: Said<R>>(value: Arc<dyn Any + Send + Sync>) -> Option<R> {
    value.downcast::<T>().ok().map(said)
}

/// The kind of a role that is refused as [`Unknown`].
pub(super) fn unknown<R: Formed>(role: &R) -> Option<&str> {
    role.value().downcast_ref::<Unknown>().map(|unknown| unknown.kind.as_str())
}

/// The Rust expression that makes a role, if it has a form in a file.
pub(super) fn rust<R: Formed>(role: &R) -> Option<&str> {
    role.form().map(|form| form.rust.as_str())
}

/// That expression, or why there is none.
pub(super) fn expression<R: Formed>(role: &R) -> Result<Expr, Unsaid> {
    rust(role).map(Expr::leaf).ok_or_else(|| format!("the role {}, which is code", role.kind_text()))
}

/// A Rust expression that reads a value from JSON, by `from_json` of this type of roles.
pub(crate) fn rust_of_json<T: Serialize>(role: &str, value: &T) -> String {
    let path = type_name::<T>();
    let name = path.rsplit("::").next().unwrap_or(path);
    let settings = serde_json::to_string(value).unwrap_or_default();
    format!("{role}::from_json::<{name}>({settings:?})")
}

impl<R> Form<R> {
    /// Whether two forms mean the same: a kind alone and a kind with an empty map are alike.
    fn is_like(&self, other: &Self) -> bool {
        let have_none = is_nothing(&self.settings) && is_nothing(&other.settings);
        self.kind == other.kind && (have_none || self.settings == other.settings)
    }
}

/// Whether two roles have the same form.
pub(super) fn are_alike<R: Formed>(one: &R, other: &R) -> bool {
    one.form().zip(other.form()).is_some_and(|(one, other)| one.is_like(other))
}

/// A role with the settings of a form after a change of the cloud's file; a role without a form is unchanged.
#[cfg(feature = "lab")]
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

/// Reads one role. It is unknown until a program resolves its kind.
pub(super) fn deserialize<'de, R: Formed, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
    struct One<R>(PhantomData<R>);

    impl<'de, R: Formed> Visitor<'de> for One<R> {
        type Value = R;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the kind of a role, or a map of it to its settings")
        }

        fn visit_str<E: de::Error>(self, kind: &str) -> Result<R, E> {
            Ok(unresolved(kind, Value::Null))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<R, A::Error> {
            let wrong = || de::Error::custom("one key is expected here: the kind of the role");
            let (kind, settings) = map.next_entry::<String, Value>()?.ok_or_else(wrong)?;
            match map.next_key::<String>()? {
                None => Ok(unresolved(&kind, settings)),
                Some(_) => Err(wrong()),
            }
        }
    }

    fn unresolved<R: Formed>(kind: &str, settings: Value) -> R {
        Unknown::role(kind, settings, "no program has registered it".to_owned())
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
