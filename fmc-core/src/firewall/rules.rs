//! The text of a ruleset.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::TABLE;
use crate::addr::Subnet;
use crate::checked::{Addressing, By, Checked, CheckedPeer, Interface, Machine, Sources};
use crate::flow::{Direction, Protocol, Service};
use crate::name::BridgeName;

/// The longest list of sources inside a rule; longer ones become a named set.
const LISTED: usize = 6;

/// The sources of calls that a rule accepts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct From {
    /// The interfaces that calls come in by; any interface if it is empty.
    interfaces: BTreeSet<BridgeName>,
    /// The source addresses; any address if it is `None`.
    subnets: Option<BTreeSet<Subnet>>,
}

/// The accepted services, by who declares them and their sources.
type Accepted<'a> = BTreeMap<(&'a str, From), BTreeSet<Service>>;

/// A service on some interfaces, and who declares it.
type Asked<'a> = (&'a str, BTreeSet<BridgeName>, Service);

pub(super) fn write(cloud: &Checked, machine: &Machine) -> String {
    let accepted = accepted(cloud, machine);
    let mut sets = Sets::default();
    let mut flows = String::new();
    let has_vrrp = accepted.values().flatten().any(|service| service.protocol == Protocol::Vrrp);
    always(machine, has_vrrp, &mut flows);
    for ((who, from), services) in &accepted {
        for place in from.words(&mut sets) {
            for service in words(services) {
                // Writing to a String cannot fail.
                let _ = writeln!(flows, "\t\t{place}{service}accept comment \"{who}\"");
            }
        }
    }
    format!(
        "# What {name} lets in: its flows, and nothing else. Loading it again changes nothing.\n\
         table inet {TABLE}\n\
         delete table inet {TABLE}\n\
         table inet {TABLE} {{\n\
         {sets}\
         \tchain flows {{\n\
         {flows}\
         \t}}\n\
         \n\
         \tchain before {{\n\
         \t\ttype filter hook prerouting priority mangle; policy accept;\n\
         \t\tiifname \"lo\" accept\n\
         \t\tct state {{ established, related }} accept\n\
         \t\tfib daddr type != local accept\n\
         \t\tjump flows\n\
         \t\tdrop\n\
         \t}}\n\
         \n\
         \tchain input {{\n\
         \t\ttype filter hook input priority filter; policy drop;\n\
         \t\tiifname \"lo\" accept\n\
         \t\tct state {{ established, related }} accept\n\
         \t\tct status dnat accept\n\
         \t\tjump flows\n\
         \t}}\n\
         }}\n",
        name = machine.name,
        sets = sets.text,
    )
}

/// The accepted services of a machine: for each role, and for the machine itself, by sources, each service
/// once.
fn accepted<'a>(cloud: &'a Checked, machine: &Machine) -> Accepted<'a> {
    let mut by_service: BTreeMap<Asked<'_>, Option<BTreeSet<Subnet>>> = BTreeMap::new();
    let flows = cloud.flows_of(machine).iter().filter(|flow| flow.direction == Direction::Accept);
    for flow in flows {
        let interfaces = match &flow.peer {
            CheckedPeer::Inside { interfaces, .. } => BTreeSet::clone(interfaces),
            _ => BTreeSet::new(),
        };
        let from = by_service
            .entry((who(&flow.by), interfaces, flow.service))
            .or_insert_with(|| Some(BTreeSet::new()));
        match (Sources::of(cloud, &flow.peer), from.as_mut()) {
            (Sources::Anywhere, _) => *from = None,
            (Sources::Subnets(more), Some(subnets)) => subnets.extend(more),
            (Sources::Subnets(_), None) => {}
        }
    }
    let mut accepted = Accepted::new();
    for ((who, interfaces, service), subnets) in by_service {
        let from = From { interfaces, subnets: subnets.map(|subnets| outermost(&subnets)) };
        accepted.entry((who, from)).or_default().insert(service);
    }
    accepted
}

/// Who declares a flow, for the rule's comment: all flows of the machine itself have one name.
fn who(by: &By) -> &str {
    by.role().map_or("machine", |role| role.as_str())
}

/// The subnets that are not inside another one: two subnets are either apart, or one contains the other.
fn outermost(subnets: &BTreeSet<Subnet>) -> BTreeSet<Subnet> {
    let inside = |subnet: &Subnet| {
        subnets.iter().any(|other| {
            other != subnet && other.prefix_len() <= subnet.prefix_len() && other.contains(subnet.network())
        })
    };
    subnets.iter().filter(|subnet| !inside(subnet)).copied().collect()
}

