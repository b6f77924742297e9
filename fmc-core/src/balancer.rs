//! The load balancer in front of a cluster's API servers and ingress, on one machine or on several that share an
//! address.
//!
//! It passes TCP connections through unchanged: a client sees the certificate of the server that it reaches, and the
//! balancer holds no keys.
//!
//! ```
//! use fmc_core::balancer::Balancer;
//! use fmc_core::name::MachineName;
//!
//! const LB1: MachineName = MachineName::literal("lb1");
//! const LB2: MachineName = MachineName::literal("lb2");
//!
//! let one = Balancer::on(LB1);
//! let two = Balancer::on_all([LB1, LB2]).virtual_address("10.17.5.10");
//! # let _ = (one, two);
//! ```
//!
//! In a file:
//!
//! ```yaml
//! balancer: {machines: [lb1, lb2], virtual_address: 10.17.5.10}
//! ```

pub mod haproxy;
pub mod keepalived;
pub mod problem;
mod role;
pub(crate) mod room;
mod rules;
mod setup;
pub mod traefik;

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::addr::Ip;
use crate::digest::Digest;
use crate::draft::{Look, Setting, draft};
use crate::field::{is_yes, yes};
use crate::finding::At;
use crate::given::{Given, Leaf, LeafError, leaf_traits};
use crate::name::MachineName;
use crate::path::HttpUrl;
use crate::ready::TcpPort;
use crate::rust::{Expr, Names, Unsaid};

pub use role::{BalancerRole, KIND};
pub(crate) use role::{address_on, home};
pub use setup::{Entry, Nodes, Setup, Target};

/// The port of the API, on the balancer and on every server.
pub const API: u16 = 6443;

/// The port of a balancer's liveness check. Only its own machine is answered.
pub const ALIVE: u16 = 8405;

/// The HTTP path of the liveness check.
const ALIVE_PATH: &str = "/ping";

draft! {
    /// A load balancer: its machines, its software, and the ingress that it balances besides the API.
    pub struct Balancer {
        /// The machines that it is on. If there are several, the first one holds the shared address while it can.
        #[needed]
        pub(crate) machines: Vec<Given<MachineName>>,
        /// The address that several machines share by VRRP (RFC 5798): a free address of a network that all of them are
        /// on. The API is then reached by it.
        pub(crate) virtual_address: Option<Given<Ip>>,
        /// The virtual router id of the machines, 1 to 255; the last byte of the shared address by default. It must be
        /// unique on that network.
        pub(crate) virtual_router: Option<Given<VirtualRouter>>,
        /// The software that balances; by default `HAProxy` of the distribution.
        pub(crate) software: Software,
        /// The ingress that it balances besides the API; HTTP and HTTPS by default.
        #[by_hand]
        pub(crate) ingress: Ingress,
        /// Whether a machine that returns takes the shared address back from a later one in the list; it does by
        /// default. Each move of the address breaks connections.
        pub(crate) preempt: bool = true,
    }

    /// A balancer on machines.
    fn of(..);
    said Balancer::said;
}

/// The software of a balancer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Software {
    /// `HAProxy`, from the distribution.
    #[default]
    HaProxy,
    /// Traefik: one static program, fetched on the first boot. It runs on every operating system.
    Traefik {
        /// The address of the program itself, or of the `.tar.gz` that Traefik publishes, with `traefik` in it.
        url: Given<HttpUrl>,
        /// Its hash.
        digest: Given<Digest>,
    },
}

/// The ingress of a balancer: HTTP and HTTPS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    /// Whether HTTP and HTTPS are balanced; they are by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) on: bool,
    /// The port of HTTP on the balancer; 80 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http: Option<Given<TcpPort>>,
    /// The port of HTTPS on the balancer; 443 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) https: Option<Given<TcpPort>>,
    /// The port of HTTP on the nodes; by default 80, the port of K3s's own `ServiceLB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node_http: Option<Given<TcpPort>>,
    /// The port of HTTPS on the nodes; 443 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node_https: Option<Given<TcpPort>>,
    /// The nodes, by their addresses; by default those of the cluster, found by the name `ingress.CLUSTER.DOMAIN` if
    /// there is a domain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) nodes: Vec<Given<MachineName>>,
}

