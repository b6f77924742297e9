//! Findings of a check: typed, with a place and a help.

mod kind;
mod leaf;
mod names;
mod own;
mod problem;
mod remedy;
mod said;
mod value;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sort;
pub use kind::{Kind, UnknownKind, findings};
pub use leaf::LeafProblem;
pub(crate) use leaf::leaf;
pub use names::NameList;
pub(crate) use names::{KnownNames, Listed};
pub use own::OwnKind;
pub use problem::{Data, Problem};
pub(crate) use problem::{for_example, problems};
pub(crate) use remedy::names_no_setting;
pub use remedy::{Remedy, Words};
use said::{Said, Written};
pub use value::ValueProblem;

/// The severity of a finding.
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

/// A value that can be a name in a path.
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

    /// The last key on the way, as `address`.
    pub(crate) fn last_key(&self) -> &str {
        match (self.step, self.parent) {
            (Step::Key(key), _) => key,
            (_, Some(parent)) => parent.last_key(),
            (_, None) => "",
        }
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
/// A finding that is read from JSON has the same kind, values and texts. Only the program of a role knows the role's own kinds, so
/// another program cannot read a finding of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Finding {
    kind: Kind,
    severity: Severity,
    at: String,
    also: Vec<String>,
    machines: NameList,
    accepted: Option<String>,
    said: Said,
}

impl Finding {
    /// A finding about a problem, at the path of the wrong value. Its texts are made from the problem's values.
    pub fn about(at: impl fmt::Display, problem: impl Problem) -> Self {
        Self::about_shared(&at, Arc::new(problem))
    }

    /// Apart, so that it is compiled once and not for each type of problem.
    fn about_shared(at: &dyn fmt::Display, problem: Arc<dyn Problem>) -> Self {
        let kind = problem.kind();
        Self {
            kind,
            severity: kind.severity(),
            at: at.to_string(),
            also: Vec::new(),
            machines: NameList::default(),
            accepted: None,
            said: Said::Typed(problem),
        }
    }

    /// Its kind, stable across versions.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its severity.
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// The path to the value.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Paths to the other values that it is about.
    pub fn also_at(&self) -> &[String] {
        &self.also
    }

    /// The other machines with the same mistake at the same place, by name.
    pub const fn machines(&self) -> &NameList {
        &self.machines
    }

    /// Why the cloud accepts it, if it does.
    pub fn accepted(&self) -> Option<&str> {
        self.accepted.as_deref()
    }

    /// The problem, if it is of this type. A finding that was read from JSON has none.
    ///
    /// ```
    /// use fmc_core::check::problem::ReferenceProblem;
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::image::Image;
    /// use fmc_core::machine::Machine;
    ///
    /// let report = Cloud::new("first").machine(Machine::new("web", Image::blank())).check().unwrap_err();
    /// let problem = report.findings().iter().find_map(|finding| finding.problem());
    /// assert_eq!(problem, Some(&ReferenceProblem::NoHost));
    /// ```
    pub fn problem<P: Problem>(&self) -> Option<&P> {
        match &self.said {
            Said::Typed(problem) => {
                let problem: &dyn Any = &**problem;
                problem.downcast_ref()
            }
            Said::Read(_) => None,
        }
    }

    /// The message.
    pub fn message(&self) -> String {
        self.said.message()
    }

    /// The help in Rust; [`help_in`](Self::help_in) has those of a file.
    pub fn help(&self) -> String {
        self.help_in(Words::Rust)
    }

    /// The help in a format's own words. A finding that was read from JSON has the same help in each.
    pub fn help_in(&self, words: Words) -> String {
        self.said.help(words)
    }

    /// Which of the kind's cases it is.
    pub fn case(&self) -> &str {
        self.said.case()
    }

    /// The values that the texts are made from.
    pub fn data(&self) -> Data {
        self.said.data()
    }

    /// The settings that the help names.
    pub fn remedies(&self) -> Vec<Remedy> {
        self.said.remedies()
    }

    /// Another value that the finding is about.
    #[must_use]
    pub fn also(mut self, at: impl fmt::Display) -> Self {
        self.also.push(at.to_string());
        self
    }

    /// Makes it a warning, where a case is less bad than its kind.
    pub(crate) fn only_warn(&mut self) {
        self.severity = Severity::Warning;
    }

    /// Names the other machines that have the same finding.
    pub(crate) fn shared_with(&mut self, machines: NameList) {
        self.machines = machines;
    }

    /// The cloud accepts it for a reason.
    pub(crate) fn accept(&mut self, reason: &str) {
        self.accepted = Some(reason.to_owned());
    }

    /// Each of its paths.
    pub(crate) fn paths_mut(&mut self) -> impl Iterator<Item = &mut String> {
        std::iter::once(&mut self.at).chain(&mut self.also)
    }

    /// Whether it refuses the cloud.
    pub fn refuses(&self) -> bool {
        self.severity == Severity::Error && self.accepted.is_none()
    }

    /// All of it for people, with the help in the words of a format.
    pub fn in_words(&self, words: Words) -> impl fmt::Display {
        InWords { finding: self, words }
    }
}

/// A finding for people, with the help in the words of a format.
struct InWords<'a> {
    finding: &'a Finding,
    words: Words,
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { kind, severity, at, also, machines, accepted, said } = self.finding;
        writeln!(f, "{severity}[{}]: {}", kind.as_str(), said.message())?;
        writeln!(f, "  at {at}")?;
        for at in also {
            writeln!(f, "  and {at}")?;
        }
        if !machines.is_empty() {
            writeln!(f, "  and on {} more: {machines}", machines.len())?;
        }
        writeln!(f, "  help: {}", said.help(self.words))?;
        if let Some(reason) = accepted {
            writeln!(f, "  accepted: {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_words(Words::Rust).fmt(f)
    }
}

/// By their values and texts.
impl PartialEq for Finding {
    fn eq(&self, other: &Self) -> bool {
        let Self { kind, severity, at, also, machines, accepted, said } = self;
        *kind == other.kind
            && *severity == other.severity
            && *at == other.at
            && *also == other.also
            && *machines == other.machines
            && *accepted == other.accepted
            && *said == other.said
    }
}

impl Eq for Finding {}

/// Why a cloud was refused: every finding, not the first.
///
/// `Debug` is for people too, since an `unwrap` in a test and a `?` in `main` show it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[must_use = "an unread report is not actionable"]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// A report of findings, sorted by severity, then by place.
    pub fn new(mut findings: Vec<Finding>) -> Self {
        sort::by(&mut findings, |a, b| {
            let places = (b.severity, &a.at, a.kind.as_str()).cmp(&(a.severity, &b.at, b.kind.as_str()));
            places.then_with(|| a.message().cmp(&b.message()))
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
