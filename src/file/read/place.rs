//! A value of the tree at its path, which serde reads.

use fmc_core::finding::At;
use fmc_core::guest::PLAIN;
use fmc_core::role::JSON;
use serde::de::{Deserializer, Visitor};

use super::super::mistake::Wants;
use super::super::tree::{Member, Members, Node, Value};
use super::access::{Entries, List, Variant, Word};
use super::json::{Foreign, Scalars};
use super::wrong::{Wrong, closed, known_instead, one_of};
use super::{Keys, Notes};

#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) node: &'a Node<'a>,
    pub(super) at: At<'a>,
    pub(super) notes: &'a Notes,
}

impl Place<'_> {
    fn note(&self, keys: Keys) {
        if let Some(shapes) = &self.notes.shapes {
            shapes.borrow_mut().insert(self.at.to_string(), keys);
        }
    }

    fn placed<T>(&self, read: Result<T, Wrong>) -> Result<T, Wrong> {
        read.map_err(|wrong| wrong.within(&self.at, self.node.span, self.node, self.notes))
    }

    /// The known key that a text of YAML begins with, as `network:lab`: without the space it is one word.
    fn unspaced(&self, fields: &'static [&'static str]) -> Option<&'static str> {
        let Value::Plain(text) = &self.node.value else { return None };
        let (key, _) = text.split_once(':')?;
        fields.iter().copied().find(|field| *field == key)
    }

    /// A key without a value is refused: it would silently mean the default, even if the author forgot to fill it in.
    fn nothing<T>(&self) -> Result<T, Wrong> {
        let help = "write a value, or leave the key out".to_owned();
        self.placed(Err(Wrong::new("there is no value here".to_owned(), help)))
    }

    fn refused<T>(&self, expected: &str) -> Result<T, Wrong> {
        let message = format!("{} is expected here, and this is {}", closed(expected), self.node.what());
        self.placed(Err(Wrong::new(message, String::new()).wants(Wants::Example)))
    }

    fn integer<N: std::str::FromStr>(&self, bounds: &str) -> Result<N, Wrong> {
        match &self.node.value {
            Value::Number(text) | Value::Plain(text) => match text.parse() {
                Ok(number) => Ok(number),
                Err(_) => self.placed(Err(Wrong::new(
                    format!("a whole number {bounds} is expected here"),
                    String::new(),
                ))),
            },
            _ => self.refused(&format!("a whole number {bounds}")),
        }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $number:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let number = self.integer::<$number>(&format!("from {} to {}", <$number>::MIN, <$number>::MAX))?;
            self.placed(visitor.$visit(number))
        }
    )*};
}

impl<'de> Deserializer<'de> for Place<'_> {
    type Error = Wrong;

    /// A scalar of any type is read as text: leaves check it themselves.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let read = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(text) | Value::Plain(text) | Value::Text(text) => visitor.visit_str(text),
            Value::List(values) => visitor.visit_seq(List { place: self, values: values.iter().enumerate() }),
            Value::Map(members) => {
                visitor.visit_map(Entries { place: self, members: members.iter(), known: None, next: None })
            }
        };
        self.placed(read)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let value = match &self.node.value {
            Value::Bool(value) => *value,
            Value::Plain(text) => match text.as_ref() {
                "true" | "True" | "TRUE" => true,
                "false" | "False" | "FALSE" => false,
                "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
                    let message = format!("true or false is expected here: `{text}` is a text in YAML 1.2");
                    return self.placed(Err(Wrong::new(message, String::new())));
                }
                _ => return self.refused("true or false"),
            },
            _ => return self.refused("true or false"),
        };
        self.placed(visitor.visit_bool(value))
    }

    integers! {
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Text(text) | Value::Plain(text) => self.placed(visitor.visit_str(text)),
            Value::Number(_) | Value::Bool(_) => {
                let message = format!("a text is expected here, and this is {}", self.node.what());
                self.placed(Err(Wrong::new(message, "write it in quotes".to_owned())))
            }
            _ => self.refused("a text"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if matches!(self.node.value, Value::Null) { self.nothing() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if name == JSON {
            self.placed(visitor.visit_newtype_struct(Foreign { node: self.node, scalars: Scalars::Typed }))
        } else if name == PLAIN {
            self.placed(visitor.visit_newtype_struct(Foreign { node: self.node, scalars: Scalars::Texts }))
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.note(Keys::Fields(fields));
        match &self.node.value {
            Value::Map(members) => {
                let members =
                    Entries { place: self, members: members.iter(), known: Some(fields), next: None };
                self.placed(visitor.visit_map(members))
            }
            _ => {
                let message = format!(
                    "a map with {} is expected here, and this is {}",
                    all_of(fields),
                    self.node.what()
                );
                let path = self.at.to_string();
                let wrong = match path.split_once('.') {
                    // A setting that stands in the column of the names.
                    Some((all @ ("hosts" | "networks" | "machines" | "clusters"), name))
                        if fields.contains(&name) =>
                    {
                        let help = format!(
                            "`{name}` is a setting of one of the {all}: indent it below the name of that one"
                        );
                        Wrong::new(message, help)
                    }
                    _ => match self.unspaced(fields) {
                        Some(key) => {
                            let help = format!("a space is missing after the colon: write `{key}: …`");
                            Wrong::new(message, help)
                        }
                        None => Wrong::new(message, String::new()).wants(Wants::Example),
                    },
                };
                self.placed(Err(wrong))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.note(Keys::OneOf(variants));
        let read = match &self.node.value {
            // A value from the command line is not a secret of the file.
            Value::Text(variant) | Value::Plain(variant)
                if self.notes.shapes.is_some() && !variants.contains(&variant.as_ref()) =>
            {
                let help = known_instead(variant, variants.iter().copied());
                Err(Wrong::new(format!("`{variant}` is not known here"), help))
            }
            Value::Text(variant) | Value::Plain(variant) => visitor.visit_enum(Word(variant)),
            Value::Map(members) => match single(members) {
                // Its content was wrong, and so is the whole.
                Some(member) if self.notes.passes_over(&member.node) => {
                    Err(Wrong::new(format!("`{}` is wrong", member.key), String::new()))
                }
                Some(member) => visitor.visit_enum(Variant { place: self, member }),
                None => {
                    let message = format!("one key is expected here: {}", one_of(variants));
                    Err(Wrong::new(message, String::new()).wants(Wants::Example))
                }
            },
            _ => return self.refused(&one_of(variants)),
        };
        self.placed(read)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

fn all_of(names: &[&str]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() && names.len() <= 8 => format!("{} and {last}", all.join(", ")),
        [only] => (*only).to_owned(),
        all => match all.get(..6) {
            Some(first) => format!("{}, …", first.join(", ")),
            None => "keys".to_owned(),
        },
    }
}

fn single<'a, 'b>(members: &'a Members<'b>) -> Option<&'a Member<'b>> {
    let mut members = members.iter();
    members.next().filter(|_| members.next().is_none())
}
