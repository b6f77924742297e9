//! Resolvers: whether a machine reaches them, whether a machine has their address, and whether they know the same
//! names.
//!
//! Which network of a host takes new connections follows libvirt's *Firewall and network filtering in libvirt*: an
//! isolated one takes none; a masqueraded one (`nat`) takes only answers; a routed one takes everything for its subnet;
//! an open one has no rules. Every network but an isolated one lets everything out. So masqueraded to masqueraded and
//! routed to masqueraded is refused, masqueraded to routed and routed to routed passes. The resolver that libvirt runs
//! on its own network's gateway (dnsmasq) listens only on that network's bridge. The model does not include forwarding
//! by a LAN or another host, so no finding is about that.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::super::resolve::{ResolversFrom, resolvers};
use super::super::view::{Net, Placed, Plugged, View, route_of, text};
use crate::addr::{Ip, is_public};
use crate::finding::{Finding, NameList, Remedy, problems};
use crate::given::Given;
use crate::sort;

/// Looks at all resolvers.
pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    mixed_lists(view, findings);
    // A lab has isolated networks in place of host bridges: a reachable machine may not be so there.
    if view.cloud.lab {
        return;
    }
    let known = Known::new(view);
    let mut without: Vec<&str> = Vec::new();
    let mut out_of_reach: BTreeMap<Place<'_>, Vec<&str>> = BTreeMap::new();
    for placed in &view.machines {
        let known_networks = placed.links.iter().all(|link| {
            // A wrong subnet is reported at its place, and its absence has no further findings.
            let net = link.network.and_then(|at| view.network(at));
            net.is_some_and(|net| !net.is_own() || net.ipv4.is_some() || net.ipv6.is_some())
        });
        if placed.draft.image.os.provisioner().is_none() || !known_networks || placed.links.is_empty() {
            continue;
        }
        let Some((list, from)) = resolvers(view, placed) else { continue };
        if list.is_empty() && is_told_none(view, placed) {
            without.push(text(&placed.draft.name));
        }
        if from == ResolversFrom::Gateway {
            continue;
        }
        for (index, &resolver) in list.iter().enumerate() {
            if let Err(why) = reach(view, &known, placed, resolver) {
                let name = text(&placed.draft.name);
                let place = Place { from: source(view, from, name), index, resolver, why };
                out_of_reach.entry(place).or_default().push(name);
            }
        }
    }
    findings.extend(missing(view, without));
    findings.extend(out_of_reach.into_iter().map(|(place, machines)| place.finding(NameList::new(machines))));
}

