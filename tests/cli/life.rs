//! The life of a cloud: planned, applied, changed, replaced, destroyed.

use std::fs;

use fmc::prelude::*;
use serde_json::Value;

use crate::stage::{Stage, cloud, machine};

#[test]
fn a_cloud_lives_and_is_destroyed() {
    let stage = Stage::new();
    let plan = stage.done(cloud(), "plan");
    assert!(
        plan.starts_with("first on sim:first.sim.json (a simulation)   1 network · 1 pool · 2 machines\n"),
        "{plan}"
    );
    assert!(plan.contains("  + machine web") && plan.contains("bridge br-lab 10.17.3.0/24"), "{plan}");
    assert_eq!(fs::read_dir(stage.path()).unwrap().count(), 0, "a plan only reads");

    let first = stage.run(cloud(), "apply");
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.err.contains("the owner `first`"), "{first:?}");
    assert!(first.out.starts_with("first on sim:first.sim.json (a simulation)"), "{first:?}");
    assert!(first.err.contains("libvirt/local/domain/web: create done\n"), "{first:?}");
    let again = stage.run(cloud(), "apply");
    assert!(again.code == 0 && again.out.contains("  nothing to do\n"), "{again:?}");
    assert!(!again.err.contains("owner"), "{again:?}");

    let changed = || cloud().machine(machine("third", "10.17.3.12"));
    assert!(stage.done(changed(), "plan --set machines.web.memory=2GiB").contains("~ machine web"));
    stage.done(changed(), "apply --set machines.web.memory=2GiB");
    assert!(stage.done(changed(), "apply --replace db").contains("± machine db"));

    let gone = stage.done(cloud(), "destroy");
    assert!(gone.starts_with("destroy first on sim:first.sim.json (a simulation)\n"), "{gone}");
    assert!(gone.contains("kept") && gone.contains("db.disk.data"), "{gone}");
    let status = stage.ends(cloud(), "status", 2);
    assert!(
        status.contains("not there") && status.contains("kept: ") && status.contains("db.disk.data"),
        "{status}"
    );
    assert!(stage.done(cloud(), "destroy").contains("  nothing to do\n"));

    let last = stage.done(cloud(), "destroy --delete-data db");
    assert!(last.contains("5 GiB of data, released by --delete-data"), "{last}");
    let world = fs::read_to_string(stage.path().join("first.sim.json")).unwrap();
    assert!(!world.contains("first"), "{world}");
}

#[test]
fn detailed_exit_codes_are_the_plans_only() {
    let stage = Stage::new();
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 2);
    assert_eq!(stage.run(cloud(), "plan").code, 0);
    assert_eq!(stage.run(cloud(), "apply --detailed-exitcode").code, 64);
    stage.done(cloud(), "apply");
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 0);
    stage.done(cloud(), "destroy");
    // A plan that only keeps data is empty.
    assert_eq!(stage.run(Cloud::new("first").host(Host::local()), "plan --detailed-exitcode").code, 0);
}

#[test]
fn data_of_a_machine_that_is_gone_can_be_deleted_by_its_name() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    let without = || {
        Cloud::new("first")
            .host(Host::local())
            .network(Network::nat("lab", "10.17.3.0/24"))
            .machine(machine("web", "10.17.3.10"))
    };
    assert!(stage.done(without(), "apply").contains("db.disk.data"));
    stage.fails(without(), "apply --delete-data bd", 64, &["did you mean `db`?"]);
    assert!(
        stage.done(without(), "apply --delete-data db").contains("5 GiB of data, released by --delete-data")
    );
    assert_eq!(stage.run(without(), "plan --detailed-exitcode").code, 0);
    assert!(!stage.done(without(), "plan").contains("db.disk.data"));
}

#[test]
fn a_cloud_that_names_no_host_is_never_nothing_to_do() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    for command in ["plan", "apply", "destroy", "status", "drift"] {
        stage.fails(Cloud::new("first"), command, 1, &["the cloud names no host", "hosts: {local: {}}"]);
    }
    assert!(stage.done(cloud(), "status").contains("running"));
}

