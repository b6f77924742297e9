//! Keys of `/etc/rancher/k3s/config.yaml`: every flag of `k3s server` and `k3s agent` in v1.36.3 (docs.k3s.io, *CLI Tools*),
//! in one table.
//!
//! K3s skips a key that it does not know, with a line in its log and nothing else: a mistyped key silently changes
//! nothing. Here a key is a constant with the type of its value, so that neither can be mistyped.
//!
//! ```
//! use fmc_core::k3s::{Config, key};
//!
//! let config = Config::new()
//!     .set(key::WRITE_KUBECONFIG_MODE, "0640")
//!     .set(key::KUBELET_ARG, ["max-pods=200"])
//!     .set(key::DEBUG, true);
//! # let _ = config;
//! ```
//!
//! A value of another type does not compile:
//!
//! ```compile_fail
//! use fmc_core::k3s::{Config, key};
//!
//! let config = Config::new().set(key::DEBUG, "yes");
//! ```

mod table;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::config::Value;
use super::version::Version;
use crate::finding::{At, Finding};
use crate::given::{Given, Leaf};
use crate::nearest::nearest;
use crate::secret::Secret;

pub use table::*;

/// The type of a value in K3s's own table of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FlagType {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A duration as Go writes it.
    Duration,
    /// A text.
    String,
    /// A list of texts: the flag can be repeated.
    StringSlice,
}

/// The nodes that take a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Takes {
    /// Servers only. An agent skips it as an unknown key.
    Servers,
    /// Servers and agents.
    Both,
    /// Agents only. A server skips it as an unknown key.
    Agents,
}

/// A key together with the type of its value: a leaf, a [`List`] of leaves, `bool`, or a [`Secret`].
pub struct Setting<T> {
    key: Key,
    value: PhantomData<fn() -> T>,
}

impl<T> Setting<T> {
    const fn new(key: Key) -> Self {
        Self { key, value: PhantomData }
    }

    /// The key.
    pub const fn key(&self) -> Key {
        self.key
    }
}

impl<T> Clone for Setting<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Setting<T> {}

impl<T> fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setting").field(&self.key).finish()
    }
}

/// Several leaves of one type: the value of a key that can be repeated.
#[derive(Clone, Copy, Debug)]
pub struct List<T>(PhantomData<T>);

/// A value that fits a [`Setting`] of type `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a key of type `{T}`",
    label = "this key takes a value of type `{T}`"
)]
pub trait Fits<T> {
    /// The value.
    fn into_value(self) -> Value;
}

impl Fits<bool> for bool {
    fn into_value(self) -> Value {
        Value::Flag(self)
    }
}

impl Fits<Secret> for Secret {
    fn into_value(self) -> Value {
        Value::Secret(self)
    }
}

impl<T: Leaf, V: Into<Given<T>>> Fits<T> for V {
    fn into_value(self) -> Value {
        value(&self.into())
    }
}

impl<T: Leaf, I: IntoIterator<Item: Into<Given<T>>>> Fits<List<T>> for I {
    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(|item| item.into().to_string()).collect())
    }
}

/// A leaf, right or wrong, as its text or number: `check` reads it again.
fn value<T: Leaf>(given: &Given<T>) -> Value {
    let text = given.to_string();
    let number = if T::is_number() { given.ok().and_then(|_| text.parse().ok()) } else { None };
    number.map_or(Value::Text(text), Value::Integer)
}

/// The types of values, seen by the table.
trait Typed {
    /// The value of a text.
    fn read(text: &str) -> Value;

    /// A finding for each text that is not what it should be.
    fn check(text: &str, at: &At<'_>, findings: &mut Vec<Finding>);

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema;
}

impl Typed for bool {
    fn read(text: &str) -> Value {
        Value::Flag(text == "true")
    }

    fn check(_: &str, _: &At<'_>, _: &mut Vec<Finding>) {}

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<Self>()
    }
}

impl Typed for Secret {
    fn read(_: &str) -> Value {
        Value::Text(String::new())
    }

    fn check(_: &str, _: &At<'_>, _: &mut Vec<Finding>) {}

    #[cfg(feature = "schema")]
    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<Self>()
    }
}

impl<T: Leaf> Typed for T {
    fn read(text: &str) -> Value {
        value(&Given::<T>::text(text))
    }

    fn check(text: &str, at: &At<'_>, findings: &mut Vec<Finding>) {
        crate::finding::leaf(&Given::<T>::text(text), at, findings);
    }

    #[cfg(feature = "schema")]
    fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <T as Leaf>::schema()
    }
}

impl<T: Leaf> Typed for List<T> {
    fn read(text: &str) -> Value {
        Value::Text(Given::<T>::text(text).to_string())
    }

    fn check(text: &str, at: &At<'_>, findings: &mut Vec<Finding>) {
        crate::finding::leaf(&Given::<T>::text(text), at, findings);
    }

    #[cfg(feature = "schema")]
    fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "array", "items": <T as Leaf>::schema() })
    }
}

