//! Capacity: what the machines of a host take together, against what it has.

use super::budget::{Demand, Memory, Space, over};
use super::resolve::RESERVE;
use super::view::{View, text};
use crate::finding::{Finding, Kind, Severity};
use crate::given::Given;
use crate::host::Host;
use crate::unit::{Cpus, Size};

/// Looks at every host. A machine with a wrong size counts for nothing until the size is right.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut demands = vec![Demand::default(); view.hosts.len()];
    for placed in &view.machines {
        let Some(demand) = placed.host.and_then(|host| demands.get_mut(host)) else { continue };
        let draft = placed.draft;
        let cpus = draft.cpus.as_ref().map_or(Some(Cpus::ONE), |cpus| cpus.ok().copied());
        let memory = draft.memory.as_ref().map_or(Some(Size::gib(1)), |memory| memory.ok().copied());
        demand.machine(draft.power, cpus.map_or(0, Cpus::get), memory.unwrap_or(Size::ZERO));
        if let Some((root, size)) = draft.root_disk.as_ref().and_then(|root| Some((root, *root.size.ok()?))) {
            demand.volume(None, size, root.allocation);
        }
        for disk in &draft.disks {
            if let Some(size) = disk.size.ok() {
                demand.volume(disk.pool.as_ref().map(text), *size, disk.allocation);
            }
        }
    }
    let start = findings.len();
    for (host, demand) in view.hosts.iter().zip(&demands) {
        memory(host, demand, findings);
        processor(host, demand, findings);
        if let Some(owner) = &view.owner {
            let capacity = |pool: &str| {
                let mut pools = host.pools.iter();
                pools.find(|known| text(&known.name) == pool)?.capacity.as_ref()?.ok().copied()
            };
            let own = host.capacity.as_ref().and_then(|capacity| capacity.ok().copied());
            for pool in demand.spaces(owner, own, capacity) {
                findings.extend(space(host, &pool));
            }
        }
    }
    if view.cloud.lab {
        // A lab is squeezed into whatever there is.
        for finding in findings.iter_mut().skip(start) {
            finding.severity = Severity::Warning;
        }
    }
}

fn memory(host: &Host, demand: &Demand<'_>, findings: &mut Vec<Finding>) {
    let Some(total) = host.memory.as_ref().and_then(Given::ok) else { return };
    let reserve = host.reserve.as_ref().map_or(Some(RESERVE), |reserve| reserve.ok().copied());
    let memory = demand.memory(Some(*total), reserve.unwrap_or(Size::ZERO));
    let Some(missing) = memory.missing() else { return };
    let Memory { reserve, machines, overhead, .. } = memory;
    findings.push(Finding::new(
        Kind::MemoryOvercommit,
        format_args!("hosts.{}.memory", host.name),
        format!(
            "{} machines need {machines}, QEMU {overhead} and the host {reserve}: {} of {} MiB",
            demand.machines,
            memory.needed(),
            total.as_mib_floor(),
        ),
        format!("take {} MiB from the machines, or give the host more", mib_up(missing)),
    ));
}

fn mib_up(size: Size) -> u64 {
    size.as_bytes().div_ceil(1 << 20)
}

fn processor(host: &Host, demand: &Demand<'_>, findings: &mut Vec<Finding>) {
    let Some(topology) = host.topology.as_ref().filter(|topology| topology.total() > 0) else { return };
    let (threads, wanted) = (topology.total(), demand.cpus);
    if wanted < threads || wanted == 0 {
        return;
    }
    let what = if wanted == threads { "none is left for the host" } else { "they wait for each other" };
    findings.push(Finding::new(
        Kind::CpuOvercommit,
        format_args!("hosts.{}.topology", host.name),
        format!("{wanted} virtual processors on {threads} threads ({topology}): {what}"),
        format!("give the machines at most {} together", threads - 1),
    ));
}

fn space(host: &Host, space: &Space) -> Option<Finding> {
    let capacity = space.capacity?;
    let at = if space.is_own {
        format!("hosts.{}.capacity", host.name)
    } else {
        format!("hosts.{}.pools.{}.capacity", host.name, space.pool)
    };
    let pool = &space.pool;
    if let Some(missing) = over(space.full, capacity) {
        return Some(Finding::new(
            Kind::PoolOvercommit,
            at,
            format!("fully allocated volumes take {} of {capacity} in the pool {pool}", space.full),
            format!("take {} MiB from them, or make some of them thin", mib_up(missing)),
        ));
    }
    over(space.at_most(), capacity).map(|missing| {
        Finding::new(
            Kind::PoolThin,
            at,
            format!("volumes of the pool {pool} can grow to {}, and it has {capacity}", space.at_most()),
            format!(
                "take {} MiB from them, or watch the pool: a guest stops when it is full",
                mib_up(missing)
            ),
        )
    })
}
