//! The DNS of a cloud: zones that follow from its machines and networks, and records of its author's own.
//!
//! A draft says little: [`Dns::new`] alone makes the forward zone of the cloud's domain and the reverse zones of its networks.
//! [`zones_of`] has them as they are served, and [`ZoneContent::file`] as files.

mod address;
mod data;
pub(crate) mod derive;
mod forward;
mod name;
mod parse;
mod record;
mod resolved;
mod reverse;
pub(crate) mod rules;
mod server;
#[cfg(test)]
mod tests;
mod ttl;
mod zone;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::addr::Ip;
use crate::draft::{Setting, choice, draft};
use crate::finding::{At, Finding, leaf};
use crate::given::Given;
use crate::name::{DnsServerName, DomainName, Fqdn, IpaUserName, MachineName, NetworkName};
use crate::named::Named;
use crate::ready::TcpPort;
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::Secret;

pub use address::DnsServerAddress;
pub use data::RecordData;
pub use derive::zones_of;
pub use forward::{ForwardPolicy, ForwardZone};
pub use name::{DnsName, RecordName};
pub use record::Record;
pub use resolved::CheckedDns;
pub use rules::DnsProblem;
pub use server::{
    Forwarding, IpaCredentials, ServerIpa, ServerKey, ZoneServer, forward_zones_of, servers_of,
};
pub use ttl::Ttl;
pub use zone::{RecordSet, Soa, ZoneContent};

draft! {
    /// The DNS of a cloud. Its zones follow from the cloud: the zone of its domain, and of each network's own domain, with the
    /// addresses of the machines; and the reverse zones of its networks. Zones that are listed have further records or settings.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::dns::{Dns, DnsServer, TsigKey, Zone};
    /// use fmc_core::secret::Secret;
    ///
    /// let key = TsigKey::new("fmc-key", Secret::file("dns-key", "secrets/fmc-key"));
    /// let dns = Dns::new()
    ///     .server(DnsServer::at("ns1", "10.17.3.11").fqdn("ns1.lab.example").key(key))
    ///     .zone(Zone::new("lab.example").records("www", ["CNAME web"]).records("@", ["MX 10 mail"]));
    /// let cloud = Cloud::new("first").domain("lab.example").dns(dns);
    /// # let _ = cloud;
    /// ```
    ///
    /// In a file:
    ///
    /// ```yaml
    /// dns:
    ///   servers:
    ///     ns1:
    ///       address: 10.17.3.11
    ///       fqdn: ns1.lab.example
    ///       key: {name: fmc-key, secret: {name: dns-key, source: {file: secrets/fmc-key}}}
    ///   zones:
    ///     lab.example:
    ///       records:
    ///         www: [CNAME web]
    ///         "@": [MX 10 mail]
    /// ```
    #[derive(Default)]
    pub struct Dns {
        /// How long resolvers keep a record that has no time of its own, in seconds; 3600 by default.
        pub ttl: Option<Given<Ttl>>,
        /// The networks whose addresses have reverse zones; all of them by default.
        #[list]
        pub reverse: Vec<Given<NetworkName>>,
        /// No network has reverse zones: others have them.
        #[switch(without_reverse)]
        pub without_reverse: bool,
        /// Servers that have the zones, by name.
        #[each(server)]
        pub servers: Named<DnsServer>,
        /// Zones with records or settings of their own, by name.
        #[each(zone)]
        pub zones: Named<Zone>,
        /// Domains that a FreeIPA server asks other servers for, by name.
        #[each(forward_zone)]
        pub forward_zones: Named<ForwardZone>,
    }

    /// Zones from the cloud alone.
    pub fn new(..);
}

