//! Alertmanager: it takes the alerts of every Prometheus of a platform, groups them, and tells people.

pub(crate) mod config;
mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fmc_core::given::Given;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::config_map::ConfigMap;
use crate::container::{Container, Probe};
use crate::name::{ImageName, ObjectName};
use crate::quantity::{Cpu, CpuExt as _};
use crate::redis::Lowered;
use crate::setters::setters;
use crate::stateful::{Stateful, VolumeClaim};
use crate::workload::{Deployment, patience};
pub(crate) use receiver::Endpoint;
pub use receiver::{Email, Receiver, Slack, SmtpLogin, Webhook, WebhookWorkload};

/// The port of its page, its API and its measurements, by name and number.
pub(crate) const PORT: (&str, u16) = ("http", 9093);

/// The number of the user that its image runs as.
const USER: u32 = 65534;

/// The folder with its silences and with its log of what it told.
const DATA: &str = "/alertmanager";

/// The folder with its configuration.
const FOLDER: &str = "/etc/alertmanager";

/// The folder with its secrets.
const SECRETS: &str = "/etc/alertmanager-secrets";

/// The seconds that it remembers that it told of an alert (`--data.retention`, 120 hours).
pub(crate) const REMEMBERS: u32 = 120 * 60 * 60;

/// An Alertmanager. Every Prometheus of its platform sends its alerts to it, from any namespace, and the network policies follow. So
/// does its way out: to the ports of its receivers, and to no other.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::alertmanager::{Alertmanager, Receiver, Webhook};
/// use fmc_k8s::platform::{Namespace, Platform};
///
/// let team = Receiver::new("team").webhook(Webhook::new("https://chat.example.org/hooks/alerts"));
/// let pager = Receiver::new("pager").webhook(Webhook::new("https://pager.example.org/"));
/// let alertmanager = Alertmanager::new("alertmanager", "quay.io/prometheus/alertmanager:v0.35.0", 128.mib(), team)
///     .receiver(pager)
///     .route("critical", "pager");
/// let platform = Platform::on("prod").namespace(Namespace::new("monitoring").alertmanager(alertmanager));
/// let kinds: Vec<&str> = platform.manifests().iter().map(|one| one.kind().name).collect();
/// assert_eq!(kinds, ["Namespace", "NetworkPolicy", "NetworkPolicy", "ConfigMap", "Deployment", "Service", "Service"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Alertmanager {
    pub(crate) name: Given<ObjectName>,
    pub(crate) image: Given<ImageName>,
    /// The memory of its container. 128 MiB suit some thousand alerts.
    pub(crate) memory: Given<Size>,
    /// Who is told. The first is told of every alert that no route takes.
    pub(crate) receivers: Vec<Receiver>,
    /// The severities whose alerts another receiver than the first is told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) routes: Vec<SeverityRoute>,
    /// The share of CPUs that it is sure of; 50m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The size of the volume on which it keeps its silences, and its log of what it told. Without one a new pod knows no silence, and
    /// tells again of each alert that lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<Given<Size>>,
    /// The storage class of the volume; the cluster's default if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Given<ObjectName>>,
    /// The labels by which alerts are grouped into one message: `alertname` and `namespace` if not said. `...` alone groups nothing.
    #[serde(default = "group_by")]
    pub(crate) group_by: Vec<String>,
    /// How long it waits for further alerts of a new group before it tells of it, in seconds: 30 if not said.
    #[serde(default = "group_wait")]
    pub(crate) group_wait: u32,
    /// How long it waits before it tells of a change in a group, in seconds: 300 if not said.
    #[serde(default = "group_interval")]
    pub(crate) group_interval: u32,
    /// How long it waits before it tells again of alerts that last, in seconds: 14400, which are four hours, if not said.
    #[serde(default = "repeat_interval")]
    pub(crate) repeat_interval: u32,
    /// The address that people call, as `https://alerts.example.org/`: the links in its messages begin with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// How long an apply waits until its pod is ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

/// The receiver that is told of alerts of a severity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SeverityRoute {
    /// The value of the label `severity`. The rules that fmc brings say `critical` and `warning`.
    pub(crate) severity: String,
    /// The receiver, by its name.
    pub(crate) to: Given<ObjectName>,
}

fn group_by() -> Vec<String> {
    ["alertname", "namespace"].map(str::to_owned).into()
}

const fn group_wait() -> u32 {
    30
}

const fn group_interval() -> u32 {
    300
}

const fn repeat_interval() -> u32 {
    4 * 60 * 60
}

setters! { Alertmanager: cpu, class, ready_within }

