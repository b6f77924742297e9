//! Assertions on the findings of a check.

use std::borrow::Cow;

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::finding::{Finding, Kind, Report};

use super::say::{Failed, list, or_panic};

/// A source of findings: a cloud, which gets checked; the result of a check; or the report of a refusal.
pub trait Judged: sealed::Judged {}

impl<T: sealed::Judged> Judged for T {}

mod sealed {
    use super::{Checked, Cloud, Cow, Finding, Report};

    pub trait Judged {
        /// Every finding, including those that the cloud accepts.
        fn findings(&self) -> Cow<'_, [Finding]>;
    }

    impl Judged for Report {
        fn findings(&self) -> Cow<'_, [Finding]> {
            Cow::Borrowed(self.findings())
        }
    }

    impl Judged for Checked {
        fn findings(&self) -> Cow<'_, [Finding]> {
            Cow::Borrowed(self.findings())
        }
    }

    impl Judged for Result<Checked, Report> {
        fn findings(&self) -> Cow<'_, [Finding]> {
            match self {
                Ok(checked) => Judged::findings(checked),
                Err(report) => Judged::findings(report),
            }
        }
    }

    impl Judged for Cloud {
        fn findings(&self) -> Cow<'_, [Finding]> {
            Cow::Owned(self.check().findings().into_owned())
        }
    }
}

/// The checked cloud.
///
/// # Panics
///
/// If the check refuses the cloud: with its report.
#[track_caller]
pub fn checked(cloud: &Cloud) -> Checked {
    or_panic(passes(cloud))
}

pub(super) fn passes(cloud: &Cloud) -> Result<Checked, Failed> {
    cloud.check().map_err(|report| {
        Failed::new(
            "the check refuses the cloud",
            report.to_string(),
            "a cloud without findings of severity error that it does not accept",
        )
    })
}

/// The finding of a kind at a path, whether the cloud accepts it or not. Any place of the finding counts.
///
/// ```
/// use fmc::prelude::*;
/// use fmc::testing::assert_finding;
///
/// let web = Machine::new("web", Image::blank()).interface(Interface::on("lab").address("10.17.4.10"));
/// let cloud = Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machine(web);
/// let finding = assert_finding(&cloud, Kind::AddressOutside, "machines.web.interfaces[0].address");
/// assert!(finding.refuses());
/// ```
///
/// # Panics
///
/// If there is no such finding: with all findings.
#[track_caller]
pub fn assert_finding(judged: &impl Judged, kind: Kind, path: &str) -> Finding {
    or_panic(finding(&judged.findings(), kind, path))
}

pub(super) fn finding(findings: &[Finding], kind: Kind, path: &str) -> Result<Finding, Failed> {
    let places = |finding: &Finding| finding.at() == path || finding.also_at().iter().any(|at| at == path);
    if let Some(found) = findings.iter().find(|finding| finding.kind() == kind && places(finding)) {
        return Ok(found.clone());
    }
    let elsewhere: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.kind() == kind)
        .flat_map(|finding| std::iter::once(finding.at()).chain(finding.also_at().iter().map(String::as_str)))
        .collect();
    let other: Vec<&str> =
        findings.iter().filter(|finding| places(finding)).map(|finding| finding.kind().as_str()).collect();
    let right = match (elsewhere.as_slice(), other.as_slice()) {
        ([], []) => {
            format!("a cloud in which `{path}` is wrong in this way (`explain {}` says which)", kind.as_str())
        }
        ([], other) => format!("to expect {} there", list(other)),
        (places, _) => format!("to expect it at {}", list(places)),
    };
    Err(Failed::new(format!("no finding {} at {path}", kind.as_str()), shown(findings), right))
}

/// There is no finding of a kind, accepted or not.
///
/// # Panics
///
/// If there is one: with its place, and what would be right there.
#[track_caller]
pub fn assert_no_finding(judged: &impl Judged, kind: Kind) {
    or_panic(none(judged.findings().iter().filter(|finding| finding.kind() == kind), kind.as_str()));
}

/// There are only findings that the cloud accepts; warnings count, too.
///
/// # Panics
///
/// If there are others: with all of them.
#[track_caller]
pub fn assert_no_findings(judged: &impl Judged) {
    or_panic(none(judged.findings().iter().filter(|finding| finding.accepted().is_none()), "anything"));
}

pub(super) fn none<'a>(findings: impl Iterator<Item = &'a Finding>, what: &str) -> Result<(), Failed> {
    let found: Vec<Finding> = findings.cloned().collect();
    if found.is_empty() {
        return Ok(());
    }
    let right: Vec<String> =
        found.iter().map(|finding| format!("at {}: {}", finding.at(), finding.help())).collect();
    Err(Failed::new(format!("the check finds {what}"), shown(&found), right.join("\n")))
}

/// The finding of a kind that the cloud accepts, with its reason.
///
/// # Panics
///
/// If the cloud accepts no such finding.
#[track_caller]
pub fn assert_accepted(judged: &impl Judged, kind: Kind) -> Finding {
    or_panic(accepted(&judged.findings(), kind))
}

pub(super) fn accepted(findings: &[Finding], kind: Kind) -> Result<Finding, Failed> {
    let of_kind: Vec<&Finding> = findings.iter().filter(|finding| finding.kind() == kind).collect();
    if let Some(found) = of_kind.iter().find(|finding| finding.accepted().is_some()) {
        return Ok((*found).clone());
    }
    let name = kind.as_str();
    let right = if kind.is_acceptable() {
        format!("`.accept(\"{name}\", \"REASON\")` on a cloud that has the finding")
    } else {
        format!("a cloud without the finding: {name} cannot be accepted")
    };
    Err(Failed::new(format!("no finding {name} is accepted"), shown(findings), right))
}

/// The findings, one for each line.
fn shown(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "no finding".to_owned();
    }
    let line = |finding: &Finding| {
        let accepted = finding.accepted().map(|reason| format!(" (accepted: {reason})")).unwrap_or_default();
        let also: String = finding.also_at().iter().map(|at| format!(" and {at}")).collect();
        let (kind, severity, at) = (finding.kind().as_str(), finding.severity(), finding.at());
        format!("{severity}[{kind}] at {at}{also}: {}{accepted}", finding.message())
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}