draft! {
    /// A server of zones. With a key the zones are kept up to date in it by dynamic updates (RFC 2136), and with a login of
    /// FreeIPA by FreeIPA's API; without both they are only exported.
    pub struct DnsServer {
        /// Its name in the cloud.
        #[key]
        pub name: Given<DnsServerName>,
        /// The address at which it is asked.
        #[by_hand]
        pub address: Option<Given<DnsServerAddress>>,
        /// The machine of the cloud that it is on, in place of an `address`.
        #[by_hand]
        pub machine: Option<Given<MachineName>>,
        /// Its own name in DNS, which the zones name as their server; by default that of its machine.
        pub fqdn: Option<Given<Fqdn>>,
        /// The port of its DNS; 53 by default.
        pub port: Option<Given<TcpPort>>,
        /// The key of updates.
        pub key: Option<TsigKey>,
        /// The key of zone transfers, by which the zones are read; by default that of updates.
        pub transfer_key: Option<TsigKey>,
        /// How a server with a key gives its zones to read: by transfer, which is the default, or name by name.
        pub read_by: ReadBy,
        /// The login of a FreeIPA server, in place of keys. It needs the server's own `fqdn`.
        pub ipa: Option<IpaLogin>,
        /// The servers that a FreeIPA server asks for names outside of its zones, by address. Without them they stay as they are.
        #[list]
        pub forwarders: Vec<Given<Ip>>,
        /// Whether it asks the root servers, too, if it has `forwarders`: `only` the forwarders by default.
        pub forward_policy: ForwardPolicy,
        /// The server that a zone has if it names none. Needed only among several.
        pub default: bool,
    }

    /// A server without an address.
    fn new(..);
    said DnsServer::said;
}

impl DnsServer {
    /// A server by its address.
    pub fn at(name: impl Into<Given<DnsServerName>>, address: impl Into<Given<DnsServerAddress>>) -> Self {
        Self { address: Some(address.into()), ..Self::new(name) }
    }

    /// A server on a machine of the cloud: it is asked at the machine's address, and its zones are made after the machine.
    pub fn on(name: impl Into<Given<DnsServerName>>, machine: impl Into<Given<MachineName>>) -> Self {
        Self { machine: Some(machine.into()), ..Self::new(name) }
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let name = self.name.rust(names)?;
        let (constructor, at) = match (&self.address, &self.machine) {
            (Some(address), None) => ("DnsServer::at", address.rust(names)?),
            (None, Some(machine)) => ("DnsServer::on", machine.rust(names)?),
            _ => return Err("a server of zones without an address and a machine, or with both".to_owned()),
        };
        let mut on = Expr::of(constructor, vec![name, at]);
        self.say_settings(&mut on, &["address", "machine"], names)?;
        Ok(on)
    }
}

draft! {
    /// A key by which a server knows who asks (TSIG, RFC 8945).
    pub struct TsigKey {
        /// Its name, which the server knows it by.
        #[needed]
        pub name: Given<DomainName>,
        /// Its bytes in base64, as `tsig-keygen` prints them.
        #[needed]
        pub secret: Secret,
        /// Its algorithm: `hmac-sha256` by default, `hmac-sha384` or `hmac-sha512`.
        pub algorithm: TsigAlgorithm,
    }

    /// A key of HMAC-SHA-256.
    pub fn new(..);
}

draft! {
    /// How the zones of a FreeIPA server are kept up to date: as a user with a password, or by a ticket of Kerberos.
    ///
    /// ```
    /// use fmc_core::dns::{DnsServer, IpaLogin};
    /// use fmc_core::secret::Secret;
    ///
    /// let password = Secret::file("ipa-password", "secrets/ipa-password");
    /// let login = IpaLogin::new("admin", password).ca(Secret::file("ipa-ca", "ipa-ca.crt"));
    /// let server = DnsServer::at("ipa", "10.17.3.10").fqdn("ipa.lab.example").ipa(login);
    /// # let _ = server;
    /// ```
    pub struct IpaLogin {
        /// The user, without its realm. It needs the role "DNS Administrators", as `admin` has it. Not with `kerberos`.
        #[by_hand]
        pub user: Option<Given<IpaUserName>>,
        /// Its password. Not with `kerberos`.
        #[by_hand]
        pub password: Option<Secret>,
        /// Logs in by the ticket of the person who runs fmc, as `kinit` gets it, in place of a user and a password. It needs a program
        /// with the feature `kerberos`, and the owner of the ticket needs the role "DNS Administrators".
        #[by_hand]
        pub kerberos: bool,
        /// The server's certificate authority in PEM: its `/etc/ipa/ca.crt`. It is the only one that is trusted. It is public, and
        /// is read where secrets are read, when a plan is made: a server of the cloud has it only once it is installed.
        pub ca: Option<Secret>,
        /// The port of its API; 443 by default.
        pub port: Option<Given<TcpPort>>,
    }

    /// A login by nothing.
    fn empty(..);
    said IpaLogin::said;
}

