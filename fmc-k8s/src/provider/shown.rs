//! Values in the lines of a plan and of drift. Which may be a secret is not shown.

use std::collections::BTreeMap;

use fmc_core::count::counted;
use fmc_core::finding::NameList;
use fmc_core::graph::Address;
use serde_json::Value;

use super::data;
use crate::compare::{Difference, plain};
use crate::kind;
use crate::manifest;
use crate::object::ApiObject;
use crate::secret::{AS_WANTED, GENERATIONS, OTHER};

const HIDDEN: &str = "(not shown)";

/// Both values of a difference. Of another hand's nothing is shown that a program reads: it may be a secret under any name.
pub(super) fn both(of: &Difference) -> (Option<String>, Option<String>) {
    let from = of
        .from
        .as_ref()
        .map(|value| if is_read(&of.path, value) { HIDDEN.to_owned() } else { shown(&of.path, value) });
    let to = of.to.as_ref().map(|value| shown(&of.path, value));
    let texts = of.from.as_ref().and_then(Value::as_str).zip(of.to.as_ref().and_then(Value::as_str));
    let texts = texts.filter(|(before, after)| before.contains('\n') && after.contains('\n'));
    if let Some((before, after)) = texts.filter(|_| of.path.starts_with("data[") && !is_secret(&of.path)) {
        let (from, to) = lines(before, after).unwrap_or_else(|| (HIDDEN.to_owned(), HIDDEN.to_owned()));
        return (Some(from), Some(to));
    }
    match (&of.from, &of.to, from, to) {
        (Some(before), Some(after), Some(from), Some(to)) if from == to && from != HIDDEN => {
            if plain(before) == plain(after) {
                // A text and a number that read alike.
                return (Some(short(&before.to_string())), Some(short(&after.to_string())));
            }
            let (before, after) = (plain(before), plain(after));
            (Some(apart(&before, &after)), Some(apart(&after, &before)))
        }
        (_, _, from, to) => (from, to),
    }
}

/// The first lines in which two texts of several lines differ; `None` if one of them may be a secret.
fn lines(before: &str, after: &str) -> Option<(String, String)> {
    let alike = before.lines().zip(after.lines()).take_while(|(one, other)| one == other).count();
    let line = |text: &str| {
        let may_be_secret = |text: &str| has_secret(text) || is_secret(text);
        let is_open = !text.contains("PRIVATE KEY") && !around(text, alike).into_iter().any(may_be_secret);
        is_open.then(|| short(text.lines().nth(alike).unwrap_or_default().trim()))
    };
    Some((line(before)?, line(after)?))
}

/// A line with those whose words tell what it is: the one before it, those that it stands below by its indentation, as in YAML, and the
/// last `[section]` before it.
fn around(text: &str, at: usize) -> Vec<&str> {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = text.lines().take(at + 1).collect();
    let (line, before) = match lines.split_last() {
        Some((line, before)) if lines.len() == at + 1 => (*line, before),
        // The text ends before it.
        _ => ("", lines.as_slice()),
    };
    let mut all: Vec<&str> = [line].into_iter().chain(before.last().copied()).collect();
    let mut inside = indentation(line);
    for above in before.iter().rev().filter(|above| !above.trim().is_empty()) {
        if indentation(above) < inside {
            inside = indentation(above);
            all.push(above);
        }
    }
    all.extend(before.iter().rev().find(|above| above.trim_start().starts_with('[')));
    all
}

/// A long value from a little before the place where it differs from another one.
fn apart(text: &str, other: &str) -> String {
    const BEFORE: usize = 12;
    let alike = text.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    match alike.saturating_sub(BEFORE) {
        0 => short(text),
        skipped => format!("…{}", short(&text.chars().skip(skipped).collect::<String>())),
    }
}

/// Fields that name a Secret or a key of one.
const NAMES: [&str; 4] = ["secretKeyRef.name", "secretKeyRef.key", ".secretName", ".secretRef.name"];

/// A value at a path in a line of a plan. What may be a secret by its name is not shown.
fn shown(path: &str, value: &Value) -> String {
    let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
    let text = plain(value);
    // Names and generations, which tell no bytes.
    let is_name = NAMES.iter().any(|name| path.ends_with(name)) && value.is_string();
    if is_name || path.ends_with(&format!("[{GENERATIONS}]")) {
        return short(&text);
    }
    if [AS_WANTED, OTHER].contains(&text.as_str()) || is_secret(path) || is_secret(name) || has_secret(&text)
    {
        HIDDEN.to_owned()
    } else {
        short(&text)
    }
}

/// Whether a part of an object has values for a program in it, as those of variables and arguments: any may be a secret.
fn has_values(part: &Value) -> bool {
    const VALUES: [&str; 9] = [
        "value",
        "args",
        "command",
        "data",
        "stringData",
        "httpGet",
        "httpHeaders",
        "attributes",
        "volumeAttributes",
    ];
    match part {
        Value::Object(map) => {
            map.iter().any(|(key, value)| VALUES.contains(&key.as_str()) || has_values(value))
        }
        Value::Array(values) => values.iter().any(has_values),
        _ => false,
    }
}

