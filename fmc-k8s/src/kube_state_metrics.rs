//! kube-state-metrics: what the cluster knows of its objects, as measurements for a Prometheus.

use fmc_core::given::Given;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountRule};
use crate::container::{Container, Probe};
use crate::name::{ImageName, ObjectName};
use crate::quantity::{Cpu, CpuExt as _};
use crate::setters::setters;
use crate::workload::{Deployment, patience};

/// The port of the measurements, by name and number.
const PORT: (&str, u16) = ("http", 8080);

/// The port at which it speaks of itself.
const OWN_PORT: (&str, u16) = ("own", 8081);

/// The user of its image.
const USER: u32 = 65534;

/// The kinds that it tells of, by the name of their group. It asks for these alone, so that it may read nothing else: no secrets, no
/// texts.
const KINDS: [(&str, &[&str]); 6] = [
    (
        "",
        &[
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "resourcequotas",
            "services",
        ],
    ),
    ("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("networking.k8s.io", &["ingresses"]),
    ("policy", &["poddisruptionbudgets"]),
];

/// A kube-state-metrics: it tells how many pods are wanted and ready, which wait and why, and how large volumes are claimed. Every
/// Prometheus of the platform asks it.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::kube_state_metrics::KubeStateMetrics;
/// use fmc_k8s::platform::{Namespace, Platform};
///
/// let image = "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.18.0";
/// let monitoring = Namespace::new("monitoring").kube_state_metrics(KubeStateMetrics::new("objects", image, 128.mib()));
/// let platform = Platform::on("prod").namespace(monitoring);
/// let kinds: Vec<&str> = platform.manifests().iter().map(|one| one.kind().name).collect();
/// assert_eq!(kinds[3..6], ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KubeStateMetrics {
    pub(crate) name: Given<ObjectName>,
    pub(crate) image: Given<ImageName>,
    /// The memory of its container. It grows with the objects of the cluster: 128 MiB suit some thousand pods.
    pub(crate) memory: Given<Size>,
    /// The share of CPUs that it is sure of; 50m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// How long an apply waits until its pod is ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

setters! { KubeStateMetrics: cpu, ready_within }

impl KubeStateMetrics {
    /// One with so much memory.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        image: impl Into<Given<ImageName>>,
        memory: impl Into<Given<Size>>,
    ) -> Self {
        let (name, image, memory) = (name.into(), image.into(), memory.into());
        Self { name, image, memory, cpu: None, ready_within: patience() }
    }

    /// The workload that it is.
    pub(crate) fn lowered(&self) -> Deployment {
        let kinds: Vec<&str> = KINDS.iter().flat_map(|(_, kinds)| kinds.iter().copied()).collect();
        let cpu = self.cpu.clone().unwrap_or_else(|| 50.millicores().into());
        let container = Container::new("kube-state-metrics", self.image.clone(), cpu, self.memory.clone())
            .argument(format!("--port={}", PORT.1))
            .argument(format!("--telemetry-port={}", OWN_PORT.1))
            .argument(format!("--resources={}", kinds.join(",")))
            .port(PORT.0, PORT.1)
            .port(OWN_PORT.0, OWN_PORT.1)
            .ready(Probe::http(OWN_PORT.0, "/readyz"))
            .alive(Probe::http(PORT.0, "/livez"))
            .user(USER)
            .metrics_about_others(PORT.0, "/metrics");
        let account = KINDS.iter().fold(Account::new(), |account, (group, kinds)| {
            account.may_in_cluster(AccountRule::of(["list", "watch"], kinds.iter().copied()).groups([*group]))
        });
        Deployment::new(self.name.clone(), container).account(account).ready_within(self.ready_within)
    }
}
