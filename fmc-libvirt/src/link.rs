//! The calls that the provider makes to a hypervisor: one method for each operation of libvirt.
//!
//! There are two implementations: the link over the `virt` crate, and the simulation. Every method blocks
//! until libvirt has answered; a provider calls it off the async executor.
//!
//! # Why calls block
//!
//! A trait of blocking calls lets one provider run on libvirt and on the simulation. On the simulation the calls run
//! inline, and a test can cut an apply at every one of them. Over libvirt each step runs on a thread of its own and a
//! future waits for it, so fmc needs no async runtime and an embedder may use any.

mod boxed;
mod pieces;

pub use self::boxed::AnyLink;
pub use self::pieces::{CHUNK, Chunk, Piece, Pieces};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use fmc_core::digest::Digest;
use ipnet::IpNet;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {message}")]
pub struct CallError {
    /// The call, with the object, as `define domain web`.
    pub call: String,
    /// The kind of failure.
    pub kind: CallErrorKind,
    /// libvirt's message, and what to do.
    pub message: String,
}

/// The kind of failure, as far as the provider distinguishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The object does not exist: libvirt said exactly that.
    Absent,
    /// libvirt does not answer, or the connection is lost.
    Unreachable,
    /// No answer in time.
    Deadline {
        /// The timeout, in seconds.
        seconds: u64,
    },
    /// The object is busy, as a pool with a running job: try again shortly.
    Busy,
    /// libvirt does not support the call.
    Unsupported,
    /// The call was asked to stop.
    Cancelled,
    /// Anything else.
    Failed,
}

/// A hypervisor's own facts, for the preflight.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// The UUID of the host, by which two connections to one hypervisor are known; `None` if libvirt does not say it.
    pub uuid: Option<String>,
    /// Memory in KiB; 0 if unknown.
    pub memory_kib: u64,
    /// Processor threads; 0 if unknown.
    pub threads: u32,
    /// The domain types (`kvm`, `qemu`) of its guests on `x86_64`.
    pub domain_types: Vec<String>,
}

/// The network around a hypervisor, as far as it decides about the cloud's.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The host's routes, also those to the subnets of its own addresses.
    pub routes: Vec<RouteRecord>,
    /// The programs and settings that filter forwarded packets.
    pub filters: Vec<Filter>,
}

/// libvirt's networks as the kernel of this computer shows them: libvirt has no call for it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NetworksHere {
    /// The networks whose dnsmasq runs.
    pub served: BTreeSet<String>,
    /// The host's interfaces, also the bridges of networks and the taps of guests.
    pub interfaces: BTreeSet<String>,
}

/// A route of a hypervisor's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRecord {
    /// Its destination.
    pub to: IpNet,
    /// The interface that it leaves by.
    pub device: String,
}

/// A program or a setting of a host that filters the packets which it forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "sim", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Filter {
    /// Docker.
    Docker,
    /// firewalld.
    Firewalld,
    /// ufw.
    Ufw,
    /// Packets across bridges pass the filters too: `br_netfilter`.
    Bridged,
}

/// A domain as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRecord {
    /// Its name.
    pub name: String,
    /// Its persistent document.
    pub xml: String,
    /// The document of the running guest, if it runs and was asked for.
    pub live_xml: Option<String>,
    /// Whether it runs (or is paused).
    pub active: bool,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// Whether it is defined. One that was undefined while it ran is gone once it stops.
    pub persistent: bool,
    /// Why its guest does not go on, if it is stopped in the middle of its work.
    pub suspended: Option<Suspended>,
    /// Its snapshots, by name.
    pub snapshots: Vec<SnapshotRecord>,
}

/// A snapshot that libvirt knows of a domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotRecord {
    /// Its name.
    pub name: String,
    /// Whether it is inside the files of the disks, and goes with them. What was written since another one is in overlays.
    pub internal: bool,
}

