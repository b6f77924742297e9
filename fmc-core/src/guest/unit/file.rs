//! The contents of a unit or drop-in as a value: sections and settings, written in one way and read as systemd reads them
//! (systemd.syntax(7)).

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash as _, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::draft::{Look, Setting};
use crate::finding::At;
use crate::rust::{Expr, Names, Unsaid};

/// The contents of a unit or drop-in.
///
/// ```
/// use fmc_core::guest::{UnitFile, UnitSection};
///
/// let file = UnitFile::new()
///     .section(UnitSection::new("Service").set("ExecStart", "/usr/bin/app").set("Restart", "always"))
///     .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"));
/// assert_eq!(file.to_string(), "[Service]\nExecStart=/usr/bin/app\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UnitFile {
    sections: Vec<UnitSection>,
}

/// A section of a [`UnitFile`]: settings in their order. A setting may occur several times, as `ExecStartPre`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnitSection {
    name: Word,
    settings: Vec<(Word, Word)>,
}

/// Most of a unit that fmc writes is known when fmc is compiled.
type Word = Cow<'static, str>;

impl UnitFile {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a section at the end. A section may occur twice; systemd reads both as one.
    #[must_use]
    pub fn section(mut self, section: UnitSection) -> Self {
        self.sections.push(section);
        self
    }

    /// Changes its last section.
    #[must_use]
    pub(crate) fn with_last(mut self, change: impl FnOnce(UnitSection) -> UnitSection) -> Self {
        if let Some(last) = self.sections.pop() {
            self.sections.push(change(last));
        }
        self
    }

    /// Its sections, in order.
    pub fn sections(&self) -> &[UnitSection] {
        &self.sections
    }

    /// Whether there is a section of this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.sections.iter().any(|section| section.name == name)
    }

    /// Reads a text as systemd does: comments and empty lines are left out, and a line that ends in a backslash goes on in the
    /// next one.
    ///
    /// # Errors
    ///
    /// The first line that is neither a section nor a setting below one.
    pub fn parse(text: &str) -> Result<Self, UnitLineError> {
        match Self::readable(text) {
            (file, None) => Ok(file),
            (_, Some(error)) => Err(error),
        }
    }

    /// The part of a text that systemd can read, and the first line that it cannot.
    pub(crate) fn readable(text: &str) -> (Self, Option<UnitLineError>) {
        let mut file = Self::new();
        let mut wrong = None;
        let mut continued: Option<String> = None;
        for raw in text.lines() {
            let line = raw.trim();
            // A comment between two lines of a setting does not end it.
            if line.starts_with(['#', ';']) || (line.is_empty() && continued.is_none()) {
                continue;
            }
            let whole = match continued.take() {
                Some(begun) => format!("{begun} {line}"),
                None => line.to_owned(),
            };
            match whole.strip_suffix('\\') {
                Some(begun) => continued = Some(begun.trim_end().to_owned()),
                None => wrong = wrong.or(file.read(&whole).err()),
            }
        }
        // A text that ends in the middle of a setting has what was there.
        let rest = continued.and_then(|begun| file.read(&begun).err());
        (file, wrong.or(rest))
    }

    fn read(&mut self, line: &str) -> Result<(), UnitLineError> {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            self.sections.push(UnitSection::new(name.to_owned()));
            return Ok(());
        }
        let refused = || UnitLineError { line: line.to_owned() };
        let (key, value) = line.split_once('=').ok_or_else(refused)?;
        let section = self.sections.last_mut().ok_or_else(refused)?;
        if key.trim().is_empty() {
            return Err(refused());
        }
        section.settings.push((key.trim().to_owned().into(), value.trim().to_owned().into()));
        Ok(())
    }

    /// The first part that could not be read again as it is: a line break in a name or value, an equals sign in a key.
    pub(crate) fn unwritable(&self) -> Option<String> {
        let breaks = |text: &str| text.contains(['\n', '\r']) || text.ends_with('\\');
        self.sections.iter().find_map(|section| {
            if breaks(&section.name) || section.name.contains(']') {
                return Some(format!("[{}]", section.name));
            }
            let wrong = section.settings.iter().find(|(key, value)| {
                let comment = key.starts_with(['#', ';', '[']);
                breaks(key) || breaks(value) || comment || key.contains('=') || key.trim().is_empty()
            });
            wrong.map(|(key, value)| format!("{key}={value}"))
        })
    }
}

/// Each section, an empty line between two.
impl fmt::Display for UnitFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, section) in self.sections.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            writeln!(f, "[{}]", section.name)?;
            for (key, value) in &section.settings {
                writeln!(f, "{key}={value}")?;
            }
        }
        Ok(())
    }
}

