//! MACs and host names, which identify a machine besides its address.

use std::collections::BTreeMap;

use super::super::view::{Net, View, text};
use crate::addr::Mac;
use crate::finding::{Finding, Remedy, problems};
use crate::given::Given;
use crate::identity;
use crate::sort;

/// Looks at MACs, host names and former names.
pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    former_names(view, findings);
    macs(view, findings);
    bridge_macs(view, findings);
    reserved_macs(view, findings);
    loopback_names(view, findings);
    hostnames(view, findings);
    reserved_names(view, findings);
    mismatches(view, findings);
}

/// Two machines of one first name would have one UUID, and the same MACs and volumes.
fn former_names(view: &View<'_>, findings: &mut Vec<Finding>) {
    if view.machines.iter().all(|placed| placed.draft.formerly.is_none()) {
        return;
    }
    let mut firsts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for placed in &view.machines {
        if let Some(first) = placed.draft.first_name() {
            firsts.entry(first).or_default().push(text(&placed.draft.name));
        }
    }
    for placed in view.machines.iter().filter(|placed| placed.draft.formerly.is_some()) {
        let (Some(first), name) = (placed.draft.first_name(), text(&placed.draft.name)) else { continue };
        let at = format!("machines.{name}.formerly");
        let (machine, first_name) = (name.to_owned(), first.to_owned());
        if first == name {
            findings.push(IdentityProblem::FormerlyItself { name: first_name }.at(at));
            continue;
        }
        let others = firsts.get(first).into_iter().flatten();
        if let Some(other) = others.into_iter().find(|other| **other != name) {
            let problem = IdentityProblem::Formerly { machine, first: first_name };
            findings.push(problem.at(at).also(format_args!("machines.{other}")));
        }
    }
}

fn mac_finding(mut at: Vec<String>, problem: impl FnOnce(usize) -> IdentityProblem) -> Option<Finding> {
    sort::all(&mut at);
    let (last, others) = at.split_last()?;
    Some(others.iter().fold(problem(at.len()).at(last), Finding::also))
}

/// Two interfaces of one MAC take each other's frames and leases.
fn macs(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut macs = Vec::with_capacity(view.machines.len());
    for (machine, placed) in view.machines.iter().enumerate() {
        macs.extend(placed.links.iter().enumerate().filter_map(|(at, link)| Some((link.mac?, machine, at))));
    }
    macs.sort_unstable();
    for same in macs.chunk_by(|a, b| a.0 == b.0) {
        let [(mac, ..), _, ..] = same else { continue };
        let names = same.iter().map(|(_, machine, at)| (machine_name(view, *machine), *at));
        let mut at: Vec<_> =
            names.map(|(name, at)| format!("machines.{name}.interfaces[{at}].mac")).collect();
        sort::all(&mut at);
        at.dedup();
        // Two machines of one name have the same derived MACs; the name, or the former name, is the finding.
        let first = |machine: usize| view.machines.get(machine).and_then(|placed| placed.draft.first_name());
        let is_one_name =
            same.windows(2).all(|pair| matches!(pair, [a, b] if a.1 != b.1 && first(a.1) == first(b.1)));
        if at.len() > 1 && !is_one_name {
            findings.extend(mac_finding(at, |count| IdentityProblem::Mac { mac: *mac, count }));
        }
    }
}

/// A machine that has the MAC of its network's own bridge gets no frame: the bridge takes them for itself.
fn bridge_macs(view: &View<'_>, findings: &mut Vec<Finding>) {
    let Some(owner) = &view.owner else { return };
    for placed in &view.machines {
        for (at, link) in placed.links.iter().enumerate().filter(|(_, link)| link.draft.mac.is_some()) {
            let net = link.network.and_then(|network| view.network(network)).filter(|net| net.is_own());
            let (Some(mac), Some(name)) = (link.mac, net.and_then(|net| net.draft.name.ok())) else {
                continue;
            };
            if mac == identity::mac(&identity::uuid(owner.as_str(), "network", name.as_str())) {
                let problem = IdentityProblem::BridgeMac { mac, network: name.to_string() };
                findings
                    .push(problem.at(format_args!("machines.{}.interfaces[{at}].mac", placed.draft.name)));
            }
        }
    }
}

/// The holder of a MAC on a network, for addresses of one family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Leaseholder {
    network: usize,
    mac: Mac,
    v4: bool,
    who: Who,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    /// A reservation of the network, by index.
    Reservation(usize),
    /// An interface of a machine, by index.
    Interface(usize, usize),
}

