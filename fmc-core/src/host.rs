//! Hypervisors: what a pure compile and a capacity check need to know of one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::{is_default, is_yes, yes};
use crate::given::{Given, Leaf, LeafError, leaf_traits};
use crate::name::{BridgeName, HostName, PoolName};
use crate::named::{Keyed, Named, unnamed};
use crate::path::AbsPath;
use crate::unit::Size;

/// How a host runs guests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Acceleration {
    /// By the processor: `<domain type='kvm'>`.
    #[default]
    Kvm,
    /// By QEMU's own emulation: `<domain type='qemu'>`, slow and possible everywhere.
    Emulated,
}

/// The processor that guests see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum CpuModel {
    /// The host's own, feature by feature; under emulation, QEMU's default.
    #[default]
    HostPassthrough,
    /// The named model of libvirt's that is nearest to the host's.
    HostModel,
    /// A model by libvirt's name, as `Westmere`.
    Named(String),
}

/// The processor of a host: sockets × cores × threads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// Processor packages.
    pub sockets: u32,
    /// Cores in each.
    pub cores: u32,
    /// Hardware threads of each core.
    pub threads: u32,
}

impl Topology {
    /// All cores.
    pub fn total_cores(&self) -> u64 {
        u64::from(self.sockets) * u64::from(self.cores)
    }

    /// All hardware threads.
    pub fn total(&self) -> u64 {
        self.total_cores().saturating_mul(u64::from(self.threads))
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sockets × {} cores × {} threads", self.sockets, self.cores, self.threads)
    }
}

/// A libvirt connection URI, as `qemu:///system` (libvirt's documentation, *Connection URIs*).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LibvirtUri(String);

impl LibvirtUri {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it leads to the libvirt of the computer that asks: it names no host.
    pub(crate) fn is_local(&self) -> bool {
        self.0.split_once("://").is_some_and(|(_, rest)| rest.starts_with('/'))
    }
}

impl fmt::Display for LibvirtUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Leaf for LibvirtUri {
    const WHAT: &'static str = "libvirt URI";
    const EXAMPLE: &'static str = "qemu+ssh://hv1/system";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let refused = |why: &str| {
            LeafError::mending(format!("{why}: write a URI as qemu:///system or qemu+ssh://hv1/system"))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refused("it has no `://`"))?;
        let driver = scheme.split('+').next().unwrap_or_default();
        if !matches!(driver, "qemu" | "test") {
            return Err(refused(&format!(
                "the driver `{driver}` is not one that fmc speaks to (qemu, test)"
            )));
        }
        if !rest.contains('/') {
            return Err(refused("it has no path after the host"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refused("it has white space in it"));
        }
        Ok(Self(text.to_owned()))
    }
}

leaf_traits!(LibvirtUri);

/// A machine type of QEMU's, as `q35` or `pc-q35-7.2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineType(String);

impl MachineType {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of the `q35` family, which has PCI Express and SATA and no IDE.
    pub fn is_q35(&self) -> bool {
        self.0.contains("q35")
    }
}

impl Default for MachineType {
    fn default() -> Self {
        Self("q35".to_owned())
    }
}

impl fmt::Display for MachineType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Leaf for MachineType {
    const WHAT: &'static str = "machine type";
    const EXAMPLE: &'static str = "q35";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let known = ["q35", "pc", "virt"];
        let of_a_version = text.starts_with("pc-") || text.starts_with("virt-");
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if plain && (known.contains(&text) || of_a_version) {
            return Ok(Self(text.to_owned()));
        }
        Err(LeafError::mending(
            "write q35, pc, virt, or one with its version as pc-q35-7.2 (`qemu-system-x86_64 -machine help` lists them)",
        ))
    }
}

leaf_traits!(MachineType);

/// A storage pool that a host has already: a folder that is not the cloud's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pool {
    /// Its name.
    #[serde(skip, default = "unnamed")]
    pub name: Given<PoolName>,
    /// The folder of its volumes.
    pub path: Given<AbsPath>,
    /// How much may be put into it; unlimited if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Given<Size>>,
}

impl Pool {
    /// A pool by its name in libvirt and its folder.
    pub fn new(name: impl Into<Given<PoolName>>, path: impl Into<Given<AbsPath>>) -> Self {
        Self { name: name.into(), path: path.into(), capacity: None }
    }

    /// The bytes that the cloud may fill; unlimited if not said.
    #[must_use]
    pub fn capacity(mut self, size: impl Into<Given<Size>>) -> Self {
        self.capacity = Some(size.into());
        self
    }
}

impl Keyed for Pool {
    type Name = PoolName;

    fn name(&self) -> &Given<PoolName> {
        &self.name
    }

    fn with_name(self, name: Given<PoolName>) -> Self {
        Self { name, ..self }
    }
}

