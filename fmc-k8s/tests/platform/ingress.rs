//! What comes in from outside, and what nobody may call.

use fmc::graph::Action;
use fmc::prelude::*;
use fmc_k8s::container::Probe;
use fmc_k8s::ingress::IngressHost;
use fmc_k8s::job::Job;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::stateful::Stateful;
use fmc_k8s::workload::Deployment;
use serde_json::json;

use crate::check::{container, every_kind, one};
use crate::cloud::{World, cloud, cloud_with, db, steps, web};

/// A shop that people outside reach, with a database that only the shop reaches.
pub(crate) fn open(ingress: IngressHost) -> Platform {
    Platform::on("single").namespace(within(ingress))
}

fn within(ingress: IngressHost) -> Namespace {
    Namespace::new("shop")
        .deployment(web(2).ready_within(0))
        .deployment(db().ready_within(0))
        .connect("web", "db", "sql")
        .ingress(ingress)
}

pub(crate) fn host() -> IngressHost {
    IngressHost::new("shop.example.org").route("/", "web", 80)
}

pub(crate) fn with_certificate() -> IngressHost {
    host().tls(Secret::file("shop-chain", "chain.pem"), Secret::file("shop-key", "key.pem"))
}

#[track_caller]
fn finds(platform: Platform, kind: &str, path: &str) {
    assert_eq!(every_kind(platform), [(kind.to_owned(), format!("roles[0].platform.namespaces[0].{path}"))]);
}

#[test]
fn what_people_and_workloads_call_has_no_finding() {
    assert_eq!(every_kind(open(host())), []);
    assert_eq!(every_kind(open(with_certificate().route("/api/", "web", 80))), []);
}

#[test]
fn each_mistake_of_an_ingress_is_found_where_it_stands() {
    let route = |path: &str| open(host().route(path, "web", 80));
    for path in ["api", "/a b", "/a?b", "/a/../b", "//a", "", "/a%2fb", "/ä"] {
        finds(route(path), "platform-value", "ingresses[0].routes[1].path");
    }
    finds(route("/"), "platform-twice", "ingresses[0].routes[1].path");
    finds(open(host().route("/api", "wbe", 80)), "platform-no-workload", "ingresses[0].routes[1].to");
    finds(open(host().route("/api", "web", 8080)), "platform-no-port", "ingresses[0].routes[1].port");
    let twice = Platform::on("single").namespace(within(host()).ingress(host()));
    finds(twice, "platform-twice", "ingresses[1].host");
    let outside = container("outside").port("sql", 5432).ready(Probe::tcp("sql"));
    let outside = Deployment::new("outside", outside).expose(5432, "sql");
    let policy =
        within(host()).deployment(outside).connect("outside", "web", "http").connect("web", "outside", "sql");
    finds(Platform::on("single").namespace(policy), "platform-twice", "connections[1]");

    let without =
        k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]).disable(k3s::Component::Traefik);
    let of_cluster = Secret::password("k3s-single-client-ca-key");
    finds(
        open(host().tls(Secret::file("chain", "chain.pem"), of_cluster)),
        "platform-value",
        "ingresses[0].tls.key",
    );
    let report = cloud_with(without).role(open(host())).check().unwrap_err();
    assert!(report.to_string().contains("platform-no-ingress"), "{report}");
    let empty = Platform::on("single")
        .namespace(Namespace::new("shop").ingress(IngressHost::new("shop.example.org")));
    finds(empty, "platform-empty", "ingresses[0]");
    let wrong = every_kind(open(IngressHost::new("Shop.example.org").route("/", "Web", 80)));
    let paths: Vec<&str> = wrong.iter().map(|(_, path)| path.as_str()).collect();
    let at = "roles[0].platform.namespaces[0].ingresses[0]";
    assert_eq!(paths, [format!("{at}.host"), format!("{at}.routes[0].to")]);
}

