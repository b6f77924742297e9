//! Roles that answer at a service that no peer may call.

use super::RoleProblem;
use crate::checked::Checked;
use crate::finding::Finding;
use crate::flow::Direction;
use crate::role::Assigned;

/// A warning for each role that answers at a service, on a machine whose firewall accepts no peer there: neither the
/// role nor the machine names a caller.
pub(super) fn unheard(cloud: &Checked, assigned: &[Assigned], findings: &mut Vec<Finding>) {
    for one in assigned {
        let Some(service) = one.role.answers() else { continue };
        let is_guarded = cloud.at(one.machine).is_some_and(|machine| machine.firewall);
        let mut flows = cloud.flows_at(one.machine).iter();
        let is_heard =
            flows.any(|flow| flow.direction == Direction::Accept && flow.service.contains(service));
        if is_guarded && !is_heard {
            findings.push(RoleProblem::Unheard { role: one.kind.to_string(), service }.at(&one.at));
        }
    }
}
