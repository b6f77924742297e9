//! The documents of libvirt objects: the artifact, and everything that a step does beyond defining it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use fmc_core::addr::Mac;
use fmc_core::boot::{Boot, Born};
use fmc_core::checked::Ready;
use fmc_core::digest::Digest;
use fmc_core::graph::{Fingerprint, Place};
use fmc_core::machine::{Power, Shutdown};
use fmc_core::name::HostName;
use fmc_core::path::{AbsPath, HttpUrl};
use fmc_core::unit::Size;

use crate::image::header::Stated;
use crate::volume::OnDisk;

/// The provider's name in addresses.
pub const PROVIDER: &str = "libvirt";

/// The place of a host's objects.
pub fn place(host: &HostName) -> Place {
    Place::new(PROVIDER, host.as_str())
}

/// The kinds of objects, as used in addresses.
pub mod kind {
    /// A storage pool.
    pub const POOL: &str = "pool";
    /// A volume; its name in an address is `POOL/VOLUME`.
    pub const VOLUME: &str = "volume";
    /// An image that lies on the host; its name in an address is its path and its digest. It is only looked at.
    pub const IMAGE: &str = "image";
    /// A network.
    pub const NETWORK: &str = "network";
    /// A domain.
    pub const DOMAIN: &str = "domain";
}

/// A wanted object of libvirt.
#[derive(Clone, Debug)]
pub enum Document {
    /// A directory pool of the cloud's own.
    Pool(PoolDocument),
    /// A volume.
    Volume(VolumeDocument),
    /// A network.
    Network(NetworkDocument),
    /// A domain.
    Domain(Box<DomainDocument>),
}

impl Document {
    /// The XML for libvirt.
    pub fn xml(&self) -> &str {
        match self {
            Self::Pool(pool) => &pool.xml,
            Self::Volume(volume) => &volume.xml,
            Self::Network(network) => &network.xml,
            Self::Domain(domain) => &domain.xml,
        }
    }

    /// The fingerprint of the XML and of the settings beside it. The source of a volume's bytes needs no
    /// extra part: it is in the volume's name.
    pub fn fingerprint(&self) -> Fingerprint {
        let beside = match self {
            Self::Pool(_) | Self::Volume(_) => String::new(),
            Self::Network(network) => format!("autostart={}", network.autostart),
            Self::Domain(domain) => {
                format!("power={:?} autostart={}", domain.power, domain.autostart)
            }
        };
        Fingerprint::of(format!("{}{beside}", self.xml()).as_bytes())
    }
}

/// A directory pool.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolDocument {
    /// The XML.
    pub xml: Arc<str>,
    /// Its name in libvirt.
    pub name: Arc<str>,
    /// Its UUID: the mark that it is ours.
    pub uuid: uuid::Uuid,
    /// Whether its folder is made if it is missing. That of a known pool is not: its file system may not be mounted.
    pub build: bool,
}

/// A volume.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VolumeDocument {
    /// The XML.
    pub xml: Arc<str>,
    /// The pool of the volume.
    pub pool: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its capacity in bytes; 0 if its content decides it.
    pub capacity: u64,
    /// The source of its bytes.
    pub content: Content,
    /// The image on the host that it lies over, if it lies over one.
    pub over: Option<Arc<HostImage>>,
    /// The steps inside the guest after the disk grew, if it is a guest's disk.
    pub grown: Option<Cow<'static, str>>,
    /// The content of the record beside it, if it is a data disk.
    pub data: Option<Box<DataDisk>>,
}

/// A data disk, as its guest knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataDisk {
    /// Its name within the machine.
    pub name: Arc<str>,
    /// Its serial.
    pub serial: Arc<str>,
    /// Its file system and mount; `None` leaves the record that it has.
    pub on: Option<OnDisk>,
}

/// An image that lies on the host, where fmc does not send it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct HostImage {
    /// Its path there.
    pub path: AbsPath,
    /// The digest of its bytes, if the cloud says one.
    pub digest: Option<Digest>,
}

/// The source of a volume's bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Content {
    /// None: one call makes the volume complete.
    Empty,
    /// An image, checked against its digest; committed by a second volume `NAME.ok`.
    Image(Box<BaseImage>),
    /// A boot configuration, rendered with its secrets; committed by a second volume `NAME.ok`.
    Boot(Arc<Boot>),
}

/// An image that machines of a host share.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BaseImage {
    /// The source of its bytes.
    pub source: ImageSource,
    /// The required digest of the file as published.
    pub digest: Digest,
    /// The required digest of the unpacked content, if given.
    pub unpacked_digest: Option<Digest>,
    /// The statements that its header must confirm.
    pub stated: Stated,
}

/// The source of an image that is sent to a hypervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// A file on this side, by its path on the computer that applies.
    File(AbsPath),
    /// A download, which this side fetches once.
    Url(HttpUrl),
}

/// A network.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetworkDocument {
    /// The XML.
    pub xml: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The name that it had before, if it was called otherwise.
    pub former: Option<Arc<str>>,
    /// Its name on the host.
    pub on_host: Arc<str>,
    /// Whether it starts with the host.
    pub autostart: bool,
}

/// A domain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DomainDocument {
    /// The XML.
    pub xml: Arc<str>,
    /// Its name: the machine's.
    pub name: Arc<str>,
    /// The name that its machine had first, by which its volumes are called.
    pub first: Arc<str>,
    /// Its name on the host.
    pub on_host: Arc<str>,
    /// Its root volume as `(pool, name)`, if it has one.
    pub root: Option<(Arc<str>, Arc<str>)>,
    /// Its boot volume as `(pool, name)`, if the first boot configures it.
    pub boot: Option<(Arc<str>, Arc<str>)>,
    /// The volume that records its serial console as `(pool, name)`, if it is recorded.
    pub console: Option<(Arc<str>, Arc<str>)>,
    /// The digests of the image and of the boot configuration, kept apart, to tell which of them is outdated.
    pub image_digest: Arc<str>,
    /// See `image_digest`.
    pub config_digest: Arc<str>,
    /// The hashes in the names of roots that were made with another boot configuration which serves the machine as well:
    /// see [`Boot::equal`](fmc_core::boot::Boot::equal).
    pub equal_roots: Arc<[String]>,
    /// The sizes of its data disks in bytes, by the names of their volumes' disks.
    pub sizes: Arc<BTreeMap<String, u64>>,
    /// The birth facts of its machine for its mark; `None` on a root whose birth facts are not known.
    pub born: Option<Arc<Born>>,
    /// Whether it is defined again on a root that is there, from an earlier apply.
    pub returns: bool,
    /// Whether it should run.
    pub power: Power,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// Its memory, for the plan's text.
    pub memory: Size,
    /// The signal that it is up; an apply does not wait for the machine if `None`.
    pub ready: Option<Box<Readiness>>,
}

/// The signal that a machine is up, with everything needed to ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Readiness {
    /// The signal, and the timeout.
    pub ready: Ready,
    /// Its interfaces: the network's name on the host, and the interface's MAC.
    pub interfaces: Vec<(Arc<str>, Mac)>,
    /// Its addresses that are known in advance.
    pub addresses: Vec<IpAddr>,
}