impl Default for Ingress {
    fn default() -> Self {
        Self { on: true, http: None, https: None, node_http: None, node_https: None, nodes: Vec::new() }
    }
}

impl Ingress {
    /// The ports of HTTP and HTTPS on the balancer; `None` if one is wrong.
    pub(crate) fn ports(&self) -> Option<(u16, u16)> {
        Some((port(self.http.as_ref(), 80)?, port(self.https.as_ref(), 443)?))
    }

    /// The ports of HTTP and HTTPS on the nodes; `None` if one is wrong.
    pub(crate) fn node_ports(&self) -> Option<(u16, u16)> {
        Some((port(self.node_http.as_ref(), 80)?, port(self.node_https.as_ref(), 443)?))
    }
}

fn port(given: Option<&Given<TcpPort>>, default: u16) -> Option<u16> {
    given.map_or(Some(default), |given| given.ok().map(|port| port.get()))
}

impl Balancer {
    /// A balancer on one machine; the API is reached by that machine's address.
    pub fn on(machine: impl Into<Given<MachineName>>) -> Self {
        Self::on_all([machine])
    }

    /// A balancer on several machines, which share [an address](Self::virtual_address). The first machine holds it
    /// while it can, then the second.
    pub fn on_all<M: Into<Given<MachineName>>>(machines: impl IntoIterator<Item = M>) -> Self {
        Self::of(machines.into_iter().map(Into::into).collect())
    }

    /// The balancer's own ports of HTTP and HTTPS; 80 and 443 by default.
    #[must_use]
    pub fn ingress_ports(
        mut self,
        http: impl Into<Given<TcpPort>>,
        https: impl Into<Given<TcpPort>>,
    ) -> Self {
        self.ingress.http = Some(http.into());
        self.ingress.https = Some(https.into());
        self
    }

    /// The nodes' ports of HTTP and HTTPS, for example those of a Service of type `NodePort`. By default they are 80
    /// and 443, which K3s's own `ServiceLB` opens on every node.
    #[must_use]
    pub fn ingress_node_ports(
        mut self,
        http: impl Into<Given<TcpPort>>,
        https: impl Into<Given<TcpPort>>,
    ) -> Self {
        self.ingress.node_http = Some(http.into());
        self.ingress.node_https = Some(https.into());
        self
    }

    /// The nodes that HTTP and HTTPS go to, by their addresses. By default they are the cluster's agents, found in DNS
    /// by `ingress.CLUSTER.DOMAIN` if the machine has a domain: one more agent then changes nothing here.
    ///
    /// The networks of the machine whose own forwarder it [asks](crate::role::Site::asks) answer for that name, for 64
    /// nodes at most. If the machine asks another resolver, that one has to answer for the name; the check says so.
    /// Traefik asks all resolvers of its machine: if one of them does not know the name, the nodes are listed instead.
    /// A machine with a list of nodes is outdated when a node is added.
    #[must_use]
    pub fn ingress_nodes<M: Into<Given<MachineName>>>(mut self, nodes: impl IntoIterator<Item = M>) -> Self {
        self.ingress.nodes = nodes.into_iter().map(Into::into).collect();
        self
    }

    /// Balance only the API.
    #[must_use]
    pub fn without_ingress(mut self) -> Self {
        self.ingress.on = false;
        self
    }

    /// The machines that it is on.
    pub fn machines(&self) -> &[Given<MachineName>] {
        &self.machines
    }

    /// The address that they share, if it is set and valid.
    pub fn shared(&self) -> Option<IpAddr> {
        self.virtual_address.as_ref()?.ok().map(|ip| ip.get())
    }

