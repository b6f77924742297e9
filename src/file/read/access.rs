//! The values inside a list, a map or a variant.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::super::tree::{Member, Node, Value};
use super::Notes;
use super::place::Place;
use super::wrong::Wrong;

/// A top-level key with which an editor finds the schema. It is not a part of the cloud.
const SCHEMA: &str = "$schema";

pub(super) struct List<'a> {
    pub(super) place: Place<'a>,
    pub(super) values: std::iter::Enumerate<std::slice::Iter<'a, Node<'a>>>,
}

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let notes = self.place.notes;
        let Some((index, node)) = self.values.find(|(_, node)| !notes.passes_over(node)) else {
            return Ok(None);
        };
        notes.count();
        let at = self.place.at.index(index);
        let read = seed.deserialize(Place { node, at, notes: self.place.notes });
        read.map(Some).map_err(|wrong: Wrong| wrong.repeated(node.alias))
    }
}

pub(super) struct Entries<'a> {
    pub(super) place: Place<'a>,
    pub(super) members: std::slice::Iter<'a, Member<'a>>,
    /// The known keys; `None` if any key is allowed.
    pub(super) known: Option<&'static [&'static str]>,
    pub(super) next: Option<&'a Member<'a>>,
}

impl Entries<'_> {
    fn unknown(&self, member: &Member<'_>, known: &'static [&'static str]) -> Result<(), Wrong> {
        let wrong = self.at_key(de::Error::unknown_field(&member.key, known), member);
        if self.place.notes.is_full() {
            return Err(wrong);
        }
        self.place.notes.pass_over(Notes::id(&member.node));
        self.place.notes.add(wrong);
        Ok(())
    }

    /// A mistake of a key.
    fn at_key(&self, wrong: Wrong, member: &Member<'_>) -> Wrong {
        wrong.within(&self.place.at, member.span, &member.node, self.place.notes)
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        while let Some(member) = self.members.next() {
            if self.place.notes.passes_over(&member.node) {
                continue;
            }
            self.place.notes.count();
            if member.key == SCHEMA && self.known.is_some() && self.place.at.is_root() {
                continue;
            }
            if let Some(known) = self.known.filter(|known| !known.contains(&member.key.as_ref())) {
                self.unknown(member, known)?;
                continue;
            }
            self.next = Some(member);
            let key: StrDeserializer<'_, Wrong> = member.key.as_ref().into_deserializer();
            let read = seed.deserialize(key).map(Some);
            return read.map_err(|wrong: Wrong| self.at_key(wrong, member));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let member = self.next.take().ok_or_else(|| Wrong::custom("a value without a key"))?;
        let at = self.place.at.key(&member.key);
        let read = seed.deserialize(Place { node: &member.node, at, notes: self.place.notes });
        // A large value is shown by its key.
        read.map_err(|wrong| {
            let wrong = if wrong.mistake.span == member.node.span { pointing(wrong, member) } else { wrong };
            wrong.repeated(member.node.alias)
        })
    }
}

/// The place of a map or list is its key, because its own range is many lines; that of one behind an alias is its anchor.
fn pointing(mut wrong: Wrong, member: &Member<'_>) -> Wrong {
    if matches!(member.node.value, Value::Map(_) | Value::List(_) | Value::Null) {
        wrong.mistake.span = member.node.alias.map_or(member.span, |by| by.anchor);
    }
    wrong
}

/// A variant that is written as a word.
pub(super) struct Word<'a>(pub(super) &'a str);

impl Word<'_> {
    fn alone<T>(&self) -> Result<T, Wrong> {
        let word = self.0;
        let help = format!("write a map with this one key, as {{{word}: …}}");
        Err(Wrong::new(format!("`{word}` needs a value"), help))
    }
}

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name: StrDeserializer<'_, Wrong> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Wrong> {
        self.alone()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Wrong> {
        self.alone()
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Wrong> {
        self.alone()
    }
}

pub(super) struct Variant<'a> {
    pub(super) place: Place<'a>,
    pub(super) member: &'a Member<'a>,
}

impl Variant<'_> {
    fn content<T>(&self, read: impl FnOnce(Place<'_>) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let at = self.place.at.key(&self.member.key);
        read(Place { node: &self.member.node, at, notes: self.place.notes })
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name: StrDeserializer<'_, Wrong> = self.member.key.as_ref().into_deserializer();
        let name = seed.deserialize(name);
        let Place { node, at, notes } = self.place;
        Ok((name.map_err(|wrong: Wrong| wrong.within(&at, self.member.span, node, notes))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Err(Wrong::new(format!("`{}` takes no value", self.member.key), "write it alone".to_owned()))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        self.content(|place| seed.deserialize(place))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.content(|place| place.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.content(|place| place.deserialize_struct("", fields, visitor))
    }
}
