//! Roles: their parts of the machines, and their flows and rules.
//!
//! They look at the resolved cloud, so that a role never sees a wrong leaf. Their parts are merged into the guests
//! here, and checked together with the user's.

pub(super) mod after;
mod answers;
mod base;
mod flow;
mod member;
pub(super) mod merge;
mod names;
mod opening;
pub(super) mod reach;
mod route;
mod span;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::guest::parts;
use super::room::Guests;
use super::view::{Placed, View, text};
use crate::checked::build::Building;
use crate::checked::{Addressing, Answer, Checked, CheckedFlow, CheckedGroup, Idx, Machine, Members, WayIn};
use crate::finding::{At, Finding, Remedy, leaf, problems};
use crate::firewall::Firewall;
use crate::flow::{Direction, Service};
use crate::guest::Alike;
use crate::name::RoleName;
use crate::role::{Assigned, CustomRole, Membership, RoleFindings, Site, subject};
use crate::roles::ROOMS;
use crate::sort;

pub(super) use span::is_right;

/// Runs every role, and puts what they add into the machines.
pub(crate) fn expand(view: &View<'_>, cloud: &mut Building, findings: &mut Vec<Finding>) {
    let mut assigned = own(view, cloud, findings);
    assigned.extend(span::assigned(view, cloud));
    guard(view, cloud, &assigned);
    if cloud.machines().iter().all(|machine| !machine.firewall)
        && view.machines.iter().all(|placed| placed.draft.accept.is_empty())
        && assigned.is_empty()
        && view.spans.is_empty()
    {
        // The networks ask the cloud's DNS for its machines, too.
        return names::publish(cloud, &[], findings);
    }
    // By machine; a machine's roles in the order of their declaration.
    sort::by_key(&mut assigned, |one| one.machine);
    let roles = members(cloud, &assigned);
    cloud.set_roles(roles);
    member::memberships(cloud, &assigned);
    after::order(cloud, &assigned, findings);
    cloud.set_way_in(way_in(cloud, &assigned));
    let mut flows = Vec::new();
    let mut taken = Taken::new();
    for ours in assigned.chunk_by(|one, other| one.machine == other.machine) {
        let Some(machine) = ours.first().and_then(|one| cloud.at(one.machine)) else { continue };
        let site = Site::new(cloud, machine, &assigned);
        for one in ours {
            ask(one, &site, cloud, &mut flows, findings);
            let services = one.role.takes(&site);
            taken
                .entry(one.machine)
                .or_default()
                .extend(services.into_iter().map(|service| (service, &one.kind)));
        }
        twice(ours, findings);
    }
    ports(&assigned, &flows, findings);
    takers(&assigned, &flows, &taken, findings);
    names::publish(cloud, &assigned, findings);
    flows.extend(opening::flows(view, cloud, findings));
    flows.extend(base::flows(view, cloud));
    sort::by_key(&mut flows, |flow| flow.machine);
    flow::share(&mut flows);
    cloud.set_flows(flows);
    cloud.set_answers(assigned.iter().filter_map(answer).collect());
    span::ask(view, cloud, &assigned, findings);
    base::unasked(cloud, findings);
    answers::unheard(cloud, &assigned, findings);
    for one in &assigned {
        let Some(machine) = cloud.at(one.machine).filter(|machine| machine.is_provisioned()) else {
            continue;
        };
        let (site, at) = (Site::new(cloud, machine, &assigned), At::ROOT.key(&one.at));
        one.role.check_flows(&site, &mut RoleFindings::new(&at, one.kind.as_str(), findings));
    }
    reach::check(view, cloud, &assigned, findings);
    assigned.extend(firewalls(cloud));
    sort::by_key(&mut assigned, |one| one.machine);
    // Every role sees what users wrote, and nothing that another one adds.
    let mut guests = Vec::new();
    for ours in assigned.chunk_by(|one, other| one.machine == other.machine) {
        let Some((at, machine)) = ours.first().and_then(|one| Some((one.machine, cloud.at(one.machine)?)))
        else {
            continue;
        };
        let site = Site::new(cloud, machine, &assigned);
        if let Some(added) = merge::added(ours, &site, &assigned, findings) {
            let merged = merge::merge(&machine.guest, &added, machine.name.as_str(), findings);
            judge(&merged, machine, findings);
            let equal = merge::equal(&added, &site, &assigned);
            guests.push((at, merged.parts, equal));
        }
    }
    let mut alike = Alike::for_machines(cloud.machines().len());
    fill(cloud, guests, &mut alike);
    for room in ROOMS {
        let guests = room.finish(cloud);
        fill(cloud, guests, &mut alike);
    }
}

