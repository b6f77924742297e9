//! Gateways and routes on a real server, with the definitions of the Gateway API and of K3s's charts.

use fmc::graph::Action;
use fmc_k8s::gateway::HttpRoute;
use fmc_k8s::operator::Operator;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::traefik::Traefik;

use super::operated::definitions;
use super::start;
use crate::cloud::{Cluster as _, steps};
use crate::gateway::{public, routes, shop};

#[test]
fn gateways_and_routes_are_as_the_gateway_api_defines_them() {
    let operator = |name: &str| Operator::new(name).manifests(&definitions(name)).ready_within(0);
    let (kinds, charts) = (operator("gateway-api"), operator("helm-controller"));
    let platform = |shop: Namespace| {
        Platform::on("single")
            .operator(kinds.clone())
            .operator(charts.clone())
            .traefik(Traefik::new().gateways())
            // No controller reports here.
            .namespace(Namespace::new("edge").gateway(public().ready_within(0)))
            .namespace(shop)
    };
    let shop = || routes(shop(), "edge/public");
    let world = start();
    world.apply(&platform(shop()));
    let listed = || {
        let kinds = "gatewayclasses,gateways,httproutes";
        let path = "--output=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{\"\\n\"}{end}";
        world.cluster.kubectl(&["get", kinds, "--all-namespaces", path])
    };
    let before = listed();
    assert_eq!(before.lines().count(), 4, "{before}");
    let written = world.cluster.written();
    assert!(world.plan(platform(shop())).is_empty());
    assert_eq!((listed(), world.cluster.written()), (before, written));
    // Another hand leads a path elsewhere.
    let patch = r#"[{"op": "replace", "path": "/spec/rules/0/backendRefs/0/name", "value": "other"}]"#;
    world.cluster.kubectl(&["patch", "httproute/shop", "--namespace=shop", "--type=json", "--patch", patch]);
    let name = "httproute.gateway.networking.k8s.io/shop/shop";
    let plan = world.plan(platform(shop())).force_conflicts(name);
    assert_eq!(steps(&plan), [(Action::Update, name.to_owned())], "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(world.plan(platform(shop())).is_empty());
    // A further route is one object more, and its gateway stays as it is.
    let more = shop().http_route(
        HttpRoute::new("api", "edge/public")
            .listener("https")
            .host("api.example.org")
            .route("/v1", "web", 80),
    );
    let plan = world.apply(&platform(more));
    assert_eq!(
        steps(&plan),
        [(Action::Create, "httproute.gateway.networking.k8s.io/shop/api".to_owned())],
        "{plan}"
    );
    let plan = world.apply(&Platform::on("single").operator(kinds.clone()).operator(charts.clone()));
    assert!(plan.counts().delete > 4, "{plan}");
}
