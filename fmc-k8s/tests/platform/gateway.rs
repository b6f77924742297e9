//! Calls that come in by the Gateway API.

use fmc::graph::Action;
use fmc::prelude::*;
use fmc_k8s::gateway::{Gateway, HttpRoute, Listener};
use fmc_k8s::ingress::IngressHost;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use fmc_k8s::traefik::Traefik;
use serde_json::{Value, json};

use crate::check::{every_kind, one};
use crate::cloud::{World, cloud_with, db, deleted, steps, web};

fn secret(name: &str) -> Secret {
    Secret::file(name, format!("{name}.pem"))
}

/// A gateway with HTTP for every host, and HTTPS for those below a domain.
pub(crate) fn public() -> Gateway {
    let https = Listener::new("https", 443).host("*.example.org").tls(secret("chain"), secret("key"));
    Gateway::new("public").listener(Listener::new("http", 80)).listener(https)
}

/// A route to the shop, and the way to it from HTTP.
pub(crate) fn routes(namespace: Namespace, gateway: &str) -> Namespace {
    let to_https =
        HttpRoute::new("to-https", gateway).listener("http").host("shop.example.org").redirect_https();
    let shop = HttpRoute::new("shop", gateway)
        .listener("https")
        .host("shop.example.org")
        .route("/", "web", 80)
        .route("/db", "db", 5432);
    namespace.http_route(to_https).http_route(shop)
}

pub(crate) fn shop() -> Namespace {
    Namespace::new("shop").deployment(web(2).ready_within(0)).deployment(db().ready_within(0))
}

/// The shop behind the gateway of another namespace.
pub(crate) fn behind(gateway: Gateway) -> Platform {
    Platform::on("single")
        .traefik(Traefik::new().gateways())
        .namespace(Namespace::new("edge").gateway(gateway))
        .namespace(routes(shop(), "edge/public"))
}

/// The shop with a gateway of its own, and one route.
fn with(gateway: Gateway, route: HttpRoute) -> Platform {
    let shop = Namespace::new("shop").deployment(web(1)).gateway(gateway).http_route(route);
    Platform::on("single").traefik(Traefik::new().gateways()).namespace(shop)
}

fn http() -> Gateway {
    Gateway::new("public").listener(Listener::new("http", 80))
}

fn route() -> HttpRoute {
    HttpRoute::new("shop", "public").host("shop.example.org").route("/", "web", 80)
}

