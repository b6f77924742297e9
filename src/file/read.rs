//! Deserialises a cloud from its tree, so that every mistake has the place of its value.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use fmc_core::finding::At;
use fmc_core::nearest::nearest;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::mistake::{MOST_MISTAKES, Mistake};
use super::tree::{Member, Members, Node, Span, Value};

/// A top-level key with which an editor finds the schema. It is not a part of the cloud.
const SCHEMA: &str = "$schema";

/// The keys that a place takes. A map at any other place takes names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// These fields.
    Fields(&'static [&'static str]),
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// The keys of each place, by path.
pub(crate) type Shapes = BTreeMap<String, Keys>;

/// Reads a tree. Every unknown key is reported; any other mistake ends the reading.
pub(crate) fn read<T: de::DeserializeOwned>(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<T> {
    let notes = Notes { mistakes: RefCell::new(Vec::new()), shapes: None };
    let read = T::deserialize(Place { node, at: At::ROOT, notes: &notes });
    mistakes.append(&mut notes.mistakes.into_inner());
    match read {
        Ok(value) => Some(value),
        Err(wrong) => {
            mistakes.push(wrong.mistake);
            None
        }
    }
}

/// Reads a value of a tree, at its place in the whole.
pub(super) fn read_at<T: de::DeserializeOwned>(node: &Node<'_>, at: At<'_>) -> Result<T, Vec<Mistake>> {
    let notes = Notes { mistakes: RefCell::new(Vec::new()), shapes: None };
    let read = T::deserialize(Place { node, at, notes: &notes });
    let mut mistakes = notes.mistakes.into_inner();
    match read {
        Ok(value) if mistakes.is_empty() => Ok(value),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(wrong.mistake);
            Err(mistakes)
        }
    }
}

/// Reads a tree, and records the keys of every place in it.
#[cfg(feature = "yaml")]
pub(crate) fn read_with_shapes<T: de::DeserializeOwned>(node: &Node<'_>) -> Result<(T, Shapes), Mistake> {
    let notes = Notes { mistakes: RefCell::new(Vec::new()), shapes: Some(RefCell::new(Shapes::new())) };
    let read = T::deserialize(Place { node, at: At::ROOT, notes: &notes }).map_err(|wrong| wrong.mistake);
    match notes.mistakes.into_inner().into_iter().next() {
        Some(first) => Err(first),
        None => Ok((read?, notes.shapes.map(RefCell::into_inner).unwrap_or_default())),
    }
}

/// The help for an unknown key: the nearest known key, or all of them.
pub(crate) fn known_instead<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let other_word = OTHER_WORDS.iter().find(|(word, _)| *word == key).map(|(_, ours)| *ours);
    match other_word
        .filter(|ours| known.clone().any(|known| known == *ours))
        .or_else(|| nearest(key, known.clone()))
    {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = known.take(24).collect();
            format!("known keys: {}", known.join(", "))
        }
    }
}

/// Other tools' words, each with the key that means the same here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("nodes", "machines"),
    ("vms", "machines"),
    ("instances", "machines"),
    ("domains", "machines"),
    ("servers", "machines"),
    ("hypervisors", "hosts"),
    ("nics", "interfaces"),
    ("volumes", "disks"),
    ("ram", "memory"),
    ("vcpus", "cpus"),
];

/// The state of the reading.
struct Notes {
    mistakes: RefCell<Vec<Mistake>>,
    shapes: Option<RefCell<Shapes>>,
}

/// The reason why serde stopped.
#[derive(Debug)]
struct Wrong {
    mistake: Mistake,
    placed: bool,
}

impl Wrong {
    fn new(message: String, help: String) -> Self {
        Self { mistake: Mistake::at(Span::default(), message).help(help), placed: false }
    }

    /// The mistake is at the innermost place.
    fn within(mut self, at: &At<'_>, span: Span) -> Self {
        if !self.placed {
            self.mistake.path = at.to_string();
            self.mistake.span = span;
            self.placed = true;
        }
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mistake.message)
    }
}

impl std::error::Error for Wrong {}

