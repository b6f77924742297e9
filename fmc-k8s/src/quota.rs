//! The most that a namespace takes, and which pods go first when a node is full.

use fmc_core::given::Given;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::name::ObjectName;
use crate::quantity::Cpu;

/// The name of the quota of a namespace.
pub(crate) const QUOTA: &str = "quota";

/// The name of the limits of a namespace.
pub(crate) const LIMITS: &str = "limits";

/// The most that the pods and claims of a namespace take together. What is more is refused by the server.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::quota::Quota;
///
/// let quota = Quota::new().pods(20).cpu("4").memory(8.gib());
/// # drop(quota);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// The number of pods that have not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pods: Option<u32>,
    /// The CPUs that they are sure of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The memory that they are sure of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Given<Size>>,
    /// The size of all volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage: Option<Given<Size>>,
}

/// The least and the most of each container of a namespace, and what one gets that does not say it.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::quota::{ContainerResources, Limits};
///
/// let limits = Limits::new()
///     .max(ContainerResources::new().cpu("2").memory(4.gib()))
///     .default_request(ContainerResources::new().cpu("100m").memory(128.mib()));
/// # drop(limits);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The least that a container asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<ContainerResources>,
    /// The greatest limit of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<ContainerResources>,
    /// The limit of a container that does not say one: of an object in the form of the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<ContainerResources>,
    /// What such a container is sure of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default_request: Option<ContainerResources>,
}

/// CPUs and memory of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ContainerResources {
    /// The share of CPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Given<Size>>,
}

/// A priority class: when a node is full, pods with a smaller value make room for those with a greater one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PriorityClass {
    pub(crate) name: Given<ObjectName>,
    /// The value, at most a billion. Pods without a class have 0.
    pub(crate) value: i32,
    /// Whether its pods end none with a smaller value, and only come before them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) never_preempts: bool,
}

impl Quota {
    /// One without bounds, which the check refuses.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of pods.
    #[must_use]
    pub fn pods(self, pods: u32) -> Self {
        Self { pods: Some(pods), ..self }
    }

    /// The CPUs that pods are sure of, together.
    #[must_use]
    pub fn cpu(self, cpu: impl Into<Given<Cpu>>) -> Self {
        Self { cpu: Some(cpu.into()), ..self }
    }

    /// The memory that pods are sure of, together.
    #[must_use]
    pub fn memory(self, memory: impl Into<Given<Size>>) -> Self {
        Self { memory: Some(memory.into()), ..self }
    }

    /// The size of all volumes.
    #[must_use]
    pub fn storage(self, storage: impl Into<Given<Size>>) -> Self {
        Self { storage: Some(storage.into()), ..self }
    }
}

impl Limits {
    /// One without bounds, which the check refuses.
    pub fn new() -> Self {
        Self::default()
    }

    /// The least that a container asks for.
    #[must_use]
    pub fn min(self, min: ContainerResources) -> Self {
        Self { min: Some(min), ..self }
    }

    /// The greatest limit of a container.
    #[must_use]
    pub fn max(self, max: ContainerResources) -> Self {
        Self { max: Some(max), ..self }
    }

    /// The limit of a container that does not say one.
    #[must_use]
    pub fn default_limit(self, limit: ContainerResources) -> Self {
        Self { default: Some(limit), ..self }
    }

    /// What a container is sure of that does not say it.
    #[must_use]
    pub fn default_request(self, request: ContainerResources) -> Self {
        Self { default_request: Some(request), ..self }
    }

    /// Its parts, by their keys.
    pub(crate) fn parts(&self) -> [(&'static str, Option<&ContainerResources>); 4] {
        [
            ("min", self.min.as_ref()),
            ("max", self.max.as_ref()),
            ("default", self.default.as_ref()),
            ("default_request", self.default_request.as_ref()),
        ]
    }
}

impl ContainerResources {
    /// Neither of both.
    pub fn new() -> Self {
        Self::default()
    }

    /// The share of CPUs.
    #[must_use]
    pub fn cpu(self, cpu: impl Into<Given<Cpu>>) -> Self {
        Self { cpu: Some(cpu.into()), ..self }
    }

    /// The memory.
    #[must_use]
    pub fn memory(self, memory: impl Into<Given<Size>>) -> Self {
        Self { memory: Some(memory.into()), ..self }
    }
}

impl PriorityClass {
    /// A class with a value.
    pub fn new(name: impl Into<Given<ObjectName>>, value: i32) -> Self {
        Self { name: name.into(), value, never_preempts: false }
    }

    /// Its pods end none with a smaller value.
    #[must_use]
    pub fn never_preempts(self) -> Self {
        Self { never_preempts: true, ..self }
    }
}
