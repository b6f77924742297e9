//! Data disks: blank volumes that outlive the machine's root.
//!
//! Data disks are raw, and thin ones are sparse files. With two formats, a change of the allocation would make QEMU read
//! an existing disk in the wrong format.

use serde::{Deserialize, Serialize};

use crate::draft::{Look, Setting, choice, draft, rule};
use crate::finding::At;
use crate::given::Given;
use crate::name::{DiskName, DiskSerial, PoolName};
use crate::path::AbsPath;
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::Secret;
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

draft! {
    /// A blank data disk. It is kept when its machine is replaced, removed or destroyed.
    ///
    /// The guest finds it as `/dev/disk/by-id/virtio-SERIAL`; the serial is the disk's name by default. It stays blank
    /// for the guest to use, or is mounted.
    ///
    /// ```
    /// use fmc_core::disk::Disk;
    /// use fmc_core::unit::SizeExt;
    ///
    /// let disk = Disk::new("data", 50.gib()).mount("/var/lib/postgresql");
    /// # let _ = disk;
    /// ```
    pub struct Disk {
        /// Its name.
        #[key]
        pub name: Given<DiskName>,
        /// The name that it had before: it stays the disk that it was, with its volume and its serial. Leave it here for as
        /// long as the disk is there; a new disk is called so on its host too.
        pub formerly: Option<Given<DiskName>>,
        /// Its size.
        #[needed]
        #[rule(rule::in_sectors)]
        pub size: Given<Size>,
        /// How the guest finds it: `/dev/disk/by-id/virtio-SERIAL`, at most 20 characters; by default the disk's name, or
        /// the one that it had before.
        pub serial: Option<Given<DiskSerial>>,
        /// The pool of the host that it is in; the cloud's own by default.
        pub pool: Option<Given<PoolName>>,
        /// How it takes space: `thin` by default, or `full`.
        #[by_hand]
        pub allocation: Allocation,
        /// Its mount point; by default it is not mounted. The first boot makes a file system on it, unless it has one:
        /// a disk that was kept when its machine was replaced is mounted unchanged. Files, directories and packages of
        /// the guest below the path are on the disk.
        ///
        /// A machine whose disk cannot be mounted does not start its services: it must not run as if its data were
        /// gone. Do not mount a disk here that the guest partitions: Ignition treats a disk without a file system of
        /// its own as blank.
        pub mount: Option<Given<AbsPath>>,
        /// The file system that the first boot makes on it, mounted or not: `ext4` or `xfs`; by default ext4 on a disk
        /// that is mounted or encrypted. A disk that has another one is never formatted: Ignition refuses to boot then.
        pub filesystem: Option<Filesystem>,
        /// The key of its encryption, a secret: the first boot encrypts the blank disk by LUKS2, and each start opens it, also when its
        /// machine was replaced. Fedora CoreOS and Flatcar can. A disk that is there without encryption, or with another key, is never
        /// encrypted anew: Ignition refuses to boot then. Without its key nobody reads it.
        pub luks_key: Option<Secret>,
    }

    /// A blank disk of a size.
    pub fn new(..);
}

impl Disk {
    /// Take all space at once instead of when the guest writes.
    #[must_use]
    pub fn fully_allocated(mut self) -> Self {
        self.allocation = Allocation::Full;
        self
    }

    /// The disk in a lab: in the cloud's own pool, and thin.
    pub(crate) fn make_small(&mut self) {
        self.pool = None;
        self.allocation = Allocation::Thin;
    }

    /// The name of its volume: the one that it had first.
    pub(crate) fn first_name(&self) -> &Given<DiskName> {
        self.formerly.as_ref().unwrap_or(&self.name)
    }

    /// Its serial, where that is right.
    #[cfg(feature = "ignition")]
    pub(crate) fn serial_text(&self) -> Option<String> {
        match &self.serial {
            Some(serial) => serial.ok().map(ToString::to_string),
            None => self.first_name().ok().map(ToString::to_string),
        }
    }

    /// The file system that a first boot makes on it, if any.
    pub(crate) fn formatted(&self) -> Option<Filesystem> {
        let is_used = self.mount.is_some() || self.luks_key.is_some();
        self.filesystem.or_else(|| is_used.then(Filesystem::default))
    }
}

choice!(Filesystem);

impl Setting for Allocation {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(Expr::leaf(format!("Allocation::{self:?}")))
    }

    fn say(&self, _: &str, disk: &mut Expr, _: &Names) -> Result<(), Unsaid> {
        if *self == Self::Full {
            disk.call("fully_allocated", "");
        }
        Ok(())
    }
}
