//! The servers of a checked cloud's zones, each at its address.

use std::net::IpAddr;

use super::{DnsName, DnsServer, ForwardPolicy, IpaLogin, ReadBy, TsigAlgorithm, TsigKey};
use crate::addr::Ip;
use crate::checked::{Checked, Machine};
use crate::given::Given;
use crate::name::{DomainName, Fqdn, IpaUserName};
use crate::secret::SecretRef;

/// The servers of a cloud's zones, by name; none if it has no DNS of its own.
///
/// ```
/// use fmc_core::cloud::Cloud;
/// use fmc_core::dns::{Dns, DnsServer, servers_of};
///
/// let ns1 = DnsServer::at("ns1", "192.0.2.53").fqdn("ns1.example.org");
/// let checked = Cloud::new("first").domain("example.org").dns(Dns::new().server(ns1)).check()?;
/// assert_eq!(servers_of(&checked)[0].port, 53);
/// # Ok::<(), fmc_core::finding::Report>(())
/// ```
pub fn servers_of(checked: &Checked) -> Vec<ZoneServer> {
    let said = checked.dns().into_iter().flat_map(|dns| &dns.said().servers);
    let mut servers: Vec<ZoneServer> = said.filter_map(|said| ZoneServer::of(said, checked)).collect();
    servers.sort_by(|one, other| one.name.cmp(&other.name));
    servers
}

/// The domains that servers of a cloud forward, by name: each with its server and where it asks.
pub fn forward_zones_of(checked: &Checked) -> Vec<(DnsName, String, Forwarding)> {
    let Some(dns) = checked.dns() else { return Vec::new() };
    let said = dns.said().forward_zones.iter().filter_map(|said| {
        let server = said.server.as_ref().and_then(Given::ok).map(|server| server.as_str());
        let server = server.or_else(|| dns.default_server())?.to_owned();
        Some((said.name.ok()?.into(), server, Forwarding::of(&said.forwarders, said.policy)))
    });
    let mut zones: Vec<(DnsName, String, Forwarding)> = said.collect();
    zones.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    zones
}

/// Where a server asks for names that it does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarding {
    /// The servers that it asks.
    pub forwarders: Vec<IpAddr>,
    /// Whether it asks the root servers, too.
    pub policy: ForwardPolicy,
}

impl Forwarding {
    fn of(said: &[Given<Ip>], policy: ForwardPolicy) -> Self {
        Self { forwarders: said.iter().filter_map(|ip| Some(ip.ok()?.get())).collect(), policy }
    }
}

/// A server of zones.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ZoneServer {
    /// Its name in the cloud.
    pub name: String,
    /// The address at which it is asked.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its own name in DNS, if it has one.
    pub fqdn: Option<Fqdn>,
    /// The machine of the cloud that it is on, by name.
    pub machine: Option<String>,
    /// The key of updates. Without one, and without a login of FreeIPA, the zones are only exported.
    pub key: Option<ServerKey>,
    /// The key of zone transfers.
    pub transfer_key: Option<ServerKey>,
    /// How its zones are read, if it has a key.
    pub read_by: ReadBy,
    /// The login of a FreeIPA server.
    pub ipa: Option<ServerIpa>,
    /// Where a FreeIPA server asks for names outside of its zones, if the cloud says so.
    pub forwarding: Option<Forwarding>,
}

impl ZoneServer {
    /// Whether its zones are kept up to date, by a key or by a login.
    pub fn is_kept(&self) -> bool {
        self.key.is_some() || self.ipa.is_some()
    }
}

/// The login of a FreeIPA server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerIpa {
    /// The credentials of the login.
    pub credentials: IpaCredentials,
    /// The server's certificate authority in PEM, by reference.
    pub ca: SecretRef,
    /// The port of its API.
    pub port: u16,
}

/// The credentials of a login at a FreeIPA server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum IpaCredentials {
    /// A user and its password.
    Password {
        /// The user.
        user: IpaUserName,
        /// Its password, by reference.
        password: SecretRef,
    },
    /// The Kerberos ticket of the person who runs fmc.
    Ticket,
}

impl IpaCredentials {
    fn of(said: &IpaLogin) -> Option<Self> {
        if said.kerberos {
            return Some(Self::Ticket);
        }
        let user = said.user.as_ref()?.ok()?.clone();
        Some(Self::Password { user, password: said.password.as_ref()?.reference()? })
    }

    /// The name of the user, or words for the owner of a ticket.
    pub fn user(&self) -> &str {
        match self {
            Self::Password { user, .. } => user.as_str(),
            Self::Ticket => "the owner of the Kerberos ticket",
        }
    }

    /// The password, if there is one.
    pub fn password(&self) -> Option<&SecretRef> {
        match self {
            Self::Password { password, .. } => Some(password),
            Self::Ticket => None,
        }
    }
}

impl ServerIpa {
    fn of(said: &IpaLogin) -> Option<Self> {
        Some(Self {
            credentials: IpaCredentials::of(said)?,
            ca: said.ca.as_ref()?.reference()?,
            port: said.port.as_ref().and_then(Given::ok).map_or(443, |port| port.get()),
        })
    }
}

/// A key by which a server knows who asks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerKey {
    /// Its name.
    pub name: DomainName,
    /// Its algorithm.
    pub algorithm: TsigAlgorithm,
    /// Its bytes in base64, by reference.
    pub secret: SecretRef,
}

impl ServerKey {
    fn of(said: &TsigKey) -> Option<Self> {
        Some(Self {
            name: said.name.ok()?.clone(),
            algorithm: said.algorithm,
            secret: said.secret.reference()?,
        })
    }
}

impl ZoneServer {
    /// The server with its address; `None` if it has none.
    pub(crate) fn of(said: &DnsServer, checked: &Checked) -> Option<Self> {
        let machine = said.machine.as_ref().and_then(Given::ok);
        let machine: Option<&Machine> = machine.and_then(|name| checked.machine(name.as_str()));
        let own = said.address.as_ref().and_then(|address| Some(address.ok()?.get()));
        let key = said.key.as_ref().and_then(ServerKey::of);
        Some(Self {
            name: said.name.ok()?.to_string(),
            address: own.or_else(|| machine?.address())?,
            port: said.port.as_ref().and_then(Given::ok).map_or(53, |port| port.get()),
            fqdn: said.fqdn.as_ref().and_then(Given::ok).cloned().or_else(|| machine?.fqdn.clone()),
            machine: machine.map(|machine| machine.name.to_string()),
            transfer_key: said.transfer_key.as_ref().and_then(ServerKey::of).or_else(|| key.clone()),
            key,
            read_by: said.read_by,
            ipa: said.ipa.as_ref().and_then(ServerIpa::of),
            forwarding: (!said.forwarders.is_empty())
                .then(|| Forwarding::of(&said.forwarders, said.forward_policy)),
        })
    }
}
