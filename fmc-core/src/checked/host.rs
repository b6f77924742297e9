//! A hypervisor of a checked cloud.

use crate::host::{Acceleration, CpuModel, LibvirtUri, MachineType, Topology};
use crate::name::{HostName, PoolName};
use crate::path::AbsPath;
use crate::unit::Size;

/// A hypervisor.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Host {
    /// Its name in the cloud.
    pub name: HostName,
    /// Where its libvirt answers.
    pub uri: LibvirtUri,
    /// Its processor, if the user set it.
    pub topology: Option<Topology>,
    /// Its memory, if the user set it.
    pub memory: Option<Size>,
    /// The part of its memory that machines may not use.
    pub reserve: Size,
    /// Hardware virtualisation or emulation.
    pub acceleration: Acceleration,
    /// The machine type of its domains.
    pub machine_type: MachineType,
    /// The processor that guests see.
    pub cpu: CpuModel,
    /// The folder that contains the folder of the cloud's own pool.
    pub base: AbsPath,
    /// The bytes that the cloud's own pool may fill, if the user set it.
    pub capacity: Option<Size>,
    /// Its other pools, by name.
    pub pools: Vec<Pool>,
    /// Whether the output of the machines' serial consoles is kept in the cloud's own pool.
    pub console_log: bool,
}

/// A directory pool of a host that is not the cloud's own.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pool {
    /// Its name in libvirt.
    pub name: PoolName,
    /// Its folder.
    pub path: AbsPath,
    /// The bytes that the cloud may fill, if the user set it.
    pub capacity: Option<Size>,
}

impl Host {
    /// A pool of the host by name.
    pub fn pool(&self, name: &PoolName) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == *name)
    }
}
