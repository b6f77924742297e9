//! The targets of a Prometheus, and its configuration (*Configuration* of Prometheus 3).

use std::collections::BTreeMap;
use std::net::IpAddr;

use fmc_core::checked::{Answer, Checked};
use fmc_core::k3s::capacity;
use fmc_core::k3s::resolved::Cluster;
use serde::Serialize;

use super::{FOLDER, PORT, RULES};
use crate::alertmanager;
use crate::compile::traefik::pods_name;
use crate::manifest::APP;
use crate::platform::Platform;
use crate::traefik;
use crate::workload::Workload;

/// The kind of the role by which a machine has measurements.
const EXPORTER: &str = "node-exporter";

/// The port of a kubelet (*Networking* of K3s).
const KUBELET_PORT: u16 = 10250;

/// The measurements of a kubelet, by the name of their job and their path. Those of K3s are all parts of it in one: it is one process.
const KUBELET: [(&str, &str); 2] = [("kubelet", "/metrics"), ("cadvisor", "/metrics/cadvisor")];

/// The token of an account and the authority of the cluster, in a pod (*Service Accounts* of Kubernetes).
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// All that answers a Prometheus of a platform.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scrapes {
    cluster: String,
    /// The machines by their addresses.
    pub(crate) machines: Vec<Measured>,
    /// The nodes of the cluster, each with the port of its kubelet.
    pub(crate) nodes: Vec<Measured>,
    /// The Alertmanagers, by the names of their services.
    alertmanagers: Vec<String>,
    /// The workloads, by namespace and name.
    pub(crate) workloads: Vec<Answering>,
    /// Whether pods have addresses of IPv6 alone.
    has_ipv6_alone: bool,
}

/// A machine with measurements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
}

/// A workload with measurements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answering {
    pub(crate) namespace: String,
    pub(crate) workload: String,
    /// The container's port, by name and number.
    pub(crate) port: (String, u16),
    path: String,
    about_others: bool,
    /// The label of its pods, if an operator makes them.
    label: Option<(String, String)>,
    /// The service with the addresses of its pods.
    service: String,
}

impl Scrapes {
    /// What a platform has, and the machines of its cloud.
    pub(crate) fn of(platform: &Platform, cloud: Option<&Checked>) -> Self {
        let nothing = Self::default();
        let cluster = platform.cluster.to_string();
        let workloads = platform.namespaces.iter().flat_map(|namespace| {
            let lowered = namespace.lowered(&nothing);
            let all = lowered.workloads();
            let name = namespace.name.to_string();
            all.iter().flat_map(|(_, one)| Answering::of(&name, one)).collect::<Vec<_>>()
        });
        let workloads = workloads.chain(platform.traefik.iter().map(|_| Answering::of_traefik())).collect();
        let resolved = cloud.and_then(|cloud| Some((cloud, cloud.cluster(&cluster)?)));
        let pods = resolved.map(|(_, cluster)| cluster.pods.as_slice());
        let alertmanagers = platform.namespaces.iter().flat_map(|namespace| {
            namespace.alertmanager.iter().map(|one| format!("{}.{}.svc", one.name, namespace.name))
        });
        let has_ipv6_alone =
            pods.is_some_and(|pods| !pods.is_empty() && pods.iter().all(|one| !one.is_ipv4()));
        Self {
            machines: cloud.map(measured).unwrap_or_default(),
            nodes: resolved.map(|(cloud, cluster)| kubelets(cluster, cloud)).unwrap_or_default(),
            alertmanagers: alertmanagers.collect(),
            workloads,
            has_ipv6_alone,
            cluster,
        }
    }

    /// The configuration of one that asks so often, in seconds, and the kubelets too if it has an account.
    pub(crate) fn config(&self, interval: u16, asks_nodes: bool) -> String {
        let every = format!("{interval}s");
        let own = Job {
            statics: vec![Targets {
                targets: vec![format!("localhost:{}", PORT.1)],
                labels: BTreeMap::new(),
            }],
            ..Job::of("prometheus")
        };
        let machines = (!self.machines.is_empty()).then(|| Job {
            statics: self.machines.iter().map(|one| Targets::labelled("machine", one)).collect(),
            ..Job::of("machines")
        });
        let nodes = KUBELET.iter().filter(|_| asks_nodes).map(|(name, path)| Job {
            metrics_path: Some((*path).to_owned()),
            statics: self.nodes.iter().map(|node| Targets::labelled("node", node)).collect(),
            scheme: Some("https"),
            authorization: Some(Credentials { credentials_file: format!("{ACCOUNT}/token") }),
            tls: Some(Tls { ca_file: format!("{ACCOUNT}/ca.crt") }),
            ..Job::of(name)
        });
        let kind = if self.has_ipv6_alone { "AAAA" } else { "A" };
        let workloads = self.workloads.iter().map(|one| one.job(kind));
        let targets = self.alertmanagers.iter().map(|name| format!("{name}:{}", alertmanager::PORT.1));
        let alertmanagers =
            Told { statics: [Targets { targets: targets.collect(), labels: BTreeMap::new() }] };
        let config = Config {
            alerting: (!self.alertmanagers.is_empty()).then_some(Alerting { alertmanagers: [alertmanagers] }),
            global: Global {
                scrape_interval: every.clone(),
                evaluation_interval: every,
                external_labels: [("cluster", self.cluster.clone())].into(),
            },
            rule_files: [format!("{FOLDER}/*{RULES}")],
            scrape_configs: [own].into_iter().chain(machines).chain(nodes).chain(workloads).collect(),
        };
        serde_saphyr::to_string(&config).unwrap_or_default()
    }
}

