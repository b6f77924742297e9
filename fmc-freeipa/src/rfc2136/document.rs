//! What is wanted of a server: its zones, and the names in them.

use std::net::IpAddr;
use std::sync::Arc;

use fmc_core::dns::{DnsName, ReadBy, ServerKey};
use fmc_core::graph::Address;
use fmc_core::secret::SecretRef;

use crate::wanted::{Name, Part};

/// How a server is reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Access {
    /// Its name in the cloud.
    pub(super) name: String,
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) key: ServerKey,
    pub(super) transfer_key: ServerKey,
    pub(super) read_by: ReadBy,
    /// The owner of the cloud.
    pub(super) cloud: Arc<str>,
    /// The machine of the cloud that it is on, which is there before it.
    pub(super) machine: Option<Address>,
}

impl Access {
    /// The secrets of its keys.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let transfer = (self.transfer_key != self.key).then_some(&self.transfer_key);
        std::iter::once(&self.key).chain(transfer).map(|key| &key.secret)
    }
}

/// A zone that a server has, or a name in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub(super) access: Arc<Access>,
    pub(super) zone: DnsName,
    pub(super) part: Part,
    /// Whether a person agreed that much of the zone changes.
    pub(super) is_agreed: bool,
}

impl Document {
    /// The wanted name; `None` for a zone.
    pub(super) fn name(&self) -> Option<&Name> {
        self.part.name()
    }
}
