//! The checked cloud: bare leaves, resolved references, derived identities. Only it compiles.
//!
//! [`Cloud::check`](crate::cloud::Cloud::check) makes it; nothing in it can be wrong in a way that a rule knows, so
//! that what reads it cannot fail. Hosts, networks and machines are sorted by name, whatever order they were declared
//! in, and refer to each other by index.

pub(crate) mod build;
mod flow;
mod query;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use crate::addr::{IpRange, Mac, Subnet};
use crate::digest::Digest;
use crate::disk::{Allocation, Filesystem};
use crate::finding::Finding;
use crate::guest::Parts;
use crate::host::{Acceleration, CpuModel, LibvirtUri, MachineType, Topology};
use crate::image::{Arch, Format, Os};
use crate::k3s;
use crate::machine::{Power, Shutdown};
use crate::name::{
    BridgeName, CloudName, DiskName, DiskSerial, DomainName, Fqdn, HostName, Hostname, MachineName,
    NetworkName, OwnerId, PoolName, VolumeName,
};
use crate::path::{AbsPath, HttpUrl};
use crate::ready::Port;
use crate::role::Membership;
use crate::tz::TimeZone;
use crate::unit::{Cpus, Mtu, Seconds, Size};

pub use flow::{By, CheckedFlow, CheckedGroup, CheckedPeer};
pub use query::{Origin, Query};
pub use source::Sources;
pub(crate) use source::subnets_of;

/// A cloud that passed every check. The check alone makes one, and nothing changes it: what reads it can rely on every rule.
#[derive(Debug, PartialEq)]
pub struct Checked {
    name: CloudName,
    owner: OwnerId,
    is_prefixed: bool,
    is_lab: bool,
    hosts: Vec<Host>,
    networks: Vec<Network>,
    machines: Vec<Machine>,
    clusters: Vec<k3s::resolved::Cluster>,
    roles: BTreeMap<CheckedGroup, Members>,
    flows: Vec<CheckedFlow>,
    findings: Vec<Finding>,
}

/// The machines of a role.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Members {
    /// Them, by index, in the order of their names.
    pub machines: Vec<usize>,
    /// The subnets that they have addresses in.
    pub subnets: BTreeSet<Subnet>,
}

/// A hypervisor.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Host {
    /// Its name in the cloud.
    pub name: HostName,
    /// Where its libvirt answers.
    pub uri: LibvirtUri,
    /// Its processor, where the user said it.
    pub topology: Option<Topology>,
    /// Its memory, where the user said it.
    pub memory: Option<Size>,
    /// The part of its memory that machines may not use.
    pub reserve: Size,
    /// Hardware virtualisation or emulation.
    pub acceleration: Acceleration,
    /// The machine type of its domains.
    pub machine_type: MachineType,
    /// The processor that guests see.
    pub cpu: CpuModel,
    /// The folder in which the cloud's own pool has its folder.
    pub base: AbsPath,
    /// The bytes that the cloud's own pool may fill, where the user said it.
    pub capacity: Option<Size>,
    /// Its other pools, by name.
    pub pools: Vec<Pool>,
    /// Whether what machines write to their serial consoles is kept in the cloud's own pool.
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
    /// The bytes that the cloud may fill, where the user said it.
    pub capacity: Option<Size>,
}

/// How a network forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forward {
    /// Masqueraded by libvirt; nothing new comes in.
    Nat,
    /// Routed, with libvirt's own rules: in and out by the subnet's addresses.
    Routed,
    /// Routed, without any rule of libvirt's.
    Open,
    /// Not forwarded.
    Isolated,
    /// A bridge that the host has already.
    Bridge,
}