/// A reservation can have the MAC of another of its network only for the other family, and no machine's at all.
fn reserved_macs(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut holders = Vec::new();
    for (network, net) in view.networks.iter().enumerate() {
        for (index, reservation) in net.draft.reservations.iter().enumerate() {
            if let (Some(mac), Some(address)) = (reservation.mac.ok(), reservation.address.ok()) {
                let (mac, v4, who) = (*mac, address.is_ipv4(), Who::Reservation(index));
                holders.push(Leaseholder { network, mac, v4, who });
            }
        }
    }
    if holders.is_empty() {
        return;
    }
    for (machine, placed) in view.machines.iter().enumerate() {
        for (at, link) in placed.links.iter().enumerate() {
            if let (Some(network), Some(mac)) = (link.network, link.mac) {
                let who = Who::Interface(machine, at);
                holders.extend([true, false].map(|v4| Leaseholder { network, mac, v4, who }));
            }
        }
    }
    sort::all(&mut holders);
    for same in holders.chunk_by(|a, b| (a.network, a.mac, a.v4) == (b.network, b.mac, b.v4)) {
        // Reservations sort first; groups of only interfaces have a rule of their own.
        let [Leaseholder { network, mac, who: Who::Reservation(_), .. }, _, ..] = same else { continue };
        let network = view.network(*network).map_or("", |net| text(&net.draft.name));
        let path = |holder: &Leaseholder| match holder.who {
            Who::Reservation(index) => format!("networks.{network}.reservations[{index}].mac"),
            Who::Interface(machine, at) => {
                format!("machines.{}.interfaces[{at}].mac", machine_name(view, machine))
            }
        };
        let at = same.iter().map(path).collect();
        findings.extend(mac_finding(at, |count| IdentityProblem::ReservedMac { mac: *mac, count }));
    }
}

fn machine_name<'a>(view: &View<'a>, machine: usize) -> &'a str {
    view.machines.get(machine).map_or("", |placed| text(&placed.draft.name))
}

/// A machine that is called as every machine calls itself: others that look its name up find themselves.
fn loopback_names(view: &View<'_>, findings: &mut Vec<Finding>) {
    for placed in &view.machines {
        let draft = placed.draft;
        let (hostname, field) = match &draft.hostname {
            Some(hostname) => (hostname.ok().map(|name| name.as_str()), ".hostname"),
            None => (draft.name.ok().map(|name| name.as_str()), ""),
        };
        if hostname == Some("localhost") {
            findings.push(IdentityProblem::Localhost.at(format_args!("machines.{}{field}", draft.name)));
        }
    }
}

/// Two machines of one host name in one domain answer to one name in DNS.
fn hostnames(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut names: Vec<(&str, &str, &str)> = view
        .machines
        .iter()
        .filter_map(|placed| {
            let draft = placed.draft;
            let name = text(&draft.name);
            let hostname =
                draft.hostname.as_ref().map_or(Some(name), |name| name.ok().map(|name| name.as_str()))?;
            let domain = match &draft.fqdn {
                Some(fqdn) => fqdn.ok()?.as_str().split_once('.').map_or("", |(_, domain)| domain),
                None => super::super::resolve::domain_of(view, placed).map_or("", |domain| domain.as_str()),
            };
            Some((hostname, domain, name))
        })
        .collect();
    sort::all(&mut names);
    for same in names.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let [(hostname, domain, first), .., (_, _, last)] = same else { continue };
        if first == last {
            continue;
        }
        let (hostname, domain) = (hostname.to_string(), domain.to_string());
        let problem = IdentityProblem::Hostname { count: same.len(), hostname, domain };
        let finding = problem.at(format_args!("machines.{last}.hostname"));
        let others = same.iter().map(|one| one.2).filter(|name| name != last);
        findings.push(
            others.fold(finding, |finding, name| finding.also(format_args!("machines.{name}.hostname"))),
        );
    }
}

/// Two reservations of one name in a network: its DNS answers with both addresses, and `virNetworkUpdate` refuses one. A
/// device may have one of each family.
fn reserved_names(view: &View<'_>, findings: &mut Vec<Finding>) {
    for (at, net) in view.networks.iter().enumerate() {
        reserved_machines(view, at, net, findings);
        let reservations = net.draft.reservations.iter().enumerate();
        let mut names: Vec<(&str, bool, usize)> = reservations
            .filter_map(|(index, reservation)| {
                let name = reservation.hostname.as_ref()?.ok()?.as_str();
                Some((name, reservation.address.ok()?.is_ipv4(), index))
            })
            .collect();
        sort::all(&mut names);
        for same in names.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let [(name, _, first), .., (_, _, last)] = same else { continue };
            let path = |index| format!("networks.{}.reservations[{index}].hostname", text(&net.draft.name));
            let problem = IdentityProblem::ReservedName { count: same.len(), name: name.to_string() };
            let finding = problem.at(path(last));
            findings.push(finding.also(path(first)));
        }
    }
}

