//! Plans that know what a machine was made with, and what its roles said then.

use fmc::prelude::*;

use crate::stage::Stage;

/// A cluster of one server or more behind an address of its own.
pub(crate) fn cluster(servers: &[&'static str], change: impl Fn(k3s::Cluster) -> k3s::Cluster) -> Cloud {
    cluster_of(k3s::Cluster::new("prod", "v1.36.3+k3s1"), servers, change)
}

/// The machines of a cluster, and the cluster behind an address of its own.
pub(crate) fn cluster_of(
    cluster: k3s::Cluster,
    servers: &[&'static str],
    change: impl Fn(k3s::Cluster) -> k3s::Cluster,
) -> Cloud {
    let disk = || Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s");
    let machines = servers.iter().enumerate().map(|(at, name)| node(name, at).disk(disk()));
    let cluster = cluster.endpoint(k3s::Endpoint::address("10.17.3.5")).servers(servers.iter().copied());
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machines(machines)
        .cluster(change(cluster))
}

/// A machine of a cluster, without data disks.
pub(crate) fn node(name: &'static str, at: usize) -> Machine {
    Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lab").address(format!("10.17.3.{}", 11 + at)))
}

pub(crate) fn same(cluster: k3s::Cluster) -> k3s::Cluster {
    cluster
}

/// A plan that refuses something, with these words of a machine.
#[track_caller]
pub(crate) fn refused(stage: &Stage, cloud: Cloud, arguments: &str, machine: &str, words: &[&str]) {
    let ran = stage.run(cloud, arguments);
    let all = format!("{}{}", ran.out, ran.err).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(ran.code != 0 && all.contains(&format!("! machine {machine} refused")), "{ran:?}");
    for said in words {
        assert!(all.contains(said), "no {said:?}: {all}");
    }
}

#[test]
fn the_networks_of_a_cluster_that_is_there_do_not_change() {
    let stage = Stage::new();
    stage.done(cluster(&["m1"], same), "apply");
    let moved = || cluster(&["m1"], |cluster| cluster.pods("10.50.0.0/16"));
    let words = ["pods 10.42.0.0/16 → 10.50.0.0/16", "a cluster keeps the networks that it began with"];
    refused(&stage, moved(), "plan", "m1", &words);
    // Its state stays on its disk, so a replacement is no way.
    refused(&stage, moved(), "plan --replace m1", "m1", &words);
    assert_eq!(stage.run(moved(), "apply").code, 1);
}

#[test]
fn one_server_moves_to_etcd_before_others_join() {
    let stage = Stage::new();
    stage.done(cluster(&["m1"], same), "apply");
    let three = || cluster(&["m1", "m2", "m3"], same);
    let words = [
        "state sqlite → etcd",
        "apply --only machine/m1 --replace m1",
        "it waits: m1 has steps to take for k3s-server prod",
    ];
    refused(&stage, three(), "plan", "m2", &words);
    // The same if the replacement is asked for: the copy comes first, and the others wait.
    let words = [
        "state sqlite → etcd",
        "copy /var/lib/rancher/k3s/server/db and",
        "it waits: m1 has steps to take for k3s-server prod",
    ];
    refused(&stage, three(), "plan --replace m1", "m2", &words);
    let alone = "plan --only machine/m1 --replace m1";
    let plan = stage.done(three(), alone).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains("± machine m1") && plan.contains("on m1, copy"), "{plan}");
    stage.done(three(), "apply --only machine/m1 --replace m1");
    let plan = stage.done(three(), "plan");
    assert!(plan.contains("+ machine m2") && !plan.contains("sqlite") && !plan.contains("refused"), "{plan}");
    stage.done(three(), "apply");
}

#[test]
fn a_server_does_not_come_back_with_the_disk_of_a_removed_member() {
    let stage = Stage::new();
    let three = || cluster(&["m1", "m2", "m3"], same);
    stage.done(three(), "apply");
    // One after another: etcd would not go on without two of three.
    for gone in ["m2", "m3"] {
        let ran = stage.run(cluster(&["m1"], same), &format!("apply --only machine/{gone}"));
        assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    }
    let words = [
        "it would take over the data disk k3s (20 GiB)",
        "etcd never takes a removed member back",
        "--delete-data m2",
    ];
    refused(&stage, three(), "plan", "m2", &words);
    stage.done(three(), "apply --delete-data m2 --delete-data m3");
    // All of them come back together with what they had.
    stage.done(three(), "destroy");
    let plan = stage.done(three(), "plan");
    assert!(plan.contains("takes over the data disk") && !plan.contains("refused"), "{plan}");
}

#[test]
fn a_cloud_that_wants_none_of_the_machines_that_are_here_is_asked_by_its_owner() {
    let stage = Stage::new();
    stage.done(crate::stage::cloud(), "apply");
    let theirs = || {
        Cloud::new("first")
            .host(Host::local().memory(16.gib()).topology(1, 4, 2))
            .network(Network::nat("other", "10.99.3.0/24"))
            .machine(Machine::new("mine", Image::blank()).interface(Interface::on("other")))
    };
    let plan = stage.done(theirs(), "plan").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains("this cloud wants none of the 2 machines that are here (db, web)"), "{plan}");
    stage.fails(
        theirs(),
        "apply --yes",
        1,
        &["wants none of the 2 machines that are here", "--delete-all first"],
    );
    let other = ["the owner of this cloud is `first`", "nothing was done"];
    stage.fails(theirs(), "apply --yes --delete-all second", 1, &other);
    // A file that has lost its machines is asked for in the same way.
    let emptied = || Cloud::new("first").host(Host::local().memory(16.gib()).topology(1, 4, 2));
    stage.fails(
        emptied(),
        "apply --yes",
        1,
        &["wants none of the 2 machines that are here", "--delete-all first"],
    );
    assert!(stage.done(crate::stage::cloud(), "plan").contains("no change"), "nothing was done");
    stage.done(theirs(), "apply --delete-all first");
}

/// A file with secrets has no digest, and its settings have each their own.
#[test]
fn a_setting_beside_the_secrets_of_a_file_is_named() {
    let stage = Stage::new();
    stage.done(cluster(&["m1"], same), "apply");
    let other = || {
        let config = k3s::Config::new().set(k3s::key::WRITE_KUBECONFIG_MODE, "0640");
        cluster(&["m1"], move |cluster| cluster.server_config(config.clone()))
    };
    let plan = |stage: &Stage| stage.done(other(), "plan").split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "outdated 1 setting (write-kubeconfig-mode in /etc/rancher/k3s/config.yaml) (--replace m1";
    assert!(plan(&stage).contains(said), "{}", plan(&stage));
    // An earlier version recorded none: they are not all new.
    let world = stage.path().join("first.sim.json");
    let text = std::fs::read_to_string(&world).unwrap();
    assert!(text.contains("name='token in /etc/rancher/k3s/config.yaml'"), "{text}");
    let lines = text.split("\\n").filter(|line| !line.contains(" in /etc/rancher/k3s/config.yaml'"));
    std::fs::write(world, lines.collect::<Vec<_>>().join("\\n")).unwrap();
    assert!(plan(&stage).contains("another secret, a setting that is used"), "{}", plan(&stage));
}
