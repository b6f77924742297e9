//! A platform in a real cluster's control plane, through `fmc::Plan`: planned, applied, planned again, changed by others, pruned.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::sync::Arc;

use fmc::graph::{Action, NoteKind, Outcome};
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim;
use fmc::prelude::*;
use fmc::{Plan, Providers};
use fmc_k8s::client::Server;
use fmc_k8s::config_map::ConfigMap;
use fmc_k8s::container::{Container, Probe};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::provider::Kubernetes;
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::workload::Deployment;
use fmc_testkit::kube::ControlPlane;
use pollster::block_on;
use serde_json::Value;

const IMAGE: &str = "registry.example.org/shop/web:1.4.2@sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn web(replicas: u16) -> Deployment {
    let container = Container::new("web", IMAGE, 100.millicores(), 128.mib())
        .port("http", 8080)
        .ready(Probe::http("http", "/healthz"))
        .scratch("/tmp", 16.mib())
        .config("/etc/web", ConfigMap::new("settings").file("web.conf", "workers = 2\n"));
    // Without nodes no pod gets ready.
    Deployment::new("web", container).replicas(replicas).expose(80, "http").ready_within(0)
}

fn db() -> Deployment {
    let container =
        Container::new("db", IMAGE, 500.millicores(), 256.mib()).port("sql", 5432).ready(Probe::tcp("sql"));
    Deployment::new("db", container).expose(5432, "sql").ready_within(0)
}

fn shop(deployments: impl IntoIterator<Item = Deployment>) -> Platform {
    let shop = deployments.into_iter().fold(Namespace::new("shop"), Namespace::deployment);
    Platform::on("single").namespace(shop)
}

fn cloud(platform: Platform) -> Cloud {
    let node = Machine::new("node", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.10"));
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(node)
        .cluster(k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]))
        .role(platform)
}

struct World {
    plane: ControlPlane,
    providers: Providers,
}

impl World {
    fn start() -> Self {
        let plane = ControlPlane::start();
        let server = Server::of_kubeconfig(&plane.kubeconfig()).unwrap();
        let providers = Providers::new()
            .host(HostName::literal("local"), Sim::new())
            .secrets(Arc::new(fmc::sim::StandIns))
            .images(Images::stand_ins())
            .with(Kubernetes::new().cluster("single", server));
        Self { plane, providers }
    }

    fn plan(&self, platform: Platform) -> Plan {
        let checked = cloud(platform).check().unwrap_or_else(|report| panic!("{report}"));
        block_on(self.providers.plan(&self.providers.compile(&checked))).unwrap()
    }

    fn run(&self, plan: &Plan) -> Outcome {
        block_on(plan.apply(&self.providers, |_| ())).unwrap_or_else(|refused| panic!("{refused}\n{plan}"))
    }

    /// Plans and applies, and asserts that the next plan is empty and that a further apply writes nothing.
    fn apply(&self, platform: &Platform) -> Plan {
        let plan = self.plan(platform.clone());
        self.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
        let before = self.versions();
        let again = self.plan(platform.clone());
        assert!(again.is_empty(), "{again}");
        assert_eq!(self.versions(), before);
        plan
    }

    fn kubectl(&self, words: &[&str]) -> String {
        self.plane.kubectl(words).unwrap_or_else(|refused| panic!("{refused}"))
    }

    fn read(&self, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", what, "--namespace=shop", "--output=json"])).unwrap()
    }

    /// The version of each object that a plan could write.
    fn versions(&self) -> Vec<String> {
        let all = self.kubectl(&[
            "get",
            "namespaces,configmaps,deployments,services,networkpolicies,poddisruptionbudgets",
            "--all-namespaces",
            "--selector=fmc/owner",
            "--output=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.generation}{\"\\n\"}{end}",
        ]);
        all.lines().map(str::to_owned).collect()
    }

