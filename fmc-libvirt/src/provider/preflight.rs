//! What a hypervisor is, against what the model says of it: told before anything is made.

use std::collections::BTreeSet;
use std::sync::Arc;

use fmc_core::checked::{Checked, Forward, Host, Source};
use fmc_core::graph::{Note, NoteKind};
use fmc_core::host::Acceleration;
use ipnet::IpNet;

use super::observe::HostRead;
use super::{Libvirt, run};
use crate::link::{CallError, HostFacts, Link, NetworkRecord};
use crate::mark::Mark;
use crate::xml::tree::{attribute, children};

impl<L: Link> Libvirt<L> {
    /// What the hosts lack, or have otherwise than a cloud says: after [`observe`](fmc_core::graph::Provider::observe),
    /// whose reading it uses, and with one call more a host (two with a host's own bridges in the model).
    ///
    /// What libvirt would refuse is [`NoteKind::Refused`]; what is only another size is [`NoteKind::Left`].
    pub async fn preflight(&self, checked: &Checked) -> Vec<Note> {
        let mut notes = Vec::new();
        for (index, host) in checked.hosts.iter().enumerate() {
            let Some(link) = self.hosts.get(&host.name).map(Arc::clone) else { continue };
            let Some(read) = self.remembered(&host.name) else { continue };
            let bridges = host_bridges(checked, index);
            let asks = !bridges.is_empty();
            let ask = move || -> Result<_, CallError> {
                let interfaces = if asks { link.interfaces()? } else { None };
                Ok((link.facts()?, interfaces))
            };
            let instant = self.hosts.get(&host.name).is_some_and(|link| link.is_instant());
            let about = format!("host/{}", host.name);
            match run::off_thread(instant, ask).await {
                Some(Ok((facts, interfaces))) => {
                    let mut tell = |kind, text| notes.push(Note { about: about.clone(), kind, text });
                    compare_facts(checked, index, host, &facts, &mut tell);
                    compare_bridges(&bridges, interfaces.as_deref(), &mut tell);
                    compare_pools(checked, index, host, &read, &mut tell);
                    compare_networks(checked, index, &read.networks, &mut tell);
                }
                Some(Err(error)) => {
                    let text = error.to_string();
                    notes.push(Note { about, kind: NoteKind::Left, text });
                }
                None => {}
            }
        }
        notes
    }
}

fn compare_facts(
    checked: &Checked,
    index: usize,
    host: &Host,
    facts: &HostFacts,
    tell: &mut impl FnMut(NoteKind, String),
) {
    let domain_type = match host.acceleration {
        Acceleration::Kvm => "kvm",
        Acceleration::Emulated => "qemu",
    };
    let is_used = checked.machines.iter().any(|machine| machine.host == index);
    if is_used
        && !facts.domain_types.is_empty()
        && !facts.domain_types.iter().any(|known| known == domain_type)
    {
        let known = facts.domain_types.join(", ");
        tell(
            NoteKind::Refused,
            format!(
                "it runs no guests of type {domain_type} (it knows {known}): enable virtualisation in its firmware, or say that it is emulated"
            ),
        );
    }
    if let Some(memory) = host.memory
        && facts.memory_kib > 0
        && facts.memory_kib < memory.as_kib() - memory.as_kib() / 16
    {
        let has = fmc_core::unit::Size::bytes(facts.memory_kib << 10);
        tell(NoteKind::Left, format!("it is said to have {memory} of memory, and has {has}"));
    }
    if let Some(topology) = &host.topology {
        let said = topology.total();
        if facts.threads > 0 && u64::from(facts.threads) < said {
            tell(NoteKind::Left, format!("it is said to have {said} threads, and has {}", facts.threads));
        }
    }
}

/// The bridges that a host must have: those of the host-bridge networks that are on it.
fn host_bridges(checked: &Checked, index: usize) -> BTreeSet<String> {
    checked
        .networks
        .iter()
        .filter(|network| network.forward == Forward::Bridge && network.hosts.contains(&index))
        .map(|network| network.bridge.to_string())
        .collect()
}

