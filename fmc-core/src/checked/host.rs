//! A hypervisor of a checked cloud.

use std::net::IpAddr;

use crate::host::{Acceleration, BridgeAddress, CpuModel, LibvirtUri, MachineType, NetworkDaemon, Topology};
use crate::name::{BridgeName, HostName, InterfaceName, PoolName};
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
    /// Its bridges that were there before the cloud, sorted.
    pub bridges: Vec<BridgeName>,
    /// The program that configures its network, if the user set it.
    pub manager: Option<NetworkDaemon>,
    /// Its bridges that fmc makes, by name.
    pub uplinks: Vec<Uplink>,
}

/// A bridge that fmc makes on a host, over an interface of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uplink {
    /// The bridge.
    pub bridge: InterfaceName,
    /// The interface that is its port.
    pub interface: InterfaceName,
    /// How the bridge gets its IPv4 address.
    pub address: BridgeAddress,
    /// The router of the host's default route, beside an address of its own.
    pub gateway: Option<IpAddr>,
    /// The host's resolvers, beside an address of its own, in order.
    pub resolvers: Vec<IpAddr>,
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
    /// The uplink of a bridge that fmc makes.
    pub fn uplink(&self, bridge: &str) -> Option<&Uplink> {
        self.uplinks.iter().find(|uplink| uplink.bridge == *bridge)
    }

    /// A pool of the host by name.
    pub fn pool(&self, name: &PoolName) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == *name)
    }
}