/// The way in that the first role says.
fn way_in(cloud: &Checked, assigned: &[Assigned]) -> Option<WayIn> {
    let provisioned = assigned.iter().filter_map(|one| {
        let machine = cloud.at(one.machine).filter(|machine| machine.is_provisioned())?;
        Some((one, machine))
    });
    provisioned.into_iter().find_map(|(one, machine)| one.role.way_in(&Site::new(cloud, machine, assigned)))
}

fn answer(one: &Assigned) -> Option<Answer> {
    let service = one.role.answers()?;
    Some(Answer { machine: one.machine, role: one.kind.clone(), service })
}

/// Gives machines these guests. The members of one instance come one after the other: they have most alike.
fn fill(cloud: &mut Building, mut guests: Guests, alike: &mut Alike) {
    sort::by_key(&mut guests, |(at, ..)| {
        let memberships = cloud.at(*at).map(|machine| machine.memberships.as_slice()).unwrap_or_default();
        memberships.iter().find_map(Membership::instance)
    });
    for (at, mut parts, mut equal) in guests {
        alike.share(&mut parts);
        equal.iter_mut().for_each(|parts| alike.share(parts));
        if let Some(machine) = cloud.machine_mut(at) {
            machine.guest = Arc::new(parts);
            machine.equal_guests = equal.into_iter().map(Arc::new).collect();
        }
    }
}

/// Decides which machines have a firewall: those with roles, those that accept something, and those with `firewall:
/// true`; never those with `firewall: false`.
fn guard(view: &View<'_>, cloud: &mut Building, assigned: &[Assigned]) {
    for one in assigned {
        if let Some(machine) = cloud.machine_mut(one.machine) {
            machine.firewall = machine.is_provisioned();
        }
    }
    for placed in &view.machines {
        let said = placed.draft.firewall.or((!placed.draft.accept.is_empty()).then_some(true));
        if let Some(said) = said
            && let Some(machine) = index_of(cloud, placed).and_then(|at| cloud.machine_mut(at))
        {
            machine.firewall = said && machine.is_provisioned();
        }
    }
}

/// The place of a machine of the draft in the resolved cloud, if it is right.
fn index_of(cloud: &Checked, placed: &Placed<'_>) -> Option<Idx<Machine>> {
    let name = text(&placed.draft.name);
    cloud.find(name)
}

/// The firewalls, as roles of their machines.
fn firewalls(cloud: &Checked) -> Vec<Assigned> {
    let role: Arc<dyn CustomRole> = Arc::new(Firewall);
    let guarded = cloud.each::<Machine>().filter(|(_, machine)| machine.firewall);
    let each = guarded.map(|(index, machine)| Assigned {
        machine: index,
        kind: Firewall::KIND,
        role: Arc::clone(&role),
        at: format!("machines.{}.firewall", machine.name),
        span: None,
        follows: None,
    });
    each.collect()
}

/// Whether a machine of the draft has a role or a firewall, so that its guest is checked here.
pub(crate) fn has_role(view: &View<'_>, machine: &crate::machine::Machine) -> bool {
    !machine.roles.is_empty()
        || machine.firewall == Some(true)
        || !machine.accept.is_empty()
        || view.is_spanned(machine)
}

/// The roles that machines are given by themselves.
fn own(view: &View<'_>, cloud: &Checked, findings: &mut Vec<Finding>) -> Vec<Assigned> {
    let mut assigned = Vec::new();
    for placed in view.machines.iter().filter(|placed| !placed.draft.roles.is_empty()) {
        let name = text(&placed.draft.name);
        let Some(machine) = index_of(cloud, placed) else { continue };
        for (index, role) in placed.draft.roles.iter().enumerate() {
            let at = format!("machines.{name}.roles[{index}]");
            let kind = role.as_custom().kind();
            let Some(kind) = leaf(&kind, &At::ROOT.key(&at), findings).cloned() else { continue };
            let role = role.shared();
            assigned.push(Assigned { machine, kind, role, at, span: None, follows: None });
        }
    }
    assigned
}

