//! Whether flows arrive: over the networks, and past the firewall of the machine that listens.
//!
//! Equal flows of many machines are looked at once: by the role, the service, the peer, and the place of the machine.
//! So a cloud of ten thousand agents on one network asks one question of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::super::reference::instead;
use super::super::view::View;
use super::route::{Place, Places, Way, mode};
use super::span::is_right;
use super::{base, by_address, index_of};
use crate::addr::Subnet;
use crate::checked::{
    By, Checked, CheckedFlow, CheckedGroup, CheckedPeer, Idx, Machine, Network, Sources, subnets_of,
};
use crate::finding::{Finding, NameList, Remedy, problems};
use crate::flow::{Direction, Service, udp};
use crate::name::RoleName;
use crate::role::Assigned;
use crate::roles::is_built_in;

/// Equal flows of machines of one place; fields that are quick to compare come first.
type Same<'a> = (usize, Direction, Service, &'a By, &'a CheckedPeer);

/// Looks at all flows.
pub(super) fn check(view: &View<'_>, cloud: &Checked, assigned: &[Assigned], findings: &mut Vec<Finding>) {
    without_role(view, cloud, assigned, findings);
    let places = Places::of(cloud);
    let mut same: BTreeMap<Same<'_>, Vec<Idx<Machine>>> = BTreeMap::new();
    for flow in cloud.all_flows() {
        if let Some(place) = places.of_machine(flow.machine) {
            let key = (place, flow.direction, flow.service, &flow.by, &flow.peer);
            same.entry(key).or_default().push(flow.machine);
        }
    }
    let by_address = by_address(cloud);
    let mut told = Told::default();
    for ((place, direction, service, by, peer), machines) in &same {
        let Some(here) = places.all.get(*place) else { continue };
        let Some(ends) = Ends::of(cloud, &places, &by_address, peer) else { continue };
        let flow = Said { by, service: *service, machines, direction: *direction };
        // A lab has isolated networks in place of host bridges: a reachable machine may not be so there. Name
        // resolution has a rule of its own, and a permitted login is no need.
        if !cloud.is_lab() && !base::is_base(*direction, by, *service) {
            for (there, others) in &ends.places {
                told.way(cloud, &flow, peer, (here, there), others);
            }
        }
        if *direction == Direction::Reach {
            for (there, others) in &ends.places {
                if let Some(way) = here.way(cloud, there) {
                    told.refused(cloud, &flow, way, others);
                }
            }
        }
    }
    told.findings(cloud, assigned, findings);
}

/// A flow that some machines say.
struct Said<'a> {
    by: &'a By,
    service: Service,
    machines: &'a [Idx<Machine>],
    direction: Direction,
}

/// The places of a peer, with the machines there; none for a network.
struct Ends {
    places: Vec<(Place, Vec<Idx<Machine>>)>,
}

impl Ends {
    /// `None` for a peer whose place the cloud does not know.
    fn of(
        cloud: &Checked,
        places: &Places,
        by_address: &BTreeMap<IpAddr, Idx<Machine>>,
        peer: &CheckedPeer,
    ) -> Option<Self> {
        let machines: Vec<Idx<Machine>> = match peer {
            CheckedPeer::Anywhere | CheckedPeer::Inside { .. } => return None,
            CheckedPeer::Network(network) => {
                return Some(Self { places: vec![(Place::on(cloud, *network), Vec::new())] });
            }
            CheckedPeer::Subnet(subnet) => {
                let is_one = subnet.network() == subnet.broadcast();
                vec![*by_address.get(&subnet.network()).filter(|_| is_one)?]
            }
            CheckedPeer::Machine(machine) => vec![*machine],
            CheckedPeer::SubnetOfRole(group) | CheckedPeer::Role(group) => {
                cloud.roles().get(group)?.machines.clone()
            }
        };
        let mut by_place: BTreeMap<usize, Vec<Idx<Machine>>> = BTreeMap::new();
        for machine in machines {
            by_place.entry(places.of_machine(machine)?).or_default().push(machine);
        }
        let each =
            by_place.into_iter().filter_map(|(at, machines)| Some((places.all.get(at)?.clone(), machines)));
        Some(Self { places: each.collect() })
    }
}

