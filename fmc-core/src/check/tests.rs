//! Tests of the rules: every kind by its page, each rule by its cases, and laws over arbitrary drafts.

use crate::cloud::Cloud;
use crate::finding::Finding;

mod flows;
mod images;
mod laws;
mod mounts;
mod openings;
mod pages;
mod role_terms;
mod roles;
mod rules;
mod shared;
mod spans;

/// A cloud from its file form.
pub(crate) fn yaml(text: &str) -> Cloud {
    // As a cloud's file is read: `n` is a name and no boolean.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// All findings of a cloud, whether they refuse it or not.
pub(crate) fn findings(cloud: &Cloud) -> Vec<Finding> {
    match cloud.check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => {
            assert!(report.refuses(), "refused without an error: {report}");
            report.into_findings()
        }
    }
}

/// Each finding as `kind path`.
pub(crate) fn found(cloud: &Cloud) -> Vec<String> {
    findings(cloud).iter().map(|finding| format!("{} {}", finding.kind().as_str(), finding.at())).collect()
}
