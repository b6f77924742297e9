//! Order between roles: the order of machines in a plan, and the units that services of a role wait for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use super::super::reference::instead;
use crate::checked::build::Building;
use crate::checked::{Checked, CheckedGroup, Idx, Machine};
use crate::finding::{At, Finding, NameList, leaf, problems};
use crate::flow::{Protocol, Service};
use crate::given::Given;
use crate::guest::checked::{Dropin, Unit};
use crate::guest::{Parts, State, UnitFile, UnitSection};
use crate::name::{DropinName, UnitName};
use crate::role::{Assigned, Awaited, Site};
use crate::sort;

/// The drop-in of a service that waits.
const DROPIN: DropinName = DropinName::literal("20-fmc-after.conf");

/// The prefix of the names of units that wait.
pub(super) const PREFIX: &str = "fmc-after-";

/// One thing that a role waits for.
struct Wait {
    /// Its part of the name of a unit.
    name: String,
    /// The machines.
    machines: Vec<Idx<Machine>>,
    /// The services at which they answer; one is enough. Empty if the role names none.
    addresses: BTreeSet<(IpAddr, u16)>,
}

/// The machines that each machine starts after.
pub(super) fn order(cloud: &mut Building, assigned: &[Assigned], findings: &mut Vec<Finding>) {
    let mut edges: Vec<(Idx<Machine>, BTreeSet<Idx<Machine>>)> = Vec::new();
    for ours in assigned.chunk_by(|one, other| one.machine == other.machine) {
        let Some(at) = ours.first().map(|one| one.machine) else { continue };
        let mut before = BTreeSet::new();
        for one in ours {
            for wait in waits(one, cloud, assigned, findings) {
                before.extend(wait.machines.into_iter().filter(|other| *other != at));
            }
        }
        if !before.is_empty() {
            edges.push((at, before));
        }
    }
    if let Some(path) = circle(&edges) {
        circular(cloud, assigned, &path, findings);
        return;
    }
    for (at, before) in edges {
        if let Some(machine) = cloud.machine_mut(at) {
            machine.after = before.into_iter().collect();
        }
    }
}

/// Makes each service of a role that starts at boot wait, by a unit that ends once a machine answers.
pub(super) fn wait(parts: &mut Parts, one: &Assigned, site: &Site<'_>, assigned: &[Assigned]) {
    let waits = waits(one, site.cloud(), assigned, &mut Vec::new());
    let waits: Vec<(UnitName, UnitFile)> = waits
        .iter()
        .filter(|wait| !wait.addresses.is_empty())
        .filter_map(|wait| {
            let name = format!("{PREFIX}{}.service", wait.name);
            Some((Given::<UnitName>::text(&name).ok()?.clone(), contents(wait)))
        })
        .collect();
    let starts =
        |unit: &&mut Arc<Unit>| unit.state == State::Enabled && unit.name.as_str().ends_with(".service");
    let mut is_needed = false;
    for unit in parts.units.iter_mut().filter(starts) {
        if waits.is_empty() {
            return;
        }
        let unit = Arc::make_mut(unit);
        let names: Vec<&str> = waits.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(" ");
        let waits = UnitSection::new("Unit").set("Wants", names.clone()).set("After", names);
        unit.dropins.push(Dropin { name: DROPIN, contents: UnitFile::new().section(waits).into() });
        sort::by(&mut unit.dropins, |a, b| a.name.cmp(&b.name));
        is_needed = true;
    }
    if is_needed {
        parts.units.extend(waits.into_iter().map(|(name, file)| {
            Arc::new(Unit { name, state: State::Unchanged, contents: Some(file.into()), dropins: Vec::new() })
        }));
    }
}

/// Asks each in turn, for five seconds: a dropped packet gets no answer.
fn contents(wait: &Wait) -> UnitFile {
    let mut ask = String::new();
    for (address, port) in &wait.addresses {
        let or = if ask.is_empty() { "" } else { " || " };
        let _ = write!(ask, "{or}timeout 5 bash -c \"exec 3<>/dev/tcp/{address}/{port}\" 2>/dev/null");
    }
    let unit = UnitSection::new("Unit")
        .set("Description", format!("Wait until {} answers", wait.name))
        .set("Wants", "network-online.target")
        .set("After", "network-online.target");
    let service = UnitSection::new("Service")
        .set("Type", "oneshot")
        .set("RemainAfterExit", "yes")
        .set("TimeoutStartSec", "infinity")
        .set("ExecStart", format!("/bin/bash -c 'until {ask}; do sleep 2; done'"));
    UnitFile::new().section(unit).section(service)
}

