//! An apply goes on to the end, and exits with 0 only when everything is as wanted.

use std::fs;
use std::process::{Command, Output, Stdio};

use fmc::libvirt::link::Link as _;
use fmc::libvirt::sim::Sim;
use fmc::libvirt::sim::file::SimFile;
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{Stage, cloud};

fn by_hand(folder: &TempDir, change: impl FnOnce(&Sim)) {
    let file = SimFile::open(folder.path().join("first.sim.json"), "a test").unwrap();
    change(file.sim());
    file.save().unwrap();
}

/// Stops a machine and the pool of its disks, as a person might.
fn stop_web_and_the_pool(sim: &Sim) {
    sim.destroy_domain("web").unwrap();
    sim.stop_pool("fmc-first").unwrap();
}

#[test]
fn what_the_plan_announces_is_done_in_the_same_apply() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    by_hand(&stage.folder, stop_web_and_the_pool);
    let plan = stage.run(cloud(), "plan --detailed-exitcode");
    assert!(plan.code == 2 && plan.out.contains("once the pool fmc-first is started"), "{plan:?}");
    let applied = stage.run(cloud(), "apply");
    assert_eq!(applied.code, 0, "{applied:?}");
    assert!(applied.out.contains("what could not be planned before\n"), "{applied:?}");
    assert!(
        applied.err.contains("domain/web: update done") && applied.out.ends_with("2 steps done.\n"),
        "{applied:?}"
    );
    assert!(stage.done(cloud(), "status").ends_with("  as wanted\n"));
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 0);
}

#[test]
fn a_saved_plan_does_nothing_that_it_does_not_announce() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    by_hand(&stage.folder, |sim| {
        sim.destroy_domain("db").unwrap();
        sim.delete_volume("fmc-first", "db.disk.data").unwrap();
        sim.stop_pool("fmc-first").unwrap();
    });
    stage.done(cloud(), "plan --delete-data db --out saved.plan");
    for yes in ["", " --yes"] {
        let ran = stage.run(cloud(), &format!("apply saved.plan{yes}"));
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("the plan in the file does not announce"), "{ran:?}");
        by_hand(&stage.folder, |sim| {
            assert!(sim.volume("fmc-first", "db.disk.data").unwrap().is_none(), "a disk was made");
            sim.stop_pool("fmc-first").unwrap();
        });
    }
}

#[test]
fn the_further_plan_is_an_event_and_nothing_is_left() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    by_hand(&stage.folder, |sim| {
        stop_web_and_the_pool(sim);
        let file = sim.domain("db").unwrap().unwrap();
        assert!(file.active);
    });
    let lines = stage.done(cloud(), "apply --json");
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["plan", "started", "done", "plan", "started", "done", "outcome"]);
    assert_eq!(events[0]["plan"]["later"][0]["address"], "libvirt/local/domain/web");
    assert_eq!(events[0]["plan"]["counts"]["deferred"], 2);
    assert_eq!(events[3]["plan"]["steps"][0]["address"], "libvirt/local/domain/web");
    assert_eq!((&events[6]["done"], events[6]["left"].as_array().unwrap().len()), (&2.into(), 0));
}

#[test]
fn a_refused_plan_is_never_nothing_to_do() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    by_hand(&stage.folder, |sim| {
        let xml = sim.network("lab").unwrap().unwrap().xml;
        sim.stop_network("lab").unwrap();
        sim.undefine_network("lab").unwrap();
        let (start, rest) = xml.split_once("<metadata>").unwrap();
        let (_, end) = rest.split_once("</metadata>").unwrap();
        sim.plant_network(&format!("{start}{end}")).unwrap();
    });
    let plan = stage.run(cloud(), "plan");
    assert!(
        plan.code == 1 && plan.out.contains("refused") && !plan.out.contains("nothing to do"),
        "{plan:?}"
    );
    let applied = stage.run(cloud(), "apply");
    assert!(applied.code == 1 && !applied.out.contains("nothing to do"), "{applied:?}");
    let status = stage.run(cloud(), "status");
    assert!(!status.out.contains("as wanted"), "{status:?}");
}

/// The program as a process, with a simulation in a file.
struct Program {
    folder: TempDir,
}

impl Program {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// Writes the cloud: some of six machines, each with or without a data disk, and with so many GiB of
    /// memory.
    fn write(&self, machines: &[Option<(bool, u32)>]) {
        let mut text = "name: first\nhosts: { local: {} }\nmachines:\n".to_owned();
        for (number, machine) in machines.iter().enumerate() {
            let Some((disk, memory)) = machine else { continue };
            let disk = if *disk { ", disks: { data: { size: 1 GiB } }" } else { "" };
            text += &format!(
                "  m{number}: {{ image: {{ os: none }}, root_disk: 1 GiB, memory: {memory} GiB{disk} }}\n"
            );
        }
        if machines.iter().all(Option::is_none) {
            text = text.replace("machines:\n", "");
        }
        fs::write(self.folder.path().join("cloud.yaml"), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
        command.args(arguments).args(["--connect", "local=sim:first.sim.json"]);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }

    /// Kills an apply after so many lines of output.
    fn killed(&self, lines: usize) {
        use std::io::{BufRead as _, BufReader};
        let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
        command
            .args(["apply", "--delete-all", "first", "--connect", "local=sim:first.sim.json"])
            .current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        said.lines().take(lines).for_each(drop);
        // It may have ended already.
        let _ = child.kill();
        child.wait().unwrap();
    }
}

fn machines() -> impl Strategy<Value = Vec<Option<(bool, u32)>>> {
    prop::collection::vec(prop::option::of((any::<bool>(), 1_u32..3)), 6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// The law of the product: from any state, after any stop by hand and any killed apply, an apply exits
    /// with 0, and the next plan is empty.
    #[test]
    fn an_apply_of_the_program_converges(
        before in machines(),
        stopped in prop::collection::vec(any::<bool>(), 6),
        pool in any::<bool>(),
        after in machines(),
        killed_after in 0_usize..12,
    ) {
        let program = Program::new();
        program.write(&before);
        let first = program.run(&["apply"]);
        prop_assert!(first.status.success(), "{:?}", first);
        by_hand(&program.folder, |sim| {
            for (number, _) in stopped.iter().enumerate().filter(|(_, stopped)| **stopped) {
                if sim.domain(&format!("m{number}")).unwrap().is_some_and(|domain| domain.active) {
                    sim.destroy_domain(&format!("m{number}")).unwrap();
                }
            }
            if pool && sim.pool("fmc-first").unwrap().is_some() {
                sim.stop_pool("fmc-first").unwrap();
            }
        });
        program.write(&after);
        program.killed(killed_after);
        // The second cloud may want none of the first one's machines, which a person consents to by their owner.
        let applied = program.run(&["apply", "--delete-all", "first"]);
        prop_assert!(applied.status.success(), "{:?}", applied);
        let again = program.run(&["plan", "--detailed-exitcode"]);
        prop_assert_eq!(again.status.code(), Some(0), "{:?}", again);
        let said = String::from_utf8(program.run(&["apply"]).stdout).unwrap();
        prop_assert!(said.contains("nothing to do"), "{}", said);
        let status = String::from_utf8(program.run(&["status"]).stdout).unwrap();
        prop_assert!(status.ends_with("  as wanted\n"), "{}", status);
    }
}
