//! Leaves: values with one text form, and leaves as the user gave them, valid or not.

use std::fmt::{self, Debug, Display};
use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// A value with exactly one text form, which it reads and writes (also through serde).
///
/// Every leaf satisfies `parse(value.to_string()) == Ok(value)`, unless [`Leaf::check`] refuses the value.
pub trait Leaf: Clone + Debug + Display + PartialEq + Sized {
    /// The kind of value in a person's words: `machine name`.
    const WHAT: &'static str;

    /// A valid text.
    const EXAMPLE: &'static str;

    /// The group that names a finding about an invalid value.
    const GROUP: LeafGroup = LeafGroup::Other;

    /// The noun of a cloud that it names. A draft that has such a name refers to the noun, which must be there.
    const NOUN: Option<Noun> = None;

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// Explains what is wrong with the text and what would be right.
    fn parse(text: &str) -> Result<Self, LeafError>;

    /// Whether a value from a typed constructor is valid; by default it is.
    ///
    /// # Errors
    ///
    /// Explains what is wrong with the value and what would be right, as [`Leaf::parse`] does for its text.
    fn check(&self) -> Result<(), LeafError> {
        Ok(())
    }

    /// Whether the leaf is a number in a file (`cpus: 2`) and not a string.
    fn is_number() -> bool {
        false
    }

    /// The name as text, if it names a noun.
    fn as_name(&self) -> &str {
        ""
    }

    /// The Rust expression that makes it, as `2.gib()`, where that is not its text or its number.
    fn to_rust(&self) -> Option<String> {
        None
    }

    /// The JSON Schema of the leaf.
    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        text_schema::<Self>(None, None)
    }
}

/// The groups of leaves whose findings have a kind of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeafGroup {
    /// A name.
    Name,
    /// An amount of bytes.
    Size,
    /// An address, a subnet or a range of addresses.
    Address,
    /// Anything else.
    Other,
}

/// A noun that a cloud has by name, and that other parts refer to by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Noun {
    /// A hypervisor.
    Host,
    /// A network.
    Network,
    /// A machine.
    Machine,
}

/// Why a text is not a valid leaf: a fragment that says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct LeafError {
    why: String,
    mends: bool,
    shown: Option<&'static str>,
}

impl LeafError {
    /// An error about a text that may be shown to anyone: what is wrong with it. The finding adds the leaf's
    /// example.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), mends: false, shown: None }
    }

    /// An error that already says what would be right, as `it has no prefix length: write 10.17.3.0/24`.
    pub fn mending(why: impl Into<String>) -> Self {
        Self { mends: true, ..Self::new(why) }
    }

    /// The error for a text that may be a secret: every message shows `shown` instead of the text.
    #[must_use]
    pub fn hiding(self, shown: &'static str) -> Self {
        Self { shown: Some(shown), ..self }
    }

    /// The error with words before it, for a leaf that is a part of another one.
    #[must_use]
    pub(crate) fn before(self, words: &str) -> Self {
        Self { why: format!("{words}{}", self.why), ..self }
    }

    /// Whether the error already says what would be right.
    pub fn mends(&self) -> bool {
        self.mends
    }

    /// The mistake, and its help.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The refused text in the form that may be shown.
    pub fn shown<'a>(&self, text: &'a str) -> &'a str {
        self.shown.unwrap_or(text)
    }
}

/// A leaf as the user gave it: the value, or the text and why it is wrong.
///
/// Creating one never fails, so that a draft can be written without `?`; checking a cloud reports every
/// invalid one.
///
/// ```
/// use fmc_core::given::Given;
/// use fmc_core::name::MachineName;
///
/// let right: Given<MachineName> = "web".into();
/// let wrong: Given<MachineName> = "helper_node".into();
/// assert_eq!(right.ok(), Some(&MachineName::literal("web")));
/// let (text, why) = wrong.wrong().unwrap();
/// assert_eq!(text, "helper_node");
/// assert!(why.ends_with("try helper-node"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Given<T> {
    /// The value.
    Right(T),
    /// An invalid text of the user's.
    Wrong {
        /// The text as it may be shown: a substitute if it may be a secret.
        text: String,
        /// The reason why it is wrong.
        why: String,
        /// Whether `why` also says what would be right.
        mends: bool,
    },
}

