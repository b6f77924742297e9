//! A cloud with one node, and a platform in it.

use std::sync::Arc;

use fmc::graph::{Action, NoteKind, Outcome};
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim as Hypervisor;
use fmc::prelude::*;
use fmc::{Plan, Providers, Wanted};
use fmc_k8s::config_map::ConfigMap;
use fmc_k8s::container::{Container, Probe};
use fmc_k8s::link::ApiLink;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::provider::Kubernetes;
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::sim::Sim;
use fmc_k8s::workload::Deployment;
use pollster::block_on;

const IMAGE: &str = "registry.example.org/shop/web:1.4.2@sha256:0000000000000000000000000000000000000000000000000000000000000000";

pub(crate) fn web(replicas: u16) -> Deployment {
    let container = Container::new("web", IMAGE, 100.millicores(), 128.mib())
        .port("http", 8080)
        .ready(Probe::http("http", "/healthz"))
        .scratch("/tmp", 16.mib())
        .config("/etc/web", ConfigMap::new("settings").file("web.conf", "workers = 2\n"));
    Deployment::new("web", container).replicas(replicas).expose(80, "http")
}

pub(crate) fn db() -> Deployment {
    let container =
        Container::new("db", IMAGE, 500.millicores(), 256.mib()).port("sql", 5432).ready(Probe::tcp("sql"));
    Deployment::new("db", container).expose(5432, "sql")
}

pub(crate) fn shop(deployments: impl IntoIterator<Item = Deployment>) -> Platform {
    let shop = deployments.into_iter().fold(Namespace::new("shop"), Namespace::deployment);
    Platform::on("single").namespace(shop)
}

pub(crate) fn cloud() -> Cloud {
    cloud_with(k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]))
}

/// The same with another cluster of its node.
pub(crate) fn cloud_with(cluster: k3s::Cluster) -> Cloud {
    cloud_on([Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s")], cluster)
}

/// The same with other disks of its node.
pub(crate) fn cloud_on(disks: impl IntoIterator<Item = Disk>, cluster: k3s::Cluster) -> Cloud {
    let node = Machine::new("node", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lab").address("10.17.3.10"));
    let node = disks.into_iter().fold(node, Machine::disk);
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(node)
        .cluster(cluster)
}

/// A cluster that the tests plan for: in memory, or a real API server.
pub(crate) trait Cluster {
    /// The connection to it.
    fn link(&self) -> impl ApiLink;

    /// The objects that a plan could write, so that two of them are equal if nothing was written.
    fn written(&self) -> String;
}

impl Cluster for Sim {
    fn link(&self) -> impl ApiLink {
        self.clone()
    }

    fn written(&self) -> String {
        self.state()
    }
}

/// A hypervisor in memory and a cluster.
pub(crate) struct World<C> {
    pub(crate) cluster: C,
    pub(crate) providers: Providers,
}

impl World<Sim> {
    /// With a cluster in memory.
    pub(crate) fn new() -> Self {
        Self::on(Sim::new())
    }
}

impl<C: Cluster> World<C> {
    pub(crate) fn on(cluster: C) -> Self {
        let providers = Providers::new()
            .host(HostName::literal("local"), Hypervisor::new())
            .secrets(Arc::new(fmc::sim::StandIns))
            .images(Images::stand_ins())
            .with(Kubernetes::new().cluster("single", cluster.link()));
        Self { cluster, providers }
    }

    pub(crate) fn compile(&self, cloud: Cloud) -> Wanted {
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        self.providers.compile(&checked)
    }

    pub(crate) fn wanted(&self, platform: Platform) -> Wanted {
        self.compile(cloud().role(platform))
    }

    pub(crate) fn plan_of(&self, wanted: &Wanted) -> Plan {
        block_on(self.providers.plan(wanted)).unwrap()
    }

    pub(crate) fn plan(&self, platform: Platform) -> Plan {
        self.plan_of(&self.wanted(platform))
    }

    pub(crate) fn run(&self, plan: &Plan) -> Outcome {
        block_on(plan.apply(&self.providers, |_| ())).unwrap_or_else(|refused| panic!("{refused}\n{plan}"))
    }

    /// Plans and applies, and asserts that the next plan is empty and that making it wrote nothing.
    pub(crate) fn apply(&self, platform: &Platform) -> Plan {
        let plan = self.plan(platform.clone());
        self.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
        let before = self.cluster.written();
        let again = self.plan(platform.clone());
        assert!(again.is_empty(), "{again}");
        assert_eq!(self.cluster.written(), before);
        plan
    }
}

/// The steps of a plan in the cluster.
pub(crate) fn steps(plan: &Plan) -> Vec<(Action, String)> {
    let steps = plan.steps.iter().filter(|step| step.address.provider() == "kubernetes");
    steps.map(|step| (step.action, step.address.short().to_string())).collect()
}

/// The names of the objects in the cluster that a plan deletes, sorted.
pub(crate) fn deleted(plan: &Plan) -> Vec<String> {
    let gone = steps(plan).into_iter().filter(|(action, _)| *action == Action::Delete);
    let mut names: Vec<String> = gone.map(|(_, name)| name).collect();
    names.sort();
    names
}

/// The texts of a plan's notes of a kind.
pub(crate) fn notes(plan: &Plan, kind: NoteKind) -> Vec<String> {
    plan.notes.iter().filter(|note| note.kind == kind).map(|note| note.text.clone()).collect()
}
