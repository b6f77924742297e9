//! What a plan and an apply say to a person: what is not read, counted, replaced, skipped and saved.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use fmc::libvirt::link::Link as _;
use fmc::libvirt::sim::file::SimFile;
use fmc::prelude::*;
use tempfile::TempDir;

use crate::stage::{Stage, cloud, machine};

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_plan_that_could_not_read_a_host_fails() {
    let on = |host: &'static str| {
        let web = Machine::new("web", Image::blank()).host(host).root_disk(1.gib());
        let db = Machine::new("db", Image::blank()).host("a").root_disk(1.gib());
        Cloud::new("first").hosts([Host::new("a"), Host::new("b")]).machines([web, db])
    };
    let stage = Stage::new();
    let hosts = "--connect a=sim:a.json --connect b=test:///no/such/file.xml";
    stage.done(on("a"), "apply --connect a=sim:a.json --connect b=sim:b.json");
    for detailed in ["", " --detailed-exitcode", " --json"] {
        let plan = stage.run(on("b"), &format!("plan {hosts}{detailed}"));
        assert_eq!(plan.code, 1, "{plan:?}");
    }
    // The machine that moves there stays where it is.
    let applied = stage.run(on("b"), &format!("apply {hosts}"));
    assert_eq!(applied.code, 1, "{applied:?}");
    assert!(
        one_line(&applied.out).contains("it moves to the host b, which could not be read"),
        "{applied:?}"
    );
    let sim = SimFile::look(stage.path().join("a.json")).unwrap();
    assert!(sim.domain("web").unwrap().unwrap().active);
    stage.done(on("b"), "apply --connect a=sim:a.json --connect b=sim:b.json");
}

/// Two machines whose boot configuration follows from this text.
fn fleet(text: &str) -> Cloud {
    let debian = |name: &'static str, address: &'static str| {
        Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
            .root_disk(20.gib())
            .memory(1.gib())
            .interface(Interface::on("lab").address(address))
            .file(GuestFile::text("/etc/motd", text.to_owned()))
    };
    let same = Machine::new("same", Image::blank()).root_disk(1.gib());
    Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machines([
        debian("one", "10.17.3.11"),
        debian("two", "10.17.3.12"),
        same,
    ])
}

#[test]
fn all_outdated_machines_are_replaced_at_once_and_the_plan_still_says_why() {
    let stage = Stage::new();
    stage.done(fleet("a"), "apply");
    let plan = stage.done(fleet("b"), "plan");
    assert!(plan.ends_with("  2 outdated\n"), "{plan}");
    // An apply counts what it leaves as the plan does.
    let applied = stage.run(fleet("b"), "apply");
    assert_eq!(applied.code, 2, "{applied:?}");
    assert!(applied.out.ends_with("0 steps done, 2 outdated.\n"), "{applied:?}");
    assert!(applied.err.contains("warning: machine two is outdated: "), "{applied:?}");
    let plan = one_line(&stage.done(fleet("b"), "plan --replace outdated --out p.json"));
    for name in ["one", "two"] {
        assert!(plan.contains(&format!("± machine {name} replace asked for by --replace: ")), "{plan}");
    }
    assert!(plan.contains("/etc/motd") && !plan.contains("machine same replace"), "{plan}");
    let more = one_line(&stage.done(fleet("b").machine(machine("web", "10.17.3.20")), "plan --replace one"));
    assert!(more.contains("asked for by --replace: ") && more.contains("machine two outdated"), "{more}");
    let memory = "plan --replace one --set machines.one.memory=2GiB";
    let memory = one_line(&stage.done(fleet("b"), memory));
    assert!(memory.contains("memory 1 GiB -> 2 GiB"), "{memory}");
    let applied = stage.run(fleet("b"), "apply p.json");
    assert_eq!(applied.code, 0, "{applied:?}");
    // A plan that is used again is refused in one sentence.
    let again = stage.run(fleet("b"), "apply p.json");
    assert!(again.code == 1 && again.err.contains("and 9 more") && again.err.len() < 400, "{again:?}");
    assert!(stage.done(fleet("b"), "plan --replace outdated").contains("nothing to do"));
    stage.fails(fleet("b"), "plan --replace all", 64, &["names a machine that is not there"]);
}

#[test]
fn a_simulation_says_that_a_hypervisor_would_ask() {
    let stage = Stage::new();
    let made = stage.run(cloud(), "apply");
    assert!(made.code == 0 && !made.err.contains("asks for no consent"), "{made:?}");
    let gone = stage.run(cloud(), "destroy");
    assert!(gone.err.contains("A simulation asks for no consent"), "{gone:?}");
}

#[test]
fn the_words_of_a_plan_are_explained() {
    let stage = Stage::new();
    let page = stage.done(cloud(), "explain plan");
    for word in ["deferred", "refused", "outdated", "left", "pending", "kept", "left out", "unclear"] {
        assert!(page.contains(&format!("  {word} ")), "{word}: {page}");
    }
    assert!(stage.done(cloud(), "explain").contains("explain plan"));
}

#[test]
fn skipped_steps_are_counted_and_not_listed_one_by_one() {
    let stage = Stage { impatient: true, ..Stage::new() };
    let many = (50..60).map(|last| machine(&format!("m{last}"), &format!("10.17.3.{last}")));
    let cloud = many.fold(cloud(), Cloud::machine);
    let stopped = stage.run(cloud, "apply");
    assert!(stopped.code == 1 && stopped.err.contains("steps not begun"), "{stopped:?}");
    assert!(stopped.err.lines().count() < 9 && stopped.err.contains("machine/db"), "{stopped:?}");
}

#[test]
fn a_step_that_was_reported_is_in_the_file_of_a_killed_simulation() {
    let folder = TempDir::new().unwrap();
    let mut text = "name: first\nhosts: { local: {} }\nmachines:\n".to_owned();
    for number in 0..20 {
        text += &format!("  m{number}: {{ image: {{ os: none }}, root_disk: 1 GiB, memory: 1 GiB }}\n");
    }
    std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
    command.args(["apply", "--connect", "local=sim:first.sim.json"]).current_dir(folder.path());
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let said: Vec<String> = lines.take(25).collect();
    let _ = child.kill();
    child.wait().unwrap();
    let sim = SimFile::look(folder.path().join("first.sim.json")).unwrap();
    let volumes: BTreeSet<String> =
        sim.volumes("fmc-first").unwrap().into_iter().map(|volume| volume.name).collect();
    let done = said.iter().filter_map(|line| line.strip_suffix(": create done"));
    let made: Vec<&str> =
        done.filter_map(|at| at.split_once("volume/fmc-first/")).map(|(_, it)| it).collect();
    assert!(!made.is_empty(), "{said:?}");
    for name in made {
        assert!(volumes.contains(name), "{name}: {volumes:?}");
    }
}
