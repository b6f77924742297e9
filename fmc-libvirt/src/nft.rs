//! The nft table of a host: masquerading for routed networks, which libvirt does for masqueraded ones only.
//!
//! What may be forwarded is not in it: libvirt's own rules let a routed network's subnet in and out, and an `accept` of
//! ours could not undo a `drop` of somebody else's table. The table is an artifact, no step of an apply: who
//! administers the host loads it.

use std::fmt::Write as _;

use fmc_core::addr::is_public;
use fmc_core::checked::{Checked, Family, Forward, Network};

/// The ruleset of a host, by index; `None` if it needs none. Loading it twice changes nothing, and no table but the
/// cloud's own is touched.
///
/// What is masqueraded: a routed or open network's traffic from private addresses to anywhere but the cloud's own
/// networks on the host. Public addresses are routed as they are.
pub fn ruleset(checked: &Checked, host: usize) -> Option<String> {
    let here: Vec<&Network> = checked
        .networks
        .iter()
        .filter(|network| network.hosts.contains(&host) && network.forward != Forward::Bridge)
        .collect();
    let rules: String = [ipv4 as Pick, ipv6].into_iter().filter_map(|pick| masquerade(&here, pick)).collect();
    if rules.is_empty() {
        return None;
    }
    // An owner has no underscore, so that two of them never share a table.
    let table = format!("fmc_{}", checked.owner.as_str().replace('-', "_"));
    let name = checked.hosts.get(host).map_or("the host", |host| host.name.as_str());
    Some(format!(
        "# Cloud {cloud}, owner {owner}: masquerading for its routed networks on {name}.\n\
         # Load it with `nft -f FILE`, at every start of the host; loading it again changes nothing.\n\
         table inet {table}\n\
         delete table inet {table}\n\
         table inet {table} {{\n\
         \tchain postrouting {{\n\
         \t\ttype nat hook postrouting priority srcnat; policy accept;\n\
         {rules}\
         \t}}\n\
         }}\n",
        cloud = checked.name,
        owner = checked.owner,
    ))
}

type Pick = fn(&Network) -> Option<&Family>;

fn ipv4(network: &Network) -> Option<&Family> {
    network.ipv4.as_ref()
}

fn ipv6(network: &Network) -> Option<&Family> {
    network.ipv6.as_ref()
}

/// The rule of one address family.
fn masquerade(here: &[&Network], pick: Pick) -> Option<String> {
    let is_routed = |network: &&&Network| matches!(network.forward, Forward::Routed | Forward::Open);
    let private = |family: &&Family| !is_public(family.subnet.network());
    let sources =
        set(here.iter().filter(is_routed).filter_map(|network| pick(network)).filter(private).map(subnet))?;
    let own = set(here.iter().filter_map(|network| pick(network)).map(subnet))?;
    let bridges = set(here.iter().map(|network| format!("\"{}\"", network.bridge)))?;
    let ip = if here.iter().filter_map(|network| pick(network)).all(|family| family.subnet.is_ipv4()) {
        "ip"
    } else {
        "ip6"
    };
    let mut rule = String::new();
    let _ = writeln!(rule, "\t\t{ip} saddr {sources} {ip} daddr != {own} oifname != {bridges} masquerade");
    Some(rule)
}

fn subnet(family: &Family) -> String {
    family.subnet.to_string()
}

/// A set in nft's words; `None` if it would be empty.
fn set(members: impl Iterator<Item = String>) -> Option<String> {
    let members: Vec<String> = members.collect();
    (!members.is_empty()).then(|| format!("{{ {} }}", members.join(", ")))
}