impl<T> Given<T> {
    /// The value, if it is valid.
    pub fn ok(&self) -> Option<&T> {
        match self {
            Self::Right(value) => Some(value),
            Self::Wrong { .. } => None,
        }
    }

    /// The text and why it is wrong, if it is.
    pub fn wrong(&self) -> Option<(&str, &str)> {
        match self {
            Self::Right(_) => None,
            Self::Wrong { text, why, .. } => Some((text, why)),
        }
    }
}

impl<T: Leaf> Given<T> {
    /// Reads a text; an invalid text is kept with the reason.
    pub fn text(text: &str) -> Self {
        T::parse(text).map_or_else(|error| Self::refused(text, error), Self::Right)
    }

    /// Keeps the value of a typed constructor, or the reason if the leaf refuses it.
    pub fn value(value: T) -> Self {
        match value.check() {
            Ok(()) => Self::Right(value),
            Err(error) => Self::refused(&value.to_string(), error),
        }
    }

    fn refused(text: &str, error: LeafError) -> Self {
        Self::Wrong { text: error.shown(text).to_owned(), why: error.why, mends: error.mends }
    }
}

/// A missing leaf: an empty text, which is invalid for every leaf. It stands for a missing field of a file,
/// and for a name until its key is known.
impl<T: Leaf> Default for Given<T> {
    fn default() -> Self {
        let why = format!("it is missing: give the {}, for example {}", T::WHAT, T::EXAMPLE);
        Self::Wrong { text: String::new(), why, mends: true }
    }
}

impl<T: Display> Display for Given<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right(value) => Display::fmt(value, f),
            Self::Wrong { text, .. } => f.pad(text),
        }
    }
}

impl<T: Leaf> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self::value(value)
    }
}

impl<T: Leaf> From<&T> for Given<T> {
    fn from(value: &T) -> Self {
        Self::value(value.clone())
    }
}

impl<T: Leaf> From<&Self> for Given<T> {
    fn from(given: &Self) -> Self {
        given.clone()
    }
}

impl<T: Leaf> From<&str> for Given<T> {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl<T: Leaf> From<String> for Given<T> {
    fn from(text: String) -> Self {
        Self::text(&text)
    }
}

impl<T: Leaf> From<&String> for Given<T> {
    fn from(text: &String) -> Self {
        Self::text(text)
    }
}

impl<T: Leaf> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Right(value) => serialize(value, serializer),
            Self::Wrong { text, .. } => serializer.serialize_str(text),
        }
    }
}

impl<'de, T: Leaf> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor(PhantomData))
    }
}

/// Takes any scalar as its text, so that a leaf of the wrong type is one finding among others and does not
/// end the reading.
struct GivenVisitor<T>(PhantomData<T>);

