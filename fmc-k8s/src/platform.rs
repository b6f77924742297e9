//! A platform: what runs inside a cluster, as one value of a cloud.

mod check;
mod images;
mod services;

use std::any::Any;

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::finding::OwnKind;
use fmc_core::given::Given;
use fmc_core::name::ClusterName;
use fmc_core::role::{
    FileSpanningRole, RoleFindings, RoleTable, SpanMembers, SpanSite, Spanning, SpanningRole,
};
use serde::{Deserialize, Serialize};

use crate::alertmanager::Alertmanager;
use crate::budget::ClusterBudget;
use crate::ceph::Ceph;
use crate::connection::{Connection, NamespacedConnection};
use crate::daemon::DaemonSet;
use crate::gateway::{Gateway, HttpRoute};
use crate::grafana::Grafana;
use crate::image_lock::ImageLock;
use crate::ingress::IngressHost;
use crate::jenkins::Jenkins;
use crate::job::{CronJob, Job};
use crate::kafka::Kafka;
use crate::kube_state_metrics::KubeStateMetrics;
use crate::name::{NamespacedName, ObjectName, PortName};
use crate::operator::Operator;
use crate::outside::OutsideCall;
use crate::overlay::Overlay;
use crate::postgres::Postgres;
use crate::prometheus::Prometheus;
use crate::quota::{Limits, PriorityClass, Quota};
use crate::raw::RawObject;
use crate::redis::Redis;
use crate::stateful::Stateful;
use crate::traefik::Traefik;
use crate::workload::Deployment;

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
    /// Which pods go first when a node is full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) priority_classes: Vec<PriorityClass>,
    /// Objects of the whole cluster, and of namespaces that are not the platform's, as `kube-system`, in the form of the API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) objects: Vec<RawObject>,
    /// Programs that run objects of kinds of their own, from the files that their projects publish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) operators: Vec<Operator>,
    /// A Ceph on disks of the cluster's machines, which the operator Rook runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ceph: Option<Ceph>,
    /// Which workloads may call those of other namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) connections: Vec<NamespacedConnection>,
    /// Settings of K3s's own Traefik, which takes the calls of its ingresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traefik: Option<Traefik>,
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
    /// The most that its pods and volumes take together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quota: Option<Quota>,
    /// The least and the most of each container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limits: Option<Limits>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deployments: Vec<Deployment>,
    /// Workloads that keep data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) stateful_sets: Vec<Stateful>,
    /// Workloads of which each node has a pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) daemon_sets: Vec<DaemonSet>,
    /// Workloads that run to an end, once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) jobs: Vec<Job>,
    /// Workloads that run to an end, by the clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cron_jobs: Vec<CronJob>,
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
    /// Where calls from outside of the cluster come in by the Gateway API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) gateways: Vec<Gateway>,
    /// Which workloads answer the calls that come in by gateways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) http_routes: Vec<HttpRoute>,
    /// Objects of kinds that are not here, in the form of the API: an EndpointSlice, a HelmChart. They are in this namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) objects: Vec<RawObject>,
    /// Where the last of its workloads stand that are services.
    #[serde(skip)]
    services: services::Services,
}

impl Platform {
    /// An empty platform of a cluster.
    pub fn on(cluster: impl Into<Given<ClusterName>>) -> Self {
        Self {
            cluster: cluster.into(),
            namespaces: Vec::new(),
            priority_classes: Vec::new(),
            objects: Vec::new(),
            operators: Vec::new(),
            ceph: None,
            connections: Vec::new(),
            traefik: None,
            overlays: Vec::new(),
            image_lock: None,
        }
    }

    /// A priority class, which workloads name.
    #[must_use]
    pub fn priority_class(mut self, class: PriorityClass) -> Self {
        self.priority_classes.push(class);
        self
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

    /// A workload may talk to one of another namespace at a port of its containers, as `shop/web` to `data/db`. Both network policies follow,
    /// and it finds the other one by the name `db.data`.
    #[must_use]
    pub fn connect(
        mut self,
        from: impl Into<Given<NamespacedName>>,
        to: impl Into<Given<NamespacedName>>,
        port: impl Into<Given<PortName>>,
    ) -> Self {
        self.connections.push(NamespacedConnection { from: from.into(), to: to.into(), port: port.into() });
        self
    }

    /// Settings of K3s's own Traefik.
    #[must_use]
    pub fn traefik(self, traefik: Traefik) -> Self {
        Self { traefik: Some(traefik), ..self }
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

    /// A cloud whose platforms have [read their files](Self::read_files): for programs that read a cloud from a file.
    #[must_use]
    pub fn read_files_in(cloud: Cloud, mut read: impl FnMut(&str) -> Result<String, String>) -> Cloud {
        cloud.map_spanning_roles(|_, role| {
            let any: &dyn Any = role.as_spanning();
            match any.downcast_ref::<Self>().filter(|one| one.has_files()) {
                Some(platform) => Spanning::said(platform.clone().read_files(&mut read)),
                None => role,
            }
        })
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
            quota: None,
            limits: None,
            daemon_sets: Vec::new(),
            jobs: Vec::new(),
            cron_jobs: Vec::new(),
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
            gateways: Vec::new(),
            http_routes: Vec::new(),
            objects: Vec::new(),
            services: services::Services::default(),
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

    /// A pod on each node.
    #[must_use]
    pub fn daemon_set(mut self, set: DaemonSet) -> Self {
        self.daemon_sets.push(set);
        self
    }

    /// The most that its pods and volumes take together.
    #[must_use]
    pub fn quota(self, quota: Quota) -> Self {
        Self { quota: Some(quota), ..self }
    }

    /// The least and the most of each container.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// Pods that run to an end, once.
    #[must_use]
    pub fn job(mut self, job: Job) -> Self {
        self.jobs.push(job);
        self
    }

    /// Pods that run to an end, by the clock.
    #[must_use]
    pub fn cron_job(mut self, job: CronJob) -> Self {
        self.cron_jobs.push(job);
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

    /// Where calls from outside of the cluster come in by the Gateway API, for the routes that name it.
    #[must_use]
    pub fn gateway(mut self, gateway: Gateway) -> Self {
        self.gateways.push(gateway);
        self
    }

    /// A route from a gateway to workloads of this namespace.
    #[must_use]
    pub fn http_route(mut self, route: HttpRoute) -> Self {
        self.http_routes.push(route);
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
