//! Workloads of which each node has a pod.

use fmc_core::given::Given;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::container::Container;
use crate::kind;
use crate::name::{NeededObject, ObjectName, PortName};
use crate::workload::{Exposed, Workload, one, patience};

/// A pod on each node, as one that ships logs. It is on no node with a taint that keeps pods away, unless it is
/// [on servers](DaemonSet::on_servers) too. A machine's own measurements need none: machines have a node exporter.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::Container;
/// use fmc_k8s::daemon::DaemonSet;
/// use fmc_k8s::quantity::CpuExt as _;
///
/// let container = Container::new("shipper", "registry.example.org/logs/shipper:2.1", 50.millicores(), 64.mib())
///     .user(1000)
///     .host_path("/var/log/pods", "/var/log/pods");
/// let shipper = DaemonSet::new("shipper", container).on_servers();
/// # drop(shipper);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DaemonSet {
    pub(crate) name: Given<ObjectName>,
    pub(crate) containers: Vec<Container>,
    /// Whether it is on servers that keep other pods away by `CriticalAddonsOnly` or `node-role.kubernetes.io/control-plane` too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) on_servers: bool,
    /// The ports at which other workloads reach any of its pods under its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) expose: Vec<Exposed>,
    /// The priority class of its pods: of `priority_classes` of the platform, or one that every cluster has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<Given<ObjectName>>,
    /// The rights of its pods at the cluster's API. Without them the pods have no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Account>,
    /// Objects that are ready before it is made or changed, by kind and name, as `stateful-set/db`, or as `cluster.postgresql.cnpg.io/data/db` in another namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) needs: Vec<Given<NeededObject>>,
    /// How long an apply waits until its pods are ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

impl DaemonSet {
    /// A pod with one container on each node.
    pub fn new(name: impl Into<Given<ObjectName>>, container: Container) -> Self {
        Self {
            name: name.into(),
            containers: vec![container],
            on_servers: false,
            expose: Vec::new(),
            priority: None,
            account: None,
            needs: Vec::new(),
            ready_within: patience(),
        }
    }

    /// A further container in each pod.
    #[must_use]
    pub fn container(mut self, container: Container) -> Self {
        self.containers.push(container);
        self
    }

    /// It is on servers that keep other pods away too.
    #[must_use]
    pub fn on_servers(self) -> Self {
        Self { on_servers: true, ..self }
    }

    /// Other workloads reach any of its pods at its name and this port, which leads to a container's port.
    #[must_use]
    pub fn expose(mut self, port: u16, to: impl Into<Given<PortName>>) -> Self {
        self.expose.push(Exposed { port, to: to.into() });
        self
    }

    /// The priority class of its pods.
    #[must_use]
    pub fn priority(self, class: impl Into<Given<ObjectName>>) -> Self {
        Self { priority: Some(class.into()), ..self }
    }

    /// The rights of its pods at the cluster's API.
    #[must_use]
    pub fn account(self, account: Account) -> Self {
        Self { account: Some(account), ..self }
    }

    /// An object of its namespace that is ready before it is made or changed, by kind and name, as `stateful-set/db`.
    #[must_use]
    pub fn needs(mut self, object: impl Into<Given<NeededObject>>) -> Self {
        self.needs.push(object.into());
        self
    }

    /// How long an apply waits until its pods are ready, in seconds; 0 for not at all.
    #[must_use]
    pub fn ready_within(self, seconds: u32) -> Self {
        Self { ready_within: seconds, ..self }
    }
}

impl<'a> From<&'a DaemonSet> for Workload<'a> {
    fn from(of: &'a DaemonSet) -> Self {
        Self {
            name: &of.name,
            kind: &kind::DAEMON_SET,
            replicas: one(),
            on_servers: of.on_servers,
            containers: &of.containers,
            expose: &of.expose,
            claims: &[],
            priority: of.priority.as_ref(),
            account: of.account.as_ref(),
            label: None,
            needs: &of.needs,
            is_service: false,
        }
    }
}