/// A network.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Network {
    /// Its name.
    pub name: NetworkName,
    /// The hosts that it is on: one, or for a host bridge all whose machines use it.
    pub hosts: Vec<usize>,
    /// How it forwards.
    pub forward: Forward,
    /// The bridge on the host: derived from the name, or the host's own.
    pub bridge: BridgeName,
    /// IPv4, if it has it.
    pub ipv4: Option<Family>,
    /// IPv6, if it has it.
    pub ipv6: Option<Family>,
    /// The DNS domain of its machines.
    pub domain: Option<DomainName>,
    /// Its MTU, if it is not the default of 1,500 bytes.
    pub mtu: Option<Mtu>,
    /// DHCP reservations, by address: those of machines' interfaces and the user's own.
    pub reservations: Vec<Reservation>,
    /// Names that it answers for the roles of machines that ask it, by address; see
    /// [`CustomRole::names`](crate::role::CustomRole::names).
    pub names: Vec<PublishedName>,
    /// Its UUID, derived from owner and name.
    pub uuid: Uuid,
    /// The MAC of the bridge, derived from the UUID; a host's own bridge has its own.
    pub mac: Mac,
    /// Whether it starts with the host.
    pub autostart: bool,
}

/// One address family of a network.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Family {
    /// Its subnet.
    pub subnet: Subnet,
    /// The router's address in it: the bridge's own, or on a host bridge somebody else's. `None` on a host bridge
    /// without one.
    pub gateway: Option<IpAddr>,
    /// The dynamic range of DHCP.
    pub dhcp: Option<IpRange>,
}

/// A DHCP reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reservation {
    /// Whose it is.
    pub mac: Mac,
    /// What it gets.
    pub address: IpAddr,
    /// The name that it gets.
    pub hostname: Option<Hostname>,
}

/// The names of an address in DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedName {
    /// The address.
    pub address: IpAddr,
    /// Its names, one at least; it is looked up as the first, which is that of the machine that has it.
    pub names: Vec<Fqdn>,
}

/// An image.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Image {
    /// The operating system.
    pub os: Os,
    /// Its version.
    pub version: Arc<str>,
    /// The architecture.
    pub arch: Arch,
    /// Where its bytes are.
    pub source: Source,
    /// What it hashes to, where that is known.
    pub digest: Option<Digest>,
    /// What it hashes to once it is unpacked, where that is said.
    pub unpacked_digest: Option<Digest>,
    /// The format of its bytes.
    pub format: Format,
    /// The smallest root disk that it fits on.
    pub minimum: Option<Size>,
    /// A kernel that QEMU boots itself.
    pub kernel: Option<DirectKernel>,
}

/// Where an image's bytes are.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A file on the hypervisor.
    Path(AbsPath),
    /// A file beside the program that applies; its digest is [`Image::digest`].
    File(AbsPath),
    /// A download; its digest is [`Image::digest`].
    Url(HttpUrl),
    /// A volume on the hypervisor, with its path there.
    Volume {
        /// Its pool.
        pool: PoolName,
        /// Its name.
        name: VolumeName,
        /// Where it is on the hypervisor.
        path: AbsPath,
    },
    /// An empty disk.
    Blank,
}

/// A kernel that QEMU boots itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DirectKernel {
    /// The kernel, on the hypervisor.
    pub kernel: AbsPath,
    /// The initial RAM disk, on the hypervisor.
    pub initrd: Option<AbsPath>,
    /// The command line.
    pub command_line: Arc<str>,
}

/// A machine.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Machine {
    /// Its name, and its domain's.
    pub name: MachineName,
    /// The host that it is on, by index.
    pub host: usize,
    /// What its root is made from.
    pub image: Arc<Image>,
    /// Virtual processors.
    pub cpus: Cpus,
    /// Memory.
    pub memory: Size,
    /// The root disk; `None` for a machine without one.
    pub root: Option<Root>,
    /// Data disks, by name.
    pub disks: Vec<Disk>,
    /// Interfaces, in the user's order.
    pub interfaces: Vec<Interface>,
    /// The name it calls itself.
    pub hostname: Hostname,
    /// Its name in DNS, if it has a domain.
    pub fqdn: Option<Fqdn>,
    /// Its time zone.
    pub time_zone: Option<TimeZone>,
    /// Whom it asks for names, in order.
    pub resolvers: Vec<IpAddr>,
    /// Whether it should run.
    pub power: Power,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// What says that it is up; nobody waits for it if `None`.
    pub ready: Option<Ready>,
    /// Labels of the Kubernetes node that it is, each once.
    pub labels: Vec<k3s::Label>,
    /// Taints of the Kubernetes node that it is, each once.
    pub taints: Vec<k3s::Taint>,
    /// Whether a firewall inside it lets in its flows and nothing else.
    pub firewall: bool,
    /// What it is a member of by its roles: those of an instance, and those that want something done before it leaves.
    pub memberships: Vec<Membership>,
    /// The machines that start before it, by index, sorted: see [`CustomRole::after`](crate::role::CustomRole::after).
    pub after: Vec<usize>,
    /// What the user and the machine's roles want inside it, shared with machines that have the same.
    pub guest: Arc<Parts>,
    /// Its UUID, derived from owner and name.
    pub uuid: Uuid,
}

