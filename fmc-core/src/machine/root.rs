//! A root disk in a file: its size, or a map.
//!
//! Most people write `root_disk: 20 GiB`; the map has the other settings.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::Root;
use crate::disk::Allocation;
use crate::draft::{Look, Setting, rule};
use crate::field::is_default;
use crate::finding::At;
use crate::given::{Given, Leaf};
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::Size;

/// The map form.
#[derive(serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Map {
    /// Its size.
    size: Given<Size>,
    /// How it takes space: `thin` by default, or `full`.
    #[serde(default, skip_serializing_if = "is_default")]
    allocation: Allocation,
}

impl Serialize for Root {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.allocation == Allocation::Thin {
            return self.size.serialize(serializer);
        }
        Map { size: self.size.clone(), allocation: self.allocation }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Root {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RootVisitor)
    }
}

struct RootVisitor;

impl<'de> Visitor<'de> for RootVisitor {
    type Value = Root;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}, for example {}, or a map with `size` and `allocation`", Size::WHAT, Size::EXAMPLE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Root, E> {
        Ok(Root::new(text))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Root, E> {
        Ok(Root::new(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Root, E> {
        Ok(Root::new(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Root, E> {
        Ok(Root::new(value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Root, A::Error> {
        let Map { size, allocation } = Map::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Root { size, allocation })
    }
}

impl Setting for Root {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        let Self { size, allocation } = self;
        let below = at.key("size");
        let at = if *allocation == Allocation::Thin { at } else { &below };
        size.look(at, look);
        rule::in_sectors(size, at, look.findings);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut root = Expr::of("Root::new", vec![self.size.rust(names)?]);
        self.allocation.say("fully_allocated", &mut root, names)?;
        Ok(root)
    }

    fn say(&self, _: &str, machine: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        match self.allocation {
            Allocation::Thin => machine.nest("root_disk", self.size.rust(names)?),
            Allocation::Full => machine.nest("root", self.rust(names)?),
        }
        Ok(())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Root {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Root".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A root disk: its size, or a map with `size` and `allocation`.",
            "anyOf": [generator.subschema_for::<Given<Size>>(), generator.subschema_for::<Map>()],
        })
    }
}
