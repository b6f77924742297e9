//! The nft table of a host: masquerading for routed networks, which libvirt does for masqueraded ones only.
//!
//! It does not control forwarding: libvirt's own rules let a routed network's subnet in and out, and an
//! `accept` of ours could not undo a `drop` of another table. The table is an artifact, not a step of an
//! apply: `host NAME install` loads it, or the host's administrator.

use std::fmt::Write as _;

use crate::addr::is_public;
use crate::checked::{Checked, Family, Forward, Host, Network};

/// The rulesets of the hosts that need one. Loading one twice changes nothing, and only the cloud's own table
/// is changed.
///
/// It masquerades a routed network's traffic from private addresses to everywhere except the cloud's own
/// networks on the host. Public addresses are routed unchanged; an open network is its user's business.
pub fn rulesets(checked: &Checked) -> impl Iterator<Item = (&Host, String)> {
    let mut networks: Vec<Vec<&Network>> = vec![Vec::new(); checked.hosts().len()];
    for network in checked.networks().iter().filter(|network| network.forward != Forward::Bridge) {
        for &host in &network.hosts {
            if let Some(here) = networks.get_mut(host.position()) {
                here.push(network);
            }
        }
    }
    checked
        .hosts()
        .iter()
        .zip(networks)
        .filter_map(|(host, here)| Some((host, ruleset(checked, host, &here)?)))
}

/// The ruleset of a host with these networks; `None` if it needs none.
fn ruleset(checked: &Checked, host: &Host, here: &[&Network]) -> Option<String> {
    let rules: String = [ipv4 as Pick, ipv6].into_iter().filter_map(|pick| masquerade(here, pick)).collect();
    if rules.is_empty() {
        return None;
    }
    let table = table_of(checked.owner().as_str());
    Some(format!(
        "# Cloud {cloud}, owner {owner}: masquerading for its routed networks on {name}.\n\
         # Load it with `nft -f FILE`, at every start of the host; loading it again changes nothing.\n\
         # It forwards nothing: what drops forwarded packets (Docker, firewalld, ufw) must be told to let these networks pass.\n\
         table inet {table}\n\
         delete table inet {table}\n\
         table inet {table} {{\n\
         \tchain postrouting {{\n\
         \t\ttype nat hook postrouting priority srcnat; policy accept;\n\
         {rules}\
         \t}}\n\
         }}\n",
        name = host.name,
        cloud = checked.name(),
        owner = checked.owner(),
    ))
}

/// The name of an owner's table. An owner has no underscore, so two owners never share one.
pub(super) fn table_of(owner: &str) -> String {
    format!("fmc_{}", owner.replace('-', "_"))
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
    let is_routed = |network: &&&Network| network.forward == Forward::Routed;
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

/// A set in nft's notation; `None` if it would be empty.
fn set(members: impl Iterator<Item = String>) -> Option<String> {
    let members: Vec<String> = members.collect();
    (!members.is_empty()).then(|| format!("{{ {} }}", members.join(", ")))
}
