//! A platform: what runs inside a cluster, as one value of a cloud.

mod check;

use fmc_core::finding::OwnKind;
use fmc_core::given::Given;
use fmc_core::name::ClusterName;
use fmc_core::role::{FileSpanningRole, RoleFindings, SpanMembers, SpanSite, SpanningRole};
use serde::{Deserialize, Serialize};

use crate::name::{ObjectName, PortName};
use crate::stateful::Stateful;
use crate::workload::{Deployment, Workload};

/// What runs inside a K3s cluster of a cloud, by namespace.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::{Container, Probe};
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::quantity::CpuExt as _;
/// use fmc_k8s::workload::Deployment;
///
/// let web = Container::new("web", "registry.example.org/shop/web:1.4.2", 100.millicores(), 128.mib())
///     .port("http", 8080)
///     .ready(Probe::http("http", "/healthz"));
/// let shop = Namespace::new("shop").deployment(Deployment::new("web", web).expose(80, "http"));
/// let platform = Platform::on("prod").namespace(shop);
/// let kinds: Vec<&str> = platform.manifests().iter().map(|manifest| manifest.kind().name).collect();
/// assert_eq!(kinds, ["Namespace", "NetworkPolicy", "NetworkPolicy", "Deployment", "Service"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub(crate) cluster: Given<ClusterName>,
    #[serde(default)]
    pub(crate) namespaces: Vec<Namespace>,
}

/// A namespace with its workloads. Its pods must satisfy the standard `restricted`, and nothing in it is reached or reaches anything
/// but names, unless a [connection](Namespace::connect) says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Namespace {
    pub(crate) name: Given<ObjectName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deployments: Vec<Deployment>,
    /// Workloads that keep data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) stateful_sets: Vec<Stateful>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) connections: Vec<Connection>,
}

/// One workload may talk to another one at a port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The workload that asks.
    pub(crate) from: Given<ObjectName>,
    /// The workload that answers.
    pub(crate) to: Given<ObjectName>,
    /// Its container's port, by name.
    pub(crate) port: Given<PortName>,
}

impl Platform {
    /// An empty platform of a cluster.
    pub fn on(cluster: impl Into<Given<ClusterName>>) -> Self {
        Self { cluster: cluster.into(), namespaces: Vec::new() }
    }

    /// A namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespaces.push(namespace);
        self
    }
}

impl Namespace {
    /// An empty namespace.
    pub fn new(name: impl Into<Given<ObjectName>>) -> Self {
        Self {
            name: name.into(),
            deployments: Vec::new(),
            stateful_sets: Vec::new(),
            connections: Vec::new(),
        }
    }

    /// Pods that are alike.
    #[must_use]
    pub fn deployment(mut self, deployment: Deployment) -> Self {
        self.deployments.push(deployment);
        self
    }

    /// Pods that keep data.
    #[must_use]
    pub fn stateful(mut self, stateful: Stateful) -> Self {
        self.stateful_sets.push(stateful);
        self
    }

    /// Its workloads of every kind, each with its path.
    pub(crate) fn workloads(&self) -> Vec<(String, Workload<'_>)> {
        let deployments = self.deployments.iter().enumerate();
        let deployments = deployments.map(|(index, one)| (format!("deployments[{index}]"), one.into()));
        let sets = self.stateful_sets.iter().enumerate();
        let sets = sets.map(|(index, one)| (format!("stateful_sets[{index}]"), one.into()));
        deployments.chain(sets).collect()
    }

    /// A workload may talk to another one at a port of its containers. Both network policies follow.
    #[must_use]
    pub fn connect(
        mut self,
        from: impl Into<Given<ObjectName>>,
        to: impl Into<Given<ObjectName>>,
        port: impl Into<Given<PortName>>,
    ) -> Self {
        self.connections.push(Connection { from: from.into(), to: to.into(), port: port.into() });
        self
    }
}

impl SpanningRole for Platform {
    fn instance(&self) -> Option<&str> {
        self.cluster.ok().map(ClusterName::as_str)
    }

    /// Its machines are those of its cluster, which has them.
    fn members(&self) -> SpanMembers<'_> {
        SpanMembers::new()
    }

    fn settings(&self, findings: &mut RoleFindings<'_>) {
        check::settings(self, findings);
    }

    fn check(&self, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
        check::together(self, site, findings);
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }
}

impl FileSpanningRole for Platform {
    const KIND: &'static str = "platform";
    const FINDINGS: &'static [OwnKind] = check::KINDS;
}