/// The machines of each role.
fn members(cloud: &Checked, assigned: &[Assigned]) -> BTreeMap<Arc<CheckedGroup>, Members> {
    let mut all: BTreeMap<Arc<CheckedGroup>, Members> = BTreeMap::new();
    for one in assigned {
        let instance = one.role.instance().map(Arc::from);
        let whole = CheckedGroup { kind: one.kind.clone(), instance: None };
        let of = instance.map(|instance| CheckedGroup { kind: one.kind.clone(), instance: Some(instance) });
        for group in [Some(whole), of].into_iter().flatten() {
            let members = match all.get_mut(&group) {
                Some(members) => members,
                None => all.entry(Arc::new(group)).or_default(),
            };
            if members.machines.last() != Some(&one.machine) {
                members.machines.push(one.machine);
            }
            let interfaces = cloud.at(one.machine).into_iter().flat_map(|machine| &machine.interfaces);
            for interface in interfaces {
                let network = cloud.at(interface.network);
                let families = network.into_iter().flat_map(|network| [&network.ipv4, &network.ipv6]);
                members.subnets.extend(families.flatten().map(|family| family.subnet));
            }
        }
    }
    all
}

/// The machines by the addresses that are known beforehand.
fn by_address(cloud: &Checked) -> BTreeMap<IpAddr, Idx<Machine>> {
    let mut known = BTreeMap::new();
    for (index, machine) in cloud.each::<Machine>() {
        for interface in &machine.interfaces {
            let addresses =
                [interface.ipv4, interface.ipv6].into_iter().flatten().filter_map(Addressing::address);
            known.extend(addresses.map(|address| (address, index)));
        }
    }
    known
}

/// Asks one role what it needs, checks and lets flow.
fn ask(
    one: &Assigned,
    site: &Site<'_>,
    cloud: &Checked,
    flows: &mut Vec<CheckedFlow>,
    findings: &mut Vec<Finding>,
) {
    let at = At::ROOT.key(&one.at);
    if site.machine().image.os.provisioner().is_none() {
        let (os, role) = (site.os().label(), one.kind.to_string());
        findings.push(RoleProblem::NoSystem { who: subject(site.machine(), &at), os, role }.at(at));
        return;
    }
    one.role.needs(site).check(one.kind.as_str(), site, &at, findings);
    one.role.check(site, &mut RoleFindings::new(&at, one.kind.as_str(), findings));
    flows.extend(flow::flows(&one.role.flows(site), cloud, one.machine, &one.kind, &at, findings));
}

/// One machine has a role of a kind and instance once.
fn twice(ours: &[Assigned], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&RoleName, Option<&str>), &Assigned> = BTreeMap::new();
    for one in ours {
        if let Some(other) = seen.insert((&one.kind, one.role.instance()), one) {
            findings.push(RoleProblem::Twice { role: one.kind.to_string() }.at(&one.at).also(&other.at));
        }
    }
}

/// The services that roles take without a flow, by machine.
type Taken<'a> = BTreeMap<Idx<Machine>, Vec<(Service, &'a RoleName)>>;

/// No other role of a machine listens on a port that a role takes. Where it accepts callers itself, the two clash.
fn takers(assigned: &[Assigned], flows: &[CheckedFlow], taken: &Taken<'_>, findings: &mut Vec<Finding>) {
    for ours in flows.chunk_by(|one, other| one.machine == other.machine) {
        let Some((machine, taken)) =
            ours.first().and_then(|one| Some((one.machine, taken.get(&one.machine)?)))
        else {
            continue;
        };
        let accepts = || ours.iter().filter(|flow| flow.direction == Direction::Accept);
        let mut told: BTreeSet<(&RoleName, Service)> = BTreeSet::new();
        for (service, role) in taken {
            let by = |flow: &&CheckedFlow| service.overlaps(flow.service);
            if accepts().filter(by).any(|flow| flow.by.role() == Some(role)) {
                continue;
            }
            for flow in accepts().filter(by) {
                let Some(other) = flow.by.role().filter(|other| told.insert((other, flow.service))) else {
                    continue;
                };
                let mut here = assigned.iter().filter(|one| one.machine == machine);
                let at = here.find(|one| one.kind == *other).map(|one| one.at.as_str()).unwrap_or_default();
                let (role, other) = (role.to_string(), other.to_string());
                findings.push(RoleProblem::Taken { role, other, service: flow.service }.at(at));
            }
        }
    }
}