/// A hypervisor.
///
/// ```
/// use fmc_core::host::Host;
/// use fmc_core::unit::SizeExt;
///
/// let host = Host::new("proliant").uri("qemu:///system").topology(2, 6, 2).memory(35_904.mib()).reserve(2.gib()).bridge("br0");
/// # let _ = host;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Host {
    /// Its name.
    #[serde(skip, default = "unnamed")]
    pub name: Given<HostName>,
    /// Its libvirt; needed for `--connect hosts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<Given<LibvirtUri>>,
    /// Its processor: sockets, cores of each, threads of each core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<Topology>,
    /// Its memory; without it, nobody checks that the machines fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Given<Size>>,
    /// Memory that the host itself needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Given<Size>>,
    /// How it runs guests: `kvm`, or `emulated`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acceleration: Acceleration,
    /// The machine type of its guests; `q35` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_type: Option<Given<MachineType>>,
    /// The processor that its guests see.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cpu: CpuModel,
    /// The folder in which the cloud's own pool is; `/var/lib/libvirt/images` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Given<AbsPath>>,
    /// How much may be put into the cloud's own pool; unlimited if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Given<Size>>,
    /// Storage pools that it has already, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub pools: Named<Pool>,
    /// Bridges that it has already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bridges: Vec<Given<BridgeName>>,
    /// Whether the machines' serial consoles are kept in files; they are if not said.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub console_log: bool,
}

impl Host {
    /// A host by its name in the cloud; its libvirt is `qemu:///system` of this machine until [`uri`](Self::uri) says
    /// otherwise.
    pub fn new(name: impl Into<Given<HostName>>) -> Self {
        Self {
            name: name.into(),
            uri: None,
            topology: None,
            memory: None,
            reserve: None,
            acceleration: Acceleration::default(),
            machine_type: None,
            cpu: CpuModel::default(),
            base: None,
            capacity: None,
            pools: Named::default(),
            bridges: Vec::new(),
            console_log: true,
        }
    }

    /// This machine, as `local`.
    pub fn local() -> Self {
        Self::new(HostName::literal("local"))
    }

    /// Where its libvirt answers.
    #[must_use]
    pub fn uri(mut self, uri: impl Into<Given<LibvirtUri>>) -> Self {
        self.uri = Some(uri.into());
        self
    }

    /// Its processor: sockets, cores in each, threads of each core. Without it virtual processors are not budgeted.
    #[must_use]
    pub fn topology(mut self, sockets: u32, cores: u32, threads: u32) -> Self {
        self.topology = Some(Topology { sockets, cores, threads });
        self
    }

    /// Its memory. Without it memory is not budgeted.
    #[must_use]
    pub fn memory(mut self, size: impl Into<Given<Size>>) -> Self {
        self.memory = Some(size.into());
        self
    }

    /// The part of its memory that machines may not use; 1 GiB if not said.
    #[must_use]
    pub fn reserve(mut self, size: impl Into<Given<Size>>) -> Self {
        self.reserve = Some(size.into());
        self
    }

    /// Run guests by emulation, on a host without KVM.
    #[must_use]
    pub fn emulated(mut self) -> Self {
        self.acceleration = Acceleration::Emulated;
        self
    }

    /// The machine type of its domains; `q35` if not said.
    #[must_use]
    pub fn machine_type(mut self, machine_type: impl Into<Given<MachineType>>) -> Self {
        self.machine_type = Some(machine_type.into());
        self
    }

    /// The processor that guests see; the host's own if not said.
    #[must_use]
    pub fn cpu(mut self, cpu: CpuModel) -> Self {
        self.cpu = cpu;
        self
    }

    /// The folder in which the cloud's own pool has its folder `fmc-OWNER`; `/var/lib/libvirt/images` if not said.
    #[must_use]
    pub fn base(mut self, path: impl Into<Given<AbsPath>>) -> Self {
        self.base = Some(path.into());
        self
    }

    /// The bytes that the cloud's own pool may fill. Without it they are not budgeted.
    #[must_use]
    pub fn capacity(mut self, size: impl Into<Given<Size>>) -> Self {
        self.capacity = Some(size.into());
        self
    }

    /// A storage pool that it has already.
    #[must_use]
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pools.push(pool);
        self
    }

    /// The same host with each of its pools changed.
    #[must_use]
    pub fn map_pools(mut self, change: impl FnMut(Pool) -> Pool) -> Self {
        self.pools = self.pools.map(change);
        self
    }

    /// A bridge that it has already.
    #[must_use]
    pub fn bridge(mut self, bridge: impl Into<Given<BridgeName>>) -> Self {
        self.bridges.push(bridge.into());
        self
    }

    /// Whether libvirt's `virtlogd` keeps what machines write to their serial consoles, as `MACHINE.console` in the
    /// cloud's own pool; it does if not said. Switch it off where the host's policy keeps `virtlogd` out of that folder
    /// (`SELinux` off its own folders, or `stdio_handler = "file"` in `qemu.conf`): a machine does not start there.
    #[must_use]
    pub fn console_log(mut self, on: bool) -> Self {
        self.console_log = on;
        self
    }
}

impl Keyed for Host {
    type Name = HostName;

    fn name(&self) -> &Given<HostName> {
        &self.name
    }

    fn with_name(self, name: Given<HostName>) -> Self {
        Self { name, ..self }
    }
}
