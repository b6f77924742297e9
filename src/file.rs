//! Clouds as text: JSON, and with the features `yaml` and `toml` YAML and TOML, in and out.
//!
//! A file follows the same rules as Rust. Unknown keys, duplicate keys and a second document are refused here, each with
//! its line and column. A wrong name, size or address is a finding of [`Cloud::check`] like every other one, and
//! [`Source::places`] gives the place of its path in the file. A written cloud is read back as an equal value.
//!
//! ```
//! use fmc::prelude::*;
//!
//! let cloud = fmc::file::from_json(r#"{ "name": "first", "hosts": { "local": {} } }"#)?;
//! assert_eq!(cloud, Cloud::new("first").host(Host::local()));
//! assert_eq!(fmc::file::from_json(&fmc::file::to_json(&cloud)?)?, cloud);
//! # Ok::<(), fmc::file::FileError>(())
//! ```
//!
//! # Limits
//!
//! A file has at most [16 MiB](MOST_BYTES), nests at most 64 levels deep, and has at most 2,000,000 values. The
//! values behind YAML's aliases count each time, and are at most 100,000 and eight for each byte. So any text is read or refused in bounded time and memory.
//!
//! # YAML
//!
//! A scalar without quotes is taken literally: `no` is a name, `9.10` a version and `52:54:00:12:34:56` a MAC, because
//! every setting knows its type. Anchors, aliases and `<<` work; all tags except YAML's own are refused.

mod decode;
#[cfg(feature = "schema")]
mod example;
mod json;
mod mask;
mod mistake;
mod mistakes;
mod place;
pub(crate) mod read;
mod relative;
mod roles;
mod rust;
#[cfg(feature = "toml")]
mod toml;
pub(crate) mod tree;
#[cfg(feature = "yaml")]
mod yaml;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fmc_core::cloud::Cloud;

pub use decode::MOST_BYTES;
pub use mistake::{Lines, Mistake};
pub use mistakes::{Mistakes, Unread};
pub use roles::RoleKinds;
#[cfg(feature = "yaml")]
pub(crate) use yaml::scalars_as_texts;

/// The format of a cloud's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Syntax {
    /// YAML 1.2.
    #[cfg(feature = "yaml")]
    Yaml,
    /// TOML 1.0.
    #[cfg(feature = "toml")]
    Toml,
    /// JSON.
    Json,
}

/// Why a cloud cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The text is not a cloud.
    #[error("read the cloud: {0}")]
    Read(Mistakes),
    /// The cloud cannot be written: two of its values have one name.
    #[error("write the cloud: {0}")]
    Write(String),
}

/// A text with its format: reads the cloud, and finds the place of a path in the text.
///
/// ```
/// use fmc::file::{Syntax, Source};
///
/// let text = "{ \"name\": \"first\",\n  \"networks\": { \"lab\": { \"mode\": \"nat\", \"subnet\": \"10.17.3.1/24\" } } }";
/// let source = Source::new(text.as_bytes(), Syntax::Json)?;
/// let report = source.cloud()?.check().unwrap_err();
/// assert!(report.findings().iter().any(|finding| finding.at() == "networks.lab.subnet"));
/// let range = source.places().place("networks.lab.subnet");
/// assert_eq!(source.lines().place(range.start), (2, 51));
/// # Ok::<(), fmc::file::FileError>(())
/// ```
#[derive(Clone)]
pub struct Source {
    text: String,
    format: Syntax,
    folder: Option<PathBuf>,
    roles: RoleKinds,
}

/// The places of a text's values.
pub struct Places<'a> {
    tree: Option<tree::Node<'a>>,
    offset: usize,
}

impl Syntax {
    /// The format for the suffix of a file's name.
    pub fn of(path: &Path) -> Option<Self> {
        path.extension()?.to_str()?.to_ascii_lowercase().parse().ok()
    }

