//! `/etc/rancher/k3s/config.yaml` as a value.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::key::{Fits, FlagType, Key, List, Setting, Takes};
use super::piece::{Piece, pieces};
use super::value::{Duration, Line};
use crate::draft::{self, Look};
use crate::finding::{At, Finding, problems};
use crate::given::{Given, Leaf as _};
use crate::rust::{Expr, Names, Unsaid, quoted};
use crate::secret::Secret;
use crate::template::Encoding;
use crate::yaml::Node;

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Integer(u64),
    /// A text.
    Text(String),
    /// Texts.
    List(Vec<String>),
    /// A secret, which is one line of text.
    Secret(Secret),
}

/// The keys of a `config.yaml` with their values.
///
/// In a file it is a map with K3s's own names. A name that K3s does not know is refused.
///
/// ```
/// use fmc_core::k3s::{Config, Piece, key};
///
/// let config = Config::new()
///     .set(key::HTTPS_LISTEN_PORT, 6443)
///     .set(key::WRITE_KUBECONFIG_MODE, "0640")
///     .set(key::KUBELET_ARG, ["max-pods=200", "serialize-image-pulls=false"]);
/// let yaml = "https-listen-port: 6443\nkubelet-arg:\n- \"max-pods=200\"\n- \"serialize-image-pulls=false\"\nwrite-kubeconfig-mode: \"0640\"\n";
/// assert_eq!(config.pieces(), [Piece::Text(yaml.to_owned())]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config(BTreeMap<Key, Value>);

impl Config {
    /// Where K3s reads it.
    pub const PATH: &'static str = "/etc/rancher/k3s/config.yaml";

    /// An empty configuration: K3s's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key. A value that it had is replaced.
    #[must_use]
    pub fn set<T>(mut self, setting: Setting<T>, value: impl Fits<T>) -> Self {
        self.0.insert(setting.key(), value.into_value());
        self
    }

    /// Appends values to the list of a key, without those that it already has.
    #[must_use]
    pub fn add<T>(mut self, setting: Setting<List<T>>, values: impl Fits<List<T>>) -> Self {
        self.join(setting.key(), values.into_value());
        self
    }

    /// Merges another one into this: the other's values replace, and its lists are appended.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (key, value) in other.0 {
            self.join(key, value);
        }
        self
    }

    /// Only the keys that agents take: they skip the rest as unknown keys.
    #[must_use]
    pub fn for_agents(&self) -> Self {
        self.taken(|takes| takes != Takes::Servers)
    }

    /// Only the keys that servers take: they skip the rest as unknown keys.
    #[must_use]
    pub fn for_servers(&self) -> Self {
        self.taken(|takes| takes != Takes::Agents)
    }

    fn taken(&self, is_taken: impl Fn(Takes) -> bool) -> Self {
        let taken = self.0.iter().filter(|(key, _)| is_taken(key.takes()));
        Self(taken.map(|(key, value)| (*key, value.clone())).collect())
    }

    /// The value of a key.
    pub fn get(&self, key: Key) -> Option<&Value> {
        self.0.get(&key)
    }

    /// The texts of a list; none if the key is not set.
    pub(crate) fn texts(&self, key: Key) -> &[String] {
        match self.get(key) {
            Some(Value::List(texts)) => texts,
            _ => &[],
        }
    }

    /// The keys that are set and their values, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Value)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it contains a secret, so that only root may read the file.
    pub fn has_secrets(&self) -> bool {
        self.0.values().any(|value| matches!(value, Value::Secret(_)))
    }

    /// The file, in YAML.
    pub fn pieces(&self) -> Vec<Piece> {
        let members = self.0.iter().filter(|(_, value)| !value.is_nothing());
        pieces(&Node::Map(members.map(|(key, value)| (key.as_str(), value.node())).collect()))
    }

    /// Every value that its key does not take, or that K3s refuses to start with.
    pub fn check(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        for (key, value) in &self.0 {
            let at = at.key(key.as_str());
            let look = key.entry().check;
            match value {
                Value::Flag(_) => {}
                Value::Integer(number) => look(&number.to_string(), &at, findings),
                Value::Text(text) => {
                    look(text, &at, findings);
                    if key.flag_type() == FlagType::Duration
                        && Duration::parse(text).is_ok_and(|time| time.as_millis() == 0)
                    {
                        findings.push(ConfigProblem::ZeroTime { key: *key }.at(at));
                    }
                }
                Value::List(texts) => {
                    for (index, text) in texts.iter().enumerate() {
                        look(text, &at.index(index), findings);
                    }
                }
                Value::Secret(secret) => drop(secret.checked(&at, findings)),
            }
        }
    }

    fn join(&mut self, key: Key, value: Value) {
        match (self.0.get_mut(&key), value) {
            (Some(Value::List(there)), Value::List(more)) => {
                for text in more {
                    if !there.contains(&text) {
                        there.push(text);
                    }
                }
            }
            (_, value) => drop(self.0.insert(key, value)),
        }
    }
}

