//! The calls that the provider makes of a hypervisor, one method for what one step of libvirt does.
//!
//! Two things implement it: the link over the `virt` crate, and the simulation. Every method blocks until libvirt has
//! answered; a provider calls it off the async executor.
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

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {message}")]
pub struct CallError {
    /// The call, with the object, as `define domain web`.
    pub call: String,
    /// What kind of failure.
    pub kind: CallErrorKind,
    /// libvirt's words, and what to do.
    pub message: String,
}

/// What kind of failure: only what the provider acts on differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The object is not there: libvirt said so, and nothing else.
    Absent,
    /// libvirt does not answer, or the connection is lost.
    Unreachable,
    /// No answer in time.
    Deadline {
        /// How long it was waited for.
        seconds: u64,
    },
    /// libvirt is in the middle of what this call meets, as a job of a pool: try again shortly.
    Busy,
    /// libvirt does not know the call.
    Unsupported,
    /// Asked to stop.
    Cancelled,
    /// Anything else.
    Failed,
}

/// A hypervisor's own facts, for the preflight.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// Memory in KiB; 0 if unknown.
    pub memory_kib: u64,
    /// Processor threads; 0 if unknown.
    pub threads: u32,
    /// The domain types (`kvm`, `qemu`) of its guests on `x86_64`.
    pub domain_types: Vec<String>,
}

/// A domain as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRecord {
    /// Its name.
    pub name: String,
    /// Its persistent document.
    pub xml: String,
    /// The document of the running guest, if it runs and that was asked for.
    pub live_xml: Option<String>,
    /// Whether it runs (or is paused).
    pub active: bool,
    /// Whether it starts with the host.
    pub autostart: bool,
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
    /// The path of its backing store, if it has one.
    pub backing: Option<String>,
}

/// A DHCP lease of a network's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseRecord {
    /// Whose it is, in lower case.
    pub mac: String,
    /// What it got.
    pub address: IpAddr,
    /// When it ends, in seconds since 1970; 0 if never.
    pub expires: u64,
}

/// Who knows a guest's addresses beside the leases of its networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressSource {
    /// The host's neighbour table.
    Arp,
    /// The guest agent.
    Agent,
}

/// An address that an interface of a guest has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRecord {
    /// The interface's MAC, in lower case; empty where it has none, as the guest's loopback.
    pub mac: String,
    /// The address.
    pub address: IpAddr,
}

/// A list in a network's document that changes while the network is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Section {
    /// The addresses that DHCP gives to those it knows: `<host mac=… ip=…/>`, in one of the network's `<ip>`.
    DhcpHost,
    /// The names of an address: `<host ip=…><hostname>…</hostname></host>`. One entry has all names of an address; a name may be in
    /// several.
    DnsHost,
}

/// What to do with an entry of a [`Section`], in force and in the network's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Add it.
    Add,
    /// Take it away.
    Delete,
}

