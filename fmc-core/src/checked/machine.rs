//! A machine of a checked cloud.

use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::host::Host;
use super::index::Idx;
use super::network::Network;
use crate::addr::{Mac, Subnet};
use crate::digest::Digest;
use crate::disk::{Allocation, Filesystem};
use crate::guest::checked::Contents;
use crate::guest::{HOST_KEY_PUBLIC, Parts};
use crate::image::{Arch, Format, Os};
use crate::k3s;
use crate::machine::{Power, Shutdown};
use crate::name::{DiskName, DiskSerial, Fqdn, Hostname, MachineName, PoolName, VolumeName};
use crate::path::{AbsPath, HttpUrl};
use crate::ready::TcpPort;
use crate::role::{Membership, RoleFacts};
use crate::secret::SecretRef;
use crate::tz::TimeZone;
use crate::unit::{Cpus, Seconds, Size};

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
    /// Its hash, if it is known.
    pub digest: Option<Digest>,
    /// Its hash after unpacking, if it is set.
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
    /// The name that its UUID, MACs, volumes and keys are made from: the one that it had first.
    pub first_name: MachineName,
    /// The host that it is on, by index.
    pub host: Idx<Host>,
    /// The image that its root is made from.
    pub image: Arc<Image>,
    /// Virtual processors.
    pub cpus: Cpus,
    /// Memory.
    pub memory: Size,
    /// The root disk; `None` for a machine without one.
    pub root: Option<Root>,
    /// Data disks, by the names of their volumes.
    pub disks: Vec<Disk>,
    /// Interfaces, in the user's order.
    pub interfaces: Vec<Interface>,
    /// The name it calls itself.
    pub hostname: Hostname,
    /// Its name in DNS, if it has a domain.
    pub fqdn: Option<Fqdn>,
    /// Its time zone.
    pub time_zone: Option<TimeZone>,
    /// Its resolvers, in order.
    pub resolvers: Vec<IpAddr>,
    /// Whether it should run.
    pub power: Power,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// The signal that it is up; an apply does not wait if it is `None`.
    pub ready: Option<Ready>,
    /// Labels of its Kubernetes node, each once.
    pub labels: Vec<k3s::Label>,
    /// Taints of its Kubernetes node, each once.
    pub taints: Vec<k3s::Taint>,
    /// Addresses by which the outside reaches its Kubernetes node.
    pub external_addresses: Vec<IpAddr>,
    /// Whether a firewall inside it lets in its flows and nothing else.
    pub firewall: bool,
    /// Its memberships by roles: in an instance, or with steps that must be done before it leaves.
    pub memberships: Vec<Membership>,
    /// The facts that its roles record about it.
    pub facts: Arc<[RoleFacts]>,
    /// The machines that start before it, by index, sorted: see [`CustomRole::after`](crate::role::CustomRole::after).
    pub after: Vec<Idx<Self>>,
    /// The guest of the user and the machine's roles, shared with machines that have the same.
    pub guest: Arc<Parts>,
    /// The guests that it may have been made with instead: see
    /// [`CustomRole::equal_guests`](crate::role::CustomRole::equal_guests).
    pub equal_guests: Vec<Arc<Parts>>,
    /// Its UUID, derived from owner and first name.
    pub uuid: Uuid,
}

impl Machine {
    /// The address by which other machines in the cloud find it: the first fixed one of its interfaces.
    pub fn address(&self) -> Option<IpAddr> {
        self.interfaces.iter().find_map(Interface::address)
    }

    /// The public half of the SSH host key that the cloud gives it; `None` if its guest has none or makes its own.
    pub fn ssh_host_key(&self) -> Option<&SecretRef> {
        let public = self.guest.files.iter().find(|file| file.path.as_str() == HOST_KEY_PUBLIC)?;
        match &public.contents {
            Contents::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// Its addresses that are known beforehand.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let families = self.interfaces.iter().flat_map(|interface| [interface.ipv4, interface.ipv6]);
        families.flatten().filter_map(Addressing::address)
    }

    /// Its address on a network that both machines are on, or else the one by which others find it.
    pub fn address_towards(&self, other: &Self) -> Option<IpAddr> {
        let near = self
            .interfaces
            .iter()
            .filter(|interface| other.interfaces.iter().any(|theirs| theirs.network == interface.network));
        near.filter_map(Interface::address).next().or_else(|| self.address())
    }

    /// The data disk that a path is on, which a replacement of the machine keeps; `None` if it is on the root disk.
    pub fn disk_at(&self, path: &AbsPath) -> Option<&Disk> {
        let mounted = self.disks.iter().filter_map(|disk| Some((disk.mount.as_ref()?, disk)));
        let around = mounted.filter(|(mount, _)| path.is_within(mount));
        around.max_by_key(|(mount, _)| mount.as_str().len()).map(|(_, disk)| disk)
    }

    /// Whether something configures it on its first boot.
    pub fn is_provisioned(&self) -> bool {
        self.image.os.provisioner().is_some()
    }
}

/// The signal that a machine is up, and the timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ready {
    /// The signal.
    pub signal: Signal,
    /// How long it may take from the machine's start.
    pub within: Seconds,
}

/// The signal that a machine is up: see [`ready::Signal`](crate::ready::Signal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A DHCP lease of libvirt's.
    Lease,
    /// An entry in the host's neighbour table.
    Arp,
    /// An answer of the guest agent.
    Agent,
    /// A TCP port that answers.
    Tcp(TcpPort),
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
    /// The name of its volume: the one that it had first.
    pub volume: DiskName,
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
    /// The key of its encryption, if it is encrypted.
    pub luks_key: Option<Arc<SecretRef>>,
}

impl Disk {
    /// What is on it, as marks and records have it: the file system, as `ext4`, and for an encrypted disk what tells its key from another
    /// one, as `ext4-luks-1f0c22ab`. A guest that wants something else cannot mount it.
    pub fn made(&self) -> Option<Arc<str>> {
        let filesystem = self.filesystem?.as_str();
        let Some(key) = &self.luks_key else { return Some(filesystem.into()) };
        let mut hash = Sha256::new();
        key.update(&mut hash);
        let hash = hash.finalize();
        let start = hash.first_chunk::<4>().map(|start| u32::from_be_bytes(*start)).unwrap_or_default();
        Some(format!("{filesystem}-luks-{start:08x}").into())
    }
}

/// An interface of a machine.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Interface {
    /// The network, by index.
    pub network: Idx<Network>,
    /// Its MAC: the user's, or derived from owner, machine and network by their first names.
    pub mac: Mac,
    /// Its IPv4 address, if the network has IPv4.
    pub ipv4: Option<Addressing>,
    /// Its IPv6 address, if the network has IPv6.
    pub ipv6: Option<Addressing>,
    /// Whether the machine's default route goes through it.
    pub default_route: bool,
    /// Routes through it to the host's other routed networks, if the default route goes elsewhere.
    pub routes: Vec<Route>,
}

impl Interface {
    /// Its fixed address, if it has one; IPv4 first.
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
    /// The program that assigns it.
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
    /// The address, if it is fixed.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Static(address) | Self::Reserved(address) => Some(address),
            Self::Dynamic => None,
        }
    }
}