impl Machine {
    /// The address by which others in the cloud know it: that of the first interface that has one known beforehand.
    pub fn address(&self) -> Option<IpAddr> {
        self.interfaces.iter().find_map(Interface::address)
    }

    /// Its addresses that are known beforehand.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let families = self.interfaces.iter().flat_map(|interface| [interface.ipv4, interface.ipv6]);
        families.flatten().filter_map(Addressing::address)
    }

    /// Its address on a network that another machine is on too, or else the one by which it is known.
    pub fn address_towards(&self, other: &Self) -> Option<IpAddr> {
        let near = self
            .interfaces
            .iter()
            .filter(|interface| other.interfaces.iter().any(|theirs| theirs.network == interface.network));
        near.filter_map(Interface::address).next().or_else(|| self.address())
    }

    /// Whether something configures it on its first boot.
    pub fn is_provisioned(&self) -> bool {
        self.image.os.provisioner().is_some()
    }
}

/// What says that a machine is up, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ready {
    /// The signal.
    pub signal: Signal,
    /// How long it may take from the machine's start.
    pub within: Seconds,
}

/// What says that a machine is up: see [`ready::Signal`](crate::ready::Signal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A DHCP lease of libvirt's.
    Lease,
    /// An entry in the host's neighbour table.
    Arp,
    /// An answer of the guest agent.
    Agent,
    /// A TCP port that answers.
    Tcp(Port),
}

/// A root disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Root {
    /// Its size.
    pub size: Size,
    /// How it takes space.
    pub allocation: Allocation,
}

/// A data disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disk {
    /// Its name within the machine.
    pub name: DiskName,
    /// Its size.
    pub size: Size,
    /// The serial that the guest sees.
    pub serial: DiskSerial,
    /// A pool of the host; the cloud's own if `None`.
    pub pool: Option<PoolName>,
    /// How it takes space.
    pub allocation: Allocation,
    /// The file system that a first boot makes on it, if it has none.
    pub filesystem: Option<Filesystem>,
    /// Where it is mounted.
    pub mount: Option<AbsPath>,
}

/// An interface of a machine.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Interface {
    /// The network, by index.
    pub network: usize,
    /// Its MAC: the user's, or derived from owner, machine and network.
    pub mac: Mac,
    /// Its IPv4 address, if the network has IPv4.
    pub ipv4: Option<Addressing>,
    /// Its IPv6 address, if the network has IPv6.
    pub ipv6: Option<Addressing>,
    /// Whether the machine's default route goes through it.
    pub default_route: bool,
    /// Routes through it to the host's other routed networks, where the default route goes elsewhere.
    pub routes: Vec<Route>,
}

impl Interface {
    /// Its address, where it is known beforehand; that of IPv4 first.
    pub fn address(&self) -> Option<IpAddr> {
        [self.ipv4, self.ipv6].into_iter().flatten().find_map(Addressing::address)
    }
}

/// A route that follows from the networks: a machine whose default route leads to the LAN reaches its cloud's other
/// routed networks by the router that knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// Where to.
    pub to: Subnet,
    /// By whom.
    pub via: IpAddr,
}

/// How an interface gets its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Written inside the guest, and reserved where the network has DHCP.
    Static(IpAddr),
    /// Reserved, and asked for by DHCP.
    Reserved(IpAddr),
    /// Asked for by DHCP (IPv4) or by router advertisement (IPv6).
    Dynamic,
}