/// A reservation with the name of a machine on its network: DNS answers with both addresses.
fn reserved_machines(view: &View<'_>, network: usize, net: &Net<'_>, findings: &mut Vec<Finding>) {
    for (index, reservation) in net.draft.reservations.iter().enumerate() {
        let Some(name) = reservation.hostname.as_ref().and_then(Given::ok) else { continue };
        let machine = view.machines.iter().find(|placed| {
            let hostname = match &placed.draft.hostname {
                Some(hostname) => hostname.ok().map(|name| name.as_str()),
                None => placed.draft.name.ok().map(|name| name.as_str()),
            };
            hostname == Some(name.as_str()) && placed.links.iter().any(|link| link.network == Some(network))
        });
        if let Some(machine) = machine {
            let problem = IdentityProblem::ReservedMachine { name: name.to_string() };
            let finding =
                problem.at(format_args!("networks.{}.reservations[{index}].hostname", text(&net.draft.name)));
            findings.push(finding.also(format_args!("machines.{}", machine.draft.name)));
        }
    }
}

/// `hostname -f` and DNS disagree when the full name does not begin with the host name.
fn mismatches(view: &View<'_>, findings: &mut Vec<Finding>) {
    for placed in &view.machines {
        let draft = placed.draft;
        let Some(fqdn) = draft.fqdn.as_ref().and_then(Given::ok) else { continue };
        let hostname = match &draft.hostname {
            Some(hostname) => hostname.ok().map(|name| name.as_str()),
            None => draft.name.ok().map(|name| name.as_str()),
        };
        let (label, domain) = fqdn.as_str().split_once('.').unwrap_or((fqdn.as_str(), ""));
        if let Some(hostname) = hostname.filter(|hostname| *hostname != label) {
            let problem = IdentityProblem::Mismatch {
                fqdn: fqdn.to_string(),
                hostname: hostname.to_owned(),
                label: label.to_owned(),
                domain: domain.to_owned(),
            };
            findings.push(problem.at(format_args!("machines.{}.fqdn", draft.name)));
        }
    }
}

/// ` in example.org`, if there is a domain.
fn within(domain: &str) -> String {
    if domain.is_empty() { String::new() } else { format!(" in {domain}") }
}

problems! {
    /// Problems with MACs, host names and former names.
    pub enum IdentityProblem {
        Formerly { machine: String, first: String } is NameDuplicate:
            "{machine} was called {first}, and so is or was another machine",
            "one machine has the UUID, MACs and disks of this name: leave `formerly` out of the other one, or give the other \
             one a name that no machine had";
        FormerlyItself { name: String } is NameDuplicate:
            "{name} is called as it was before",
            "leave `formerly` out";
        Mac { mac: Mac, count: usize } is MacDuplicate:
            "{mac} is the MAC address of {count} interfaces",
            "leave the MAC out: it is then derived and unique";
        BridgeMac { mac: Mac, network: String } is MacDuplicate:
            "{mac} is the MAC address of the bridge of {network}",
            "leave the MAC out: it is then derived and unique";
        ReservedMac { mac: Mac, count: usize } is MacDuplicate:
            "{mac} is the MAC address of {count} interfaces",
            "reserve one address for one MAC; reserve a machine's own address on its interface, with {reserved}",
            reserved = Remedy::either("reserved: …", ".reserved(…)");
        Hostname { count: usize, hostname: String, domain: String } is HostnameDuplicate with (place = within(domain)):
            "{count} machines have the host name {hostname}{place}",
            "leave the host name out: the machine's name is then used, which is unique";
        Localhost is HostnameDuplicate:
            "localhost is what every machine calls itself",
            "give the machine a name of its own";
        ReservedMachine { name: String } is HostnameDuplicate:
            "a machine of this network and a reservation have the name {name}",
            "give the device a name of its own, or reserve the machine's address on its interface, with {reserved}",
            reserved = Remedy::either("reserved: …", ".reserved(…)");
        ReservedName { count: usize, name: String } is HostnameDuplicate:
            "{count} reservations of one network have the name {name}",
            "give each device a name of its own";
        Mismatch { fqdn: String, hostname: String, label: String, domain: String } is HostnameMismatch:
            "{fqdn} does not begin with the host name {hostname}",
            "write {hostname}.{domain}, or give the machine the host name {label}";
    }
}
