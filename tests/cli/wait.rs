//! Waiting as a person meets it: the output of an apply while it waits, and when no answer comes.

use std::fs;

use fmc::libvirt::link::Link as _;
use fmc::libvirt::sim::Sim;
use fmc::prelude::*;
use serde_json::Value;

use crate::stage::Stage;

/// A machine that gets its address by DHCP and is waited for, and one that is not waited for.
fn cloud() -> Cloud {
    let machine = |name: &str| {
        Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
            .root_disk(2.gib())
            .interface(Interface::on("lab"))
    };
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199"))
        .machine(machine("web").ready(Ready::lease().within(2.minutes())))
        .machine(machine("db"))
}

/// A stage with this simulation.
fn stage(make: impl FnOnce(&Sim)) -> Stage {
    let (stage, sim) = (Stage::new(), Sim::new());
    make(&sim);
    fs::write(stage.path().join("first.sim.json"), sim.to_json().unwrap()).unwrap();
    stage
}

fn dead() -> Stage {
    stage(|sim| {
        sim.never_boots("web");
        sim.says("web", "\u{1b}[2J[    1.2] Kernel panic - not syncing: no init\r\n");
    })
}

#[test]
fn one_that_comes_up_is_told_of() {
    let ran = stage(|sim| sim.boots_in("web", 8)).run(cloud(), "apply");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("libvirt/local/domain/web: waits up to 120 s for a DHCP lease\n"), "{ran:?}");
    assert!(ran.err.contains("libvirt/local/domain/web: up after 8 s\n"), "{ran:?}");
    assert!(!ran.err.contains("domain/db: waits"), "{ran:?}");
    assert!(ran.out.contains(" done, 1 machine up.\n"), "{ran:?}");
}

#[test]
fn one_that_never_answers_is_a_failure_with_the_end_of_its_console() {
    let stage = dead();
    let ran = stage.run(cloud(), "apply");
    assert_eq!(ran.code, 1, "{ran:?}");
    let said = ran.err.split_once("error: ").unwrap().1;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "libvirt/local/domain/web: not up: a DHCP lease did not come within 120 s");
    assert_eq!(lines[1], "  the end of its serial console:");
    assert_eq!(lines[2], "    | [    1.2] Kernel panic - not syncing: no init");
    assert!(lines[3].starts_with("  help: check whether the guest asks for an address by DHCP"), "{ran:?}");
    assert!(lines[4].contains("`program console NAME`"), "{ran:?}");
    assert!(ran.out.ends_with(" done, 1 machine not up.\n"), "{ran:?}");
    // Waiting is not part of the state: the next plan is empty.
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 0);
}

#[test]
fn a_machine_that_did_not_come_up_is_asked_again_by_the_next_apply() {
    let stage = dead();
    stage.run(cloud(), "apply");
    let again = stage.run(cloud(), "apply");
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("domain/web: waits up to 120 s for a DHCP lease\n"), "{again:?}");
    assert!(again.err.contains("domain/web: not up: a DHCP lease did not come within 120 s"), "{again:?}");
    assert!(again.err.contains("Kernel panic") && again.out.ends_with("0 steps done, 1 machine not up.\n"));
    // An apply that changes something else asks it too, also in place.
    for changes in ["--set machines.db.memory=2GiB", "--set machines.web.autostart=false"] {
        let ran = stage.run(cloud(), &format!("apply {changes}"));
        assert_eq!(ran.code, 1, "{changes}: {ran:?}");
    }
    let json = stage.run(cloud(), "apply --json");
    let last: Value = serde_json::from_str(json.out.lines().last().unwrap()).unwrap();
    assert_eq!((json.code, &last["not_up"], &last["done"]), (1, &1.into(), &1.into()), "{json:?}");
}

