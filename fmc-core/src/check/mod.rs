//! The check of a cloud as a whole: one rule, one function, one kind of finding.
//!
//! One cause is one finding: what many machines share is reported once, and a name that is wrong where it is defined is
//! not reported again where it is used.

use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::finding::{Finding, Report};
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

impl Cloud {
    /// Checks the cloud as a whole: the checked cloud, with the findings that refuse nothing.
    ///
    /// # Errors
    ///
    /// Every finding, if one of them is an error that the cloud does not accept.
    pub fn check(&self) -> Result<Checked, Report> {
        let added = disks::added(self);
        let cloud = added.as_ref().map_or(self, |added| &added.cloud);
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
        accept::apply(self, &mut findings);
        let report = Report::new(findings);
        if report.refuses() {
            return Err(report);
        }
        match resolved {
            Some(resolved) if resolved.is_whole => Ok(resolved.cloud.finish(report.into_findings())),
            _ => Err(report),
        }
    }
}