/// Pairs that cannot reach each other, each once for all of its flows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    caller: String,
    callee: String,
    way: Way,
}

/// A firewall that refuses a caller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Closed {
    role: RoleName,
    target: String,
}

/// The machines that something concerns, and the services.
#[derive(Default)]
struct Affected {
    services: BTreeSet<Service>,
    callers: BTreeSet<Idx<Machine>>,
    targets: BTreeSet<Idx<Machine>>,
    /// The owner of the flow: the machine, and its role or itself.
    said: Option<(Idx<Machine>, By)>,
}

impl Affected {
    fn add(&mut self, flow: &Said<'_>, callers: &[Idx<Machine>], targets: &[Idx<Machine>]) {
        self.services.insert(flow.service);
        self.callers.extend(callers);
        self.targets.extend(targets);
        for machine in flow.machines {
            let one = (*machine, flow.by.clone());
            if self.said.as_ref().is_none_or(|said| one < *said) {
                self.said = Some(one);
            }
        }
    }
}

#[derive(Default)]
struct Told {
    ways: BTreeMap<Pair, Affected>,
    closed: BTreeMap<Closed, Affected>,
}

impl Told {
    /// A flow between two places that the networks do not carry.
    fn way(
        &mut self,
        cloud: &Checked,
        flow: &Said<'_>,
        peer: &CheckedPeer,
        (here, there): (&Place, &Place),
        others: &[Idx<Machine>],
    ) {
        let other = label(cloud, peer);
        // A machine's own flow is named by the machine.
        let mine = flow.by.role().map(ToString::to_string).unwrap_or_default();
        let (from, to, caller, callee, callers, targets) = match flow.direction {
            Direction::Reach => (here, there, mine, other, flow.machines, others),
            Direction::Accept => (there, here, other, mine, others, flow.machines),
        };
        let Some(way) = from.way(cloud, to) else { return };
        match way {
            Way::Direct { .. } => return,
            // Only a firewall compares the caller's address.
            Way::Hidden { seen, .. } => {
                let Some(seen) = seen.map(Subnet::single) else { return };
                if targets.iter().all(|&target| lets_in(cloud, target, flow.service, seen)) {
                    return;
                }
            }
            Way::Foreign { .. } | Way::Refused { .. } | Way::Shut { .. } => {}
        }
        self.ways.entry(Pair { caller, callee, way }).or_default().add(flow, callers, targets);
    }

    /// Machines that must be reached, but whose firewall does not accept it.
    fn refused(&mut self, cloud: &Checked, flow: &Said<'_>, way: Way, others: &[Idx<Machine>]) {
        // Other findings already report hidden callers and missing routes; a machine itself only accepts.
        let (Way::Direct { leaves }, Some(role)) = (way, flow.by.role()) else { return };
        let subnets = subnets_of(cloud, leaves);
        for &target in others {
            let all_in = !subnets.is_empty()
                && subnets.iter().all(|subnet| lets_in(cloud, target, flow.service, *subnet));
            if all_in {
                continue;
            }
            let out: Vec<Idx<Machine>> = flow
                .machines
                .iter()
                .copied()
                .filter(|&caller| {
                    caller != target
                        && !addresses_on(cloud, caller, leaves)
                            .iter()
                            .any(|from| lets_in(cloud, target, flow.service, *from))
                })
                .collect();
            if !out.is_empty() {
                let name = cloud.at(target).map(|machine| machine.name.to_string());
                let closed = Closed { role: role.clone(), target: name.unwrap_or_default() };
                self.closed.entry(closed).or_default().add(flow, &out, &[target]);
            }
        }
    }

    fn findings(self, cloud: &Checked, assigned: &[Assigned], findings: &mut Vec<Finding>) {
        for (pair, affected) in &self.ways {
            findings.extend(pair.finding(cloud, assigned, affected));
        }
        for (Closed { role, target }, affected) in &self.closed {
            let group = CheckedGroup { kind: role.clone(), instance: None };
            let problem = FlowProblem::Closed {
                role: role.to_string(),
                machines: names(cloud, &affected.callers),
                services: affected.services.iter().copied().collect(),
                target: target.clone(),
                // A peer cannot be named by a role that every machine has.
                is_peer: cloud.roles().contains_key(&group),
            };
            let finding = problem.at(said_at(cloud, assigned, affected));
            findings.push(finding.also(format_args!("machines.{target}")));
        }
    }
}

