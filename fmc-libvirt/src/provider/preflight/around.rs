//! The host's own network against that of the cloud: routes into a wanted subnet, and what filters forwarded packets.

use std::collections::BTreeSet;

use fmc_core::checked::{Forward, Network};
use fmc_core::graph::NoteKind;
use ipnet::IpNet;

use crate::link::{Filter, NetworkRecord, Surroundings};

/// The host's routes into the wanted subnets. Those of libvirt's networks are compared by their documents.
pub(super) fn compare_routes(
    networks: &[&Network],
    records: &[NetworkRecord],
    around: &Surroundings,
    tell: &mut impl FnMut(NoteKind, String),
) {
    let bridges: BTreeSet<String> =
        records.iter().filter_map(|record| super::own_bridge(&record.xml)).collect();
    let is_own = |device: &str| {
        device == "lo"
            || bridges.contains(device)
            || networks.iter().any(|network| network.bridge.as_str() == device)
    };
    let is_one = |net: &IpNet| net.prefix_len() == net.max_prefix_len();
    let routes = around.routes.iter().filter(|route| !is_own(&route.device));
    let routes: Vec<_> = routes.filter(|route| route.to.prefix_len() > 0 && !is_one(&route.to)).collect();
    for network in networks {
        for family in [&network.ipv4, &network.ipv6].into_iter().flatten() {
            let Ok(wanted) = family.subnet.to_string().parse::<IpNet>() else { continue };
            let mut told = BTreeSet::new();
            for route in &routes {
                let (to, device) = (route.to.trunc(), &route.device);
                if !told.insert((to, device)) {
                    continue;
                }
                if wanted.trunc() == to {
                    let text = format!(
                        "it is in {to} itself by its interface {device}, which is the subnet of network {}: libvirt would refuse \
                         to start it, and the host would lose that network; give ours another",
                        network.name
                    );
                    tell(NoteKind::Refused, text);
                } else if wanted.contains(&to) || to.contains(&wanted) {
                    let text = format!(
                        "it reaches {to} by its interface {device}, which overlaps {wanted} of network {}: what is in both \
                         is reached through one of them only",
                        network.name
                    );
                    tell(NoteKind::Notice, text);
                }
            }
        }
    }
}

/// The filters that may keep packets from guests whose networks are not masqueraded. Masqueraded ones have rules of libvirt's in
/// the same chains.
pub(super) fn compare_filters(
    networks: &[&Network],
    bridged: &BTreeSet<&str>,
    filters: &BTreeSet<Filter>,
    tell: &mut impl FnMut(NoteKind, String),
) {
    let is_routed = |network: &&&Network| matches!(network.forward, Forward::Routed | Forward::Open);
    let routed: Vec<&str> =
        networks.iter().filter(is_routed).map(|network| network.bridge.as_str()).collect();
    let passes_filters = filters.contains(&Filter::Bridged);
    let bridges = bridged.iter().copied().filter(|_| passes_filters);
    let bridges: Vec<&str> = routed.iter().copied().chain(bridges).collect();
    let Some(first) = bridges.first() else { return };
    for filter in filters {
        let text = match filter {
            Filter::Docker => format!(
                "Docker runs on it: each start of Docker sets the policy of forwarded packets to drop, also for the guests on \
                 {}; let them pass (`iptables -I DOCKER-USER -i {first} -j ACCEPT` and the same with `-o {first}`, at every \
                 start of Docker)",
                bridges.join(", ")
            ),
            Filter::Firewalld => format!(
                "firewalld runs on it: packets between zones are refused, also those of the guests on {}; a policy lets them \
                 pass (`firewall-cmd --permanent --new-policy guests`, `--add-ingress-zone ANY`, `--add-egress-zone ANY`, \
                 `--set-target ACCEPT`, as narrow as you need)",
                bridges.join(", ")
            ),
            Filter::Ufw => format!(
                "ufw is on there: it drops forwarded packets, also those of the guests on {}; let them pass (`ufw route \
                 allow in on {first}` and `ufw route allow out on {first}`)",
                bridges.join(", ")
            ),
            Filter::Bridged if bridged.is_empty() => continue,
            Filter::Bridged => format!(
                "its packets across bridges pass the filters of forwarded packets (br_netfilter), also those of the guests on \
                 {}; `sysctl -w net.bridge.bridge-nf-call-iptables=0` takes bridges out of them",
                bridged.iter().copied().collect::<Vec<_>>().join(", ")
            ),
        };
        tell(NoteKind::Notice, text);
    }
}