/// No message quotes a value, because it may be a misplaced secret.
impl de::Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string(), String::new())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "a truth value",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a text",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a map",
            _ => "something else",
        };
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "a sequence" => "a list",
            "a string" => "a text",
            "a boolean" => "true or false",
            other => other.strip_prefix("struct ").map_or(other, |_| "a map"),
        };
        Self::new(format!("{expected} is expected here, and this is {found}"), String::new())
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        // A similar word is a typo; any other may be a misplaced text.
        let longer = || expected.iter().copied().find(|known| is_begun_by(variant, known));
        match nearest(variant, expected.iter().copied()).or_else(longer) {
            Some(near) => {
                Self::new(format!("`{variant}` is not known here"), format!("did you mean `{near}`?"))
            }
            None => Self::new(format!("{} is expected here", one_of(expected)), String::new()),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = known_instead(field, expected.iter().copied());
        Self::new(format!("the key `{field}` is not known here"), help)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing"), String::new())
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}` occurs twice"), String::new())
    }
}

#[derive(Clone, Copy)]
struct Place<'a> {
    node: &'a Node<'a>,
    at: At<'a>,
    notes: &'a Notes,
}

impl Place<'_> {
    fn note(&self, keys: Keys) {
        if let Some(shapes) = &self.notes.shapes {
            shapes.borrow_mut().insert(self.at.to_string(), keys);
        }
    }

    fn placed<T>(&self, read: Result<T, Wrong>) -> Result<T, Wrong> {
        read.map_err(|wrong| wrong.within(&self.at, self.node.span))
    }

    /// A key without a value is refused: it would silently mean the default, even if the author forgot to fill it in.
    fn nothing<T>(&self) -> Result<T, Wrong> {
        let help = "write a value, or leave the key out".to_owned();
        self.placed(Err(Wrong::new("there is no value here".to_owned(), help)))
    }

    fn refused<T>(&self, expected: &str) -> Result<T, Wrong> {
        let message = format!("{expected} is expected here, and this is {}", self.node.what());
        self.placed(Err(Wrong::new(message, String::new())))
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
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
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
            _ => self.refused(&format!("a map with {}", all_of(fields))),
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
                Some(member) => visitor.visit_enum(Variant { place: self, member }),
                None => {
                    Err(Wrong::new(format!("one key is expected here: {}", one_of(variants)), String::new()))
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

/// Whether a word is a known one with an ending, as `natted`, or the beginning of one. At least half of the longer one is
/// the same, so that a text that belongs elsewhere is not taken for it.
fn is_begun_by(word: &str, known: &str) -> bool {
    let (short, long) = if word.len() < known.len() { (word, known) } else { (known, word) };
    short.len() >= 3 && short.len() * 2 >= long.len() && long.starts_with(short)
}

fn one_of(names: &[&str]) -> String {
    format!("one of {}", names.join(", "))
}

fn all_of(names: &[&str]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() && names.len() <= 8 => format!("{} and {last}", all.join(", ")),
        [only] => (*only).to_owned(),
        _ => "keys".to_owned(),
    }
}

fn single<'a, 'b>(members: &'a Members<'b>) -> Option<&'a Member<'b>> {
    let mut members = members.iter();
    members.next().filter(|_| members.next().is_none())
}

struct List<'a> {
    place: Place<'a>,
    values: std::iter::Enumerate<std::slice::Iter<'a, Node<'a>>>,
}

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some((index, node)) = self.values.next() else { return Ok(None) };
        let at = self.place.at.index(index);
        seed.deserialize(Place { node, at, notes: self.place.notes }).map(Some)
    }
}

struct Entries<'a> {
    place: Place<'a>,
    members: std::slice::Iter<'a, Member<'a>>,
    /// The known keys; `None` if any key is allowed.
    known: Option<&'static [&'static str]>,
    next: Option<&'a Member<'a>>,
}

impl Entries<'_> {
    fn unknown(&self, member: &Member<'_>, known: &'static [&'static str]) -> Result<(), Wrong> {
        let wrong: Wrong = de::Error::unknown_field(&member.key, known);
        let wrong = wrong.within(&self.place.at, member.span);
        let mut mistakes = self.place.notes.mistakes.borrow_mut();
        if mistakes.len() >= MOST_MISTAKES {
            return Err(wrong);
        }
        mistakes.push(wrong.mistake);
        Ok(())
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        while let Some(member) = self.members.next() {
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
            return read.map_err(|wrong: Wrong| wrong.within(&self.place.at, member.span));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let member = self.next.take().ok_or_else(|| Wrong::custom("a value without a key"))?;
        let at = self.place.at.key(&member.key);
        let read = seed.deserialize(Place { node: &member.node, at, notes: self.place.notes });
        // A large value is shown by its key.
        read.map_err(
            |wrong| if wrong.mistake.span == member.node.span { pointing(wrong, member) } else { wrong },
        )
    }
}

/// The place of a map or list is its key, because its own range is many lines.
fn pointing(mut wrong: Wrong, member: &Member<'_>) -> Wrong {
    if matches!(member.node.value, Value::Map(_) | Value::List(_) | Value::Null) {
        wrong.mistake.span = member.span;
    }
    wrong
}

/// A variant that is written as a word.
struct Word<'a>(&'a str);

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

struct Variant<'a> {
    place: Place<'a>,
    member: &'a Member<'a>,
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
        Ok((name.map_err(|wrong: Wrong| wrong.within(&self.place.at, self.member.span))?, self))
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
