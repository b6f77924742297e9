//! The networks of a checked cloud, and what they know of their machines.

use std::collections::BTreeMap;

use super::{Order, optional};
use crate::check::view::{Net, View};
use crate::checked::build::Building;
use crate::checked::{self, Addressing, Checked, Forward, Idx, on_host};
use crate::given::Given;
use crate::identity;
use crate::name::BridgeName;
use crate::network::NetworkMode;
use crate::sort;

pub(super) fn network(
    view: &View<'_>,
    net: &Net<'_>,
    hosts: &Order<checked::Host>,
    checked: &Checked,
) -> Option<checked::Network> {
    let draft = net.draft;
    let name = draft.name.ok()?.clone();
    let uuid = identity::uuid(checked.owner().as_str(), "network", name.as_str());
    let mut reservations = draft
        .reservations
        .iter()
        .map(|reservation| {
            Some(checked::Reservation {
                mac: *reservation.mac.ok()?,
                address: reservation.address.ok()?.get(),
                hostname: optional(reservation.hostname.as_ref())?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    sort::by_key(&mut reservations, |reservation| reservation.address);
    Some(checked::Network {
        former_name: optional(draft.formerly.as_ref())?,
        hosts: net.host.and_then(|host| hosts.new_index(host)).into_iter().collect(),
        forward: match draft.mode {
            NetworkMode::Nat => Forward::Nat,
            NetworkMode::Routed => Forward::Routed,
            NetworkMode::Open => Forward::Open,
            NetworkMode::Isolated => Forward::Isolated,
            NetworkMode::Bridge => Forward::Bridge,
        },
        vlan: match (&draft.bridge, &draft.vlan) {
            (Some(trunk), Some(id)) => Some(checked::Vlan { trunk: trunk.ok()?.clone(), id: *id.ok()? }),
            _ => None,
        },
        bridge: match &draft.bridge {
            _ if draft.vlan.is_some() => bridge_of(&on_host(view.prefix(), name.as_str()))?,
            Some(bridge) => bridge.ok()?.clone(),
            None => bridge_of(&on_host(view.prefix(), name.as_str()))?,
        },
        ipv4: net.ipv4.clone(),
        ipv6: net.ipv6.clone(),
        domain: match &draft.domain {
            Some(domain) => Some(domain.ok()?.clone()),
            None => optional(view.cloud.domain.as_ref())?,
        },
        mtu: optional(draft.mtu.as_ref())?,
        reservations,
        names: Vec::new(),
        forwarders: Vec::new(),
        uuid,
        mac: identity::mac(&uuid),
        autostart: draft.autostart,
        name,
    })
}

/// The bridge of a network that does not name one. A name that is too long with the prefix is hashed, since the
/// kernel takes 15 characters (`IFNAMSIZ`).
pub(crate) fn bridge_of(network: &str) -> Option<BridgeName> {
    let plain = format!("br-{network}");
    if let Some(name) = Given::<BridgeName>::text(&plain).ok() {
        return Some(name.clone());
    }
    let hash = identity::uuid("", "bridge", network).simple().to_string();
    Given::text(&format!("br-{}", hash.get(..12)?)).ok().cloned()
}

/// Tells networks of their machines: a bridge gets the hosts that it is on, and other networks get reservations.
pub(super) fn attach(checked: &mut Building) {
    let mut hosts: BTreeMap<Idx<checked::Network>, Vec<Idx<checked::Host>>> = BTreeMap::new();
    let mut reservations: BTreeMap<Idx<checked::Network>, Vec<checked::Reservation>> = BTreeMap::new();
    for machine in checked.machines() {
        for interface in &machine.interfaces {
            hosts.entry(interface.network).or_default().push(machine.host);
            let known =
                [interface.ipv4, interface.ipv6].into_iter().flatten().filter_map(Addressing::address);
            reservations.entry(interface.network).or_default().extend(known.map(|address| {
                checked::Reservation { mac: interface.mac, address, hostname: Some(machine.hostname.clone()) }
            }));
        }
    }
    for (at, network) in checked.networks_mut() {
        if network.forward == Forward::Bridge {
            let mut on = hosts.remove(&at).unwrap_or_default();
            sort::all(&mut on);
            on.dedup();
            network.hosts = on;
        } else if let Some(more) = reservations.remove(&at) {
            network.reservations.extend(more);
            sort::by_key(&mut network.reservations, |reservation| reservation.address);
        }
    }
}
