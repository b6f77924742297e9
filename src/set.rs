//! Changing a value of a cloud by its path, as `machines.*.memory=256MiB`.
//!
//! A path is the one that findings show, in the cloud's file form: keys and names with dots between them,
//! `[0]` for a place in a list, `*` for every name or place. A name with a dot needs double quotes. The value
//! is YAML: a scalar, or a list or map in brackets; an empty value, or `null`, resets to the default.
//!
//! ```
//! use fmc::prelude::*;
//! use fmc::set::Setting;
//!
//! let cloud = Cloud::new("first").machine(Machine::new("web", Image::blank()).memory(2.gib()));
//! let small = fmc::set::set(&cloud, &["machines.*.memory=256MiB".parse::<Setting>()?])?;
//! assert_eq!(small, Cloud::new("first").machine(Machine::new("web", Image::blank()).memory(256.mib())));
//!
//! let typo = fmc::set::set(&cloud, &["machines.web.memroy=256MiB".parse()?]).unwrap_err();
//! assert_eq!(
//!     typo.to_string(),
//!     "set machines.web.memroy: machines.web has no `memroy`: did you mean `memory`?"
//! );
//! # Ok::<(), fmc::set::SetError>(())
//! ```

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use fmc_core::cloud::Cloud;
use fmc_core::finding::At;
use fmc_core::role::{Role, Spanning};
use serde_json::{Map, Value};

use crate::file::read::{Keys, Shapes, known_instead, read_with_shapes};
use crate::file::tree::Node;
use crate::file::{Mistake, RoleKinds};

/// A path and its new value.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The path as it was written.
    text: String,
    /// The whole argument as it was written.
    argument: String,
    path: Vec<Step>,
    /// The possible readings of the value, the likeliest first.
    values: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    Every,
}

/// Why a value cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// The text is not a setting.
    #[error("read `{text}`: {why}")]
    Form {
        /// The text.
        text: String,
        /// The fault and the help.
        why: String,
    },
    /// The path does not exist, or the value does not fit there.
    #[error("set {path}: {why}")]
    Place {
        /// The path.
        path: String,
        /// How far the path exists, and what would be right.
        why: String,
    },
    /// The cloud itself has no file form, because two of its values have the same name.
    #[error("change the cloud: {0}")]
    Cloud(String),
}

/// Changes a cloud by settings, one after the other.
///
/// # Errors
///
/// A path that does not exist, with the nearest known key; a `*` that matches nothing; a value of the wrong
/// kind. A value that is itself invalid, as a size without a unit, is left to [`Cloud::check`].
pub fn set(cloud: &Cloud, settings: &[Setting]) -> Result<Cloud, SetError> {
    set_with(cloud, settings, &RoleKinds::built_in())
}

/// Changes a cloud by settings, one after the other, which may use these roles: otherwise as [`set`].
///
/// # Errors
///
/// The errors of [`set`]; an unknown role.
pub fn set_with(cloud: &Cloud, settings: &[Setting], roles: &RoleKinds) -> Result<Cloud, SetError> {
    let unwritten = |error: &dyn fmt::Display| SetError::Cloud(error.to_string());
    let whole = &roles.recognise(cloud.clone());
    let mut form = serde_json::to_value(whole).map_err(|error| unwritten(&error))?;
    let (mut cloud, mut shapes) =
        read_with_shapes::<Cloud>(&Node::from(&form)).map_err(|error| unwritten(&error.message()))?;
    for setting in settings {
        let mut refused = None;
        let mut done = None;
        for value in &setting.values {
            let mut changed = form.clone();
            put(&mut changed, &At::ROOT, &setting.path, value, &shapes)
                .map_err(|why| setting.refused(why))?;
            match read_with_shapes::<Cloud>(&Node::from(&changed))
                .and_then(|(read, shapes)| Ok((with_roles(read, whole, &changed, roles)?, shapes)))
            {
                Ok(read) => {
                    done = Some((changed, read));
                    break;
                }
                Err(error) => refused = Some(error),
            }
        }
        match (done, refused) {
            (Some((changed, read)), _) => (form, (cloud, shapes)) = (changed, read),
            (None, Some(error)) => return Err(setting.refused(said(&error))),
            (None, None) => return Err(setting.refused("there is no value".to_owned())),
        }
    }
    // Without settings the cloud stays exactly as it was.
    if settings.is_empty() { Ok(whole.clone()) } else { Ok(cloud) }
}