#[test]
fn a_gateway_lets_in_the_namespaces_whose_routes_name_it() {
    let world = World::new();
    assert_eq!(every_kind(behind(public())), []);
    world.apply(&behind(public()));
    let read = |kind: &str, namespace: &str, name: &str| {
        world.cluster.object(&format!("{kind}.gateway.networking.k8s.io"), namespace, name).unwrap()
    };
    let class = read("gatewayclass", "", "traefik");
    assert_eq!(class["spec"]["controllerName"], "traefik.io/gateway-controller");
    let gateway = read("gateway", "edge", "public");
    let listeners = gateway["spec"]["listeners"].as_array().unwrap();
    // Traefik knows its entry points by the ports in its pods.
    let ports: Vec<&Value> = listeners.iter().map(|one| &one["port"]).collect();
    assert_eq!(ports, [8000, 8443]);
    let only = json!({ "key": "kubernetes.io/metadata.name", "operator": "In", "values": ["shop"] });
    assert_eq!(listeners[0]["allowedRoutes"]["namespaces"]["selector"]["matchExpressions"], json!([only]));
    assert_eq!(listeners[1]["tls"]["certificateRefs"][0]["name"], "gateway.public.https");
    let secret = world.cluster.object("secret", "edge", "gateway.public.https").unwrap();
    assert_eq!(secret["type"], "kubernetes.io/tls");
    let route = read("httproute", "shop", "shop");
    assert_eq!(route["spec"]["parentRefs"][0]["namespace"], "edge");
    assert_eq!(route["spec"]["rules"][1]["backendRefs"][0]["port"], 5432);
    for policy in ["web-from-outside-http", "db-from-outside-sql"] {
        let policy = world.cluster.object("network-policy", "shop", policy).unwrap();
        let from = &policy["spec"]["ingress"][0]["from"][0];
        assert_eq!(from["podSelector"]["matchLabels"]["app.kubernetes.io/name"], "traefik");
    }
    let config = world.cluster.object("helm-chart-config", "kube-system", "traefik").unwrap();
    let values = config["spec"]["valuesContent"].as_str().unwrap();
    let values: Value = serde_saphyr::from_str(values).unwrap();
    assert_eq!(values["providers"]["kubernetesGateway"]["enabled"], true);

    // A redirection stands where calls are not by HTTPS yet.
    let world_of_one = World::new();
    let all = HttpRoute::new("to-https", "public").host("shop.example.org").redirect_https();
    world_of_one.apply(&with(public(), all));
    let route =
        world_of_one.cluster.object("httproute.gateway.networking.k8s.io", "shop", "to-https").unwrap();
    let parents = route["spec"]["parentRefs"].as_array().unwrap();
    assert_eq!(parents.iter().map(|one| &one["sectionName"]).collect::<Vec<_>>(), ["http"]);

    // A part of the plan has what is below it.
    let plan = World::new().plan(behind(public())).only("httproute.gateway.networking.k8s.io/shop/shop");
    let made: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let above =
        ["gatewayclass.gateway.networking.k8s.io/traefik", "gateway.gateway.networking.k8s.io/edge/public"];
    let places =
        above.map(|name| made.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name}: {plan}")));
    assert!(places[0] < places[1], "{plan}");

    let plan = world.apply(&Platform::on("single").namespace(shop()));
    let gone = deleted(&plan);
    // Whoever takes the calls learns that a route and a gateway go.
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let traefik = "helm-chart-config/kube-system/traefik";
    let order: Vec<Option<usize>> =
        ["httproute.gateway.networking.k8s.io/shop/shop", above[1], above[0], traefik]
            .map(|name| order.iter().position(|one| one == name))
            .to_vec();
    assert!(order.is_sorted() && order[0].is_some(), "{plan}");
    for name in above.into_iter().chain(["httproute.gateway.networking.k8s.io/shop/shop"]) {
        assert!(gone.contains(&name.to_owned()), "{name}: {plan}");
    }
}

#[test]
fn another_hand_that_leads_calls_elsewhere_is_drift() {
    let world = World::new();
    world.apply(&behind(public()));
    let mut route = world.cluster.object("httproute.gateway.networking.k8s.io", "shop", "shop").unwrap();
    route["spec"]["rules"][0]["backendRefs"][0]["name"] = json!("other");
    world.cluster.put(route);
    let plan = world.plan(behind(public())).force_conflicts("httproute.gateway.networking.k8s.io/shop/shop");
    let changed = (Action::Update, "httproute.gateway.networking.k8s.io/shop/shop".to_owned());
    assert_eq!(steps(&plan), [changed], "{plan}");
    world.run(&plan).converged().unwrap();
    assert!(world.plan(behind(public())).is_empty());
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    let at = "namespaces[0]";
    assert_eq!(every_kind(with(http(), route())), []);
    one(
        with(http(), HttpRoute::new("shop", "publc").route("/", "web", 80)),
        "platform-no-gateway",
        &format!("{at}.http_routes[0].gateway"),
    );
    one(
        with(http(), route().listener("https")),
        "platform-no-gateway",
        &format!("{at}.http_routes[0].listener"),
    );
    let named = Gateway::new("public").listener(Listener::new("http", 80).host("*.example.com"));
    one(with(named, route()), "platform-no-gateway", &format!("{at}.http_routes[0].hosts[0]"));
    one(
        with(http(), route().route("/a", "wbe", 80)),
        "platform-no-workload",
        &format!("{at}.http_routes[0].routes[1].to"),
    );
    one(
        with(http(), route().route("/a", "web", 81)),
        "platform-no-port",
        &format!("{at}.http_routes[0].routes[1].port"),
    );
    for path in ["a", "/a?b", "/../a", "/a|b"] {
        one(
            with(http(), route().route(path, "web", 80)),
            "platform-value",
            &format!("{at}.http_routes[0].routes[1].path"),
        );
    }
    one(
        with(http(), route().route("/", "web", 80)),
        "platform-twice",
        &format!("{at}.http_routes[0].routes[1].path"),
    );
    one(
        with(http(), route().redirect_https()),
        "platform-value",
        &format!("{at}.http_routes[0].redirect_https"),
    );
    let nothing = every_kind(with(http(), HttpRoute::new("shop", "public")));
    assert_eq!(nothing[0], ("platform-empty".to_owned(), format!("roles[0].platform.{at}.http_routes[0]")));
    let many = (0..17)
        .fold(HttpRoute::new("shop", "public"), |route, one| route.route(format!("/{one}"), "web", 80));
    one(with(http(), many), "platform-value", &format!("{at}.http_routes[0].routes"));

    let listeners =
        |all: Vec<Listener>| with(all.into_iter().fold(Gateway::new("public"), Gateway::listener), route());
    let tls = |name: &str, port: u16| Listener::new(name, port).tls(secret("chain"), secret("key"));
    let plain = |name: &str, port: u16| Listener::new(name, port);
    one(
        listeners(vec![plain("http", 8080)]),
        "platform-value",
        &format!("{at}.gateways[0].listeners[0].port"),
    );
    one(
        listeners(vec![plain("http", 443)]),
        "platform-value",
        &format!("{at}.gateways[0].listeners[0].port"),
    );
    one(listeners(vec![tls("http", 80)]), "platform-value", &format!("{at}.gateways[0].listeners[0].port"));
    one(
        listeners(vec![plain("http", 80), tls("http", 443)]),
        "platform-twice",
        &format!("{at}.gateways[0].listeners[1]"),
    );
    one(
        listeners(vec![plain("a", 80), plain("b", 80)]),
        "platform-twice",
        &format!("{at}.gateways[0].listeners[1]"),
    );
    let found = every_kind(listeners(Vec::new()));
    assert_eq!(found, [("platform-empty".to_owned(), format!("roles[0].platform.{at}.gateways[0]"))]);
    let wrong = every_kind(with(
        Gateway::new("Public").listener(Listener::new("http", 80).host("*.*.org")),
        route().host("10.17.3.10"),
    ));
    let paths: Vec<&str> =
        wrong.iter().map(|(_, path)| path.rsplit_once(&format!("{at}.")).unwrap().1).collect();
    assert_eq!(paths, ["gateways[0].listeners[0].host", "gateways[0].name", "http_routes[0].hosts[1]"]);
}

