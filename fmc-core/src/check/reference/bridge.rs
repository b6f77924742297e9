//! Bridges: those that a host must have, and those that a network must not take.

use std::collections::BTreeMap;

use super::super::resolve::bridge_of;
use super::super::view::{View, bridges_of, text};
use super::vlan;
use crate::checked::on_host;
use crate::finding::{Finding, NameList, Remedy, problems};
use crate::host::Host;
use crate::sort;

/// Looks at all bridges.
pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    listed(view, findings);
    taken(view, findings);
}

/// Whether the host lists the bridge; `None` if a listed name is wrong, so that it is not known.
fn has(host: &Host, bridge: &str) -> Option<bool> {
    let found = bridges_of(host).any(|known| known == bridge);
    if found || host.bridges.iter().all(|known| known.ok().is_some()) { Some(found) } else { None }
}

fn listed(view: &View<'_>, findings: &mut Vec<Finding>) {
    // Which machines of which host need which bridge.
    let mut needs: BTreeMap<usize, BTreeMap<usize, Vec<&str>>> = BTreeMap::new();
    for placed in &view.machines {
        let Some(host) = placed.host else { continue };
        for at in placed.links.iter().filter_map(|link| link.network) {
            if view.network(at).is_some_and(|net| !net.is_own()) {
                let name = text(&placed.draft.name);
                needs.entry(at).or_default().entry(host).or_default().push(name);
            }
        }
    }
    let all_known = view.hosts.iter().flat_map(|host| &host.bridges).all(|bridge| bridge.ok().is_some());
    for (at, net) in view.networks.iter().enumerate().filter(|(_, net)| !net.is_own()) {
        let Some(bridge) = net.draft.bridge.as_ref().and_then(|bridge| bridge.ok()).map(|b| b.as_str())
        else {
            continue;
        };
        let place = format_args!("networks.{}.bridge", net.draft.name);
        let Some(users) = needs.get(&at) else {
            if !view.hosts.is_empty() && all_known && view.bridged(bridge).is_empty() {
                let known = NameList::new(view.hosts.iter().flat_map(|host| bridges_of(host)));
                let bridge = bridge.to_owned();
                findings.push(BridgeProblem::Nowhere { bridge, known }.at(place));
            }
            continue;
        };
        let mut missing = Vec::new();
        for (&host, machines) in users {
            if let Some(host) = view.hosts.get(host).filter(|host| has(host, bridge) == Some(false)) {
                missing.push((text(&host.name), host, machines));
            }
        }
        sort::by_key(&mut missing, |(name, ..)| *name);
        for (name, host, machines) in missing {
            let problem = BridgeProblem::Unlisted {
                bridge: bridge.to_owned(),
                host: name.to_owned(),
                machines: NameList::new(machines.iter().copied()),
                known: NameList::new(bridges_of(host)),
            };
            findings.push(problem.at(place).also(format_args!("hosts.{name}.bridges")));
        }
    }
}

/// libvirt creates the bridge of its own network, and refuses an existing one.
fn taken(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut bridges: Vec<(usize, String, &str)> = Vec::new();
    for net in view.networks.iter().filter(|net| net.is_own()) {
        let name = text(&net.draft.name);
        let bridge = match &net.draft.bridge {
            Some(bridge) => bridge.ok().cloned(),
            None => bridge_of(&on_host(view.prefix(), name)),
        };
        let (Some(host), Some(bridge)) = (net.host, bridge) else { continue };
        if let Some(host) = view.hosts.get(host)
            && has(host, bridge.as_str()) == Some(true)
        {
            let (host, bridge) = (text(&host.name).to_owned(), bridge.to_string());
            let listed = format!("hosts.{host}.bridges");
            let problem = BridgeProblem::Taken { bridge, host };
            findings.push(problem.at(format_args!("networks.{name}.bridge")).also(listed));
        }
        bridges.push((host, bridge.as_str().to_owned(), name));
    }
    // The bridge of a VLAN is on each host that has its trunk.
    for net in view.networks.iter().filter(|net| !net.is_own() && net.draft.vlan.is_some()) {
        let name = text(&net.draft.name);
        let trunk = net.draft.bridge.as_ref().map_or("", text);
        if let Some(bridge) = vlan::own_bridge(view, name) {
            let on = view.bridged(trunk).iter();
            bridges.extend(on.map(|&host| (host, bridge.as_str().to_owned(), name)));
        }
    }
    sort::all(&mut bridges);
    for same in bridges.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1)) {
        let [first, .., last] = same else { continue };
        // Two networks of one name share the values derived from it; the name is the finding.
        if first.2 != last.2 {
            let networks = NameList::new(same.iter().map(|net| net.2));
            let problem = BridgeProblem::Shared { bridge: last.1.clone(), networks };
            let at = format_args!("networks.{}.bridge", last.2);
            findings.push(problem.at(at).also(format_args!("networks.{}.bridge", first.2)));
        }
    }
}

/// The setting that lists a bridge on a host.
fn listed_as(bridge: &str) -> Remedy {
    Remedy::either(format!("bridges: [{bridge}]"), format!(".bridge({bridge:?})"))
}

/// The setting that gives a network's own bridge a name.
fn bridge_name() -> Remedy {
    Remedy::either("bridge: virbr-kube", ".bridge_name(\"virbr-kube\")")
}

problems! {
    /// Problems with bridges.
    pub enum BridgeProblem {
        Nowhere { bridge: String, known: NameList } is BridgeUnknown:
            "no host has a bridge {bridge}",
            "create it on a host, and list it on that host with {listed}; listed: {known}",
            listed = listed_as(bridge);
        Unlisted { bridge: String, host: String, machines: NameList, known: NameList } is BridgeUnknown
            with (who = machines.first_of("machine"), need = machines.verb("needs", "need")):
            "the host {host} does not list the bridge {bridge}, which {who} {need}",
            "create it on {host}, and list it on that host with {listed}; listed: {known}",
            listed = listed_as(bridge);
        Taken { bridge: String, host: String } is NetworkConflict:
            "the host {host} already has the bridge {bridge}",
            "choose another name, for example {name}, or plug machines into that bridge with {mode}",
            name = bridge_name(),
            mode = Remedy::either(format!("mode: bridge, bridge: {bridge}"), format!("Network::bridge(name, {bridge:?})"));
        Shared { bridge: String, networks: NameList } is NetworkConflict:
            "{networks} have the same bridge {bridge} on one host",
            "give each network a bridge of its own, for example {name}, or leave it out",
            name = bridge_name();
    }
}