fn waits(one: &Assigned, cloud: &Checked, assigned: &[Assigned], findings: &mut Vec<Finding>) -> Vec<Wait> {
    let Some(machine) = cloud.at(one.machine) else { return Vec::new() };
    let after = one.role.after(&Site::new(cloud, machine, assigned));
    let at = At::ROOT.key(&one.at);
    let at = at.key("after");
    let mut all: Vec<Wait> =
        one.follows.and_then(|before| follow(one, before, machine, cloud)).into_iter().collect();
    for (index, awaited) in after.awaited.iter().enumerate() {
        let at = at.index(index);
        match awaited {
            Awaited::Role { kind, instance } => {
                let Some(kind) = leaf(kind, &at, findings) else { continue };
                let group = CheckedGroup { kind: kind.clone(), instance: instance.as_deref().map(Arc::from) };
                let Some(members) = cloud.roles().get(&group) else { continue };
                let there = assigned.iter().filter(|other| {
                    other.kind == *kind
                        && (instance.is_none() || other.role.instance() == instance.as_deref())
                });
                let addresses = there.filter_map(|other| {
                    let there = cloud.at(other.machine)?;
                    Some((there.address_towards(machine)?, port(other.role.answers()?)?))
                });
                let name = match instance {
                    Some(instance) => format!("{kind}-{instance}"),
                    None => kind.to_string(),
                };
                all.push(Wait { name, machines: members.machines.clone(), addresses: addresses.collect() });
            }
            Awaited::Machine { name, service } => {
                let Some(name) = leaf(name, &at, findings) else { continue };
                let found = cloud.find::<Machine>(name.as_str());
                let Some((index, there)) = found.and_then(|index| Some((index, cloud.at(index)?))) else {
                    let (near, known) = cloud.machine_names().instead_of(name.as_str());
                    let (role, name) = (one.kind.to_string(), name.to_string());
                    findings.push(OrderProblem::NoMachine { role, name, near, known }.at(at));
                    continue;
                };
                let address = there.address_towards(machine).zip(port(*service));
                all.push(Wait {
                    name: format!("{name}-{}", service.first),
                    machines: vec![index],
                    addresses: address.into_iter().collect(),
                });
            }
        }
    }
    if after.machines_only {
        all.iter_mut().for_each(|wait| wait.addresses.clear());
    }
    all
}

/// The machine before a member in a list whose machines start one after another. Members of a list have one role, so it
/// also knows where the previous one answers.
fn follow(one: &Assigned, before: Idx<Machine>, machine: &Machine, cloud: &Checked) -> Option<Wait> {
    let there = cloud.at(before)?;
    let port = one.role.answers().and_then(port);
    let address = there.address_towards(machine).zip(port);
    let name = match port {
        Some(port) => format!("{}-{port}", there.name),
        None => there.name.to_string(),
    };
    Some(Wait { name, machines: vec![before], addresses: address.into_iter().collect() })
}

fn port(service: Service) -> Option<u16> {
    (service.protocol == Protocol::Tcp).then_some(service.first)
}

/// A circle of machines that start after each other, if there is one.
fn circle(edges: &[(Idx<Machine>, BTreeSet<Idx<Machine>>)]) -> Option<Vec<Idx<Machine>>> {
    let mut left: Vec<&(Idx<Machine>, BTreeSet<Idx<Machine>>)> = edges.iter().collect();
    // A machine without a remaining predecessor can start.
    loop {
        let waiting: BTreeSet<Idx<Machine>> = left.iter().map(|(at, _)| *at).collect();
        let count = left.len();
        left.retain(|(_, before)| before.iter().any(|other| waiting.contains(other)));
        if left.len() == count {
            break;
        }
    }
    let mut path = vec![left.first()?.0];
    loop {
        let last = *path.last()?;
        let (_, before) = left.iter().find(|(at, _)| *at == last)?;
        let next = *before.iter().find(|other| left.iter().any(|(at, _)| at == *other))?;
        if let Some(from) = path.iter().position(|at| *at == next) {
            return Some(path.split_off(from));
        }
        path.push(next);
    }
}

fn circular(cloud: &Checked, assigned: &[Assigned], path: &[Idx<Machine>], findings: &mut Vec<Finding>) {
    let name = |at: Idx<Machine>| cloud.at(at).map_or("", |machine: &Machine| machine.name.as_str());
    let Some((&first, rest)) = path.split_first() else { return };
    let machines: Vec<String> = path.iter().map(|&at| name(at).to_owned()).collect();
    let at = |machine: Idx<Machine>| {
        let mut here = assigned.iter().filter(|one| one.machine == machine);
        here.find(|one| !waits(one, cloud, assigned, &mut Vec::new()).is_empty()).map(|one| one.at.as_str())
    };
    let mut finding = OrderProblem::Circle { machines }.at(at(first).unwrap_or_default());
    for other in rest.iter().filter_map(|&machine| at(machine)) {
        finding = finding.also(other);
    }
    findings.push(finding);
}

/// `web starts after db, db starts after web`.
fn order_of(machines: &[String]) -> String {
    let next = machines.iter().cycle().skip(1);
    let steps: Vec<String> =
        machines.iter().zip(next).map(|(one, other)| format!("{one} starts after {other}")).collect();
    steps.join(", ")
}

problems! {
    /// Problems with the order of roles.
    pub enum OrderProblem {
        Circle { machines: Vec<String> } is RoleOrder with (order = order_of(machines)):
            "no machine can start first: {order}",
            "let one of them start without the other";
        NoMachine { role: String, name: String, near: Option<String>, known: NameList } is ReferenceUnknown
            with (help = instead("machine", near.as_deref(), known, "add the machine to the cloud")):
            "{role} starts after the machine {name}, which the cloud does not have",
            "{help}";
    }
}