/// The cloud with its roles read from the file form: an unchanged role stays the same value, even if it is
/// code.
fn with_roles(cloud: Cloud, whole: &Cloud, form: &Value, roles: &RoleKinds) -> Result<Cloud, Mistake> {
    let mut before: BTreeMap<String, Vec<&Role>> = BTreeMap::new();
    for (machine, role) in whole.own_roles() {
        before.entry(machine.to_string()).or_default().push(role);
    }
    let said = |role: &Role| serde_json::to_value(role).ok();
    let mut already = |machine: &str, index: usize, role: &Role| {
        let same = before.get(machine)?.get(index)?;
        (said(role) == said(same)).then(|| (*same).clone())
    };
    let mut already_spanning = |index: usize, role: &Spanning| {
        let same = whole.roles.get(index)?;
        let said = |role: &Spanning| serde_json::to_value(role).ok();
        (said(role) == said(same)).then(|| same.clone())
    };
    let mut mistakes = Vec::new();
    let form = Node::from(form);
    let cloud = roles.resolve(cloud, &form, &mut already, &mut already_spanning, &mut mistakes);
    mistakes.into_iter().next().map_or(Ok(cloud), Err)
}

impl Setting {
    /// The path and the value as they were written.
    #[cfg(feature = "cli")]
    pub(crate) fn argument(&self) -> &str {
        &self.argument
    }

    /// Whether this setting gives the value at a path of a cloud.
    #[cfg(feature = "cli")]
    pub(crate) fn covers(&self, at: &str) -> bool {
        let Ok((at, _)) = steps(&format!("{at}=")) else { return false };
        let is_same = |(set, found): (&Step, &Step)| *set == Step::Every || set == found;
        self.path.len() <= at.len() && self.path.iter().zip(&at).all(is_same)
    }

    fn refused(&self, why: String) -> SetError {
        SetError::Place { path: self.to_string(), why }
    }
}

/// The path.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Setting {
    type Err = SetError;

    fn from_str(text: &str) -> Result<Self, SetError> {
        let refused = |why: &str| SetError::Form { text: text.to_owned(), why: why.to_owned() };
        let (path, value) = steps(text).map_err(refused)?;
        let written = text.strip_suffix(value).and_then(|path| path.strip_suffix('=')).unwrap_or(text);
        Ok(Self {
            text: written.trim().to_owned(),
            argument: text.to_owned(),
            path,
            values: values(value).map_err(|why| refused(&why))?,
        })
    }
}

/// The steps of a path, and what follows the first `=` outside of quotes.
fn steps(text: &str) -> Result<(Vec<Step>, &str), &'static str> {
    const FORM: &str = "write PATH=VALUE, for example machines.*.memory=256MiB";
    let mut path = Vec::new();
    let mut rest = text;
    loop {
        let step;
        (step, rest) = if let Some(quoted) = rest.strip_prefix('"') {
            let (key, rest) = quoted.split_once('"').ok_or("a quote is not closed")?;
            (Step::Key(key.to_owned()), rest)
        } else {
            let (key, rest) = rest.split_at(rest.find(['.', '[', '=']).ok_or(FORM)?);
            match key.trim() {
                "" => return Err(FORM),
                "*" => (Step::Every, rest),
                key => (Step::Key(key.to_owned()), rest),
            }
        };
        path.push(step);
        while let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']').ok_or("a bracket is not closed")?;
            path.push(match index.trim() {
                "*" => Step::Every,
                index => Step::Index(index.parse().map_err(|_| "a place in a list is a number, as [0]")?),
            });
            rest = after;
        }
        match (rest.strip_prefix('.'), rest.strip_prefix('=')) {
            (Some(more), _) => rest = more,
            (None, Some(value)) => return Ok((path, value)),
            (None, None) => return Err(FORM),
        }
    }
}

