//! What is wanted of a FreeIPA server: its zones, and the names in them.

use std::net::IpAddr;
use std::sync::Arc;

use fmc_core::dns::{DnsName, Forwarding, ServerIpa};
use fmc_core::graph::Address;

use super::host::Host;
use super::people::PeopleEntry;
use crate::wanted::{Name, Part};

/// How a server is reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Access {
    /// Its name in the cloud.
    pub(super) name: String,
    pub(super) address: IpAddr,
    /// Its own name, by which it answers.
    pub(super) fqdn: DnsName,
    pub(super) login: ServerIpa,
    /// The machine of the cloud that it is on, which is there before it.
    pub(super) machine: Option<Address>,
    /// Whether it is the FreeIPA in which machines of the cloud enrol themselves.
    pub(super) has_hosts: bool,
    /// Whether it has the people of the cloud.
    pub(super) has_people: bool,
}

/// A zone that a server has, or a name in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub(super) access: Arc<Access>,
    /// The owner of the cloud.
    pub(super) cloud: Arc<str>,
    pub(super) zone: DnsName,
    /// The mailbox of the zone's SOA.
    pub(super) contact: DnsName,
    pub(super) part: Part,
    /// Of a forward zone, which is no zone of the server, and of the server's configuration: where names are asked for.
    pub(super) forwarding: Option<Forwarding>,
    /// Of a host, which is in no zone of the server.
    pub(super) host: Option<Host>,
    /// Of a user, a group or a rule, which are in no zone either.
    pub(super) entry: Option<Arc<PeopleEntry>>,
    /// Whether a person agreed that much of the zone changes.
    pub(super) is_agreed: bool,
}

impl Document {
    /// Whether it is a zone of the server or a name in one.
    pub(super) fn is_zoned(&self) -> bool {
        self.forwarding.is_none() && self.host.is_none() && self.entry.is_none()
    }

    /// The wanted name; `None` for a zone.
    pub(super) fn name(&self) -> Option<&Name> {
        self.part.name()
    }
}
