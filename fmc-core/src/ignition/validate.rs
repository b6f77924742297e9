//! Judging a config as Ignition does: the same accepted, the same refused, with the path of each remark.
//!
//! The rules are those of Ignition 2.26 for the specs 3.0.0 to 3.6.0. Older engines of the same spec have fewer warnings, and take a file where
//! a unit is written.

mod duplicates;
mod rules;
pub(super) mod shape;
mod storage;
mod unit;
mod url;

use std::fmt;

use serde_json::Value;

/// Judges a config.
///
/// ```
/// use fmc_core::ignition::validate;
///
/// let config = r#"{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "etc/motd"}]}}"#;
/// let judgement = validate(config.as_bytes());
/// assert!(!judgement.is_valid());
/// assert_eq!(judgement.to_string(), "error at $.storage.files.0.path: path not absolute\n");
/// ```
pub fn validate(config: &[u8]) -> Judgement {
    let mut judgement = Judgement::default();
    let root = Path::root();
    if config.is_empty() {
        judgement.error(&root, "not a config (empty)");
        return judgement;
    }
    let value: Value = match serde_json::from_slice(config) {
        Ok(value) => value,
        Err(error) => {
            judgement.error(&root, format!("config is not JSON: {error}"));
            return judgement;
        }
    };
    let Some(minor) = minor_of(&value) else {
        judgement.error(&root.key("ignition").key("version"), "unsupported config version");
        return judgement;
    };
    let mut decoding = shape::Decoding { minor, judgement: &mut judgement };
    let config = decoding.object(&value, shape::CONFIG, &root);
    if judgement.is_valid()
        && let Some(config) = config
    {
        duplicates::judge(&config, shape::CONFIG, minor, &root, &mut judgement);
        rules::judge(&config, minor, &mut judgement);
    }
    judgement
}

/// What Ignition says of a config. Its text has a line for each remark, as `ignition-validate` prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// Remarks that refuse the config.
    pub errors: Vec<Remark>,
    /// Remarks that refuse nothing: a machine boots although, for example, Ignition does not know a key.
    pub warnings: Vec<Remark>,
}

/// One remark about a config.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remark {
    /// Where, from the root `$`, as `$.storage.files.0.path`.
    pub path: String,
    /// The remark.
    pub message: String,
}

impl Judgement {
    /// Whether Ignition takes it.
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    fn error(&mut self, at: &Path<'_>, message: impl Into<String>) {
        self.errors.push(Remark { path: at.to_string(), message: message.into() });
    }

    fn warn(&mut self, at: &Path<'_>, message: impl Into<String>) {
        self.warnings.push(Remark { path: at.to_string(), message: message.into() });
    }

    /// An error, if there is one.
    fn add(&mut self, at: &Path<'_>, message: Option<&'static str>) {
        if let Some(message) = message {
            self.error(at, message);
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, remarks) in [("error", &self.errors), ("warning", &self.warnings)] {
            for Remark { path, message } in remarks {
                writeln!(f, "{word} at {path}: {message}")?;
            }
        }
        Ok(())
    }
}

/// A place in a config, which knows the one above.
#[derive(Clone, Copy)]
struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Path<'_> {
    const fn root() -> Self {
        Path { above: None, step: Step::Key("$") }
    }

    fn key<'a>(&'a self, key: &'a str) -> Path<'a> {
        Path { above: Some(self), step: Step::Key(key) }
    }

    fn index(&self, index: usize) -> Path<'_> {
        Path { above: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        match self.step {
            Step::Key(key) => f.write_str(key),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}

/// The minor number of the spec, from 0 to 6; `None` for a version that Ignition does not read.
fn minor_of(config: &Value) -> Option<u8> {
    let version = shape::field(shape::field(config, "ignition")?, "version")?.as_str()?;
    let mut parts = version.splitn(3, '.').map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u64>().ok().filter(|_| is_number)
    });
    let (major, minor, patch) = (parts.next()??, parts.next()??, parts.next()??);
    u8::try_from(minor).ok().filter(|minor| (major, patch) == (3, 0) && *minor <= 6)
}
