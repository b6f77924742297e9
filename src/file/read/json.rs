//! Values whose types the file says and no type of fmc does: a part of a foreign format, as an object of Kubernetes.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::wrong::Wrong;
use crate::file::tree::{Node, Value};

/// A node of a foreign format.
#[derive(Clone, Copy)]
pub(super) struct Foreign<'a> {
    pub(super) node: &'a Node<'a>,
    pub(super) scalars: Scalars,
}

/// What the scalars of a foreign format are.
#[derive(Clone, Copy)]
pub(super) enum Scalars {
    /// Values of the types of JSON, or of the core schema of YAML 1.2 (§10.3.2).
    Typed,
    /// Texts as they are written: what reads the format knows their types.
    Texts,
}

impl<'de> Deserializer<'de> for Foreign<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let part = |node| Foreign { node, ..self };
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Text(text) => visitor.visit_str(text),
            Value::Number(text) | Value::Plain(text) => match self.scalars {
                Scalars::Typed => scalar(text, visitor),
                Scalars::Texts => visitor.visit_str(text),
            },
            Value::List(values) => visitor.visit_seq(SeqDeserializer::new(values.iter().map(part))),
            Value::Map(members) => {
                let members = members.iter().map(|member| (member.key.as_ref(), part(&member.node)));
                visitor.visit_map(MapDeserializer::new(members))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Wrong> for Foreign<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn scalar<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Wrong> {
    match text {
        "true" | "True" | "TRUE" => return visitor.visit_bool(true),
        "false" | "False" | "FALSE" => return visitor.visit_bool(false),
        _ => {}
    }
    let of_radix = |prefix, radix| {
        let digits = text.strip_prefix(prefix)?;
        i64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']))
    };
    let whole = of_radix("0x", 16).or_else(|| of_radix("0o", 8)).or_else(|| text.parse().ok());
    if let Some(whole) = whole {
        return visitor.visit_i64(whole);
    }
    if let Ok(whole) = text.parse() {
        return visitor.visit_u64(whole);
    }
    // Rust reads `inf` and `nan` too, which are texts here.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match text.parse::<f64>().ok().filter(|number| is_number && number.is_finite()) {
        Some(number) => visitor.visit_f64(number),
        None => visitor.visit_str(text),
    }
}
