//! The hosts of a checked cloud.

use super::{optional, or};
use crate::checked;
use crate::given::Given;
use crate::host::{Host, LibvirtUri};
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
        bridges: _,
        console_log,
    } = draft;
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
    })
}