/// Two roles of one machine listen on different ports.
fn ports(assigned: &[Assigned], flows: &[CheckedFlow], findings: &mut Vec<Finding>) {
    for ours in flows.chunk_by(|one, other| one.machine == other.machine) {
        let mut claimed: BTreeMap<Service, &RoleName> = BTreeMap::new();
        let mut told: BTreeSet<(&RoleName, &RoleName, Service)> = BTreeSet::new();
        for flow in ours.iter().filter(|flow| flow.direction == Direction::Accept) {
            let Some(role) = flow.by.role() else { continue };
            let clash =
                claimed.iter().find(|(service, other)| **other != role && service.overlaps(flow.service));
            if let Some((_, other)) = clash
                && told.insert((other, role, flow.service))
            {
                let at = |kind: &RoleName| {
                    let mut here = assigned.iter().filter(|one| one.machine == flow.machine);
                    here.find(|one| one.kind == *kind).map(|one| one.at.as_str()).unwrap_or_default()
                };
                let problem = RoleProblem::SamePort {
                    role: role.to_string(),
                    other: other.to_string(),
                    service: flow.service,
                };
                findings.push(problem.at(at(role)).also(at(other)));
            }
            claimed.entry(flow.service).or_insert(role);
        }
    }
}

/// Checks the merged guest of a machine. A mistake in a part that a role adds is reported at the role.
fn judge(merged: &merge::Merged<'_>, machine: &Machine, findings: &mut Vec<Finding>) {
    let machines = At::ROOT.key("machines");
    let here = machines.name(&machine.name);
    let guest = here.key("guest");
    let before = findings.len();
    parts::check(&merged.parts, machine.image.os, &machine.image.version, &guest, findings);
    if findings.len() > before {
        let prefix = format!("{guest}.");
        for finding in findings.iter_mut().skip(before) {
            for at in finding.paths_mut() {
                let part =
                    at.strip_prefix(&prefix).and_then(|rest| merged.origin(rest).map(|role| (role, rest)));
                if let Some(moved) = part.map(|(role, rest)| format!("{role}.guest.{rest}")) {
                    *at = moved;
                }
            }
        }
    }
}

/// How an image says which system it is.
pub(crate) fn system() -> Remedy {
    Remedy::either("image: {os: debian, version: \"12\"}", "Image::debian(\"12\")")
}

problems! {
    /// Problems with the roles of a machine.
    pub enum RoleProblem {
        NoSystem { who: String, os: &'static str, role: String } is RoleNeeds:
            "{who} has {os}, so it cannot run {role}",
            "name the system of the image, for example {system}",
            system = system();
        NoFirewall { os: &'static str } is RoleNeeds:
            "the machine has {os}, so it cannot have a firewall that accepts only some peers",
            "name the system of the image, for example {system}, or leave `accept` out",
            system = system();
        Unheard { role: String, service: Service } is RoleWarning:
            "no machine may call {role} at {service}: the firewall there accepts no peer",
            "name who may call it, with {from} on the role or {accept} on the machine",
            from = Remedy::either("from: [{machine: NAME}]", ".from(Peer::machine(\"NAME\"))"),
            accept = Remedy::either(
                format!("accept: [{{service: {service}, from: {{machine: NAME}}}}]"),
                format!(".accept(\"{service}\", Peer::machine(\"NAME\"))")
            );
        Twice { role: String } is RoleClash:
            "the machine has the role {role} twice",
            "keep one of them";
        Taken { role: String, other: String, service: Service } is RoleWarning:
            "{role} takes {service} of the machine, so that nobody reaches {other} there",
            "put {other} on another machine, or on another port";
        SamePort { role: String, other: String, service: Service } is RoleClash:
            "{role} and {other} both listen on {service} of the machine",
            "put one of them on another machine, or on another port";
    }
}
