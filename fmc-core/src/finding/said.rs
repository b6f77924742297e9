//! The text of a finding: made by a typed problem, or read from JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Data, Finding, Kind, NameList, Problem, Remedy, Severity, Words};

/// Where the texts and values of a finding are from.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// Made from a problem on each call.
    Typed(Arc<dyn Problem>),
    /// Read from JSON.
    Read(Box<Texts>),
}

/// The texts and values of a finding that was read.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    message: String,
    help: String,
    case: String,
    data: Data,
    remedies: Vec<Remedy>,
}

impl Said {
    pub(super) fn message(&self) -> String {
        match self {
            Self::Typed(problem) => problem.message(),
            Self::Read(texts) => texts.message.clone(),
        }
    }

    pub(super) fn help(&self, words: Words) -> String {
        match self {
            Self::Typed(problem) => problem.help(words),
            Self::Read(texts) => texts.help.clone(),
        }
    }

    pub(super) fn case(&self) -> &str {
        match self {
            Self::Typed(problem) => problem.case(),
            Self::Read(texts) => &texts.case,
        }
    }

    pub(super) fn data(&self) -> Data {
        match self {
            Self::Typed(problem) => problem.data(),
            Self::Read(texts) => texts.data.clone(),
        }
    }

    pub(super) fn remedies(&self) -> Vec<Remedy> {
        match self {
            Self::Typed(problem) => problem.remedies(),
            Self::Read(texts) => texts.remedies.clone(),
        }
    }
}

/// Compares the texts: a finding that was read equals the one that was written.
impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        self.message() == other.message()
            && self.case() == other.case()
            && self.help(Words::Rust) == other.help(Words::Rust)
            && self.data() == other.data()
            && self.remedies() == other.remedies()
    }
}

/// A finding in JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    kind: Kind,
    severity: Severity,
    at: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
    #[serde(default, skip_serializing_if = "NameList::is_empty")]
    machines: NameList,
    message: String,
    help: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    case: String,
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    data: Data,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remedies: Vec<Remedy>,
}

impl From<Finding> for Written {
    fn from(finding: Finding) -> Self {
        let Finding { kind, severity, at, also, machines, accepted, said } = finding;
        Self {
            kind,
            severity,
            at,
            also,
            machines,
            message: said.message(),
            help: said.help(Words::Rust),
            accepted,
            case: said.case().to_owned(),
            data: said.data(),
            remedies: said.remedies(),
        }
    }
}

impl From<Written> for Finding {
    fn from(written: Written) -> Self {
        let Written { kind, severity, at, also, machines, message, help, accepted, case, data, remedies } =
            written;
        let said = Said::Read(Box::new(Texts { message, help, case, data, remedies }));
        Self { kind, severity, at, also, machines, accepted, said }
    }
}
