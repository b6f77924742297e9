//! Prometheus asks what the model has, and Grafana shows it.

use fmc::graph::{Action, NoteKind};
use fmc::node_exporter::NodeExporter;
use fmc::prelude::*;
use fmc_k8s::container::Probe;
use fmc_k8s::grafana::Grafana;
use fmc_k8s::ingress::IngressHost;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::prometheus::Prometheus;
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::sim::Sim;
use fmc_k8s::stateful::Stateful;
use fmc_k8s::workload::Deployment;
use serde_json::{Value, json};

use crate::alertmanager::alertmanager;
use crate::check::{container, every_kind, kinds, one};
use crate::cloud::{World, cloud, notes, steps};

pub(crate) const IMAGE: &str =
    "registry.example.org/x:1@sha256:0000000000000000000000000000000000000000000000000000000000000000";

pub(crate) fn prometheus() -> Prometheus {
    Prometheus::new("prometheus", IMAGE, 1.gib(), 20.gib()).days(30)
}

fn grafana() -> Grafana {
    Grafana::new("grafana", IMAGE, 256.mib(), "prometheus").url("https://grafana.example.org/")
}

/// A shop with measurements, and what watches it.
pub(crate) fn watched() -> Platform {
    let measured = |name: &str, port: u16| {
        container(name).port("http", port).ready(Probe::tcp("http")).metrics("http", "/metrics")
    };
    let shop = Namespace::new("shop")
        .deployment(Deployment::new("web", measured("web", 8080)).replicas(2).ready_within(0))
        .stateful(Stateful::new("queue", measured("queue", 7000)).ready_within(0));
    let monitoring = Namespace::new("monitoring")
        .prometheus(prometheus().ready_within(0).rules("shop", "groups: [{name: shop, rules: []}]\n"))
        .grafana(grafana().ready_within(0))
        .alertmanager(alertmanager().ready_within(0))
        .ingress(IngressHost::new("grafana.example.org").route("/", "grafana", 3000));
    Platform::on("single").namespace(shop).namespace(monitoring)
}

/// The cloud of the tests, whose node lets the cluster's nodes ask its exporter.
pub(crate) fn measured_cloud() -> Cloud {
    let exporter = NodeExporter::new().from(Peer::role("k3s-server"));
    cloud().map_machines(|machine| machine.role(exporter.clone()))
}

fn config(world: &World<Sim>) -> String {
    let config = world.cluster.object("config-map", "monitoring", "prometheus-config").unwrap();
    config.pointer("/data/prometheus.yml").unwrap().as_str().unwrap().to_owned()
}

#[test]
fn it_asks_every_machine_and_every_workload_with_measurements() {
    let world = World::new();
    let wanted = world.compile(measured_cloud().role(watched()));
    let plan = world.plan_of(&wanted);
    world.run(&plan).converged().unwrap();
    assert!(world.plan_of(&wanted).is_empty());
    expect_test::expect_file!["golden/prometheus.yml"].assert_eq(&config(&world));
    // Each name that it asks for is one that the cluster has.
    for (namespace, name) in [("shop", "web-pods"), ("shop", "queue-pods"), ("monitoring", "grafana-pods")] {
        assert_eq!(world.cluster.object("service", namespace, name).unwrap()["spec"]["clusterIP"], "None");
    }
}

#[test]
fn its_way_to_them_is_open_and_no_other() {
    let world = World::new();
    let wanted = world.compile(measured_cloud().role(watched()));
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    let policy = |namespace: &str, name: &str| {
        world.cluster.object("network-policy", namespace, name).unwrap()["spec"].clone()
    };
    let asks = policy("monitoring", "prometheus-asks");
    let to: Vec<&Value> = asks["egress"].as_array().unwrap().iter().map(|rule| &rule["to"][0]).collect();
    assert_eq!(to.len(), 6, "{asks}");
    assert_eq!(to[4]["ipBlock"]["cidr"], "10.17.3.10/32");
    assert_eq!(asks["egress"][4]["ports"][0]["port"], 9100);
    assert_eq!(asks["egress"][5], json!({ "to": [to[4]], "ports": [{ "port": 10250, "protocol": "TCP" }] }));
    let from = json!([{
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "monitoring" } },
        "podSelector": { "matchLabels": { "app.kubernetes.io/name": "prometheus" } },
    }]);
    for (namespace, name) in
        [("shop", "web-answers"), ("shop", "queue-answers"), ("monitoring", "grafana-answers")]
    {
        assert_eq!(policy(namespace, name)["ingress"][0]["from"], from);
    }
    // Without one that asks, nobody is let in.
    let shop = |platform: Platform| {
        let manifests = platform.manifests();
        manifests.iter().any(|one| one.name() == "web-answers")
    };
    assert!(shop(watched()));
    let measured = container("web").port("http", 80).ready(Probe::tcp("http")).metrics("http", "/metrics");
    let alone = Namespace::new("shop").deployment(Deployment::new("web", measured));
    assert!(!shop(Platform::on("single").namespace(alone)));
}

