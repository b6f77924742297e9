//! Things that are said twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::shape::{Field, Shape, Twice};
use super::{Judgement, Path};

/// Looks for elements of lists that are the same thing, in an object and below it.
pub(super) fn judge(
    object: &Map<String, Value>,
    fields: &[Field],
    minor: u8,
    at: &Path<'_>,
    judgement: &mut Judgement,
) {
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for field in fields.iter().filter(|field| field.since <= minor) {
        let Some(value) = object.get(field.name) else { continue };
        let at = at.key(field.name);
        let twice = match field.shape {
            Shape::Texts(twice) | Shape::Objects(_, twice) => twice,
            _ => Twice::Allowed,
        };
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        for (index, element) in list.iter().enumerate() {
            let Some(key) = key(element, twice) else { continue };
            let name = if let Twice::Among(name, _) = twice { name } else { field.name };
            if !seen.entry(name).or_default().insert(key) {
                judgement.error(&at.index(index), "duplicate entry defined");
            }
        }
        match field.shape {
            Shape::Object(fields) => {
                if let Some(object) = value.as_object() {
                    judge(object, fields, minor, &at, judgement);
                }
            }
            Shape::Objects(fields, _) => {
                for (index, object) in list.iter().enumerate() {
                    if let Some(object) = object.as_object() {
                        judge(object, fields, minor, &at.index(index), judgement);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The text that two equal elements of a list have in common; `None` if the list may have equal ones.
fn key(element: &Value, twice: Twice) -> Option<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    match twice {
        Twice::Allowed => None,
        Twice::Same | Twice::Among(_, None) => Some(text(Some(element))),
        Twice::By(key) | Twice::Among(_, Some(key)) => Some(text(element.get(key))),
        Twice::Partition => {
            let number = element.get("number").and_then(Value::as_i64).unwrap_or_default();
            let label = || element.get("label").map(|label| format!("label:{}", text(Some(label))));
            Some(if number == 0 { label().unwrap_or_default() } else { format!("number:{number}") })
        }
    }
}
