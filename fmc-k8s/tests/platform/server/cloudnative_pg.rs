//! Our database with CloudNativePG itself: its webhooks judge the object, and its controllers take it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use fmc::graph::{Choices, DeleteData, NoteKind};
use fmc::prelude::*;
use fmc_k8s::operator::Operator;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::postgres::Postgres;
use fmc_testkit::cloudnative_pg::CloudNativePg;
use pollster::block_on;

use super::operator::nurse;
use super::{Plane, start};
use crate::check::kinds;
use crate::cloud::{Cluster as _, World, deleted, notes};
use crate::operated::{image, postgres};

const DB: &str = "cluster.postgresql.cnpg.io/shop/db";

fn platform(file: &str, db: Postgres) -> Platform {
    let operator = Operator::new("cnpg").ready_within(120).manifests(file);
    Platform::on("single").operator(operator).namespace(Namespace::new("shop").postgres(db))
}

/// Runs the operator in place of its pods: a while after an apply has made them, so that its webhooks do not answer at once.
fn run(world: &World<Plane>, operator: &Mutex<CloudNativePg>) {
    let until = Instant::now() + Duration::from_secs(110);
    let words = ["get", "deployment/cnpg-controller-manager", "--namespace=cnpg-system"];
    while world.cluster.0.kubectl(&words).is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(300));
    }
    std::thread::sleep(Duration::from_secs(3));
    operator.lock().unwrap().start(&world.cluster.0);
}

#[test]
fn its_webhooks_judge_our_database_and_its_controllers_take_it() {
    let operator = Mutex::new(CloudNativePg::new());
    let file = operator.lock().unwrap().manifests();
    let log = || operator.lock().unwrap().log();
    let db = || postgres().ready_within(20);
    let found = kinds(platform(&file, db()));
    let mut told: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    told.dedup();
    assert_eq!(told, ["platform-rights", "platform-unpinned"], "{found:?}");

    // One apply: the definitions, the webhooks, the operator, and the database, which its webhooks complete.
    let world = start();
    let plan = world.plan(platform(&file, db()));
    let told = std::thread::scope(|scope| {
        scope.spawn(|| run(&world, &operator));
        scope.spawn(|| nurse(&world, "cnpg-system", "cloudnative-pg"));
        world.run(&plan).converged().unwrap_err().to_string()
    });
    // Without nodes no instance starts: the wait tells what the operator says.
    let why = "shop/db: it was not ready within 20 s: ClusterIsNotReady: Cluster Is Not Ready";
    assert!(told.contains(why), "{told}\n{}", log());
    let read = |path: &str| {
        world.cluster.kubectl(&[
            "get",
            "cluster/db",
            "--namespace=shop",
            &format!("--output=jsonpath={path}"),
        ])
    };
    assert_eq!(read("{.status.phase}"), "Setting up primary", "{}", log());
    assert_eq!(read("{.spec.bootstrap.initdb.encoding}"), "UTF8", "its webhook completes the object");
    let made = ["get", "persistentvolumeclaims,jobs", "--namespace=shop", "--output=name"];
    let made = world.cluster.kubectl(&made);
    assert!(made.contains("persistentvolumeclaim/db-1") && made.contains("job.batch/db-1-initdb"), "{made}");

    // All that it added is its own.
    let again = world.plan(platform(&file, db().ready_within(0)));
    assert!(again.is_empty() && again.drift().drift.is_empty(), "{again} {:?}", again.drift());

    // A change that a webhook refuses is held, in its words.
    let large = || platform(&file, db().ready_within(0).parameter("shared_buffers", "10GB"));
    let plan = world.plan(large());
    let held = notes(&plan, NoteKind::Held);
    assert!(
        held.iter().any(|text| text.contains("admission webhook \"vcluster.cnpg.io\" denied the request")),
        "{plan}\n{}",
        log()
    );
    // A new one is refused by the same words, and holds up nothing else.
    let second = || {
        let image = image("ghcr.io/cloudnative-pg/postgresql:18.1");
        let bad = Postgres::new("bad", image, 256.mib(), 1.gib());
        let operator = Operator::new("cnpg").ready_within(120).manifests(&file);
        let shop = Namespace::new("shop")
            .postgres(db().ready_within(0))
            .postgres(bad.ready_within(0).parameter("shared_buffers", "10GB"));
        Platform::on("single").operator(operator).namespace(shop)
    };
    let told = world.run(&world.plan(second())).converged().unwrap_err().to_string();
    assert!(told.contains("shop/bad: admission webhook \"vcluster.cnpg.io\" denied the request"), "{told}");

    // It is away: the plan says so, and an apply waits until it is back.
    operator.lock().unwrap().stop();
    let changed = || platform(&file, db().ready_within(0).parameter("max_connections", "60"));
    let plan = world.plan(changed());
    assert!(plan.to_string().contains("its webhook does not answer now"), "{plan}");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(3));
            operator.lock().unwrap().start(&world.cluster.0);
        });
        world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}\n{}", log()));
    });
    assert_eq!(read("{.spec.postgresql.parameters.max_connections}"), "60");
    let written = world.cluster.written();
    assert!(world.plan(changed()).is_empty());
    assert_eq!(world.cluster.written(), written);

    // It goes before its operator, once a person names it.
    let wanted = world.wanted(Platform::on("single"));
    let data = DeleteData::Of([DB.to_owned()].into());
    let choices = Choices { delete_data: data, ..Choices::default() };
    let plan = block_on(world.providers.plan_with(&wanted, choices)).unwrap();
    assert!(deleted(&plan).contains(&DB.to_owned()), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}\n{}", log()));
    assert_eq!(world.cluster.kubectl(&["get", "customresourcedefinitions", "--output=name"]), "");
}
