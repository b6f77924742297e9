//! A lab of several hosts that share a bridge: on one of them.

use std::collections::BTreeSet;

use crate::cloud::Cloud;
use crate::host::Host;
use crate::network::NetworkMode;
use crate::sort;

/// Puts the cloud on its first host by name, if machines of several hosts share a bridge. Pools of the other hosts come
/// along, so that each disk has its own.
pub(super) fn on_one_host(cloud: &mut Cloud) {
    if !shares_a_bridge(cloud) {
        return;
    }
    let mut hosts: Vec<Host> = cloud.hosts.iter().cloned().collect();
    sort::by_key(&mut hosts, |host| host.name.to_string());
    let mut hosts = hosts.into_iter();
    let Some(mut first) = hosts.next() else { return };
    for other in hosts {
        for pool in other.pools.iter() {
            let name = pool.name.to_string();
            if first.pools.iter().all(|known| known.name.to_string() != name) {
                first.pools.push(pool.clone());
            }
        }
    }
    let on = || Some(first.name.clone());
    cloud
        .networks
        .iter_mut()
        .filter(|network| network.host.is_some())
        .for_each(|network| network.host = on());
    cloud
        .machines
        .iter_mut()
        .filter(|machine| machine.host.is_some())
        .for_each(|machine| machine.host = on());
    cloud.hosts = [first].into_iter().collect();
}

fn shares_a_bridge(cloud: &Cloud) -> bool {
    let bridges = cloud.networks.iter().filter(|network| network.mode == NetworkMode::Bridge);
    let mut bridges = bridges.map(|network| network.name.to_string());
    bridges.any(|bridge| {
        let on_it = cloud.machines.iter().filter(|machine| {
            machine.interfaces.iter().any(|interface| interface.network.to_string() == bridge)
        });
        let hosts = on_it.filter_map(|machine| machine.host.as_ref().map(ToString::to_string));
        hosts.collect::<BTreeSet<String>>().len() > 1
    })
}
