//! Waiting as a person meets it: the output of an apply while it waits, and when no answer comes.

use std::fs;

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
    // Waiting is not part of the state: the next plan is empty, and its apply does not wait.
    assert_eq!(stage.run(cloud(), "plan --detailed-exitcode").code, 0);
    assert_eq!(stage.run(cloud(), "apply").code, 0);
}

#[test]
fn nobody_waits_who_does_not_want_to() {
    let ran = dead().run(cloud(), "apply --no-wait");
    assert!(ran.code == 0 && !ran.err.contains("waits"), "{ran:?}");
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
    stage.fails(cloud(), "plan --set machines.web.ready.signal=ping", 64, &["ping"]);
    stage.fails(
        cloud(),
        "plan --set machines.web.interfaces[0].address=10.17.3.10",
        1,
        &["error[ready-impossible]: this signal cannot come", "at machines.web.ready"],
    );
}