/// The value that says a resolver.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source<'a> {
    Cloud,
    Network(&'a str),
    Machine(&'a str),
}

fn source<'a>(view: &View<'a>, from: ResolversFrom, machine: &'a str) -> Source<'a> {
    match from {
        ResolversFrom::Machine => Source::Machine(machine),
        ResolversFrom::Network(at) => {
            Source::Network(view.network(at).map_or("", |net| text(&net.draft.name)))
        }
        ResolversFrom::Cloud | ResolversFrom::Gateway => Source::Cloud,
    }
}

/// Why a machine gets no answer from a resolver.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why<'a> {
    /// The network takes no new connections from the one that the machine sends from.
    Refused { from: &'a str, to: &'a str, mode: &'static str },
    /// It is another network's dnsmasq.
    OthersGateway { of: &'a str },
    /// No machine in the network has the address.
    Nobody { on: &'a str },
    /// The machine has no way out of its networks.
    NoWay,
}

/// One finding for all machines that a value concerns in one way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    from: Source<'a>,
    index: usize,
    resolver: IpAddr,
    why: Why<'a>,
}

impl Place<'_> {
    fn finding(&self, machines: NameList) -> Finding {
        let Self { from, index, resolver, why } = self;
        let at = match from {
            Source::Cloud => format!("resolvers[{index}]"),
            Source::Network(name) => format!("networks.{name}.resolvers[{index}]"),
            Source::Machine(name) => format!("machines.{name}.resolvers[{index}]"),
        };
        let resolver = *resolver;
        let problem = match *why {
            Why::Refused { from, to, mode } => ResolverProblem::Refused {
                machines,
                resolver,
                from: from.to_owned(),
                to: to.to_owned(),
                mode: mode.to_owned(),
            },
            Why::OthersGateway { of } => {
                ResolverProblem::OthersGateway { machines, resolver, of: of.to_owned() }
            }
            Why::Nobody { on } => ResolverProblem::Nobody { machines, resolver, on: on.to_owned() },
            Why::NoWay => ResolverProblem::NoWay { machines, resolver },
        };
        problem.at(at)
    }
}

/// The resolvers' addresses that machines have, found in one pass over the machines.
struct Known {
    /// The networks in whose subnet each is.
    networks: BTreeMap<IpAddr, Vec<usize>>,
    /// The networks, each with an address in use on it.
    held: BTreeSet<(usize, IpAddr)>,
}

impl Known {
    fn new(view: &View<'_>) -> Self {
        let lists = view.machines.iter().map(|placed| &placed.draft.resolvers);
        let lists =
            lists.chain(view.networks.iter().map(|net| &net.draft.resolvers)).chain([&view.cloud.resolvers]);
        let asked: BTreeSet<IpAddr> = lists.flatten().filter_map(|ip| Some(ip.ok()?.get())).collect();
        let mut held = BTreeSet::new();
        for (network, net) in view.networks.iter().enumerate() {
            let reserved = net.draft.reservations.iter().filter_map(|one| Some(one.address.ok()?.get()));
            held.extend(reserved.filter(|address| asked.contains(address)).map(|address| (network, address)));
        }
        for link in view.machines.iter().flat_map(|placed| &placed.links) {
            let Some(network) = link.network else { continue };
            let asked =
                link.addresses().map(|(_, address)| address).filter(|address| asked.contains(address));
            held.extend(asked.map(|address| (network, address)));
        }
        let mut networks: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
        for (at, net) in view.networks.iter().enumerate() {
            for subnet in [&net.ipv4, &net.ipv6].into_iter().flatten().map(|family| family.subnet) {
                // Addresses sort as numbers, so that those of a subnet are a range.
                for &address in asked.range(subnet.network()..=subnet.broadcast()) {
                    networks.entry(address).or_default().push(at);
                }
            }
        }
        for among in networks.values_mut() {
            sort::by_key(among, |&at| view.network(at).map(|net| text(&net.draft.name)));
        }
        Self { networks, held }
    }
}

/// Whether a machine gets an answer from a resolver.
fn reach<'a>(view: &View<'a>, known: &Known, placed: &Placed<'a>, resolver: IpAddr) -> Result<(), Why<'a>> {
    let route = route_of(view, placed).and_then(|at| placed.links.get(at));
    let through = |link: Option<&Plugged<'a>>| view.network(link?.network?);
    let Some(networks) = known.networks.get(&resolver) else {
        let net = through(route).filter(|net| !lacks_family(net, resolver));
        return net.map(|_| ()).ok_or(Why::NoWay);
    };
    let on = |at: usize| placed.links.iter().any(|link| link.network == Some(at));
    if let Some(&at) = networks.iter().find(|&&at| on(at)) {
        return in_use(view, known, at, resolver);
    }
    let mut answer = Ok(());
    for &at in networks {
        let Some(to) = view.network(at) else { continue };
        // A machine sends to the host's other routed networks through its own routed interface, and elsewhere through
        // the interface of the default route.
        let routed = placed.links.iter().find(|link| {
            to.is_routed() && through(Some(link)).is_some_and(|net| net.is_routed() && net.host == to.host)
        });
        let from = through(routed.or(route));
        answer = match from {
            None => Err(Why::NoWay),
            Some(from) => lets_in(from, to, resolver).and_then(|()| in_use(view, known, at, resolver)),
        };
        if answer.is_ok() {
            break;
        }
    }
    answer
}

/// Whether libvirt gives a network no address of the resolver's family, so that its machines have no route to it.
fn lacks_family(net: &Net<'_>, resolver: IpAddr) -> bool {
    let said = if resolver.is_ipv4() { &net.draft.subnet } else { &net.draft.ipv6 };
    net.is_own() && said.is_none()
}

/// Whether a network takes a new connection to the address from another network.
fn lets_in<'a>(from: &Net<'a>, to: &Net<'a>, resolver: IpAddr) -> Result<(), Why<'a>> {
    let name = text(&to.draft.name);
    if !to.is_own() {
        return Ok(());
    }
    if to.family(resolver).is_some_and(|family| family.gateway == Some(resolver)) {
        return Err(Why::OthersGateway { of: name });
    }
    if to.is_routed() {
        return Ok(());
    }
    let mode = if to.is_forwarded() { "masqueraded (nat)" } else { "isolated" };
    Err(Why::Refused { from: text(&from.draft.name), to: name, mode })
}

/// Whether the address is in use; on a LAN a machine outside of the cloud may have it.
fn in_use<'a>(view: &View<'a>, known: &Known, at: usize, resolver: IpAddr) -> Result<(), Why<'a>> {
    let Some(net) = view.network(at) else { return Ok(()) };
    let gateway = net.family(resolver).is_some_and(|family| family.gateway == Some(resolver));
    if !net.is_own() || gateway || known.held.contains(&(at, resolver)) {
        return Ok(());
    }
    Err(Why::Nobody { on: text(&net.draft.name) })
}

