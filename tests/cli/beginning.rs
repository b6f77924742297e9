//! Which server began a cluster is history: a cloud that names another one makes no machine outdated.

use fmc::prelude::*;

use crate::birth::{cluster_of, same};
use crate::cluster::{NOW, THREE, planned, with_disks};
use crate::stage::Stage;

/// Three servers and an agent without data disks.
fn three(change: impl Fn(k3s::Cluster) -> k3s::Cluster) -> Cloud {
    with_disks(&THREE, &["w1"], &[], change)
}

/// Nothing is left to do, for an apply and for a person.
#[track_caller]
fn settled(stage: &Stage, cloud: &dyn Fn() -> Cloud) {
    stage.done(cloud(), "apply");
    let plan = planned(stage, cloud(), "plan --detailed-exitcode");
    assert!(plan.contains("no change") && !plan.contains("outdated"), "{plan}");
    let status = stage.done(cloud(), "status");
    assert!(!status.contains("outdated"), "{status}");
}

#[test]
fn another_server_begins_and_no_machine_is_outdated() {
    let stage = Stage::new();
    stage.done(three(same), "apply");
    for (initial, replaced) in [("m2", "m1"), ("m3", "m2"), ("m1", "m3")] {
        let moved = || three(|cluster| cluster.initial(initial));
        settled(&stage, &moved);
        // It is made anew as it is wanted now, and joins.
        stage.done(moved(), &format!("apply --replace {replaced}"));
        settled(&stage, &moved);
        settled(&stage, &|| three(same));
    }
}

#[test]
fn the_order_in_which_servers_are_listed_is_history_too() {
    for change in [
        (|cluster| cluster) as fn(k3s::Cluster) -> k3s::Cluster,
        |cluster| cluster.cis(true),
        |cluster| cluster.endpoint(k3s::Endpoint::Server),
        |cluster| cluster.datastore(k3s::Datastore::endpoint(Secret::environment("dsn", "DSN"))),
        |cluster| {
            let manifest = r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "own"}}"#;
            cluster.auto_deploy(k3s::Addon::new("own").manifest(manifest))
        },
    ] {
        let of = |servers: [&'static str; 3]| {
            with_disks(&servers, &["w1"], &[], change).accept("k3s-endpoint-single", "a test")
        };
        let stage = Stage::new();
        stage.done(of(THREE), "apply");
        settled(&stage, &|| of(["m3", "m1", "m2"]));
        settled(&stage, &|| of(["m2", "m1", "m3"]));
    }
}

/// Each server of a system that restarts for updates has a day of its own.
#[test]
fn the_order_in_which_servers_are_listed_moves_no_day() {
    let of = |servers: [&'static str; 3]| {
        let machine = |(at, name)| {
            Machine::new(name, Image::flatcar("4230.2.3").path("/images/flatcar.qcow2"))
                .cpus(2)
                .memory(4.gib())
                .root_disk(20.gib())
                .interface(Interface::on("lab").address(format!("10.17.3.{}", 11 + at)))
        };
        cluster_of(k3s::Cluster::new("prod", NOW), &[], |cluster| cluster.servers(servers).agents(["w1"]))
            .machines(["m1", "m2", "m3", "w1"].into_iter().enumerate().map(machine))
            .accept("k3s-endpoint-single", "a test")
    };
    let stage = Stage::new();
    stage.done(of(THREE), "apply");
    settled(&stage, &|| of(["m3", "m1", "m2"]));
    settled(&stage, &|| of(["m2", "m1", "m3"]));
}

#[test]
fn what_differs_besides_is_said_without_the_history() {
    let stage = Stage::new();
    stage.done(three(same), "apply");
    let other = || three(|cluster| cluster.initial("m2").cis(true));
    let plan = planned(&stage, other(), "plan");
    assert!(plan.contains("! machine m1 outdated") && !plan.contains("start "), "{plan}");
}

#[test]
fn a_server_that_was_undefined_returns_as_it_was_made() {
    let stage = Stage::new();
    stage.done(three(same), "apply");
    let world = stage.path().join("first.sim.json");
    let mut there: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&world).unwrap()).unwrap();
    there["domains"].as_object_mut().unwrap().remove("m1").unwrap();
    std::fs::write(&world, there.to_string()).unwrap();
    let moved = || three(|cluster| cluster.initial("m2"));
    let plan = planned(&stage, moved(), "plan");
    assert!(plan.contains("on its root m1.root.") && !plan.contains("outdated"), "{plan}");
    settled(&stage, &moved);
}
