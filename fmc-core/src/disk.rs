//! Data disks: blank volumes that outlive the machine's root.

use serde::{Deserialize, Serialize};

use crate::given::Given;
use crate::image::is_default;
use crate::name::{DiskName, DiskSerial, PoolName};
use crate::named::{Keyed, unnamed};
use crate::unit::Size;

/// How a volume takes space in its pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Allocation {
    /// Space is taken when the guest writes.
    #[default]
    Thin,
    /// All space is taken at once.
    Full,
}

/// A blank data disk. It is kept when its machine is replaced, removed or destroyed.
///
/// The guest finds it as `/dev/disk/by-id/virtio-SERIAL`; the serial is the disk's name unless said otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Disk {
    #[serde(skip, default = "unnamed")]
    pub(crate) name: Given<DiskName>,
    pub(crate) size: Given<Size>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) serial: Option<Given<DiskSerial>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<Given<PoolName>>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) allocation: Allocation,
}

impl Disk {
    /// A blank disk of a size.
    pub fn new(name: impl Into<Given<DiskName>>, size: impl Into<Given<Size>>) -> Self {
        Self { name: name.into(), size: size.into(), serial: None, pool: None, allocation: Allocation::Thin }
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
