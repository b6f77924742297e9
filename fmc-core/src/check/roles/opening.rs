//! The machines' own `accept` entries, as flows. They start no program, so they clash with no role: an entry may open a
//! role's port for more peers.

use super::super::view::View;
use super::flow::peer;
use super::{RoleProblem, index_of};
use crate::checked::{By, Checked, CheckedFlow};
use crate::finding::{At, Finding};
use crate::flow::Direction;

/// The flows of all machines that accept something. The rules for leaves and references report a wrong service or peer.
pub(super) fn flows(view: &View<'_>, cloud: &Checked, findings: &mut Vec<Finding>) -> Vec<CheckedFlow> {
    let mut flows = Vec::new();
    for placed in view.machines.iter().filter(|placed| !placed.draft.accept.is_empty()) {
        let Some((index, machine)) =
            index_of(cloud, placed).and_then(|index| Some((index, cloud.at(index)?)))
        else {
            continue;
        };
        if !machine.is_provisioned() {
            let os = machine.image.os.label();
            findings
                .push(RoleProblem::NoFirewall { os }.at(format_args!("machines.{}.accept", machine.name)));
            continue;
        }
        flows.extend(placed.draft.accept.iter().enumerate().filter_map(|(at, opening)| {
            Some(CheckedFlow {
                machine: index,
                direction: Direction::Accept,
                service: *opening.service.ok()?,
                peer: peer(&opening.from, cloud, &At::ROOT, &mut Vec::new())?,
                by: By::Machine(at),
            })
        }));
    }
    flows
}