    /// The steps of a plan in the cluster, as `update deployment/shop/web`.
    fn steps(plan: &Plan) -> Vec<(Action, String)> {
        let steps = plan.steps.iter().filter(|step| step.address.provider() == "kubernetes");
        steps.map(|step| (step.action, step.address.short().to_string())).collect()
    }
}

#[test]
fn a_platform_is_made_changed_by_others_mended_and_pruned() {
    let world = World::start();
    let platform = shop([web(2), db()]);
    let first = world.apply(&platform);
    let made = World::steps(&first);
    assert_eq!(made.len(), 9, "{first}");
    assert!(made.iter().all(|(action, _)| *action == Action::Create), "{first}");

    // Its pods are admitted: the namespace enforces `restricted`.
    let pods = || world.kubectl(&["get", "pods", "--namespace=shop", "--output=name"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while pods().lines().count() < 3 && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_eq!(pods().lines().count(), 3);

    // Another hand decides a value now: that is said, and nothing is forced.
    world.kubectl(&["scale", "deployment/web", "--namespace=shop", "--replicas=5"]);
    let refused = world.plan(platform.clone()).to_string();
    assert!(refused.contains("spec.replicas (by kubectl)"), "{refused}");
    world.kubectl(&["scale", "deployment/web", "--namespace=shop", "--replicas=2"]);

    // Another hand adds an entry to a list that we decide, and takes a text away.
    let patch = r#"[{"op": "add", "path": "/spec/ports/-", "value": {"name": "extra", "port": 81}}]"#;
    world.kubectl(&["patch", "service/web", "--namespace=shop", "--type=json", "--patch", patch]);
    let patch = r#"[{"op": "remove", "path": "/data/web.conf"}]"#;
    world.kubectl(&["patch", "configmap/settings", "--namespace=shop", "--type=json", "--patch", patch]);
    let mended = world.apply(&platform).to_string();
    assert!(mended.contains("spec.ports[extra]") && mended.contains("web.conf"), "{mended}");
    assert_eq!(world.read("service/web")["spec"]["ports"].as_array().map(Vec::len), Some(1), "{mended}");
    assert_eq!(world.read("configmap/settings")["data"]["web.conf"], "workers = 2\n");

    // A foreign object beside ours stays, and ours of before go.
    world.kubectl(&["create", "configmap", "foreign", "--namespace=shop", "--from-literal=a=b"]);
    let pruned = world.apply(&shop([web(2)]));
    let mut gone: Vec<(Action, String)> = World::steps(&pruned);
    gone.sort_by(|(_, one), (_, other)| one.cmp(other));
    assert_eq!(
        gone,
        [(Action::Delete, "deployment/shop/db".to_owned()), (Action::Delete, "service/shop/db".to_owned())],
        "{pruned}"
    );
    assert_eq!(world.read("configmap/foreign")["data"]["a"], "b");
}

#[test]
fn an_object_that_is_not_ours_is_refused_and_left_alone() {
    let world = World::start();
    world.kubectl(&["create", "namespace", "shop"]);
    let plan = world.plan(shop([web(1)]));
    let refused: Vec<&str> = plan
        .notes
        .iter()
        .filter(|note| note.kind == NoteKind::Refused)
        .map(|note| note.text.as_str())
        .collect();
    assert!(refused.iter().any(|text| text.contains("fmc did not make it")), "{plan}");
    assert!(block_on(plan.apply(&world.providers, |_| ())).is_err());
    let labels = world.kubectl(&["get", "namespace", "shop", "--output=jsonpath={.metadata.labels}"]);
    assert!(!labels.contains("fmc/owner"), "{labels}");
}

#[test]
fn a_server_that_is_away_is_waited_for_and_nothing_is_half_known() {
    let mut world = World::start();
    let platform = shop([web(1)]);
    world.apply(&platform);
    world.plane.kill_api_server();
    let plan = world.plan(platform.clone());
    assert!(!plan.is_empty(), "{plan}");
    assert_eq!(World::steps(&plan), [(Action::Create, "api/single".to_owned())], "{plan}");
    world.plane.revive();
    world.apply(&platform);
}
