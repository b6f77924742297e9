//! Collections whose members carry their own name: a map in a file, a list in Rust.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};

use crate::given::{Given, Leaf};

/// A value that is stored under its own name.
pub trait Keyed {
    /// The type of the name.
    type Name: Leaf;

    /// The name as the user gave it.
    fn name(&self) -> &Given<Self::Name>;

    /// The same value under another name.
    #[must_use]
    fn with_name(self, name: Given<Self::Name>) -> Self;
}

/// Values by name, in the order in which they were added.
///
/// In a file it is a map from name to value, in which a key that occurs twice is refused. In Rust two values of one
/// name can be added; `check` then reports both.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(Vec<T>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// Adds a value.
    pub fn push(&mut self, value: T) {
        self.0.push(value);
    }

    /// The values, in the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The values, to be changed in place.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Changes every value, in the same order.
    #[must_use]
    pub fn map(self, change: impl FnMut(T) -> T) -> Self {
        self.into_iter().map(change).collect()
    }

    /// Takes every value out.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T: Keyed> Named<T> {
    /// The first value with a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|value| value.name().ok().is_some_and(|known| known.to_string() == name))
    }

    /// The first value with a name, to be changed in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.0.iter_mut().find(|value| value.name().ok().is_some_and(|known| known.to_string() == name))
    }
}

impl<T> Extend<T> for Named<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        self.0.extend(values);
    }
}

impl<T> FromIterator<T> for Named<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<T> IntoIterator for Named<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Named<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Keyed + Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seen = BTreeSet::new();
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for value in &self.0 {
            let name = value.name().to_string();
            map.serialize_entry(&name, value)?;
            if !seen.insert(name) {
                return Err(S::Error::custom(format!(
                    "two values are named `{}`: a file can hold one",
                    value.name()
                )));
            }
        }
        map.end()
    }
}

impl<'de, T: Keyed + Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<'de, T: Keyed + Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map by {}", T::Name::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = BTreeSet::new();
        let mut values = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("the key `{name}` occurs twice")));
            }
            values.push(map.next_value::<T>()?.with_name(Given::from(name)));
        }
        Ok(Named(values))
    }
}

#[cfg(feature = "schema")]
impl<T: Keyed + schemars::JsonSchema> schemars::JsonSchema for Named<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "propertyNames": T::Name::schema(),
            "additionalProperties": generator.subschema_for::<T>(),
        })
    }
}

/// A placeholder name until the value is stored under its own: never seen, since every value of a file has a
/// key.
pub(crate) fn unnamed<T>() -> Given<T> {
    Given::Wrong { text: String::new(), why: "it has no name".to_owned(), mends: false }
}