/// A row of the table.
pub(super) struct Entry {
    name: &'static str,
    flag: FlagType,
    secret: bool,
    takes: Takes,
    critical: bool,
    hidden: bool,
    deprecated: Option<Key>,
    owner: Option<&'static str>,
    since: Option<&'static str>,
    doc: &'static str,
    pub(super) read: fn(&str) -> Value,
    pub(super) check: fn(&str, &At<'_>, &mut Vec<Finding>),
    #[cfg(feature = "schema")]
    pub(super) schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

impl Entry {
    const fn of<T: Typed>(name: &'static str, flag: FlagType, secret: bool, doc: &'static str) -> Self {
        Self {
            name,
            flag,
            secret,
            takes: Takes::Both,
            critical: false,
            hidden: false,
            deprecated: None,
            owner: None,
            since: None,
            doc,
            read: T::read,
            check: T::check,
            #[cfg(feature = "schema")]
            schema: T::schema,
        }
    }

    const fn servers(mut self) -> Self {
        self.takes = Takes::Servers;
        self
    }

    const fn both(mut self) -> Self {
        self.takes = Takes::Both;
        self
    }

    const fn agents(mut self) -> Self {
        self.takes = Takes::Agents;
        self
    }

    const fn critical(mut self) -> Self {
        self.critical = true;
        self
    }

    const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    const fn deprecated(mut self, instead: Key) -> Self {
        self.deprecated = Some(instead);
        self
    }

    const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    const fn owned(mut self, owner: &'static str) -> Self {
        self.owner = Some(owner);
        self
    }
}

macro_rules! keys {
    ($(
        #[doc = $doc:literal]
        $constant:ident $variant:ident $name:literal $kind:ident $(<$leaf:ty>)?
            $(.$method:ident($($argument:expr)?))+;
    )+) => {
        /// A key of `/etc/rancher/k3s/config.yaml`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Key {
            $(#[doc = concat!("`", $name, "`:", $doc)] $variant,)+
        }

        impl Key {
            /// Every key, in the order of the table, which is the order in a file.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub(in crate::k3s) const fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$variant => const {
                        &keys!(@entry $name, $doc, $kind $(<$leaf>)?)$(.$method($($argument)?))+
                    },)+
                }
            }
        }

        $(
            #[doc = concat!("`", $name, "`:", $doc)]
            pub const $constant: Setting<keys!(@type $kind $(<$leaf>)?)> = Setting::new(Key::$variant);
        )+
    };
    (@type flag) => { bool };
    (@type secret) => { Secret };
    (@type list<$leaf:ty>) => { List<$leaf> };
    (@type $kind:ident<$leaf:ty>) => { $leaf };
    (@entry $name:literal, $doc:literal, flag) => { Entry::of::<bool>($name, FlagType::Bool, false, $doc) };
    (@entry $name:literal, $doc:literal, secret) => { Entry::of::<Secret>($name, FlagType::String, true, $doc) };
    (@entry $name:literal, $doc:literal, list<$leaf:ty>) => {
        Entry::of::<List<$leaf>>($name, FlagType::StringSlice, false, $doc)
    };
    (@entry $name:literal, $doc:literal, text<$leaf:ty>) => {
        Entry::of::<$leaf>($name, FlagType::String, false, $doc)
    };
    (@entry $name:literal, $doc:literal, int<$leaf:ty>) => {
        Entry::of::<$leaf>($name, FlagType::Int, false, $doc)
    };
    (@entry $name:literal, $doc:literal, time<$leaf:ty>) => {
        Entry::of::<$leaf>($name, FlagType::Duration, false, $doc)
    };
}
use keys;

impl Key {
    /// Its name in a file.
    pub const fn as_str(self) -> &'static str {
        self.entry().name
    }

    /// The type of its value in K3s's own table of flags.
    pub const fn flag_type(self) -> FlagType {
        self.entry().flag
    }

    /// Whether its value is a list, because the flag can be repeated.
    pub const fn is_list(self) -> bool {
        matches!(self.entry().flag, FlagType::StringSlice)
    }

    /// The nodes that take it.
    pub const fn takes(self) -> Takes {
        self.entry().takes
    }

    /// Whether its value is a secret, which no file of a cloud holds.
    pub const fn is_secret(self) -> bool {
        self.entry().secret
    }

    /// Whether it must be equal on all servers of a cluster, because a server with another value cannot join
    /// (docs.k3s.io, *High Availability Embedded etcd*) or behaves differently from the others.
    pub const fn is_critical(self) -> bool {
        self.entry().critical
    }

    /// Whether K3s does not list it in its help: it is experimental, or an older name.
    pub const fn is_hidden(self) -> bool {
        self.entry().hidden
    }

    /// The replacement of a key that K3s is about to drop.
    pub const fn instead(self) -> Option<Self> {
        self.entry().deprecated
    }

    /// The first release that is known to have it, of those keys that a supported release does not have.
    pub fn since(self) -> Option<Version> {
        Version::parse(self.entry().since?).ok()
    }

    /// The setting to write instead of a key that fmc derives from the cluster.
    pub const fn owner(self) -> Option<&'static str> {
        self.entry().owner
    }

    /// Its effect, in a sentence.
    pub fn doc(self) -> &'static str {
        self.entry().doc.trim_start()
    }

    /// The key of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.as_str() == name)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key of K3s's config.yaml, for example write-kubeconfig-mode")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Key, E> {
        Key::named(name).ok_or_else(|| {
            let near = nearest(name, Key::ALL.iter().map(|key| key.as_str()));
            let hint = match (name.strip_suffix('+'), near) {
                (Some(bare), _) if Key::named(bare).is_some() => {
                    format!("write `{bare}` with all its values: fmc writes one file")
                }
                (_, Some(near)) => format!("did you mean `{near}`?"),
                _ => "docs.k3s.io lists the keys under CLI Tools, k3s server and k3s agent".to_owned(),
            };
            E::custom(format_args!("the key `{name}` is not known to K3s, which would skip it: {hint}"))
        })
    }
}

#[cfg(test)]
mod tests;