impl IpaLogin {
    /// A user and its password.
    pub fn new(user: impl Into<Given<IpaUserName>>, password: Secret) -> Self {
        Self { user: Some(user.into()), password: Some(password), ..Self::empty() }
    }

    /// The ticket of the person who runs fmc, as `kinit` gets it. It needs a program with the feature `kerberos`.
    ///
    /// ```
    /// use fmc_core::dns::{DnsServer, IpaLogin};
    /// use fmc_core::secret::Secret;
    ///
    /// let login = IpaLogin::kerberos().ca(Secret::file("ipa-ca", "ipa-ca.crt"));
    /// let server = DnsServer::at("ipa", "10.17.3.10").fqdn("ipa.lab.example").ipa(login);
    /// # let _ = server;
    /// ```
    pub fn kerberos() -> Self {
        Self { kerberos: true, ..Self::empty() }
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = match (&self.user, &self.password, self.kerberos) {
            (Some(user), Some(password), false) => {
                Expr::of("IpaLogin::new", vec![user.rust(names)?, password.rust(names)?])
            }
            (None, None, true) => Expr::of("IpaLogin::kerberos", Vec::new()),
            _ => {
                return Err(
                    "a login of FreeIPA that is neither a user with a password nor a ticket".to_owned()
                );
            }
        };
        self.say_settings(&mut on, &["user", "password", "kerberos"], names)?;
        Ok(on)
    }
}

/// How a server's zones are read before they are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReadBy {
    /// By one zone transfer (AXFR, RFC 5936), which has the names of others too.
    #[default]
    Transfer,
    /// By a question for each name and type, for a server that gives no transfers. An index in the zone lists the cloud's names, so that a
    /// plan finds those that nothing wants any more. It sees a name of others only where the cloud wants the same name.
    Queries,
}

choice!(ReadBy);

/// The algorithm of a key (RFC 8945 §6); older ones are not offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TsigAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// HMAC with SHA-384.
    #[serde(rename = "hmac-sha384")]
    HmacSha384,
    /// HMAC with SHA-512.
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
}

choice!(TsigAlgorithm);

impl TsigAlgorithm {
    /// Its name, as DNS and servers write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        }
    }
}

draft! {
    /// A zone with records or settings of its own, beside what follows from the cloud.
    pub struct Zone {
        /// Its name: a domain, or a reverse zone as `3.17.10.in-addr.arpa`.
        #[key]
        pub name: Given<DomainName>,
        /// The server that has it; by default the only one, or the default one.
        pub server: Option<Given<DnsServerName>>,
        /// How long resolvers keep a record of it that has no time of its own, in seconds; that of `dns` by default.
        pub ttl: Option<Given<Ttl>>,
        /// Who answers for it, as a mailbox with a dot in place of the `@`; `hostmaster` in the zone by default.
        pub contact: Option<Given<Fqdn>>,
        /// The names of its servers; by default that of the server that has it.
        #[list]
        pub name_servers: Vec<Given<Fqdn>>,
        /// Records, by name: `www: [CNAME web]`, `"@": [MX 10 mail]`, `"*.apps": [A 10.17.5.10]`, `_ldap._tcp: [SRV 0 100 389 ipa]`.
        #[by_hand]
        #[rule(look_at_records)]
        pub records: BTreeMap<Given<RecordName>, Vec<Given<Record>>>,
    }

    /// A zone without records of its own.
    pub fn new(..);
}

impl Zone {
    /// Records of a name in the zone: `@` is the zone itself, and a name with a final dot is absolute.
    #[must_use]
    pub fn records<R: Into<Given<Record>>>(
        mut self,
        name: impl Into<Given<RecordName>>,
        records: impl IntoIterator<Item = R>,
    ) -> Self {
        self.records.entry(name.into()).or_default().extend(records.into_iter().map(Into::into));
        self
    }
}

/// Looks at each name and each record.
fn look_at_records(
    records: &BTreeMap<Given<RecordName>, Vec<Given<Record>>>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    for (name, records) in records {
        let at = at.name(name);
        leaf(name, &at, findings);
        for (index, record) in records.iter().enumerate() {
            leaf(record, &at.index(index), findings);
        }
    }
}