fn compare_bridges(
    wanted: &BTreeSet<String>,
    interfaces: Option<&[String]>,
    tell: &mut impl FnMut(NoteKind, String),
) {
    let Some(interfaces) = interfaces else { return };
    for bridge in wanted.iter().filter(|bridge| !interfaces.contains(bridge)) {
        tell(
            NoteKind::Refused,
            format!("it has no bridge {bridge}: make it there, or name the one that it has"),
        );
    }
}

fn compare_pools(
    checked: &Checked,
    index: usize,
    host: &Host,
    read: &HostRead,
    tell: &mut impl FnMut(NoteKind, String),
) {
    let machines = || checked.machines.iter().filter(|machine| machine.host == index);
    let disks = machines().flat_map(|machine| &machine.disks).filter_map(|disk| disk.pool.as_ref());
    let images = machines().filter_map(|machine| match &machine.image.source {
        Source::Volume { pool, .. } => Some(pool),
        _ => None,
    });
    let used: BTreeSet<&str> = disks.chain(images).map(fmc_core::name::PoolName::as_str).collect();
    for name in used {
        let Some(record) = read.pools.iter().find(|record| record.name == name) else {
            tell(
                NoteKind::Refused,
                format!("it has no pool {name}: define it there, or name one that it has"),
            );
            continue;
        };
        let path = super::object::pool_identity(&record.xml).1;
        let wanted = host.pools.iter().find(|pool| pool.name.as_str() == name).map(|pool| pool.path.as_str());
        if let (Some(found), Some(wanted)) = (path, wanted)
            && found != wanted.trim_end_matches('/')
        {
            tell(
                NoteKind::Refused,
                format!("its pool {name} is at {found}, not at {wanted}: correct the path"),
            );
        }
    }
}

/// Active networks that are not ours, on our subnets.
fn compare_networks(
    checked: &Checked,
    index: usize,
    records: &[NetworkRecord],
    tell: &mut impl FnMut(NoteKind, String),
) {
    let ours = |record: &NetworkRecord| {
        Mark::read(&record.xml).is_some_and(|mark| mark.owner == checked.owner.as_str())
    };
    let foreign: Vec<(&str, IpNet)> = records
        .iter()
        .filter(|record| record.active && !ours(record))
        .flat_map(|record| subnets(&record.xml).into_iter().map(|subnet| (record.name.as_str(), subnet)))
        .collect();
    for network in checked.networks.iter().filter(|network| network.hosts.contains(&index)) {
        if network.forward == Forward::Bridge {
            continue;
        }
        for family in [&network.ipv4, &network.ipv6].into_iter().flatten() {
            let Ok(wanted) = family.subnet.to_string().parse::<IpNet>() else { continue };
            for (name, found) in &foreign {
                if wanted.trunc() == *found {
                    let text = format!(
                        "its network {name}, not ours, has the subnet {found} of network {}: give ours another, or stop that one",
                        network.name
                    );
                    tell(NoteKind::Refused, text);
                } else if wanted.contains(found) || found.contains(&wanted) {
                    let text = format!(
                        "its network {name}, not ours, has {found}, which overlaps {wanted} of network {}: what is in both is reached through one of them only",
                        network.name
                    );
                    tell(NoteKind::Left, text);
                }
            }
        }
    }
}

fn subnets(xml: &str) -> Vec<IpNet> {
    let Ok(document) = roxmltree::Document::parse(xml) else { return Vec::new() };
    let root = document.root_element();
    if attribute(root, "forward", "mode") == Some("bridge") {
        return Vec::new();
    }
    children(root, "ip")
        .filter_map(|ip| {
            let address: std::net::IpAddr = ip.attribute("address")?.parse().ok()?;
            let net = match (ip.attribute("prefix"), ip.attribute("netmask")) {
                (Some(prefix), _) => IpNet::new(address, prefix.parse().ok()?).ok()?,
                (None, Some(mask)) => IpNet::with_netmask(address, mask.parse().ok()?).ok()?,
                (None, None) => return None,
            };
            Some(net.trunc())
        })
        .collect()
}