/// The values that a text may mean. A number or a truth value may be meant as text, such as a version, so text comes
/// first.
fn values(text: &str) -> Result<Vec<Value>, String> {
    if text.trim().is_empty() {
        return Ok(vec![Value::Null]);
    }
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let value: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| format!("the value is not YAML: {error}"))?;
    Ok(match value {
        Value::Number(_) | Value::Bool(_) => vec![Value::String(text.trim().to_owned()), value],
        Value::Object(_) | Value::Array(_) => {
            let texts = crate::file::scalars_as_texts(text).filter(|texts| *texts != value);
            texts.into_iter().chain([value]).collect()
        }
        value => vec![value],
    })
}

fn put(node: &mut Value, at: &At<'_>, path: &[Step], value: &Value, shapes: &Shapes) -> Result<(), String> {
    let Some((step, rest)) = path.split_first() else {
        *node = value.clone();
        return Ok(());
    };
    if node.is_null() && matches!(step, Step::Key(_)) {
        *node = Value::Object(Map::new());
    }
    match (step, node) {
        (Step::Every, Value::Object(members)) if !members.is_empty() => {
            for (name, member) in members.iter_mut() {
                put(member, &at.key(name), rest, value, shapes)?;
            }
            Ok(())
        }
        (Step::Every, Value::Array(members)) if !members.is_empty() => {
            for (index, member) in members.iter_mut().enumerate() {
                put(member, &at.index(index), rest, value, shapes)?;
            }
            Ok(())
        }
        (Step::Every, _) => Err(format!("`*` matches nothing: {} is empty", place(at))),
        (Step::Index(index), Value::Array(members)) => {
            let count = members.len();
            match members.get_mut(*index) {
                Some(member) => put(member, &at.index(*index), rest, value, shapes),
                None => Err(format!("{} has no [{index}], but {count} in all", place(at))),
            }
        }
        (Step::Index(_), _) => Err(format!("{} is not a list", place(at))),
        (Step::Key(key), Value::Object(members)) => member(members, at, key, rest, value, shapes),
        (Step::Key(_), Value::Array(_)) => {
            Err(format!("{} is a list: write [0] for its first member, [*] for all", place(at)))
        }
        (Step::Key(key), other) => {
            Err(format!("{} is {other}, which has no `{key}`: set it as a whole", place(at)))
        }
    }
}

/// Puts a value below a key of a map.
fn member(
    members: &mut Map<String, Value>,
    at: &At<'_>,
    key: &str,
    rest: &[Step],
    value: &Value,
    shapes: &Shapes,
) -> Result<(), String> {
    match shapes.get(&at.to_string()) {
        Some(Keys::Fields(fields)) if !fields.contains(&key) => {
            return Err(unknown(at, key, fields.iter().copied()));
        }
        Some(Keys::OneOf(variants)) if !variants.contains(&key) => {
            return Err(unknown(at, key, variants.iter().copied()));
        }
        // Only one of these keys is allowed: the new one replaces the old one.
        Some(Keys::OneOf(_)) if !members.contains_key(key) => members.clear(),
        // The name does not exist, so a path below it is a mistake; only a whole new value may be set.
        None if !rest.is_empty() && !members.contains_key(key) && !members.is_empty() => {
            return Err(unknown(at, key, members.keys().map(String::as_str)));
        }
        _ => {}
    }
    if rest.is_empty() && value.is_null() {
        members.remove(key);
        return Ok(());
    }
    put(members.entry(key).or_insert(Value::Null), &at.key(key), rest, value, shapes)
}

fn unknown<'a>(at: &At<'_>, key: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    format!("{} has no `{key}`: {}", place(at), known_instead(key, known))
}

fn said(mistake: &Mistake) -> String {
    let at = if mistake.path().is_empty() { "the cloud" } else { mistake.path() };
    match mistake.help_text() {
        "" => format!("{at}: {}", mistake.message()),
        help => format!("{at}: {}: {help}", mistake.message()),
    }
}

fn place(at: &At<'_>) -> String {
    match at.to_string() {
        root if root.is_empty() => "the cloud".to_owned(),
        path => path,
    }
}
