//! Clouds beside each other on one host: a cloud and its lab, dev and staging.

use fmc::prelude::*;

use crate::stage::{Stage, cloud, machine};

const HOST: &str = "--connect sim:host.json";

fn stage_of(name: &str, subnet: &str) -> Cloud {
    Cloud::new(name)
        .prefixed(true)
        .host(Host::local())
        .network(Network::nat("lab", format!("{subnet}.0/24")))
        .machine(machine("web", &format!("{subnet}.10")).disk(Disk::new("data", 1.gib())))
}

/// The names of the simulated host's objects of a kind.
fn names(stage: &Stage, kind: &str) -> Vec<String> {
    let text = std::fs::read_to_string(stage.path().join("host.json")).unwrap();
    let host: serde_json::Value = serde_json::from_str(&text).unwrap();
    host[kind].as_object().unwrap_or_else(|| panic!("{kind} in {text}")).keys().cloned().collect()
}

#[test]
fn a_cloud_and_its_lab() {
    let stage = Stage::new();
    stage.done(cloud(), &format!("apply {HOST}"));
    let said = stage.done(cloud(), &format!("apply --lab {HOST}"));
    assert!(said.contains("machine web") && !said.contains("first-lab-web"), "{said}");
    assert_eq!(names(&stage, "domains"), ["db", "first-lab-db", "first-lab-web", "web"]);
    assert_eq!(names(&stage, "networks"), ["first-lab-lab", "lab"]);
    for options in ["", "--lab"] {
        let plan = stage.run(cloud(), &format!("plan --detailed-exitcode {options} {HOST}"));
        assert_eq!(plan.code, 0, "{options}: {plan:?}");
        let status = stage.done(cloud(), &format!("status {options} {HOST}"));
        assert!(status.lines().any(|line| line.contains("web") && line.contains("running")), "{status}");
        let console = stage.done(cloud(), &format!("console web {options} {HOST}"));
        assert!(!console.trim().is_empty(), "{options}");
        let drift = stage.run(cloud(), &format!("drift {options} {HOST}"));
        assert_eq!(drift.code, 0, "{options}: {drift:?}");
    }
    // A deletion and a replacement affect only the lab's own machines.
    let smaller = || Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24"));
    let plan = stage.done(smaller().machine(machine("web", "10.17.3.10")), &format!("plan --lab {HOST}"));
    assert!(plan.contains("- machine db"), "{plan}");
    stage.done(smaller().machine(machine("web", "10.17.3.10")), &format!("apply --lab --replace web {HOST}"));
    assert_eq!(names(&stage, "domains"), ["db", "first-lab-web", "web"]);
    stage.done(cloud(), &format!("destroy --lab {HOST}"));
    assert_eq!(names(&stage, "domains"), ["db", "web"]);
    assert_eq!(names(&stage, "networks"), ["lab"]);
    assert_eq!(stage.run(cloud(), &format!("plan --detailed-exitcode {HOST}")).code, 0);
}

/// A lab's owner is its cloud's with `-lab`, which may be another cloud's own.
#[test]
fn a_lab_and_a_cloud_that_is_called_like_it() {
    let (lab, like_it) = (|| stage_of("dev", "10.17.3"), || stage_of("dev-lab", "10.17.4"));
    let stage = Stage::new();
    stage.done(lab(), &format!("apply --lab {HOST}"));
    let of_lab = "web here is of another cloud's lab, which has the owner dev-lab too";
    for command in ["apply", "destroy"] {
        stage.fails(like_it(), &format!("{command} {HOST}"), 1, &[of_lab, "another `owner`"]);
    }
    stage.done(lab(), &format!("plan --lab {HOST}"));
    assert_eq!(names(&stage, "domains"), ["dev-lab-web"]);
    stage.done(like_it().owner("other"), &format!("apply {HOST}"));
    assert_eq!(names(&stage, "domains"), ["dev-lab-web", "other-web"]);

    let stage = Stage::new();
    stage.done(like_it(), &format!("apply {HOST}"));
    let words = "web here is of a cloud with the owner dev-lab that is no lab";
    stage.fails(lab(), &format!("apply --lab {HOST}"), 1, &[words]);
}

#[test]
fn dev_and_staging() {
    let stage = Stage::new();
    let (dev, staging) = (|| stage_of("dev", "10.17.3"), || stage_of("staging", "10.17.4"));
    stage.done(dev(), &format!("apply {HOST}"));
    stage.done(staging(), &format!("apply {HOST}"));
    assert_eq!(names(&stage, "domains"), ["dev-web", "staging-web"]);
    assert_eq!(names(&stage, "networks"), ["dev-lab", "staging-lab"]);
    assert_eq!(stage.run(dev(), &format!("plan --detailed-exitcode {HOST}")).code, 0);
    stage.done(dev(), &format!("destroy {HOST}"));
    assert_eq!(names(&stage, "domains"), ["staging-web"]);
    assert_eq!(stage.run(staging(), &format!("plan --detailed-exitcode {HOST}")).code, 0);
}

#[test]
fn what_is_there_is_not_renamed() {
    let stage = Stage::new();
    let cloud = |on| stage_of("dev", "10.17.3").prefixed(on);
    for (was, is, called) in [(false, true, "web"), (true, false, "dev-web")] {
        stage.done(cloud(was), &format!("apply {HOST}"));
        let refused = stage.run(cloud(is), &format!("apply {HOST}"));
        assert_eq!(refused.code, 1, "{refused:?}");
        let said = format!("{}{}", refused.out, refused.err);
        assert!(said.contains(&format!("is called {called} on the host")), "{said}");
        assert!(said.contains("`prefixed`"), "{said}");
        assert_eq!(names(&stage, "domains"), [called]);
        stage.done(cloud(is), &format!("destroy {HOST}"));
        assert!(names(&stage, "domains").is_empty());
    }
}

#[test]
fn a_name_that_ours_does_not_take_is_free_for_others() {
    let stage = Stage::new();
    stage.done(stage_of("other", "10.17.4").prefixed(false), &format!("apply {HOST}"));
    stage.done(stage_of("dev", "10.17.3"), &format!("apply {HOST}"));
    assert_eq!(names(&stage, "domains"), ["dev-web", "web"]);
    let taken = stage.run(stage_of("dev", "10.17.5").prefixed(false).owner("third"), &format!("plan {HOST}"));
    assert_eq!(taken.code, 1, "{taken:?}");
    assert!(
        taken.out.contains("it belongs to the owner other") && taken.out.contains("`owner: other`"),
        "{taken:?}"
    );
}