impl<T: Leaf> Visitor<'_> for GivenVisitor<T> {
    type Value = Given<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, for example {}", T::WHAT, T::EXAMPLE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Given<T>, E> {
        Ok(Given::text(text))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Given<T>, E> {
        Ok(Given::text(&value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Given<T>, E> {
        Ok(Given::text(&value.to_string()))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Given<T>, E> {
        Ok(Given::text(&value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Given<T>, E> {
        Ok(Given::text(&value.to_string()))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Given<T>, E> {
        Ok(Given::text(&value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Given<T>, E> {
        // `Debug` keeps the point of 2.0, so that it is not read as the whole number 2.
        Ok(Given::text(&format!("{value:?}")))
    }
}

#[cfg(feature = "schema")]
impl<T: Leaf> schemars::JsonSchema for Given<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        type_name::<T>().into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::schema()
    }
}

/// Writes a leaf as its text, or as a number if the leaf is one.
pub(crate) fn serialize<T: Leaf, S: Serializer>(leaf: &T, serializer: S) -> Result<S::Ok, S::Error> {
    if T::is_number()
        && let Ok(number) = leaf.to_string().parse::<u64>()
    {
        return serializer.serialize_u64(number);
    }
    serializer.collect_str(leaf)
}

/// Reads a leaf from any scalar; an invalid one is an error with its reason.
pub(crate) fn deserialize<'de, T: Leaf, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    match Given::<T>::deserialize(deserializer)? {
        Given::Right(value) => Ok(value),
        Given::Wrong { text, why, .. } => {
            Err(de::Error::custom(format_args!("{text:?} is not a valid {}: {why}", T::WHAT)))
        }
    }
}

/// The last part of a type's path: `MachineName`.
#[cfg(feature = "schema")]
pub(crate) fn type_name<T>() -> &'static str {
    let path = std::any::type_name::<T>();
    path.rsplit("::").next().unwrap_or(path)
}

/// The schema of a leaf that is a string, with its pattern and greatest length if it has them.
#[cfg(feature = "schema")]
pub(crate) fn text_schema<T: Leaf>(pattern: Option<&str>, max: Option<usize>) -> schemars::Schema {
    let mut schema =
        schemars::json_schema!({ "type": "string", "description": T::WHAT, "examples": [T::EXAMPLE] });
    if let Some(pattern) = pattern {
        schema.insert("pattern".to_owned(), pattern.into());
    }
    if let Some(max) = max {
        schema.insert("minLength".to_owned(), 1.into());
        schema.insert("maxLength".to_owned(), max.into());
    }
    schema
}

/// The schema of a leaf that is a number.
#[cfg(feature = "schema")]
pub(crate) fn number_schema<T: Leaf>(min: u64, max: u64) -> schemars::Schema {
    let example: u64 = T::EXAMPLE.parse().unwrap_or(min);
    schemars::json_schema!({
        "type": "integer", "description": T::WHAT, "minimum": min, "maximum": max, "examples": [example]
    })
}

/// The traits of every leaf in addition to [`Leaf`]: `FromStr`, serde and a schema, all through its text
/// form.
macro_rules! leaf_traits {
    ($leaf:ty) => {
        impl std::str::FromStr for $leaf {
            type Err = $crate::given::LeafError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                <Self as $crate::given::Leaf>::parse(text)
            }
        }

        impl serde::Serialize for $leaf {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::given::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $leaf {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::given::deserialize(deserializer)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $leaf {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $crate::given::type_name::<Self>().into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                std::any::type_name::<Self>().into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <Self as $crate::given::Leaf>::schema()
            }
        }
    };
}
pub(crate) use leaf_traits;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Asserts that a leaf, its text and its form in a file are the same value.
    pub(crate) fn reads_back<T: Leaf>(leaf: &T) {
        assert_eq!(T::parse(&leaf.to_string()).as_ref(), Ok(leaf));
        let given = Given::value(leaf.clone());
        let file = serde_json::to_value(&given).unwrap();
        assert_eq!(file.is_number(), T::is_number());
        assert_eq!(serde_json::from_value::<Given<T>>(file).unwrap(), given);
    }

    /// Asserts that a text is refused or reads back, and that a draft never panics on it.
    pub(crate) fn refused_or_reads_back<T: Leaf>(text: &str) {
        match Given::<T>::from(text) {
            Given::Right(leaf) => reads_back(&leaf),
            Given::Wrong { why, .. } => assert!(!why.is_empty()),
        }
    }

    #[test]
    fn a_missing_leaf_is_wrong() {
        #[derive(Deserialize)]
        struct Machine {
            #[serde(default)]
            name: Given<crate::name::MachineName>,
        }
        let machine: Machine = serde_json::from_str("{}").unwrap();
        assert_eq!(
            machine.name.wrong(),
            Some(("", "it is missing: give the machine name, for example master1"))
        );
    }
}
