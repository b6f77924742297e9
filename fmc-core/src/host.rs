//! Hypervisors: the facts that a compile and a capacity check need.

mod uplink;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::count::counted;
use crate::draft::{Look, Setting, draft};
use crate::finding::{At, Finding, ValueProblem};
use crate::given::{Given, Leaf, LeafError, leaf_traits};
use crate::name::{BridgeName, HostName, PoolName};
use crate::named::Named;
use crate::path::AbsPath;
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::Size;

pub use uplink::{BridgeAddress, NetworkDaemon, Uplink};

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
        let Self { sockets, cores, threads } = self;
        let all = [counted(sockets, "socket"), counted(cores, "core"), counted(threads, "thread")];
        f.write_str(&all.join(" × "))
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
        if let Some(what) = runs_program(text) {
            return Err(LeafError::mending(format!(
                "{what} names a program that libvirt would run here: a cloud may not; give it on the command line, \
                 `--connect HOST=URI`"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The part of a URI that makes libvirt run a program: the transport `ext`, the parameters `command` and `netcat`
/// (libvirt's documentation, *Remote support*), or a host that ssh reads as an option.
fn runs_program(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    if scheme.split('+').skip(1).any(|transport| transport.eq_ignore_ascii_case("ext")) {
        return Some("the transport `ext`".to_owned());
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if unescaped(authority).split('@').any(|part| part.starts_with('-')) {
        return Some(format!("the host `{authority}`"));
    }
    let (_, query) = rest.split_once('?')?;
    let keys = query.split(['&', ';']).map(|pair| unescaped(pair.split('=').next().unwrap_or_default()));
    let named =
        keys.map(|key| key.to_ascii_lowercase()).find(|key| matches!(key.as_str(), "command" | "netcat"));
    named.map(|key| format!("the parameter `{key}`"))
}

/// A text without percent signs before two hexadecimal digits.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits =
            after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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

draft! {
    /// A storage pool that a host has already: a folder that is not the cloud's own.
    pub struct Pool {
        /// Its name.
        #[key]
        pub name: Given<PoolName>,
        /// The folder of its volumes.
        #[needed]
        pub path: Given<AbsPath>,
        /// The bytes that the cloud may put into it; unlimited by default.
        pub capacity: Option<Given<Size>>,
    }

    /// A pool by its name in libvirt and its folder.
    pub fn new(..);
}

draft! {
    /// A hypervisor.
    ///
    /// ```
    /// use fmc_core::host::Host;
    /// use fmc_core::unit::SizeExt;
    ///
    /// let host = Host::new("proliant").uri("qemu:///system").topology(2, 6, 2).memory(35_904.mib()).reserve(2.gib()).bridge("br0");
    /// # let _ = host;
    /// ```
    pub struct Host {
        /// Its name.
        #[key]
        pub name: Given<HostName>,
        /// The URI of its libvirt; needed for `--connect hosts`.
        pub uri: Option<Given<LibvirtUri>>,
        /// Its processor: sockets, cores of each, threads of each core. Without it virtual processors are not budgeted.
        #[by_hand]
        #[rule(processor)]
        pub topology: Option<Topology>,
        /// Its memory. Without it nothing checks that the machines fit.
        pub memory: Option<Given<Size>>,
        /// The part of its memory that machines may not use; 1 GiB by default.
        pub reserve: Option<Given<Size>>,
        /// How it runs guests: `kvm`, or `emulated`.
        #[by_hand]
        pub acceleration: Acceleration,
        /// The machine type of its guests; `q35` by default.
        pub machine_type: Option<Given<MachineType>>,
        /// The processor that its guests see; the host's own by default.
        #[rule(model)]
        pub cpu: CpuModel,
        /// The folder that contains the folder `fmc-OWNER` of the cloud's own pool; `/var/lib/libvirt/images` by
        /// default.
        pub base: Option<Given<AbsPath>>,
        /// The bytes that the cloud's own pool may fill. Without it they are not budgeted.
        pub capacity: Option<Given<Size>>,
        /// Storage pools that it has already, by name: folders that are not the cloud's own.
        #[each(pool, map_pools)]
        pub pools: Named<Pool>,
        /// Bridges that it has already.
        #[each(bridge)]
        pub bridges: Vec<Given<BridgeName>>,
        /// The program that configures its network: `networkd` or `network-manager`. With it, `host NAME install` makes the
        /// bridges of `uplinks`, and those of VLANs.
        pub manager: Option<NetworkDaemon>,
        /// Its bridges that fmc makes, by name, each with the interface that is its port. It has these bridges too.
        #[each(uplink, map_uplinks)]
        pub uplinks: Named<Uplink>,
        /// Whether libvirt's `virtlogd` keeps the output of the machines' serial consoles, as `MACHINE.console` in the
        /// cloud's own pool; it does by default. Switch it off where the host's policy keeps `virtlogd` out of that
        /// folder (`SELinux` off its own folders, or `stdio_handler = "file"` in `qemu.conf`): a machine does not start
        /// there.
        pub console_log: bool = true,
    }

    /// A host by its name in the cloud; its libvirt is `qemu:///system` of this machine until [`uri`](Self::uri) says
    /// otherwise.
    pub fn new(..);
    said Host::said;
}

impl Host {
    /// This machine, as `local`.
    pub fn local() -> Self {
        Self::new(HostName::literal("local"))
    }

    /// Its processor: sockets, cores in each, threads of each core. Without it virtual processors are not budgeted.
    #[must_use]
    pub fn topology(mut self, sockets: u32, cores: u32, threads: u32) -> Self {
        self.topology = Some(Topology { sockets, cores, threads });
        self
    }

    /// Run guests by emulation, on a host without KVM.
    #[must_use]
    pub fn emulated(mut self) -> Self {
        self.acceleration = Acceleration::Emulated;
        self
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let is_local = self.name.ok().is_some_and(|name| *name == "local");
        let arguments = if is_local { Vec::new() } else { vec![self.name.rust(names)?] };
        let mut on = Expr::of(if is_local { "Host::local" } else { "Host::new" }, arguments);
        self.say_settings(&mut on, &[], names)?;
        Ok(on)
    }
}

fn processor(topology: &Option<Topology>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(topology @ Topology { sockets, cores, threads }) = topology else { return };
    if [sockets, cores, threads].contains(&&0) {
        findings.push(ValueProblem::NoThreads { topology: topology.to_string() }.at(at));
    }
}

fn model(cpu: &CpuModel, at: &At<'_>, findings: &mut Vec<Finding>) {
    let CpuModel::Named(model) = cpu else { return };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if model.is_empty() || !model.chars().all(is_plain) {
        findings.push(ValueProblem::CpuModel { model: model.clone() }.at(at));
    }
}

impl Setting for Topology {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    /// It has no constructor: `topology` of a host takes its numbers.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        let Self { sockets, cores, threads } = self;
        Ok(Expr::leaf(format!("{sockets}, {cores}, {threads}")))
    }
}

impl Setting for Acceleration {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(Expr::leaf(format!("Acceleration::{self:?}")))
    }

    fn say(&self, _: &str, host: &mut Expr, _: &Names) -> Result<(), Unsaid> {
        host.call("emulated", "");
        Ok(())
    }
}

impl Setting for CpuModel {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        Ok(match self {
            Self::Named(model) => {
                Expr::leaf(format!("CpuModel::Named({}.to_owned())", model.rust(names)?.line()))
            }
            other => Expr::leaf(format!("CpuModel::{other:?}")),
        })
    }
}
