//! Examples from the schema, for the help of mistakes: a right value for the place, or the place of a key.

use serde_json::{Map, Value as Json};

use super::Syntax;
use super::mistake::{Mistake, Wants};

/// The greatest depth of an example.
const DEEPEST: usize = 5;

/// How many references lead to a form.
const MOST_REFERENCES: usize = 16;

/// Adds to the help of the mistakes that the schema can help with. The schema is made only for these.
pub(super) fn add(mistakes: &mut [Mistake], schema: impl FnOnce() -> Json, syntax: Syntax) {
    let mut mistakes = mistakes.iter_mut().filter(|mistake| mistake.wants.is_some()).peekable();
    if mistakes.peek().is_none() {
        return;
    }
    let root = schema();
    let schema = Schema { root: &root };
    for mistake in mistakes {
        let (path, message, help) = (&mistake.path, &mistake.message, &mistake.help);
        let has_example = message.contains("for example") || help.contains("for example");
        let found = match mistake.wants.as_deref() {
            Some(Wants::Example) if !has_example => {
                schema.at(&root, path).and_then(|form| schema.shown(form, syntax))
            }
            Some(Wants::Missing(key)) => schema.missing(path, key, syntax),
            Some(Wants::Key(key)) if help.starts_with("known keys") => {
                if let Some(help) = schema.elsewhere(path, key, syntax) {
                    mistake.help = help;
                }
                None
            }
            Some(Wants::Example | Wants::Key(_)) | None => None,
        };
        let Some(example) = found else { continue };
        if mistake.help.is_empty() {
            mistake.help = format!("write, for example, {example}");
        } else {
            mistake.help.push_str(&format!("; for example {example}"));
        }
    }
}

/// A cloud's schema.
struct Schema<'s> {
    root: &'s Json,
}

impl<'s> Schema<'s> {
    /// The forms that a value may have: what references and alternatives lead to.
    fn forms(&self, of: &'s Json) -> Vec<&'s Json> {
        let (mut forms, mut open) = (Vec::new(), vec![(of, 0)]);
        while let Some((form, references)) = open.pop() {
            if let Some(to) = form.get("$ref").and_then(Json::as_str).filter(|_| references < MOST_REFERENCES)
            {
                let to = to.strip_prefix("#/$defs/").and_then(|name| self.root.get("$defs")?.get(name));
                open.extend(to.map(|to| (to, references + 1)));
            }
            let alternatives =
                ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|key| form.get(key)?.as_array());
            // The first alternative comes first off the stack.
            let alternatives: Vec<&Json> = alternatives.flatten().collect();
            open.extend(alternatives.into_iter().rev().map(|form| (form, references + 1)));
            forms.push(form);
        }
        forms
    }