#[test]
fn a_machine_that_keeps_it_away_is_told_and_stays_its_target() {
    let db = |exporter: NodeExporter| {
        let db = Machine::new("db", Image::debian("12").path("/images/debian-12.qcow2"))
            .cpus(1)
            .memory(1.gib())
            .root_disk(4.gib())
            .interface(Interface::on("lab").address("10.17.3.20"))
            .role(exporter);
        cloud().map_machines(|machine| machine.role(NodeExporter::new())).machine(db).role(watched())
    };
    let found = |cloud: Cloud| -> Vec<String> {
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        let ours = checked.findings().iter().filter(|one| one.kind().to_string() == "platform-unasked");
        ours.map(|one| format!("{} {} {}", one.at(), one.message(), one.help())).collect()
    };
    let told = "roles[0].platform.namespaces[1].prometheus[0] prometheus runs on a node of single, and cannot ask db: their firewalls \
                do not let in every node let the nodes in: `node-exporter: {from: [{role: {kind: k3s-server}}]}`";
    // The node lets its own pods in.
    assert_eq!(found(db(NodeExporter::new())), [told]);
    assert_eq!(found(db(NodeExporter::new().from(Peer::machine("db")))), [told]);
    for peer in [Peer::role("k3s-server"), Peer::machine("node"), Peer::network("lab"), Peer::Anywhere] {
        assert_eq!(found(db(NodeExporter::new().from(peer))), Vec::<String>::new());
    }
    let world = World::new();
    let wanted = world.compile(db(NodeExporter::new().from(Peer::Anywhere)));
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    let config = config(&world);
    assert!(config.contains("10.17.3.10:9100") && config.contains("10.17.3.20:9100"), "{config}");
}

