//! An apply that waits for pods, on nodes whose kubelets kwok stands in for.

use fmc_k8s::platform::{Namespace, Platform};
use fmc_testkit::kube::ControlPlane;
use fmc_testkit::kwok::Kwok;

use super::Plane;
use crate::cloud::{World, db, steps, web};

#[test]
fn an_apply_waits_until_the_pods_of_a_platform_are_ready() {
    let mut plane = ControlPlane::start();
    plane.start_scheduler();
    let nodes = Kwok::start(&plane, &["one", "two"]);
    let world = World::on(Plane(plane));
    let platform = |replicas| {
        let shop = Namespace::new("shop")
            .deployment(web(replicas).ready_within(60))
            .deployment(db().ready_within(60));
        Platform::on("single").namespace(shop)
    };
    let ready = || {
        world.cluster.kubectl(&[
            "get",
            "deployments",
            "--namespace=shop",
            "--output=jsonpath={range .items[*]}{.metadata.name}={.status.readyReplicas} {end}",
        ])
    };
    let run = |replicas| {
        let plan = world.plan(platform(replicas));
        let outcome = world.run(&plan);
        outcome.converged().unwrap_or_else(|error| {
            panic!(
                "{error}\n{}\n{}",
                world.cluster.kubectl(&["get", "nodes,pods", "-A", "-o", "wide"]),
                nodes.log()
            )
        });
        plan
    };
    run(2);
    assert_eq!(ready(), "db=1 web=2 ", "{}", nodes.log());
    // More pods: one step, which ends once they are ready.
    let plan = run(4);
    assert_eq!(steps(&plan).len(), 1, "{plan}");
    assert_eq!(ready(), "db=1 web=4 ", "{}", nodes.log());
    assert!(world.plan(platform(4)).is_empty());
}