/// A guest that was stopped in the middle of its work, so that its memory has what its disks do not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspended {
    /// Its processors stand still; libvirt's reason, as `I/O error`.
    Paused(String),
    /// Its memory is in a file (`virsh managedsave`): its next start goes on with it, whatever its definition says
    /// then.
    Saved,
}

impl Suspended {
    /// libvirt's reason for a guest whose start it did not finish, because it was ended itself.
    pub(crate) const STARTING: &'static str = "starting up";

    /// Whether the guest never ran, because libvirt was ended before it finished the start. The guest's memory is empty.
    pub(crate) fn never_ran(&self) -> bool {
        matches!(self, Self::Paused(why) if why == Self::STARTING)
    }
}

/// A network as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRecord {
    /// Its name.
    pub name: String,
    /// Its persistent document.
    pub xml: String,
    /// The document in force, if it is active.
    pub live_xml: Option<String>,
    /// Whether it is active.
    pub active: bool,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// Whether it is defined. One that was undefined while it was active is gone once it stops.
    pub persistent: bool,
}

/// A storage pool as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRecord {
    /// Its name.
    pub name: String,
    /// Its document.
    pub xml: String,
    /// Whether it is active.
    pub active: bool,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// Whether it is defined. One that was undefined while it was active is gone once it stops.
    pub persistent: bool,
}

/// A volume as a list of its pool shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRecord {
    /// Its name.
    pub name: String,
    /// Its path on the hypervisor (in a directory pool the volume's key, which costs no call).
    pub path: String,
}

/// A volume as it was read by itself, from its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeFacts {
    /// Its name.
    pub name: String,
    /// Its path on the hypervisor.
    pub path: String,
    /// Its capacity in bytes.
    pub capacity: u64,
    /// The bytes that it takes in its pool; `None` if libvirt does not say it.
    pub allocation: Option<u64>,
    /// Its format, as `qcow2`; `None` if libvirt does not say it.
    pub format: Option<String>,
    /// The path of its backing store, if it has one.
    pub backing: Option<String>,
    /// When its content was changed for the last time, in seconds since 1970; `None` if libvirt does not say it.
    pub changed: Option<u64>,
}

/// A file on the hypervisor, as libvirt shows it: libvirt reads files as volumes of their folder's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Its length in bytes.
    pub length: u64,
    /// When its content was changed for the last time, in libvirt's words; empty if libvirt does not say it.
    pub changed: String,
    /// The capacity in bytes of the disk in it.
    pub capacity: u64,
    /// The path of its backing store, if it has one.
    pub backing: Option<String>,
}

/// A DHCP lease of a network's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseRecord {
    /// The interface's MAC, in lower case.
    pub mac: String,
    /// The leased address.
    pub address: IpAddr,
    /// When it ends, in seconds since 1970; 0 if never.
    pub expires: u64,
}

/// The source of a guest's addresses, beside the leases of its networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressSource {
    /// The host's neighbour table.
    Arp,
    /// The guest agent.
    Agent,
}

/// An address of a guest's interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRecord {
    /// The interface's MAC, in lower case; empty if it has none, as the guest's loopback.
    pub mac: String,
    /// The address.
    pub address: IpAddr,
}

/// A list in a network's document that can change while the network is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Section {
    /// The reserved addresses of DHCP: `<host mac=… ip=…/>`, in one of the network's `<ip>`.
    DhcpHost,
    /// The names of an address: `<host ip=…><hostname>…</hostname></host>`. One entry has all names of an
    /// address; a name may be in several entries.
    DnsHost,
}

/// A change of an entry of a [`Section`], both live and in the network's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Add it.
    Add,
    /// Remove it.
    Delete,
}

