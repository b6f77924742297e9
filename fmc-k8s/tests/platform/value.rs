//! Values that the server refuses, each found before anything is sent.

use fmc::prelude::*;
use fmc_k8s::config_map::ConfigMap;
use fmc_k8s::container::{Container, Probe};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::quantity::{Cpu, CpuExt as _};
use fmc_k8s::workload::Deployment;

use crate::check::{container, kinds, of, one};
use crate::cloud::{World, db, shop, web};

const CONTAINER: &str = "namespaces[0].deployments[0].containers[0]";

#[test]
fn each_value_that_the_server_refuses_is_found_where_it_stands() {
    let of_container = |container: Container, path: &str| {
        one(of(container), "platform-value", &format!("{CONTAINER}.{path}"));
    };
    of_container(container("web").port("http", 0), "ports[0].number");
    for name in ["", "A=B", "KÄSE", "A\n"] {
        of_container(container("web").variable(name, "x"), "environment[0].name");
    }
    of_container(container("web").variable("A", "x\0"), "environment[0].value");
    of_container(container("web").argument("x\0"), "arguments[0]");
    for path in ["/", "/a:b"] {
        of_container(container("web").scratch(path, 1.mib()), "mounts[0].path");
    }
    for key in ["", ".", "..", "..data", "a/b", "a b", &"a".repeat(254)] {
        let config = ConfigMap::new("settings").file(key, "x");
        of_container(container("web").config("/etc/web", config), "mounts[0].from.config.files");
    }
    let large = ConfigMap::new("settings").file("a", "x".repeat(1 << 20)).file("b", "y");
    of_container(container("web").config("/etc/web", large), "mounts[0].from.config.files");
    for path in ["", "healthz", "/a b"] {
        let asked = container("web").port("http", 80).ready(Probe::http("http", path));
        of_container(asked, "ready.http.path");
    }
    of_container(container("web").user(2_147_483_648), "user");
    one(shop([web(10_001)]), "platform-value", "namespaces[0].deployments[0].replicas");
    let exposed = |name: &str, port| {
        shop([Deployment::new(name, container("web").port("http", 80).ready(Probe::tcp("http")))
            .expose(port, "http")])
    };
    one(exposed("web", 0), "platform-value", "namespaces[0].deployments[0].expose[0].port");
    one(exposed("1web", 80), "platform-value", "namespaces[0].deployments[0].name");
    for name in ["default", "kube-system", "kube-shop"] {
        let platform = Platform::on("single").namespace(Namespace::new(name));
        one(platform, "platform-value", "namespaces[0].name");
    }
}

/// Platforms that a real server refuses, each with the path of its finding.
pub(crate) fn refused_by_the_server() -> Vec<(&'static str, Platform)> {
    let served = |name: &str, port: u16| {
        let one = container("web").port("http", 80).ready(Probe::tcp("http"));
        shop([Deployment::new(name, one).expose(port, "http")])
    };
    let text = |key: &str, text: String| {
        of(container("web").config("/etc/web", ConfigMap::new("settings").file(key, text)))
    };
    vec![
        ("containers[0].ports[0].number", of(container("web").port("http", 0))),
        ("containers[0].environment[0].name", of(container("web").variable("", "x"))),
        ("containers[0].environment[0].name", of(container("web").variable("A=B", "x"))),
        ("containers[0].mounts[0].from.config.files", text("a/b", "x".to_owned())),
        ("containers[0].mounts[0].from.config.files", text("..a", "x".to_owned())),
        ("containers[0].mounts[0].from.config.files", text("a", "x".repeat((1 << 20) + 1))),
        ("containers[0].user", of(container("web").user(2_147_483_648))),
        ("expose[0].port", served("web", 0)),
    ]
}

#[test]
fn what_a_real_server_refuses_is_found() {
    for (path, platform) in refused_by_the_server() {
        one(platform, "platform-value", &format!("namespaces[0].deployments[0].{path}"));
    }
}