impl Pair {
    fn finding(&self, cloud: &Checked, assigned: &[Assigned], affected: &Affected) -> Option<Finding> {
        let name = |network: Idx<Network>| cloud.at(network).map_or("", |network| network.name.as_str());
        let mode = |network: Idx<Network>| cloud.at(network).map_or("", mode);
        let (caller, callee) = (self.caller.clone(), self.callee.clone());
        let (callers, targets) = (names(cloud, &affected.callers), names(cloud, &affected.targets));
        let services = affected.services.iter().copied().collect();
        let (problem, networks) = match self.way {
            Way::Direct { .. } => return None,
            Way::Shut { enters } => {
                let on = name(enters).to_owned();
                (FlowProblem::Shut { caller, callers, services, callee, targets, on }, vec![enters])
            }
            Way::Refused { leaves, enters } => {
                let (from, to, mode) = (name(leaves).to_owned(), name(enters).to_owned(), mode(enters));
                let problem =
                    FlowProblem::Refused { caller, callers, from, services, callee, targets, to, mode };
                (problem, vec![leaves, enters])
            }
            Way::Hidden { leaves, enters, .. } => {
                let (from, to, mode) = (name(leaves).to_owned(), name(enters).to_owned(), mode(leaves));
                let problem =
                    FlowProblem::Hidden { caller, callers, from, services, callee, targets, to, mode };
                (problem, vec![leaves, enters])
            }
            Way::Foreign { leaves, enters } => {
                let (from, to) = (name(leaves).to_owned(), name(enters).to_owned());
                let problem = FlowProblem::Foreign { caller, callers, from, services, callee, targets, to };
                (problem, vec![leaves, enters])
            }
        };
        let mut finding = problem.at(said_at(cloud, assigned, affected));
        if matches!(self.way, Way::Foreign { .. }) {
            finding.only_warn();
        }
        let networks = networks.into_iter().map(|network| format!("networks.{}", name(network)));
        Some(networks.fold(finding, Finding::also))
    }
}

/// Whether a machine's firewall lets a service in from all of a subnet; one without a firewall does.
fn lets_in(cloud: &Checked, machine: Idx<Machine>, service: Service, from: Subnet) -> bool {
    cloud.at(machine).is_none_or(|target| {
        let flows = cloud.flows_at(machine).iter();
        let mut accepts =
            flows.filter(|flow| flow.direction == Direction::Accept && flow.service.contains(service));
        !target.firewall || accepts.any(|flow| Sources::of(cloud, &flow.peer).covers(from))
    })
}

/// The addresses that a machine has on a network; all of the network's if they are not fixed.
fn addresses_on(cloud: &Checked, machine: Idx<Machine>, network: Idx<Network>) -> BTreeSet<Subnet> {
    let interfaces = cloud.at(machine).into_iter().flat_map(|machine| &machine.interfaces);
    let here = interfaces.filter(|interface| interface.network == network);
    let each = here.flat_map(|interface| [interface.ipv4, interface.ipv6]).flatten();
    let known = each.map(|addressing| addressing.address().map(Subnet::single));
    known.collect::<Option<_>>().unwrap_or_else(|| subnets_of(cloud, network))
}

/// A peer in a message.
fn label(cloud: &Checked, peer: &CheckedPeer) -> String {
    match peer {
        CheckedPeer::Anywhere | CheckedPeer::Inside { .. } => String::new(),
        CheckedPeer::Subnet(subnet) => subnet.to_string(),
        CheckedPeer::Network(network) => {
            cloud.at(*network).map(|network| format!("whoever is on {}", network.name)).unwrap_or_default()
        }
        CheckedPeer::Machine(machine) => {
            cloud.at(*machine).map(|machine| machine.name.to_string()).unwrap_or_default()
        }
        // Instances are ignored: the two ends of a flow may name different ones.
        CheckedPeer::SubnetOfRole(group) | CheckedPeer::Role(group) => group.kind.to_string(),
    }
}

