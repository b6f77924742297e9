//! The flows of a role, with every leaf right and every name known.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::reach::FlowProblem;
use crate::checked::{By, Checked, CheckedFlow, CheckedGroup, CheckedPeer, Idx, Machine};
use crate::finding::{At, Finding, KnownNames, leaf};
use crate::flow::{Flows, Group, Peer};
use crate::name::{BridgeName, RoleName};

/// The flows with every leaf right and every name known; a finding for each that is not.
pub(super) fn flows(
    said: &Flows,
    cloud: &Checked,
    machine: Idx<Machine>,
    role: &RoleName,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<CheckedFlow> {
    let at = at.key("flows");
    let each = said.iter().enumerate().filter_map(|(index, flow)| {
        let peer = peer(flow.peer(), cloud, &at.index(index), findings)?;
        Some(CheckedFlow {
            machine,
            direction: flow.direction(),
            service: flow.service(),
            peer,
            by: By::Role(role.clone()),
        })
    });
    each.collect()
}

/// Lets flows share equal lists of interfaces: the nodes of all clusters have the same.
pub(super) fn share(flows: &mut [CheckedFlow]) {
    let mut known: BTreeSet<Arc<BTreeSet<BridgeName>>> = BTreeSet::new();
    for flow in flows {
        if let CheckedPeer::Inside { interfaces, .. } = &mut flow.peer {
            match known.get(interfaces) {
                Some(same) => *interfaces = Arc::clone(same),
                None => {
                    known.insert(Arc::clone(interfaces));
                }
            }
        }
    }
}

/// The peer, if every leaf is right and every name is known; otherwise a finding.
pub(super) fn peer(
    said: &Peer,
    cloud: &Checked,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<CheckedPeer> {
    let mut group = |group: &Group| {
        let kind = leaf(&group.kind, at, findings)?.clone();
        let group = CheckedGroup { kind, instance: group.instance.as_deref().map(Into::into) };
        // A large cloud has many flows to each group.
        let known = cloud.roles().get_key_value(&group).map(|(known, _)| Arc::clone(known));
        Some(known.unwrap_or_else(|| Arc::new(group)))
    };
    Some(match said {
        Peer::Anywhere => CheckedPeer::Anywhere,
        Peer::Subnet(subnet) => CheckedPeer::Subnet(*leaf(subnet, at, findings)?),
        Peer::SubnetOfRole(role) => CheckedPeer::SubnetOfRole(group(role)?),
        Peer::Role(role) => CheckedPeer::Role(group(role)?),
        Peer::Inside { interfaces, subnet } => {
            let names = interfaces.iter().map(|name| leaf(name, at, findings).cloned());
            let names: Vec<Option<BridgeName>> = names.collect();
            if let Some(finding) = said.unwritable(at) {
                findings.push(finding);
                return None;
            }
            CheckedPeer::Inside {
                subnet: *leaf(subnet, at, findings)?,
                interfaces: Arc::new(names.into_iter().collect::<Option<BTreeSet<_>>>()?),
            }
        }
        Peer::Network(name) => {
            let name = leaf(name, at, findings)?;
            match cloud.find(name.as_str()) {
                Some(index) => CheckedPeer::Network(index),
                None => {
                    return unknown("network", name.as_str(), cloud.network_names(), at, findings);
                }
            }
        }
        Peer::Machine(name) => {
            let name = leaf(name, at, findings)?;
            match cloud.find(name.as_str()) {
                Some(index) => CheckedPeer::Machine(index),
                None => {
                    return unknown("machine", name.as_str(), cloud.machine_names(), at, findings);
                }
            }
        }
    })
}

fn unknown(
    what: &'static str,
    name: &str,
    known: &KnownNames,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<CheckedPeer> {
    let (near, known) = known.instead_of(name);
    let problem = FlowProblem::NoPeer { what, name: name.to_owned(), near, known };
    findings.push(problem.at(at));
    None
}
