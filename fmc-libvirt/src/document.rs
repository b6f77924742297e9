//! What an object of libvirt is made from: the artifact, and what a step does with it beyond defining it.

use std::net::IpAddr;
use std::sync::Arc;

use fmc_core::addr::Mac;
use fmc_core::boot::Boot;
use fmc_core::checked::Ready;
use fmc_core::digest::Digest;
use fmc_core::graph::{Fingerprint, Place};
use fmc_core::machine::{Power, Shutdown};
use fmc_core::name::HostName;
use fmc_core::path::{AbsPath, HttpUrl};
use fmc_core::unit::Size;

use crate::image::header::Stated;

/// The provider's name in addresses.
pub const PROVIDER: &str = "libvirt";

/// Where the objects of a host are.
pub fn place(host: &HostName) -> Place {
    Place::new(PROVIDER, host.as_str())
}

/// The kinds of objects, as they stand in addresses.
pub mod kind {
    /// A storage pool.
    pub const POOL: &str = "pool";
    /// A volume; its name in an address is `POOL/VOLUME`.
    pub const VOLUME: &str = "volume";
    /// A network.
    pub const NETWORK: &str = "network";
    /// A domain.
    pub const DOMAIN: &str = "domain";
}

/// An object of libvirt as it is wanted.
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
    /// The XML that libvirt is given.
    pub fn xml(&self) -> &str {
        match self {
            Self::Pool(pool) => &pool.xml,
            Self::Volume(volume) => &volume.xml,
            Self::Network(network) => &network.xml,
            Self::Domain(domain) => &domain.xml,
        }
    }

    /// The fingerprint of the XML and of what is beside it. Where a volume's bytes come from is in its name.
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
}

/// A volume.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VolumeDocument {
    /// The XML.
    pub xml: Arc<str>,
    /// The pool that it is in.
    pub pool: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its capacity in bytes; 0 for one whose bytes decide it.
    pub capacity: u64,
    /// Where its bytes come from.
    pub content: Content,
}

/// Where a volume's bytes come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Content {
    /// Nowhere: the call that makes it makes it whole.
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
    /// Where it is.
    pub source: ImageSource,
    /// What the file must hash to as it lies there.
    pub digest: Digest,
    /// What it must hash to once it is unpacked, where that is said.
    pub unpacked_digest: Option<Digest>,
    /// What its header must say.
    pub stated: Stated,
}

/// Where an image is that is sent to a hypervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// A file of this side, by its path on the machine that applies.
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
    /// What it is called on its host.
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
    /// What it is called on its host.
    pub on_host: Arc<str>,
    /// Its root volume as `(pool, name)`, if it has one.
    pub root: Option<(Arc<str>, Arc<str>)>,
    /// Its boot volume as `(pool, name)`, if it is configured on first boot.
    pub boot: Option<(Arc<str>, Arc<str>)>,
    /// The volume that keeps what it writes to its serial console as `(pool, name)`, if it is kept.
    pub console: Option<(Arc<str>, Arc<str>)>,
    /// What the image and the boot configuration hash to, apart, to say which of them is outdated.
    pub image_digest: Arc<str>,
    /// See `image_digest`.
    pub config_digest: Arc<str>,
    /// Whether it should run.
    pub power: Power,
    /// Whether it starts with the host.
    pub autostart: bool,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// Its memory, for the plan's words.
    pub memory: Size,
    /// What says that it is up; nobody waits for it if `None`.
    pub ready: Option<Box<Readiness>>,
}

/// What says that a machine is up, with what has to be known to ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Readiness {
    /// The signal, and how long it may take.
    pub ready: Ready,
    /// Its interfaces: the network's name on its host, and the interface's MAC.
    pub interfaces: Vec<(Arc<str>, Mac)>,
    /// Its addresses that are known beforehand.
    pub addresses: Vec<IpAddr>,
}
