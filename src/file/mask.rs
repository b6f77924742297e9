//! The text as it may be shown: what may be a secret is covered.

use super::tree::{Node, Value};

/// Values below these keys are never shown: what is in files and units, passwords, and keys, among which a private one
/// may have been pasted.
const COVERED: [&str; 4] = ["contents", "keys", "password_hash", "secret"];

/// A copy in which values that may be secrets are covered with as many stars. With `all`, every value is: a key that
/// nobody knows may be that of a password.
pub(super) fn covered(text: &str, offset: usize, tree: Option<&Node<'_>>, all: bool) -> String {
    let mut bytes = text.as_bytes().to_vec();
    match tree {
        Some(tree) => cover(tree, offset, all, &mut bytes),
        None => cover_lines(&mut bytes),
    }
    // Stars take the place of whole characters, since a value begins and ends with one.
    String::from_utf8(bytes).unwrap_or_default()
}

fn cover(node: &Node<'_>, offset: usize, all: bool, bytes: &mut [u8]) {
    match &node.value {
        Value::Map(members) => {
            for member in members.iter() {
                cover(&member.node, offset, all || COVERED.contains(&member.key.as_ref()), bytes);
            }
        }
        Value::List(values) => values.iter().for_each(|node| cover(node, offset, all, bytes)),
        _ if all => {
            let range = node.span.range();
            let value = bytes.get_mut(range.start + offset..range.end + offset);
            value.into_iter().flatten().for_each(star);
        }
        _ => {}
    }
}

/// Where nobody knows what is a value: all letters and digits that stand behind the first `:` or `=` of a line, and
/// those of a line that has none.
fn cover_lines(bytes: &mut [u8]) {
    for line in bytes.split_mut(|byte| *byte == b'\n') {
        let key = line.iter().position(|byte| matches!(byte, b':' | b'=')).unwrap_or_default();
        let values = line.get_mut(key..).unwrap_or_default();
        values.iter_mut().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()).for_each(star);
    }
}

fn star(byte: &mut u8) {
    if !byte.is_ascii_whitespace() {
        *byte = b'*';
    }
}
