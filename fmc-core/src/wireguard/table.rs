//! The nftables table of a tunnel: what comes out of it, and what goes on from there.
//!
//! It is a table of its own beside that of the machine's flows, so that a tunnel is one file of each of its machines, and removing it
//! removes no rule of others. What peers send to the machine itself is decided by the machine's flows.

use std::fmt::Write as _;

use super::Wireguard;
use super::address::Who;
use crate::addr::Subnet;
use crate::checked::Checked;
use crate::guest::{Guest, GuestFile, Unit, UnitFile, UnitSection};
use crate::image::Os;

/// The name of the unit that loads the table of a tunnel.
pub(super) fn unit(interface: &str) -> String {
    format!("fmc-wireguard-{interface}.service")
}

/// The file, and the unit that loads it. A gateway forwards only once it is loaded.
pub(super) fn guest(tunnel: &Wireguard, who: Who<'_>, cloud: &Checked, os: Os) -> Guest {
    let name = tunnel.interface_name();
    let path = format!("/etc/fmc/wireguard-{name}.nft");
    let guest = Guest::new().file(GuestFile::text(path.clone(), rules(tunnel, who, cloud)));
    let mut service = UnitSection::new("Service")
        .set("Type", "oneshot")
        .set("RemainAfterExit", "yes")
        .set("ExecStart", format!("/usr/sbin/nft -f {path}"));
    if let Who::Gateway(_) = who {
        for key in forwarding(tunnel) {
            service = service.set("ExecStart", format!("/usr/sbin/sysctl -q -w {key}=1"));
        }
    }
    let service = service
        .set("ExecReload", format!("/usr/sbin/nft -f {path}"))
        .set("ExecStop", format!("/usr/sbin/nft delete table inet {}", table(&name)));
    let head = UnitSection::new("Unit")
        .set("Description", format!("Rules of the tunnel {name}"))
        .set("DefaultDependencies", "no")
        .set("Wants", "network-pre.target")
        .set("After", "nftables.service systemd-sysctl.service")
        .set("Before", "network-pre.target shutdown.target")
        .set("Conflicts", "shutdown.target");
    let install = UnitSection::new("Install").set("WantedBy", "sysinit.target");
    let contents = UnitFile::new().section(head).section(service).section(install);
    let guest = guest.unit(Unit::new(unit(&name)).enabled().contents(contents));
    match os {
        // The other systems have nft in their image.
        Os::Debian | Os::Rocky | Os::Almalinux => guest.package("nftables"),
        _ => guest,
    }
}

/// The settings of the kernel by which a gateway forwards.
fn forwarding(tunnel: &Wireguard) -> Vec<&'static str> {
    let has = |is_ipv4: bool| tunnel.own_subnets().any(|subnet| subnet.is_ipv4() == is_ipv4);
    let families = [(true, "net.ipv4.ip_forward"), (false, "net.ipv6.conf.all.forwarding")];
    families.into_iter().filter(|(is_ipv4, _)| has(*is_ipv4)).map(|(_, key)| key).collect()
}

fn table(interface: &str) -> String {
    format!("fmc-wireguard-{interface}")
}

/// The ruleset. Loading it again changes nothing.
pub(super) fn rules(tunnel: &Wireguard, who: Who<'_>, cloud: &Checked) -> String {
    let (name, table) = (tunnel.interface_name(), table(&tunnel.interface_name()));
    let is_gateway = matches!(who, Who::Gateway(_));
    let pairs = if is_gateway { pairs(tunnel, cloud) } else { Vec::new() };
    let (mut sets, mut spoofed, mut through, mut masked) =
        (String::new(), String::new(), String::new(), String::new());
    // Writing to a text cannot fail.
    for subnet in tunnel.own_subnets() {
        let family = family(&subnet);
        let _ = writeln!(spoofed, "\t\tiifname != {{ \"{name}\", \"lo\" }} {family} saddr {subnet} drop");
        let _ = writeln!(masked, "\t\t{family} saddr {subnet} oifname != \"{name}\" masquerade");
    }
    for (family, kind, is_ipv4) in [("ip", "ipv4_addr", true), ("ip6", "ipv6_addr", false)] {
        let ours = pairs.iter().filter(|(_, to)| to.is_ipv4() == is_ipv4);
        let ours: Vec<String> = ours.map(|(from, to)| format!("{} . {to}", from.network())).collect();
        if !ours.is_empty() {
            let _ = writeln!(
                sets,
                "\tset reach_{family} {{\n\t\ttype {kind} . {kind}\n\t\tflags interval\n\t\telements = {{\n\t\t\t{}\n\t\t}}\n\t}}\n",
                ours.join(",\n\t\t\t")
            );
            let _ = writeln!(through, "\t\t{family} saddr . {family} daddr @reach_{family} accept");
        }
    }
    let mut text = format!(
        "# The tunnel {of}: what comes out of it, and what goes on from there. Loading it again changes nothing.\n\
         table inet {table}\n\
         delete table inet {table}\n\
         table inet {table} {{\n\
         {sets}\
         \tchain spoofed {{\n\
         \t\ttype filter hook prerouting priority mangle; policy accept;\n\
         {spoofed}\
         \t}}\n\
         \n\
         \tchain through {{\n\
         \t\tct state {{ established, related }} accept\n\
         {through}\
         \t\tdrop\n\
         \t}}\n\
         \n\
         \tchain forward {{\n\
         \t\ttype filter hook forward priority filter; policy accept;\n\
         \t\toifname \"{name}\" tcp flags syn tcp option maxseg size set rt mtu\n\
         \t\tiifname \"{name}\" jump through\n\
         {into}\
         \t}}\n",
        of = tunnel.instance_name(),
        // Pods of another machine go into the tunnel as the machine does.
        into = if is_gateway { format!("\t\toifname \"{name}\" jump through\n") } else { String::new() },
    );
    if is_gateway {
        let _ = write!(
            text,
            "\n\tchain source {{\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n{masked}\t}}\n"
        );
    }
    text.push_str("}\n");
    text
}

/// Who may go where by the gateway: an address of a peer, and a subnet of the same family.
fn pairs(tunnel: &Wireguard, cloud: &Checked) -> Vec<(Subnet, Subnet)> {
    let mut pairs = Vec::new();
    for who in tunnel.everyone() {
        let own = tunnel.singles(who);
        for to in tunnel.reached(who, cloud) {
            pairs.extend(own.iter().filter(|from| from.is_ipv4() == to.is_ipv4()).map(|from| (*from, to)));
        }
    }
    pairs
}

const fn family_of(is_ipv4: bool) -> &'static str {
    if is_ipv4 { "ip" } else { "ip6" }
}

fn family(subnet: &Subnet) -> &'static str {
    family_of(subnet.is_ipv4())
}
