//! Data disks: blank volumes that outlive the machine's root.
//!
//! Data disks are raw, and thin ones are sparse files. With two formats, a change of the allocation would make QEMU read
//! an existing disk in the wrong format.

use serde::{Deserialize, Serialize};

use crate::field::is_default;
use crate::given::Given;
use crate::name::{DiskName, DiskSerial, PoolName};
use crate::named::{Keyed, unnamed};
use crate::path::AbsPath;
use crate::unit::Size;

/// How a volume takes space in its pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Allocation {
    /// Space is taken when the guest writes.
    #[default]
    Thin,
    /// All space is taken at once.
    Full,
}

/// A file system that a first boot makes on a data disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Filesystem {
    /// ext4, whose tools every image has.
    #[default]
    Ext4,
    /// XFS, whose tools every image but Debian's has.
    Xfs,
}

impl Filesystem {
    /// The name that the kernel uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }
}

/// A blank data disk. It is kept when its machine is replaced, removed or destroyed.
///
/// The guest finds it as `/dev/disk/by-id/virtio-SERIAL`; the serial is the disk's name unless said otherwise. It stays blank for
/// the guest to use, or is mounted:
///
/// ```
/// use fmc_core::disk::Disk;
/// use fmc_core::unit::SizeExt;
///
/// let disk = Disk::new("data", 50.gib()).mount("/var/lib/postgresql");
/// # let _ = disk;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Disk {
    /// Its name.
    #[serde(skip, default = "unnamed")]
    pub name: Given<DiskName>,
    /// Its size.
    pub size: Given<Size>,
    /// How the guest finds it: `/dev/disk/by-id/virtio-SERIAL`; the disk's name if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Given<DiskSerial>>,
    /// The pool that it is in; the cloud's own if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Given<PoolName>>,
    /// How it takes space: `thin` if not said, or `full`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allocation: Allocation,
    /// Where it is mounted; not at all if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<Given<AbsPath>>,
    /// The file system that the first boot makes on it: `ext4` if not said, or `xfs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<Filesystem>,
}

impl Disk {
    /// A blank disk of a size.
    pub fn new(name: impl Into<Given<DiskName>>, size: impl Into<Given<Size>>) -> Self {
        Self {
            name: name.into(),
            size: size.into(),
            serial: None,
            pool: None,
            allocation: Allocation::Thin,
            mount: None,
            filesystem: None,
        }
    }

    /// The serial that the guest sees, at most 20 characters.
    #[must_use]
    pub fn serial(mut self, serial: impl Into<Given<DiskSerial>>) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// A pool of the host; the cloud's own if not said.
    #[must_use]
    pub fn pool(mut self, pool: impl Into<Given<PoolName>>) -> Self {
        self.pool = Some(pool.into());
        self
    }

    /// Take all space at once instead of when the guest writes.
    #[must_use]
    pub fn fully_allocated(mut self) -> Self {
        self.allocation = Allocation::Full;
        self
    }

    /// Where it is mounted at every boot. The first boot makes a file system on it, unless it has one: a disk that was kept when its
    /// machine was made anew is mounted as it is. What the guest's files, directories and packages put below the path is on the disk.
    ///
    /// A machine whose disk cannot be mounted does not start its services: it must not run as if its data were gone. A disk that the
    /// guest partitions should not be mounted here: Ignition takes one without a file system of its own for blank.
    #[must_use]
    pub fn mount(mut self, path: impl Into<Given<AbsPath>>) -> Self {
        self.mount = Some(path.into());
        self
    }

    /// The file system that the first boot makes on it, mounted or not; ext4 on a disk that is mounted, if not said. A disk that has
    /// another one is never formatted: Ignition refuses to boot then.
    #[must_use]
    pub fn filesystem(mut self, filesystem: Filesystem) -> Self {
        self.filesystem = Some(filesystem);
        self
    }

    /// As a lab has it: in the cloud's own pool, and thin.
    pub(crate) fn make_small(&mut self) {
        self.pool = None;
        self.allocation = Allocation::Thin;
    }

    /// What a first boot makes on it, if it makes anything.
    pub(crate) fn formatted(&self) -> Option<Filesystem> {
        self.filesystem.or_else(|| self.mount.as_ref().map(|_| Filesystem::default()))
    }
}

impl Keyed for Disk {
    type Name = DiskName;

    fn name(&self) -> &Given<DiskName> {
        &self.name
    }

    fn with_name(self, name: Given<DiskName>) -> Self {
        Self { name, ..self }
    }
}
