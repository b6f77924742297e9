//! Masks a text for display: values that may be secrets are replaced by stars.

use super::tree::{Node, Value};

/// Values below these keys are never shown: contents of files and units, passwords, and keys, because a private key may
/// have been pasted. The second half has the keys of Ignition, Butane and cloud-config.
const COVERED: [&str; 14] = [
    "contents",
    "keys",
    "password_hash",
    "secret",
    "append",
    "chpasswd",
    "content",
    "hashed_passwd",
    "keyFile",
    "key_file",
    "passwd",
    "passwordHash",
    "password",
    "plain_text_passwd",
];

/// A copy in which values that may be secrets are replaced by stars of the same length. With `all`, every value is
/// replaced: an unknown key may hold a password.
pub(super) fn covered(text: &str, offset: usize, tree: Option<&Node<'_>>, all: bool) -> String {
    let mut bytes = text.as_bytes().to_vec();
    match tree {
        Some(tree) => cover(tree, offset, all, &mut bytes),
        None => cover_lines(&mut bytes),
    }
    // Values begin and end at character boundaries, so whole characters are replaced.
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

/// For text without known values: all letters and digits after the first `:` or `=` of a line, or of the whole line if
/// it has neither.
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
