//! Plans in files: an apply does exactly the steps that were shown, or refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use fmc::prelude::*;
use serde_json::Value;

use crate::stage::{Stage, cloud, machine};

#[test]
fn the_plan_that_was_shown_runs() {
    let stage = Stage::new();
    let shown = stage.done(cloud(), "plan --out p.json");
    assert!(shown.ends_with("\n  Written: `program apply p.json` does just this.\n"), "{shown}");
    let mode = fs::metadata(stage.path().join("p.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let file: Value = serde_json::from_slice(&fs::read(stage.path().join("p.json")).unwrap()).unwrap();
    let kept: Vec<&str> =
        file["plan"]["shown"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert!(shown.contains(&kept.join("\n")), "{shown}");

    let ran = stage.done(cloud(), "apply p.json");
    assert!(ran.contains(&kept.join("\n")), "{ran}");
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 0);
    // Its steps are done, so it is not the plan of the present state any more.
    stage.fails(
        cloud(),
        "apply p.json",
        1,
        &["the world is no longer what the plan saw", "no longer needed"],
    );
    let left: Vec<String> = fs::read_dir(stage.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!left.iter().any(|name| name.contains(".new")), "{left:?}");
}

/// The command that a plan in a file is applied by, as it was printed.
fn printed(out: &str) -> &str {
    out.split_once("Written: `").and_then(|(_, rest)| rest.split_once("` does just this.")).unwrap().0
}

#[test]
fn the_printed_command_works_when_it_is_copied() {
    let folder = tempfile::TempDir::new().unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_fmc"));
    let at = |name: &str| folder.path().join(name);
    let text = "name: first\nhosts: {local: {}}\nmachines:\n  web: {image: {os: none}, root_disk: 1 GiB}\n";
    fs::write(at("my cloud.txt"), text).unwrap();
    let run = |line: &str| {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", line]).current_dir(folder.path());
        let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
        let ran = shell.env("PATH", path).stdin(std::process::Stdio::null()).output().unwrap();
        assert!(ran.status.success(), "{line}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let out = run(
        "fmc plan -f 'my cloud.txt' --format yaml --set 'machines.*.memory=2 GiB' --connect sim:there.json --out 'p 1.json'",
    );
    let command = printed(&out);
    assert_eq!(
        command,
        "fmc apply 'p 1.json' -f 'my cloud.txt' --format yaml --set 'machines.*.memory=2 GiB'"
    );
    let applied = run(command);
    assert!(applied.contains("done"), "{applied}");
    assert!(fs::read_to_string(at("there.json")).unwrap().contains("2097152"), "the value was set");
}

#[test]
fn what_was_chosen_is_in_the_file() {
    let stage = Stage::new();
    stage.done(cloud(), "plan --out p.json --lab");
    stage.done(cloud(), "apply p.json");
    assert!(stage.path().join("first-lab.sim.json").is_file());
    stage.done(cloud(), "apply");
    stage.done(cloud(), "plan --out p.json --replace web");
    assert!(stage.done(cloud(), "apply p.json").contains("± machine web"));
    stage.done(cloud(), "plan --out p.json --destroy --delete-data db");
    let gone = stage.done(cloud(), "apply p.json");
    assert!(gone.starts_with("destroy first") && gone.contains("5 GiB of data, released"), "{gone}");
    // An empty plan can be saved and applied too.
    stage.done(cloud(), "plan --out p.json --destroy");
    assert!(stage.done(cloud(), "apply p.json").contains("nothing to do"));
    for option in ["--lab", "--replace web", "--delete-data all"] {
        let name = option.split(' ').next().unwrap();
        stage.fails(cloud(), &format!("apply p.json {option}"), 64, &[name, "plan again"]);
    }
}

#[test]
fn values_that_were_set_are_said_again() {
    let stage = Stage::new();
    let set = "--set machines.web.hostname=s3cr3t";
    stage.done(cloud(), &format!("plan --out p.json {set}"));
    assert!(!fs::read_to_string(stage.path().join("p.json")).unwrap().contains("s3cr3t"));
    stage.fails(cloud(), "apply p.json", 64, &["--set machines.web.hostname=…"]);
    stage.fails(cloud(), "apply p.json --set machines.web.hostname=other", 1, &["the cloud is no longer"]);
    stage.done(cloud(), &format!("apply p.json {set}"));
}

#[test]
fn another_cloud_world_or_place_is_refused() {
    let stage = Stage::new();
    stage.done(cloud(), "plan --out p.json");
    let more = || cloud().machine(machine("third", "10.17.3.12"));
    stage.fails(
        more(),
        "apply p.json",
        1,
        &["the cloud is no longer", "domain/third: create", "nothing was done"],
    );
    stage.fails(
        cloud(),
        "apply p.json --connect sim:other.json",
        1,
        &["sim:first.sim.json", "sim:other.json"],
    );
    let other = || Cloud::new("other").host(Host::local());
    stage.fails(other(), "apply p.json", 1, &["the cloud first", "the cloud other"]);
    // The cloud no longer has the host.
    let elsewhere = || Cloud::new("first").host(Host::new("hv1"));
    assert_ne!(stage.run(elsewhere(), "apply p.json").code, 0);
    stage.done(more(), "apply");
    stage.fails(
        cloud(),
        "apply p.json",
        1,
        &["the world is no longer what the plan saw", "domain/third: delete"],
    );
    stage.ends(cloud(), "status", 2);
}

#[test]
fn what_is_no_plan_is_neither_run_nor_written_over() {
    let stage = Stage::new();
    let at = |name: &str| stage.path().join(name);
    stage.fails(cloud(), "apply none.json", 1, &["failed to read none.json"]);
    stage.fails(cloud(), "apply .", 1, &["it is not a file"]);
    for (name, bytes) in [("cloud.yaml", &b"name: first\n"[..]), ("binary", &[0xff, 0, 1]), ("empty", b"")] {
        fs::write(at(name), bytes).unwrap();
        stage.fails(cloud(), &format!("apply {name}"), 1, &["failed to read the plan", name]);
        stage.fails(cloud(), &format!("plan --out {name}"), 1, &["holds something else"]);
        assert_eq!(fs::read(at(name)).unwrap(), bytes);
    }
    stage.fails(cloud(), "plan --out no/such/folder.json", 1, &["failed to write no/such/folder.json"]);
    // A plan of an older version may be overwritten.
    stage.done(cloud(), "plan --out p.json");
    let text = fs::read_to_string(at("p.json")).unwrap();
    fs::write(at("p.json"), text.replace("\"fmc\": \"", "\"fmc\": \"0.0.1-")).unwrap();
    stage.fails(cloud(), "apply p.json", 1, &["made by version 0.0.1-", "plan again"]);
    stage.done(cloud(), "plan --out p.json");
    assert_eq!(fs::read_to_string(at("p.json")).unwrap(), text);
}

#[test]
fn a_plan_that_is_refused_is_not_written() {
    let stage = Stage::new();
    let file = fmc_libvirt::sim::file::SimFile::open(stage.path().join("first.sim.json"), "a test").unwrap();
    file.sim().plant_network("<network><name>lab</name><bridge name='virbr9'/></network>").unwrap();
    file.save().unwrap();
    drop(file);
    assert_eq!(stage.run(cloud(), "plan --out p.json").code, 1);
    assert!(!stage.path().join("p.json").exists());
}

#[test]
fn a_plan_as_json_can_be_written_too() {
    let stage = Stage::new();
    let shown: Value = serde_json::from_str(&stage.done(cloud(), "plan --json --out p.json")).unwrap();
    let file: Value = serde_json::from_slice(&fs::read(stage.path().join("p.json")).unwrap()).unwrap();
    assert_eq!(file["plan"]["digest"], shown["plan"]["digest"]);
    let events = stage.done(cloud(), "apply p.json --json");
    assert!(events.lines().last().unwrap().contains(r#""event":"outcome""#), "{events}");
}