#[test]
fn a_machine_that_is_up_is_asked_without_a_word() {
    let stage = stage(|sim| sim.boots_in("web", 8));
    stage.done(cloud(), "apply");
    let again = stage.run(cloud(), "apply");
    assert_eq!((again.code, again.err.as_str()), (0, ""), "{again:?}");
    let json = stage.done(cloud(), "apply --json");
    assert!(json.contains(r#""event":"up""#) && !json.contains(r#""event":"waiting""#), "{json}");
    // It hangs and is reset by hand: the next apply waits as if it had started it.
    let file = fmc::libvirt::sim::file::SimFile::open(stage.path().join("first.sim.json"), "a test").unwrap();
    file.sim().destroy_domain("web").unwrap();
    file.sim().boots_in("web", 20);
    file.sim().start_domain("web").unwrap();
    file.save().unwrap();
    drop(file);
    let slow = stage.run(cloud(), "apply");
    assert_eq!(slow.code, 0, "{slow:?}");
    assert!(slow.err.contains("waits up to 120 s") && slow.err.contains("web: up after 20 s"), "{slow:?}");
}

#[test]
fn only_machines_that_should_run_and_belong_to_the_part_are_asked() {
    let stage = dead();
    stage.run(cloud(), "apply");
    stage.done(cloud(), "apply --only machine/db");
    assert_eq!(stage.run(cloud(), "apply --only machine/web").code, 1);
    let off = "--set machines.web.power=stopped";
    stage.done(cloud(), &format!("apply {off}"));
    stage.done(cloud(), &format!("apply {off}"));
    stage.done(cloud(), "destroy");
}

#[test]
fn an_apply_that_does_not_wait_says_so() {
    let stage = dead();
    let ran = stage.run(cloud(), "apply --no-wait");
    assert!(ran.code == 0 && !ran.err.contains("waits"), "{ran:?}");
    let says = "--no-wait: whether 1 machine with a ready signal came up is not known\n";
    assert!(ran.err.contains(says), "{ran:?}");
    let again = stage.run(cloud(), "apply --no-wait");
    assert!(again.code == 0 && again.err.contains(says), "{again:?}");
    let json = stage.done(cloud(), "apply --no-wait --json");
    let last: Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(last["unasked"], 1, "{json}");
    let ran = dead().run(cloud(), "apply --lab");
    assert!(ran.code == 0 && !ran.err.contains("waits"), "{ran:?}");
}

#[test]
fn programs_are_told_too() {
    let told = |stage: &Stage| -> Vec<Value> {
        let ran = stage.run(cloud(), "apply --json");
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let of = |told: &[Value], event: &str| told.iter().find(|it| it["event"] == event).unwrap().clone();
    let up = told(&stage(|sim| sim.boots_in("web", 8)));
    assert_eq!(of(&up, "up")["seconds"], 8);
    assert_eq!((&of(&up, "outcome")["up"], &of(&up, "outcome")["not_up"]), (&1.into(), &0.into()));
    let not_up = told(&dead());
    assert_eq!(of(&not_up, "waiting")["signal"], "a DHCP lease");
    assert_eq!(of(&not_up, "not-up")["console"][0], "[    1.2] Kernel panic - not syncing: no init");
    assert_eq!(of(&not_up, "outcome")["not_up"], 1);
}

#[test]
fn it_is_written_in_a_file_as_in_rust() {
    let ran =
        dead().run(cloud(), "apply --set machines.web.ready.within=4s --set machines.db.ready.signal.tcp=22");
    assert!(ran.err.contains("a DHCP lease did not come within 4 s"), "{ran:?}");
    let stage = dead();
    stage.fails(cloud(), "plan --set machines.web.ready.within=soon", 1, &["machines.web.ready.within"]);
    stage.fails(
        cloud(),
        "plan --set machines.web.ready.within=0s",
        1,
        &["error[ready-impossible]: this signal cannot come", "at --set machines.web.ready.within=0s"],
    );
    stage.fails(cloud(), "plan --set machines.web.ready.signal=ping", 64, &["ping"]);
    stage.fails(
        cloud(),
        "plan --set machines.web.interfaces[0].address=10.17.3.10",
        1,
        &["error[ready-impossible]: this signal cannot come", "at machines.web.ready"],
    );
}