#[test]
fn what_nobody_may_call_and_what_has_no_name_is_told() {
    let shop = |namespace: Namespace| Platform::on("single").namespace(namespace);
    let alone = Namespace::new("shop").deployment(web(1)).deployment(db());
    let found = every_kind(shop(alone.clone()));
    let at = |index: usize| format!("roles[0].platform.namespaces[0].deployments[{index}].expose[0]");
    assert_eq!(found, [0, 1].map(|index| ("platform-closed".to_owned(), at(index))));
    let called = alone.connect("web", "db", "sql").ingress(host());
    assert_eq!(every_kind(shop(called)), []);

    let container = container("sink").port("in", 9000);
    let nameless = Namespace::new("shop")
        .deployment(web(1))
        .deployment(Deployment::new("sink", container.clone()))
        .connect("web", "sink", "in")
        .ingress(host());
    finds(shop(nameless), "platform-no-name", "connections[0]");
    // Each pod of a set has a name of its own.
    let named = Namespace::new("shop")
        .deployment(web(1))
        .stateful(Stateful::new("sink", container))
        .connect("web", "sink", "in")
        .ingress(host());
    assert_eq!(every_kind(shop(named)), []);
}

#[test]
fn an_ingress_is_made_changed_by_others_mended_and_deleted() {
    let world = World::new();
    let plan = world.apply(&open(host()));
    let made = |what: &str| (Action::Create, what.to_owned());
    assert!(steps(&plan).contains(&made("ingress/shop/shop.example.org")), "{plan}");
    assert!(steps(&plan).contains(&made("network-policy/shop/web-from-outside-http")), "{plan}");

    let plan = world.apply(&open(with_certificate().route("/db", "db", 5432)));
    assert!(steps(&plan).contains(&made("secret/shop/tls.shop.example.org")), "{plan}");
    assert!(steps(&plan).contains(&made("network-policy/shop/db-from-outside-sql")), "{plan}");
    let secret = world.cluster.object("secret", "shop", "tls.shop.example.org").unwrap();
    assert_eq!(secret["type"], "kubernetes.io/tls");
    let keys: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["tls.crt", "tls.key"]);

    let mut object = world.cluster.object("ingress", "shop", "shop.example.org").unwrap();
    object["spec"]["rules"][0]["host"] = json!("other.example.org");
    world.cluster.put(object);
    let plan = world.plan(open(with_certificate()));
    let forced = world.plan(open(with_certificate())).force_conflicts("ingress/shop/shop.example.org");
    let lines = forced.step("ingress/shop/shop.example.org").unwrap().details();
    assert!(lines.iter().any(|line| line.contains("other.example.org")), "{lines:?}");
    world.run(&forced).converged().unwrap();
    let gone = (Action::Delete, "network-policy/shop/db-from-outside-sql".to_owned());
    assert!(steps(&plan).contains(&gone), "{plan}");

    let plan = world.apply(&Platform::on("single").namespace(Namespace::new("shop")));
    assert!(steps(&plan).contains(&(Action::Delete, "ingress/shop/shop.example.org".to_owned())), "{plan}");
}

/// `compile` writes a certificate's secret as one readable file, with both of its keys below one `data`.
#[test]
fn the_secret_of_a_certificate_is_written_with_both_parts() {
    let world = World::new();
    let wanted = world.wanted(open(with_certificate()));
    let file = wanted.artifacts().find(|file| file.kind == "secret").unwrap();
    assert!(file.is_private());
    let text = String::from_utf8(file.render(&fmc::sim::StandIns).unwrap().expose().to_vec()).unwrap();
    assert_eq!(text.lines().filter(|line| *line == "data:").count(), 1, "{text}");
    assert!(text.contains("\n  tls.crt: ") && text.contains("\n  tls.key: "), "{text}");
}

#[test]
fn nobody_is_led_to_a_job() {
    let shop = || Namespace::new("shop").job(Job::new("migrate", container("migrate").port("http", 8080)));
    let host = IngressHost::new("shop.example.org").route("/", "migrate", 80);
    one(
        Platform::on("single").namespace(shop().ingress(host)),
        "platform-no-port",
        "namespaces[0].ingresses[0].routes[0].to",
    );
    let empty = Namespace::new("shop").connect("a", "b", "http");
    let checked = cloud().role(Platform::on("single").namespace(empty)).check().unwrap_err();
    assert!(!checked.to_string().contains("none"), "{checked}");
}
