//! The settings of K3s's own Traefik, which takes the calls of a cluster's ingresses.

use std::net::IpAddr;

use fmc_core::addr::Subnet;
use fmc_core::given::Given;
use serde::{Deserialize, Deserializer, Serialize};

/// The namespace of what K3s brings.
pub(crate) const NAMESPACE: &str = "kube-system";

/// The name of its chart, of its `HelmChartConfig` and of its pods.
pub(crate) const NAME: &str = "traefik";

/// The port of its measurements (*Values* of Traefik's chart, which K3s leaves as they are).
pub(crate) const METRICS: (&str, u16) = ("metrics", 9100);

/// The settings of K3s's own Traefik: they become a `HelmChartConfig`, by which K3s installs it anew (docs.k3s.io, *Networking Services*).
///
/// Each Prometheus of the platform asks it. What is not said stays as K3s has it: one pod, without a log of calls.
///
/// ```
/// use fmc_k8s::platform::Platform;
/// use fmc_k8s::traefik::Traefik;
///
/// let traefik = Traefik::new().replicas(2).access_log().redirect_https().trusted_proxy("10.17.3.12/32");
/// let platform = Platform::on("prod").traefik(traefik);
/// let made: Vec<String> = platform.manifests().iter().map(ToString::to_string).collect();
/// assert_eq!(made, ["helm-chart-config traefik"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Traefik {
    /// The number of its pods; 1 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replicas: Option<u16>,
    /// Whether its pods write each call to their log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) access_log: bool,
    /// Whether a call by HTTP is answered with the address of the same page by HTTPS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) redirect_https: bool,
    /// The addresses of proxies before it, as those of a balancer: it believes what they say of who calls, by the PROXY protocol and by
    /// `X-Forwarded-For`. It believes nobody else. An address stands for itself, and a subnet for all of its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "proxies")]
    pub(crate) trusted_proxies: Vec<Given<Subnet>>,
    /// Whether it takes the calls of gateways (Gateway API), beside those of ingresses. K3s brings the kinds with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) gateways: bool,
    /// Further arguments of its program, as `--log.level=DEBUG`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) arguments: Vec<String>,
}

/// A subnet; an address is one of itself.
fn network(given: Given<Subnet>) -> Given<Subnet> {
    let address = given.wrong().and_then(|(text, _)| text.parse::<IpAddr>().ok());
    address.map_or(given, |address| Given::value(Subnet::single(address)))
}

fn proxies<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Given<Subnet>>, D::Error> {
    Ok(Vec::deserialize(from)?.into_iter().map(network).collect())
}

impl Traefik {
    /// As K3s installs it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of its pods.
    #[must_use]
    pub fn replicas(self, replicas: u16) -> Self {
        Self { replicas: Some(replicas), ..self }
    }

    /// Its pods write each call to their log.
    #[must_use]
    pub fn access_log(self) -> Self {
        Self { access_log: true, ..self }
    }

    /// A call by HTTP is answered with the address of the same page by HTTPS.
    #[must_use]
    pub fn redirect_https(self) -> Self {
        Self { redirect_https: true, ..self }
    }

    /// The address of a proxy before it, or the network of several, which it believes who calls.
    #[must_use]
    pub fn trusted_proxy(mut self, subnet: impl Into<Given<Subnet>>) -> Self {
        self.trusted_proxies.push(network(subnet.into()));
        self
    }

    /// It takes the calls of gateways too.
    #[must_use]
    pub fn gateways(self) -> Self {
        Self { gateways: true, ..self }
    }

    /// A further argument of its program, as `--log.level=DEBUG`.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The arguments of its program that follow from its settings, in a fixed order.
    pub(crate) fn all_arguments(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.access_log {
            all.push("--accesslog=true".to_owned());
        }
        if self.redirect_https {
            let redirection = "--entryPoints.web.http.redirections.entryPoint";
            all.extend([format!("{redirection}.to=:443"), format!("{redirection}.scheme=https")]);
        }
        if !self.trusted_proxies.is_empty() {
            let proxies = self.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let by = ["web", "websecure"]
                .into_iter()
                .flat_map(|point| ["proxyProtocol", "forwardedHeaders"].map(|way| (point, way)));
            all.extend(by.map(|(point, way)| format!("--entryPoints.{point}.{way}.trustedIPs={proxies}")));
        }
        all.extend(self.arguments.iter().cloned());
        all
    }
}
