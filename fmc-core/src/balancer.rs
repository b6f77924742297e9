//! The load balancer of a cluster: what stands before its API servers and its ingress, on one machine or on several that share
//! an address.
//!
//! The calls are passed through as they are (TCP): a client sees the certificate of the server that it ends up at, and the
//! balancer has no key of anybody's.
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

/// The port at which a balancer answers whether it is alive, to its own machine alone.
pub const ALIVE: u16 = 8405;

/// Where it answers that, over HTTP.
const ALIVE_PATH: &str = "/ping";

draft! {
    /// A load balancer: which machines it is on, what it runs, and what it balances besides the API.
    pub struct Balancer {
        /// The machines that it is on. Of several, the first has the shared address as long as it can.
        #[needed]
        pub(crate) machines: Vec<Given<MachineName>>,
        /// The address that several machines share, by VRRP (RFC 5798): one of a network that all of them are on, which nothing else has. The
        /// API is then reached by it.
        pub(crate) virtual_address: Option<Given<Ip>>,
        /// The number, 1 to 255, by which the machines know each other on their network; the last byte of the shared address if not said.
        /// Nothing else on that network may have it.
        pub(crate) virtual_router: Option<Given<VirtualRouter>>,
        /// What balances; `HAProxy` of the distribution if not said.
        pub(crate) software: Software,
        /// What it balances besides the API; HTTP and HTTPS if not said.
        #[by_hand]
        pub(crate) ingress: Ingress,
        /// Whether a machine that comes back takes the shared address from one that comes after it in the list; it does if not said. Each
        /// time the address moves, connections break.
        pub(crate) preempt: bool = true,
    }

    /// A balancer on machines.
    fn of(..);
    said Balancer::said;
}

/// What balances.
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
        /// Where it is: the program itself, or the `.tar.gz` that Traefik publishes, with `traefik` in it.
        url: Given<HttpUrl>,
        /// What that must hash to.
        digest: Given<Digest>,
    },
}

/// What is balanced besides the API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    /// Whether HTTP and HTTPS are balanced; they are if not said.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) on: bool,
    /// The port of HTTP on the balancer; 80 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http: Option<Given<TcpPort>>,
    /// The port of HTTPS on the balancer; 443 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) https: Option<Given<TcpPort>>,
    /// The port of HTTP on the nodes; 80, K3s's own `ServiceLB`, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node_http: Option<Given<TcpPort>>,
    /// The port of HTTPS on the nodes; 443 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node_https: Option<Given<TcpPort>>,
    /// The nodes, by their addresses; if none is said, those of the cluster, by the name `ingress.CLUSTER.DOMAIN` where there is a domain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) nodes: Vec<Given<MachineName>>,
}

impl Default for Ingress {
    fn default() -> Self {
        Self { on: true, http: None, https: None, node_http: None, node_https: None, nodes: Vec::new() }
    }
}

impl Ingress {
    /// The ports of HTTP and HTTPS on the balancer; `None` where one is wrong.
    pub(crate) fn ports(&self) -> Option<(u16, u16)> {
        Some((port(self.http.as_ref(), 80)?, port(self.https.as_ref(), 443)?))
    }

    /// The ports of HTTP and HTTPS on the nodes; `None` where one is wrong.
    pub(crate) fn node_ports(&self) -> Option<(u16, u16)> {
        Some((port(self.node_http.as_ref(), 80)?, port(self.node_https.as_ref(), 443)?))
    }
}

fn port(given: Option<&Given<TcpPort>>, default: u16) -> Option<u16> {
    given.map_or(Some(default), |given| given.ok().map(|port| port.get()))
}

impl Balancer {
    /// A balancer on one machine, which the API is reached by.
    pub fn on(machine: impl Into<Given<MachineName>>) -> Self {
        Self::on_all([machine])
    }

    /// A balancer on several machines, which share [an address](Self::virtual_address). The first of them has it as long as it
    /// can, then the second.
    pub fn on_all<M: Into<Given<MachineName>>>(machines: impl IntoIterator<Item = M>) -> Self {
        Self::of(machines.into_iter().map(Into::into).collect())
    }

    /// The balancer's own ports of HTTP and HTTPS; 80 and 443 if not said.
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

    /// The nodes' ports of HTTP and HTTPS, as of a Service of type `NodePort`; 80 and 443 if not said, which K3s's own
    /// `ServiceLB` opens on every node.
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

    /// The nodes that HTTP and HTTPS go to, by their addresses; those of the cluster if none is said. They are its agents, by the
    /// name `ingress.CLUSTER.DOMAIN` in DNS where the machine has a domain, so that one more of them changes nothing here.
    ///
    /// The networks of the machine whose own forwarder it [asks](crate::role::Site::asks) answer for that name, for 64 nodes at most. If it
    /// asks somebody else, he has to; the check says so. Traefik asks whomever its machine asks: the nodes are listed where one of
    /// those does not know the name. A machine that has them listed is outdated by one more.
    #[must_use]
    pub fn ingress_nodes<M: Into<Given<MachineName>>>(mut self, nodes: impl IntoIterator<Item = M>) -> Self {
        self.ingress.nodes = nodes.into_iter().map(Into::into).collect();
        self
    }

    /// Balance the API alone.
    #[must_use]
    pub fn without_ingress(mut self) -> Self {
        self.ingress.on = false;
        self
    }

    /// The machines that it is on.
    pub fn machines(&self) -> &[Given<MachineName>] {
        &self.machines
    }

    /// The address that they share, if it is said and right.
    pub fn shared(&self) -> Option<IpAddr> {
        self.virtual_address.as_ref()?.ok().map(|ip| ip.get())
    }

    /// The number by which the machines know each other: the one that is said, or the last byte of the shared address, which
    /// differs from that of its neighbours. `None` where it is wrong, and without a shared address.
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

    /// The one that follows from an address: its last byte, and 255 for 0.
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
