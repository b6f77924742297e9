//! Bridges: those that a host must have, and those that a network must not take.

use std::collections::BTreeMap;

use super::super::resolve::bridge_of;
use super::super::view::{View, text};
use super::{first_of, list};
use crate::checked::on_host;
use crate::finding::{Finding, Kind};
use crate::host::Host;

/// Looks at all bridges.
pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    listed(view, findings);
    taken(view, findings);
}

/// Whether the host lists the bridge; `None` where it cannot be said, since a listed one is wrong.
fn has(host: &Host, bridge: &str) -> Option<bool> {
    let found = host.bridges.iter().any(|known| text(known) == bridge);
    if found || host.bridges.iter().all(|known| known.ok().is_some()) { Some(found) } else { None }
}

fn listed(view: &View<'_>, findings: &mut Vec<Finding>) {
    // Which host needs which bridge, with the first machine by name and how many.
    let mut needs: BTreeMap<usize, BTreeMap<usize, (&str, usize)>> = BTreeMap::new();
    for placed in &view.machines {
        let Some(host) = placed.host else { continue };
        for at in placed.links.iter().filter_map(|link| link.network) {
            if view.network(at).is_some_and(|net| !net.is_own()) {
                let name = text(&placed.draft.name);
                let (first, count) = needs.entry(at).or_default().entry(host).or_insert((name, 0));
                *first = name.min(*first);
                *count += 1;
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
                let all = list(view.hosts.iter().flat_map(|host| &host.bridges).map(text));
                findings.push(Finding::new(
                    Kind::BridgeUnknown,
                    place,
                    format!("no host has a bridge {bridge}"),
                    format!(
                        "make it on a host and list it there with `.bridge(\"{bridge}\")`; listed are: {all}"
                    ),
                ));
            }
            continue;
        };
        let mut missing = Vec::new();
        for (&host, &(first, count)) in users {
            if let Some(host) = view.hosts.get(host).filter(|host| has(host, bridge) == Some(false)) {
                missing.push((text(&host.name), host, first, count));
            }
        }
        missing.sort_by_key(|(name, ..)| *name);
        for (name, host, first, count) in missing {
            findings.push(
                Finding::new(
                    Kind::BridgeUnknown,
                    place,
                    format!(
                        "the host {name} has no bridge {bridge}, which {} {}",
                        first_of(first, count, "machine"),
                        if count > 1 { "need" } else { "needs" }
                    ),
                    format!(
                        "make it on {name} and list it there with `.bridge(\"{bridge}\")`; listed are: {}",
                        list(host.bridges.iter().map(text))
                    ),
                )
                .also(format_args!("hosts.{name}.bridges")),
            );
        }
    }
}

/// libvirt makes the bridge of an own network, and refuses one that is there.
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
            findings.push(
                Finding::new(
                    Kind::NetworkConflict,
                    format_args!("networks.{name}.bridge"),
                    format!("the host {} has the bridge {bridge} already", host.name),
                    "say another name with `.bridge_name(…)`, or use the bridge with `Network::bridge`",
                )
                .also(format_args!("hosts.{}.bridges", host.name)),
            );
        }
        bridges.push((host, bridge.as_str().to_owned(), name));
    }
    bridges.sort_unstable();
    for same in bridges.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1)) {
        let [first, .., last] = same else { continue };
        // Two networks of one name share what follows from it, and are a finding by that.
        if first.2 != last.2 {
            findings.push(
                Finding::new(
                    Kind::NetworkConflict,
                    format_args!("networks.{}.bridge", last.2),
                    format!("{} have the bridge {} on one host", list(same.iter().map(|net| net.2)), last.1),
                    "give each network a bridge of its own with `.bridge_name(…)`, or leave it out",
                )
                .also(format_args!("networks.{}.bridge", first.2)),
            );
        }
    }
}
