//! The budget of each host: its machines' share of memory, processor and pools.
//!
//! ```
//! use fmc_core::check::budget::Budget;
//! use fmc_core::cloud::Cloud;
//! use fmc_core::host::Host;
//! use fmc_core::image::Image;
//! use fmc_core::machine::Machine;
//! use fmc_core::unit::SizeExt;
//!
//! let cloud = Cloud::new("first")
//!     .host(Host::local().memory(8.gib()))
//!     .machine(Machine::new("web", Image::blank()).memory(2.gib()).cpus(2));
//! let budgets = Budget::of(&cloud.check()?);
//! let memory = &budgets[0].memory;
//! assert_eq!(memory.used().to_string(), "2106 MiB");
//! assert_eq!(memory.free().unwrap().to_string(), "5062 MiB");
//! # Ok::<(), fmc_core::finding::Report>(())
//! ```

use std::collections::BTreeMap;

use serde::Serialize;

use crate::checked::Checked;
use crate::disk::Allocation;
use crate::host::Topology;
use crate::machine::Power;
use crate::name::{HostName, OwnerId};
use crate::unit::Size;

/// The resources that the machines of a host take, and those that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Budget {
    /// The host.
    pub host: HostName,
    /// How many machines are on it.
    pub machines: usize,
    /// Its memory.
    pub memory: Memory,
    /// Its processor.
    pub cpus: Processor,
    /// The cloud's own pool, then those that machines use, by name.
    pub pools: Vec<Space>,
}

/// The memory of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Memory {
    /// The host's amount, if the user set it.
    pub total: Option<Size>,
    /// The reserve that machines may not use.
    pub reserve: Size,
    /// The memory that the guests see, of machines that may run.
    pub machines: Size,
    /// QEMU's own part, by [`overhead`].
    pub overhead: Size,
}

impl Memory {
    /// The memory of the machines, including QEMU's part.
    pub fn used(&self) -> Size {
        self.machines.saturating_add(self.overhead)
    }

    /// The memory of the machines and the reserve together.
    pub fn needed(&self) -> Size {
        self.used().saturating_add(self.reserve)
    }

    /// The memory left beside the reserve; `None` if the total is not known.
    pub fn free(&self) -> Option<Size> {
        self.total.map(|total| total.saturating_sub(self.needed()))
    }

    /// The missing amount, if any.
    pub fn missing(&self) -> Option<Size> {
        over(self.needed(), self.total?)
    }
}

/// The processor of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Processor {
    /// The processor, if the user set it.
    pub topology: Option<Topology>,
    /// The virtual processors of the machines that may run.
    pub virtual_cpus: u64,
}

impl Processor {
    /// Its hardware threads.
    pub fn threads(&self) -> Option<u64> {
        self.topology.as_ref().map(Topology::total)
    }

    /// Its cores.
    pub fn cores(&self) -> Option<u64> {
        self.topology.as_ref().map(Topology::total_cores)
    }
}

/// The space of a pool. The bytes of base images and boot volumes are not in it: they are known to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Space {
    /// Its name.
    pub pool: String,
    /// Whether it is the cloud's own.
    pub is_own: bool,
    /// The bytes that the cloud may fill, if the user set it.
    pub capacity: Option<Size>,
    /// The volumes that take all their space at once.
    pub full: Size,
    /// The volumes that take space when a guest writes.
    pub thin: Size,
}

impl Space {
    /// The space that it takes once every guest has written everywhere.
    pub fn at_most(&self) -> Size {
        self.full.saturating_add(self.thin)
    }
}

/// QEMU's memory in addition to the guest's: 38 MiB, 8 MiB for each virtual processor, and a 512th of the guest's
/// memory for its page tables.
///
/// The terms are those by which `KubeVirt` sizes the QEMU process (`GetMemoryOverhead`: 30 MiB of QEMU's own and 8 MiB
/// for an I/O thread are the first), without its own helpers.
pub fn overhead(cpus: u16, memory: Size) -> Size {
    let fixed = Size::mib(38).saturating_add(Size::mib(8 * u32::from(cpus)));
    fixed.saturating_add(Size::bytes((memory.as_bytes() / 512).next_multiple_of(1 << 20)))
}