/// Whether a program reads a value: an argument, a variable's value, or a part with such values.
fn is_read(path: &str, value: &Value) -> bool {
    const OF_PROGRAMS: [&str; 4] = ["command", "args", "env", "envFrom"];
    let mut names = path.split('.').map(|part| part.split('[').next().unwrap_or_default());
    names.any(|name| OF_PROGRAMS.contains(&name)) || has_values(value)
}

/// Whether a text has a private key, speaks of a password, or has an address with one: `postgres://shop:…@db`.
fn has_secret(text: &str) -> bool {
    const WORDS: [&str; 5] = ["pass", "bearer ", "secret", "token", "sig="];
    let lower = text.to_ascii_lowercase();
    let mut addresses =
        text.split("://").skip(1).map(|rest| rest.split([' ', '\n', '"']).next().unwrap_or_default());
    text.contains("PRIVATE KEY")
        || WORDS.iter().any(|word| lower.contains(word))
        || addresses.any(|address| address.contains('@'))
}

/// Whether a path or a name may be that of a secret. The types hold none, but a person may have written one by hand.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 6] = ["password", "passwd", "secret", "token", "credential", "apikey"];
    let name: String = name.to_ascii_lowercase().chars().filter(|one| !"-_".contains(*one)).collect();
    // A field of the API that speaks of one has no secret in it.
    let name = name.replace("automountserviceaccounttoken", "");
    WORDS.iter().any(|word| name.contains(word)) || name.contains("privatekey")
}

/// A value in a line of a plan.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 60;
    let line: String = text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    if line.chars().count() <= MOST {
        line
    } else {
        format!("{}…", line.chars().take(MOST).collect::<String>())
    }
}

/// Our objects of a cluster in a person's words: `8 objects in the namespace shop`.
pub(super) fn spoken(there: &BTreeMap<Address, ApiObject>, owner: &str) -> String {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut others, mut data) = (0, Vec::new());
    for (at, object) in there {
        let (is_made, is_volume) = (object.is_made_by(owner), object.is_claim_of(owner));
        let namespace = manifest::namespace_of(at);
        if !is_made && !is_volume {
            continue;
        }
        if data::is_data(at) && at.kind() != kind::CUSTOM_RESOURCE_DEFINITION.word {
            data.push(at.short().to_string());
        }
        if namespace.is_none() && at.kind() != kind::NAMESPACE.word {
            others += 1;
            continue;
        }
        let (objects, volumes) = counts.entry(namespace.unwrap_or_else(|| at.name())).or_default();
        match namespace {
            Some(_) if is_volume => *volumes += 1,
            Some(_) => *objects += 1,
            None => {}
        }
    }
    let each = counts.iter().map(|(namespace, (objects, volumes))| {
        let objects = counted(*objects, "object");
        let volumes = match volumes {
            0 => String::new(),
            some => format!(" and the data of {}", counted(*some, "volume")),
        };
        format!("the namespace {namespace} with {objects}{volumes}")
    });
    let of_cluster = (others > 0).then(|| format!("{} of the whole cluster", counted(others, "object")));
    let data = (!data.is_empty()).then(|| format!("the data of {}", NameList::new(data)));
    each.chain(of_cluster).chain(data).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_text_is_shown_unless_what_stands_around_it_speaks_of_a_secret() {
        let of = |before: &str, after: &str| lines(before, after);
        let shown = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(of("a: 1\nb: 2\n", "a: 1\nb: 3\n"), shown("b: 2", "b: 3"));
        assert_eq!(of("a: 1\nb: 2\n", "a: 1\n"), shown("b: 2", ""));
        // Lines further above do not count.
        assert_eq!(of("token_file: /t\na: 1\nb: 2\n", "token_file: /t\na: 1\nb: 3\n"), shown("b: 2", "b: 3"));
        for (before, after) in [
            ("a\npassword: one\n", "a\npassword: two\n"),
            ("password: |\n  a\n  b\n  one\n", "password: |\n  a\n  b\n  two\n"),
            ("- name: TOKEN\n  note: x\n  value: one\n", "- name: TOKEN\n  note: x\n  value: two\n"),
            ("[secrets]\na = 1\nb = one\n", "[secrets]\na = 1\nb = two\n"),
            ("-----BEGIN PRIVATE KEY-----\na\none\n", "-----BEGIN PRIVATE KEY-----\na\ntwo\n"),
            ("a\ndb = postgres://shop:one@db\n", "a\ndb = postgres://shop:two@db\n"),
        ] {
            assert_eq!(of(before, after), None, "{before}");
        }
    }
}
