//! Findings that the cloud accepts, by kind and with a reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::Cloud;
use crate::finding::{Finding, Kind, problems};
use crate::nearest::nearest;

/// Gives accepted findings their reason, and checks the `accept` entries themselves.
pub(crate) fn apply(cloud: &Cloud, findings: &mut Vec<Finding>) {
    let mut accepted: BTreeMap<Kind, (usize, &str)> = BTreeMap::new();
    let mut own = Vec::new();
    let kinds = kinds(cloud);
    let named = |name: &str| kinds.iter().copied().find(|kind| kind.as_str() == name);
    for (index, entry) in cloud.accept.iter().enumerate() {
        let at = format_args!("accept[{index}].kind");
        match named(&entry.kind) {
            None => {
                let problem =
                    AcceptProblem::Unknown { kind: entry.kind.clone(), near: near(&entry.kind, &kinds) };
                own.push(problem.at(at));
            }
            Some(kind) if !kind.is_acceptable() => own.push(AcceptProblem::Never { kind }.at(at)),
            Some(kind) => match accepted.get(&kind) {
                Some((first, _)) => {
                    own.push(AcceptProblem::Twice { kind }.at(at).also(format_args!("accept[{first}].kind")));
                }
                None => {
                    accepted.insert(kind, (index, &entry.reason));
                }
            },
        }
    }
    let mut used = BTreeSet::new();
    for finding in findings.iter_mut() {
        if let Some((_, reason)) = accepted.get(&finding.kind()) {
            finding.accept(reason);
            used.insert(finding.kind());
        }
    }
    // In a lab much is not found that the cloud itself has.
    for (kind, (index, _)) in accepted.iter().filter(|(kind, _)| !used.contains(kind) && !cloud.lab) {
        own.push(AcceptProblem::Unused { kind: *kind }.at(format_args!("accept[{index}].kind")));
    }
    findings.extend(own);
}

/// Every kind that a finding of this cloud can have: the built-in ones, and those that its roles add.
fn kinds(cloud: &Cloud) -> Vec<Kind> {
    let own = cloud.own_finding_kinds().map(Kind::Own);
    Kind::ALL.iter().copied().chain(own).collect()
}

/// The acceptable kind with the nearest name.
fn near(kind: &str, kinds: &[Kind]) -> Option<&'static str> {
    nearest(kind, kinds.iter().filter(|kind| kind.is_acceptable()).map(|kind| kind.as_str()))
}

/// The help for an unknown kind.
fn instead(near: Option<&str>) -> String {
    match near {
        Some(near) => format!("write {near}"),
        None => "write the kind as the finding says it, for example memory-overcommit; leave it out if it was of a role that is gone".to_owned(),
    }
}

problems! {
    /// Problems with the findings that a cloud accepts.
    pub enum AcceptProblem {
        Unknown { kind: String, near: Option<&'static str> } is AcceptUnknown with (help = instead(*near)):
            "there is no kind of finding {kind:?}",
            "{help}";
        Never { kind: Kind } is AcceptUnknown:
            "{kind} cannot be accepted: a cloud with it does not compile",
            "correct what it found, and leave this out";
        Twice { kind: Kind } is AcceptUnused:
            "{kind} is accepted twice",
            "keep one, with the whole reason";
        Unused { kind: Kind } is AcceptUnused:
            "there is no finding of the kind {kind}",
            "leave it out: it would hide the next one";
    }
}