#[test]
fn a_program_takes_the_calls_and_alone_has_the_port() {
    let shop = |gateway: Gateway| {
        Platform::on("single")
            .namespace(Namespace::new("shop").deployment(web(1)).gateway(gateway).http_route(route()))
    };
    // K3s's Traefik is told of gateways by its settings, or by an object.
    one(shop(http()), "platform-no-ingress", "namespaces[0].gateways[0]");
    let config = json!({ "apiVersion": "helm.cattle.io/v1", "kind": "HelmChartConfig",
        "metadata": { "name": "traefik", "namespace": "kube-system" },
        "spec": { "valuesContent": "providers: { kubernetesGateway: { enabled: true } }" } });
    assert_eq!(every_kind(shop(http()).object(RawObject::of(&config))), []);
    // Its chart has a class of its own then.
    let by_object = shop(http()).object(RawObject::of(&config));
    assert!(by_object.manifests().iter().all(|one| one.kind().name != "GatewayClass"));
    let of = |cluster: k3s::Cluster, platform: Platform| -> Vec<String> {
        let cloud = cloud_with(cluster.servers(["node"])).role(platform);
        let all = match cloud.check() {
            Ok(checked) => checked.findings().to_vec(),
            Err(report) => report.into_findings(),
        };
        all.iter().filter(|one| one.at().contains("platform")).map(|one| one.kind().to_string()).collect()
    };
    let cluster = || k3s::Cluster::new("single", "v1.36.2+k3s1");
    let deployed = cluster().auto_deploy(k3s::Addon::new("traefik-config").manifest(&config.to_string()));
    assert_eq!(of(deployed, shop(http())), [""; 0]);
    let without = || cluster().disable(k3s::Component::Traefik);
    assert_eq!(of(without(), with(http(), route()))[0], "platform-no-ingress");
    let older = || k3s::Cluster::new("single", "v1.33.2+k3s1");
    assert_eq!(of(older(), with(http(), route())), ["platform-no-operator"]);
    // Another class has pods of its own, and its ports are Traefik's already.
    let other = || http().class("envoy", "envoy-gateway-system");
    assert_eq!(of(cluster(), shop(other())), ["platform-port-shared"]);
    assert_eq!(of(without(), shop(other())), ["platform-no-operator"]);
    assert_eq!(of(cluster().disable(k3s::Component::Servicelb), shop(other())), [""; 0]);
    let named: Gateway = serde_json::from_value(json!({ "name": "public", "class": "envoy",
        "listeners": [{ "name": "http", "port": 80 }] }))
    .unwrap();
    assert!(of(without(), shop(named)).contains(&"platform-value".to_owned()));
    // Its pods are let in.
    let world = World::new();
    let apart = Namespace::new("shop").deployment(web(1).ready_within(0)).http_route(route());
    let apart = apart.gateway(other().ready_within(0).listener(Listener::new("more", 8080)));
    world.apply(&Platform::on("single").namespace(apart));
    let policy =
        world.cluster.object("network-policy", "shop", "web-from-gateway.envoy-gateway-system-http").unwrap();
    let from = &policy["spec"]["ingress"][0]["from"];
    assert_eq!(
        from,
        &json!([{ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "envoy-gateway-system" } } }])
    );
    let gateway = world.cluster.object("gateway.gateway.networking.k8s.io", "shop", "public").unwrap();
    assert_eq!(gateway["spec"]["listeners"][1]["port"], 8080);
    assert!(world.cluster.object("gatewayclass.gateway.networking.k8s.io", "", "traefik").is_none());
}

