//! Roles that answer at a service that no peer may call.

use super::RoleProblem;
use crate::checked::Checked;
use crate::finding::{Finding, Severity};
use crate::flow::Direction;
use crate::role::Assigned;

/// A warning for each role that answers at a service, on a machine whose firewall accepts no peer there: neither the
/// role nor the machine names a caller.
pub(super) fn unheard(cloud: &Checked, assigned: &[Assigned], findings: &mut Vec<Finding>) {
    // A peer that is not there has its finding. Once it is mended, the role may be heard.
    let broken: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| finding.at().to_owned())
        .collect();
    let is_broken = |path: &str| {
        broken.iter().any(|at| {
            let rest = at.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    };
    for one in assigned {
        let Some(service) = one.role.answers() else { continue };
        let is_guarded = cloud.at(one.machine).is_some_and(|machine| machine.firewall);
        let mut flows = cloud.flows_at(one.machine).iter();
        let is_heard =
            flows.any(|flow| flow.direction == Direction::Accept && flow.service.contains(service));
        let accept = || cloud.at(one.machine).map(|machine| format!("machines.{}.accept", machine.name));
        if is_guarded && !is_heard && !is_broken(&one.at) && !accept().is_some_and(|at| is_broken(&at)) {
            findings.push(RoleProblem::Unheard { role: one.kind.to_string(), service }.at(&one.at));
        }
    }
}