    /// Its name: `yaml`, `toml` or `json`.
    pub fn as_str(self) -> &'static str {
        match self {
            #[cfg(feature = "yaml")]
            Self::Yaml => "yaml",
            #[cfg(feature = "toml")]
            Self::Toml => "toml",
            Self::Json => "json",
        }
    }
}

#[cfg(feature = "cli")]
impl Syntax {
    /// Its name, as `--format` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::Json => "json",
        }
    }
}

/// Parses a name, which is also the suffix of a file.
impl FromStr for Syntax {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            #[cfg(feature = "yaml")]
            "yaml" | "yml" => Ok(Self::Yaml),
            #[cfg(feature = "toml")]
            "toml" => Ok(Self::Toml),
            "json" => Ok(Self::Json),
            _ => Err("a cloud is written in yaml, toml or json".to_owned()),
        }
    }
}

impl Source {
    /// The text of a file's bytes.
    ///
    /// # Errors
    ///
    /// The bytes are not UTF-8, or too many.
    pub fn new(bytes: &[u8], format: Syntax) -> Result<Self, FileError> {
        match decode::text(bytes) {
            Ok(text) => {
                Ok(Self { text: text.to_owned(), format, folder: None, roles: RoleKinds::built_in() })
            }
            Err(mistake) => {
                let before = bytes.get(..mistake.span().start).unwrap_or_default();
                let text = String::from_utf8_lossy(before);
                Err(FileError::Read(Mistakes::of(vec![mistake], Unread::Nothing, &text, 0)))
            }
        }
    }

    /// Sets the folder that relative paths of image files start from: that of the file, as an absolute path.
    #[must_use]
    pub fn below(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Sets the known roles; by default the built-in ones.
    #[must_use]
    pub fn roles(self, roles: &RoleKinds) -> Self {
        Self { roles: roles.clone(), ..self }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines of the text.
    pub fn lines(&self) -> Lines<'_> {
        Lines::of(&self.text)
    }

    /// The cloud.
    ///
    /// # Errors
    ///
    /// The text is not of its format, or not a cloud. The error has every mistake that can be found: a mistake of syntax hides
    /// those behind it.
    pub fn cloud(&self) -> Result<Cloud, FileError> {
        let (mut mistakes, mut unread) = (Vec::new(), Unread::Nothing);
        let cloud = match self.tree(&mut mistakes) {
            Ok(mut tree) => {
                if let Some(folder) = &self.folder {
                    relative::resolve(&mut tree, folder);
                }
                let read = read::read(&tree, &mut mistakes);
                if read.gave_up {
                    unread = Unread::More;
                }
                read.value.map(|cloud| self.roles.read(cloud, &tree, &mut mistakes))
            }
            Err(mistake) => {
                let start = decode::mark(&self.text) + mistake.span().start;
                let behind = self.text.get(start..).unwrap_or_default().split_once('\n');
                if behind.is_some_and(|(_, behind)| !behind.trim().is_empty()) {
                    unread = Unread::Behind;
                }
                mistakes.push(mistake);
                None
            }
        };
        match cloud {
            Some(cloud) if mistakes.is_empty() => Ok(cloud),
            _ => {
                let offset = decode::mark(&self.text);
                #[cfg(feature = "yaml")]
                if self.format == Syntax::Yaml {
                    yaml::explain_spaces(self.text.get(offset..).unwrap_or_default(), &mut mistakes);
                }
                #[cfg(feature = "schema")]
                example::add(&mut mistakes, || self.roles.schema(), self.format);
                Err(FileError::Read(Mistakes::of(mistakes, unread, &self.text, offset)))
            }
        }
    }

    /// The text for display around a finding: contents of files and units, passwords and keys are replaced by stars.
    /// With `all`, as around a [`Mistake`], every value is replaced.
    pub fn covered(&self, all: bool) -> String {
        let tree = self.tree(&mut Vec::new()).ok();
        mask::covered(&self.text, decode::mark(&self.text), tree.as_ref(), all)
    }

    /// The places of its values; empty for a text that is not a cloud.
    pub fn places(&self) -> Places<'_> {
        Places { tree: self.tree(&mut Vec::new()).ok(), offset: decode::mark(&self.text) }
    }

