//! An apply that is killed (`SIGKILL`) wherever it is: what it reported is in the world, and the next one goes on.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// Places at which applies are killed, by xorshift: the same in every run, as far as a process is the same.
struct Places(u64);

impl Places {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Machines with boot configurations, data disks and an image, on a network.
fn cloud(machines: std::ops::Range<u32>, memory: u32, data: u32) -> String {
    let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let mut text =
        "name: first\nhosts: { local: {} }\nnetworks: { lab: { mode: nat, subnet: 10.17.3.0/24 } }\n\
         accept: [{ kind: login-missing, reason: a test }, { kind: memory-overcommit, reason: a test }]\nmachines:\n"
            .to_owned();
    for number in machines {
        text += &format!(
            "  m{number}:\n    image: {{ os: debian, version: '12', source: {{ url: {{ url: 'https://cloud.example/d.qcow2', digest: \
             '{digest}' }} }} }}\n    root_disk: 10 GiB\n    memory: {memory} GiB\n    disks: {{ data: {{ size: {data} GiB, \
             mount: /srv/data }} }}\n    interfaces: [{{ network: lab, address: 10.17.3.{} }}]\n",
            number + 10
        );
    }
    text
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
}

#[track_caller]
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let ran = program(folder, arguments).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    ran
}

/// A step as the events and a plan call it.
fn step(value: &Value) -> (String, String) {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    (text("address"), text("action"))
}

/// Runs a command and kills it soon after so many steps are reported as done; the reported steps, or `None` if it ended before.
fn killed(
    folder: &Path,
    arguments: &[&str],
    after: u64,
    later: Duration,
) -> Option<BTreeSet<(String, String)>> {
    let mut child = program(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut done = BTreeSet::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        match event["event"].as_str() {
            Some("done") => done.insert(step(&event)),
            Some("outcome") => {
                assert!(child.wait().unwrap().success(), "{event}");
                return None;
            }
            _ => continue,
        };
        if u64::try_from(done.len()).unwrap() > after {
            break;
        }
    }
    std::thread::sleep(later);
    child.kill().unwrap();
    child.wait().unwrap();
    Some(done)
}

/// The steps of the next plan.
fn pending(folder: &Path, plan: &[&str]) -> BTreeSet<(String, String)> {
    let plan: Value = serde_json::from_slice(&run(folder, plan).stdout).unwrap();
    assert_eq!(plan["plan"]["counts"]["refused"], 0, "{plan}");
    plan["plan"]["steps"].as_array().unwrap().iter().map(step).collect()
}

/// Runs a command until it ends by itself, and kills it before each time.
fn through(folder: &Path, command: &[&str], plan: &[&str], places: &mut Places) {
    let mut kills = 0;
    for round in 0.. {
        // It comes further each time, so that it ends.
        let after = places.below(3 + 2 * round);
        let later = Duration::from_micros(places.below(3_000));
        let Some(done) = killed(folder, command, after, later) else { break };
        kills += 1;
        if command.first() == Some(&"apply") {
            let drift = program(folder, &["drift"]).output().unwrap();
            let said = String::from_utf8(drift.stdout).unwrap();
            let by_hand = |line: &str| line.starts_with("  ~ ") || line.starts_with("  - ");
            assert!(!said.lines().any(by_hand), "nobody touched it: {said}");
        }
        let again: Vec<_> = pending(folder, plan).intersection(&done).cloned().collect();
        assert!(again.is_empty(), "reported as done after {after} steps, and planned again: {again:?}");
        assert!(kills < 200, "it never ends");
    }
    assert!(kills > 2, "it was killed {kills} times only");
    assert_eq!(pending(folder, plan), BTreeSet::new());
}

