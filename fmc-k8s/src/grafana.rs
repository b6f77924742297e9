//! Grafana: pages with the measurements of a Prometheus.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::secret::Secret;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config_map::ConfigMap;
use crate::container::{Container, Probe};
use crate::name::{ImageName, ObjectName};
use crate::prometheus;
use crate::quantity::{Cpu, CpuExt as _};
use crate::redis::Lowered;
use crate::secret::password_of;
use crate::setters::setters;
use crate::stateful::{Stateful, VolumeClaim};
use crate::workload::{Deployment, patience};

/// The port of its pages, by name and number.
const PORT: (&str, u16) = ("http", 3000);

/// The user of its image.
const USER: u32 = 472;

/// Where it finds its source of data and its pages (*Provision Grafana*).
const PROVISIONING: &str = "/etc/grafana/provisioning";

/// Where its pages are.
const PAGES: &str = "/etc/grafana/pages";

/// Its own folder.
const DATA: &str = "/var/lib/grafana";

/// A Grafana with a Prometheus of the same namespace as its source, and a page of the cloud's machines. Its administrator is `admin`.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::grafana::Grafana;
/// use fmc_k8s::ingress::IngressHost;
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::prometheus::Prometheus;
///
/// let monitoring = Namespace::new("monitoring")
///     .prometheus(Prometheus::new("prometheus", "quay.io/prometheus/prometheus:v3.14.0", 1.gib(), 20.gib()))
///     .grafana(Grafana::new("grafana", "docker.io/grafana/grafana:13.2.0", 256.mib(), "prometheus"))
///     .ingress(IngressHost::new("grafana.example.org").route("/", "grafana", 3000));
/// # drop(Platform::on("prod").namespace(monitoring));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Grafana {
    pub(crate) name: Given<ObjectName>,
    pub(crate) image: Given<ImageName>,
    /// The memory of its container.
    pub(crate) memory: Given<Size>,
    /// The Prometheus whose measurements it shows, in the same namespace.
    pub(crate) prometheus: Given<ObjectName>,
    /// The share of CPUs that it is sure of; 100m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The size of the volume on which it keeps what people change in it. Without one it begins anew with each start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<Given<Size>>,
    /// The storage class of the volume; the cluster's default if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Given<ObjectName>>,
    /// The administrator's password; one from the root key, `NAME-password`, if not said. A Grafana that keeps its data takes it at
    /// its first start alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<Secret>,
    /// The address that people call, as `https://grafana.example.org/`: the links in its pages begin with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Further pages, by name: each is a dashboard as Grafana exports it, JSON.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) pages: BTreeMap<String, String>,
    /// How long an apply waits until its pod is ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

setters! { Grafana: cpu, class, ready_within }

