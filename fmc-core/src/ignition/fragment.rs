//! Fragments of Butane and of Ignition as one form: an Ignition config, with what is wrong in the fragment's own words.
//!
//! Butane's keys are Ignition's in snake case, so one table serves both ([`shape`]). What Butane adds is in [`sugar`] and in [`boot_device`].

mod boot_device;
mod said;
mod sugar;

use std::fmt;

use serde_json::{Map, Value};

use super::Spec;
use super::validate::shape::{CONFIG, Field, Shape};
use super::validate::validate;
use crate::finding::At;
use crate::guest::Fragment;
use crate::nearest::nearest;

pub use sugar::{LocalFiles, LocalNode, NoFiles};

/// A fragment that was read.
pub(crate) struct Reading {
    /// An Ignition config with what could be read.
    pub(crate) config: Value,
    /// The lowest version of the specification that has all of it; `None` if none has.
    pub(crate) spec: Option<Spec>,
    /// The mistakes, and the doubtful parts.
    pub(crate) troubles: Vec<Trouble>,
}

/// One thing that is wrong with a fragment, or doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Where, in the fragment's own words: `storage.files[0].path`; empty for the fragment as a whole.
    pub(crate) path: String,
    /// What.
    pub(crate) what: What,
}

/// A mistake in a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// It is not a map.
    NotAMap,
    /// Its variant or version is not one that fmc reads.
    Version { found: String },
    /// A key that its version does not have.
    Unknown { key: String, near: Option<String>, since: Option<String> },
    /// A value of another type.
    Expected { what: &'static str },
    /// Two keys that exclude each other.
    Both { one: &'static str, other: &'static str },
    /// A file of the computer on which fmc runs.
    Local { path: String, why: String },
    /// fmc does not translate the key.
    Untranslated { key: &'static str, instead: &'static str },
    /// Ignition refuses it.
    Refused { message: String },
    /// Ignition warns of it.
    Warned { message: String },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMap => f.write_str("it is not a map"),
            Self::Version { found } => write!(f, "{found} is not a version that fmc reads"),
            Self::Unknown { key, near: None, since: None } => write!(f, "the key {key} is not known"),
            Self::Unknown { key, near: Some(near), .. } => {
                write!(f, "the key {key} is not known; did you mean {near}?")
            }
            Self::Unknown { key, since: Some(since), .. } => write!(f, "the key {key} came with {since}"),
            Self::Expected { what } => write!(f, "{what} is expected"),
            Self::Both { one, other } => write!(f, "{one} and {other} exclude each other"),
            Self::Local { path, why } => write!(f, "the local file {path} {why}"),
            Self::Untranslated { key, .. } => write!(f, "{key} is not translated"),
            Self::Refused { message } | Self::Warned { message } => f.write_str(message),
        }
    }
}

/// Reads a fragment, without local files.
pub(crate) fn read(fragment: &Fragment) -> Reading {
    read_with(fragment, &NoFiles)
}

/// Reads a fragment, with local files as its reader gives them.
pub(crate) fn read_with(fragment: &Fragment, files: &dyn LocalFiles) -> Reading {
    let nothing = |path: &str, what| Reading {
        config: Value::Object(Map::new()),
        spec: None,
        troubles: vec![Trouble { path: path.to_owned(), what }],
    };
    let Some(members) = fragment.value().as_object() else { return nothing("", What::NotAMap) };
    let form = match Form::of(members) {
        Ok(form) => form,
        Err((path, found)) => return nothing(path, What::Version { found }),
    };
    let mut reader = Reader { form, files, troubles: Vec::new(), units: Vec::new(), nodes: Vec::new() };
    let mut config = reader.object(fragment.value(), CONFIG, &At::ROOT);
    if reader.form.is_butane {
        reader.finish(members, &mut config);
    }
    let mut troubles = reader.troubles;
    let minor = form.minor;
    let config = with_version(config, minor);
    let judgement = validate(&bytes(&config));
    let said = |path: &str| said::path(path, fragment.value(), form.is_butane);
    troubles.extend(
        judgement
            .errors
            .iter()
            .map(|remark| (remark, What::Refused { message: remark.message.clone() }))
            .chain(
                judgement
                    .warnings
                    .iter()
                    .map(|remark| (remark, What::Warned { message: remark.message.clone() })),
            )
            .map(|(remark, what)| Trouble { path: said(&remark.path), what }),
    );
    let spec = lowest(&config, judgement.warnings.len());
    Reading { config, spec, troubles }
}