/// The calls. A missing object is `Ok(None)` for a read and [`CallErrorKind::Absent`] for anything else.
pub trait Link: Send + Sync + 'static {
    /// The name of this hypervisor in messages: its URI.
    fn uri(&self) -> &str;
    /// The hypervisor's own facts, from its capabilities: one call the first time, none afterwards.
    fn facts(&self) -> Result<HostFacts, CallError>;
    /// The host's network interfaces, as libvirt lists them, or `None` if it cannot. Its test driver and its former driver netcf
    /// list no bridges of libvirt's networks.
    fn interfaces(&self) -> Result<Option<Vec<String>>, CallError>;

    /// The network around it; `None` if it cannot be read.
    fn surroundings(&self) -> Option<Surroundings> {
        None
    }

    /// Its networks as the kernel shows them; `None` if it is not on this computer.
    fn networks_here(&self) -> Option<NetworksHere> {
        None
    }

    /// Whether its calls return at once, so that they may run on the async executor, as those of a
    /// simulation.
    fn is_instant(&self) -> bool {
        false
    }

    /// Whether it is on this computer, so that the bytes of a file need no network.
    fn is_local(&self) -> bool {
        false
    }

    /// Pauses between two questions. The simulation has its own time.
    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// The time since a fixed moment; it only grows.
    fn now(&self) -> Duration {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        BEGAN.get_or_init(Instant::now).elapsed()
    }

    /// Whether a TCP port accepts a connection from this process; the only question that does not go to
    /// libvirt. A simulation answers for its guests.
    fn connects(&self, to: SocketAddr, within: Duration) -> bool {
        TcpStream::connect_timeout(&to, within).is_ok()
    }

    /// Every domain, with documents.
    fn domains(&self) -> Result<Vec<DomainRecord>, CallError>;
    /// One domain.
    fn domain(&self, name: &str) -> Result<Option<DomainRecord>, CallError>;
    /// Defines a domain, or replaces its definition; the document is validated.
    fn define_domain(&self, xml: &str) -> Result<(), CallError>;
    /// Starts a defined domain.
    fn start_domain(&self, name: &str) -> Result<(), CallError>;
    /// Asks the guest to shut down, and returns at once.
    fn shutdown_domain(&self, name: &str) -> Result<(), CallError>;
    /// Whether it runs: the cheapest question.
    fn domain_is_active(&self, name: &str) -> Result<bool, CallError>;
    /// Stops it by force; a domain that is off is not an error.
    fn destroy_domain(&self, name: &str) -> Result<(), CallError>;
    /// Removes its definition, with NVRAM, managed save and snapshots' metadata.
    fn undefine_domain(&self, name: &str) -> Result<(), CallError>;
    /// Gives a defined domain that is off another name.
    fn rename_domain(&self, name: &str, to: &str) -> Result<(), CallError>;
    /// Makes libvirt forget a domain's snapshots; what is in the files of the disks stays.
    fn forget_snapshots(&self, name: &str) -> Result<(), CallError>;
    /// Sets whether it starts with the host.
    fn set_domain_autostart(&self, name: &str, on: bool) -> Result<(), CallError>;
    /// Grows a disk of a running domain.
    fn resize_block(&self, domain: &str, path: &str, bytes: u64) -> Result<(), CallError>;

    /// The addresses of a running guest; `None` if its agent does not answer.
    fn guest_addresses(
        &self,
        domain: &str,
        source: AddressSource,
    ) -> Result<Option<Vec<AddressRecord>>, CallError>;

    /// Every network, with documents.
    fn networks(&self) -> Result<Vec<NetworkRecord>, CallError>;
    /// The ports of an active network, by UUID: one for each interface that is plugged in. A network that
    /// stops loses them, and does not get them back when it starts. `None` if libvirt does not support the
    /// call.
    fn network_ports(&self, name: &str) -> Result<Option<BTreeSet<String>>, CallError>;
    /// The DHCP leases of an active network; empty if it has no DHCP.
    fn leases(&self, network: &str) -> Result<Vec<LeaseRecord>, CallError>;
    /// One network.
    fn network(&self, name: &str) -> Result<Option<NetworkRecord>, CallError>;
    /// Defines a network, or replaces its definition.
    fn define_network(&self, xml: &str) -> Result<(), CallError>;
    /// Starts it.
    fn start_network(&self, name: &str) -> Result<(), CallError>;
    /// Stops it; a network that is inactive is not an error.
    fn stop_network(&self, name: &str) -> Result<(), CallError>;
    /// Removes its definition.
    fn undefine_network(&self, name: &str) -> Result<(), CallError>;
    /// Sets whether it starts with the host.
    fn set_network_autostart(&self, name: &str, on: bool) -> Result<(), CallError>;
    /// Adds or removes an entry in the configuration, and live if the network is active. libvirt finds the
    /// entry to remove by any of its fields, and refuses if it finds several: so remove a DNS host by its
    /// address alone.
    fn update_network(
        &self,
        name: &str,
        section: Section,
        edit: Edit,
        xml: &str,
        active: bool,
    ) -> Result<(), CallError>;

    /// Every pool, with documents.
    fn pools(&self) -> Result<Vec<PoolRecord>, CallError>;
    /// One pool.
    fn pool(&self, name: &str) -> Result<Option<PoolRecord>, CallError>;
    /// Defines a pool, starts it and marks it for autostart. If `build` is true, its folder is made if it is missing.
    fn create_pool(&self, xml: &str, build: bool) -> Result<(), CallError>;
    /// Starts a defined pool. Its folder must exist: a missing one may be a file system that is not mounted.
    fn start_pool(&self, name: &str) -> Result<(), CallError>;
    /// Sets whether it starts with the host.
    fn set_pool_autostart(&self, name: &str, on: bool) -> Result<(), CallError>;
    /// Stops a pool, deletes its folder (which must be empty) and removes its definition.
    fn delete_pool(&self, name: &str) -> Result<(), CallError>;

    /// Every volume of an active pool, in one call.
    fn volumes(&self, pool: &str) -> Result<Vec<VolumeRecord>, CallError>;
    /// One volume, in a call of its own.
    fn volume(&self, pool: &str, name: &str) -> Result<Option<VolumeFacts>, CallError>;
    /// The capacity in bytes of the disks of all domains, by path, in one call (`virConnectGetAllDomainStats`
    /// with the block group; it also reads the headers of domains that are off). A disk that the answer lacks
    /// is read in a call of its own; if libvirt does not support the call, the answer is empty.
    fn disk_capacities(&self) -> Result<BTreeMap<String, u64>, CallError>;
    /// Makes a volume. It is complete when this returns, unless it gets bytes afterwards.
    fn create_volume(&self, pool: &str, xml: &str) -> Result<(), CallError>;
    /// Sends bytes into a new volume: `length` of them, or all. Zeros may become holes. `each` gets the
    /// number of bytes sent so far, and stops the upload by returning `false`.
    fn upload(
        &self,
        pool: &str,
        name: &str,
        bytes: &mut dyn Pieces,
        length: Option<u64>,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), CallError>;
    /// Refreshes a pool, so that its list includes the files that other programs made in its folder.
    fn refresh_pool(&self, pool: &str) -> Result<(), CallError>;
    /// The last bytes of a volume's file, at most `bytes`; `None` if the pool's list lacks the volume.
    fn volume_tail(&self, pool: &str, name: &str, bytes: u64) -> Result<Option<Vec<u8>>, CallError>;
    /// Grows a volume that no running guest uses.
    fn resize_volume(&self, pool: &str, name: &str, bytes: u64) -> Result<(), CallError>;
    /// A file by its path, in a pool or in none; `None` if libvirt does not show it.
    fn file(&self, path: &str) -> Result<Option<FileFacts>, CallError>;
    /// The digest of a file's bytes by the algorithm of `like`, which are all read; `None` if libvirt does not show it.
    fn file_digest(&self, path: &str, like: &Digest) -> Result<Option<Digest>, CallError>;
    /// Deletes a volume; a missing volume is not an error.
    fn delete_volume(&self, pool: &str, name: &str) -> Result<(), CallError>;
}

impl CallError {
    /// A failure of a call.
    pub fn new(call: impl fmt::Display, kind: CallErrorKind, message: impl Into<String>) -> Self {
        Self { call: call.to_string(), kind, message: message.into() }
    }
}