/// A role with its machines, `k3s-agent (worker1 and 2 other machines)`; machines without a role by their names.
fn party(label: &str, machines: &NameList) -> String {
    let names = machines.first_of("machine");
    match label {
        "" => names,
        _ if machines.is_empty() || names == label => label.to_owned(),
        _ => format!("{label} ({names})"),
    }
}

fn names(cloud: &Checked, machines: &BTreeSet<Idx<Machine>>) -> NameList {
    NameList::new(machines.iter().filter_map(|at| cloud.at(*at)).map(|machine| machine.name.as_str()))
}

fn words(services: &[Service]) -> String {
    NameList::new(services.iter().map(ToString::to_string)).to_string()
}

/// The path of the first that says it.
fn said_at(cloud: &Checked, assigned: &[Assigned], affected: &Affected) -> String {
    affected.said.as_ref().map(|(machine, by)| path(cloud, assigned, *machine, by)).unwrap_or_default()
}

/// The path of the setting behind a flow: the one that gives the machine its role, its `accept` entry, or, for a flow
/// that every machine has, the value that it follows from.
fn path(cloud: &Checked, assigned: &[Assigned], machine: Idx<Machine>, by: &By) -> String {
    let name = || cloud.at(machine).map_or("", |machine| machine.name.as_str());
    let role = match by {
        By::Machine(index) => return format!("machines.{}.accept[{index}]", name()),
        By::Role(role) => role,
    };
    let from = assigned.partition_point(|one| one.machine < machine);
    let mut here = assigned.iter().skip(from).take_while(|one| one.machine == machine);
    match here.find(|one| one.kind == *role) {
        Some(one) => one.at.clone(),
        None if base::is_name_service(role, udp(53)) => format!("machines.{}.resolvers", name()),
        None => "ssh_from".to_owned(),
    }
}

/// Flows to and from a role that no machine has: a name that is misspelt, or a machine that is missing.
fn without_role(view: &View<'_>, cloud: &Checked, assigned: &[Assigned], findings: &mut Vec<Finding>) {
    let left_out = left_out(view, cloud);
    let mut unknown: BTreeMap<(&By, &CheckedGroup), &CheckedFlow> = BTreeMap::new();
    for flow in cloud.all_flows() {
        let Some(group) = flow.peer.group().filter(|group| !cloud.roles().contains_key(*group)) else {
            continue;
        };
        if left_out.contains(group.kind.as_str()) {
            continue;
        }
        // A role is written for many clouds, so it may name a built-in role that no machine of this cloud has; a machine's own list is
        // written for this one.
        let is_for_others = flow.by.role().is_some() && is_built_in(group.kind.as_str());
        if flow.direction == Direction::Reach || !is_for_others {
            unknown.entry((&flow.by, group)).or_insert(flow);
        }
    }
    for ((by, group), flow) in unknown {
        let does = match flow.direction {
            Direction::Accept => "accepts",
            Direction::Reach => "must reach",
        };
        let who = match by {
            By::Role(role) => role.as_str(),
            By::Machine(_) => cloud.at(flow.machine).map_or("", |machine| machine.name.as_str()),
        };
        let (what, wrong, known) = who_is_there(cloud, group);
        let near = known.nearest(wrong);
        let (who, peer) = (who.to_owned(), group.to_string());
        let problem = FlowProblem::Nobody { who, does, peer, what, near, known };
        findings.push(problem.at(path(cloud, assigned, flow.machine, by)));
    }
}

/// Roles of machines and spanning roles with mistakes: it is not known which machines have them until they are
/// corrected.
fn left_out(view: &View<'_>, cloud: &Checked) -> BTreeSet<String> {
    let machines = view.machines.iter().filter(|placed| index_of(cloud, placed).is_none());
    let roles =
        machines.flat_map(|placed| &placed.draft.roles).map(|role| role.as_custom().kind().to_string());
    let spans = view.spans.iter().filter(|stated| !is_right(stated, cloud));
    let of_spans = spans.flat_map(|stated| {
        let members = stated.role().members();
        let kinds = members.lists().iter().filter_map(|list| Some(list.role.as_ref()?.as_custom().kind()));
        kinds.map(|kind| kind.to_string()).collect::<Vec<_>>()
    });
    roles.chain(of_spans).collect()
}