    fn tree(&self, mistakes: &mut Vec<Mistake>) -> Result<tree::Node<'_>, Mistake> {
        let text = self.text.get(decode::mark(&self.text)..).unwrap_or_default();
        if text.trim().is_empty() {
            let empty = Mistake::at(tree::Span::default(), "the file is empty");
            return Err(empty.help("`fmc init` writes a first cloud"));
        }
        match self.format {
            #[cfg(feature = "yaml")]
            Syntax::Yaml => yaml::read(text, mistakes),
            #[cfg(feature = "toml")]
            Syntax::Toml => toml::read(text),
            Syntax::Json => json::read(text, mistakes),
        }
    }
}

/// Omits the text, because it may hold secrets.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("format", &self.format).field("bytes", &self.text.len()).finish()
    }
}

impl Places<'_> {
    /// The range of a path's value in the text; if the text does not have it, the range of the nearest value around it.
    pub fn place(&self, path: &str) -> Range<usize> {
        let Some(tree) = &self.tree else { return 0..0 };
        place::place(tree, path).span.moved(self.offset).range()
    }

    /// The range of the alias of YAML by which the value is at its path: the value itself stands at its anchor.
    pub fn alias(&self, path: &str) -> Option<Range<usize>> {
        let found = place::place(self.tree.as_ref()?, path);
        found.alias.map(|alias| alias.moved(self.offset).range())
    }
}

impl fmt::Debug for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").finish_non_exhaustive()
    }
}

/// Reads a cloud from JSON.
///
/// # Errors
///
/// The text is not JSON, or not a cloud: line, column, and what was expected.
pub fn from_json(text: &str) -> Result<Cloud, FileError> {
    Source::new(text.as_bytes(), Syntax::Json)?.cloud()
}

