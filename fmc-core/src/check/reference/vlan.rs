//! VLANs: each once on its trunk, no wider than the trunk, on hosts that have a bridge for it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::resolve::bridge_of;
use super::super::view::{Net, View, text};
use crate::checked::on_host;
use crate::finding::{Finding, NameList, Remedy, problems};
use crate::name::BridgeName;
use crate::sort;
use crate::unit::{Mtu, VlanId};

/// Looks at all VLANs.
pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    modes(view, findings);
    twice(view, findings);
    wide(view, findings);
    made(view, findings);
}

/// A network that is a VLAN.
struct Tagged<'v> {
    at: usize,
    net: &'v Net<'v>,
    name: &'v str,
    trunk: &'v str,
    id: VlanId,
}

fn tagged<'v>(view: &'v View<'_>) -> impl Iterator<Item = Tagged<'v>> {
    let all = view.networks.iter().enumerate().filter(|(_, net)| !net.is_own());
    all.filter_map(|(at, net)| {
        let (trunk, id) = (net.draft.bridge.as_ref()?.ok()?.as_str(), *net.draft.vlan.as_ref()?.ok()?);
        Some(Tagged { at, net, name: text(&net.draft.name), trunk, id })
    })
}

/// The bridge of a VLAN, which only its network is on.
pub(super) fn own_bridge(view: &View<'_>, network: &str) -> Option<BridgeName> {
    bridge_of(&on_host(view.prefix(), network))
}

fn modes(view: &View<'_>, findings: &mut Vec<Finding>) {
    for net in view.networks.iter().filter(|net| net.is_own() && net.draft.vlan.is_some()) {
        let network = net.draft.name.to_string();
        findings.push(VlanProblem::Mode { network }.at(format_args!("networks.{}.vlan", net.draft.name)));
    }
}

fn twice(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut all: Vec<(&str, VlanId, &str)> = tagged(view).map(|one| (one.trunk, one.id, one.name)).collect();
    sort::all(&mut all);
    for same in all.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let [first, .., last] = same else { continue };
        // Two networks of one name share what follows from it; the name is the finding.
        if first.2 != last.2 {
            let networks = NameList::new(same.iter().map(|one| one.2));
            let problem = VlanProblem::Twice { id: last.1, trunk: last.0.to_owned(), networks };
            let at = format_args!("networks.{}.vlan", last.2);
            findings.push(problem.at(at).also(format_args!("networks.{}.vlan", first.2)));
        }
    }
}

/// Finds VLANs with a larger MTU than their trunk has. The trunk carries each of their frames.
fn wide(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut trunks: BTreeMap<&str, (&str, Mtu)> = BTreeMap::new();
    for net in view.networks.iter().filter(|net| !net.is_own() && net.draft.vlan.is_none()) {
        let bridge = net.draft.bridge.as_ref().and_then(|bridge| bridge.ok());
        if let Some((bridge, mtu)) = bridge.zip(net.draft.mtu.as_ref().and_then(|mtu| mtu.ok())) {
            trunks.insert(bridge.as_str(), (text(&net.draft.name), *mtu));
        }
    }
    for one in tagged(view) {
        let Some(mtu) = one.net.draft.mtu.as_ref().and_then(|mtu| mtu.ok()) else { continue };
        let said = trunks.get(one.trunk);
        let most = said.map_or(Mtu::ETHERNET, |(_, most)| *most);
        if *mtu <= most {
            continue;
        }
        let problem = VlanProblem::Wide { mtu: *mtu, trunk: one.trunk.to_owned(), most };
        let finding = problem.at(format_args!("networks.{}.mtu", one.name));
        findings.push(match said {
            Some((network, _)) => finding.also(format_args!("networks.{network}.mtu")),
            None => finding,
        });
    }
}

/// Each host of a VLAN's machines either lets fmc make its bridge, or lists it.
fn made(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut needs: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for placed in &view.machines {
        let Some(host) = placed.host else { continue };
        for at in placed.links.iter().filter_map(|link| link.network) {
            if view.network(at).is_some_and(|net| net.draft.vlan.is_some()) {
                needs.entry(at).or_default().insert(host);
            }
        }
    }
    for one in tagged(view) {
        let Some(bridge) = own_bridge(view, one.name) else { continue };
        let hosts = needs.get(&one.at).into_iter().flatten().filter_map(|&host| view.hosts.get(host));
        let mut without: Vec<&str> = Vec::new();
        for host in hosts {
            let is_made =
                host.manager.is_some() && host.uplinks.iter().any(|uplink| text(&uplink.bridge) == one.trunk);
            let is_listed = host.bridges.iter().any(|known| text(known) == bridge.as_str());
            // A trunk that the host does not have is the finding.
            let has_trunk = host.bridges.iter().any(|known| text(known) == one.trunk) || is_made;
            if has_trunk && !is_made && !is_listed {
                without.push(text(&host.name));
            }
        }
        sort::all(&mut without);
        for host in without {
            let problem = VlanProblem::Unmade {
                bridge: bridge.to_string(),
                id: one.id,
                trunk: one.trunk.to_owned(),
                host: host.to_owned(),
            };
            let at = format_args!("networks.{}.vlan", one.name);
            findings.push(problem.at(at).also(format_args!("hosts.{host}.uplinks")));
        }
    }
}

problems! {
    /// Problems with VLANs.
    pub enum VlanProblem {
        Mode { network: String } is NetworkConflict:
            "{network} is a network of libvirt's own, and `vlan` is of a host's bridge",
            "leave `vlan` out, or make it a VLAN of a bridge with {right}",
            right = Remedy::either("mode: bridge, bridge: br0, vlan: 30", "Network::vlan(name, \"br0\", 30)");
        Twice { id: VlanId, trunk: String, networks: NameList } is NetworkConflict:
            "{networks} are the same VLAN {id} of {trunk}",
            "give each network a VLAN of its own, or plug the machines into one network";
        Wide { mtu: Mtu, trunk: String, most: Mtu } is NetworkConflict:
            "an MTU of {mtu} is larger than that of {trunk}, {most}, which carries the VLAN",
            "write at most {right}, or give a network on {trunk} itself a larger `mtu`",
            right = Remedy::set("mtu", most);
        Unmade { bridge: String, id: VlanId, trunk: String, host: String } is BridgeUnknown:
            "the host {host} has no bridge {bridge} for VLAN {id} of {trunk}",
            "let fmc make it: say what configures the network of {host} and which interface connects {trunk}, with {uplink}; \
             or make it by hand, and list it with {listed}",
            uplink = Remedy::either(
                format!("manager: networkd, uplinks: {{{trunk}: {{interface: eno1, address: dhcp}}}}"),
                format!(".manager(NetworkDaemon::Networkd).uplink(Uplink::new({trunk:?}, \"eno1\", \"dhcp\"))"),
            ),
            listed = Remedy::either(format!("bridges: [{bridge}]"), format!(".bridge({bridge:?})"));
    }
}
