//! Reads a cloud from its JSON value, and notes on the way which keys each place takes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use fmc_core::finding::At;

/// Which keys a place takes; a place that is not noted and holds a map takes names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// These fields.
    Fields(&'static [&'static str]),
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// The keys of each place, by path.
pub(super) type Shapes = BTreeMap<String, Keys>;

/// Why a value is no cloud, and where.
#[derive(Debug)]
pub(super) struct ShapeError {
    pub(super) at: Option<String>,
    pub(super) cause: Cause,
}

/// Why a value is no cloud.
#[derive(Debug)]
pub(super) enum Cause {
    /// A key or a variant that nobody knows, and those that are known.
    Unknown { key: String, known: &'static [&'static str] },
    /// Anything else, in serde's words.
    Other(String),
}

/// Reads a value, and notes the keys of every place in it.
pub(super) fn read<T: de::DeserializeOwned>(value: &Value) -> Result<(T, Shapes), ShapeError> {
    let shapes = RefCell::new(Shapes::new());
    let read = T::deserialize(Place { value, at: At::ROOT, shapes: &shapes })?;
    Ok((read, shapes.into_inner()))
}

impl ShapeError {
    fn new(cause: Cause) -> Self {
        Self { at: None, cause }
    }

    /// The innermost place is where it happened.
    fn within(mut self, at: &At<'_>) -> Self {
        self.at.get_or_insert_with(|| at.to_string());
        self
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Unknown { key, .. } => write!(f, "unknown key `{key}`"),
            Cause::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ShapeError {}

impl de::Error for ShapeError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(Cause::Other(text.to_string()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Cause::Unknown { key: field.to_owned(), known: expected })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Cause::Unknown { key: variant.to_owned(), known: expected })
    }
}

#[derive(Clone, Copy)]
struct Place<'a> {
    value: &'a Value,
    at: At<'a>,
    shapes: &'a RefCell<Shapes>,
}

impl Place<'_> {
    fn note(&self, keys: Keys) {
        self.shapes.borrow_mut().insert(self.at.to_string(), keys);
    }
}

impl<'de> Deserializer<'de> for Place<'_> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        let read = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => visitor.visit_str(text),
            Value::Array(values) => {
                visitor.visit_seq(List { place: self, values: values.iter().enumerate() })
            }
            Value::Object(map) => visitor.visit_map(Members { place: self, members: map.iter(), next: None }),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, Some(number)) => visitor.visit_f64(number),
                (None, None, None) => Err(ShapeError::custom("a number out of range")),
            },
        };
        read.map_err(|error| error.within(&self.at))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        self.note(Keys::Fields(fields));
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        self.note(Keys::OneOf(variants));
        let read = match self.value {
            Value::String(variant) => {
                let variant: StrDeserializer<'_, ShapeError> = variant.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            Value::Object(map) => match single(map) {
                Some((variant, value)) => visitor.visit_enum(Variant { place: self, variant, value }),
                None => Err(ShapeError::custom(format!(
                    "one key is expected here, one of {}",
                    variants.join(", ")
                ))),
            },
            _ => Err(ShapeError::custom(format!("one of {} is expected here", variants.join(", ")))),
        };
        read.map_err(|error| error.within(&self.at))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

fn single(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = map.iter();
    match (members.next(), members.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

struct List<'a> {
    place: Place<'a>,
    values: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
}

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = ShapeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ShapeError> {
        let Some((index, value)) = self.values.next() else { return Ok(None) };
        let at = self.place.at.index(index);
        seed.deserialize(Place { value, at, shapes: self.place.shapes }).map(Some)
    }
}

struct Members<'a> {
    place: Place<'a>,
    members: serde_json::map::Iter<'a>,
    next: Option<(&'a str, &'a Value)>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = ShapeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ShapeError> {
        let Some((key, value)) = self.members.next() else { return Ok(None) };
        self.next = Some((key, value));
        let key: StrDeserializer<'_, ShapeError> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ShapeError> {
        let (key, value) = self.next.take().ok_or_else(|| ShapeError::custom("a value without a key"))?;
        let at = self.place.at.key(key);
        seed.deserialize(Place { value, at, shapes: self.place.shapes })
    }
}

struct Variant<'a> {
    place: Place<'a>,
    variant: &'a str,
    value: &'a Value,
}

impl Variant<'_> {
    fn content<T>(&self, read: impl FnOnce(Place<'_>) -> Result<T, ShapeError>) -> Result<T, ShapeError> {
        read(Place { value: self.value, at: self.place.at.key(self.variant), shapes: self.place.shapes })
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = ShapeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ShapeError> {
        let name: StrDeserializer<'_, ShapeError> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = ShapeError;

    fn unit_variant(self) -> Result<(), ShapeError> {
        Err(ShapeError::custom(format!("`{}` takes no value: write it alone", self.variant)))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ShapeError> {
        self.content(|place| seed.deserialize(place))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ShapeError> {
        self.content(|place| place.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        self.content(|place| place.deserialize_struct("", fields, visitor))
    }
}
