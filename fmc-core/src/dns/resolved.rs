//! The DNS of a checked cloud: the draft, whose leaves are all right, with what the check adds.

use std::sync::Arc;

use super::{DnsName, Zone};
use crate::checked::PublishedName;
use crate::name::{DomainName, Fqdn};

/// The DNS of a checked cloud.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedDns {
    /// The domain of the cloud, if it has one.
    pub domain: Option<DomainName>,
    /// The names that roles of machines publish, by address.
    pub published: Vec<PublishedName>,
    said: Arc<super::Dns>,
}

impl CheckedDns {
    pub(crate) fn new(said: super::Dns, domain: Option<DomainName>) -> Self {
        Self { domain, published: Vec::new(), said: Arc::new(said) }
    }

    /// The draft.
    pub(crate) fn said(&self) -> &super::Dns {
        &self.said
    }

    /// The stated settings of a zone.
    pub(crate) fn zone(&self, name: &str) -> Option<&Zone> {
        self.said.zones.get(name)
    }

    /// Whether one of its forward zones is around a name: the zone of the cloud's domain, or a stated one.
    pub fn serves(&self, name: &Fqdn) -> bool {
        let stated = self.said.zones.iter().filter_map(|zone| zone.name.ok());
        let name = DnsName::from(name);
        stated.chain(&self.domain).any(|zone| name.is_within(&zone.into()))
    }

    /// The server that a zone has if it names none: the only one, or the default one.
    pub(crate) fn default_server(&self) -> Option<&str> {
        let servers = &self.said.servers;
        let mut defaults = servers.iter().filter(|server| servers.len() == 1 || server.default);
        let first = defaults.next()?;
        if defaults.next().is_some() { None } else { Some(first.name.ok()?.as_str()) }
    }
}
