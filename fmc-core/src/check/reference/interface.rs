//! The addresses of an interface: one of each family, in its own field, on a network that can reserve them.

use std::net::IpAddr;

use super::super::view::{Placed, View};
use crate::finding::{Finding, Remedy, problems};
use crate::given::Given;

/// Looks at the interfaces of one machine.
pub(super) fn check(view: &View<'_>, placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    for (index, link) in placed.links.iter().enumerate() {
        let draft = link.draft;
        let mut push = |field: &str, problem: InterfaceProblem| {
            let at = format_args!("machines.{}.interfaces[{index}].{field}", placed.draft.name);
            findings.push(problem.at(at));
        };
        let fields = [
            ("address", &draft.address, true, "address6"),
            ("address6", &draft.address6, false, "address"),
            ("reserved", &draft.reserved, true, "reserved6"),
            ("reserved6", &draft.reserved6, false, "reserved"),
        ];
        for (field, given, wants_v4, other) in fields {
            if let Some(ip) = given.as_ref().and_then(Given::ok).filter(|ip| ip.is_ipv4() != wants_v4) {
                push(field, InterfaceProblem::Family { field, address: ip.get(), other });
            }
        }
        let pairs = [
            ("reserved", &draft.address, &draft.reserved, "address"),
            ("reserved6", &draft.address6, &draft.reserved6, "address6"),
        ];
        for (field, address, reserved, other) in pairs {
            if address.is_some() && reserved.is_some() {
                push(field, InterfaceProblem::Both { field, other });
            }
        }
        let Some(net) = link.network.and_then(|at| view.network(at)).filter(|net| !net.is_own()) else {
            continue;
        };
        for (field, given, other) in
            [("reserved", &draft.reserved, "address"), ("reserved6", &draft.reserved6, "address6")]
        {
            if let Some(address) = given {
                let (network, address) = (net.draft.name.to_string(), address.to_string());
                push(field, InterfaceProblem::NoServer { network, address, other });
            }
        }
    }
}

/// A family of IP, for people.
fn family(is_ipv4: bool) -> &'static str {
    if is_ipv4 { "IPv4" } else { "IPv6" }
}

problems! {
    /// Problems with the addresses of an interface.
    pub enum InterfaceProblem {
        Family { field: &'static str, address: IpAddr, other: &'static str } is NetworkConflict
            with (is = family(address.is_ipv4()), wants = family(!address.is_ipv4())):
            "`{field}` takes an {wants} address, but {address} is {is}",
            "write it as {right}",
            right = Remedy::set(other, address);
        Both { field: &'static str, other: &'static str } is NetworkConflict:
            "`{other}` and `{field}` both give the address",
            "leave `{field}` out: `{other}` is reserved as well";
        NoServer { network: String, address: String, other: &'static str } is NetworkConflict:
            "libvirt cannot reserve an address on {network}: it is a host bridge, where the LAN's own DHCP server answers",
            "set the address inside the guest, with {right}, or reserve it in the LAN's DHCP server",
            right = Remedy::set(other, address);
    }
}
