//! The user's own parts of a cloud-config: entries behind those of fmc, and keys that fmc does not write.

use serde_json::Value;

use crate::boot::Inside;
use crate::yaml::Node;

/// Keys whose entries come after those of fmc.
pub(crate) const LISTS: [&str; 6] = ["bootcmd", "groups", "packages", "runcmd", "users", "write_files"];

/// Adds the parts of a machine. The check has found what clashes.
pub(super) fn add<'a>(root: &mut Vec<(&'a str, Node<'a>)>, inside: &Inside<'a>) {
    let parts = inside.guest.cloud_config.iter().filter_map(|part| part.value().as_object());
    for (key, value) in parts.flatten() {
        let more: Vec<Node<'a>> = match value {
            Value::Array(values) if LISTS.contains(&key.as_str()) => values.iter().map(entry).collect(),
            _ => {
                root.push((key, entry(value)));
                continue;
            }
        };
        match root.iter_mut().find(|(name, _)| name == key) {
            Some((_, Node::List(all))) => all.extend(more),
            _ => root.push((key, Node::List(more))),
        }
    }
}

/// A value: the members of a map each on their line, and anything deeper on one.
fn entry(value: &Value) -> Node<'_> {
    match value {
        Value::Object(members) if !members.is_empty() => {
            Node::Map(members.iter().map(|(key, value)| (key.as_str(), scalar(value))).collect())
        }
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> Node<'_> {
    match value {
        Value::String(text) => Node::text(text.as_str()),
        other => Node::Flow(other.to_string()),
    }
}