/// The machines with an exporter. One that lets nobody in is a target too, so that Prometheus says that it is down.
fn measured(cloud: &Checked) -> Vec<Measured> {
    let each = exporters(cloud).filter_map(|answer| {
        let machine = cloud.at(answer.machine)?;
        Some(Measured {
            name: machine.name.to_string(),
            address: machine.address()?,
            port: answer.service.first,
        })
    });
    each.collect()
}

/// The kubelets of a cluster.
fn kubelets(cluster: &Cluster, cloud: &Checked) -> Vec<Measured> {
    let nodes = capacity::nodes(cluster, cloud).into_iter().filter_map(|node| {
        let address = cloud.at(node.machine)?.address()?;
        Some(Measured { name: node.name.to_string(), address, port: KUBELET_PORT })
    });
    nodes.collect()
}

/// The exporters of machines.
pub(crate) fn exporters(cloud: &Checked) -> impl Iterator<Item = &Answer> {
    cloud.answers().iter().filter(|answer| answer.role.as_str() == EXPORTER)
}

impl Answering {
    fn of(namespace: &str, workload: &Workload<'_>) -> Vec<Self> {
        let each = workload.containers.iter().filter_map(|container| {
            let metrics = container.metrics.as_ref()?;
            let port = container.ports.iter().find(|port| port.name == metrics.port)?;
            Some(Self {
                namespace: namespace.to_owned(),
                workload: workload.name.to_string(),
                port: (port.name.to_string(), port.number),
                path: metrics.path.clone(),
                about_others: metrics.about_others,
                label: workload.label.map(|(key, value)| (key.to_owned(), value.to_owned())),
                service: workload.pods_name(),
            })
        });
        each.collect()
    }

    /// K3s's own Traefik.
    fn of_traefik() -> Self {
        Self {
            namespace: traefik::NAMESPACE.to_owned(),
            workload: traefik::NAME.to_owned(),
            port: (traefik::METRICS.0.to_owned(), traefik::METRICS.1),
            path: "/metrics".to_owned(),
            about_others: false,
            label: None,
            service: pods_name(),
        }
    }

    /// The label by which its pods are known.
    pub(crate) fn label(&self) -> (&str, &str) {
        self.label.as_ref().map_or((APP, &self.workload), |(key, value)| (key, value))
    }

    fn job(&self, kind: &'static str) -> Job {
        let Self { namespace, workload, port, path, service, about_others, label: _ } = self;
        let label =
            |target_label, replacement: &str| Relabel { target_label, replacement: replacement.to_owned() };
        Job {
            metrics_path: Some(path.clone()),
            honor_labels: about_others.then_some(true),
            names: vec![Names { names: [format!("{service}.{namespace}.svc")], kind, port: port.1 }],
            relabel: vec![label("namespace", namespace), label("workload", workload)],
            ..Job::of(&format!("{namespace}/{workload}/{}", port.0))
        }
    }
}

#[derive(Serialize)]
struct Config {
    global: Global,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerting: Option<Alerting>,
    rule_files: [String; 1],
    scrape_configs: Vec<Job>,
}

#[derive(Serialize)]
struct Global {
    scrape_interval: String,
    evaluation_interval: String,
    external_labels: BTreeMap<&'static str, String>,
}

/// Who is told of alerts.
#[derive(Serialize)]
struct Alerting {
    alertmanagers: [Told; 1],
}

#[derive(Serialize)]
struct Told {
    #[serde(rename = "static_configs")]
    statics: [Targets; 1],
}

#[derive(Serialize)]
struct Job {
    job_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    honor_labels: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<Credentials>,
    #[serde(rename = "tls_config", skip_serializing_if = "Option::is_none")]
    tls: Option<Tls>,
    #[serde(rename = "static_configs", skip_serializing_if = "Vec::is_empty")]
    statics: Vec<Targets>,
    #[serde(rename = "dns_sd_configs", skip_serializing_if = "Vec::is_empty")]
    names: Vec<Names>,
    #[serde(rename = "relabel_configs", skip_serializing_if = "Vec::is_empty")]
    relabel: Vec<Relabel>,
}

impl Job {
    fn of(name: &str) -> Self {
        let job_name = name.to_owned();
        Self {
            job_name,
            metrics_path: None,
            honor_labels: None,
            scheme: None,
            authorization: None,
            tls: None,
            statics: Vec::new(),
            names: Vec::new(),
            relabel: Vec::new(),
        }
    }
}

/// The token that it shows.
#[derive(Serialize)]
struct Credentials {
    credentials_file: String,
}

/// The authority of the certificate that it accepts.
#[derive(Serialize)]
struct Tls {
    ca_file: String,
}

#[derive(Serialize)]
struct Targets {
    targets: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'static str, String>,
}

impl Targets {
    fn labelled(label: &'static str, of: &Measured) -> Self {
        let Measured { name, address, port } = of;
        let target = std::net::SocketAddr::new(*address, *port).to_string();
        Self { targets: vec![target], labels: [(label, name.clone())].into() }
    }
}

/// The addresses behind a name.
#[derive(Serialize)]
struct Names {
    names: [String; 1],
    #[serde(rename = "type")]
    kind: &'static str,
    port: u16,
}

/// A label of every answer.
#[derive(Serialize)]
struct Relabel {
    target_label: &'static str,
    replacement: String,
}