/// How much `needed` is above `there`.
pub(crate) fn over(needed: Size, there: Size) -> Option<Size> {
    Some(needed.saturating_sub(there)).filter(|over| *over != Size::ZERO)
}

impl Budget {
    /// The budget of every host of a cloud, by name.
    pub fn of(cloud: &Checked) -> Vec<Self> {
        let mut demands = vec![Demand::default(); cloud.hosts().len()];
        for machine in cloud.machines() {
            let Some(demand) = demands.get_mut(machine.host.position()) else { continue };
            demand.machine(machine.power, machine.cpus.get(), machine.memory);
            if let Some(root) = machine.root {
                demand.volume(None, root.size, root.allocation);
            }
            for disk in &machine.disks {
                demand.volume(disk.pool.as_ref().map(|pool| pool.as_str()), disk.size, disk.allocation);
            }
        }
        cloud
            .hosts()
            .iter()
            .zip(demands)
            .map(|(host, demand)| {
                let capacity = |pool: &str| {
                    let mut pools = host.pools.iter();
                    pools.find(|known| known.name.as_str() == pool).and_then(|known| known.capacity)
                };
                Self {
                    host: host.name.clone(),
                    machines: demand.machines,
                    memory: demand.memory(host.memory, host.reserve),
                    cpus: Processor { topology: host.topology.clone(), virtual_cpus: demand.cpus },
                    pools: demand.spaces(cloud.owner(), host.capacity, capacity),
                }
            })
            .collect()
    }
}

/// The sum of what the machines of one host need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand<'a> {
    pub(crate) machines: usize,
    pub(crate) cpus: u64,
    memory: u64,
    overhead: u64,
    /// By pool, the cloud's own under no name.
    volumes: BTreeMap<Option<&'a str>, (u64, u64)>,
}

impl<'a> Demand<'a> {
    /// Adds a machine; one that should be off takes neither memory nor processors.
    pub(crate) fn machine(&mut self, power: Power, cpus: u16, memory: Size) {
        self.machines += 1;
        if power != Power::Stopped {
            self.cpus += u64::from(cpus);
            self.memory = self.memory.saturating_add(memory.as_bytes());
            self.overhead = self.overhead.saturating_add(overhead(cpus, memory).as_bytes());
        }
    }

    /// Adds a volume.
    pub(crate) fn volume(&mut self, pool: Option<&'a str>, size: Size, allocation: Allocation) {
        let (full, thin) = self.volumes.entry(pool).or_default();
        let sum = match allocation {
            Allocation::Full => full,
            Allocation::Thin => thin,
        };
        *sum = sum.saturating_add(size.as_bytes());
    }

    /// The memory, compared with the host's.
    pub(crate) fn memory(&self, total: Option<Size>, reserve: Size) -> Memory {
        Memory { total, reserve, machines: Size::bytes(self.memory), overhead: Size::bytes(self.overhead) }
    }

    /// The space in each pool that is used, and in the cloud's own.
    pub(crate) fn spaces(
        &self,
        owner: &OwnerId,
        own_capacity: Option<Size>,
        capacity: impl Fn(&str) -> Option<Size>,
    ) -> Vec<Space> {
        let own = self.volumes.get(&None).copied().unwrap_or_default();
        let named = self.volumes.iter().filter_map(|(pool, sums)| Some(((*pool)?, *sums)));
        let space = |pool: String, is_own, capacity, (full, thin): (u64, u64)| {
            let (full, thin) = (Size::bytes(full), Size::bytes(thin));
            Space { pool, is_own, capacity, full, thin }
        };
        let mut spaces = vec![space(format!("fmc-{owner}"), true, own_capacity, own)];
        spaces.extend(named.map(|(pool, sums)| space(pool.to_owned(), false, capacity(pool), sums)));
        spaces
    }
}
