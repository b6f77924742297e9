//! The program on a real libvirtd: an apply goes on to the end, asks for consent to unannounced steps, and
//! exits with 0 only when everything is as wanted.
#![cfg(all(feature = "cli", feature = "virt"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

use std::fs;
use std::process::{Command, Output, Stdio};

use fmc::prelude::*;
use fmc_testkit::libvirtd::Own;

const POOL: &str = "fmc-first";

fn write(host: &Own, hosts: &[&str]) {
    let base = host.path().join("pools");
    let hosts = hosts.iter().map(|name| {
        Host::new((*name).to_owned())
            .uri(format!("qemu+ssh://{name}/system"))
            .emulated()
            .machine_type("pc")
            .base(base.to_str().unwrap())
    });
    let hosts: Vec<Host> = hosts.collect();
    let machine = |name: &str, host: &str| {
        Machine::new(name.to_owned(), Image::blank())
            .host(host.to_owned())
            .memory(32.mib())
            .root_disk(64.mib())
            .disk(Disk::new("data", 64.mib()))
            .shutdown(Shutdown::force_now())
    };
    let on_a = ["worker1", "worker2", "worker3"].map(|name| machine(name, "a"));
    let on_b = (hosts.len() > 1).then(|| ["far1", "far2"].map(|name| machine(name, "b")));
    let cloud = Cloud::new("first").hosts(hosts).machines(on_a).machines(on_b.into_iter().flatten());
    fs::write(host.path().join("cloud.json"), serde_json::to_string(&cloud).unwrap()).unwrap();
}

fn fmc(host: &Own, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
    command.args(["-f", "cloud.json"]).args(arguments.split(' ')).current_dir(host.path());
    let connect = |name: &str, socket: &str| {
        format!("{name}=qemu+unix:///system?socket={}", host.path().join(socket).display())
    };
    command.args(["--connect", &connect("a", "libvirt-sock")]);
    if fs::read_to_string(host.path().join("cloud.json")).unwrap().contains("far1") {
        command.args(["--connect", &connect("b", "no-such-socket")]);
    }
    command.stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn said(ran: &Output, code: i32) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!(ran.status.code(), Some(code), "{said}");
    said
}

fn running(host: &Own) -> usize {
    host.virsh(&["list", "--name"]).split_whitespace().count()
}

#[test]
fn a_machine_whose_pool_has_to_be_started_first_is_started_in_the_same_apply() {
    let host = Own::start();
    write(&host, &["a"]);
    said(&fmc(&host, "apply --yes"), 0);
    assert_eq!(running(&host), 3);

    host.virsh(&["destroy", "worker3"]);
    host.virsh(&["pool-destroy", POOL]);
    let plan = said(&fmc(&host, "plan --detailed-exitcode"), 2);
    assert!(plan.contains("once the pool fmc-first is started"), "{plan}");
    // Announced steps of a saved plan need no `--yes`.
    said(&fmc(&host, "plan --out plan.json"), 0);
    let applied = said(&fmc(&host, "apply plan.json"), 0);
    assert!(applied.contains("2 steps done."), "{applied}");
    assert_eq!(running(&host), 3);
    said(&fmc(&host, "plan --detailed-exitcode"), 0);

    // A missing disk was not announced.
    host.virsh(&["destroy", "worker1"]);
    host.virsh(&["vol-delete", "worker1.disk.data", POOL]);
    host.virsh(&["pool-destroy", POOL]);
    said(&fmc(&host, "plan --delete-data worker1 --out plan.json"), 0);
    let refused = said(&fmc(&host, "apply plan.json"), 1);
    assert!(refused.contains("the plan in the file does not announce 1 step: not done"), "{refused}");
    assert!(refused.contains("1 step done, 1 not done."), "{refused}");
    assert_eq!(running(&host), 2);
    assert!(!host.virsh(&["vol-list", POOL]).contains("worker1.disk.data "));
    host.virsh(&["pool-destroy", POOL]);
    said(&fmc(&host, "apply --yes --delete-data worker1"), 0);
    assert_eq!(running(&host), 3);
    said(&fmc(&host, "plan --detailed-exitcode"), 0);
}

#[test]
fn a_host_that_does_not_answer_is_never_nothing_to_do() {
    let host = Own::start();
    write(&host, &["a", "b"]);
    let plan = said(&fmc(&host, "plan --detailed-exitcode"), 1);
    assert!(plan.contains("deferred the host b does not answer: "), "{plan}");
    assert_eq!(plan.matches("the host b does not answer").count(), 1, "{plan}");
    let applied = said(&fmc(&host, "apply --yes"), 1);
    assert!(applied.contains("steps done, 3 deferred."), "{applied}");
    assert_eq!(running(&host), 3);
    for (command, code) in [("apply --yes", 1), ("plan --detailed-exitcode", 1), ("plan", 1)] {
        let said = said(&fmc(&host, command), code);
        assert!(said.contains("3 deferred") && !said.contains("nothing to do"), "{command}: {said}");
    }
    let status = said(&fmc(&host, "status"), 1);
    assert!(
        !status.contains("as wanted") && status.contains("error: the host b does not answer"),
        "{status}"
    );
    let drift = said(&fmc(&host, "drift"), 1);
    assert!(!drift.contains("no drift"), "{drift}");
    let destroyed = said(&fmc(&host, "destroy --yes"), 1);
    assert!(destroyed.contains("the host b does not answer"), "{destroyed}");
    assert_eq!(running(&host), 0);
}
