//! What a check found: typed, placed, and with what would be right.

mod kind;
mod leaf;
mod names;
mod own;
mod problem;
mod remedy;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use kind::{Kind, UnknownKind, findings};
pub use leaf::LeafProblem;
pub(crate) use leaf::leaf;
pub use names::NameList;
pub use own::OwnKind;
use problem::Typed;
pub use problem::{Data, Problem};
pub(crate) use problem::{for_example, problems};
pub use remedy::{Remedy, Words};

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
///
/// One that is read from JSON has the same kind, values and texts. A role's own kind is known to the program of the role alone, so
/// that another program cannot read a finding of it.
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
    /// The other machines in which the same is wrong at the same place, by name.
    #[serde(default, skip_serializing_if = "NameList::is_empty")]
    pub machines: NameList,
    /// What is wrong.
    pub message: String,
    /// What would be right, in the words of a program; [`help_in`](Self::help_in) has those of a file.
    pub help: String,
    /// Why the cloud accepts it, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Which of the kind's cases it is; empty for one that is in its own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case: String,
    /// The values that the texts are made from.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub data: Data,
    /// The settings that the help names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
    #[serde(skip)]
    problem: Typed,
}

impl Finding {
    /// A finding about a problem, at the path of the value that is to be mended. Its texts are made from the problem's values.
    pub fn about(at: impl fmt::Display, problem: impl Problem) -> Self {
        let kind = problem.kind();
        Self {
            case: problem.case().to_owned(),
            data: problem.data(),
            remedies: problem.remedies(),
            ..Self::new(kind, at, problem.message(), problem.help(Words::Rust))
        }
        .with_problem(problem)
    }

    fn with_problem(self, problem: impl Problem) -> Self {
        Self { problem: Typed(Some(Arc::new(problem))), ..self }
    }

    /// A finding in its own words, without values: what a user's role says. It has the kind's own severity.
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
            machines: NameList::default(),
            message: message.into(),
            help: help.into(),
            accepted: None,
            case: String::new(),
            data: Data::new(),
            remedies: Vec::new(),
            problem: Typed::default(),
        }
    }

    /// What it is about, if it is a problem of this type.
    pub fn problem<P: Problem>(&self) -> Option<&P> {
        let problem: &dyn Any = &**self.problem.0.as_ref()?;
        problem.downcast_ref()
    }

    /// What would be right, in the words of a format. One that is in its own words, or was read from JSON, has the same in each.
    pub fn help_in(&self, words: Words) -> String {
        self.problem.0.as_ref().map_or_else(|| self.help.clone(), |problem| problem.help(words))
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
        if !self.machines.is_empty() {
            writeln!(f, "  and on {} more: {}", self.machines.len(), self.machines)?;
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