/// Writes a cloud as JSON, with a line break at the end.
///
/// # Errors
///
/// Two values have one name, which [`Cloud::check`] reports with their places; or a machine has a role of the user's own
/// that exists only as code.
pub fn to_json(cloud: &Cloud) -> Result<String, FileError> {
    let cloud = &written(cloud)?;
    let mut text =
        serde_json::to_string_pretty(cloud).map_err(|error| FileError::Write(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// Reads a cloud from YAML 1.2.
///
/// ```
/// let cloud = fmc::file::from_yaml(
///     "
///     name: first
///     hosts: { local: {} }
///     networks:
///       lab: { mode: nat, subnet: 10.17.3.0/24 }
///     machines:
///       web:
///         image: { os: none }
///         memory: 2 GiB
///         interfaces: [{ network: lab, address: 10.17.3.10 }]
///     ",
/// )?;
/// assert!(cloud.check().is_ok());
/// # Ok::<(), fmc::file::FileError>(())
/// ```
///
/// # Errors
///
/// The text is not YAML, or not a cloud: line, column, and what was expected.
#[cfg(feature = "yaml")]
pub fn from_yaml(text: &str) -> Result<Cloud, FileError> {
    Source::new(text.as_bytes(), Syntax::Yaml)?.cloud()
}

/// Writes a cloud as YAML.
///
/// # Errors
///
/// Two values have one name, which [`Cloud::check`] reports with their places; or a machine has a role of the user's own
/// that exists only as code.
#[cfg(feature = "yaml")]
pub fn to_yaml(cloud: &Cloud) -> Result<String, FileError> {
    let cloud = &written(cloud)?;
    serde_saphyr::to_string(cloud).map_err(|error| FileError::Write(error.to_string()))
}

/// Reads a config of Butane or Ignition. Its scalars are as they are written: what each is, its place says.
///
/// ```
/// use fmc::prelude::*;
/// use fmc::file::{Syntax, fragment};
///
/// let butane = fragment("{variant: fcos, version: 1.5.0, storage: {files: [{path: /etc/motd, mode: 0640}]}}", Syntax::Yaml)?;
/// assert_eq!(butane.value()["storage"]["files"][0]["mode"], "0640");
/// # Ok::<(), fmc::file::FileError>(())
/// ```
///
/// # Errors
///
/// The text is not of its format.
#[cfg(feature = "yaml")]
pub fn fragment(text: &str, format: Syntax) -> Result<fmc_core::guest::Fragment, FileError> {
    let source = Source::new(text.as_bytes(), format)?;
    let mut mistakes = Vec::new();
    let read = match source.tree(&mut mistakes) {
        Ok(tree) => Some(fmc_core::guest::Fragment::of(&yaml::texts(&tree))),
        Err(mistake) => {
            mistakes.push(mistake);
            None
        }
    };
    let read = read.filter(|_| mistakes.is_empty());
    let offset = decode::mark(&source.text);
    read.ok_or_else(|| FileError::Read(Mistakes::of(mistakes, Unread::Nothing, &source.text, offset)))
}

/// Reads a cloud from TOML.
///
/// ```
/// let cloud = fmc::file::from_toml(
///     r#"
///     name = "first"
///     hosts.local = {}
///     networks.lab = { mode = "nat", subnet = "10.17.3.0/24" }
///
///     [machines.web]
///     image = { os = "none" }
///     memory = "2 GiB"
///     interfaces = [{ network = "lab", address = "10.17.3.10" }]
///     "#,
/// )?;
/// assert!(cloud.check().is_ok());
/// # Ok::<(), fmc::file::FileError>(())
/// ```
///
/// # Errors
///
/// The text is not TOML, or not a cloud: line, column, and what was expected.
#[cfg(feature = "toml")]
pub fn from_toml(text: &str) -> Result<Cloud, FileError> {
    Source::new(text.as_bytes(), Syntax::Toml)?.cloud()
}

/// Writes a cloud as TOML.
///
/// # Errors
///
/// Two values have one name, which [`Cloud::check`] reports with their places; or a machine has a role of the user's own
/// that exists only as code.
#[cfg(feature = "toml")]
pub fn to_toml(cloud: &Cloud) -> Result<String, FileError> {
    let cloud = &written(cloud)?;
    // `toml` is also the name of our own module.
    ::toml::to_string_pretty(cloud).map_err(|error| FileError::Write(error.to_string()))
}

/// Writes a cloud as a Rust program: `fn cloud() -> Cloud`, and a `main` with the commands.
///
/// ```
/// use fmc::prelude::*;
///
/// let cloud = Cloud::new("first").host(Host::local());
/// assert!(fmc::file::to_rust(&cloud)?.contains("Cloud::new(\"first\").host(Host::local())"));
/// # Ok::<(), fmc::file::FileError>(())
/// ```
///
/// # Errors
///
/// The cloud has a value without a setter, such as a lab's copy, which its own program makes with `--lab`; or a machine has a role
/// of the user's own that exists only as code.
pub fn to_rust(cloud: &Cloud) -> Result<String, FileError> {
    rust::program(&written(cloud)?)
        .map_err(|unsaid| FileError::Write(format!("Rust has no setter for {unsaid}")))
}

/// The cloud for writing. A role that exists only as code has no form in a file, so it is refused instead of being left out.
fn written(cloud: &Cloud) -> Result<Cloud, FileError> {
    let cloud = RoleKinds::built_in().recognise(cloud.clone());
    let code = cloud.own_roles().find(|(_, role)| !role.is_said()).map(|(machine, role)| {
        let kind = role.as_custom().kind();
        format!(
            "{machine} has the role {kind}, which is code that no file can hold: make it a `FileRole` that the program knows, or keep \
             this cloud a program"
        )
    });
    let spanning = cloud.roles.iter().find(|role| !role.is_said()).map(|role| {
        let kind = role.as_spanning().kind();
        format!(
            "the cloud has the role {kind}, which is code that no file can hold: make it a `FileSpanningRole` that the program knows, or \
             keep this cloud a program"
        )
    });
    code.or(spanning).map_or(Ok(cloud), |code| Err(FileError::Write(code)))
}
