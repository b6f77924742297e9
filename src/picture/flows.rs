//! The flows between roles, and to machines that accept something themselves, with as few arrows as possible:
//! one for each pair of ends, with all its services.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::checked::{By, Checked, CheckedFlow, CheckedGroup, CheckedPeer, Idx, Machine};
use fmc_core::flow::{Direction, Protocol, Service};
use fmc_core::name::RoleName;

/// How many machines of a role are listed; the others are counted.
const LISTED: usize = 4;

/// One end of arrows: a role with its machines, a single machine, or another peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) name: String,
    /// Its machines; empty for an end that is not a role.
    pub(super) machines: String,
}

/// An arrow: from one end to another, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The services, as `tcp 80, 443 · udp 53`.
    pub(super) services: String,
}

/// The ends and arrows of a cloud. Flows that every machine has, and flows inside one machine, are left out.
pub(super) fn of(checked: &Checked) -> (Vec<End>, Vec<Arrow>) {
    let mut arrows: BTreeMap<(String, String), BTreeSet<Service>> = BTreeMap::new();
    for flow in checked.all_flows() {
        let Some((own, peer)) = sayer(checked, flow).zip(peer(checked, flow)) else { continue };
        let ends = match flow.direction {
            Direction::Accept => (peer, own),
            Direction::Reach => (own, peer),
        };
        arrows.entry(ends).or_default().insert(flow.service);
    }
    let names: BTreeSet<&String> = arrows.keys().flat_map(|(from, to)| [from, to]).collect();
    let at = |name: &String| names.iter().position(|other| *other == name).unwrap_or_default();
    let drawn = arrows
        .iter()
        .map(|((from, to), services)| Arrow { from: at(from), to: at(to), services: words(services) })
        .collect();
    let ends = names.iter().map(|name| End { name: (*name).clone(), machines: machines(checked, name) });
    (ends.collect(), drawn)
}

/// The end that declares a flow; `None` for a flow that every machine has, which no role declares.
fn sayer(checked: &Checked, flow: &CheckedFlow) -> Option<String> {
    match &flow.by {
        By::Machine(_) => Some(checked.at(flow.machine)?.name.to_string()),
        By::Role(kind) => {
            let whole = CheckedGroup { kind: kind.clone(), instance: None };
            let members = &checked.roles().get(&whole)?.machines;
            members.binary_search(&flow.machine).is_ok().then(|| role(checked, kind, flow.machine))
        }
    }
}

/// The name of a role, with its instance if there are several.
fn group(checked: &Checked, group: &CheckedGroup) -> String {
    let instances =
        checked.roles().keys().filter(|other| other.kind == group.kind && other.instance.is_some());
    if instances.count() > 1 { group.to_string() } else { group.kind.to_string() }
}

/// The name of a role on a machine.
fn role(checked: &Checked, kind: &RoleName, machine: Idx<Machine>) -> String {
    let is_it = |(group, members): &(&Arc<CheckedGroup>, &fmc_core::checked::Members)| {
        group.kind == *kind && group.instance.is_some() && members.machines.binary_search(&machine).is_ok()
    };
    match checked.roles().iter().find(is_it) {
        Some((found, _)) => group(checked, found),
        None => kind.to_string(),
    }
}

/// The other end of a flow; `None` for a flow inside the machine.
fn peer(checked: &Checked, flow: &CheckedFlow) -> Option<String> {
    Some(match &flow.peer {
        CheckedPeer::Inside { .. } => return None,
        CheckedPeer::Anywhere => "anywhere".to_owned(),
        CheckedPeer::Subnet(subnet) => subnet.to_string(),
        CheckedPeer::Network(network) => format!("network {}", checked.at(*network)?.name),
        CheckedPeer::SubnetOfRole(found) | CheckedPeer::Role(found) => group(checked, found),
        CheckedPeer::Machine(index) => {
            let machine = checked.at(*index)?;
            // A called machine is drawn as the role that answers.
            let answers = |other: &&CheckedFlow| {
                other.direction == Direction::Accept
                    && flow.direction == Direction::Reach
                    && other.service.contains(flow.service)
                    && other.service.protocol != Protocol::Any
            };
            let answering = checked.flows_of(machine).iter().find(answers);
            answering.and_then(|found| sayer(checked, found)).unwrap_or_else(|| machine.name.to_string())
        }
    })
}

/// The machines of a role, by its name in the picture.
fn machines(checked: &Checked, name: &str) -> String {
    let found = checked.roles().iter().find(|(found, _)| group(checked, found) == name);
    let members = found.map(|(_, members)| members.machines.as_slice()).unwrap_or_default();
    let names = members.iter().filter_map(|at| checked.at(*at)).map(|machine| machine.name.as_str());
    let mut listed: Vec<&str> = names.take(LISTED).collect();
    let more = members.len().saturating_sub(LISTED);
    let rest = format!("{} more", more + 1);
    if more > 0 {
        listed.pop();
        listed.push(&rest);
    }
    listed.join(", ")
}

/// The text of services, grouped by protocol.
fn words(services: &BTreeSet<Service>) -> String {
    let mut text = String::new();
    let mut last = None;
    for service in services {
        let name = service.protocol.as_str();
        let words = service.to_string();
        if last == Some(name) {
            text += ", ";
            text += words.trim_start_matches(name).trim_start();
        } else {
            text += if last.is_some() { " · " } else { "" };
            text += &words;
        }
        last = Some(name);
    }
    text
}
