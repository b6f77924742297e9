//! PostgreSQL inside of a cluster, by the operator CloudNativePG.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::secret::Secret;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::container::Container;
use crate::name::{ImageName, ObjectName};
use crate::operated::{CNPG, Operated, OperatedService};
use crate::quantity::{Cpu, CpuExt as _, bytes};
use crate::secret::password_of;
use crate::setters::setters;
use crate::stateful::{Stateful, VolumeClaim};
use crate::workload::{one, patience};

/// The port of SQL, with the name that CloudNativePG gives it.
pub(crate) const PORT: (&str, u16) = ("postgresql", 5432);

/// The port at which the operator and the other instances ask an instance how it is.
pub(crate) const STATUS: (&str, u16) = ("status", 8000);

/// The port of its measurements.
pub(crate) const METRICS: (&str, u16) = ("metrics", 9187);

/// The user and the group of CloudNativePG's images.
const USER: u32 = 26;

/// The database, and the role that owns it, if nothing is said.
const DATABASE: &str = "app";

/// A PostgreSQL that the operator CloudNativePG runs: one instance, or several of which one takes writes.
///
/// Workloads reach it at `NAME-rw`, port 5432, and copies that are for reading alone at `NAME-ro`, once a
/// [connection](crate::platform::Namespace::connect) to the port `postgresql` says so. The platform has the files of the operator among its
/// [`operators`](crate::operator::Operator).
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::postgres::Postgres;
///
/// let db = Postgres::new("db", "ghcr.io/cloudnative-pg/postgresql:18.1", 1.gib(), 20.gib()).instances(3);
/// let platform = Platform::on("prod").namespace(Namespace::new("shop").postgres(db));
/// let made: Vec<String> = platform.manifests().iter().map(ToString::to_string).collect();
/// assert!(made.contains(&"cluster.postgresql.cnpg.io db".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    pub(crate) name: Given<ObjectName>,
    /// An image of CloudNativePG's. Its tag begins with the version of PostgreSQL: another major version is an upgrade of the data, for which
    /// the operator stops every instance.
    pub(crate) image: Given<ImageName>,
    /// The memory of each instance. A quarter of it is for `shared_buffers`, unless `parameters` says otherwise.
    pub(crate) memory: Given<Size>,
    /// The size of the volume of each instance.
    pub(crate) keep: Given<Size>,
    /// The number of instances, each on a node of its own: 1 if not said. All but one are copies.
    #[serde(default = "one")]
    pub(crate) instances: u16,
    /// The share of CPUs that each instance is sure of; 500m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The storage class of the volumes; the cluster's default if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Given<ObjectName>>,
    /// The name of the database that it is made with, and of the role that owns it: `app` if not said. Later changes have no effect.
    #[serde(default = "database", skip_serializing_if = "is_usual")]
    pub(crate) database: String,
    /// The password of the database's owner; one from the root key, `NAME-password`, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<Secret>,
    /// Settings of `postgresql.conf`, as `max_connections: "200"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) parameters: BTreeMap<String, String>,
    /// How long an apply waits until every instance is ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

fn database() -> String {
    DATABASE.to_owned()
}

fn is_usual(database: &str) -> bool {
    database == DATABASE
}

setters! { Postgres: cpu, class, ready_within }

impl Postgres {
    /// One instance with so much memory, and a volume of a size.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        image: impl Into<Given<ImageName>>,
        memory: impl Into<Given<Size>>,
        keep: impl Into<Given<Size>>,
    ) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            memory: memory.into(),
            keep: keep.into(),
            instances: one(),
            cpu: None,
            class: None,
            database: database(),
            password: None,
            parameters: BTreeMap::new(),
            ready_within: patience(),
        }
    }

    /// The number of instances, each on a node of its own.
    #[must_use]
    pub fn instances(self, instances: u16) -> Self {
        Self { instances, ..self }
    }

    /// The name of the database that it is made with, and of the role that owns it.
    #[must_use]
    pub fn database(self, name: impl Into<String>) -> Self {
        Self { database: name.into(), ..self }
    }

    /// The password of the database's owner.
    #[must_use]
    pub fn password(self, password: Secret) -> Self {
        Self { password: Some(password), ..self }
    }

    /// A setting of `postgresql.conf`.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// The password of the database's owner, for the containers that show it: see [`Container::secret_variable`].
    pub fn secret(&self) -> Secret {
        self.password.clone().unwrap_or_else(|| password_of(&self.name))
    }

    /// The name of the `Secret` with the name and the password of the database's owner.
    pub(crate) fn owner_secret(&self) -> String {
        format!("{}-owner", self.name)
    }

    /// The workload that it is.
    pub(crate) fn lowered(&self) -> Operated {
        let cpu = self.cpu.clone().unwrap_or_else(|| 500.millicores().into());
        let container = [PORT, STATUS, METRICS].into_iter().fold(
            Container::new("postgres", self.image.clone(), cpu, self.memory.clone()),
            |container, (name, number)| container.port(name, number),
        );
        let mut claim = VolumeClaim::new("data", self.keep.clone());
        claim.class.clone_from(&self.class);
        let container =
            container.metrics(METRICS.0, "/metrics").user(USER).volume("/var/lib/postgresql", "data");
        let pods = Stateful::new(self.name.clone(), container).replicas(self.instances).claim_of(claim);
        Operated {
            pods: pods.ready_within(self.ready_within),
            label: (CNPG.label, self.name.to_string()),
            beside: None,
            service: OperatedService::Postgres(self.clone()),
        }
    }

    /// The object of CloudNativePG, with the image and the share of CPUs of its lowered container.
    pub(crate) fn object(&self, container: &Container, namespace: &str) -> Value {
        let amount = json!({ "cpu": container.cpu.to_string(), "memory": quantity(&self.memory) });
        let buffers = self.memory.ok().map_or(0, |memory| memory.as_mib_floor() / 4);
        let mut parameters: BTreeMap<&str, &str> = BTreeMap::new();
        let buffers = format!("{buffers}MB");
        parameters.insert("shared_buffers", &buffers);
        parameters.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        json!({
            "apiVersion": format!("{}/v1", CNPG.group),
            "kind": CNPG.kind,
            "metadata": { "name": self.name.to_string(), "namespace": namespace },
            "spec": {
                "instances": self.instances,
                "imageName": container.image.to_string(),
                "storage": { "size": quantity(&self.keep), "storageClass": self.class.as_ref().map(ToString::to_string) },
                "resources": { "requests": amount, "limits": amount },
                "bootstrap": { "initdb": {
                    "database": self.database,
                    "owner": self.database,
                    "secret": { "name": self.owner_secret() },
                } },
                "postgresql": { "parameters": parameters },
                // Two copies on one node would be lost together.
                "affinity": { "enablePodAntiAffinity": true, "podAntiAffinityType": "required", "topologyKey": "kubernetes.io/hostname" },
                "enableSuperuserAccess": false,
            },
        })
    }
}

/// A size as a quantity; nothing if it is malformed, which is a finding.
pub(crate) fn quantity(size: &Given<Size>) -> Option<String> {
    size.ok().map(|size| bytes(*size))
}
