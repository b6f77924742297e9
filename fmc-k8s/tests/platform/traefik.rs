//! The settings of K3s's own Traefik.

use fmc::prelude::*;
use fmc_k8s::budget::ClusterBudget;
use fmc_k8s::ingress::IngressHost;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::sim::Sim;
use fmc_k8s::traefik::Traefik;
use serde_json::{Value, json};

use crate::check::{kinds, one};
use crate::cloud::{World, cloud_with, deleted, web};
use crate::monitoring::prometheus;

fn traefik() -> Traefik {
    Traefik::new()
        .replicas(2)
        .access_log()
        .redirect_https()
        .trusted_proxy("10.17.3.12/32")
        .trusted_proxy("10.17.4.0/24")
}

fn with(traefik: Traefik) -> Platform {
    Platform::on("single").traefik(traefik)
}

/// The values of its chart.
fn values(world: &World<Sim>) -> Value {
    let config = world.cluster.object("helm-chart-config", "kube-system", "traefik").unwrap();
    let text = config.pointer("/spec/valuesContent").and_then(Value::as_str).unwrap();
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn its_settings_are_values_of_its_chart_and_every_prometheus_asks_it() {
    let world = World::new();
    world.apply(&with(traefik()));
    let arguments = json!([
        "--accesslog=true",
        "--entryPoints.web.http.redirections.entryPoint.to=:443",
        "--entryPoints.web.http.redirections.entryPoint.scheme=https",
        "--entryPoints.web.proxyProtocol.trustedIPs=10.17.3.12/32,10.17.4.0/24",
        "--entryPoints.web.forwardedHeaders.trustedIPs=10.17.3.12/32,10.17.4.0/24",
        "--entryPoints.websecure.proxyProtocol.trustedIPs=10.17.3.12/32,10.17.4.0/24",
        "--entryPoints.websecure.forwardedHeaders.trustedIPs=10.17.3.12/32,10.17.4.0/24",
    ]);
    assert_eq!(values(&world), json!({ "additionalArguments": arguments, "deployment": { "replicas": 2 } }));
    // Who measures it finds its pods by name, and is let out to them.
    let watched = Namespace::new("monitoring").prometheus(prometheus().ready_within(0));
    world.apply(&with(traefik()).namespace(watched));
    let pods = world.cluster.object("service", "kube-system", "traefik-pods").unwrap();
    assert_eq!(pods["spec"]["clusterIP"], "None");
    let config = world.cluster.object("config-map", "monitoring", "prometheus-config").unwrap();
    let config: Value = serde_saphyr::from_str(config["data"]["prometheus.yml"].as_str().unwrap()).unwrap();
    let jobs = config["scrape_configs"].as_array().unwrap();
    let job = jobs.iter().find(|job| job["job_name"] == "kube-system/traefik/metrics").unwrap();
    assert_eq!(job["dns_sd_configs"][0]["names"], json!(["traefik-pods.kube-system.svc"]));
    assert_eq!(job["dns_sd_configs"][0]["port"], 9100);
    let way = world.cluster.object("network-policy", "monitoring", "prometheus-asks").unwrap();
    let to = &way["spec"]["egress"][0]["to"][0];
    assert_eq!(to["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], "kube-system");
    assert_eq!(to["podSelector"]["matchLabels"], json!({ "app.kubernetes.io/name": "traefik" }));
    // Without settings K3s has its own again.
    let plan = world.apply(&Platform::on("single"));
    assert!(deleted(&plan).contains(&"helm-chart-config/kube-system/traefik".to_owned()), "{plan}");
}

#[test]
fn each_mistake_is_found_in_its_settings() {
    assert_eq!(kinds(with(traefik().argument("--log.level=DEBUG"))), []);
    one(with(Traefik::new().replicas(0)), "platform-value", "traefik.replicas");
    one(with(Traefik::new().trusted_proxy("10.17.3")), "address-invalid", "traefik.trusted_proxies[0]");
    one(with(Traefik::new().argument("log.level=DEBUG")), "platform-value", "traefik.arguments[0]");
    one(with(Traefik::new().argument("--a\n--b")), "platform-value", "traefik.arguments[0]");
    let other = RawObject::of(&json!({ "apiVersion": "helm.cattle.io/v1", "kind": "HelmChartConfig",
        "metadata": { "name": "traefik", "namespace": "kube-system" }, "spec": { "valuesContent": "a: 1" } }));
    let found = kinds(with(Traefik::new()).object(other));
    assert!(
        found.contains(&("platform-twice".to_owned(), "roles[0].platform.traefik".to_owned())),
        "{found:?}"
    );
    let without =
        k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]).disable(k3s::Component::Traefik);
    let found = cloud_with(without).role(with(Traefik::new())).check().unwrap_err().to_string();
    assert!(found.contains("platform-no-ingress") && found.contains("goes without Traefik"), "{found}");
}

/// Traefik's own reader of arguments takes them, beside those that its chart gives.
#[cfg(feature = "full")]
#[test]
fn traefik_itself_takes_its_arguments() {
    use fmc_testkit::traefik::takes;

    let world = World::new();
    world.apply(&with(traefik()));
    let of_chart = ["--entryPoints.web.address=:8000/tcp", "--entryPoints.websecure.address=:8443/tcp"];
    let ours = values(&world)["additionalArguments"].clone();
    let ours = ours.as_array().unwrap().iter().map(|one| one.as_str().unwrap());
    let all: Vec<&str> = of_chart.into_iter().chain(ours).collect();
    takes(&all).unwrap();
    // So it can say no.
    let wrong = takes(&[&all[..], &["--entryPoints.web.proxyProtocol.trustedIP=10.17.3.12"]].concat());
    assert!(wrong.unwrap_err().words().contains("trustedIP"), "it takes everything");
}

#[test]
fn its_pods_are_in_the_budget() {
    let asked = |traefik: Traefik| {
        let platform = with(traefik);
        let checked = cloud_with(k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["node"]));
        let checked = checked.role(platform.clone()).check().unwrap_or_else(|report| panic!("{report}"));
        ClusterBudget::of(&platform, &checked).unwrap().nodes[0].asked.pods
    };
    assert_eq!(asked(Traefik::new().replicas(4)), asked(Traefik::new()) + 3);
    one(with(Traefik::new().replicas(200)), "platform-no-room", "namespaces");
}

