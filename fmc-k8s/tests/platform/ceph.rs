//! Ceph on the disks of a cluster's machines.

use fmc::graph::{Choices, DeleteData, NoteKind};
use fmc::prelude::*;
use fmc_k8s::ceph::Ceph;
use fmc_k8s::manifest::Manifest;
use fmc_k8s::operator::Operator;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::stateful::VolumeClaim;
use pollster::block_on;
use serde_json::{Value, json};

use crate::cloud::{World, notes};
use crate::operated::{definition, image, operator};
use crate::stateful::set;

pub(crate) fn ceph() -> Ceph {
    Ceph::new(image("quay.io/ceph/ceph:v20.2.0"), "ceph").ready_within(0)
}

pub(crate) fn rook() -> Operator {
    operator("rook", "ceph.rook.io", &["CephCluster", "CephBlockPool"])
}

/// A cloud with a server and four agents, of which the first ones have a disk for Ceph.
pub(crate) fn cloud(disks: usize, disk: Disk) -> Cloud {
    let machine = |name: &str, address: &str| {
        Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
            .cpus(2)
            .memory(6.gib())
            .root_disk(20.gib())
            .interface(Interface::on("lab").address(address))
    };
    let agents = ["a", "b", "c", "d"];
    let each = agents.iter().enumerate().map(|(at, name)| {
        let agent = machine(name, &format!("10.17.3.2{at}"));
        if at < disks { agent.disk(disk.clone()) } else { agent }
    });
    let cloud = Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machine(
        machine("server", "10.17.3.10").disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s")),
    );
    each.fold(cloud, Cloud::machine)
        .cluster(k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["server"]).agents(agents))
}

pub(crate) fn raw() -> Disk {
    Disk::new("ceph", 40.gib())
}

fn platform(ceph: Ceph) -> Platform {
    Platform::on("single").operator(rook()).ceph(ceph)
}

/// The findings about a platform's Ceph: kind, path and message.
fn found(disks: usize, disk: Disk, platform: Platform) -> Vec<(String, String, String)> {
    let all = match cloud(disks, disk).role(platform).check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.findings().to_vec(),
    };
    let ours = all.iter().filter(|one| one.at().contains("platform.ceph"));
    ours.map(|one| {
        let path = one.at().rsplit_once("ceph").map_or("", |(_, path)| path);
        (one.kind().to_string(), path.to_owned(), one.message().to_owned())
    })
    .collect()
}

