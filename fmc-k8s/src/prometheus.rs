//! Prometheus: it asks every machine and every workload of the cloud for its measurements, and keeps them on a volume.

pub(crate) mod config;
mod rules;

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::config_map::ConfigMap;
use crate::container::{Container, Probe};
use crate::name::{ImageName, ObjectName};
use crate::quantity::{Cpu, CpuExt as _};
use crate::setters::setters;
use crate::stateful::{Stateful, VolumeClaim};
use crate::workload::patience;
use config::Scrapes;

/// The port of its page and of its API, by name and number.
pub(crate) const PORT: (&str, u16) = ("http", 9090);

/// The number of the user that its image runs as.
const USER: u32 = 65534;

/// Where its volume is.
const DATA: &str = "/prometheus";

/// Where its configuration is.
pub(crate) const FOLDER: &str = "/etc/prometheus";

/// The end of the names of its files with rules.
pub(crate) const RULES: &str = ".rules.yml";

/// The seconds that it may read its log after a start.
const STARTS_WITHIN: u32 = 900;

/// A Prometheus. What it asks follows from the cloud: every machine with the role `node-exporter`, and every container that says
/// where its [measurements](Container::metrics) are, in any namespace of its platform. Every [Alertmanager](crate::alertmanager::Alertmanager)
/// of the platform gets its alerts. The network policies follow too.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::prometheus::Prometheus;
///
/// let prometheus = Prometheus::new("prometheus", "quay.io/prometheus/prometheus:v3.14.0", 1.gib(), 20.gib()).days(30);
/// let platform = Platform::on("prod").namespace(Namespace::new("monitoring").prometheus(prometheus));
/// let kinds: Vec<&str> = platform.manifests().iter().map(|one| one.kind().name).collect();
/// assert_eq!(kinds[..4], ["Namespace", "NetworkPolicy", "NetworkPolicy", "NetworkPolicy"]);
/// assert_eq!(kinds[4..], ["ConfigMap", "StatefulSet", "Service", "Service"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    pub(crate) name: Given<ObjectName>,
    pub(crate) image: Given<ImageName>,
    /// The memory of its container. A million series take about 3 GiB.
    pub(crate) memory: Given<Size>,
    /// The size of its volume. It uses 85 % of it, and forgets the oldest measurements then.
    pub(crate) keep: Given<Size>,
    /// The share of CPUs that it is sure of; 250m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The storage class of its volume; the cluster's default if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Given<ObjectName>>,
    /// How many days it keeps a measurement, if its volume has room: 15 if not said.
    #[serde(default = "days")]
    pub(crate) days: u16,
    /// How often it asks, in seconds: 30 if not said.
    #[serde(default = "interval")]
    pub(crate) interval: u16,
    /// Further rules, by the name of their file without its end, as `shop`: alerts and recorded series in Prometheus's own form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) rules: BTreeMap<String, String>,
    /// Whether it goes without the rules that fmc brings: what does not answer, full disks, little memory, a wrong clock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) only_own_rules: bool,
    /// Whether it leaves out what K3s itself measures: its kubelets, which with the API's are tens of thousands of series a server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) without_nodes: bool,
    /// How long an apply waits until its pod is ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

const fn days() -> u16 {
    15
}

const fn interval() -> u16 {
    30
}

setters! { Prometheus: cpu, class, ready_within }

impl Prometheus {
    /// One with so much memory, and a volume of a size.
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
            cpu: None,
            class: None,
            days: days(),
            interval: interval(),
            rules: BTreeMap::new(),
            only_own_rules: false,
            without_nodes: false,
            ready_within: patience(),
        }
    }

    /// How many days it keeps a measurement, if its volume has room.
    #[must_use]
    pub fn days(self, days: u16) -> Self {
        Self { days, ..self }
    }

    /// How often it asks, in seconds.
    #[must_use]
    pub fn interval(self, seconds: u16) -> Self {
        Self { interval: seconds, ..self }
    }

    /// Further rules in Prometheus's own form, under the name of their file without its end, as `shop`.
    #[must_use]
    pub fn rules(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.rules.insert(name.into(), text.into());
        self
    }

    /// It goes without the rules that fmc brings.
    #[must_use]
    pub fn only_own_rules(self) -> Self {
        Self { only_own_rules: true, ..self }
    }

    /// It leaves out what K3s itself measures, and has no account at the cluster's API.
    #[must_use]
    pub fn without_nodes(self) -> Self {
        Self { without_nodes: true, ..self }
    }

    /// Whether it asks the kubelets of the cluster's nodes.
    pub(crate) fn asks_nodes(&self, scrapes: &Scrapes) -> bool {
        !self.without_nodes && !scrapes.nodes.is_empty()
    }

    /// The workload that it is, with what it asks.
    pub(crate) fn lowered(&self, scrapes: &Scrapes) -> Stateful {
        let mut claim = VolumeClaim::new("data", self.keep.clone());
        claim.class.clone_from(&self.class);
        let size = self.keep.ok().map_or(0, |size| size.as_bytes() / 100 * 85);
        let mut config = ConfigMap::new(Given::text(&format!("{}-config", self.name)))
            .file("prometheus.yml", scrapes.config(self.interval, self.asks_nodes(scrapes)));
        if !self.only_own_rules {
            config = config.file(format!("standard{RULES}"), rules::standard());
        }
        let config = self
            .rules
            .iter()
            .fold(config, |config, (name, text)| config.file(format!("{name}{RULES}"), text.clone()));
        let cpu = self.cpu.clone().unwrap_or_else(|| 250.millicores().into());
        let container = Container::new("prometheus", self.image.clone(), cpu, self.memory.clone())
            .argument(format!("--config.file={FOLDER}/prometheus.yml"))
            .argument(format!("--storage.tsdb.path={DATA}"))
            .argument(format!("--storage.tsdb.retention.time={}d", self.days))
            .argument(format!("--storage.tsdb.retention.size={size}B"))
            .port(PORT.0, PORT.1)
            .ready(Probe::http(PORT.0, "/-/ready"))
            .alive(Probe::http(PORT.0, "/-/healthy"))
            .starts_within(STARTS_WITHIN)
            .user(USER)
            .config(FOLDER, config)
            .volume(DATA, "data");
        let set = Stateful::new(self.name.clone(), container).claim_of(claim);
        let set = set.expose(PORT.1, PORT.0).ready_within(self.ready_within);
        if self.asks_nodes(scrapes) { set.account(Account::of_kubelets()) } else { set }
    }
}