/// A path of the config that a fragment is read as, as `$.storage.files.0`, in the fragment's own words.
pub(crate) fn place(judged: &str, fragment: &Fragment) -> String {
    let is_butane = fragment.value().get("variant").is_some();
    said::path(judged, fragment.value(), is_butane)
}

/// The lowest version that takes a config with no more warnings than its own one.
fn lowest(config: &Value, warnings: usize) -> Option<Spec> {
    let all = [(3, Spec::V3_3), (4, Spec::V3_4), (5, Spec::V3_5), (6, Spec::V3_6)];
    let members = config.as_object()?;
    all.into_iter().find_map(|(minor, spec)| {
        let judgement = validate(&bytes(&with_version(members.clone(), minor)));
        (judgement.is_valid() && judgement.warnings.len() <= warnings).then_some(spec)
    })
}

fn bytes(config: &Value) -> Vec<u8> {
    serde_json::to_vec(config).unwrap_or_default()
}

fn with_version(mut config: Map<String, Value>, minor: u8) -> Value {
    let ignition = config.entry("ignition").or_insert_with(|| Value::Object(Map::new()));
    if let Some(ignition) = ignition.as_object_mut() {
        ignition.insert("version".to_owned(), format!("3.{minor}.0").into());
    }
    Value::Object(config)
}

/// The format of a fragment.
#[derive(Clone, Copy)]
struct Form {
    is_butane: bool,
    /// Whether it is Butane for Fedora CoreOS.
    is_fcos: bool,
    /// The minor number of Butane's own version.
    version: u8,
    /// The minor number of the spec of Ignition.
    minor: u8,
}

impl Form {
    /// The form that a fragment says; where it says one that fmc does not read, and which.
    fn of(members: &Map<String, Value>) -> Result<Self, (&'static str, String)> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let minor =
            |version: &str, major: &str| version.strip_prefix(major)?.strip_suffix(".0")?.parse::<u8>().ok();
        if !members.contains_key("variant") {
            let version = text(members.get("ignition").and_then(|ignition| ignition.get("version")));
            let spec = minor(&version, "3.").filter(|minor| *minor <= 6);
            let spec = spec.ok_or((
                "ignition.version",
                if version.is_empty() { "nothing".to_owned() } else { version },
            ))?;
            return Ok(Self { is_butane: false, is_fcos: false, version: 0, minor: spec });
        }
        let (variant, version) = (text(members.get("variant")), text(members.get("version")));
        let is_fcos = variant == "fcos";
        if !is_fcos && variant != "flatcar" {
            return Err(("variant", format!("the variant {variant}")));
        }
        let own = minor(&version, "1.");
        let spec = own.and_then(|own| {
            let all: &[u8] = if is_fcos { &[0, 1, 2, 2, 3, 4, 5, 6] } else { &[3, 4] };
            Some((own, *all.get(usize::from(own))?))
        });
        let (own, minor) = spec.ok_or(("version", format!("{variant} {version}")))?;
        Ok(Self { is_butane: true, is_fcos, version: own, minor })
    }

    /// A key of Ignition in the words of the form.
    fn name(self, key: &str) -> String {
        if self.is_butane { said::snake(key) } else { key.to_owned() }
    }