#[test]
fn status_shows_each_machine() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    let status = stage.done(cloud(), "status");
    assert!(status.starts_with("first on sim:first.sim.json (a simulation)\n"), "{status}");
    let web = status.lines().find(|line| line.contains("web")).unwrap();
    assert!(web.contains("running") && web.contains("10.17.3.10"), "{status}");
    assert!(status.ends_with("  as wanted\n"), "{status}");

    let status: Value = serde_json::from_str(&stage.done(cloud(), "status --json")).unwrap();
    assert_eq!((&status["version"], &status["simulation"]), (&1.into(), &true.into()));
    let machines = status["machines"].as_array().unwrap();
    let names: Vec<&str> = machines.iter().map(|machine| machine["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["db", "web"]);
    assert_eq!(
        (&machines[1]["state"], &machines[1]["addresses"][0]),
        (&"running".into(), &"10.17.3.10".into())
    );
}

#[test]
fn an_image_that_changed_makes_a_machine_outdated() {
    let image = |version: u8| Image::debian("12").path(format!("/images/debian-{version}.qcow2"));
    let cloud = |version: u8| {
        let web = Machine::new("web", image(version)).root_disk(2.gib()).user(User::admin("ops"));
        Cloud::new("first").host(Host::local()).machine(web)
    };
    let stage = Stage::new();
    stage.done(cloud(1), "apply");
    let plan = stage.run(cloud(2), "plan --detailed-exitcode");
    assert!(
        plan.code == 2 && plan.out.contains("! machine web") && plan.out.contains("outdated"),
        "{plan:?}"
    );
    assert!(stage.ends(cloud(2), "status", 2).contains("outdated: "));
    let status: Value = serde_json::from_str(&stage.ends(cloud(2), "status --json", 2)).unwrap();
    assert_eq!(status["machines"][0]["outdated"].as_array().unwrap().len(), 1);
    stage.done(cloud(2), "apply --replace web");
    assert!(!stage.done(cloud(2), "status").contains("outdated"));
}

#[test]
fn a_plan_as_json_is_one_object() {
    let stage = Stage::new();
    let ran = stage.run(cloud(), "plan --json --detailed-exitcode");
    assert_eq!((ran.code, ran.err.as_str()), (2, ""));
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&plan["version"], &plan["cloud"], &plan["owner"]),
        (&1.into(), &"first".into(), &"first".into())
    );
    assert_eq!(plan["hosts"][0]["uri"], "sim:first.sim.json");
    assert_eq!(plan["plan"]["impact"], "create");
    assert!(!plan["plan"]["steps"].as_array().unwrap().is_empty());
}

#[test]
fn an_apply_as_json_is_an_object_in_each_line() {
    let stage = Stage::new();
    let ran = stage.run(cloud(), "apply --json");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (lines.first().unwrap(), lines.last().unwrap());
    assert_eq!((&first["event"], &first["version"]), (&"plan".into(), &1.into()));
    assert_eq!(
        (&last["event"], &last["failed"], &last["skipped"]),
        (&"outcome".into(), &0.into(), &0.into())
    );
    let steps = first["plan"]["steps"].as_array().unwrap().len();
    assert_eq!(last["done"], steps);
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((of("started"), of("done")), (steps, steps));
}

#[test]
fn a_host_with_routed_networks_is_told_of_its_table() {
    let routed = || Cloud::new("first").host(Host::local()).network(Network::routed("lab", "10.17.3.0/24"));
    let stage = Stage::new();
    for command in ["plan", "apply"] {
        let out = stage.done(routed(), command);
        assert!(out.contains("nft -f DIR/hosts/local.nft"), "{out}");
        assert!(out.contains("`program compile --out DIR`"), "{out}");
    }
    assert!(!stage.done(cloud(), "plan").contains("nft"));
    let plan: Value = serde_json::from_str(&stage.done(routed(), "plan --json")).unwrap();
    assert_eq!(plan["rulesets"][0], "local");
}