    /// The form of the value at a path. A name in a path may have dots, so every way to split it is tried.
    fn at(&self, of: &'s Json, path: &str) -> Option<&'s Json> {
        if path.is_empty() {
            return Some(of);
        }
        self.forms(of).into_iter().find_map(|form| {
            if path.starts_with('[') {
                let (_, rest) = path.split_once(']')?;
                return self.at(form.get("items")?, rest.strip_prefix('.').unwrap_or(rest));
            }
            let ends = path.char_indices().filter(|(_, sign)| matches!(sign, '.' | '[')).map(|(at, _)| at);
            ends.chain([path.len()]).find_map(|end| {
                let (key, rest) = path.split_at(end);
                let named = form.get("additionalProperties").filter(|form| form.is_object());
                let of = form.get("properties").and_then(|all| all.get(key)).or(named)?;
                self.at(of, rest.strip_prefix('.').unwrap_or(rest))
            })
        })
    }

    /// A right value of a form. One that is a word alone is none: the message lists the words.
    fn shown(&self, form: &'s Json, syntax: Syntax) -> Option<String> {
        let example = self.example(form, 0)?;
        let is_word =
            || example.is_string() && self.forms(form).iter().any(|form| form.get("const").is_some());
        let says_nothing = example.is_boolean() || example == "…" || is_word();
        (!says_nothing).then(|| written(&example, syntax))
    }

    fn example(&self, of: &'s Json, depth: usize) -> Option<Json> {
        if depth > DEEPEST {
            return None;
        }
        let forms = self.forms(of);
        let said = forms.iter().find_map(|form| form.get("examples")?.as_array()?.first());
        if let Some(said) = said {
            return Some(said.clone());
        }
        // A form with a value of its own says more than a word.
        let values = forms.iter().filter(|form| form.get("const").is_none());
        let word = || {
            forms.iter().find_map(|form| form.get("const").or_else(|| form.get("enum")?.as_array()?.first()))
        };
        let mut values = values.filter_map(|form| self.value(form, depth));
        values.next().or_else(|| word().cloned())
    }

    fn value(&self, form: &'s Json, depth: usize) -> Option<Json> {
        match form.get("type")?.as_str()? {
            "object" => self.map(form, depth),
            "array" => Some(Json::Array(vec![self.example(form.get("items")?, depth + 1)?])),
            "boolean" => Some(true.into()),
            "string" if form.get("enum").is_none() => Some("…".into()),
            _ => None,
        }
    }

    /// A map with the keys that it must have, or with a name.
    fn map(&self, form: &'s Json, depth: usize) -> Option<Json> {
        let properties = form.get("properties").and_then(Json::as_object);
        let required: Vec<&str> = form
            .get("required")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        let mut map = Map::new();
        for key in &required {
            map.insert((*key).to_owned(), self.example(properties?.get(*key)?, depth + 1)?);
        }
        if map.is_empty() {
            // Of many settings that it may have, none is the usual one.
            let named = form.get("additionalProperties").filter(|form| form.is_object())?;
            map.insert("NAME".to_owned(), self.example(named, depth + 1)?);
        }
        Some(map.into())
    }

    /// The key that is missing in the map at a path, with a right value.
    fn missing(&self, path: &str, key: &str, syntax: Syntax) -> Option<String> {
        let map = self.at(self.root, path)?;
        let of = self.forms(map).into_iter().find_map(|form| form.get("properties")?.get(key))?;
        Some(pair(key, &written(&self.example(of, 0)?, syntax), syntax))
    }

    /// The only setting of the map at a path that takes a key which the map itself does not know.
    fn elsewhere(&self, path: &str, key: &str, syntax: Syntax) -> Option<String> {
        let map = self.at(self.root, path)?;
        let settings = self.forms(map).into_iter().filter_map(|form| form.get("properties")?.as_object());
        let mut found = settings.flatten().filter_map(|(name, of)| {
            let inner = pair(key, "…", syntax);
            let braced = |inner: String| match syntax {
                #[cfg(feature = "toml")]
                Syntax::Toml => format!("{{ {inner} }}"),
                _ => format!("{{{inner}}}"),
            };
            let takes = |of: &'s Json| {
                self.forms(of)
                    .into_iter()
                    .any(|form| form.get("properties").is_some_and(|all| all.get(key).is_some()))
            };
            let forms = self.forms(of);
            let items = || forms.iter().filter_map(|form| form.get("items"));
            let named = || {
                forms.iter().filter_map(|form| form.get("additionalProperties").filter(|of| of.is_object()))
            };
            let value = if takes(of) {
                braced(inner)
            } else if items().any(&takes) {
                format!("[{}]", braced(inner))
            } else if named().any(&takes) {
                braced(pair("NAME", &braced(inner), syntax))
            } else {
                return None;
            };
            Some(format!("`{key}` is a setting of `{name}`: {}", pair(name, &value, syntax)))
        });
        found.next().filter(|_| found.next().is_none())
    }
}

fn pair(key: &str, value: &str, syntax: Syntax) -> String {
    match syntax {
        #[cfg(feature = "toml")]
        Syntax::Toml => format!("{key} = {value}"),
        Syntax::Json => format!("{}: {value}", Json::from(key)),
        #[cfg(feature = "yaml")]
        Syntax::Yaml => format!("{key}: {value}"),
    }
}

/// Whether a text of YAML needs no quotes, also between brackets.
#[cfg(feature = "yaml")]
fn is_plain(text: &str) -> bool {
    let is_other = text.parse::<f64>().is_ok() || matches!(text, "true" | "false" | "null");
    let begins = text.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '/' | '…'));
    let has_signs =
        text.contains(": ") || text.ends_with(':') || text.contains(['#', ',', '[', ']', '{', '}']);
    begins && !is_other && !has_signs
}

/// A value in one line, in the format of the file.
fn written(value: &Json, syntax: Syntax) -> String {
    match value {
        Json::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| written(value, syntax)).collect();
            format!("[{}]", values.join(", "))
        }
        Json::Object(members) => {
            let pairs = members.iter().map(|(key, value)| pair(key, &written(value, syntax), syntax));
            let pairs = pairs.collect::<Vec<_>>().join(", ");
            match syntax {
                #[cfg(feature = "toml")]
                Syntax::Toml => format!("{{ {pairs} }}"),
                _ => format!("{{{pairs}}}"),
            }
        }
        #[cfg(feature = "yaml")]
        Json::String(text) if syntax == Syntax::Yaml && is_plain(text) => text.clone(),
        value => value.to_string(),
    }
}
