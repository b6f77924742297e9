//! The way in from outside by the Gateway API: gateways that take calls, and routes that lead them to workloads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fmc_core::given::{Given, Leaf, LeafError, LeafGroup};
use fmc_core::name::DomainName;
use fmc_core::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::ingress::{CLASS, Route, Tls};
use crate::name::ObjectName;
use crate::platform::Platform;

/// The group of the kinds of the Gateway API.
pub(crate) const GROUP: &str = "gateway.networking.k8s.io";

/// The name by which Traefik knows its classes (*Traefik & Kubernetes with Gateway API*).
pub(crate) const CONTROLLER: &str = "traefik.io/gateway-controller";

/// The ports at which K3s's Traefik takes calls, and the ports of its entry points: a listener has the latter (*Listener ports* of Traefik's
/// documentation, *Values* of its chart).
pub(crate) const ENTRANCES: [(u16, u16); 2] = [(80, 8000), (443, 8443)];

/// The seconds that an apply waits for a gateway that does not say how long.
pub(crate) const READY_WITHIN: u32 = 300;

/// A gateway: where calls from outside of the cluster come in, for the routes that name it. K3s's Traefik takes its calls, once its
/// [`gateways`](crate::traefik::Traefik::gateways) are on, unless it has another [class](Gateway::class).
///
/// The namespaces whose routes name it may use it, and no others.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::{Container, Probe};
/// use fmc_k8s::gateway::{Gateway, HttpRoute, Listener};
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::quantity::CpuExt as _;
/// use fmc_k8s::traefik::Traefik;
/// use fmc_k8s::workload::Deployment;
///
/// let web = Container::new("web", "registry.example.org/shop/web:1.4.2", 100.millicores(), 128.mib())
///     .port("http", 8080)
///     .ready(Probe::http("http", "/healthz"));
/// let shop = Namespace::new("shop")
///     .deployment(Deployment::new("web", web).expose(80, "http"))
///     .gateway(Gateway::new("public").listener(Listener::new("http", 80)))
///     .http_route(HttpRoute::new("shop", "public").host("shop.example.org").route("/", "web", 80));
/// let platform = Platform::on("prod").traefik(Traefik::new().gateways()).namespace(shop);
/// let made: Vec<String> = platform.manifests().iter().map(ToString::to_string).collect();
/// assert!(made.contains(&"gateway.gateway.networking.k8s.io public".to_owned()), "{made:?}");
/// assert!(made.contains(&"network-policy web-from-outside-http".to_owned()), "{made:?}");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its name.
    pub(crate) name: Given<ObjectName>,
    /// The `GatewayClass` by which a program takes its calls: `traefik`, that of K3s's Traefik, if not said.
    #[serde(default = "traefik", skip_serializing_if = "is_traefik")]
    pub(crate) class: Given<ObjectName>,
    /// The namespace of the pods that take its calls, which the network policies let in. Said for any class but `traefik`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pods_in: Option<Given<ObjectName>>,
    /// The ports and hosts at which it takes calls.
    pub(crate) listeners: Vec<Listener>,
    /// How long an apply waits until its calls are taken, in seconds; 0 for not at all, and 300 if not said.
    #[serde(default = "within", skip_serializing_if = "is_within")]
    pub(crate) ready_within: u32,
}

/// A port of a gateway, for all hosts or for some: HTTPS with a certificate, and HTTP without.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Its name, by which a route may choose it.
    pub(crate) name: Given<ObjectName>,
    /// The port that people call: 80 or 443 with K3s's Traefik.
    pub(crate) port: u16,
    /// The host that it takes calls for, as `shop.example.org` or `*.example.org`; every host if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<Given<HostPattern>>,
    /// The certificate of its host. With one it speaks HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<Tls>,
}

/// A route from a gateway to workloads of its namespace. The network policies that let the calls through follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HttpRoute {
    /// Its name.
    pub(crate) name: Given<ObjectName>,
    /// The gateway, as `public`, or `edge/public` in the namespace `edge`.
    pub(crate) gateway: Given<GatewayName>,
    /// The listener of the gateway that alone leads to it; each of them if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) listener: Option<Given<ObjectName>>,
    /// The hosts that people call, as `shop.example.org` or `*.example.org`; those of the listener if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hosts: Vec<Given<HostPattern>>,
    /// Which workload answers for which path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) routes: Vec<Route>,
    /// Whether a call is answered with the address of the same page by HTTPS, and reaches no workload.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) redirect_https: bool,
}

/// A gateway of a route, as `public`, or `edge/public` in another namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayName(String);

/// A host, as `shop.example.org`, or all below a domain, as `*.example.org`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(String);

fn traefik() -> Given<ObjectName> {
    CLASS.into()
}

fn is_traefik(class: &Given<ObjectName>) -> bool {
    *class == traefik()
}

