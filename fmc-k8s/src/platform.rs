//! A platform: what runs inside a cluster, as one value of a cloud.

mod check;
mod images;

use std::borrow::Cow;
use std::collections::BTreeMap;

use fmc_core::checked::Checked;
use fmc_core::finding::OwnKind;
use fmc_core::given::Given;
use fmc_core::name::ClusterName;
use fmc_core::role::{FileSpanningRole, RoleFindings, RoleTable, SpanMembers, SpanSite, SpanningRole};
use serde::{Deserialize, Serialize};

use crate::alertmanager::Alertmanager;
use crate::budget::ClusterBudget;
use crate::ceph::Ceph;
use crate::grafana::Grafana;
use crate::image_lock::ImageLock;
use crate::ingress::IngressHost;
use crate::jenkins::Jenkins;
use crate::kafka::Kafka;
use crate::kube_state_metrics::KubeStateMetrics;
use crate::name::{ObjectName, PortName};
use crate::operated::Operated;
use crate::operator::Operator;
use crate::outside::OutsideCall;
use crate::overlay::Overlay;
use crate::postgres::Postgres;
use crate::prometheus::config::Scrapes;
use crate::prometheus::{self, Prometheus};
use crate::raw::RawObject;
use crate::redis::{Lowered, Redis};
use crate::stateful::Stateful;
use crate::workload::{Deployment, Workload};

pub use images::{Pinned, UsedImage};

/// The inside of a K3s cluster of a cloud, by namespace.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::{Container, Probe};
/// use fmc_k8s::platform::{Namespace, Platform};
/// use fmc_k8s::quantity::CpuExt as _;
/// use fmc_k8s::workload::Deployment;
///
/// let web = Container::new("web", "registry.example.org/shop/web:1.4.2", 100.millicores(), 128.mib())
///     .port("http", 8080)
///     .ready(Probe::http("http", "/healthz"));
/// let shop = Namespace::new("shop").deployment(Deployment::new("web", web).expose(80, "http"));
/// let platform = Platform::on("prod").namespace(shop);
/// let kinds: Vec<&str> = platform.manifests().iter().map(|manifest| manifest.kind().name).collect();
/// assert_eq!(kinds, ["Namespace", "NetworkPolicy", "NetworkPolicy", "Deployment", "Service"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub(crate) cluster: Given<ClusterName>,
    #[serde(default)]
    pub(crate) namespaces: Vec<Namespace>,
    /// Objects of the whole cluster, and of namespaces that are not the platform's, as `kube-system`, in the form of the API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) objects: Vec<RawObject>,
    /// Programs that run objects of kinds of their own, from the files that their projects publish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) operators: Vec<Operator>,
    /// A Ceph on disks of the cluster's machines, which the operator Rook runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ceph: Option<Ceph>,
    /// Fields of its objects for which it has no words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) overlays: Vec<Overlay>,
    /// The digests of its images, as the text of an image lock. `fmc` reads them from the file beside the cloud's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image_lock: Option<Given<ImageLock>>,
}

/// A namespace with its workloads. Its pods must satisfy the standard `restricted`, and nothing in it is reached or reaches anything
/// but names, unless a [connection](Namespace::connect) or an [ingress](Namespace::ingress) says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Namespace {
    pub(crate) name: Given<ObjectName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deployments: Vec<Deployment>,
    /// Workloads that keep data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) stateful_sets: Vec<Stateful>,
    /// Redis or Valkey.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) redis: Vec<Redis>,
    /// PostgreSQLs, which the operator CloudNativePG runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) postgres: Vec<Postgres>,
    /// Kafkas, which the operator Strimzi runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kafka: Vec<Kafka>,
    /// Prometheuses, each of which asks the whole platform.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) prometheus: Vec<Prometheus>,
    /// Alertmanagers, each of which is told of every alert of the platform.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) alertmanager: Vec<Alertmanager>,
    /// kube-state-metrics: measurements of the objects of the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kube_state_metrics: Vec<KubeStateMetrics>,
    /// Jenkinses, whose builds have pods in this namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) jenkins: Vec<Jenkins>,
    /// Pages with measurements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) grafana: Vec<Grafana>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) connections: Vec<Connection>,
    /// Which ports outside of the cluster its workloads call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) outside: Vec<OutsideCall>,
    /// The hosts that people outside of the cluster call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ingresses: Vec<IngressHost>,
    /// Objects of kinds that are not here, in the form of the API: a CronJob, a ResourceQuota. They are in this namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) objects: Vec<RawObject>,
    /// Where the last of its workloads stand that are services.
    #[serde(skip)]
    services: Services,
}