/// The likely meaning of a group without machines, another kind or another instance: which, its name, and the known
/// ones.
fn who_is_there<'a>(cloud: &Checked, group: &'a CheckedGroup) -> (String, &'a str, NameList) {
    let kind = group.kind.as_str();
    let same = cloud.roles().keys().filter(|other| other.kind == group.kind);
    match &group.instance {
        Some(instance) if same.clone().next().is_some() => {
            let instances = NameList::new(same.filter_map(|other| other.instance.as_deref()));
            (format!("instance of {kind}"), instance, instances)
        }
        _ => {
            let kinds = NameList::new(cloud.roles().keys().map(|group| group.kind.as_str()));
            ("role".to_owned(), kind, kinds)
        }
    }
}

/// The setting that lets a role in.
fn accept(role: &str, services: &[Service], is_peer: bool) -> Remedy {
    let service = services.first().map(ToString::to_string).unwrap_or_default();
    if is_peer {
        Remedy::either(
            format!("accept: [{{service: {service}, from: {{role: {{kind: {role}}}}}}}]"),
            format!(".accept({service:?}, Peer::role({role:?}))"),
        )
    } else {
        Remedy::either(
            format!("accept: [{{service: {service}, from: anywhere}}]"),
            format!(".accept({service:?}, Peer::Anywhere)"),
        )
    }
}

problems! {
    /// Problems with flows: calls that do not arrive, and missing peers.
    pub enum FlowProblem {
        Shut { caller: String, callers: NameList, services: Vec<Service>, callee: String, targets: NameList, on: String } is FlowUnreachable
            with (who = party(caller, callers), whom = party(callee, targets), called = words(services)):
            "{who} cannot reach {called} of {whom} on {on}: its own networks have no way out",
            "give it an interface on {on}, or one on a routed network";
        Refused { caller: String, callers: NameList, from: String, services: Vec<Service>, callee: String, targets: NameList, to: String, mode: &'static str } is FlowUnreachable
            with (who = party(caller, callers), whom = party(callee, targets), called = words(services)):
            "{who} on {from} cannot reach {called} of {whom}: {to} is {mode}, and refuses new connections from outside",
            "make {to} a routed network, or give {who} an interface on {to}";
        Hidden { caller: String, callers: NameList, from: String, services: Vec<Service>, callee: String, targets: NameList, to: String, mode: &'static str } is FlowUnreachable
            with (who = party(caller, callers), whom = party(callee, targets), called = words(services)):
            "{who} on {from} calls {called} of {whom} on {to} from the host's address, since {from} is {mode}, and the firewall there does not accept it",
            "make {from} a routed network, or give {who} an interface on {to}";
        Foreign { caller: String, callers: NameList, from: String, services: Vec<Service>, callee: String, targets: NameList, to: String } is FlowUnreachable
            with (who = party(caller, callers), whom = party(callee, targets), called = words(services)):
            "{who} on {from} reaches {called} of {whom} on {to} only by a router that the cloud does not describe: they are on different hosts",
            "put both on a bridge that both hosts have, or make sure that the LAN's router knows the way";
        Closed { role: String, machines: NameList, services: Vec<Service>, target: String, is_peer: bool } is FlowRefused
            with (who = machines.first_of("machine"), called = words(services)):
            "{role} on {who} must reach {called} of {target}, whose firewall does not let it in",
            "let it in there, for example with {accept}, or give {target} a role whose flows accept it, or turn its firewall off with {firewall}",
            accept = accept(role, services, *is_peer),
            firewall = Remedy::set("firewall", "false");
        Nobody { who: String, does: &'static str, peer: String, what: String, near: Option<String>, known: NameList } is FlowNobody
            with (help = instead(what, near.as_deref(), known, "give a machine the role, or leave the flow out")):
            "{who} {does} {peer}, but no machine has that role",
            "{help}";
        NoPeer { what: &'static str, name: String, near: Option<String>, known: NameList } is ReferenceUnknown
            with (help = instead(what, near.as_deref(), known, format_args!("name a {what} of the cloud, or add it"))):
            "a flow names the {what} {name}, which the cloud does not have",
            "{help}";
    }
}
