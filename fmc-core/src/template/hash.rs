//! The forms of hashes of passwords.

use std::ops::RangeInclusive;

/// Whether a line is a hash in one of the forms of crypt(5): `$id$…`, with none of the characters that it excludes. A known form
/// has all its parts in their lengths: `$6$salt$abc` was cut, or is a password that looks like a hash.
pub(super) fn is_hash(line: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b":;*!\\".contains(&byte);
    let parts = line.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    parts.is_some_and(|(id, rest)| {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_id && !rest.is_empty() && rest.bytes().all(is_plain) && has_form(id, rest)
    })
}

/// Whether a hash of a known form is whole: the regular expressions of crypt(5).
fn has_form(id: &str, rest: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_base64 = |text: &str, lengths: RangeInclusive<usize>| {
        let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
        lengths.contains(&text.len()) && text.bytes().all(is_one)
    };
    let parts: Vec<&str> = rest.split('$').collect();
    let rounds =
        |text: &str| text.strip_prefix("rounds=").is_some_and(|count| !count.is_empty() && is_digits(count));
    let salted = |parts: &[&str], salt: usize, length: usize| matches!(parts, [own, hash] if (1..=salt).contains(&own.len()) && is_base64(hash, length..=length));
    match (id, parts.as_slice()) {
        ("1", parts) => salted(parts, 8, 22),
        ("5" | "6", parts) => {
            let parts = match parts {
                [first, rest @ ..] if rounds(first) => rest,
                parts => parts,
            };
            salted(parts, 16, if id == "5" { 43 } else { 86 })
        }
        ("2a" | "2b" | "2x" | "2y", [cost, hash]) => {
            cost.len() == 2 && is_digits(cost) && is_base64(hash, 53..=53)
        }
        ("2a" | "2b" | "2x" | "2y", _) => false,
        // The parameters, the salt, which may be empty, and the hash.
        ("y" | "gy", [parameters, salt, hash]) => {
            is_base64(parameters, 1..=usize::MAX) && is_base64(salt, 0..=86) && is_base64(hash, 43..=43)
        }
        ("y" | "gy", _) => false,
        // The parameters and the salt in one, and the hash.
        ("7", [salt, hash]) => is_base64(salt, 11..=97) && is_base64(hash, 43..=43),
        ("7", _) => false,
        _ => true,
    }
}
