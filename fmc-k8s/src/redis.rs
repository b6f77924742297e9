//! Redis, or Valkey, which speaks the same protocol: one pod, with a password, as a cache or with its data on a volume.

use fmc_core::given::Given;
use fmc_core::secret::Secret;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::container::{Container, Probe};
use crate::name::{ImageName, ObjectName};
use crate::quantity::{Cpu, CpuExt as _};
use crate::secret::password_of;
use crate::setters::setters;
use crate::stateful::{Stateful, VolumeClaim};
use crate::workload::{Deployment, patience};

/// The port of the protocol, and its name.
const PORT: (&str, u16) = ("redis", 6379);

/// The user of the images of Redis and Valkey.
const USER: u32 = 999;

/// A Redis or Valkey: a cache that forgets what was not used for longest, unless it [keeps](Redis::keep) its data.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::redis::Redis;
///
/// let sessions = Redis::new("sessions", "docker.io/valkey/valkey:9.1.0", 256.mib()).keep(1.gib());
/// let shop = Namespace::new("shop").redis(sessions);
/// let kinds: Vec<&str> = Platform::on("prod").namespace(shop).manifests().iter().map(|one| one.kind().name).collect();
/// assert_eq!(kinds, ["Namespace", "NetworkPolicy", "NetworkPolicy", "Secret", "StatefulSet", "Service", "Service"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Redis {
    pub(crate) name: Given<ObjectName>,
    /// The image, whose program is started by arguments that begin with `--`, as those of Redis and Valkey are.
    pub(crate) image: Given<ImageName>,
    /// The memory of its container. Its data gets three quarters of it in a cache, and half of it otherwise, because a copy is made
    /// while it is written.
    pub(crate) memory: Given<Size>,
    /// The share of CPUs that it is sure of; 100m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The size of the volume on which it keeps its data. Without one it is a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<Given<Size>>,
    /// The storage class of the volume; the cluster's default if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Given<ObjectName>>,
    /// Its password; one from the root key, `NAME-password`, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<Secret>,
    /// How long an apply waits until its pod is ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

setters! { Redis: cpu, class, ready_within }

impl Redis {
    /// A cache in a container with so much memory.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        image: impl Into<Given<ImageName>>,
        memory: impl Into<Given<Size>>,
    ) -> Self {
        let (name, image, memory) = (name.into(), image.into(), memory.into());
        let ready_within = patience();
        Self { name, image, memory, cpu: None, keep: None, class: None, password: None, ready_within }
    }

    /// It keeps its data on a volume of a size, and refuses writes when its memory is full instead of forgetting.
    #[must_use]
    pub fn keep(self, size: impl Into<Given<Size>>) -> Self {
        Self { keep: Some(size.into()), ..self }
    }

    /// Its password.
    #[must_use]
    pub fn password(self, password: Secret) -> Self {
        Self { password: Some(password), ..self }
    }

    /// The password, for the containers that ask it: see [`Container::secret_variable`].
    pub fn secret(&self) -> Secret {
        self.password.clone().unwrap_or_else(|| password_of(&self.name))
    }

    /// The workload that it is.
    pub(crate) fn lowered(&self) -> Lowered {
        match &self.keep {
            None => {
                let container = self.container().scratch("/data", Size::mib(16));
                let cache = Deployment::new(self.name.clone(), container).expose(PORT.1, PORT.0);
                Lowered::Deployment(cache.ready_within(self.ready_within))
            }
            Some(size) => {
                let mut claim = VolumeClaim::new("data", size.clone());
                claim.class.clone_from(&self.class);
                let set = Stateful::new(self.name.clone(), self.container().volume("/data", "data"));
                Lowered::Stateful(set.claim_of(claim).expose(PORT.1, PORT.0).ready_within(self.ready_within))
            }
        }
    }

    fn container(&self) -> Container {
        let cpu = self.cpu.clone().unwrap_or_else(|| 100.millicores().into());
        let memory = self.memory.ok().map_or(0, |memory| memory.as_bytes());
        let (most, full, log) = match self.keep {
            None => (memory / 4 * 3, "allkeys-lru", "no"),
            Some(_) => (memory / 2, "noeviction", "yes"),
        };
        let arguments = [
            ("--dir", "/data".to_owned()),
            ("--maxmemory", most.to_string()),
            ("--maxmemory-policy", full.to_owned()),
            ("--appendonly", log.to_owned()),
            // Snapshots would need as much memory again at times that nobody chose.
            ("--save", String::new()),
            ("--requirepass", "$(REDIS_PASSWORD)".to_owned()),
        ];
        let container = Container::new("redis", self.image.clone(), cpu, self.memory.clone())
            .port(PORT.0, PORT.1)
            .ready(Probe::tcp(PORT.0))
            .alive(Probe::tcp(PORT.0))
            .user(USER)
            .secret_variable("REDIS_PASSWORD", self.secret());
        arguments
            .into_iter()
            .fold(container, |container, (key, value)| container.argument(key).argument(value))
    }
}

/// A service as the workload that it is.
pub(crate) enum Lowered {
    Deployment(Deployment),
    Stateful(Stateful),
}