/// The calls. Absence is `Ok(None)` for a read and [`CallErrorKind::Absent`] for anything else.
pub trait Link: Send + Sync + 'static {
    /// What to call this hypervisor in a message: its URI.
    fn uri(&self) -> &str;
    /// The hypervisor's own facts, from its capabilities: one call, and none the second time.
    fn facts(&self) -> Result<HostFacts, CallError>;
    /// The host's network interfaces, bridges among them; `None` where libvirt cannot tell.
    fn interfaces(&self) -> Result<Option<Vec<String>>, CallError>;

    /// Whether its calls return at once, so that they may be made on the async executor: a simulation's do.
    fn is_instant(&self) -> bool {
        false
    }

    /// Lets time pass between two questions. The simulation's time is its own.
    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// The time since some moment before, which only grows.
    fn now(&self) -> Duration {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        BEGAN.get_or_init(Instant::now).elapsed()
    }

    /// Whether a TCP port answers this process; the only question that is not libvirt's. A simulation answers for its
    /// guests.
    fn connects(&self, to: SocketAddr, within: Duration) -> bool {
        TcpStream::connect_timeout(&to, within).is_ok()
    }

    /// Every domain, with documents.
    fn domains(&self) -> Result<Vec<DomainRecord>, CallError>;
    /// One domain.
    fn domain(&self, name: &str) -> Result<Option<DomainRecord>, CallError>;
    /// Defines a domain, or defines it anew; the document is validated.
    fn define_domain(&self, xml: &str) -> Result<(), CallError>;
    /// Starts a defined domain.
    fn start_domain(&self, name: &str) -> Result<(), CallError>;
    /// Asks the guest to shut down, and returns at once.
    fn shutdown_domain(&self, name: &str) -> Result<(), CallError>;
    /// Whether it runs: the cheapest question there is.
    fn domain_is_active(&self, name: &str) -> Result<bool, CallError>;
    /// Stops it by force; one that does not run is no error.
    fn destroy_domain(&self, name: &str) -> Result<(), CallError>;
    /// Takes its definition away, with NVRAM, managed save and snapshots' metadata.
    fn undefine_domain(&self, name: &str) -> Result<(), CallError>;
    /// Whether it starts with the host.
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
    /// The ports of an active network, by UUID: one for each interface that is plugged into it. A network that is stopped
    /// loses them, and does not get them back when it starts. Where libvirt does not know the call, `None`.
    fn network_ports(&self, name: &str) -> Result<Option<BTreeSet<String>>, CallError>;
    /// The DHCP leases of an active network; none where it gives none.
    fn leases(&self, network: &str) -> Result<Vec<LeaseRecord>, CallError>;
    /// One network.
    fn network(&self, name: &str) -> Result<Option<NetworkRecord>, CallError>;
    /// Defines a network, or defines it anew.
    fn define_network(&self, xml: &str) -> Result<(), CallError>;
    /// Starts it.
    fn start_network(&self, name: &str) -> Result<(), CallError>;
    /// Stops it; one that does not run is no error.
    fn stop_network(&self, name: &str) -> Result<(), CallError>;
    /// Takes its definition away.
    fn undefine_network(&self, name: &str) -> Result<(), CallError>;
    /// Whether it starts with the host.
    fn set_network_autostart(&self, name: &str, on: bool) -> Result<(), CallError>;
    /// Adds or takes away an entry in configuration, and live if the network is active. libvirt finds the one to take away by any
    /// of its fields, and refuses where it finds several: a DNS host is taken away by its address alone.
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
    /// Defines a pool, makes its folder, starts it and marks it for autostart.
    fn create_pool(&self, xml: &str) -> Result<(), CallError>;
    /// Starts a defined pool; its folder is made if it is missing.
    fn start_pool(&self, name: &str) -> Result<(), CallError>;
    /// Whether it starts with the host.
    fn set_pool_autostart(&self, name: &str, on: bool) -> Result<(), CallError>;
    /// Stops a pool, deletes its folder (which must be empty) and takes its definition away.
    fn delete_pool(&self, name: &str) -> Result<(), CallError>;

    /// Every volume of an active pool, in one call.
    fn volumes(&self, pool: &str) -> Result<Vec<VolumeRecord>, CallError>;
    /// One volume, read by itself.
    fn volume(&self, pool: &str, name: &str) -> Result<Option<VolumeFacts>, CallError>;
    /// The capacity in bytes of every disk that some domain has, by path, in one call (`virConnectGetAllDomainStats`
    /// with the block group; it reads the headers of domains that are off too). A disk that it does not tell of is
    /// read by itself; where libvirt does not know the call, the answer is empty.
    fn disk_capacities(&self) -> Result<BTreeMap<String, u64>, CallError>;
    /// Makes a volume. It is whole when this returns, unless bytes are sent to it afterwards.
    fn create_volume(&self, pool: &str, xml: &str) -> Result<(), CallError>;
    /// Sends bytes into a volume that is new: so many, or all until their end. Zeros may become holes. `each` is
    /// called with the bytes sent so far, and stops the upload by `false`.
    fn upload(
        &self,
        pool: &str,
        name: &str,
        bytes: &mut dyn Pieces,
        length: Option<u64>,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), CallError>;
    /// Reads a pool's folder anew, so that its list has the files that others than libvirt made in it.
    fn refresh_pool(&self, pool: &str) -> Result<(), CallError>;
    /// The last bytes of a volume's file, at most so many; `None` if the pool's list has no such volume.
    fn volume_tail(&self, pool: &str, name: &str, bytes: u64) -> Result<Option<Vec<u8>>, CallError>;
    /// Grows a volume that no running guest uses.
    fn resize_volume(&self, pool: &str, name: &str, bytes: u64) -> Result<(), CallError>;
    /// Deletes a volume; one that is not there is no error.
    fn delete_volume(&self, pool: &str, name: &str) -> Result<(), CallError>;
}

impl CallError {
    /// A failure of a call.
    pub fn new(call: impl fmt::Display, kind: CallErrorKind, message: impl Into<String>) -> Self {
        Self { call: call.to_string(), kind, message: message.into() }
    }
}
