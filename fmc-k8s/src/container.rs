//! Containers, which are secure by default: each default is undone by one call that says so.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::path::AbsPath;
use fmc_core::secret::Secret;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::config_map::ConfigMap;
use crate::name::{ImageName, ObjectName, PortName};
use crate::quantity::Cpu;

/// A container of a workload.
///
/// It runs as no root, with a read-only root file system, without capabilities and without the means to get more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Container {
    pub(crate) name: Given<ObjectName>,
    pub(crate) image: Given<ImageName>,
    /// The share of CPUs that it is sure of.
    pub(crate) cpu: Given<Cpu>,
    /// The memory that it is sure of.
    pub(crate) memory: Given<Size>,
    /// The most that it may use; as much as `cpu` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_limit: Option<Given<Cpu>>,
    /// The most that it may use; as much as `memory` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory_limit: Option<Given<Size>>,
    /// The ports that it listens on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ports: Vec<Port>,
    /// The program that runs in place of the image's own, with its first arguments, as `[sh, -c]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) command: Vec<String>,
    /// Arguments of the program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) arguments: Vec<String>,
    /// Variables of its environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) environment: Vec<Variable>,
    /// Variables of its environment whose values are secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) secret_environment: Vec<SecretVariable>,
    /// The files and folders in its file system besides those of the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mounts: Vec<Mount>,
    /// The question whose answer shows that it can serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ready: Option<Probe>,
    /// The question whose missing answer shows that it has to be started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alive: Option<Probe>,
    /// How long it may take to start, in seconds: `alive` does not count before. If not said, it counts from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) starts_within: Option<u32>,
    /// Where a [Prometheus](crate::prometheus::Prometheus) of the platform asks it for its measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<Metrics>,
    /// The user that it runs as; the image's own if not said, which must be a number other than 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<u32>,
    /// Whether it may write to its image's file system.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) writable_root: bool,
}

/// A port that a container listens on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Port {
    pub(crate) name: Given<PortName>,
    /// The number, from 1 to 65535.
    pub(crate) number: u16,
}

/// Where a container answers with its measurements, in the form of Prometheus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// The port, by its name.
    pub(crate) port: Given<PortName>,
    /// The path: `/metrics` if not said.
    #[serde(default = "measurements")]
    pub(crate) path: String,
    /// Whether they are about others, as those of kube-state-metrics: their own labels `namespace` and `workload` stay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) about_others: bool,
}

fn measurements() -> String {
    "/metrics".to_owned()
}

/// A variable of a container's environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A variable of a container's environment whose value is a secret: one line of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SecretVariable {
    pub(crate) name: String,
    pub(crate) secret: Secret,
}

/// Something in a container's file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// The folder.
    pub(crate) path: Given<AbsPath>,
    pub(crate) from: MountSource,
}

/// The content of a mount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MountSource {
    /// Texts, read-only.
    Config(ConfigMap),
    /// Secrets by file name, read-only.
    Secrets(BTreeMap<String, Secret>),
    /// A volume that the pod keeps, by the name of its claim.
    Claim(Given<ObjectName>),
    /// A folder of the node, read-only, for pods on each node. Their namespace then admits pods with any right.
    HostPath(Given<AbsPath>),
    /// An empty folder of this size, which is gone with the pod.
    Scratch(Given<Size>),
}

/// A question that the kubelet asks a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Probe {
    /// A GET of this path at a port, by the port's name: any answer from 200 to 399 is good.
    Http {
        /// The port.
        port: Given<PortName>,
        /// The path, as `/healthz`.
        path: String,
    },
    /// A connection to a port, by the port's name.
    Tcp {
        /// The port.
        port: Given<PortName>,
    },
}

