//! The check of a cloud as a whole: one rule, one function, one kind of finding.

use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::finding::{At, Finding, Report};
use crate::given::{Given, Leaf, LeafGroup};
use kind::Kind;
pub use kind::findings;
pub(crate) use roles::Assigned;
use view::View;

mod accept;
mod address;
mod balancer;
pub mod budget;
mod capacity;
mod disks;
mod guest;
mod image;
mod k3s;
pub mod kind;
mod large;
mod leaves;
mod mount;
mod ready;
mod reference;
mod resolve;
mod roles;
mod route;
mod say;
mod subnets;
#[cfg(test)]
mod tests;
mod view;

/// The rules, in the order in which they run. Each looks at the whole draft and passes over what another one refuses.
const RULES: &[fn(&View<'_>, &mut Vec<Finding>)] = &[
    leaves::check,
    reference::check,
    address::check,
    route::check,
    image::check,
    capacity::check,
    guest::check,
    ready::check,
    mount::check,
    k3s::check,
];

/// Checks a cloud: every finding, or the checked cloud with those that refuse nothing.
pub(crate) fn check(cloud: &Cloud) -> Result<Checked, Report> {
    let added = disks::added(cloud);
    let (given, cloud) = (cloud, added.as_ref().map_or(cloud, |added| &added.cloud));
    let view = View::new(cloud);
    let mut findings = Vec::new();
    for rule in RULES {
        rule(&view, &mut findings);
    }
    // Roles look at a cloud whose values are right: at what is, where not all of it is.
    let mut resolved = resolve::resolve(&view);
    if let Some(resolved) = &mut resolved {
        balancer::check(&view, &resolved.cloud, &mut findings);
        roles::expand(&view, &mut resolved.cloud, &mut findings);
        large::check(&resolved.cloud, &mut findings);
    }
    if let Some(added) = &added {
        added.move_findings(&mut findings);
    }
    accept::apply(given, &mut findings);
    let report = Report::new(findings);
    if report.refuses() {
        return Err(report);
    }
    match resolved {
        Some(resolved) if resolved.is_whole => {
            let mut checked = resolved.cloud;
            checked.findings = report.into_findings();
            Ok(checked)
        }
        _ => Err(report),
    }
}

/// The value of a leaf; a wrong one is a finding.
pub(crate) fn leaf<'a, T: Leaf>(
    given: &'a Given<T>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<&'a T> {
    match given {
        Given::Right(value) => Some(value),
        Given::Wrong { text, why } => {
            let kind = match T::GROUP {
                LeafGroup::Name => Kind::NameInvalid,
                LeafGroup::Size => Kind::SizeInvalid,
                LeafGroup::Address => Kind::AddressInvalid,
                LeafGroup::Other => Kind::ValueInvalid,
            };
            let message = if text.is_empty() {
                format!("the {} is empty", T::WHAT)
            } else {
                format!("{text:?} is not a valid {}", T::WHAT)
            };
            let says_what =
                ["write ", "for example", "try ", "did you mean"].iter().any(|hint| why.contains(hint));
            let help = if says_what { why.clone() } else { format!("{why}; for example {}", T::EXAMPLE) };
            findings.push(Finding::new(kind, at, message, help));
            None
        }
    }
}