/// The workloads and connections that follow from services. They stand behind those that a person wrote.
#[derive(Clone, Debug, Default, PartialEq)]
struct Services {
    deployments: Vec<String>,
    stateful_sets: Vec<String>,
    /// Those whose pods an operator makes, each with its path.
    operated: Vec<(String, Operated)>,
    /// The number of connections that follow from services, the last ones.
    connections: usize,
}

/// One workload may talk to another one at a port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The workload that asks.
    pub(crate) from: Given<ObjectName>,
    /// The workload that answers.
    pub(crate) to: Given<ObjectName>,
    /// Its container's port, by name.
    pub(crate) port: Given<PortName>,
}

impl Platform {
    /// An empty platform of a cluster.
    pub fn on(cluster: impl Into<Given<ClusterName>>) -> Self {
        Self {
            cluster: cluster.into(),
            namespaces: Vec::new(),
            objects: Vec::new(),
            operators: Vec::new(),
            ceph: None,
            overlays: Vec::new(),
            image_lock: None,
        }
    }

    /// An object of the whole cluster, or of a namespace that is not the platform's, as `kube-system`.
    #[must_use]
    pub fn object(mut self, object: RawObject) -> Self {
        self.objects.push(object);
        self
    }

    /// An operator, from the files that its project publishes.
    #[must_use]
    pub fn operator(mut self, operator: Operator) -> Self {
        self.operators.push(operator);
        self
    }

    /// A Ceph on disks of the cluster's machines.
    #[must_use]
    pub fn ceph(self, ceph: Ceph) -> Self {
        Self { ceph: Some(ceph), ..self }
    }

    /// Fields of one of its objects for which it has no words.
    #[must_use]
    pub fn overlay(mut self, overlay: Overlay) -> Self {
        self.overlays.push(overlay);
        self
    }

    /// Whether it has files that are to be read.
    pub fn has_files(&self) -> bool {
        self.operators.iter().any(|operator| !operator.files.is_empty())
    }

    /// Reads the files of its operators: `read` gives the text of a path, or the reason why it does not, which is then a finding. A program
    /// that plans clouds of other people reads below one folder alone.
    #[must_use]
    pub fn read_files(mut self, mut read: impl FnMut(&str) -> Result<String, String>) -> Self {
        self.operators.iter_mut().for_each(|operator| operator.read(&mut read));
        self
    }

    /// A namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespaces.push(namespace);
        self
    }
}

impl Namespace {
    /// An empty namespace.
    pub fn new(name: impl Into<Given<ObjectName>>) -> Self {
        Self {
            name: name.into(),
            deployments: Vec::new(),
            stateful_sets: Vec::new(),
            redis: Vec::new(),
            postgres: Vec::new(),
            kafka: Vec::new(),
            prometheus: Vec::new(),
            alertmanager: Vec::new(),
            kube_state_metrics: Vec::new(),
            jenkins: Vec::new(),
            grafana: Vec::new(),
            connections: Vec::new(),
            outside: Vec::new(),
            ingresses: Vec::new(),
            objects: Vec::new(),
            services: Services::default(),
        }
    }

    /// Pods that are alike.
    #[must_use]
    pub fn deployment(mut self, deployment: Deployment) -> Self {
        self.deployments.push(deployment);
        self
    }

    /// Pods that keep data.
    #[must_use]
    pub fn stateful(mut self, stateful: Stateful) -> Self {
        self.stateful_sets.push(stateful);
        self
    }

    /// A Redis or Valkey.
    #[must_use]
    pub fn redis(mut self, redis: Redis) -> Self {
        self.redis.push(redis);
        self
    }

    /// A PostgreSQL.
    #[must_use]
    pub fn postgres(mut self, postgres: Postgres) -> Self {
        self.postgres.push(postgres);
        self
    }

    /// A Kafka.
    #[must_use]
    pub fn kafka(mut self, kafka: Kafka) -> Self {
        self.kafka.push(kafka);
        self
    }

    /// A Prometheus.
    #[must_use]
    pub fn prometheus(mut self, prometheus: Prometheus) -> Self {
        self.prometheus.push(prometheus);
        self
    }

