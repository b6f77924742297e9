//! Every example runs, on the simulation and in a folder of its own.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::path::Path;
use std::process::{Command, Output};

/// Runs an example, which cargo builds beside a package's tests.
fn run(example: &str, arguments: &[&str], folder: &Path) -> Output {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples").join(example);
    Command::new(program).args(arguments).current_dir(folder).output().unwrap()
}

/// The examples whose program consists of fmc's commands.
const CLOUDS: [&str; 5] = ["first_cloud", "flatcar_micro_cloud", "many_machines", "single_node", "two_hosts"];

#[test]
fn each_cloud_is_checked_applied_and_destroyed() {
    for example in CLOUDS {
        let folder = fmc_testkit::tree::scratch();
        let commands: [(&[&str], i32); 6] = [
            (&["check"], 0),
            (&["plan", "--detailed-exitcode"], 2),
            (&["apply"], 0),
            (&["plan", "--detailed-exitcode"], 0),
            (&["destroy"], 0),
            (&["compile", "--out", "artifacts"], 0),
        ];
        for (command, code) in commands {
            let ran = run(example, command, folder.path());
            assert_eq!(ran.status.code(), Some(code), "{example} {command:?}: {ran:?}");
        }
    }
}

#[test]
fn the_seed_as_it_was_written_is_refused() {
    let folder = fmc_testkit::tree::scratch();
    let ran = run("seed_as_written", &["check"], folder.path());
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
}

#[test]
fn the_embedded_apply_makes_does_nothing_twice_and_refuses_a_restart() {
    let folder = fmc_testkit::tree::scratch();
    let ran = run("embedded_apply", &[], folder.path());
    assert!(ran.status.success(), "{ran:?}");
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("create libvirt/local/domain/web\n"), "{said}");
    assert!(said.contains("and again: 0 to do\nthis needs a person:\n"), "{said}");
    assert!(said.contains("~ machine web") && said.contains("memory 1 GiB -> 2 GiB"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it writes nothing");
}

#[test]
fn no_example_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    // The last five run as unit tests of their own, because a test run builds no program of them.
    let others = [
        "seed_as_written",
        "embedded_apply",
        "custom_role",
        "postgres",
        "private_network",
        "service",
        "tested_cloud",
    ];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_example = path.extension().is_some_and(|kind| kind == "rs") || path.join("main.rs").is_file();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            !is_example || CLOUDS.contains(&name) || others.contains(&name),
            "no test runs the example {name}"
        );
    }
}