/// The world without its clock and the numbers of starts: an apply waits until the lease of a killed one has lapsed, and starts
/// machines in another order. Whether a list of a pool has the files of consoles yet depends on when it was refreshed. The
/// lease of one that was killed after its last step is there until the next apply has something to do.
fn world(folder: &TempDir) -> Value {
    fn without_clock(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|key, _| {
                    !["now", "up_at", "id", "next_id", "listed", "lease"].contains(&key.as_str())
                });
                fields.values_mut().for_each(without_clock);
            }
            Value::Array(values) => values.iter_mut().for_each(without_clock),
            Value::String(text) => {
                if let Some((_, rest)) =
                    text.strip_prefix("<domain id='").and_then(|rest| rest.split_once('\''))
                {
                    *text = format!("<domain{rest}");
                }
            }
            _ => {}
        }
    }
    let text = fs::read_to_string(folder.path().join("first.sim.json")).unwrap();
    let mut world = serde_json::from_str(&text).unwrap();
    without_clock(&mut world);
    world
}

#[test]
fn applies_that_are_killed_anywhere_end_where_one_that_is_not_ends() {
    // Machines come, go and come again; they restart, and their disks grow.
    let stages = [cloud(1..9, 1, 2), cloud(3..12, 2, 3), cloud(1..12, 1, 4)];
    let apply = (&["apply", "--json"][..], &["plan", "--json"][..]);
    let destroy = (
        &["destroy", "--delete-data", "all", "--json"][..],
        &["plan", "--destroy", "--delete-data", "all", "--json"][..],
    );
    let commands = [apply, apply, apply, destroy];
    let mut places = Places(0x9e37_79b9_7f4a_7c15);
    let (whole, cut) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for (index, (command, plan)) in commands.into_iter().enumerate() {
        for folder in [&whole, &cut] {
            let text = stages.get(index).or(stages.last()).unwrap();
            fs::write(folder.path().join("cloud.yaml"), text).unwrap();
        }
        run(whole.path(), command);
        through(cut.path(), command, plan, &mut places);
        assert_eq!(world(&cut), world(&whole), "stage {index}");
    }
}

/// A simulation of a large plan is saved now and then: what was reported may be done again, and nothing more.
#[test]
fn a_large_apply_that_is_killed_is_finished_by_the_next_one() {
    let folder = TempDir::new().unwrap();
    let mut text = "name: first\nhosts: { local: {} }\nmachines:\n".to_owned();
    for number in 0..700 {
        text += &format!("  m{number}: {{ image: {{ os: none }}, root_disk: 1 GiB }}\n");
    }
    fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    let mut places = Places(0x2545_f491_4f6c_dd1d);
    for _ in 0..4 {
        let after = places.below(600);
        killed(folder.path(), &["apply", "--json"], after, Duration::from_micros(places.below(3_000)));
        pending(folder.path(), &["plan", "--json"]);
    }
    run(folder.path(), &["apply"]);
    assert_eq!(pending(folder.path(), &["plan", "--json"]), BTreeSet::new());
}

/// A replacement that is killed leaves the machine and its data, whichever of both roots it has.
#[test]
fn a_replacement_that_is_killed_keeps_the_data() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("cloud.yaml"), cloud(1..4, 1, 2)).unwrap();
    run(folder.path(), &["apply"]);
    let world = folder.path().join("first.sim.json");
    let disks = || {
        let there: Value = serde_json::from_str(&fs::read_to_string(&world).unwrap()).unwrap();
        let volumes = there["pools"]["fmc-first"]["volumes"].as_object().unwrap().clone();
        volumes.into_iter().filter(|(name, _)| name.contains(".disk.")).collect::<Vec<_>>()
    };
    let (before, mut places) = (disks(), Places(0x1234_5678_9abc_def1));
    assert_eq!(before.len(), 6, "{before:?}");
    for _ in 0..8 {
        let (after, later) = (places.below(8), Duration::from_micros(places.below(3_000)));
        killed(folder.path(), &["apply", "--replace", "m1", "--replace", "m2", "--json"], after, later);
        assert_eq!(disks(), before);
        run(folder.path(), &["apply"]);
        assert_eq!(pending(folder.path(), &["plan", "--json"]), BTreeSet::new());
        assert_eq!(disks(), before);
    }
}
