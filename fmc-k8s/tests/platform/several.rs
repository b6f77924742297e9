//! Several clusters of one cloud, with objects of the same names.

use std::sync::Arc;

use fmc::Providers;
use fmc::graph::{Choices, DeleteData, NoteKind};
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim as Hypervisor;
use fmc::prelude::*;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::provider::Kubernetes;
use fmc_k8s::sim::Sim;
use fmc_k8s::stateful::{Stateful, VolumeClaim};
use pollster::block_on;

use crate::cloud::{World, cloud, notes};
use crate::stateful::set;

fn shop(cluster: &str, sets: impl IntoIterator<Item = Stateful>) -> Platform {
    Platform::on(cluster.to_owned())
        .namespace(sets.into_iter().fold(Namespace::new("shop"), Namespace::stateful))
}

fn kept() -> Stateful {
    set(VolumeClaim::new("data", 1.gib()).class("block")).replicas(1)
}

/// The cloud with a second cluster, and a platform in each.
fn both(single: Platform, other: Platform) -> Cloud {
    let node = Machine::new("other1", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.20"));
    let cluster = k3s::Cluster::new("other", "v1.36.2+k3s1")
        .servers(["other1"])
        .pods("10.44.0.0/16")
        .services("10.45.0.0/16");
    cloud().machine(node).cluster(cluster).role(single).role(other)
}

#[test]
fn the_data_of_one_of_them_goes_by_its_own_name() {
    let (single, other) = (Sim::new(), Sim::new());
    let clusters = Kubernetes::new().cluster("single", single.clone()).cluster("other", other.clone());
    let providers = Providers::new()
        .host(HostName::literal("local"), Hypervisor::new())
        .secrets(Arc::new(fmc::sim::StandIns))
        .images(Images::stand_ins())
        .with(clusters);
    let world = World { cluster: single.clone(), providers };
    let run = |cloud: Cloud| {
        let plan = world.plan_of(&world.compile(cloud));
        world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\\n{plan}"));
        plan
    };
    run(both(shop("single", [kept()]), shop("other", [])));
    // A new set in one of them has nothing to do with the data of the other.
    let plan = run(both(shop("single", []), shop("other", [kept()])));
    assert_eq!(notes(&plan, NoteKind::Notice), Vec::<String>::new(), "{plan}");
    let plan = run(both(shop("single", []), shop("other", [])));
    let told = |cluster: &str| {
        let set = format!("kubernetes/{cluster}/stateful-set/shop/db");
        format!("{set} left its data: `--delete-data {set}` deletes it")
    };
    assert_eq!(notes(&plan, NoteKind::Kept), [told("other"), told("single")], "{plan}");

    let one = DeleteData::Of(["kubernetes/other/stateful-set/shop/db".to_owned()].into());
    let wanted = world.compile(both(shop("single", []), shop("other", [])));
    let plan =
        block_on(world.providers.plan_with(&wanted, Choices { delete_data: one, ..Choices::default() }));
    world.run(&plan.unwrap()).converged().unwrap();
    assert!(other.object("claim", "shop", "data-db-0").is_none());
    assert!(single.object("claim", "shop", "data-db-0").is_some());
}
