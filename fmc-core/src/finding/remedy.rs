//! Settings that a help names, in the words of the format that the author writes.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The format that the author of a cloud writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Words {
    /// A program.
    #[default]
    Rust,
    /// A file: YAML, TOML or JSON; settings are written as in YAML.
    File,
}

/// A setting that a help names.
///
/// ```
/// use fmc_core::finding::{Remedy, Words};
///
/// let address = Remedy::set("address", "10.17.4.21");
/// assert_eq!(address.said(Words::File), "`address: 10.17.4.21`");
/// assert_eq!(address.said(Words::Rust), "`.address(\"10.17.4.21\")`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// As a file says it.
    pub file: Cow<'static, str>,
    /// As a program says it.
    pub rust: Cow<'static, str>,
}

impl Remedy {
    /// A setting by its key and an example in the form of a file: a text, a number, `true`, or a list as `[10.17.3.1]`.
    pub fn set(key: &str, example: impl fmt::Display) -> Self {
        let example = example.to_string();
        Self {
            rust: format!(".{key}({})", literal(&example)).into(),
            file: format!("{key}: {example}").into(),
        }
    }

    /// A setting that is called otherwise in a program than in a file.
    pub fn either(file: impl Into<Cow<'static, str>>, rust: impl Into<Cow<'static, str>>) -> Self {
        Self { file: file.into(), rust: rust.into() }
    }

    /// As one of the formats says it, in backquotes.
    pub fn said(&self, words: Words) -> String {
        match words {
            Words::File => format!("`{}`", self.file),
            Words::Rust => format!("`{}`", self.rust),
        }
    }
}

/// Whether a text of a help leaves the settings to remedies: it spells out neither a setter or path of Rust nor a key with a value.
pub(crate) const fn names_no_setting(help: &str) -> bool {
    let mut rest = help.as_bytes();
    let mut is_quoted = false;
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b':', [b':', ..]) | (b'(', [b')', ..]) => return false,
            (b'`', [b'.', ..]) if !is_quoted => return false,
            (b':', [b' ', ..]) if is_quoted => return false,
            (b'`', _) => is_quoted = !is_quoted,
            _ => {}
        }
        rest = tail;
    }
    true
}

/// A value of a file as Rust writes it.
fn literal(value: &str) -> String {
    if let Some(list) = value.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
        let items: Vec<String> = list.split(',').map(|item| literal(item.trim())).collect();
        return format!("[{}]", items.join(", "));
    }
    let is_plain = value.parse::<u64>().is_ok() || matches!(value, "true" | "false" | "…");
    if is_plain { value.to_owned() } else { format!("{:?}", value.trim_matches(['"', '\''])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_leaves_settings_to_remedies() {
        for help in [
            "leave `ready` out",
            "say {resolvers} on the cloud: it is asked there",
            "give it `a` or `b`: one of them",
        ] {
            assert!(names_no_setting(help), "{help}");
        }
        for help in ["say `.host(…)`", "write `host: hv1`", "use Ready::agent", "call agent()"] {
            assert!(!names_no_setting(help), "{help}");
        }
    }

    #[test]
    fn each_format_has_its_own_words() {
        for (key, example, file, rust) in [
            ("default_route", "false", "`default_route: false`", "`.default_route(false)`"),
            ("cpus", "2", "`cpus: 2`", "`.cpus(2)`"),
            ("root_disk", "20 GiB", "`root_disk: 20 GiB`", "`.root_disk(\"20 GiB\")`"),
            ("resolvers", "[10.17.3.1]", "`resolvers: [10.17.3.1]`", "`.resolvers([\"10.17.3.1\"])`"),
        ] {
            let remedy = Remedy::set(key, example);
            assert_eq!((&*remedy.said(Words::File), &*remedy.said(Words::Rust)), (file, rust));
        }
    }
}
