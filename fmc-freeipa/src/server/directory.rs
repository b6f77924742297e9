//! What the server knows: its users and its zones.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::account::IpaAccount;
use super::forward::Forwarding;
use super::host::Host;
use super::people::People;

/// What a server starts with: its name, its domain with its zone, and its users.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IpaDirectory {
    fqdn: String,
    domain: String,
    #[serde(skip)]
    pub(super) accounts: BTreeMap<String, IpaAccount>,
    pub(super) zones: BTreeMap<String, IpaZone>,
    /// Domains that others are asked for.
    #[serde(default)]
    pub(super) forward_zones: BTreeMap<String, Forwarding>,
    /// Where all servers ask for what they do not have.
    #[serde(default)]
    pub(super) config: Forwarding,
    /// Machines, enrolled or not, by their full names.
    #[serde(default)]
    pub(super) hosts: BTreeMap<String, Host>,
    /// Users, groups and rules.
    #[serde(default)]
    pub(super) people: People,
    /// Zones of other servers, which the resolver of this one finds.
    pub(super) elsewhere: BTreeSet<String>,
    /// How many entries the directory gives at most, whatever a request asks for.
    pub(super) limit: usize,
}

/// A zone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct IpaZone {
    /// The attributes of the SOA and of the access.
    pub(super) attributes: BTreeMap<String, Vec<String>>,
    /// The names, relative to the zone.
    pub(super) nodes: BTreeMap<String, Node>,
}

/// A name with its records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Node {
    /// The values of each attribute (`arecord`), as they were written.
    pub(super) values: BTreeMap<String, Vec<String>>,
    pub(super) ttl: Option<String>,
    pub(super) marks: Vec<String>,
}

impl IpaDirectory {
    /// A server by its FQDN with the zone of its domain, in which it is.
    pub fn new(fqdn: &str, domain: &str) -> Self {
        let mut directory = Self {
            fqdn: fqdn.to_owned(),
            domain: absolute(domain),
            accounts: BTreeMap::new(),
            zones: BTreeMap::new(),
            forward_zones: BTreeMap::new(),
            config: Forwarding::default(),
            hosts: BTreeMap::from([(fqdn.to_lowercase(), Host::of_server())]),
            people: People::default(),
            elsewhere: BTreeSet::new(),
            limit: usize::MAX,
        };
        let zone = directory.new_zone(&directory.domain);
        directory.zones.insert(directory.domain.clone(), zone);
        directory.address(IpAddr::from([192, 0, 2, 10]))
    }

    /// The server's own address in the zone of its domain: 192.0.2.10 unless it is set.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        let host = self.fqdn.strip_suffix(&format!(".{}", self.domain.trim_end_matches('.')));
        let host = host.unwrap_or(&self.fqdn).to_owned();
        let kind = if address.is_ipv4() { "arecord" } else { "aaaarecord" };
        let values = BTreeMap::from([(kind.to_owned(), vec![address.to_string()])]);
        if let Some(zone) = self.zones.get_mut(&self.domain) {
            zone.nodes.insert(host, Node { values, ..Node::default() });
        }
        self
    }

    /// A user.
    #[must_use]
    pub fn account(mut self, name: &str, account: IpaAccount) -> Self {
        self.accounts.insert(name.to_owned(), account);
        self.people.of_account(name);
        self
    }

    /// A zone of another server that the server's resolver finds.
    #[must_use]
    pub fn zone_elsewhere(mut self, name: &str) -> Self {
        self.elsewhere.insert(absolute(name));
        self
    }

    /// How many entries a search gives at most, whatever a request asks for: a limit of the directory, or of a user.
    #[must_use]
    pub fn limit(mut self, entries: usize) -> Self {
        self.limit = entries;
        self
    }

    /// The other name in the server's certificate, which is no name to call it by.
    pub(super) fn alias(&self) -> String {
        format!("ipa-ca.{}", self.domain.trim_end_matches('.'))
    }

    pub(super) fn fqdn(&self) -> &str {
        &self.fqdn
    }

    pub(super) fn realm(&self) -> String {
        self.domain.trim_end_matches('.').to_ascii_uppercase()
    }

    /// Whether a zone is the one of FreeIPA's own domain.
    pub(super) fn is_own(&self, zone: &str) -> bool {
        zone == self.domain
    }

    /// A new zone as FreeIPA makes it, before the request's own values.
    pub(super) fn new_zone(&self, name: &str) -> IpaZone {
        let server = format!("{}.", self.fqdn);
        let realm = self.realm();
        let policy = if is_reverse(name) {
            format!("grant {realm} krb5-subdomain {name} PTR;")
        } else {
            format!(
                "grant {realm} krb5-self * A; grant {realm} krb5-self * AAAA; grant {realm} krb5-self * SSHFP;"
            )
        };
        let mailbox = format!("hostmaster.{name}");
        let attributes = [
            ("idnssoamname", server.as_str()),
            ("idnssoarname", &mailbox),
            ("idnssoaserial", "1790000000"),
            ("idnssoarefresh", "3600"),
            ("idnssoaretry", "900"),
            ("idnssoaexpire", "1209600"),
            ("idnssoaminimum", "3600"),
            ("idnsupdatepolicy", &policy),
            ("idnsallowdynupdate", "false"),
            ("idnsallowquery", "any;"),
            ("idnsallowtransfer", "none;"),
            ("idnszoneactive", "true"),
        ];
        let attributes =
            attributes.into_iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect();
        let apex =
            Node { values: BTreeMap::from([("nsrecord".to_owned(), vec![server])]), ..Node::default() };
        let mut nodes = BTreeMap::from([("@".to_owned(), apex)]);
        // A forward zone becomes a domain of the realm, which has a record of Kerberos.
        if !self.is_own(name) && !is_reverse(name) {
            let record = Node {
                values: BTreeMap::from([("txtrecord".to_owned(), vec![format!("\"{realm}\"")])]),
                ..Node::default()
            };
            nodes.insert("_kerberos".to_owned(), record);
        }
        IpaZone { attributes, nodes }
    }

    /// Whether a name has an address in a zone of this server. Names of other servers are taken as found.
    pub(super) fn resolves(&self, target: &str, zone: &str) -> bool {
        let target = if target.ends_with('.') { absolute(target) } else { format!("{target}.{zone}") };
        self.address_of(&target).unwrap_or(true)
    }

    /// Whether a full name has an address in a zone of this server. Its resolver knows no others.
    pub(super) fn has_address(&self, name: &str) -> bool {
        self.address_of(&absolute(name)).unwrap_or(false)
    }

    /// Whether an absolute name has an address; `None` if no zone of this server has the name in it.
    fn address_of(&self, target: &str) -> Option<bool> {
        let held = self.zones.iter().filter(|(name, _)| target.ends_with(&format!(".{name}")));
        let (name, zone) = held.max_by_key(|(name, _)| name.len())?;
        let relative = target.strip_suffix(&format!(".{name}")).unwrap_or_default();
        let has = |node: &Node| node.values.contains_key("arecord") || node.values.contains_key("aaaarecord");
        Some(zone.nodes.get(relative).is_some_and(has))
    }
}

/// A name in lower case with a dot at its end.
pub(super) fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.').to_lowercase())
}

pub(super) fn is_reverse(zone: &str) -> bool {
    zone.ends_with(".in-addr.arpa.") || zone.ends_with(".ip6.arpa.")
}
