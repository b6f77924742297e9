//! The memberships of each machine by its roles, and what these say of it, for the mark of its domain.

use std::sync::Arc;

use crate::checked::build::Building;
use crate::checked::{Idx, Machine};
use crate::role::{Assigned, Leaving, Membership, RoleFacts, Site};
use crate::sort;

/// A machine with its memberships and with what its roles say of it.
type Said = (Idx<Machine>, Vec<Membership>, Arc<[RoleFacts]>);

/// Records for every machine its roles of an instance, and those with steps before they leave.
pub(super) fn memberships(cloud: &mut Building, assigned: &[Assigned]) {
    let mut all: Vec<Said> = Vec::new();
    for ours in assigned.chunk_by(|one, other| one.machine == other.machine) {
        let Some(at) = ours.first().map(|one| one.machine) else { continue };
        let Some(machine) = cloud.at(at) else { continue };
        let site = Site::new(cloud, machine, assigned);
        let mut members: Vec<Membership> = ours
            .iter()
            .filter_map(|one| {
                let (instance, leaving) = (one.role.instance(), one.role.leaving(&site));
                if instance.is_none() && leaving == Leaving::new() {
                    return None;
                }
                let kept = one.role.state().is_some_and(|state| machine.disk_at(&state).is_some());
                let member = Membership::new(one.kind.clone(), instance).with_state_kept(kept);
                Some(member.leaving(leaving))
            })
            .collect();
        // A machine that has a role twice is a finding.
        sort::by(&mut members, |a, b| (a.kind(), a.instance()).cmp(&(b.kind(), b.instance())));
        members.dedup_by(|a, b| (a.kind(), a.instance()) == (b.kind(), b.instance()));
        all.push((at, members, ours.iter().filter_map(|one| facts(one, &site)).collect()));
    }
    for (at, members, facts) in all {
        if let Some(machine) = cloud.machine_mut(at) {
            machine.memberships = members;
            machine.facts = facts;
        }
    }
}

/// The facts that a role records about its machine; `None` if it records none.
fn facts(one: &Assigned, site: &Site<'_>) -> Option<RoleFacts> {
    let facts = one.role.facts(site).fitted();
    let says = !facts.is_empty() || facts.stale().is_some() || facts.bound().is_some();
    says.then(|| {
        let role = RoleFacts::new(one.kind.clone(), one.role.instance().map(Into::into), facts);
        role.with_state(one.role.state())
    })
}