/// Packets that every machine needs: errors and queries of ICMP (RFC 4890 for IPv6), and answers of DHCP,
/// which connection tracking does not recognise as answers (RFC 2131, RFC 8415).
fn always(machine: &Machine, has_vrrp: bool, text: &mut String) {
    text.push_str(
        "\t\ticmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept\n\
         \t\ticmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, mld-listener-query } accept\n\
         \t\ticmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept\n",
    );
    let asks = |family: fn(&Interface) -> Option<Addressing>| {
        let mut addressings = machine.interfaces.iter().filter_map(family);
        addressings.any(|addressing| !matches!(addressing, Addressing::Static(_)))
    };
    if asks(|interface| interface.ipv4) {
        text.push_str("\t\tmeta nfproto ipv4 udp sport 67 udp dport 68 accept comment \"dhcp\"\n");
    }
    if asks(|interface| interface.ipv6) {
        text.push_str("\t\tip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment \"dhcp\"\n");
    }
    if has_vrrp {
        // A bridge with multicast snooping forwards a group's packets only to members that answer its
        // queries.
        text.push_str("\t\tip protocol igmp accept comment \"who is in a multicast group\"\n");
    }
}

/// Services as matches of rules: one for each protocol with ports.
fn words(services: &BTreeSet<Service>) -> Vec<String> {
    let mut rules = Vec::new();
    if services.iter().any(|service| service.protocol == Protocol::Any) {
        return vec![String::new()];
    }
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        let ports = ports(services, protocol);
        if !ports.is_empty() {
            rules.push(format!("{} dport {} ", protocol.as_str(), braced(&ports)));
        }
    }
    if services.iter().any(|service| service.protocol == Protocol::Vrrp) {
        // By its number: a small image has no table of protocol names.
        rules.push("meta l4proto 112 ".to_owned());
    }
    rules
}

/// The ports of a protocol; adjacent ranges are merged, since a set refuses overlaps.
fn ports(services: &BTreeSet<Service>, protocol: Protocol) -> Vec<String> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for service in services.iter().filter(|service| service.protocol == protocol) {
        match ranges.last_mut() {
            Some((_, last)) if service.first <= *last => *last = service.last.max(*last),
            _ => ranges.push((service.first, service.last)),
        }
    }
    let written = ranges
        .into_iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    written.collect()
}

fn braced(values: &[String]) -> String {
    match values {
        [one] => one.clone(),
        _ => format!("{{ {} }}", values.join(", ")),
    }
}

impl From {
    /// The sources as matches of rules: one for each address family in use.
    fn words(&self, sets: &mut Sets) -> Vec<String> {
        let interfaces: Vec<String> = self.interfaces.iter().map(|name| format!("\"{name}\"")).collect();
        let by =
            if interfaces.is_empty() { String::new() } else { format!("iifname {} ", braced(&interfaces)) };
        let Some(subnets) = &self.subnets else { return vec![by] };
        let mut rules = Vec::new();
        for (family, kind, v4) in [("ip", "ipv4_addr", true), ("ip6", "ipv6_addr", false)] {
            let ours = subnets.iter().filter(|subnet| subnet.is_ipv4() == v4);
            let ours: Vec<String> = ours.map(written).collect();
            if !ours.is_empty() {
                rules.push(format!("{by}{family} saddr {} ", sets.words(kind, ours)));
            }
        }
        rules
    }
}

/// A subnet, or a single address.
fn written(subnet: &Subnet) -> String {
    let whole = if subnet.is_ipv4() { 32 } else { 128 };
    if subnet.prefix_len() == whole { subnet.network().to_string() } else { subnet.to_string() }
}

/// The named sets: one for each long list, shared by all rules that use it.
#[derive(Default)]
struct Sets {
    names: BTreeMap<Vec<String>, String>,
    text: String,
}

impl Sets {
    /// A list of addresses: in braces, or the name of its set.
    fn words(&mut self, kind: &str, addresses: Vec<String>) -> String {
        if addresses.len() <= LISTED {
            return braced(&addresses);
        }
        if let Some(name) = self.names.get(&addresses) {
            return format!("@{name}");
        }
        let name = format!("sources{}", self.names.len() + 1);
        let _ = writeln!(
            self.text,
            "\tset {name} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\telements = {{ {} }}\n\t}}\n",
            addresses.join(", ")
        );
        let words = format!("@{name}");
        self.names.insert(addresses, name);
        words
    }
}
