//! The hosts of a checked cloud.

use super::{optional, or};
use crate::checked;
use crate::given::Given;
use crate::host::{Host, LibvirtUri, Uplink};
use crate::path::AbsPath;
use crate::sort;
use crate::unit::Size;

/// The memory that machines may not use where the host does not say: the measured use of an idle host.
pub(crate) const RESERVE: Size = Size::gib(1);

pub(super) fn host(draft: &Host) -> Option<checked::Host> {
    let Host {
        name,
        uri,
        topology,
        memory,
        reserve,
        acceleration,
        machine_type,
        cpu,
        base,
        capacity,
        pools,
        bridges,
        manager,
        uplinks,
        console_log,
    } = draft;
    let mut bridges = bridges.iter().map(|bridge| bridge.ok().cloned()).collect::<Option<Vec<_>>>()?;
    sort::all(&mut bridges);
    bridges.dedup();
    let mut uplinks = uplinks.iter().map(uplink).collect::<Option<Vec<_>>>()?;
    sort::by(&mut uplinks, |a, b| a.bridge.cmp(&b.bridge));
    let mut pools = pools
        .iter()
        .map(|pool| {
            Some(checked::Pool {
                name: pool.name.ok()?.clone(),
                path: pool.path.ok()?.clone(),
                capacity: optional(pool.capacity.as_ref())?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    sort::by(&mut pools, |a, b| a.name.cmp(&b.name));
    Some(checked::Host {
        name: name.ok()?.clone(),
        uri: match uri {
            Some(uri) => uri.ok()?.clone(),
            None => Given::<LibvirtUri>::text("qemu:///system").ok()?.clone(),
        },
        topology: topology.clone(),
        memory: optional(memory.as_ref())?,
        reserve: or(reserve.as_ref(), RESERVE)?,
        acceleration: *acceleration,
        machine_type: optional(machine_type.as_ref())?.unwrap_or_default(),
        cpu: cpu.clone(),
        base: match base {
            Some(base) => base.ok()?.clone(),
            None => Given::<AbsPath>::text("/var/lib/libvirt/images").ok()?.clone(),
        },
        capacity: optional(capacity.as_ref())?,
        pools,
        console_log: *console_log,
        bridges,
        manager: *manager,
        uplinks,
    })
}

fn uplink(draft: &Uplink) -> Option<checked::Uplink> {
    let Uplink { bridge, interface, address, gateway, resolvers } = draft;
    Some(checked::Uplink {
        bridge: bridge.ok()?.clone(),
        interface: interface.ok()?.clone(),
        address: *address.ok()?,
        gateway: optional(gateway.as_ref())?.map(|ip| ip.get()),
        resolvers: resolvers.iter().map(|ip| Some(ip.ok()?.get())).collect::<Option<_>>()?,
    })
}
