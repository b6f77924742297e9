//! `--only`: a part of a plan, with the steps that it needs.

use crate::stage::{Stage, cloud};

#[test]
fn one_machine_is_made_with_what_it_needs() {
    let stage = Stage::new();
    let plan = stage.done(cloud(), "plan --only machine/web");
    assert!(plan.contains("+ machine web") && plan.contains("+ network lab"), "{plan}");
    assert!(plan.contains("machine db        left out create\n"), "{plan}");
    assert!(plan.ends_with("  3 to create, 0 to delete · 1 left out\n"), "{plan}");
    stage.done(cloud(), "apply --only machine/web");
    let status = stage.ends(cloud(), "status", 2);
    assert!(status.lines().any(|line| line.contains("web") && line.contains("running")), "{status}");
    assert!(status.lines().any(|line| line.contains("db") && line.contains("not there")), "{status}");
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode --only machine/web").code, 0);
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 2);
}

#[test]
fn what_depends_on_it_is_destroyed_with_it() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    let gone = stage.done(cloud(), "destroy --only machine/db");
    assert!(gone.contains("- machine db") && !gone.contains("- machine web"), "{gone}");
    assert!(gone.contains("machine web") && gone.contains("left out"), "{gone}");
    let gone = stage.done(cloud(), "destroy --only network/lab");
    assert!(gone.contains("- network lab") && gone.contains("- machine web"), "{gone}");
    let rest = stage.done(cloud(), "plan --destroy");
    assert!(!rest.contains("- machine") && !rest.contains("- network"), "{rest}");
}

#[test]
fn a_volume_is_named_without_its_pool() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    let plan = stage.done(cloud(), "plan --set machines.db.disks.data.size=6GiB --set machines.web.memory=2GiB --only volume/db.disk.data");
    assert!(plan.contains("~ machine db") && plan.contains("machine web       left out restart\n"), "{plan}");
}

#[test]
fn a_name_that_nothing_has_is_wrong_usage() {
    let stage = Stage::new();
    for command in ["plan", "apply", "destroy"] {
        stage.fails(
            cloud(),
            &format!("{command} --only machine/wbe"),
            64,
            &["--only machine/wbe: no object has this name"],
        );
    }
    stage.fails(cloud(), "plan --only netwrk/lab", 64, &["did you mean network/lab?"]);
    // Without its kind a name means nothing, but what it means is known.
    stage.fails(cloud(), "plan --only web", 64, &["did you mean machine/web?"]);
    stage.fails(cloud(), "plan --only lab", 64, &["did you mean network/lab?"]);
    assert!(!stage.path().join("first.sim.json").exists());
}

#[test]
fn a_part_can_be_written_down() {
    let stage = Stage::new();
    stage.done(cloud(), "plan --only machine/web --out p.json");
    stage.fails(cloud(), "apply p.json --only machine/db", 64, &["--only"]);
    assert!(stage.done(cloud(), "apply p.json").contains("machine db        left out create"));
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 2);
}