impl UnitSection {
    /// An empty section: `Unit`, `Service`, `Install` or another one that systemd knows.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), settings: Vec::new() }
    }

    /// Adds a setting behind those that there are.
    #[must_use]
    pub fn set(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    /// Adds the same setting once for each value.
    #[must_use]
    pub fn set_each<V: Into<Cow<'static, str>>>(
        self,
        key: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        values.into_iter().fold(self, |section, value| section.set(key, value))
    }

    /// Adds settings that others need too.
    #[must_use]
    pub fn set_all(self, settings: &[(&'static str, &'static str)]) -> Self {
        settings.iter().fold(self, |section, (key, value)| section.set(*key, *value))
    }

    /// Its name, as `Service`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its settings, in order.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(key, value)| (&**key, &**value))
    }
}

/// A line of a unit that systemd cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "read a unit: systemd cannot read the line {line:?}: write sections as [Unit] and settings as Key=value below one"
)]
pub struct UnitLineError {
    /// The line.
    pub line: String,
}

/// The contents of a unit or drop-in: a value, or a text that a user wrote.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UnitContents {
    /// A value.
    File(Arc<UnitFile>),
    /// A text as it is.
    Text(Arc<str>),
}

impl UnitContents {
    /// The text that is written.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::File(file) => file.to_string().into(),
            Self::Text(text) => (&**text).into(),
        }
    }

    /// How many bytes are written.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::File(file) => {
                let each = file.sections.iter().map(|section| {
                    let settings = section.settings.iter().map(|(key, value)| key.len() + value.len() + 2);
                    section.name.len() + 3 + settings.sum::<usize>()
                });
                each.sum::<usize>() + file.sections.len().saturating_sub(1)
            }
        }
    }
}

impl Setting for UnitContents {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(Expr::text(&self.text()))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for UnitContents {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

/// Two are the same where they write the same.
impl PartialEq for UnitContents {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => one == other,
            _ => self.text() == other.text(),
        }
    }
}

impl Eq for UnitContents {}

impl UnitContents {
    /// Hashes the written text and the variant: a value and a text that write the same have different hashes.
    pub(in crate::guest) fn hash_most(&self, hasher: &mut impl Hasher) {
        match self {
            Self::File(file) => file.hash(hasher),
            Self::Text(text) => text.hash(hasher),
        }
    }
}

impl From<UnitFile> for UnitContents {
    fn from(file: UnitFile) -> Self {
        Self::File(Arc::new(file))
    }
}

impl From<&str> for UnitContents {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for UnitContents {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Arc<str>> for UnitContents {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl Serialize for UnitContents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for UnitContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::Text(Arc::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> UnitFile {
        UnitFile::new()
            .section(UnitSection::new("Unit").set("Description", "a = b").set("After", "a.service"))
            .section(
                UnitSection::new("Service")
                    .set_each("ExecStart", ["", "/bin/a --b"])
                    .set_all(&[("Restart", "always")]),
            )
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = file().to_string();
        assert_eq!(
            text,
            "[Unit]\nDescription=a = b\nAfter=a.service\n\n[Service]\nExecStart=\nExecStart=/bin/a --b\nRestart=always\n"
        );
        assert_eq!(UnitFile::parse(&text), Ok(file()));
        assert_eq!(UnitContents::from(file()).len(), text.len());
        assert_eq!(UnitContents::from(file()), UnitContents::from(text));
    }

    #[test]
    fn a_text_is_read_as_systemd_reads_it() {
        let read = UnitFile::parse("# c\n[Service]\n; c\nExecStart = /bin/a \\\n# c\n  --b\n\n").unwrap();
        let [service] = read.sections() else { panic!("{read:?}") };
        assert_eq!(service.settings().collect::<Vec<_>>(), [("ExecStart", "/bin/a --b")]);
        for (text, line) in [
            ("Restart=always\n", "Restart=always"),
            ("[Service]\nRestart always\n", "Restart always"),
            ("[Service]\n=x\n", "=x"),
        ] {
            assert_eq!(UnitFile::parse(text).unwrap_err().line, line);
        }
    }

    #[test]
    fn what_would_be_read_as_something_else_is_found() {
        assert_eq!(file().unwritable(), None);
        for (key, value) in [("A", "b\nC=d"), ("A=b", "c"), ("#A", "b"), ("", "b"), ("A", "b\\")] {
            let file = UnitFile::new().section(UnitSection::new("Unit").set(key, value));
            assert_eq!(file.unwritable(), Some(format!("{key}={value}")));
        }
        assert!(UnitFile::new().section(UnitSection::new("a]\n[b")).unwritable().is_some());
    }
}