impl Alertmanager {
    /// One with so much memory, and the receiver that is told of every alert that no [route](Alertmanager::route) takes.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        image: impl Into<Given<ImageName>>,
        memory: impl Into<Given<Size>>,
        receiver: Receiver,
    ) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            memory: memory.into(),
            receivers: vec![receiver],
            routes: Vec::new(),
            cpu: None,
            keep: None,
            class: None,
            group_by: group_by(),
            group_wait: group_wait(),
            group_interval: group_interval(),
            repeat_interval: repeat_interval(),
            url: None,
            ready_within: patience(),
        }
    }

    /// A further receiver, for a route.
    #[must_use]
    pub fn receiver(mut self, receiver: Receiver) -> Self {
        self.receivers.push(receiver);
        self
    }

    /// The receiver, by its name, that is told of alerts of a severity instead of the first receiver.
    #[must_use]
    pub fn route(mut self, severity: impl Into<String>, to: impl Into<Given<ObjectName>>) -> Self {
        self.routes.push(SeverityRoute { severity: severity.into(), to: to.into() });
        self
    }

    /// It keeps its silences, and its log of what it told, on a volume of a size.
    #[must_use]
    pub fn keep(self, size: impl Into<Given<Size>>) -> Self {
        Self { keep: Some(size.into()), ..self }
    }

    /// The labels by which alerts are grouped into one message. `...` alone groups nothing.
    #[must_use]
    pub fn group_by<L: Into<String>>(self, labels: impl IntoIterator<Item = L>) -> Self {
        Self { group_by: labels.into_iter().map(Into::into).collect(), ..self }
    }

    /// How long it waits for further alerts of a new group before it tells of it, in seconds.
    #[must_use]
    pub fn group_wait(self, seconds: u32) -> Self {
        Self { group_wait: seconds, ..self }
    }

    /// How long it waits before it tells of a change in a group, in seconds.
    #[must_use]
    pub fn group_interval(self, seconds: u32) -> Self {
        Self { group_interval: seconds, ..self }
    }

    /// How long it waits before it tells again of alerts that last, in seconds.
    #[must_use]
    pub fn repeat_interval(self, seconds: u32) -> Self {
        Self { repeat_interval: seconds, ..self }
    }

    /// The address that people call, with which the links in its messages begin.
    #[must_use]
    pub fn url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// The workload that it is.
    pub(crate) fn lowered(&self) -> Lowered {
        let container = self.container();
        match &self.keep {
            None => {
                let deployment = Deployment::new(self.name.clone(), container.scratch(DATA, Size::mib(64)));
                Lowered::Deployment(deployment.expose(PORT.1, PORT.0).ready_within(self.ready_within))
            }
            Some(size) => {
                let mut claim = VolumeClaim::new("data", size.clone());
                claim.class.clone_from(&self.class);
                let set = Stateful::new(self.name.clone(), container.volume(DATA, "data")).claim_of(claim);
                Lowered::Stateful(set.expose(PORT.1, PORT.0).ready_within(self.ready_within))
            }
        }
    }

    fn container(&self) -> Container {
        let cpu = self.cpu.clone().unwrap_or_else(|| 50.millicores().into());
        let config = ConfigMap::new(Given::text(&format!("{}-config", self.name)))
            .file("alertmanager.yml", config::text(self));
        let mut container = Container::new("alertmanager", self.image.clone(), cpu, self.memory.clone())
            .argument(format!("--config.file={FOLDER}/alertmanager.yml"))
            .argument(format!("--storage.path={DATA}"))
            // It is one pod, and joins no cluster of Alertmanagers.
            .argument("--cluster.listen-address=")
            .port(PORT.0, PORT.1)
            .ready(Probe::http(PORT.0, "/-/ready"))
            .alive(Probe::http(PORT.0, "/-/healthy"))
            .metrics(PORT.0, "/metrics")
            .user(USER)
            .config(FOLDER, config);
        if let Some(url) = &self.url {
            container = container.argument(format!("--web.external-url={url}"));
        }
        let secrets: Vec<_> = self.receivers.iter().flat_map(Receiver::secrets).collect();
        if secrets.is_empty() { container } else { container.secret_files(SECRETS, secrets) }
    }

    /// The ports that it calls outside of the cluster, by their address; those without one are of hosts with names.
    pub(crate) fn calls(&self) -> BTreeMap<Option<IpAddr>, BTreeSet<u16>> {
        let mut calls = BTreeMap::<_, BTreeSet<u16>>::new();
        for (address, port) in self.receivers.iter().flat_map(Receiver::calls) {
            calls.entry(address).or_default().insert(port);
        }
        calls
    }

    /// The workloads of its namespace that it calls.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = &WebhookWorkload> {
        self.receivers.iter().flat_map(|one| &one.webhooks).filter_map(|one| one.workload.as_ref())
    }
}
