//! The configuration of a balancer's software, whichever it is.

use std::net::IpAddr;

/// One balancer's work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setup {
    /// The cluster that it stands before.
    pub cluster: String,
    /// Whether it listens on IPv4.
    pub ipv4: bool,
    /// Whether it listens on IPv6.
    pub ipv6: bool,
    /// The API servers.
    pub servers: Vec<Target>,
    /// HTTP and HTTPS, if it has them.
    pub ingress: Option<Entry>,
}

/// A machine that calls go to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

/// HTTP and HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The port of HTTP on the balancer, and on the nodes.
    pub http: (u16, u16),
    /// The port of HTTPS on the balancer, and on the nodes.
    pub https: (u16, u16),
    /// The nodes.
    pub nodes: Nodes,
}

/// The nodes of an [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nodes {
    /// These.
    Listed(Vec<Target>),
    /// All addresses of a DNS name, asked repeatedly: one more node changes nothing here. The machine's networks
    /// publish the name, or another resolver does.
    Resolved {
        /// The name.
        name: String,
        /// The resolvers that are asked.
        resolvers: Vec<IpAddr>,
    },
}

impl Setup {
    /// The ports that it listens on besides [`ALIVE`](super::ALIVE): each with a name, the port here and the targets'
    /// port.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'static str, (u16, u16), &Nodes)> {
        self.ingress
            .iter()
            .flat_map(|entry| [("http", entry.http, &entry.nodes), ("https", entry.https, &entry.nodes)])
    }
}

/// An address with a port, as every program reads it.
pub(super) fn socket(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}
