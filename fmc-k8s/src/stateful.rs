//! Workloads that keep data: each pod has a name and volumes of its own.

use fmc_core::given::Given;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::container::Container;
use crate::kind;
use crate::name::{NeededObject, ObjectName, PortName};
use crate::workload::{Exposed, Workload, one, patience};

/// Pods that keep data. Each has a number, a name by which the others reach it (`db-0.db-pods`), and a volume for each claim, which
/// outlives it: no plan deletes one unless a person names it.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::{Container, Probe};
/// use fmc_k8s::quantity::CpuExt as _;
/// use fmc_k8s::stateful::Stateful;
///
/// let container = Container::new("db", "registry.example.org/shop/db:18.1", 500.millicores(), 1.gib())
///     .port("sql", 5432)
///     .ready(Probe::tcp("sql"))
///     .user(1000)
///     .volume("/var/lib/db", "data");
/// let db = Stateful::new("db", container).claim("data", 10.gib()).expose(5432, "sql");
/// # drop(db);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Stateful {
    pub(crate) name: Given<ObjectName>,
    /// The number of pods: 1 if not said.
    #[serde(default = "one")]
    pub(crate) replicas: u16,
    pub(crate) containers: Vec<Container>,
    /// The volumes that each pod has for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) claims: Vec<VolumeClaim>,
    /// The group that may write to the volumes; the first container's `user` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<u32>,
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

/// A volume that each pod of a workload has for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VolumeClaim {
    pub(crate) name: Given<ObjectName>,
    pub(crate) size: Given<Size>,
    /// The storage class; the cluster's default if not said, which in K3s is `local-path`: a folder on one node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Given<ObjectName>>,
    /// Whether the data must be there when its node is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) survives_node: bool,
}

impl Stateful {
    /// One pod with one container.
    pub fn new(name: impl Into<Given<ObjectName>>, container: Container) -> Self {
        Self {
            name: name.into(),
            replicas: one(),
            containers: vec![container],
            claims: Vec::new(),
            group: None,
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

    /// The number of pods.
    #[must_use]
    pub fn replicas(self, replicas: u16) -> Self {
        Self { replicas, ..self }
    }

    /// A volume of a size for each pod, in the cluster's default storage class. A container mounts it by
    /// [`Container::volume`].
    #[must_use]
    pub fn claim(self, name: impl Into<Given<ObjectName>>, size: impl Into<Given<Size>>) -> Self {
        self.claim_of(VolumeClaim::new(name, size))
    }

    /// A volume for each pod, of a storage class or with other wishes.
    #[must_use]
    pub fn claim_of(mut self, claim: VolumeClaim) -> Self {
        self.claims.push(claim);
        self
    }

    /// The group that may write to the volumes, by number: not 0.
    #[must_use]
    pub fn group(self, group: u32) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Other workloads reach any of its pods at its name and this port, which leads to a container's port.
    #[must_use]
    pub fn expose(mut self, port: u16, to: impl Into<Given<PortName>>) -> Self {
        self.expose.push(Exposed { port, to: to.into() });
        self
    }

    /// An object of its namespace that is ready before it is made or changed, by kind and name, as `cluster.postgresql.cnpg.io/db`.
    #[must_use]
    pub fn needs(mut self, object: impl Into<Given<NeededObject>>) -> Self {
        self.needs.push(object.into());
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

    /// How long an apply waits until its pods are ready, in seconds; 0 for not at all.
    #[must_use]
    pub fn ready_within(self, seconds: u32) -> Self {
        Self { ready_within: seconds, ..self }
    }

    /// The name of the service that gives each pod its name.
    pub(crate) fn pods_name(&self) -> String {
        Workload::from(self).pods_name()
    }

    /// The group that may write to the volumes.
    pub(crate) fn writers(&self) -> Option<u32> {
        self.group.or_else(|| self.containers.iter().find_map(|container| container.user))
    }
}

impl VolumeClaim {
    /// A volume of a size, in the cluster's default storage class.
    pub fn new(name: impl Into<Given<ObjectName>>, size: impl Into<Given<Size>>) -> Self {
        Self { name: name.into(), size: size.into(), class: None, survives_node: false }
    }

    /// The storage class, by its name in the cluster.
    #[must_use]
    pub fn class(self, class: impl Into<Given<ObjectName>>) -> Self {
        Self { class: Some(class.into()), ..self }
    }

    /// The data must be there when its node is not.
    #[must_use]
    pub fn survives_node(self) -> Self {
        Self { survives_node: true, ..self }
    }

    /// Whether its volumes are folders of one node each, as K3s makes them by default.
    pub(crate) fn is_on_one_node(&self) -> bool {
        self.class.as_ref().is_none_or(|class| class.to_string() == LOCAL_PATH)
    }
}

/// The storage class of K3s: a folder on the node on which a pod starts first.
pub(crate) const LOCAL_PATH: &str = "local-path";

impl<'a> From<&'a Stateful> for Workload<'a> {
    fn from(of: &'a Stateful) -> Self {
        Self {
            name: &of.name,
            kind: &kind::STATEFUL_SET,
            replicas: of.replicas,
            containers: &of.containers,
            expose: &of.expose,
            claims: &of.claims,
            on_servers: false,
            priority: of.priority.as_ref(),
            account: of.account.as_ref(),
            label: None,
            needs: &of.needs,
            is_service: false,
        }
    }
}
