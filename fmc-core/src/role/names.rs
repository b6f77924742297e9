//! DNS names that a role gives to addresses; the networks of its machine answer for them.
//!
//! # Who answers
//!
//! The forwarder of each network of the machine whose gateway is among the machine's resolvers publishes the names, as
//! `<dns>` hosts of the network's document. libvirt 9.0 changes them while a network runs, without a restart of
//! dnsmasq. They are addresses and not SRV records: a new SRV record restarts dnsmasq, an answer over UDP has room for
//! some thirty of them and for more than 64 addresses, and Traefik reads none. HAProxy ignores a truncated answer, so
//! at most 64 nodes are published.

use std::net::IpAddr;

use crate::addr::Ip;
use crate::finding::{At, Finding, leaf};
use crate::given::Given;
use crate::name::Fqdn;

/// Names with their addresses; none by default. A name may have several addresses, and an address several names.
///
/// ```
/// use fmc_core::role::Names;
///
/// let names = Names::new().name("db.example.com", "10.17.3.13").name("db.example.com", "10.17.3.14");
/// # let _ = names;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names(Vec<(Given<Fqdn>, Given<Ip>)>);

impl Names {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an address to a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<Given<Fqdn>>, address: impl Into<Given<Ip>>) -> Self {
        self.0.push((name.into(), address.into()));
        self
    }

    /// Those whose leaves are right; a finding for each leaf that is not.
    pub(crate) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> Vec<(IpAddr, Fqdn)> {
        let at = at.key("names");
        let each = self.0.iter().enumerate().filter_map(|(index, (name, address))| {
            let at = at.index(index);
            let name = leaf(name, &at.key("name"), findings);
            let address = leaf(address, &at.key("address"), findings);
            Some((address?.get(), name?.clone()))
        });
        each.collect()
    }
}
