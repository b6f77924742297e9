//! BIND on a machine of the cloud: it has the zones of the servers of `dns` that are on this machine, takes signed updates of them, and
//! resolves other names for the cloud's networks.
//!
//! # What is in its files
//!
//! The machine's own configuration has a zone with nothing but its SOA, its servers and their addresses. All other records come by
//! updates, so that a new machine in the cloud changes records, and never the boot configuration of the server. A zone that is
//! there already is never written again: a reboot keeps what updates made of it.

mod config;
mod rules;

use crate::addr::Ip;
use crate::checked::{Checked, Machine, Network};
use crate::dns::{DnsServer, ZoneContent, servers_of, zones_of};
use crate::draft::{Setting as _, draft};
use crate::finding::OwnKind;
use crate::flow::{Flows, Peer, Service, tcp, udp};
use crate::given::Given;
use crate::guest::Guest;
use crate::image::Os;
use crate::name::{NetworkName, RoleName};
use crate::role::{CustomRole, FileRole, Needs, RoleFindings, Site, rust_of_json};
use crate::rust::{Expr, Names, Unsaid};

/// The port of DNS.
const DNS: u16 = 53;

draft! {
    /// Serves the zones of the servers of `dns` that are on this machine, and resolves other names for the cloud's networks.
    ///
    /// ```
    /// use fmc_core::bind::BindServer;
    ///
    /// let bind = BindServer::new().forwarders(["9.9.9.9", "149.112.112.112"]);
    /// # let _ = bind;
    /// ```
    ///
    /// In a file it is `bind`, or a map with its settings:
    ///
    /// ```yaml
    /// roles:
    ///   - bind: {forwarders: [9.9.9.9, 149.112.112.112]}
    /// ```
    #[derive(Default)]
    pub struct BindServer {
        /// The resolvers that it asks for names of other zones; without any it asks the root servers itself.
        #[list]
        pub(crate) forwarders: Vec<Given<Ip>>,
        /// It believes names of signed zones without a proof. Needed behind forwarders that take the proofs out.
        #[switch(without_validation)]
        pub(crate) without_validation: bool,
    }

    /// Without forwarders.
    pub fn new(..);
}

impl BindServer {
    fn expression(&self) -> Result<Expr, Unsaid> {
        self.rust(&Names::new())
    }
}

/// The servers of the cloud's zones on a machine, as the draft states them.
fn servers_on<'s>(cloud: &'s Checked, machine: &Machine) -> Vec<&'s DnsServer> {
    let said = cloud.dns().into_iter().flat_map(|dns| dns.said().servers.iter());
    let is_here = |server: &&DnsServer| {
        server.machine.as_ref().and_then(Given::ok).is_some_and(|name| *name == machine.name)
    };
    said.filter(is_here).collect()
}

/// The zones of a server.
fn zones_at(cloud: &Checked, server: &DnsServer) -> Vec<ZoneContent> {
    let name = server.name.ok().map(|name| name.as_str());
    zones_of(cloud).into_iter().filter(|zone| zone.server.as_deref() == name).collect()
}

/// The port at which a machine's server is asked.
fn port_on(cloud: &Checked, machine: &Machine) -> u16 {
    let name = machine.name.as_str();
    let server = servers_of(cloud).into_iter().find(|server| server.machine.as_deref() == Some(name));
    server.map_or(DNS, |server| server.port)
}

/// The networks that it answers: those of the cloud that have subnets.
fn networks(cloud: &Checked) -> impl Iterator<Item = &Network> {
    cloud.networks().iter().filter(|network| network.ipv4.is_some() || network.ipv6.is_some())
}

impl CustomRole for BindServer {
    fn kind(&self) -> Given<RoleName> {
        Given::text(Self::KIND)
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        config::guest(self, site)
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let port = port_on(site.cloud(), site.machine());
        let flows = site.askers(&[]).into_iter().fold(Flows::new(), |flows, network| {
            let peer = || Peer::network(Given::<NetworkName>::from(network.name.clone()));
            flows.accept(udp(port), peer()).accept(tcp(port), peer())
        });
        let forwarders: Vec<Peer> = if self.forwarders.is_empty() {
            vec![Peer::Anywhere]
        } else {
            self.forwarders.iter().filter_map(Given::ok).map(|forwarder| peer_at(*forwarder)).collect()
        };
        forwarders
            .into_iter()
            .fold(flows, |flows, peer| flows.reach(udp(DNS), peer.clone()).reach(tcp(DNS), peer))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(&[Os::Debian, Os::Rocky, Os::Almalinux]).address()
    }

    fn check(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        rules::check(self, site, findings);
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(DNS))
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }
}

/// One address as a peer.
fn peer_at(address: Ip) -> Peer {
    let length = if address.is_ipv4() { 32 } else { 128 };
    Peer::subnet(Given::text(&format!("{address}/{length}")))
}

impl FileRole for BindServer {
    const KIND: &'static str = "bind";
    const FINDINGS: &'static [OwnKind] = rules::KINDS;

    fn to_rust(&self) -> String {
        match self.expression() {
            Ok(made) => format!("Role::said({})", made.line()),
            Err(_) => rust_of_json("Role", self),
        }
    }
}