#[test]
fn a_lab_stands_beside_the_cloud() {
    let stage = Stage::new();
    stage.done(cloud(), "--lab apply");
    assert!(stage.path().join("first-lab.sim.json").is_file());
    assert!(stage.done(cloud(), "--lab status").contains("running"));
    // `--set` applies after `--lab`, which would otherwise undo it.
    let plan = stage.done(cloud(), "plan --lab --set machines.web.memory=96MiB");
    assert!(plan.contains("machine web") && plan.contains("96 MiB"), "{plan}");
}

#[test]
fn a_foreign_object_of_a_name_is_refused_before_the_first_step() {
    let stage = Stage::new();
    let file = fmc_libvirt::sim::file::SimFile::open(stage.path().join("first.sim.json"), "a test").unwrap();
    file.sim().plant_network("<network><name>lab</name><bridge name='virbr9'/></network>").unwrap();
    file.save().unwrap();
    drop(file);
    let before = fs::read(stage.path().join("first.sim.json")).unwrap();
    assert_eq!(stage.run(cloud(), "plan").code, 1);
    stage.fails(cloud(), "apply", 1, &["nothing was done", "network lab"]);
    assert_eq!(fs::read(stage.path().join("first.sim.json")).unwrap(), before);
}

#[test]
fn an_interrupted_apply_begins_no_step_and_the_next_one_goes_on() {
    let mut stage = Stage::new();
    stage.impatient = true;
    let stopped = stage.run(cloud(), "apply");
    assert_eq!(stopped.code, 1, "{stopped:?}");
    assert!(stopped.err.contains("error: stopped") && stopped.err.contains("not begun"), "{stopped:?}");
    assert!(stopped.err.contains("`program plan` shows what is left"), "{stopped:?}");
    stage.impatient = false;
    stage.done(cloud(), "apply");
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 0);
}

#[test]
fn a_step_that_fails_is_told_and_what_was_done_stays() {
    let stage = Stage::new();
    let file = fmc_libvirt::sim::file::SimFile::open(stage.path().join("first.sim.json"), "a test").unwrap();
    // Room for the root disks, but not for a data disk that is allocated at once.
    file.sim().room("/var/lib/libvirt/images/fmc-first", 1 << 30);
    file.save().unwrap();
    drop(file);
    let full = || {
        let db = machine("db", "10.17.3.11").disk(Disk::new("data", 5.gib()).fully_allocated());
        let lab = Network::nat("lab", "10.17.3.0/24");
        Cloud::new("first").host(Host::local()).network(lab).machine(machine("web", "10.17.3.10")).machine(db)
    };
    let ran = stage.run(full(), "apply");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("volume/fmc-first/db.disk.data: failed to "), "{ran:?}");
    assert!(ran.out.contains("1 failed"), "{ran:?}");
    let status = stage.ends(full(), "status", 2);
    assert!(status.lines().any(|line| line.contains("web") && line.contains("running")), "{status}");
    assert!(status.lines().any(|line| line.contains("db") && line.contains("not there")), "{status}");
}

#[test]
fn parallelism_is_a_limit_and_changes_no_result() {
    let (one, many) = (Stage::new(), Stage::new());
    one.done(cloud(), "apply --parallelism 1");
    many.done(cloud(), "apply");
    for stage in [one, many] {
        assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 0);
    }
}

#[test]
fn a_plan_in_colour_says_the_same() {
    let stage = Stage::new();
    let plain = stage.done(cloud(), "plan");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = fmc::cli::Io {
        colour_out: true,
        colour_err: true,
        folder: stage.path().to_owned(),
        ..fmc::cli::Io::new(&mut out, &mut err)
    };
    assert_eq!(fmc::cli::run(cloud(), ["program".into(), "plan".into()], &mut io), 0);
    let coloured = String::from_utf8(out).unwrap();
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    let mut text = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        text += before;
        rest = after.split_once('m').unwrap().1;
    }
    text += rest;
    let trimmed: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(trimmed, plain);
}
