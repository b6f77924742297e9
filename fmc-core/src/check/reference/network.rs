//! The settings of a network: complete, and without contradictions.

use super::super::view::Net;
use crate::addr::{Ip, IpRange, Subnet};
use crate::finding::{Finding, Remedy, problems};
use crate::given::Given;
use crate::network::NetworkMode;
use crate::unit::Mtu;

/// Looks at one network.
pub(super) fn check(net: &Net<'_>, findings: &mut Vec<Finding>) {
    complete(net, findings);
    families(net, findings);
    if !net.is_own() {
        bridged(net, findings);
    }
}

fn push(net: &Net<'_>, field: &str, problem: NetworkProblem, findings: &mut Vec<Finding>) {
    findings.push(problem.at(format_args!("networks.{}.{field}", net.draft.name)));
}

fn complete(net: &Net<'_>, findings: &mut Vec<Finding>) {
    let draft = net.draft;
    let network = || draft.name.to_string();
    if draft.mode == NetworkMode::Bridge {
        if draft.bridge.is_none() {
            push(net, "bridge", NetworkProblem::NoBridge { network: network() }, findings);
        }
        return;
    }
    // An isolated network without addresses is a bare switch, which libvirt makes.
    if draft.subnet.is_none() && draft.ipv6.is_none() && draft.mode != NetworkMode::Isolated {
        push(net, "subnet", NetworkProblem::NoSubnet { network: network() }, findings);
    }
    for (field, family) in [("subnet", &net.ipv4), ("ipv6", &net.ipv6)] {
        let Some(family) = family else { continue };
        let hosts = family.subnet.hosts();
        if hosts.first() == hosts.last() {
            push(net, field, NetworkProblem::Full { subnet: family.subnet }, findings);
        }
    }
}

/// IPv4 in the fields of IPv4, IPv6 in those of IPv6, and no field without the subnet that it needs.
fn families(net: &Net<'_>, findings: &mut Vec<Finding>) {
    let draft = net.draft;
    let address = |given: &Option<Given<Ip>>| given.as_ref()?.ok().map(|ip| (ip.is_ipv4(), ip.to_string()));
    let subnet =
        |given: &Option<Given<Subnet>>| given.as_ref()?.ok().map(|net| (net.is_ipv4(), net.to_string()));
    let range = |given: &Option<Given<IpRange>>| {
        given.as_ref()?.ok().map(|range| (range.first().is_ipv4(), range.to_string()))
    };
    let fields = [
        ("subnet", subnet(&draft.subnet), true, "ipv6"),
        ("gateway", address(&draft.gateway), true, "gateway6"),
        ("dhcp", range(&draft.dhcp), true, "dhcp6"),
        ("ipv6", subnet(&draft.ipv6), false, "subnet"),
        ("gateway6", address(&draft.gateway6), false, "gateway"),
        ("dhcp6", range(&draft.dhcp6), false, "dhcp"),
    ];
    for (field, given, wants_v4, other) in fields {
        if let Some((_, value)) = given.filter(|(is_v4, _)| *is_v4 != wants_v4) {
            push(net, field, NetworkProblem::Family { field, value, wants_v4, other }, findings);
        }
    }
    let needs = [
        ("gateway", draft.gateway.is_some(), "subnet", draft.subnet.is_some()),
        ("dhcp", draft.dhcp.is_some(), "subnet", draft.subnet.is_some()),
        ("gateway6", draft.gateway6.is_some(), "ipv6", draft.ipv6.is_some()),
        ("dhcp6", draft.dhcp6.is_some(), "ipv6", draft.ipv6.is_some()),
    ];
    for (field, given, subnet, there) in needs {
        if given && !there {
            push(net, field, NetworkProblem::Without { field, subnet }, findings);
        }
    }
    if draft.ipv6.is_some()
        && let Some(mtu) = draft.mtu.as_ref().and_then(Given::ok).filter(|mtu| **mtu < Mtu::IPV6_MIN)
    {
        push(net, "mtu", NetworkProblem::Mtu { mtu: *mtu, least: Mtu::IPV6_MIN }, findings);
    }
}

/// libvirt only plugs machines into a host bridge: addresses and DHCP there are the LAN's.
fn bridged(net: &Net<'_>, findings: &mut Vec<Finding>) {
    let draft = net.draft;
    let network = || draft.name.to_string();
    let served = [
        ("dhcp", draft.dhcp.is_some()),
        ("dhcp6", draft.dhcp6.is_some()),
        ("reservations", !draft.reservations.is_empty()),
    ];
    for (field, given) in served {
        if given {
            push(net, field, NetworkProblem::ServesNoDhcp { network: network(), field }, findings);
        }
    }
    if draft.host.is_some() {
        push(net, "host", NetworkProblem::OnEachHost { network: network() }, findings);
    }
}

/// A family of IP, for people.
fn family(is_ipv4: bool) -> &'static str {
    if is_ipv4 { "IPv4" } else { "IPv6" }
}

problems! {
    /// Problems with the settings of a network.
    pub enum NetworkProblem {
        NoBridge { network: String } is NetworkIncomplete:
            "{network} is a host bridge, but does not name it",
            "name a bridge of the host, for example {bridge}",
            bridge = Remedy::either("bridge: br0", "Network::bridge(name, \"br0\")");
        NoSubnet { network: String } is NetworkIncomplete:
            "{network} has no subnet to route",
            "give it a subnet, for example {subnet}, or one of IPv6, for example {ipv6}",
            subnet = Remedy::set("subnet", "10.17.4.0/24"),
            ipv6 = Remedy::set("ipv6", "fd00:17:4::/64");
        Full { subnet: Subnet } is NetworkIncomplete:
            "{subnet} has a single address, which the gateway takes",
            "give it a shorter prefix: /30 has room for one machine, /24 for 253";
        Family { field: &'static str, value: String, wants_v4: bool, other: &'static str } is NetworkConflict
            with (wants = family(*wants_v4), is = family(!*wants_v4)):
            "`{field}` takes {wants}, but {value} is {is}",
            "write it as {right}",
            right = Remedy::set(other, value);
        Without { field: &'static str, subnet: &'static str } is NetworkConflict:
            "`{field}` has no effect without `{subnet}`",
            "give the network a `{subnet}`, or leave `{field}` out";
        Mtu { mtu: Mtu, least: Mtu } is NetworkConflict:
            "an MTU of {mtu} is too small for IPv6, which needs {least}",
            "write at least {right}, or leave `ipv6` out",
            right = Remedy::set("mtu", least);
        ServesNoDhcp { network: String, field: &'static str } is NetworkConflict:
            "{network} is a host bridge, on which libvirt does not serve DHCP",
            "leave `{field}` out: the LAN's own server answers there";
        OnEachHost { network: String } is NetworkConflict:
            "{network} is a host bridge, so it is on every host whose machines use it",
            "leave `host` out";
    }
}
