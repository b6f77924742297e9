//! A cloud's machines in namespaces with their compiled rulesets: every pair and every service is tested on
//! the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fmc_core::checked::{Checked, Machine};
use fmc_core::firewall::ruleset;
use fmc_core::flow::{Direction, Protocol, Service, tcp, udp};
use fmc_testkit::netns::{Lab, Nic, Port, Probe};

/// Services that no role accepts: a high port of each protocol, and a `NodePort` of Kubernetes.
const NOBODYS: [Service; 3] = [tcp(9_999), udp(9_999), tcp(30_080)];

/// A lab with a cloud's networks and machines. Each machine has its firewall and listens on all services.
pub(crate) struct Wired<'a> {
    cloud: &'a Checked,
    pub(crate) lab: Lab,
}

/// A wrong answer: the question, and whether it was answered.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wrong {
    from: String,
    source: IpAddr,
    to: String,
    service: String,
    answered: bool,
}

impl<'a> Wired<'a> {
    /// Builds a lab for a cloud whose networks are all routed, and whose machines' addresses are all known.
    pub(crate) fn new(cloud: &'a Checked) -> Self {
        let lab = Lab::start();
        for network in cloud.networks() {
            let family = network.ipv4.as_ref().unwrap();
            let prefix = family.subnet.prefix_len();
            // A host bridge has no router, so the lab's router takes its place.
            let gateway = family.gateway.unwrap_or_else(|| family.subnet.first_host());
            lab.network(network.name.as_str(), &format!("{gateway}/{prefix}"));
        }
        for machine in cloud.machines() {
            let nics: Vec<Nic> = order(machine).map(|at| nic(cloud, machine, at)).collect();
            lab.host(machine.name.as_str(), &nics);
        }
        let wired = Self { cloud, lab };
        for machine in cloud.machines().iter().filter(|machine| machine.firewall) {
            wired.lab.load_rules(machine.name.as_str(), &ruleset(cloud, machine)).unwrap();
        }
        wired
    }

    /// Tests every pair with every service, and each host's router too. Gives the answers that disagree with
    /// the flows.
    pub(crate) fn wrong(&self) -> Vec<Wrong> {
        let services = self.services();
        let ports: Vec<Port> = services.iter().filter_map(|service| port(*service)).collect();
        let listening: Vec<_> = self
            .cloud
            .machines()
            .iter()
            .map(|machine| self.lab.listen(machine.name.as_str(), &ports))
            .collect();
        let mut asked = Vec::new();
        let mut probes = Vec::new();
        for to in self.cloud.machines() {
            let address = to.address().unwrap();
            let machines = self.cloud.machines().iter().filter(|from| from.name != to.name);
            let callers = machines.map(|from| (from.name.to_string(), self.source(from, address)));
            let router = (Lab::ROUTER.to_owned(), self.router(to));
            for (from, source) in callers.chain([router]) {
                for (service, port) in services.iter().filter_map(|service| Some((*service, port(*service)?)))
                {
                    let allowed = !to.firewall
                        || self.cloud.flows().into(to.name.as_str()).from(source).allows(service);
                    asked.push((from.clone(), source, to.name.to_string(), service, allowed));
                    probes.push(Probe::new(from.clone(), address.to_string(), port));
                }
            }
        }
        let mut answers = self.lab.probe(&probes);
        // On a busy machine an answer may come late. A call that is refused stays refused.
        let late: Vec<usize> =
            (0..probes.len()).filter(|at| asked[*at].4 && !answers[*at].is_open()).collect();
        let again: Vec<Probe> = late.iter().map(|at| probes[*at].clone()).collect();
        for (at, answer) in late.into_iter().zip(self.lab.probe(&again)) {
            answers[at] = answer;
        }
        drop(listening);
        let (mut wrong, mut open) = (Vec::new(), 0);
        for ((from, source, to, service, allowed), answer) in asked.into_iter().zip(answers) {
            open += usize::from(answer.is_open());
            if answer.is_open() != allowed {
                let service = service.to_string();
                wrong.push(Wrong { from, source, to, service, answered: answer.is_open() });
            }
        }
        assert!(open > 0 && open < probes.len(), "of {} questions {open} were answered", probes.len());
        wrong
    }

    /// All services of all machines (ranges by their ends), and services that no machine accepts.
    fn services(&self) -> BTreeSet<Service> {
        let accepted = self.cloud.all_flows().iter().filter(|flow| flow.direction == Direction::Accept);
        let ends = accepted.flat_map(|flow| {
            let Service { protocol, first, last } = flow.service;
            [first, last].map(|port| Service { protocol, first: port, last: port })
        });
        ends.chain(NOBODYS).collect()
    }

    /// The source address of a call to another machine: the one on a network that both are on, or else on the
    /// network of the default route.
    fn source(&self, from: &Machine, to: IpAddr) -> IpAddr {
        let near = from.interfaces.iter().find(|interface| {
            let network = self.cloud.at(interface.network);
            network.and_then(|network| network.ipv4.as_ref()).is_some_and(|family| family.subnet.contains(to))
        });
        let out = order(from).next().and_then(|at| from.interfaces.get(at));
        near.or(out).and_then(|interface| interface.address()).unwrap()
    }

    /// The router's address on the machine's main network.
    fn router(&self, to: &Machine) -> IpAddr {
        let address = to.address().unwrap();
        let families = self.cloud.networks().iter().filter_map(|network| network.ipv4.as_ref());
        let family = families.into_iter().find(|family| family.subnet.contains(address)).unwrap();
        family.gateway.unwrap_or_else(|| family.subnet.first_host())
    }
}

/// The interfaces in the lab's order: the default route is on the first.
fn order(machine: &Machine) -> impl Iterator<Item = usize> {
    let first = machine.interfaces.iter().position(|interface| interface.default_route).unwrap_or(0);
    let others: BTreeMap<usize, ()> =
        (0..machine.interfaces.len()).filter(|at| *at != first).map(|at| (at, ())).collect();
    [first].into_iter().chain(others.into_keys())
}

fn nic(cloud: &Checked, machine: &Machine, at: usize) -> Nic {
    let interface = &machine.interfaces[at];
    let network = &cloud.at(interface.network).unwrap();
    let written = |address: IpAddr| {
        let family = if address.is_ipv4() { &network.ipv4 } else { &network.ipv6 };
        format!("{address}/{}", family.as_ref().unwrap().subnet.prefix_len())
    };
    let known = |addressing: Option<fmc_core::checked::Addressing>| addressing.and_then(|one| one.address());
    let nic = Nic::new(network.name.as_str(), written(known(interface.ipv4).unwrap()));
    known(interface.ipv6).into_iter().fold(nic, |nic, address| nic.address(written(address)))
}

fn port(service: Service) -> Option<Port> {
    match service.protocol {
        Protocol::Tcp => Some(Port::tcp(service.first)),
        Protocol::Udp => Some(Port::udp(service.first)),
        _ => None,
    }
}
