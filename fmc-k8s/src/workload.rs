//! Workloads: pods that are alike.

use fmc_core::given::Given;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::container::Container;
use crate::kind::{self, Kind};
use crate::name::{NeededObject, ObjectName, PortName};
use crate::quantity::Percent;
use crate::stateful::VolumeClaim;

/// Pods that are alike and keep nothing: any of them can take a request.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::{Container, Probe};
/// use fmc_k8s::quantity::CpuExt as _;
/// use fmc_k8s::workload::Deployment;
///
/// let container = Container::new("web", "registry.example.org/shop/web:1.4.2", 100.millicores(), 128.mib())
///     .port("http", 8080)
///     .ready(Probe::http("http", "/healthz"));
/// let web = Deployment::new("web", container).replicas(2).expose(80, "http");
/// # drop(web);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    pub(crate) name: Given<ObjectName>,
    /// The number of pods: 1 if not said.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) replicas: u16,
    /// Whether others decide the number of pods, as a HorizontalPodAutoscaler among the `objects`. `replicas` is then what the budget
    /// counts with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) autoscaled: bool,
    /// Between which numbers of pods a load decides. The budget counts with the greatest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) autoscale: Option<Autoscale>,
    pub(crate) containers: Vec<Container>,
    /// The ports at which other workloads reach it under its name.
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

/// The number of pods that a load needs, which a HorizontalPodAutoscaler decides.
///
/// ```
/// use fmc_k8s::workload::Autoscale;
///
/// // As many that they use four fifths of the CPUs that they are sure of.
/// let scale = Autoscale::between(2, 8).cpu("80%");
/// # drop(scale);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Autoscale {
    /// The least number of pods: 1 if not said.
    #[serde(default = "one")]
    pub(crate) min: u16,
    /// The greatest number of pods.
    pub(crate) max: u16,
    /// The part of its `cpu` that a pod is to use on average, as `80%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Percent>>,
    /// The part of its `memory` that a pod is to use on average, as `80%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Given<Percent>>,
}

/// A port of a workload's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Exposed {
    /// The port at the name.
    pub(crate) port: u16,
    /// The container's port, by its name.
    pub(crate) to: Given<PortName>,
}

/// A workload of any kind, as the rules and the compile see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload<'a> {
    pub(crate) name: &'a Given<ObjectName>,
    /// The kind of the object that makes its pods, as if an operator did not.
    pub(crate) kind: &'static Kind,
    /// The number of pods that run at once.
    pub(crate) replicas: u16,
    pub(crate) containers: &'a [Container],
    pub(crate) expose: &'a [Exposed],
    pub(crate) claims: &'a [VolumeClaim],
    /// Whether its pods tolerate the taints of servers.
    pub(crate) on_servers: bool,
    pub(crate) priority: Option<&'a Given<ObjectName>>,
    pub(crate) account: Option<&'a Account>,
    /// The label of its pods, if an operator makes them.
    pub(crate) label: Option<(&'a str, &'a str)>,
    pub(crate) needs: &'a [Given<NeededObject>],
    /// Whether it is made of a service, whose settings are those of its only container and claim.
    pub(crate) is_service: bool,
}

impl Workload<'_> {
    /// The name of the service with the addresses of its pods.
    pub(crate) fn pods_name(&self) -> String {
        format!("{}-pods", self.name)
    }

    /// Whether its pods end by themselves.
    pub(crate) fn ends(&self) -> bool {
        [kind::JOB, kind::CRON_JOB].contains(self.kind)
    }

    /// Whether it has measurements.
    pub(crate) fn is_measured(&self) -> bool {
        self.containers.iter().any(|container| container.metrics.is_some())
    }

    /// The path of a container below that of the workload; `None` if it is the same.
    pub(crate) fn container_path(&self, index: usize) -> Option<String> {
        (!self.is_service).then(|| format!("containers[{index}]"))
    }
}

impl<'a> From<&'a Deployment> for Workload<'a> {
    fn from(of: &'a Deployment) -> Self {
        Self {
            name: &of.name,
            kind: &kind::DEPLOYMENT,
            replicas: of.autoscale.as_ref().map_or(of.replicas, |scale| scale.max),
            containers: &of.containers,
            expose: &of.expose,
            claims: &[],
            on_servers: false,
            priority: of.priority.as_ref(),
            account: of.account.as_ref(),
            label: None,
            needs: &of.needs,
            is_service: false,
        }
    }
}

pub(crate) const fn one() -> u16 {
    1
}

/// Whether a number is the default one.
pub(crate) const fn is_one(number: &u16) -> bool {
    *number == one()
}

pub(crate) const fn patience() -> u32 {
    300
}

impl Autoscale {
    /// From so many pods to so many.
    pub const fn between(min: u16, max: u16) -> Self {
        Self { min, max, cpu: None, memory: None }
    }

    /// The part of its CPUs that a pod is to use on average, as `80%`.
    #[must_use]
    pub fn cpu(self, part: impl Into<Given<Percent>>) -> Self {
        Self { cpu: Some(part.into()), ..self }
    }

    /// The part of its memory that a pod is to use on average, as `80%`.
    #[must_use]
    pub fn memory(self, part: impl Into<Given<Percent>>) -> Self {
        Self { memory: Some(part.into()), ..self }
    }
}

impl Deployment {
    /// One pod with one container.
    pub fn new(name: impl Into<Given<ObjectName>>, container: Container) -> Self {
        Self {
            name: name.into(),
            replicas: one(),
            autoscaled: false,
            autoscale: None,
            containers: vec![container],
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

    /// Others decide the number of pods, as a HorizontalPodAutoscaler; the budget counts with [`replicas`](Self::replicas).
    #[must_use]
    pub fn autoscaled(self) -> Self {
        Self { autoscaled: true, ..self }
    }

    /// A load decides the number of pods. The autoscaler follows, and the budget counts with the greatest number.
    #[must_use]
    pub fn autoscale(self, scale: Autoscale) -> Self {
        Self { autoscale: Some(scale), ..self }
    }

    /// Whether it does not say its number of pods itself.
    pub(crate) fn is_autoscaled(&self) -> bool {
        self.autoscaled || self.autoscale.is_some()
    }

    /// Other workloads reach it at its name and this port, which leads to a container's port. The `Service` follows.
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
}
