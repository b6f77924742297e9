//! A mirror in a file: its machine, or a map.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{Body, Mirror};
use crate::given::{Given, Leaf};
use crate::name::MachineName;

/// The map form.
#[derive(serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct MirrorMap {
    /// The machine that it is on.
    machine: Given<MachineName>,
    /// Further files that it serves, besides the cluster's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<Body>,
    /// The program that serves on Fedora CoreOS and Flatcar: Caddy. By default the web server of the system itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<Body>,
}

impl Serialize for Mirror {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_plain() {
            return self.machine.serialize(serializer);
        }
        let Self { machine, files, server } = self.clone();
        MirrorMap { machine, files, server }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Mirror {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MirrorVisitor)
    }
}

struct MirrorVisitor;

impl<'de> Visitor<'de> for MirrorVisitor {
    type Value = Mirror;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, example) = (MachineName::WHAT, MachineName::EXAMPLE);
        write!(f, "a {what}, for example {example}, or a map with `machine`, `files` and `server`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Mirror, E> {
        Ok(Mirror::on(text))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Mirror, E> {
        Ok(Mirror::on(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Mirror, E> {
        Ok(Mirror::on(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Mirror, E> {
        Ok(Mirror::on(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Mirror, E> {
        Ok(Mirror::on(value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mirror, A::Error> {
        let MirrorMap { machine, files, server } = MirrorMap::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Mirror { machine, files, server })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Mirror {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BootstrapMirror".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A mirror: the machine that it is on, or a map with `machine`, `files` and `server`.",
            "anyOf": [generator.subschema_for::<Given<MachineName>>(), generator.subschema_for::<MirrorMap>()],
        })
    }
}
