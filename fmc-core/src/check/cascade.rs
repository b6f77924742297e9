//! Consequences: the check leaves a finding out if it only follows from another one.
//!
//! A network whose subnet is wrong has no addresses, and a machine whose address is wrong is left out of the resolved cloud. The rules
//! about routes, flows and endpoints would then report each machine and each flow of them.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{View, text};
use crate::finding::{Finding, Kind};

/// Leaves out the consequences of wrong addresses and memberships.
pub(super) fn leave_out(view: &View<'_>, findings: &mut Vec<Finding>) {
    let wrong = Wrong::of(view, findings);
    if wrong.is_any {
        findings.retain(|finding| !wrong.explains(view, finding));
    }
}

/// The networks and machines whose addresses are wrong.
struct Wrong<'a> {
    machines: BTreeSet<&'a str>,
    /// Whether there are any, or a cluster has a member twice.
    is_any: bool,
}

impl<'a> Wrong<'a> {
    fn of(view: &View<'a>, findings: &[Finding]) -> Self {
        let (mut networks, mut machines, mut is_any) = (BTreeSet::new(), BTreeSet::new(), false);
        for finding in findings {
            match finding.kind() {
                Kind::AddressInvalid | Kind::AddressTaken | Kind::AddressDuplicate => {}
                kind if kind.is_of_membership() => {
                    is_any = true;
                    continue;
                }
                _ => continue,
            }
            for at in finding.also_at().iter().map(String::as_str).chain([finding.at()]) {
                networks.extend(named(at, "networks.", &view.network_index));
                machines.extend(named(at, "machines.", &view.machine_index));
            }
        }
        is_any |= !networks.is_empty() || !machines.is_empty();
        for placed in view.machines.iter().filter(|_| !networks.is_empty()) {
            if placed.draft.interfaces.iter().any(|interface| networks.contains(text(&interface.network))) {
                machines.insert(text(&placed.draft.name));
            }
        }
        Self { machines, is_any }
    }

    /// Whether a finding may be a consequence.
    fn explains(&self, view: &View<'_>, finding: &Finding) -> bool {
        match finding.kind() {
            Kind::FlowRefused | Kind::FlowUnreachable | Kind::FlowNobody => true,
            // A machine that the cloud has, but that is left out.
            Kind::ReferenceUnknown => {
                let name: Option<String> = finding.data().get("name");
                name.is_some_and(|name| view.machine_index.contains_key(&*name))
            }
            kind if kind.follows_from_addresses() => {
                !self.machines.is_empty()
                    && !finding.at().starts_with("networks.")
                    && named(finding.at(), "machines.", &view.machine_index)
                        .is_none_or(|machine| self.machines.contains(machine))
            }
            _ => false,
        }
    }
}

/// The value that a path leads into.
fn named<'a>(at: &str, kind: &str, index: &BTreeMap<&'a str, usize>) -> Option<&'a str> {
    let path = at.strip_prefix(kind)?;
    let ends = path.match_indices(['.', '[']).map(|(end, _)| end).chain([path.len()]);
    // A name that is wrong may have dots in it.
    ends.filter_map(|end| index.get_key_value(path.get(..end)?)).next_back().map(|(name, _)| *name)
}