#[test]
fn it_keeps_within_its_volume_and_has_time_to_start() {
    let world = World::new();
    world.apply(&watched());
    let set = world.cluster.object("stateful-set", "monitoring", "prometheus").unwrap();
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    let arguments: Vec<&str> =
        container["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let most = 20_u64 * (1 << 30) / 100 * 85;
    assert!(arguments.contains(&format!("--storage.tsdb.retention.size={most}B").as_str()), "{arguments:?}");
    assert!(arguments.contains(&"--storage.tsdb.retention.time=30d"), "{arguments:?}");
    assert_eq!(container["startupProbe"]["failureThreshold"], 90);
    assert_eq!(container["startupProbe"]["httpGet"]["path"], "/-/healthy");
    let config = world.cluster.object("config-map", "monitoring", "prometheus-config").unwrap();
    let files: Vec<&String> = config["data"].as_object().unwrap().keys().collect();
    assert_eq!(files, ["prometheus.yml", "shop.rules.yml", "standard.rules.yml"]);
    world.apply(
        &Platform::on("single").namespace(
            Namespace::new("monitoring").prometheus(prometheus().ready_within(0).only_own_rules()),
        ),
    );
    let config = world.cluster.object("config-map", "monitoring", "prometheus-config").unwrap();
    assert_eq!(config["data"].as_object().unwrap().len(), 1);
}

#[test]
fn grafana_finds_its_prometheus_and_has_a_page() {
    let world = World::new();
    world.apply(&watched());
    let text = |name: &str, file: &str| -> Value {
        let config = world.cluster.object("config-map", "monitoring", name).unwrap();
        serde_json::from_str(config["data"][file].as_str().unwrap()).unwrap()
    };
    let source = text("grafana-source", "prometheus.yaml");
    assert_eq!(source["datasources"][0]["url"], "http://prometheus:9090");
    let page = text("grafana-pages", "machines.json");
    assert_eq!(page["panels"][0]["datasource"]["uid"], source["datasources"][0]["uid"]);
    assert!(world.cluster.object("network-policy", "monitoring", "grafana-to-prometheus-http").is_some());
    assert!(world.cluster.object("secret", "monitoring", "grafana-password").is_some());

    // What a person changed in it stays when it gets a volume, and is not there without one.
    let kept = |grafana: Grafana| {
        let monitoring =
            Namespace::new("monitoring").prometheus(prometheus().ready_within(0)).grafana(grafana);
        Platform::on("single").namespace(monitoring)
    };
    let plan = world.apply(&kept(grafana().ready_within(0).keep(1.gib()).page("shop", "{}")));
    assert!(steps(&plan).contains(&(Action::Create, "stateful-set/monitoring/grafana".to_owned())), "{plan}");
    let plan = world.apply(&kept(grafana().ready_within(0)));
    let told = notes(&plan, NoteKind::Kept);
    assert!(
        told.iter().any(|text| text.contains("--delete-data stateful-set/monitoring/grafana")),
        "{told:?}"
    );
}

#[test]
fn each_mistake_of_a_service_is_found_in_its_settings() {
    assert_eq!(every_kind(watched()), []);
    let of = |namespace: Namespace| Platform::on("single").namespace(namespace);
    let watch = |prometheus| of(Namespace::new("monitoring").prometheus(prometheus));
    let at = |path: &str| format!("namespaces[0].prometheus[0]{path}");
    one(watch(prometheus().days(0)), "platform-value", &at(".days"));
    one(watch(Prometheus::new("prometheus", IMAGE, 1.gib(), 511.mib())), "platform-value", &at(".keep"));
    one(watch(prometheus().interval(0)), "platform-value", &at(".interval"));
    one(watch(prometheus().rules("a", "groups: 1")), "platform-value", &at(".rules.a"));
    one(watch(prometheus().rules("a", ": [")), "platform-value", &at(".rules.a"));
    one(
        watch(Prometheus::new("prometheus", "quay.io/x:1", 1.gib(), 1.gib())),
        "platform-unpinned",
        &at(".image"),
    );
    let wrong = kinds(watch(Prometheus::new("P", "x", Size::bytes(0), "1").cpu("1x").class("B")));
    let paths: Vec<&str> = wrong.iter().map(|(_, path)| path.as_str()).collect();
    let all = ["class", "cpu", "image", "keep", "memory", "name"];
    assert_eq!(paths, all.map(|key| format!("roles[0].platform.{}", at(&format!(".{key}")))));

    let show = |grafana| of(Namespace::new("monitoring").prometheus(prometheus()).grafana(grafana));
    let at = |path: &str| format!("namespaces[0].grafana[0]{path}");
    one(show(Grafana::new("g", IMAGE, 1.gib(), "p")), "platform-no-workload", &at(".prometheus"));
    one(show(grafana().class("block")), "platform-no-claim", &at(".class"));
    one(show(grafana().page("a", "[]")), "platform-value", &at(".pages.a"));
    one(show(grafana().page("machines", "{}")), "platform-value", &at(".pages.machines"));
    one(show(grafana().url("grafana.example.org")), "platform-value", &at(".url"));
    one(show(grafana().cpu(0.millicores())), "value-invalid", &at(".cpu"));
    let small = || Prometheus::new("prometheus", IMAGE, 1.gib(), 1.gib());
    let twice = Namespace::new("monitoring").prometheus(small()).prometheus(small());
    one(of(twice), "platform-twice", "namespaces[0].prometheus[1]");

    let web = |container| of(Namespace::new("shop").deployment(Deployment::new("web", container)));
    let at = |path: &str| format!("namespaces[0].deployments[0].containers[0].{path}");
    one(web(container("web").metrics("http", "/metrics")), "platform-no-port", &at("metrics.port"));
    let wrong = container("web").port("http", 80).ready(Probe::tcp("http")).metrics("http", "metrics");
    one(web(wrong), "platform-value", &at("metrics.path"));
    one(web(container("web").starts_within(60)), "platform-value", &at("starts_within"));
}

/// The packages of Prometheus 3 load what is compiled.
#[cfg(feature = "full")]
#[test]
fn prometheus_itself_takes_its_configuration_and_rules() {
    let world = World::new();
    let wanted = world.compile(measured_cloud().role(watched()));
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    let config = world.cluster.object("config-map", "monitoring", "prometheus-config").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in config["data"].as_object().unwrap() {
        let here = folder.path().display().to_string();
        let text = text.as_str().unwrap().replace("/etc/prometheus", &here);
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let loaded = fmc_testkit::prometheus::loaded(folder.path()).unwrap();
    let of = |kind: &str| loaded.iter().filter(|line| line.starts_with(kind)).count();
    assert_eq!((of("job "), of("rule ")), (8, 11), "{loaded:?}");
    // It refuses what is wrong.
    std::fs::write(
        folder.path().join("shop.rules.yml"),
        "groups: [{name: a, rules: [{alert: A, expr: '1 +'}]}]",
    )
    .unwrap();
    assert!(fmc_testkit::prometheus::loaded(folder.path()).unwrap_err().contains("parse error"));
}