impl Addressing {
    /// The address, where it is known beforehand.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Static(address) | Self::Reserved(address) => Some(address),
            Self::Dynamic => None,
        }
    }
}

impl Checked {
    /// The cloud's name.
    pub fn name(&self) -> &CloudName {
        &self.name
    }

    /// Who owns its objects on a hypervisor.
    pub fn owner(&self) -> &OwnerId {
        &self.owner
    }

    /// Whether its domains and networks are called `OWNER-NAME` on their hosts: see [`Checked::name_on_host`].
    pub fn is_prefixed(&self) -> bool {
        self.is_prefixed
    }

    /// Whether it is the small copy that [`Cloud::lab`](crate::cloud::Cloud::lab) makes.
    pub fn is_lab(&self) -> bool {
        self.is_lab
    }

    /// Hypervisors, by name.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Networks, by name.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Machines, by name.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// K3s clusters, by name.
    pub fn clusters(&self) -> &[k3s::resolved::Cluster] {
        &self.clusters
    }

    /// The machines of each role, and of each instance of one.
    pub fn roles(&self) -> &BTreeMap<CheckedGroup, Members> {
        &self.roles
    }

    /// Who must reach whom, as the roles say it, by machine.
    pub fn all_flows(&self) -> &[CheckedFlow] {
        &self.flows
    }

    /// What the rules found that is no error, and the errors that the cloud accepts.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What its machines accept, for a question.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    ///
    /// let checked = Cloud::new("first").check()?;
    /// assert!(checked.flows().into("web").ports().is_empty());
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub fn flows(&self) -> Query<'_> {
        Query::new(self)
    }

    /// What a machine accepts and must reach.
    pub fn flows_of(&self, machine: &Machine) -> &[CheckedFlow] {
        let Ok(at) = self.machines.binary_search_by(|other| other.name.cmp(&machine.name)) else {
            return &[];
        };
        self.flows_at(at)
    }

    /// What the machine at an index accepts and must reach.
    pub(crate) fn flows_at(&self, machine: usize) -> &[CheckedFlow] {
        let first = self.flows.partition_point(|flow| flow.machine < machine);
        let rest = self.flows.get(first..).unwrap_or_default();
        let end = rest.iter().take_while(|flow| flow.machine == machine).count();
        rest.get(..end).unwrap_or_default()
    }

    /// What the domain of a machine, or a network, is called on its host: its own name, or `OWNER-NAME` where the cloud is
    /// [prefixed](crate::cloud::Cloud::prefixed).
    pub fn name_on_host(&self, name: &str) -> String {
        on_host(self.is_prefixed.then_some(self.owner.as_str()), name)
    }

    /// A machine by name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        let at = self.machines.binary_search_by(|machine| machine.name.as_str().cmp(name)).ok()?;
        self.machines.get(at)
    }

    /// A network by name.
    pub fn network(&self, name: &str) -> Option<&Network> {
        let at = self.networks.binary_search_by(|network| network.name.as_str().cmp(name)).ok()?;
        self.networks.get(at)
    }

    /// A K3s cluster by name.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    ///
    /// let checked = Cloud::new("first").check()?;
    /// assert!(checked.cluster("prod").is_none());
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub fn cluster(&self, name: &str) -> Option<&k3s::resolved::Cluster> {
        let at = self.clusters.binary_search_by(|cluster| cluster.name.as_str().cmp(name)).ok()?;
        self.clusters.get(at)
    }

    /// A host by name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        let at = self.hosts.binary_search_by(|host| host.name.as_str().cmp(name)).ok()?;
        self.hosts.get(at)
    }
}

impl Host {
    /// A pool of the host by name.
    pub fn pool(&self, name: &PoolName) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == *name)
    }
}

/// The name on a host of what a cloud calls otherwise, with its owner before it where there is one.
pub(crate) fn on_host(prefix: Option<&str>, name: &str) -> String {
    prefix.map_or_else(|| name.to_owned(), |owner| [owner, "-", name].concat())
}