    /// The virtual router id: the configured one, or the last byte of the shared address, which differs from that of
    /// its neighbours. `None` if it is wrong, and without a shared address.
    pub fn router(&self) -> Option<VirtualRouter> {
        let shared = self.shared()?;
        match &self.virtual_router {
            Some(given) => given.ok().copied(),
            None => Some(VirtualRouter::of(shared)),
        }
    }
}

impl Balancer {
    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = match self.machines.as_slice() {
            [one] => Expr::of("Balancer::on", vec![one.rust(names)?]),
            _ => Expr::of("Balancer::on_all", vec![self.machines.rust(names)?]),
        };
        self.say_settings(&mut on, &[], names)?;
        Ok(on)
    }
}

impl Setting for Ingress {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        let Self { on: _, http, https, node_http, node_https, nodes } = self;
        http.look(&at.key("http"), look);
        https.look(&at.key("https"), look);
        node_http.look(&at.key("node_http"), look);
        node_https.look(&at.key("node_https"), look);
        nodes.look(&at.key("nodes"), look);
    }

    /// No setter takes it: a balancer has the setters of its parts.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Err("the ingress of a balancer by itself".to_owned())
    }

    fn say(&self, _: &str, balancer: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        let Self { on, http, https, node_http, node_https, nodes } = self;
        let pairs = [
            ("ingress_ports", ("http", http), ("https", https)),
            ("ingress_node_ports", ("node_http", node_http), ("node_https", node_https)),
        ];
        for (setter, (first, one), (second, other)) in pairs {
            match (one, other) {
                (None, None) => {}
                (Some(one), Some(other)) => {
                    balancer
                        .call(setter, format!("{}, {}", one.rust(names)?.line(), other.rust(names)?.line()));
                }
                _ => return Err(format!("one of `{first}` and `{second}`, which one setter takes")),
            }
        }
        if !on {
            balancer.call("without_ingress", "");
        }
        if !nodes.is_empty() {
            balancer.nest("ingress_nodes", nodes.rust(names)?);
        }
        Ok(())
    }
}

impl Setting for Software {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        if let Self::Traefik { url, digest } = self {
            let at = at.key("traefik");
            url.look(&at.key("url"), look);
            digest.look(&at.key("digest"), look);
        }
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        Ok(Expr::leaf(match self {
            Self::HaProxy => "Software::HaProxy".to_owned(),
            Self::Traefik { url, digest } => format!(
                "Software::Traefik {{ url: {}.into(), digest: {}.into() }}",
                url.rust(names)?.line(),
                digest.rust(names)?.line()
            ),
        }))
    }
}

impl From<MachineName> for Balancer {
    fn from(machine: MachineName) -> Self {
        Self::on(machine)
    }
}

impl From<&MachineName> for Balancer {
    fn from(machine: &MachineName) -> Self {
        Self::on(machine)
    }
}

/// The number of a virtual router (VRID, RFC 5798 section 5.2.3): 1 to 255, one of its own on each network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualRouter(NonZeroU8);

impl VirtualRouter {
    /// A number, when it is 1 to 255.
    pub const fn new(id: u8) -> Option<Self> {
        match NonZeroU8::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// The id that follows from an address: its last byte, and 255 for 0.
    pub fn of(address: IpAddr) -> Self {
        let last = match address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(address) => address.octets()[15],
        };
        Self(NonZeroU8::new(last).unwrap_or(NonZeroU8::MAX))
    }
}

impl fmt::Display for VirtualRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Leaf for VirtualRouter {
    const WHAT: &'static str = "virtual router id";
    const EXAMPLE: &'static str = "10";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        let id = digits.then(|| text.parse().ok()).flatten().and_then(Self::new);
        id.ok_or_else(|| LeafError::new("it is a whole number from 1 to 255"))
    }

    fn is_number() -> bool {
        true
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::number_schema::<Self>(1, 255)
    }
}

leaf_traits!(VirtualRouter);

impl From<u32> for Given<VirtualRouter> {
    fn from(id: u32) -> Self {
        Self::text(&id.to_string())
    }
}