/// Values at the edges of what the server takes; a real server is asked for them too.
pub(crate) fn edges() -> Platform {
    let long = "c".repeat(63);
    let first = container("first")
        .port("http", 65_535)
        .variable("com.example/a b", "")
        .variable("1A", "$(HOME)")
        .scratch("/tmp", 1.mib())
        .scratch("/a.b", 1.mib())
        .scratch("/a-b", 1.mib())
        .config("/etc/web", ConfigMap::new(long.as_str()).file(".a_b-c..d", "").file("A".repeat(253), "x"))
        .ready(Probe::http("http", "/healthz?full=1&a=%20"))
        .user(2_147_483_647);
    let folder = format!("/{}", "x".repeat(80));
    let second =
        container("second").port("sql", 1).scratch("/tmp", 2.mib()).scratch(folder.as_str(), 1.mib());
    let both =
        Deployment::new(long.as_str(), first).container(second).expose(80, "http").expose(8080, "http");
    let off = Deployment::new("1web", container("web")).replicas(0);
    let namespace = Namespace::new("shop").deployment(both.ready_within(0)).deployment(off.ready_within(0));
    Platform::on("single").namespace(namespace.connect("1web", long.as_str(), "sql"))
}

#[test]
fn values_that_the_server_takes_are_not_found() {
    let found = kinds(edges());
    assert!(found.iter().all(|(kind, _)| kind != "platform-value"), "{found:?}");
    World::new().apply(&edges());
}

#[test]
fn a_value_of_a_leaf_is_judged_as_its_text_is() {
    let wrong = |container: Container, key: &str| {
        let found = kinds(of(container));
        let paths: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, [format!("roles[0].platform.{CONTAINER}.{key}")], "{found:?}");
    };
    let image = "registry.example.org/web:1";
    wrong(Container::new("web", image, 0.millicores(), 1.mib()), "cpu");
    wrong(Container::new("web", image, Cpu::cores(5000), 1.mib()), "cpu");
    wrong(Container::new("web", image, 1.millicores(), Size::bytes(0)), "memory");
    wrong(container("web").scratch("tmp", 1.mib()), "mounts[0].path");
    wrong(container("web").scratch("/tmp", Size::bytes(0)), "mounts[0].from.scratch");
    for image in ["", " ", "registry.example.org/we b:1", "regis try.example.org/web:1", "nginx"] {
        wrong(Container::new("web", image, 1.millicores(), 1.mib()), "image");
    }
    wrong(container(&"a".repeat(64)), "name");
}

#[test]
fn two_things_that_would_be_one_in_the_cluster_are_found_or_have_two_names() {
    let ask = |name: &str| {
        let container = container("a").port("sql", 1).ready(Probe::tcp("sql"));
        Deployment::new(name, container).expose(1, "sql")
    };
    let namespace = ["a", "b-to-c", "a-to-b", "c"]
        .into_iter()
        .fold(Namespace::new("shop"), |namespace, name| namespace.deployment(ask(name)))
        .connect("a", "b-to-c", "sql")
        .connect("a-to-b", "c", "sql");
    one(Platform::on("single").namespace(namespace), "platform-twice", "namespaces[0].connections[1]");
    let twice = Namespace::new("shop").deployment(ask("a")).deployment(ask("b"));
    let twice = twice.connect("a", "b", "sql").connect("a", "b", "sql");
    one(Platform::on("single").namespace(twice), "platform-twice", "namespaces[0].connections[1]");

    // Empty folders are one container's own, and their names are labels of DNS.
    let long = format!("/{}", "x".repeat(80));
    let first = container("first").scratch("/tmp", 1.mib()).scratch("/a.b", 1.mib()).scratch("/a-b", 1.mib());
    let second = container("second").scratch("/tmp", 2.mib()).scratch(long.as_str(), 1.mib());
    let both = Deployment::new("web", first).container(second);
    let manifests = shop([both]).manifests();
    let deployment = manifests.iter().find(|one| one.kind().name == "Deployment").unwrap().content();
    let volumes = deployment["spec"]["template"]["spec"]["volumes"].as_array().unwrap();
    assert_eq!(volumes.len(), 5, "{volumes:?}");
    assert!(volumes.iter().all(|one| one["name"].as_str().unwrap().len() <= 63), "{volumes:?}");
    let long = container("web").config("/etc/web", ConfigMap::new("c".repeat(63)).file("a", "b"));
    let manifests = shop([Deployment::new("web", long)]).manifests();
    let deployment = manifests.iter().find(|one| one.kind().name == "Deployment").unwrap().content();
    let name = deployment["spec"]["template"]["spec"]["volumes"][0]["name"].as_str().unwrap();
    assert!(name.len() <= 63, "{name}");

    // A port of a container may be exposed twice.
    let manifests = shop([db().expose(5433, "sql")]).manifests();
    let service = manifests.iter().find(|one| one.kind().name == "Service").unwrap().content();
    let names: Vec<&str> = service["spec"]["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| port["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["sql", "sql-5433"]);
}
