//! A cluster that is there, and clouds that want it otherwise: what cannot be done is refused, with what helps.

use fmc::prelude::*;

use crate::birth::{cluster, cluster_of, refused, same};
use crate::stage::Stage;

/// The output of a plan, with single spaces.
#[track_caller]
fn planned(stage: &Stage, cloud: Cloud, arguments: &str) -> String {
    let plan = stage.done(cloud, arguments);
    plan.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A cluster of one server and one agent, each with K3s's folder on a data disk if it is said.
fn with_agent(version: &'static str, has_disk: bool, change: impl Fn(k3s::Cluster) -> k3s::Cluster) -> Cloud {
    let agent = Machine::new("w1", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lab").address("10.17.3.31"));
    let agent =
        if has_disk { agent.disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s")) } else { agent };
    let cluster = k3s::Cluster::new("prod", version);
    cluster_of(cluster, &["m1"], |cluster| change(cluster).agents(["w1"])).machine(agent)
}

/// A cluster of one server of a release.
fn of_release(version: &'static str) -> Cloud {
    cluster_of(k3s::Cluster::new("prod", version), &["m1"], same)
}

const NOW: &str = "v1.36.3+k3s1";

#[test]
fn a_cluster_goes_up_one_minor_version_at_a_time_by_what_its_servers_were_made_with() {
    let stage = Stage::new();
    stage.done(of_release("v1.33.4+k3s1"), "apply");
    let far = || of_release("v1.36.3+k3s1");
    let words = [
        "release v1.33.4+k3s1 → v1.36.3+k3s1",
        "one minor version at a time",
        "the last release of v1.34",
        "then of v1.35, then v1.36.3+k3s1",
        "--replace m1",
        "`upgraded_from`",
    ];
    refused(&stage, far(), "plan", "m1", &words);
    refused(&stage, far(), "plan --replace m1", "m1", &words);
    assert_eq!(stage.run(far(), "apply --replace m1").code, 1);
    // One that was upgraded in place is known by what a person says.
    let said = || cluster(&["m1"], |cluster| cluster.upgraded_from("v1.35.9+k3s1"));
    let plan = planned(&stage, said(), "plan --replace m1");
    assert!(!plan.contains("refused"), "{plan}");
    // A patch and one minor version are replacements, as other parts.
    for near in ["v1.33.9+k3s1", "v1.34.6+k3s1"] {
        let plan = planned(&stage, of_release(near), "plan");
        assert!(plan.contains(&format!("release v1.33.4+k3s1 → {near}")), "{plan}");
        assert!(plan.contains("--replace m1 replaces it") && !plan.contains("refused"), "{plan}");
    }
    stage.done(of_release("v1.34.6+k3s1"), "apply --replace m1");
    stage.done(of_release("v1.35.9+k3s1"), "apply --replace m1");
    stage.done(far(), "apply --replace m1");
}

#[test]
fn a_cluster_does_not_go_back() {
    let stage = Stage::new();
    stage.done(with_agent(NOW, true, same), "apply");
    let back = || with_agent("v1.36.1+k3s1", true, same);
    let words = ["release v1.36.3+k3s1 → v1.36.1+k3s1", "cannot go back", "restore a snapshot"];
    refused(&stage, back(), "plan", "m1", &words);
    refused(&stage, back(), "plan --replace m1", "m1", &words);
    let agent = ["release v1.36.3+k3s1 → v1.36.1+k3s1", "images and containers of the newer one"];
    refused(&stage, back(), "plan", "w1", &agent);
    let agents_alone = || with_agent(NOW, true, |cluster| cluster.agent_version("v1.35.1+k3s1"));
    refused(
        &stage,
        agents_alone(),
        "plan --replace w1",
        "w1",
        &["release v1.36.3+k3s1 → v1.35.1+k3s1", "images and containers of the newer one"],
    );
}

#[test]
fn an_agent_that_keeps_nothing_goes_back_by_its_replacement() {
    let stage = Stage::new();
    stage.done(with_agent(NOW, false, same), "apply");
    let back = || with_agent(NOW, false, |cluster| cluster.agent_version("v1.35.1+k3s1"));
    let plan = planned(&stage, back(), "plan");
    assert!(plan.contains("k3s-agent prod: release v1.36.3+k3s1 → v1.35.1+k3s1"), "{plan}");
    assert!(!plan.contains("refused"), "{plan}");
    stage.done(back(), "apply --replace w1");
}

#[test]
fn a_cluster_keeps_the_name_that_its_tokens_and_authorities_are_made_from() {
    let stage = Stage::new();
    stage.done(cluster(&["m1"], same), "apply");
    let renamed = || cluster_of(k3s::Cluster::new("stage", NOW), &["m1"], same);
    let words = ["it was made as k3s-server prod", "tokens and authorities", "leave the cluster its name"];
    refused(&stage, renamed(), "plan", "m1", &words);
    refused(&stage, renamed(), "plan --replace m1", "m1", &words);
}
