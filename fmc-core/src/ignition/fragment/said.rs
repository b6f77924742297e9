//! Ignition's keys and paths in the words of a fragment.

use std::fmt::Write as _;

use serde_json::Value;

/// A key of Ignition as Butane writes it: `sshAuthorizedKeys` is `ssh_authorized_keys`, `sizeMiB` is `size_mib`.
pub(super) fn snake(key: &str) -> String {
    let key = key.replace("MiB", "Mib");
    let mut snake = String::with_capacity(key.len() + 4);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A path of a judgement, as `$.storage.files.0.path`, in a fragment's own words: as far as the fragment has it.
pub(super) fn path(judged: &str, fragment: &Value, is_butane: bool) -> String {
    let mut said = String::new();
    let mut here = fragment;
    for part in judged.split('.').skip(1) {
        let next = match here {
            Value::Array(list) => {
                part.parse::<usize>().ok().and_then(|index| list.get(index)).inspect(|_| {
                    // Writing to a String cannot fail.
                    let _ = write!(said, "[{part}]");
                })
            }
            Value::Object(members) => {
                let key = if is_butane { snake(part) } else { part.to_owned() };
                // The source of a content may have been said in another way.
                let keys = [key.as_str(), "inline", "local"];
                let count = if key == "source" { keys.len() } else { 1 };
                let found = keys.iter().take(count).find_map(|key| Some((*key, members.get(*key)?)));
                found.map(|(key, value)| {
                    if !said.is_empty() {
                        said.push('.');
                    }
                    said.push_str(key);
                    value
                })
            }
            _ => None,
        };
        let Some(next) = next else { break };
        here = next;
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_those_of_butane() {
        let cases = [
            ("sshAuthorizedKeys", "ssh_authorized_keys"),
            ("sizeMiB", "size_mib"),
            ("typeGuid", "type_guid"),
            ("tpm2", "tpm2"),
            ("httpResponseHeaders", "http_response_headers"),
        ];
        for (key, said) in cases {
            assert_eq!(snake(key), said);
        }
    }

    #[test]
    fn a_path_ends_where_the_fragment_does() {
        let butane = json!({"storage": {"files": [{"path": "/a", "contents": {"inline": "x"}}]}});
        let cases = [
            ("$.storage.files.0.contents.source", "storage.files[0].contents.inline"),
            ("$.storage.files.0.mode", "storage.files[0]"),
            ("$.systemd.units.0", ""),
        ];
        for (judged, said) in cases {
            assert_eq!(path(judged, &butane, true), said);
        }
    }
}
