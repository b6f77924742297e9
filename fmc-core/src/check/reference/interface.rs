//! What an interface says about its addresses: one of each family, in its own field, where somebody answers.

use super::super::view::{Placed, View};
use crate::finding::{Finding, Kind};
use crate::given::Given;

/// Looks at the interfaces of one machine.
pub(super) fn check(view: &View<'_>, placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    for (index, link) in placed.links.iter().enumerate() {
        let draft = link.draft;
        let mut push = |field: &str, message: String, help: String| {
            let at = format_args!("machines.{}.interfaces[{index}].{field}", placed.draft.name);
            findings.push(Finding::new(Kind::NetworkConflict, at, message, help));
        };
        let fields = [
            ("address", &draft.address, true, "address6"),
            ("address6", &draft.address6, false, "address"),
            ("reserved", &draft.reserved, true, "reserved6"),
            ("reserved6", &draft.reserved6, false, "reserved"),
        ];
        for (field, given, wants_v4, other) in fields {
            if let Some(ip) = given.as_ref().and_then(Given::ok).filter(|ip| ip.is_ipv4() != wants_v4) {
                let (is, wants) = if wants_v4 { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
                let message = format!("`{field}` is for {wants}, and {ip} is {is}");
                push(field, message, format!("write it in `{other}`"));
            }
        }
        let pairs = [
            ("reserved", draft.address.is_some() && draft.reserved.is_some(), "address"),
            ("reserved6", draft.address6.is_some() && draft.reserved6.is_some(), "address6"),
        ];
        for (field, both, other) in pairs {
            if both {
                let message = format!("`{other}` and `{field}` both say the address");
                push(field, message, format!("leave `{field}` out: `{other}` is reserved as well"));
            }
        }
        let Some(net) = link.network.and_then(|at| view.network(at)).filter(|net| !net.is_own()) else {
            continue;
        };
        for (field, given) in [("reserved", &draft.reserved), ("reserved6", &draft.reserved6)] {
            if given.is_some() {
                let message =
                    format!("nobody answers a reservation on {}, which is a host bridge", net.draft.name);
                let help = "write it as `address`, which is set inside the guest, or reserve it in the LAN's DHCP server";
                push(field, message, help.to_owned());
            }
        }
    }
}
