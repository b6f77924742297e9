//! What a network says about itself: enough, and nothing that contradicts.

use super::super::view::Net;
use crate::finding::{Finding, Kind};
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

fn push(net: &Net<'_>, kind: Kind, field: &str, message: String, help: &str, findings: &mut Vec<Finding>) {
    findings.push(Finding::new(kind, format_args!("networks.{}.{field}", net.draft.name), message, help));
}

fn complete(net: &Net<'_>, findings: &mut Vec<Finding>) {
    let draft = net.draft;
    let name = &draft.name;
    if draft.mode == NetworkMode::Bridge {
        if draft.bridge.is_none() {
            let help = "say which of the host's bridges it is, for example `bridge: br0`";
            push(
                net,
                Kind::NetworkIncomplete,
                "bridge",
                format!("{name} is a host bridge without its name"),
                help,
                findings,
            );
        }
        return;
    }
    // An isolated network without addresses is a bare switch, which libvirt makes.
    if draft.subnet.is_none() && draft.ipv6.is_none() && draft.mode != NetworkMode::Isolated {
        let help = "give it a subnet, for example `subnet: 10.17.4.0/24`, or an IPv6 one in `ipv6`";
        push(
            net,
            Kind::NetworkIncomplete,
            "subnet",
            format!("{name} has no subnet to route"),
            help,
            findings,
        );
    }
    for (field, family) in [("subnet", &net.ipv4), ("ipv6", &net.ipv6)] {
        let Some(family) = family else { continue };
        let hosts = family.subnet.hosts();
        if hosts.first() == hosts.last() {
            let message = format!("{} has one address, which the gateway takes", family.subnet);
            let help = "give it a shorter prefix: /30 has room for one machine, /24 for 253";
            push(net, Kind::NetworkIncomplete, field, message, help, findings);
        }
    }
}

/// IPv4 in the fields of IPv4, IPv6 in those of IPv6, and no field without the subnet that it needs.
fn families(net: &Net<'_>, findings: &mut Vec<Finding>) {
    let draft = net.draft;
    let v4 = |given: &Option<Given<crate::addr::Ip>>| given.as_ref()?.ok().map(|ip| ip.is_ipv4());
    let subnet4 = |given: &Option<Given<crate::addr::Subnet>>| given.as_ref()?.ok().map(|net| net.is_ipv4());
    let range4 =
        |given: &Option<Given<crate::addr::IpRange>>| given.as_ref()?.ok().map(|r| r.first().is_ipv4());
    let fields = [
        ("subnet", subnet4(&draft.subnet), true, "ipv6"),
        ("gateway", v4(&draft.gateway), true, "gateway6"),
        ("dhcp", range4(&draft.dhcp), true, "dhcp6"),
        ("ipv6", subnet4(&draft.ipv6), false, "subnet"),
        ("gateway6", v4(&draft.gateway6), false, "gateway"),
        ("dhcp6", range4(&draft.dhcp6), false, "dhcp"),
    ];
    for (field, is_v4, wants_v4, other) in fields {
        if is_v4.is_some_and(|is| is != wants_v4) {
            let (is, wants) = if wants_v4 { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
            let message = format!("`{field}` is for {wants}, and this is {is}");
            push(net, Kind::NetworkConflict, field, message, &format!("write it in `{other}`"), findings);
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
            let message = format!("`{field}` means nothing without `{subnet}`");
            push(
                net,
                Kind::NetworkConflict,
                field,
                message,
                &format!("give the `{subnet}`, or leave `{field}` out"),
                findings,
            );
        }
    }
    if draft.ipv6.is_some()
        && let Some(mtu) = draft.mtu.as_ref().and_then(Given::ok).filter(|mtu| **mtu < Mtu::IPV6_MIN)
    {
        let message = format!("an MTU of {mtu} carries no IPv6, which needs {}", Mtu::IPV6_MIN);
        push(
            net,
            Kind::NetworkConflict,
            "mtu",
            message,
            "raise it to 1280 at least, or leave `ipv6` out",
            findings,
        );
    }
}

/// libvirt only plugs machines into a host bridge: addresses and DHCP there are the LAN's.
fn bridged(net: &Net<'_>, findings: &mut Vec<Finding>) {
    let draft = net.draft;
    let name = &draft.name;
    let served = [
        ("dhcp", draft.dhcp.is_some()),
        ("dhcp6", draft.dhcp6.is_some()),
        ("reservations", !draft.reservations.is_empty()),
    ];
    for (field, given) in served {
        if given {
            let message = format!("{name} is a host bridge, on which libvirt serves no DHCP");
            push(
                net,
                Kind::NetworkConflict,
                field,
                message,
                "leave it out: the LAN's own server answers there",
                findings,
            );
        }
    }
    if draft.host.is_some() {
        let message = format!("{name} is a host bridge: it is on every host whose machines use it");
        push(net, Kind::NetworkConflict, "host", message, "leave `host` out", findings);
    }
}