    /// An Alertmanager.
    #[must_use]
    pub fn alertmanager(mut self, alertmanager: Alertmanager) -> Self {
        self.alertmanager.push(alertmanager);
        self
    }

    /// A kube-state-metrics.
    #[must_use]
    pub fn kube_state_metrics(mut self, one: KubeStateMetrics) -> Self {
        self.kube_state_metrics.push(one);
        self
    }

    /// A Jenkins.
    #[must_use]
    pub fn jenkins(mut self, jenkins: Jenkins) -> Self {
        self.jenkins.push(jenkins);
        self
    }

    /// A Grafana.
    #[must_use]
    pub fn grafana(mut self, grafana: Grafana) -> Self {
        self.grafana.push(grafana);
        self
    }

    /// The namespace with its services as the workloads that they are. What a Prometheus asks is given, since it is of all namespaces
    /// and of the cloud.
    pub(crate) fn lowered(&self, scrapes: &Scrapes) -> Cow<'_, Self> {
        let redis = self.redis.iter().enumerate().map(|(at, one)| (format!("redis[{at}]"), one.lowered()));
        let prometheus = self.prometheus.iter().enumerate();
        let prometheus = prometheus
            .map(|(at, one)| (format!("prometheus[{at}]"), Lowered::Stateful(one.lowered(scrapes))));
        let alertmanager = self.alertmanager.iter().enumerate();
        let alertmanager = alertmanager.map(|(at, one)| (format!("alertmanager[{at}]"), one.lowered()));
        let states = self.kube_state_metrics.iter().enumerate();
        let states =
            states.map(|(at, one)| (format!("kube_state_metrics[{at}]"), Lowered::Deployment(one.lowered())));
        let jenkins = self.jenkins.iter().enumerate();
        let jenkins =
            jenkins.map(|(at, one)| (format!("jenkins[{at}]"), Lowered::Stateful(one.lowered(&self.name))));
        let grafana = self.grafana.iter().enumerate();
        let grafana = grafana.map(|(at, one)| (format!("grafana[{at}]"), one.lowered()));
        let mut lowered = Cow::Borrowed(self);
        for (path, service) in
            redis.chain(prometheus).chain(alertmanager).chain(states).chain(jenkins).chain(grafana)
        {
            let all = lowered.to_mut();
            match service {
                Lowered::Deployment(deployment) => {
                    all.deployments.push(deployment);
                    all.services.deployments.push(path);
                }
                Lowered::Stateful(set) => {
                    all.stateful_sets.push(set);
                    all.services.stateful_sets.push(path);
                }
            }
        }
        let postgres = self.postgres.iter().enumerate();
        let postgres = postgres.map(|(at, one)| (format!("postgres[{at}]"), one.lowered()));
        let kafka = self.kafka.iter().enumerate();
        let kafka = kafka.map(|(at, one)| (format!("kafka[{at}]"), one.lowered()));
        for operated in postgres.chain(kafka) {
            lowered.to_mut().services.operated.push(operated);
        }
        for follows in self.follow(&lowered) {
            let all = lowered.to_mut();
            if !all.connections.contains(&follows) {
                all.connections.push(follows);
                all.services.connections += 1;
            }
        }
        lowered
    }

    /// The connections that follow from its services. `lowered` has the workloads that these became.
    fn follow(&self, lowered: &Self) -> Vec<Connection> {
        let shown = self.grafana.iter().map(|grafana| Connection {
            from: grafana.name.clone(),
            to: grafana.prometheus.clone(),
            port: prometheus::PORT.0.into(),
        });
        let workloads = lowered.workloads();
        let told = self.alertmanager.iter().flat_map(|one| one.workloads().map(move |to| (one, to)));
        let told = told.filter_map(|(from, to)| {
            let (_, answers) = workloads.iter().find(|(_, one)| *one.name == to.name)?;
            let exposed = answers.expose.iter().find(|exposed| exposed.port == to.port)?;
            Some(Connection { from: from.name.clone(), to: to.name.clone(), port: exposed.to.clone() })
        });
        shown.chain(told).collect()
    }

    /// The same, where it does not matter what a Prometheus asks.
    pub(crate) fn with_services(&self) -> Cow<'_, Self> {
        self.lowered(&Scrapes::default())
    }

    /// The connections that a person wrote.
    pub(crate) fn own_connections(&self) -> &[Connection] {
        let own = self.connections.len().saturating_sub(self.services.connections);
        self.connections.get(..own).unwrap_or_default()
    }

    /// Its workloads of every kind, each with its path.
    pub(crate) fn workloads(&self) -> Vec<(String, Workload<'_>)> {
        let (all, services) = (&self.deployments, &self.services.deployments);
        let own = all.len().saturating_sub(services.len());
        let paths = (0..own).map(|index| format!("deployments[{index}]")).chain(services.iter().cloned());
        let deployments = paths.zip(all).map(|(path, one)| {
            let is_service = services.contains(&path);
            (path, Workload { is_service, ..one.into() })
        });
        let sets = self.own_sets().map(|(path, one)| {
            let is_service = self.services.stateful_sets.contains(&path);
            (path, Workload { is_service, ..one.into() })
        });
        let operated = self.operated().map(|(path, one)| (path.to_owned(), one.workload()));
        deployments.chain(sets).chain(operated).collect()
    }

    /// Its workloads by name; the first of several with one name, which is a finding.
    pub(crate) fn by_name(&self) -> BTreeMap<String, Workload<'_>> {
        self.workloads().into_iter().rev().map(|(_, one)| (one.name.to_string(), one)).collect()
    }

    /// Whether a set stands at the path of a service.
    pub(crate) fn is_service(&self, path: &str) -> bool {
        let operated = self.services.operated.iter().map(|(service, _)| service);
        self.services.stateful_sets.iter().chain(operated).any(|service| service == path)
    }

    /// Its workloads that keep data, each with its path.
    pub(crate) fn sets(&self) -> Vec<(String, &Stateful)> {
        let operated = self.operated().map(|(path, one)| (path.to_owned(), &one.pods));
        self.own_sets().chain(operated).collect()
    }

    /// The sets of these, which fmc makes itself.
    fn own_sets(&self) -> impl Iterator<Item = (String, &Stateful)> {
        let (all, services) = (&self.stateful_sets, &self.services.stateful_sets);
        let own = all.len().saturating_sub(services.len());
        let paths = (0..own).map(|index| format!("stateful_sets[{index}]")).chain(services.iter().cloned());
        paths.zip(all)
    }

    /// Its workloads whose pods an operator makes, each with its path.
    pub(crate) fn operated(&self) -> impl Iterator<Item = (&str, &Operated)> {
        self.services.operated.iter().map(|(path, one)| (path.as_str(), one))
    }

    /// A workload calls ports outside of the cluster. The network policy follows.
    #[must_use]
    pub fn call_outside(mut self, call: OutsideCall) -> Self {
        self.outside.push(call);
        self
    }

    /// A host that people outside of the cluster call, with the workloads that answer.
    #[must_use]
    pub fn ingress(mut self, ingress: IngressHost) -> Self {
        self.ingresses.push(ingress);
        self
    }

    /// An object of a kind that has no type here, in this namespace.
    #[must_use]
    pub fn object(mut self, object: RawObject) -> Self {
        self.objects.push(object);
        self
    }

    /// A workload may talk to another one at a port of its containers. Both network policies follow.
    #[must_use]
    pub fn connect(
        mut self,
        from: impl Into<Given<ObjectName>>,
        to: impl Into<Given<ObjectName>>,
        port: impl Into<Given<PortName>>,
    ) -> Self {
        self.connections.push(Connection { from: from.into(), to: to.into(), port: port.into() });
        self
    }
}

impl SpanningRole for Platform {
    fn instance(&self) -> Option<&str> {
        self.cluster.ok().map(ClusterName::as_str)
    }

    /// Its machines are those of its cluster, which has them.
    fn members(&self) -> SpanMembers<'_> {
        SpanMembers::new()
    }

    fn settings(&self, findings: &mut RoleFindings<'_>) {
        check::settings(self, findings);
    }

    fn check(&self, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
        check::together(self, site, findings);
    }

    /// The budget of its cluster.
    fn tables(&self, cloud: &Checked) -> Vec<RoleTable> {
        ClusterBudget::of(self, cloud)
            .into_iter()
            .map(|budget| budget.table(&self.cluster.to_string()))
            .collect()
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }
}

impl FileSpanningRole for Platform {
    const KIND: &'static str = "platform";
    const FINDINGS: &'static [OwnKind] = check::KINDS;
}