const fn within() -> u32 {
    READY_WITHIN
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_within(seconds: &u32) -> bool {
    *seconds == within()
}

impl Gateway {
    /// A gateway without a listener yet.
    pub fn new(name: impl Into<Given<ObjectName>>) -> Self {
        let name = name.into();
        Self { name, class: traefik(), pods_in: None, listeners: Vec::new(), ready_within: within() }
    }

    /// Another class than that of K3s's Traefik, and the namespace of the pods that take its calls.
    #[must_use]
    pub fn class(self, class: impl Into<Given<ObjectName>>, pods_in: impl Into<Given<ObjectName>>) -> Self {
        Self { class: class.into(), pods_in: Some(pods_in.into()), ..self }
    }

    /// A port at which it takes calls.
    #[must_use]
    pub fn listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// How long an apply waits until its calls are taken, in seconds; 0 for not at all.
    #[must_use]
    pub fn ready_within(self, seconds: u32) -> Self {
        Self { ready_within: seconds, ..self }
    }

    /// Whether K3s's Traefik takes its calls.
    pub(crate) fn is_of_traefik(&self) -> bool {
        is_traefik(&self.class)
    }

    /// The name of the secret with the certificate of a listener. It has dots, so that no other secret of a platform has it.
    pub(crate) fn certificate_name(&self, listener: &Listener) -> String {
        format!("gateway.{}.{}", self.name, listener.name)
    }
}

impl Listener {
    /// HTTP at a port, for every host.
    pub fn new(name: impl Into<Given<ObjectName>>, port: u16) -> Self {
        Self { name: name.into(), port, host: None, tls: None }
    }

    /// The host that it takes calls for, as `shop.example.org` or `*.example.org`.
    #[must_use]
    pub fn host(self, host: impl Into<Given<HostPattern>>) -> Self {
        Self { host: Some(host.into()), ..self }
    }

    /// The certificate of its host, and its private key, each as PEM: it speaks HTTPS.
    #[must_use]
    pub fn tls(self, certificate: Secret, key: Secret) -> Self {
        Self { tls: Some(Tls { certificate, key }), ..self }
    }
}

impl HttpRoute {
    /// A route from a gateway, as `public` or `edge/public`, to nothing yet.
    pub fn new(name: impl Into<Given<ObjectName>>, gateway: impl Into<Given<GatewayName>>) -> Self {
        Self {
            name: name.into(),
            gateway: gateway.into(),
            listener: None,
            hosts: Vec::new(),
            routes: Vec::new(),
            redirect_https: false,
        }
    }

    /// The listener of the gateway that alone leads to it.
    #[must_use]
    pub fn listener(self, listener: impl Into<Given<ObjectName>>) -> Self {
        Self { listener: Some(listener.into()), ..self }
    }

    /// A host that people call, as `shop.example.org` or `*.example.org`.
    #[must_use]
    pub fn host(mut self, host: impl Into<Given<HostPattern>>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// A workload answers below a path, at a port that it exposes.
    #[must_use]
    pub fn route(mut self, path: impl Into<String>, to: impl Into<Given<ObjectName>>, port: u16) -> Self {
        self.routes.push(Route { path: path.into(), to: to.into(), port });
        self
    }

    /// A call is answered with the address of the same page by HTTPS.
    #[must_use]
    pub fn redirect_https(self) -> Self {
        Self { redirect_https: true, ..self }
    }

    /// The namespace and the name of its gateway, for a route of a namespace; `None` if the name is wrong.
    pub(crate) fn parent(&self, namespace: &str) -> Option<(String, String)> {
        let gateway = self.gateway.ok()?;
        Some((gateway.namespace().unwrap_or(namespace).to_owned(), gateway.name().to_owned()))
    }
}

/// A namespace, and the name of a gateway there.
type Place = (String, String);

/// The gateways of a platform, by namespace and name.
#[derive(Default)]
pub(crate) struct Gateways<'a> {
    pub(crate) all: BTreeMap<Place, &'a Gateway>,
    /// The namespaces whose routes name each.
    users: BTreeMap<Place, BTreeSet<String>>,
}

impl<'a> Gateways<'a> {
    pub(crate) fn of(platform: &'a Platform) -> Self {
        let mut gateways = Self::default();
        for namespace in &platform.namespaces {
            let name = namespace.name.to_string();
            for one in &namespace.gateways {
                gateways.all.insert((name.clone(), one.name.to_string()), one);
            }
            for route in &namespace.http_routes {
                if let Some(parent) = route.parent(&name) {
                    gateways.users.entry(parent).or_default().insert(name.clone());
                }
            }
        }
        gateways
    }

    /// The gateway of a route of a namespace.
    pub(crate) fn parent(&self, route: &HttpRoute, namespace: &str) -> Option<&'a Gateway> {
        self.all.get(&route.parent(namespace)?).copied()
    }

    /// The namespaces whose routes name a gateway.
    pub(crate) fn users(&self, namespace: &str, gateway: &Gateway) -> impl Iterator<Item = &String> {
        self.users.get(&(namespace.to_owned(), gateway.name.to_string())).into_iter().flatten()
    }
}

impl GatewayName {
    /// Its namespace, if it is another one than that of the route.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.0.split_once('/')?.0)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }
}

impl Leaf for GatewayName {
    const WHAT: &'static str = "gateway";
    const EXAMPLE: &'static str = "public";
    const GROUP: LeafGroup = LeafGroup::Name;

    fn parse(text: &str) -> Result<Self, LeafError> {
        let (namespace, name) = text.split_once('/').map_or((None, text), |(one, name)| (Some(one), name));
        if let Some(namespace) = namespace {
            ObjectName::parse(namespace)?;
        }
        ObjectName::parse(name)?;
        Ok(Self(text.to_owned()))
    }
}

impl HostPattern {
    /// The host as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for HostPattern {
    const WHAT: &'static str = "host";
    const EXAMPLE: &'static str = "shop.example.org";
    const GROUP: LeafGroup = LeafGroup::Name;

    fn parse(text: &str) -> Result<Self, LeafError> {
        DomainName::parse(text.strip_prefix("*.").unwrap_or(text))?;
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Err(LeafError::new("it is an address, and a gateway tells hosts apart by their names"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
