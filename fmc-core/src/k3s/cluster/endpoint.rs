//! The endpoint by which nodes join a cluster and people reach its API.

use serde::{Deserialize, Serialize};

use crate::addr::Ip;
use crate::balancer::Balancer;
use crate::draft::{Look, Setting};
use crate::finding::At;
use crate::given::Given;
use crate::name::DomainName;
use crate::rust::{Expr, Names, Unsaid};

/// The endpoint by which nodes join a cluster and people reach its API, at port 6443.
///
/// ```
/// use fmc_core::k3s::Endpoint;
/// use fmc_core::name::MachineName;
///
/// const LOAD_BALANCER1: MachineName = MachineName::literal("loadbalancer1");
///
/// let endpoint = Endpoint::balancer(LOAD_BALANCER1);
/// let kept_by_somebody_else = Endpoint::address("10.17.5.10");
/// # let _ = (endpoint, kept_by_somebody_else);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Endpoint {
    /// The server that begins the cluster.
    #[default]
    Server,
    /// Machines that pass connections on to all servers.
    Balancer(Box<Balancer>),
    /// An address kept outside of the cluster, which leads to the servers.
    Address(Given<Ip>),
    /// A name that leads to the servers.
    Name(Given<DomainName>),
}

impl Endpoint {
    /// A machine that passes connections on to all servers, or several that share an address.
    pub fn balancer(balancer: impl Into<Balancer>) -> Self {
        Self::Balancer(Box::new(balancer.into()))
    }

    /// An address kept outside of the cluster, which leads to the servers.
    pub fn address(address: impl Into<Given<Ip>>) -> Self {
        Self::Address(address.into())
    }

    /// A name that leads to the servers.
    pub fn name(name: impl Into<Given<DomainName>>) -> Self {
        Self::Name(name.into())
    }

    /// The server that begins the cluster itself: enough for one server.
    pub const fn server() -> Self {
        Self::Server
    }
}

impl Setting for Endpoint {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        match self {
            Self::Server => {}
            Self::Balancer(balancer) => balancer.look(&at.key("balancer"), look),
            Self::Address(address) => address.look(&at.key("address"), look),
            Self::Name(name) => name.look(&at.key("name"), look),
        }
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        Ok(match self {
            Self::Server => Expr::new("k3s::Endpoint::server()"),
            Self::Balancer(balancer) => Expr::of("k3s::Endpoint::balancer", vec![balancer.rust(names)?]),
            Self::Address(address) => Expr::of("k3s::Endpoint::address", vec![address.rust(names)?]),
            Self::Name(name) => Expr::of("k3s::Endpoint::name", vec![name.rust(names)?]),
        })
    }
}