impl Grafana {
    /// One with so much memory, and a Prometheus of the same namespace by its name.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        image: impl Into<Given<ImageName>>,
        memory: impl Into<Given<Size>>,
        prometheus: impl Into<Given<ObjectName>>,
    ) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            memory: memory.into(),
            prometheus: prometheus.into(),
            cpu: None,
            keep: None,
            class: None,
            password: None,
            url: None,
            pages: BTreeMap::new(),
            ready_within: patience(),
        }
    }

    /// It keeps what people change in it, on a volume of a size.
    #[must_use]
    pub fn keep(self, size: impl Into<Given<Size>>) -> Self {
        Self { keep: Some(size.into()), ..self }
    }

    /// The administrator's password.
    #[must_use]
    pub fn password(self, password: Secret) -> Self {
        Self { password: Some(password), ..self }
    }

    /// The address that people call, with which the links in its pages begin.
    #[must_use]
    pub fn url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// A further page under a name: a dashboard as Grafana exports it, JSON.
    #[must_use]
    pub fn page(mut self, name: impl Into<String>, json: impl Into<String>) -> Self {
        self.pages.insert(name.into(), json.into());
        self
    }

    /// The administrator's password.
    pub fn secret(&self) -> Secret {
        self.password.clone().unwrap_or_else(|| password_of(&self.name))
    }

    /// The workload that it is.
    pub(crate) fn lowered(&self) -> Lowered {
        let container = self.container();
        match &self.keep {
            None => {
                let deployment = Deployment::new(self.name.clone(), container.scratch(DATA, Size::mib(256)));
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

    fn config(&self, part: &str) -> ConfigMap {
        ConfigMap::new(Given::text(&format!("{}-{part}", self.name)))
    }

    fn container(&self) -> Container {
        let cpu = self.cpu.clone().unwrap_or_else(|| 100.millicores().into());
        let source = json!({ "apiVersion": 1, "datasources": [{
            "name": "Prometheus", "uid": "prometheus", "type": "prometheus", "access": "proxy", "isDefault": true,
            "url": format!("http://{}:{}", self.prometheus, prometheus::PORT.1),
        }] });
        let folder = json!({ "apiVersion": 1, "providers": [{
            "name": "fmc", "type": "file", "disableDeletion": true, "options": { "path": PAGES },
        }] });
        let text = |value: &Value| format!("{value:#}\n");
        let pages = self.config("pages").file("machines.json", text(&machines()));
        let pages = self
            .pages
            .iter()
            .fold(pages, |pages, (name, json)| pages.file(format!("{name}.json"), json.clone()));
        let container = Container::new("grafana", self.image.clone(), cpu, self.memory.clone())
            .port(PORT.0, PORT.1)
            .ready(Probe::http(PORT.0, "/api/health"))
            .alive(Probe::http(PORT.0, "/api/health"))
            .starts_within(300)
            .metrics(PORT.0, "/metrics")
            .user(USER)
            .variable("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false")
            .variable("GF_ANALYTICS_CHECK_FOR_UPDATES", "false")
            .variable("GF_ANALYTICS_REPORTING_ENABLED", "false")
            .variable("GF_LOG_MODE", "console")
            .variable("GF_PATHS_PROVISIONING", PROVISIONING)
            .variable("GF_PLUGINS_PREINSTALL_DISABLED", "true")
            .variable("GF_USERS_ALLOW_SIGN_UP", "false")
            .secret_variable("GF_SECURITY_ADMIN_PASSWORD", self.secret())
            .config(
                format!("{PROVISIONING}/datasources"),
                self.config("source").file("prometheus.yaml", text(&source)),
            )
            .config(
                format!("{PROVISIONING}/dashboards"),
                self.config("folder").file("pages.yaml", text(&folder)),
            )
            .config(PAGES, pages)
            .scratch("/tmp", Size::mib(64));
        match &self.url {
            Some(url) => container.variable("GF_SERVER_ROOT_URL", url.clone()),
            None => container,
        }
    }
}

/// The page of the cloud's machines.
fn machines() -> Value {
    let panels = [
        ("Answers", "up{job=\"machines\"}", "none"),
        ("CPU", "1 - avg by (machine) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))", "percentunit"),
        ("Memory", "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "percentunit"),
        (
            "Disks",
            "1 - node_filesystem_avail_bytes{fstype!~\"tmpfs|ramfs|overlay|squashfs|iso9660\"} / node_filesystem_size_bytes",
            "percentunit",
        ),
        ("Received", "sum by (machine) (rate(node_network_receive_bytes_total{device!=\"lo\"}[5m]))", "Bps"),
        ("Sent", "sum by (machine) (rate(node_network_transmit_bytes_total{device!=\"lo\"}[5m]))", "Bps"),
    ];
    let source = json!({ "type": "prometheus", "uid": "prometheus" });
    let panels = panels.iter().enumerate().map(|(index, (title, expr, unit))| {
        let legend = if *title == "Disks" { "{{machine}} {{mountpoint}}" } else { "{{machine}}" };
        json!({
            "id": index + 1, "type": "timeseries", "title": title, "datasource": source,
            "gridPos": { "h": 8, "w": 12, "x": (index % 2) * 12, "y": index / 2 * 8 },
            "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
            "targets": [{ "refId": "A", "datasource": source, "expr": expr, "legendFormat": legend }],
        })
    });
    json!({
        "uid": "fmc-machines", "title": "Machines", "schemaVersion": 39, "editable": false, "refresh": "30s",
        "time": { "from": "now-6h", "to": "now" }, "panels": panels.collect::<Vec<_>>(),
    })
}