    /// The version that has a key of a later spec.
    fn since(self, minor: u8) -> String {
        if !self.is_butane {
            return format!("version 3.{minor}.0");
        }
        match (self.is_fcos, minor) {
            (true, 0..=2) => format!("fcos 1.{minor}.0"),
            (true, _) => format!("fcos 1.{}.0", minor + 1),
            (false, ..=4) => "flatcar 1.1.0".to_owned(),
            (false, _) => format!("version 3.{minor}.0 of Ignition, which no variant flatcar has"),
        }
    }
}

/// Reads a fragment into the keys of Ignition, each with its type.
struct Reader<'f> {
    form: Form,
    files: &'f dyn LocalFiles,
    troubles: Vec<Trouble>,
    /// Units that mount file systems.
    units: Vec<Value>,
    /// Files and links of local trees: the list that each is in, and itself.
    nodes: Vec<(&'static str, Value)>,
}

impl Reader<'_> {
    fn trouble(&mut self, at: &At<'_>, what: What) {
        self.troubles.push(Trouble { path: at.to_string(), what });
    }

    fn object(&mut self, value: &Value, fields: &'static [Field], at: &At<'_>) -> Map<String, Value> {
        let mut known = Map::new();
        let Some(members) = value.as_object() else {
            if !value.is_null() {
                self.trouble(at, What::Expected { what: "a map" });
            }
            return known;
        };
        for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let at = at.name(key);
            let found = fields.iter().find(|field| self.form.name(field.name) == *key);
            match found {
                Some(field) if field.since > self.form.minor => {
                    let since = Some(self.form.since(field.since));
                    self.trouble(&at, What::Unknown { key: key.clone(), near: None, since });
                }
                Some(field) => {
                    if let Some(value) = self.value(value, field.shape, &at) {
                        known.insert(field.name.to_owned(), value);
                    }
                }
                None if self.form.is_butane && self.sugar(key, value, members, fields, &mut known, &at) => {}
                None => {
                    let names: Vec<String> = fields.iter().map(|field| self.form.name(field.name)).collect();
                    let near = nearest(key, names.iter().map(String::as_str)).map(str::to_owned);
                    self.trouble(&at, What::Unknown { key: key.clone(), near, since: None });
                }
            }
        }
        known
    }

    fn value(&mut self, value: &Value, shape: Shape, at: &At<'_>) -> Option<Value> {
        match shape {
            Shape::Object(fields) => Some(Value::Object(self.object(value, fields, at))),
            Shape::Texts(_) | Shape::Objects(..) => {
                let Some(list) = value.as_array() else {
                    self.trouble(at, What::Expected { what: "a list" });
                    return None;
                };
                let each = list.iter().enumerate().filter(|(_, value)| !value.is_null());
                let each = each.filter_map(|(index, value)| {
                    let at = at.index(index);
                    match shape {
                        Shape::Objects(fields, _) => Some(Value::Object(self.object(value, fields, &at))),
                        _ => self.value(value, Shape::Text, &at),
                    }
                });
                Some(Value::Array(each.collect()))
            }
            Shape::Text => self.scalar(text(value), "a text", at),
            Shape::Switch => self.scalar(switch(value), "true or false", at),
            Shape::Number => self.scalar(number(value), "a whole number", at),
        }
    }

    fn scalar(&mut self, value: Option<impl Into<Value>>, what: &'static str, at: &At<'_>) -> Option<Value> {
        if value.is_none() {
            self.trouble(at, What::Expected { what });
        }
        value.map(Into::into)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A truth value as Butane's reader of YAML knows it.
fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => match text.as_str() {
            "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number as Butane's reader of YAML knows it: a leading zero means octal.
fn number(value: &Value) -> Option<i64> {
    let text = match value {
        Value::Number(number) => return number.as_i64(),
        Value::String(text) => text.replace('_', ""),
        _ => return None,
    };
    let of_radix = |digits: &str, radix| {
        i64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']))
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return of_radix(digits, 16);
    }
    match text.strip_prefix("0o").or_else(|| text.strip_prefix('0').filter(|rest| !rest.is_empty())) {
        Some(digits) => of_radix(digits, 8),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
