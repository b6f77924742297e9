//! What a check found: typed, placed, and with what would be right.

mod kind;
mod leaf;
mod own;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use kind::{Kind, UnknownKind, findings};
pub(crate) use leaf::leaf;
pub use own::OwnKind;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is refused.
    Warning,
    /// The cloud is refused.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// The path to a value in a cloud's file form, as `machines.worker3.interfaces[0].address`.
///
/// It is a list linked towards the root that lives on the stack: a check of ten thousand machines that finds nothing
/// writes no path.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Name(&'a dyn NameText),
    Index(usize),
}

/// What can stand in a path as a name.
trait NameText: fmt::Display + fmt::Debug {}

impl<T: fmt::Display + fmt::Debug> NameText for T {}

impl<'a> At<'a> {
    /// The cloud itself.
    pub const ROOT: At<'static> = At { parent: None, step: Step::Root };

    /// Whether it is the cloud itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }

    /// A field of the value here.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> At<'a> {
        At { parent: Some(self), step: Step::Key(key) }
    }

    /// A member, by name, of the map here.
    #[must_use]
    pub fn name<T: fmt::Display + fmt::Debug>(&'a self, name: &'a T) -> At<'a> {
        At { parent: Some(self), step: Step::Name(name) }
    }

    /// A member, by index, of the list here.
    #[must_use]
    pub fn index(&'a self, index: usize) -> At<'a> {
        At { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
            if !matches!(self.step, Step::Index(_)) && !matches!(parent.step, Step::Root) {
                f.write_str(".")?;
            }
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) => f.write_str(key),
            Step::Name(name) => write!(f, "{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// One thing that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing, stable across versions.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// The path to the value.
    pub at: String,
    /// Paths to the other values that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
    /// Why the cloud accepts it, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

impl Finding {
    /// A finding of the kind's own severity.
    pub fn new(
        kind: Kind,
        at: impl fmt::Display,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            at: at.to_string(),
            also: Vec::new(),
            message: message.into(),
            help: help.into(),
            accepted: None,
        }
    }

    /// Another value that the finding is about.
    #[must_use]
    pub fn also(mut self, at: impl fmt::Display) -> Self {
        self.also.push(at.to_string());
        self
    }

    /// Whether it refuses the cloud.
    pub fn refuses(&self) -> bool {
        self.severity == Severity::Error && self.accepted.is_none()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}[{}]: {}", self.severity, self.kind.as_str(), self.message)?;
        writeln!(f, "  at {}", self.at)?;
        for at in &self.also {
            writeln!(f, "  and {at}")?;
        }
        writeln!(f, "  help: {}", self.help)?;
        if let Some(reason) = &self.accepted {
            writeln!(f, "  accepted: {reason}")?;
        }
        Ok(())
    }
}

/// Why a cloud was refused: every finding, not the first.
///
/// `Debug` is for people too, since that is what an `unwrap` in a test and a `?` in `main` show.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[must_use = "an unread report is not actionable"]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// A report of findings, sorted by severity, then by place.
    pub fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            (b.severity, &a.at, a.kind.as_str(), &a.message).cmp(&(
                a.severity,
                &b.at,
                b.kind.as_str(),
                &b.message,
            ))
        });
        findings.dedup();
        Self { findings }
    }

    /// Every finding, errors first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings, owned.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Whether the cloud is refused.
    pub fn refuses(&self) -> bool {
        self.findings.iter().any(Finding::refuses)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            write!(f, "{finding}")?;
            if finding.refuses() {
                writeln!(f, "  `explain {}` says more", finding.kind.as_str())?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Report {}
