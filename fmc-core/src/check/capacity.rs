//! Capacity: the sum of the machines' resources, compared with the host's.

use super::budget::{Demand, Memory, Space, over};
use super::resolve::RESERVE;
use super::view::{View, text};
use crate::count::counted;
use crate::finding::{Finding, problems};
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
        // A lab runs on whatever the host has.
        for finding in findings.iter_mut().skip(start) {
            finding.only_warn();
        }
    }
}

fn memory(host: &Host, demand: &Demand<'_>, findings: &mut Vec<Finding>) {
    let Some(total) = host.memory.as_ref().and_then(Given::ok) else { return };
    let reserve = host.reserve.as_ref().map_or(Some(RESERVE), |reserve| reserve.ok().copied());
    let memory = demand.memory(Some(*total), reserve.unwrap_or(Size::ZERO));
    let Some(missing) = memory.missing() else { return };
    let Memory { reserve, machines, overhead, .. } = memory;
    let problem = CapacityProblem::Memory {
        count: demand.machines,
        machines,
        overhead,
        reserve,
        needed: memory.needed(),
        total: total.as_mib_floor(),
        missing: mib_up(missing),
    };
    findings.push(problem.at(format_args!("hosts.{}.memory", host.name)));
}

fn mib_up(size: Size) -> u64 {
    size.as_bytes().div_ceil(1 << 20)
}

fn processor(host: &Host, demand: &Demand<'_>, findings: &mut Vec<Finding>) {
    let Some(topology) = host.topology.as_ref().filter(|topology| topology.total() > 0) else { return };
    let (threads, wanted) = (topology.total(), demand.cpus);
    // A host of one thread has none to spare, whatever the machines have.
    if wanted < threads || wanted < 2 {
        return;
    }
    let (topology, most) = (topology.to_string(), threads.saturating_sub(1).max(1));
    let problem = if wanted == threads {
        CapacityProblem::NoneLeft { wanted, threads, topology, most }
    } else {
        CapacityProblem::Processors { wanted, threads, topology, most }
    };
    findings.push(problem.at(format_args!("hosts.{}.topology", host.name)));
}

fn space(host: &Host, space: &Space) -> Option<Finding> {
    let capacity = space.capacity?;
    let at = if space.is_own {
        format!("hosts.{}.capacity", host.name)
    } else {
        format!("hosts.{}.pools.{}.capacity", host.name, space.pool)
    };
    let pool = space.pool.to_string();
    if let Some(missing) = over(space.full, capacity) {
        let missing = mib_up(missing);
        return Some(CapacityProblem::Pool { full: space.full, capacity, pool, missing }.at(at));
    }
    let most = space.at_most();
    over(most, capacity)
        .map(|missing| CapacityProblem::Thin { pool, most, capacity, missing: mib_up(missing) }.at(at))
}

problems! {
    /// Resources that a host has too little of.
    pub enum CapacityProblem {
        Memory { count: usize, machines: Size, overhead: Size, reserve: Size, needed: Size, total: u64, missing: u64 } is MemoryOvercommit
            with (who = counted(count, "machine"), need = if *count == 1 { "needs" } else { "need" }):
            "{who} {need} {machines}, QEMU {overhead} and the host {reserve}: {needed} of {total} MiB",
            "take {missing} MiB from the machines, or give the host more";
        NoneLeft { wanted: u64, threads: u64, topology: String, most: u64 } is CpuOvercommit with (there = counted(threads, "thread")):
            "{wanted} virtual processors on {there} ({topology}): none is left for the host",
            "give the machines at most {most} together";
        Processors { wanted: u64, threads: u64, topology: String, most: u64 } is CpuOvercommit with (there = counted(threads, "thread")):
            "{wanted} virtual processors on {there} ({topology}): they wait for each other",
            "give the machines at most {most} together";
        Pool { full: Size, capacity: Size, pool: String, missing: u64 } is PoolOvercommit:
            "fully allocated volumes take {full} of {capacity} in the pool {pool}",
            "take {missing} MiB from them, or make some of them thin";
        Thin { pool: String, most: Size, capacity: Size, missing: u64 } is PoolThin:
            "volumes of the pool {pool} can grow to {most}, and it has {capacity}",
            "take {missing} MiB from them, or watch the pool: a guest stops when it is full";
    }
}