impl Container {
    /// A container of an image, with the CPUs and the memory that it is sure of and that it is limited to.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        image: impl Into<Given<ImageName>>,
        cpu: impl Into<Given<Cpu>>,
        memory: impl Into<Given<Size>>,
    ) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            cpu: cpu.into(),
            memory: memory.into(),
            cpu_limit: None,
            memory_limit: None,
            ports: Vec::new(),
            command: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            secret_environment: Vec::new(),
            mounts: Vec::new(),
            ready: None,
            alive: None,
            starts_within: None,
            metrics: None,
            user: None,
            writable_root: false,
        }
    }

    /// The most CPUs that it may use.
    #[must_use]
    pub fn cpu_limit(self, limit: impl Into<Given<Cpu>>) -> Self {
        Self { cpu_limit: Some(limit.into()), ..self }
    }

    /// The most memory that it may use.
    #[must_use]
    pub fn memory_limit(self, limit: impl Into<Given<Size>>) -> Self {
        Self { memory_limit: Some(limit.into()), ..self }
    }

    /// A TCP port that it listens on.
    #[must_use]
    pub fn port(mut self, name: impl Into<Given<PortName>>, number: u16) -> Self {
        self.ports.push(Port { name: name.into(), number });
        self
    }

    /// The program that runs in place of the image's own, with its first arguments, as `["sh", "-c"]`.
    #[must_use]
    pub fn command(self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { command: words.into_iter().map(Into::into).collect(), ..self }
    }

    /// An argument of the program.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push(Variable { name: name.into(), value: value.into() });
        self
    }

    /// A variable of its environment whose value is a secret, one line of text. The `Secret` of the cluster follows, in the same
    /// namespace. An apply alone knows its bytes, and the pods start again when its generation is raised.
    #[must_use]
    pub fn secret_variable(mut self, name: impl Into<String>, secret: Secret) -> Self {
        self.secret_environment.push(SecretVariable { name: name.into(), secret });
        self
    }

    /// Secrets as files in a folder, read-only, each by its file name. As with [`Container::secret_variable`], the `Secret` of the
    /// cluster follows.
    #[must_use]
    pub fn secret_files(
        mut self,
        path: impl Into<Given<AbsPath>>,
        files: impl IntoIterator<Item = (impl Into<String>, Secret)>,
    ) -> Self {
        let files = files.into_iter().map(|(name, secret)| (name.into(), secret)).collect();
        self.mounts.push(Mount { path: path.into(), from: MountSource::Secrets(files) });
        self
    }

    /// Texts in a folder, read-only. The `ConfigMap` and the volume follow.
    #[must_use]
    pub fn config(mut self, path: impl Into<Given<AbsPath>>, config: ConfigMap) -> Self {
        self.mounts.push(Mount { path: path.into(), from: MountSource::Config(config) });
        self
    }

    /// An empty folder of a size that it may write to, which is gone with the pod.
    #[must_use]
    pub fn scratch(mut self, path: impl Into<Given<AbsPath>>, size: impl Into<Given<Size>>) -> Self {
        self.mounts.push(Mount { path: path.into(), from: MountSource::Scratch(size.into()) });
        self
    }

    /// A folder of its node, read-only: of a [`DaemonSet`](crate::daemon::DaemonSet) alone. Its namespace then admits pods with any right.
    #[must_use]
    pub fn host_path(mut self, path: impl Into<Given<AbsPath>>, folder: impl Into<Given<AbsPath>>) -> Self {
        self.mounts.push(Mount { path: path.into(), from: MountSource::HostPath(folder.into()) });
        self
    }

    /// The volume of a claim of its workload, by the claim's name: see
    /// [`Stateful::claim`](crate::stateful::Stateful::claim).
    #[must_use]
    pub fn volume(mut self, path: impl Into<Given<AbsPath>>, claim: impl Into<Given<ObjectName>>) -> Self {
        self.mounts.push(Mount { path: path.into(), from: MountSource::Claim(claim.into()) });
        self
    }

    /// The question whose answer shows that it can serve.
    #[must_use]
    pub fn ready(self, probe: Probe) -> Self {
        Self { ready: Some(probe), ..self }
    }

    /// The question whose missing answer shows that it has to be started again.
    #[must_use]
    pub fn alive(self, probe: Probe) -> Self {
        Self { alive: Some(probe), ..self }
    }

    /// How long it may take to start, in seconds: `alive` does not count before.
    #[must_use]
    pub fn starts_within(self, seconds: u32) -> Self {
        Self { starts_within: Some(seconds), ..self }
    }

    /// Where a Prometheus of the platform asks it for its measurements: a port, by its name, and a path.
    #[must_use]
    pub fn metrics(self, port: impl Into<Given<PortName>>, path: impl Into<String>) -> Self {
        Self { metrics: Some(Metrics { port: port.into(), path: path.into(), about_others: false }), ..self }
    }

    /// The same for measurements about others: their own labels `namespace` and `workload` stay.
    #[must_use]
    pub fn metrics_about_others(self, port: impl Into<Given<PortName>>, path: impl Into<String>) -> Self {
        Self { metrics: Some(Metrics { port: port.into(), path: path.into(), about_others: true }), ..self }
    }

    /// The user that it runs as, by number: not 0.
    #[must_use]
    pub fn user(self, user: u32) -> Self {
        Self { user: Some(user), ..self }
    }

    /// It may write to its image's file system.
    #[must_use]
    pub fn writable_root(self) -> Self {
        Self { writable_root: true, ..self }
    }
}

impl Probe {
    /// A GET of a path at a port, by the port's name.
    pub fn http(port: impl Into<Given<PortName>>, path: impl Into<String>) -> Self {
        Self::Http { port: port.into(), path: path.into() }
    }

    /// A connection to a port, by the port's name.
    pub fn tcp(port: impl Into<Given<PortName>>) -> Self {
        Self::Tcp { port: port.into() }
    }

    pub(crate) fn port(&self) -> &Given<PortName> {
        match self {
            Self::Http { port, .. } | Self::Tcp { port } => port,
        }
    }
}
