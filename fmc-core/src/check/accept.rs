//! Findings that the cloud accepts, by kind and with a reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::Cloud;
use crate::finding::{Finding, Kind};
use crate::nearest::nearest;

/// Gives accepted findings their reason, and looks at what is accepted.
pub(crate) fn apply(cloud: &Cloud, findings: &mut Vec<Finding>) {
    let mut accepted: BTreeMap<Kind, (usize, &str)> = BTreeMap::new();
    let mut own = Vec::new();
    let kinds = kinds(cloud);
    let named = |name: &str| kinds.iter().copied().find(|kind| kind.as_str() == name);
    for (index, entry) in cloud.accept.iter().enumerate() {
        let at = format_args!("accept[{index}].kind");
        match named(&entry.kind) {
            None => own.push(Finding::new(
                Kind::AcceptUnknown,
                at,
                unknown(&entry.kind),
                help(&entry.kind, &kinds),
            )),
            Some(kind) if !kind.is_acceptable() => own.push(Finding::new(
                Kind::AcceptUnknown,
                at,
                format!("{} cannot be accepted: nothing compiles while it is there", kind.as_str()),
                "mend what it found, and leave this out",
            )),
            Some(kind) => match accepted.get(&kind) {
                Some((first, _)) => own.push(
                    Finding::new(
                        Kind::AcceptUnused,
                        at,
                        format!("{} is accepted twice", kind.as_str()),
                        "keep one, with the whole reason",
                    )
                    .also(format_args!("accept[{first}].kind")),
                ),
                None => {
                    accepted.insert(kind, (index, &entry.reason));
                }
            },
        }
    }
    let mut used = BTreeSet::new();
    for finding in findings.iter_mut() {
        if let Some((_, reason)) = accepted.get(&finding.kind) {
            finding.accepted = Some((*reason).to_owned());
            used.insert(finding.kind);
        }
    }
    // In a lab much is not found that the cloud itself has.
    for (kind, (index, _)) in accepted.iter().filter(|(kind, _)| !used.contains(kind) && !cloud.lab) {
        own.push(Finding::new(
            Kind::AcceptUnused,
            format_args!("accept[{index}].kind"),
            format!("nothing of the kind {} is found", kind.as_str()),
            "leave it out: it would hide the next one",
        ));
    }
    findings.extend(own);
}

fn unknown(kind: &str) -> String {
    format!("there is no kind of finding {kind:?}")
}

/// Every kind that a finding of this cloud can have: the built-in ones, and those that its roles bring along.
fn kinds(cloud: &Cloud) -> Vec<Kind> {
    let own = cloud.own_roles().flat_map(|(_, role)| role.as_custom().finding_kinds()).map(Kind::Own);
    Kind::ALL.iter().copied().chain(own).collect()
}

fn help(kind: &str, kinds: &[Kind]) -> String {
    let kinds = kinds.iter().filter(|kind| kind.is_acceptable()).map(|kind| kind.as_str());
    match nearest(kind, kinds) {
        Some(near) => format!("write {near}"),
        None => "write the kind as the finding says it, for example memory-overcommit".to_owned(),
    }
}
