//! The way in from outside: HTTP by the name of a host, through the cluster's Traefik.

use fmc_core::given::Given;
use fmc_core::name::DomainName;
use fmc_core::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::name::ObjectName;

/// The class of K3s's Traefik.
pub(crate) const CLASS: &str = "traefik";

/// A host that people outside of the cluster call. K3s's Traefik takes the call on the nodes that the cluster's `ingress` names, at
/// port 80 and, with a [certificate](IngressHost::tls), at port 443 alone. The network policies that let it through follow.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::{Container, Probe};
/// use fmc_k8s::ingress::IngressHost;
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::quantity::CpuExt as _;
/// use fmc_k8s::workload::Deployment;
///
/// let web = Container::new("web", "registry.example.org/shop/web:1.4.2", 100.millicores(), 128.mib())
///     .port("http", 8080)
///     .ready(Probe::http("http", "/healthz"));
/// let shop = Namespace::new("shop")
///     .deployment(Deployment::new("web", web).expose(80, "http"))
///     .ingress(IngressHost::new("shop.example.org").route("/", "web", 80));
/// let names: Vec<String> = Platform::on("prod").namespace(shop).manifests().iter().map(|one| one.name().to_owned()).collect();
/// assert_eq!(names, ["shop", "names", "nothing", "web-from-outside-http", "web", "web", "shop.example.org"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IngressHost {
    /// The name that people call, as `shop.example.org`. It has to lead to the nodes, or to what stands before them.
    pub(crate) host: Given<DomainName>,
    /// Which workload answers for which path.
    pub(crate) routes: Vec<Route>,
    /// Its certificate. Without one it speaks HTTP alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<Tls>,
}

/// The workload that answers below a path of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The path below which it answers: `/`, which is everything, if not said. The longest path wins.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub(crate) path: String,
    /// The workload.
    pub(crate) to: Given<ObjectName>,
    /// A port that it exposes.
    pub(crate) port: u16,
}

/// The certificate of a host, with its key, both as PEM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate, and behind it those between it and its authority.
    pub(crate) certificate: Secret,
    /// Its private key.
    pub(crate) key: Secret,
}

fn all() -> String {
    "/".to_owned()
}

fn is_all(path: &str) -> bool {
    path == "/"
}

impl IngressHost {
    /// A host without a route yet.
    pub fn new(host: impl Into<Given<DomainName>>) -> Self {
        Self { host: host.into(), routes: Vec::new(), tls: None }
    }

    /// A workload answers below a path, at a port that it exposes.
    #[must_use]
    pub fn route(mut self, path: impl Into<String>, to: impl Into<Given<ObjectName>>, port: u16) -> Self {
        self.routes.push(Route { path: path.into(), to: to.into(), port });
        self
    }

    /// Its certificate and private key, each as PEM. It then speaks HTTPS alone.
    #[must_use]
    pub fn tls(self, certificate: Secret, key: Secret) -> Self {
        Self { tls: Some(Tls { certificate, key }), ..self }
    }

    /// The name of the object with its certificate. It has a dot, so that no other secret of a platform has it.
    pub(crate) fn certificate_name(&self) -> String {
        format!("tls.{}", self.host)
    }
}