#[test]
fn who_is_led_to_https_meets_a_certificate() {
    let shop = |gateway: Gateway| {
        let namespace = Namespace::new("shop").deployment(web(1)).gateway(gateway).http_route(route());
        Platform::on("single").traefik(Traefik::new().gateways().redirect_https()).namespace(namespace)
    };
    one(shop(http()), "platform-no-tls", "traefik.redirect_https");
    assert_eq!(every_kind(shop(public())), []);
}

#[test]
fn a_host_has_one_owner() {
    let ingress = IngressHost::new("shop.example.org").route("/", "web", 80);
    let both = with(http(), route());
    // A route without a listener has the calls of each.
    let twin = HttpRoute::new("twin", "public").host("shop.example.org").route("/", "web", 80);
    let routes = Namespace::new("shop").deployment(web(1)).gateway(http());
    let routes = routes.http_route(route().listener("http")).http_route(twin);
    one(
        Platform::on("single").traefik(Traefik::new().gateways()).namespace(routes),
        "platform-twice",
        "namespaces[0].http_routes[1].routes[0].path",
    );
    let mut shop = Namespace::new("shop").deployment(web(1)).gateway(http()).http_route(route());
    shop = shop.ingress(ingress);
    let found = every_kind(Platform::on("single").traefik(Traefik::new().gateways()).namespace(shop));
    assert_eq!(
        found,
        [("platform-twice".to_owned(), "roles[0].platform.namespaces[0].http_routes[0].hosts[0]".to_owned())]
    );
    // Two gateways of one Traefik take the same calls.
    let second = both.namespace(Namespace::new("edge").gateway(http()));
    one(second, "platform-port-shared", "namespaces[1].gateways[0].listeners[0]");
    // Two routes answer for the same calls.
    let twice = Namespace::new("shop").deployment(web(1)).gateway(http()).http_route(route());
    let twice =
        twice.http_route(HttpRoute::new("again", "public").host("shop.example.org").route("/", "web", 80));
    let twice = Platform::on("single").traefik(Traefik::new().gateways()).namespace(twice);
    one(twice, "platform-twice", "namespaces[0].http_routes[1].routes[0].path");
}

#[test]
fn a_file_says_the_same() {
    let read: Gateway =
        serde_json::from_value(json!({ "name": "public", "listeners": [{ "name": "http", "port": 80 }] }))
            .unwrap();
    assert_eq!(read, http());
    assert_eq!(
        serde_json::to_value(http()).unwrap(),
        json!({ "name": "public", "listeners": [{ "name": "http", "port": 80 }] })
    );
    let read: HttpRoute =
        serde_json::from_value(json!({ "name": "shop", "gateway": "public", "hosts": ["shop.example.org"],
        "routes": [{ "to": "web", "port": 80 }] }))
        .unwrap();
    assert_eq!(read, route());
}
