//! Findings and their kinds, in the output of `check` and `explain`.

use fmc_core::finding::{Data, Finding, Kind, NameList, Remedy, Severity, Words};
use serde::{Deserialize, Serialize};

use crate::file::{Mistake, Places, Source};

/// A finding with its place in the cloud's file; `check` writes a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FindingView {
    /// Its kind, as `address-duplicate`; `file` for a file that cannot be read as a cloud.
    pub kind: String,
    /// Its severity.
    pub severity: Severity,
    /// The path in the cloud.
    pub at: String,
    /// Further places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The message.
    pub message: String,
    /// The help, in the words of the author's format.
    pub help: String,
    /// The reason, if the cloud accepts the finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// The other machines with the same fault at the same place, by name.
    #[serde(default, skip_serializing_if = "NameList::is_empty")]
    pub machines: NameList,
    /// The kind's case; empty for a role's own kind and for a file that is not a cloud.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case: String,
    /// The values in the texts.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub data: Data,
    /// The possible fixes, each alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
    /// The place in the file, if the cloud has one.
    #[serde(flatten)]
    pub place: Option<FilePlace>,
    /// The `--set` that gave the value, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FilePlace {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
}

impl FindingView {
    /// A finding with its help in the author's format, and its place if the cloud is from a file.
    pub fn new(finding: &Finding, words: Words, place: Option<FilePlace>) -> Self {
        Self {
            kind: finding.kind().to_string(),
            severity: finding.severity(),
            at: finding.at().to_owned(),
            also: finding.also_at().to_vec(),
            message: finding.message(),
            help: finding.help_in(words),
            accepted: finding.accepted().map(str::to_owned),
            machines: finding.machines().clone(),
            case: finding.case().to_owned(),
            data: finding.data(),
            remedies: finding.remedies(),
            place,
            set: None,
        }
    }

    /// A finding of a cloud that was read from a named text.
    pub fn in_source(finding: &Finding, source: &Source, places: &Places<'_>, name: &str) -> Self {
        let (line, column) = source.lines().place(places.place(finding.at()).start);
        Self::new(finding, Words::File, Some(FilePlace { file: name.to_owned(), line, column }))
    }

    /// A mistake of a text that cannot be read as a cloud.
    pub fn of_mistake(mistake: &Mistake, name: &str) -> Self {
        Self {
            kind: "file".to_owned(),
            severity: Severity::Error,
            at: mistake.path().to_owned(),
            also: Vec::new(),
            message: mistake.message().to_owned(),
            help: mistake.help_text().to_owned(),
            accepted: None,
            machines: NameList::default(),
            case: String::new(),
            data: Data::default(),
            remedies: Vec::new(),
            place: Some(FilePlace { file: name.to_owned(), line: mistake.line(), column: mistake.column() }),
            set: None,
        }
    }
}

/// The page of a kind of finding, in the output of `explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PageView {
    /// Its name, as `address-duplicate`.
    pub kind: String,
    /// The severity of a finding of this kind.
    pub severity: Severity,
    /// Whether a cloud can accept it.
    pub acceptable: bool,
    /// The meaning, and what to do; the list of kinds omits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// The kinds of findings, in the output of `explain` without arguments: without their pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KindsView {
    /// The kinds.
    pub kinds: Vec<PageView>,
}

impl PageView {
    /// A kind without its page.
    pub fn of(kind: Kind) -> Self {
        let acceptable = kind.is_acceptable();
        Self { kind: kind.to_string(), severity: kind.severity(), acceptable, page: None }
    }

    /// A kind with its page.
    pub fn with_page(kind: Kind) -> Self {
        Self { page: Some(kind.page().to_owned()), ..Self::of(kind) }
    }
}