impl draft::Setting for Config {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.check(at, look.findings);
    }

    /// Each key is a constant of its name in capitals.
    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::new("k3s::Config::new()");
        for (key, value) in &self.0 {
            let value = match value {
                Value::Flag(flag) => flag.to_string(),
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => quoted(text),
                // An empty array needs its type.
                Value::List(texts) if texts.is_empty() => "[\"\"; 0]".to_owned(),
                Value::List(texts) => draft::Setting::rust(texts, names)?.line(),
                Value::Secret(secret) => draft::Setting::rust(secret, names)?.line(),
            };
            let constant = key.as_str().to_uppercase().replace('-', "_");
            on.call("set", format!("k3s::key::{constant}, {value}"));
        }
        Ok(on)
    }
}

impl Value {
    /// An empty list has no effect, and block YAML has no form for it.
    fn is_nothing(&self) -> bool {
        matches!(self, Self::List(texts) if texts.is_empty())
    }

    fn node(&self) -> Node<'_, Secret> {
        match self {
            Self::Flag(flag) => Node::Flag(*flag),
            Self::Integer(number) => Node::Number(*number),
            Self::Text(text) => Node::text(text),
            Self::List(texts) => Node::List(texts.iter().map(Node::text).collect()),
            Self::Secret(secret) => Node::Hole(secret, Encoding::JsonString),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Integer(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(texts) => texts.serialize(serializer),
            Self::Secret(secret) => secret.serialize(serializer),
        }
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ConfigVisitor)
    }
}

struct ConfigVisitor;

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = Config;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map by keys of K3s's config.yaml")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
        let mut config = Config::new();
        while let Some(key) = map.next_key::<Key>()? {
            let value = map.next_value_seed(ValueOf(key))?;
            if config.0.insert(key, value).is_some() {
                return Err(de::Error::custom(format_args!("the key `{key}` occurs twice")));
            }
        }
        Ok(config)
    }
}

/// Reads the value of a key by its type; a wrong leaf is kept, and `check` reports it.
struct ValueOf(Key);

impl<'de> DeserializeSeed<'de> for ValueOf {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0.flag_type() {
            _ if self.0.is_secret() => Secret::deserialize(deserializer).map(Value::Secret),
            FlagType::Bool => bool::deserialize(deserializer).map(Value::Flag),
            FlagType::StringSlice => deserializer.deserialize_any(ListVisitor(self.0)),
            FlagType::Int | FlagType::Duration | FlagType::String => {
                // A line takes any scalar as its text.
                Ok((self.0.entry().read)(&Given::<Line>::deserialize(deserializer)?.to_string()))
            }
        }
    }
}

/// A list of texts, or a single one.
struct ListVisitor(Key);

impl ListVisitor {
    fn text(&self, text: &str) -> String {
        match (self.0.entry().read)(text) {
            Value::Text(text) => text,
            _ => text.to_owned(),
        }
    }
}

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::List(vec![self.text(text)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(given) = values.next_element::<Given<Line>>()? {
            texts.push(self.text(&given.to_string()));
        }
        Ok(Value::List(texts))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Config {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "K3sConfig".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut properties = serde_json::Map::new();
        for key in Key::ALL {
            let mut schema = (key.entry().schema)(generator);
            schema.insert("description".to_owned(), key.doc().into());
            properties.insert(key.as_str().to_owned(), schema.into());
        }
        schemars::json_schema!({
            "type": "object",
            "description": "Keys of K3s's config.yaml, by its own names.",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}

problems! {
    /// Problems with a value of `config.yaml`.
    pub enum ConfigProblem {
        ZeroTime { key: Key } is ValueInvalid:
            "K3s refuses to start when {key} is zero",
            "write, for example, 5m";
    }
}

#[cfg(test)]
mod tests;
