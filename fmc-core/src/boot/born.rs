//! Birth facts: what a machine is made with. The mark of its domain records them.
//!
//! A guest reads its image and boot configuration on its first boot only. So a later plan cannot ask the hypervisor what a
//! guest was made with: it compares the wanted facts with the recorded ones, and says what differs.
//!
//! Secrets stay out, and so does everything that is made from them: a part with a secret has no digest, and is not
//! recorded.

mod differ;
mod parts;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::Boot;
use super::inside::{Address, Family, Inside};
use crate::addr::Mac;
use crate::checked::{Checked, Machine};
use crate::given::{Leaf as _, LeafError};
use crate::image::Provisioner;
use crate::path::AbsPath;
use crate::role::RoleFacts;
use crate::secret::{Derivation, SecretScope};

pub use parts::{BornPart, Digests, PartKind};

/// The birth facts of a machine: the configuration that it was made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Born {
    /// The operating system, by its name for people.
    pub system: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// The program that reads the configuration; `None` for a machine without one.
    pub provisioner: Option<Arc<str>>,
    /// Its interfaces as the guest knows them, in the user's order.
    pub interfaces: Vec<BornInterface>,
    /// Its data disks, by name.
    pub disks: Vec<BornDisk>,
    /// The parts of its boot configuration, except those with secrets.
    pub parts: Vec<BornPart>,
    /// The facts of its roles.
    pub roles: Arc<[RoleFacts]>,
    /// The derivation of its secrets.
    pub secrets: BornSecrets,
}

/// The derivation of a machine's secrets, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BornSecrets {
    /// Not known, as in the mark of an earlier version: it knew only [`Derivation::V1`].
    #[default]
    Unknown,
    /// It has none from the root key.
    None,
    /// From the root key, in this way.
    Derived(Derivation),
}

impl BornSecrets {
    /// Those of a boot configuration.
    pub fn of(boot: Option<&Boot>, scope: &SecretScope) -> Self {
        match boot {
            Some(boot) if boot.needs_root_key() => Self::Derived(scope.derivation()),
            _ => Self::None,
        }
    }
}

impl BornSecrets {
    /// The derivation, if there are secrets from the root key and it is known.
    pub fn derivation(self) -> Option<Derivation> {
        match self {
            Self::Derived(derivation) => Some(derivation),
            Self::Unknown | Self::None => None,
        }
    }
}

/// `none`, or the derivation's number; nothing if it is not known.
impl fmt::Display for BornSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::None => f.write_str("none"),
            Self::Derived(derivation) => derivation.fmt(f),
        }
    }
}

impl FromStr for BornSecrets {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Self, LeafError> {
        let wrong = || LeafError::new("the secrets of a machine are none, 1 or 2");
        match text {
            "none" => Ok(Self::None),
            number => {
                let number = number.parse::<u8>().map_err(|_| wrong())?;
                Derivation::try_from(number).map(Self::Derived).map_err(|_| wrong())
            }
        }
    }
}

/// An interface as a guest knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BornInterface {
    /// The network.
    pub network: Arc<str>,
    /// The MAC by which the guest recognises the interface.
    pub mac: Mac,
    /// IPv4.
    pub ipv4: Option<Family>,
    /// IPv6.
    pub ipv6: Option<Family>,
}

impl BornInterface {
    /// An interface of a network.
    pub fn new(network: impl Into<Arc<str>>, mac: Mac, ipv4: Option<Family>, ipv6: Option<Family>) -> Self {
        Self { network: network.into(), mac, ipv4, ipv6 }
    }
}

/// A data disk as a guest knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BornDisk {
    /// Its name within the machine.
    pub name: Arc<str>,
    /// The serial by which the guest finds it.
    pub serial: Arc<str>,
    /// The file system that the first boot makes on it, and the key of its encryption, as [`Disk::made`](crate::checked::Disk::made) says them.
    pub filesystem: Option<Arc<str>>,
    /// Where the guest mounts it.
    pub mount: Option<Arc<str>>,
}

impl BornDisk {
    /// A disk without a file system.
    pub fn new(name: impl Into<Arc<str>>, serial: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), serial: serial.into(), filesystem: None, mount: None }
    }
}

impl Born {
    /// The data disk that a path is on.
    pub fn disk_of(&self, path: &AbsPath) -> Option<&BornDisk> {
        let mounted = self.disks.iter().filter_map(|disk| {
            let mount = AbsPath::parse(disk.mount.as_deref()?).ok()?;
            path.is_within(&mount).then_some((mount.as_str().len(), disk))
        });
        mounted.max_by_key(|(length, _)| *length).map(|(_, disk)| disk)
    }

    /// The facts of a machine of a checked cloud, with how its secrets are made.
    pub fn of(cloud: &Checked, machine: &Machine, secrets: BornSecrets, digests: &mut Digests) -> Self {
        let inside = Inside::of(cloud, machine);
        let provisioner = machine.image.os.provisioner();
        let text = |text: &dyn fmt::Display| Arc::<str>::from(text.to_string());
        Self {
            system: digests.name(machine.image.os.label()),
            version: Arc::clone(&machine.image.version),
            provisioner: provisioner.map(|provisioner| digests.name(word(provisioner))),
            interfaces: inside
                .interfaces
                .iter()
                .map(|interface| BornInterface {
                    network: digests.name(interface.network.as_str()),
                    mac: interface.mac,
                    ipv4: interface.ipv4,
                    ipv6: interface.ipv6,
                })
                .collect(),
            disks: machine
                .disks
                .iter()
                .map(|disk| BornDisk {
                    name: disk.name.as_str().into(),
                    serial: text(&disk.serial),
                    filesystem: disk.made(),
                    mount: disk.mount.as_ref().map(|mount| mount.as_str().into()),
                })
                .collect(),
            // A machine without a provisioner reads none of them.
            parts: provisioner.map(|_| digests.parts(&inside)).unwrap_or_default(),
            roles: Arc::clone(&machine.facts),
            secrets,
        }
    }
}

fn word(provisioner: Provisioner) -> &'static str {
    match provisioner {
        Provisioner::Ignition => "ignition",
        Provisioner::CloudInit => "cloud-init",
    }
}

/// `10.17.3.10/24 via 10.17.3.1`, `reserved 10.17.3.10`, or `dynamic`.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Address::Static(address, prefix) => write!(f, "{address}/{prefix}")?,
            Address::Reserved(address) => write!(f, "reserved {address}")?,
            Address::Dynamic => f.write_str("dynamic")?,
        }
        match self.gateway {
            Some(gateway) => write!(f, " via {gateway}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Family {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Self, LeafError> {
        let wrong =
            || LeafError::new("an address of an interface is ADDRESS/PREFIX, reserved ADDRESS or dynamic");
        let (address, gateway) = match text.split_once(" via ") {
            Some((address, gateway)) => (address, Some(gateway.parse::<IpAddr>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address = if address == "dynamic" {
            Address::Dynamic
        } else if let Some(address) = address.strip_prefix("reserved ") {
            Address::Reserved(address.parse().map_err(|_| wrong())?)
        } else {
            let (address, prefix) = address.split_once('/').ok_or_else(wrong)?;
            Address::Static(address.parse().map_err(|_| wrong())?, prefix.parse().map_err(|_| wrong())?)
        };
        Ok(Self { address, gateway })
    }
}

/// A MAC from its text, as in a mark or a document.
pub fn mac(text: &str) -> Option<Mac> {
    Mac::parse(text).ok()
}

#[cfg(test)]
mod tests;