/// Whether a machine learns no resolver by DHCP: all its addresses are written inside it.
fn is_told_none(view: &View<'_>, placed: &Placed<'_>) -> bool {
    let learns = |link: &Plugged<'_>| link.draft.address.is_none() && link.draft.address6.is_none();
    let incomplete =
        |net: &Net<'_>| net.is_own() && net.is_forwarded() && net.ipv4.is_none() && net.ipv6.is_none();
    let nets = placed.links.iter().filter_map(|link| view.network(link.network?));
    !placed.links.iter().any(learns) && !nets.into_iter().any(incomplete)
}

/// One finding for all machines without a resolver: one list of the cloud or of their network corrects them all.
fn missing(view: &View<'_>, machines: Vec<&str>) -> Option<Finding> {
    let machines = NameList::new(machines);
    let first = view.machines.iter().find(|placed| text(&placed.draft.name) == machines.first());
    let example = first.and_then(|placed| router(view, placed));
    let at = format!("machines.{}.resolvers", machines.first());
    (!machines.is_empty()).then(|| ResolverProblem::Missing { machines, example }.at(at))
}

/// The router of a machine's network, which often is its resolver, or the first address there.
fn router(view: &View<'_>, placed: &Placed<'_>) -> Option<IpAddr> {
    let link = route_of(view, placed).and_then(|at| placed.links.get(at)).or(placed.links.first());
    let net = view.network(link?.network?)?;
    let family = net.ipv4.as_ref().or(net.ipv6.as_ref())?;
    Some(family.gateway.unwrap_or_else(|| family.subnet.first_host()))
}

/// A list in which one resolver knows the cloud's names and another only the Internet's.
fn mixed_lists(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut look = |list: &[Given<Ip>], at: std::fmt::Arguments<'_>| findings.extend(mixed(list, at));
    look(&view.cloud.resolvers, format_args!("resolvers"));
    for net in &view.networks {
        look(&net.draft.resolvers, format_args!("networks.{}.resolvers", net.draft.name));
    }
    for placed in &view.machines {
        look(&placed.draft.resolvers, format_args!("machines.{}.resolvers", placed.draft.name));
    }
}

fn mixed(list: &[Given<Ip>], at: std::fmt::Arguments<'_>) -> Option<Finding> {
    let addresses = || list.iter().filter_map(|ip| Some(ip.ok()?.get()));
    let public = addresses().find(|address| is_public(*address))?;
    let internal = addresses().find(|address| !is_public(*address))?;
    Some(ResolverProblem::Mixed { public, internal }.at(at))
}

/// The setting that names a resolver.
fn resolvers_at(example: Option<IpAddr>) -> Remedy {
    Remedy::set(
        "resolvers",
        example.map_or_else(|| "[192.168.0.1]".to_owned(), |example| format!("[{example}]")),
    )
}

problems! {
    /// Problems with resolvers.
    pub enum ResolverProblem {
        Missing { machines: NameList, example: Option<IpAddr> } is ResolverMissing with (have = machines.verb("has", "have")):
            "{machines} {have} no resolver",
            "write {resolvers} on the machine, on its network or on the cloud",
            resolvers = resolvers_at(*example);
        Refused { machines: NameList, resolver: IpAddr, from: String, to: String, mode: String } is ResolverUnreachable:
            "{machines} on {from} cannot reach {resolver}: {to} is {mode}, and refuses new connections from outside",
            "make {to} a routed network, give the machine an interface on {to}, or name a resolver on {from}";
        OthersGateway { machines: NameList, resolver: IpAddr, of: String } is ResolverUnreachable:
            "{machines} cannot reach {resolver}: libvirt's resolver of {of} answers only on {of}",
            "leave the resolvers out: each network's own gateway answers";
        Nobody { machines: NameList, resolver: IpAddr, on: String } is ResolverUnreachable:
            "{machines} should ask {resolver}, but no machine has that address",
            "write the address of a machine on {on}, or give this one to a machine";
        NoWay { machines: NameList, resolver: IpAddr } is ResolverUnreachable with (have = machines.verb("has", "have")):
            "{machines} {have} no route to {resolver}",
            "name a resolver in one of its networks, or give it an interface on a forwarded one";
        Mixed { public: IpAddr, internal: IpAddr } is ResolverMixed:
            "{internal} knows the names of this network, but {public} only those of the Internet",
            "ask {internal} alone, and let it forward to {public}: a client asks the second one only if the first does not answer at all";
    }
}