#[test]
fn it_takes_the_named_disk_of_each_machine_and_nothing_else() {
    assert_eq!(found(3, raw(), platform(ceph())), []);
    let checked = cloud(3, raw()).role(platform(ceph())).check().unwrap();
    let all = platform(ceph()).manifests_in(&checked);
    let of = |name: &str| -> &Manifest { all.iter().find(|one| one.to_string() == name).unwrap() };
    let storage = &of("cephcluster.ceph.rook.io ceph").content()["spec"]["storage"];
    assert_eq!((&storage["useAllNodes"], &storage["useAllDevices"]), (&json!(false), &json!(false)));
    let disks: Vec<(&str, &str)> = storage["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["name"].as_str().unwrap(), node["devices"][0]["name"].as_str().unwrap()))
        .collect();
    let serials = ["a", "b", "c"].map(|name| {
        let machine = checked.machine(name).unwrap();
        (name, format!("/dev/disk/by-id/virtio-{}", machine.disks[0].serial))
    });
    assert_eq!(disks, serials.each_ref().map(|(name, serial)| (*name, serial.as_str())));
    let pool = &of("cephblockpool.ceph.rook.io ceph-block").content()["spec"];
    assert_eq!((&pool["failureDomain"], &pool["replicated"]["size"]), (&json!("host"), &json!(3)));
    let class = of("storage-class ceph-block").content();
    assert_eq!(class["provisioner"], "rook-system.rbd.csi.ceph.com");
    assert_eq!(class["parameters"]["clusterID"], "rook-system");
}

#[test]
fn claims_of_its_class_outlive_a_node_and_the_plan_ends() {
    let claim = || VolumeClaim::new("data", 1.gib()).class("ceph-block").survives_node();
    let all = || platform(ceph()).namespace(Namespace::new("shop").stateful(set(claim()).ready_within(0)));
    let world = World::new();
    let wanted = world.compile(cloud(3, raw()).role(all()));
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    assert!(world.plan_of(&wanted).is_empty());
    let cluster: Value = world.cluster.object("cephcluster.ceph.rook.io", "rook-system", "ceph").unwrap();
    assert_eq!(cluster["spec"]["storage"]["nodes"].as_array().unwrap().len(), 3);
    // Without it in the cloud its data stays.
    let without = world.compile(cloud(3, raw()).role(Platform::on("single").operator(rook())));
    let plan = world.plan_of(&without).to_string();
    let is_kept = |line: &str| line.contains("cephcluster.ceph.rook.io") && line.contains(" kept ");
    assert!(plan.lines().any(is_kept), "{plan}");
}

/// A pod whose volume no pool can give would wait for its own deadline, and tell the wrong cause.
#[test]
fn what_has_its_class_is_made_when_its_pool_is_ready() {
    let ceph = || ceph().ready_within(120);
    let set = || set(VolumeClaim::new("data", 1.gib()).class("ceph-block")).ready_within(0);
    let all = || platform(ceph()).namespace(Namespace::new("shop").stateful(set()));
    let world = World::new();
    let wanted = world.compile(cloud(3, raw()).role(all()));
    let forming = json!({ "phase": "Progressing", "message": "Configuring Ceph Mons" });
    world.cluster.reports("cephcluster.ceph.rook.io", "rook-system", "ceph", forming);
    let told = world.run(&world.plan_of(&wanted)).converged().unwrap_err().to_string();
    let why = "storage-class/ceph-block: cephcluster.ceph.rook.io/ceph, which it needs, is not ready within 120 s: ";
    assert!(told.contains(why) && told.contains("Configuring Ceph Mons"), "{told}");
    assert!(world.cluster.object("storage-class", "", "ceph-block").is_none());
    assert!(world.cluster.object("stateful-set", "shop", "db").is_none());
    assert!(world.cluster.object("network-policy", "shop", "nothing").is_some());
    world.cluster.reports("cephcluster.ceph.rook.io", "rook-system", "ceph", json!({ "phase": "Ready" }));
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    assert!(world.cluster.object("stateful-set", "shop", "db").is_some());
    assert!(world.plan_of(&wanted).is_empty());
}

/// The cloud with the machines of these agents alone, all of which bring a disk.
fn cloud_of(agents: &[&str]) -> Cloud {
    let machine = |name: &str, address: &str| {
        Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
            .cpus(2)
            .memory(6.gib())
            .root_disk(20.gib())
            .interface(Interface::on("lab").address(address))
    };
    let server =
        machine("server", "10.17.3.10").disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"));
    let cloud =
        Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machine(server);
    let each =
        agents.iter().enumerate().map(|(at, name)| machine(name, &format!("10.17.3.2{at}")).disk(raw()));
    each.fold(cloud, Cloud::machine)
        .cluster(k3s::Cluster::new("single", "v1.36.2+k3s1").servers(["server"]).agents(agents.to_vec()))
}

/// All copies of a volume may be on three machines.
#[test]
fn machines_leave_a_ceph_few_at_a_time_and_after_it_was_told() {
    let world = World::new();
    let of = |agents: &[&str]| world.compile(cloud_of(agents).role(platform(ceph())));
    let six = ["a", "b", "c", "d", "e", "f"];
    world.run(&world.plan_of(&of(&six))).converged().unwrap();
    assert!(world.plan_of(&of(&six)).is_empty());
    let plan = world.plan_of(&of(&six[..3]));
    let held = notes(&plan, NoteKind::Held);
    assert!(
        held.iter().any(|note| note.starts_with("the disks of d, e and f would leave it at once")),
        "{plan}"
    );
    assert!(!plan.steps.iter().any(|step| step.address.is_named("domain/d")), "{plan}");
    // A person gives the data up by name.
    let named = DeleteData::Of(["d".to_owned()].into());
    let choices = Choices { delete_data: named, ..Choices::default() };
    let plan = block_on(world.providers.plan_with(&of(&six[..3]), choices)).unwrap();
    assert_eq!(notes(&plan, NoteKind::Held), [""; 0], "{plan}");
    let plan = world.plan_of(&of(&six[..4]));
    let told = notes(&plan, NoteKind::Beforehand);
    assert!(told.iter().any(|note| note.starts_with("the disks of e and f leave it")), "{plan}");
    let order: Vec<String> = plan.steps.iter().map(|step| step.address.short().to_string()).collect();
    let place =
        |name: &str| order.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name}: {plan}"));
    assert!(place("cephcluster.ceph.rook.io/rook-system/ceph") < place("domain/e"), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert!(world.plan_of(&of(&six[..4])).is_empty());
}

#[test]
fn each_mistake_is_found_in_its_settings() {
    let one = |disks, disk, ceph, kind: &str, path: &str, words: &str| {
        let found = found(disks, disk, platform(ceph));
        let [(found_kind, found_path, message)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((found_kind.as_str(), found_path.as_str()), (kind, path), "{message}");
        assert!(message.contains(words), "{message}");
    };
    one(3, raw(), ceph().copies(1), "platform-value", ".copies", "one copy");
    one(3, raw(), ceph().memory(1.gib()), "platform-value", ".memory", "less than 2 GiB");
    one(2, raw(), ceph(), "platform-value", ".disk", "2 have the disk");
    one(3, raw(), ceph().copies(4), "platform-value", ".disk", "4 machines are needed");
    one(0, raw(), ceph(), "platform-value", ".disk", "no machine of single has a data disk ceph");
    one(3, raw().mount("/srv/ceph"), ceph(), "platform-value", ".disk", "a file system or a mount");
    let unpinned = Ceph::new("quay.io/ceph/ceph:v20.2.0", "ceph").ready_within(0);
    one(3, raw(), unpinned, "platform-unpinned", ".image", "no digest");
    let alone = found(3, raw(), Platform::on("single").ceph(ceph()));
    assert!(alone.iter().any(|(kind, _, _)| kind == "platform-no-operator"), "{alone:?}");
    // Its definitions alone are taken by the server, and nothing acts on them.
    let text = |with: &[&str]| {
        let all = ["CephCluster", "CephBlockPool"].map(|kind| definition("ceph.rook.io", kind).to_string());
        all.into_iter().chain(with.iter().map(|one| (*one).to_owned())).collect::<Vec<_>>().join("\n---\n")
    };
    let of = |text: &str| {
        let rook = Operator::new("rook").manifests(text).namespace("rook-ceph");
        found(3, raw(), Platform::on("single").operator(rook).ceph(ceph()))
    };
    let [(kind, _, message)] = &of(&text(&[]))[..] else { panic!("{:?}", of(&text(&[]))) };
    assert_eq!(kind, "platform-no-operator-pods", "{message}");
    assert!(message.contains("have no pods of Rook"), "{message}");
    // The program of each disk needs its memory on a machine.
    let large = found(3, raw(), platform(ceph().memory(16.gib())));
    assert!(large.iter().any(|(kind, _, _)| kind == "platform-too-large"), "{large:?}");
}