#[test]
fn a_proxy_is_an_address_or_a_subnet_and_everyone_is_told_of() {
    let world = World::new();
    world.apply(&with(Traefik::new().trusted_proxy("10.17.3.12").trusted_proxy("fd00::1")));
    let said = values(&world)["additionalArguments"][0].as_str().unwrap().to_owned();
    assert!(said.ends_with("trustedIPs=10.17.3.12/32,fd00::1/128"), "{said}");
    let read: Traefik = serde_json::from_value(json!({ "trusted_proxies": ["10.17.3.12"] })).unwrap();
    assert_eq!(read, Traefik::new().trusted_proxy("10.17.3.12/32"));
    for all in ["0.0.0.0/0", "::/0"] {
        one(with(Traefik::new().trusted_proxy(all)), "platform-trusts-all", "traefik.trusted_proxies[0]");
    }
}

#[test]
fn who_is_led_to_https_meets_a_certificate() {
    let shop = |ingress: IngressHost| {
        Platform::on("single")
            .traefik(Traefik::new().redirect_https())
            .namespace(Namespace::new("shop").deployment(web(1)).ingress(ingress.route("/", "web", 80)))
    };
    let host = || IngressHost::new("shop.example.org");
    one(shop(host()), "platform-no-tls", "traefik.redirect_https");
    let secret = |name: &str| Secret::environment(name, "SHOP");
    assert_eq!(kinds(shop(host().tls(secret("shop-crt"), secret("shop-key")))), []);
}
