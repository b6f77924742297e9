//! The commands of a program that has a provider of its own, each as a process.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

use fmc::cli::{Io, Program};
use fmc_registry::{Names, cloud};
use tempfile::TempDir;

/// The file in which a simulation keeps the names.
const STATE: &str = "first.names.sim.json";

fn program(folder: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc-registry"));
    command.args(arguments.split_whitespace()).current_dir(folder.path()).stdin(Stdio::null());
    command
}

/// Its exit code, standard output and standard error.
fn run(folder: &TempDir, arguments: &str) -> (i32, String, String) {
    let Output { status, stdout, stderr } = program(folder, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or_else(|| panic!("{arguments}: {status}")), text(stdout), text(stderr))
}

#[track_caller]
fn done(folder: &TempDir, arguments: &str) -> String {
    let (code, out, err) = run(folder, arguments);
    assert_eq!(code, 0, "{arguments}: {out}{err}");
    out
}

fn state(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join(STATE)).unwrap()
}

#[test]
fn a_plan_shows_names_as_text_and_as_json() {
    let folder = TempDir::new().unwrap();
    let plan = done(&folder, "plan");
    assert!(plan.contains("2 names") && plan.contains("+ name free.lab"), "{plan}");
    assert!(done(&folder, "plan --json").contains("\"names/name/free.lab\""));
    assert_eq!(run(&folder, "plan --detailed-exitcode").0, 2);
    assert!(!folder.path().join(STATE).exists(), "a plan only looks");
}

#[test]
fn an_apply_goes_through_the_phase_that_needs_the_machine() {
    let folder = TempDir::new().unwrap();
    let events = done(&folder, "apply --json");
    let done_at = |address: &str| {
        let is_it =
            |line: &str| line.contains("\"event\":\"done\"") && line.contains(&format!("\"{address}\""));
        events.lines().position(is_it).unwrap_or_else(|| panic!("{address} is not done: {events}"))
    };
    assert!(done_at("libvirt/local/domain/ns") < done_at("names/name/db.lab"), "{events}");
    let state = state(&folder);
    assert!(state.contains("db.lab db ") && state.contains("free.lab db "), "{state}");
    assert_eq!(run(&folder, "plan --detailed-exitcode").0, 0);
}

#[test]
fn a_saved_plan_does_what_it_shows_and_is_refused_once_the_world_moved() {
    let folder = TempDir::new().unwrap();
    done(&folder, "plan --out p.json");
    done(&folder, "apply p.json");
    assert!(state(&folder).contains("free.lab db "));
    let (code, _, err) = run(&folder, "apply p.json");
    assert!(code == 1 && err.contains("the world is no longer"), "{err}");
}

#[test]
fn status_drift_and_a_part_of_an_apply_know_names() {
    let folder = TempDir::new().unwrap();
    done(&folder, "apply");
    assert!(done(&folder, "status").contains("name/db.lab: there"));
    assert!(done(&folder, "status --json").contains("\"names/name/db.lab\""));
    assert_eq!(run(&folder, "drift").0, 0);

    // Somebody changes a name by hand.
    fs::write(folder.path().join(STATE), state(&folder).replace("db.lab db ", "db.lab ns ")).unwrap();
    let (code, out, _) = run(&folder, "drift");
    assert!(code == 2 && out.contains("name db.lab") && out.contains("target ns -> db"), "{out}");
    let (code, out, _) = run(&folder, "drift --json");
    assert!(code == 2 && out.contains("\"names/name/db.lab\""), "{out}");

    let part = done(&folder, "plan --only name/db.lab");
    assert!(part.contains("target ns -> db"), "{part}");
    done(&folder, "apply --only name/db.lab");
    assert_eq!(run(&folder, "drift").0, 0);
}

#[test]
fn a_compile_and_a_picture_have_names() {
    let folder = TempDir::new().unwrap();
    done(&folder, "compile --out out");
    assert_eq!(fs::read_to_string(folder.path().join("out/names/db.lab.txt")).unwrap(), "db.lab db\n");
    assert!(done(&folder, "graph --as mermaid").contains("published as db.lab"));
}

#[test]
fn destroy_takes_names_too() {
    let folder = TempDir::new().unwrap();
    done(&folder, "apply");
    done(&folder, "destroy");
    assert_eq!(state(&folder), "");
}

/// So many machines that the output of an apply does not fit into a pipe.
const MANY: &str = "--more 600";

#[test]
fn an_interrupt_ends_the_apply_after_its_steps_and_the_next_one_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut child = program(&folder, &format!("{MANY} apply"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The apply blocks as soon as the test stops reading.
    let mut said = BufReader::with_capacity(1, child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("done") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "the apply ended");
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{rest}");
    assert!(rest.contains("error: stopped") && rest.contains("steps not begun"), "{rest}");
    // The name that needs the machine's answer is of a phase that was never begun.
    assert!(!state(&folder).contains("db.lab"), "{}", state(&folder));

    let plan = format!("{MANY} plan --detailed-exitcode");
    assert_eq!(run(&folder, &plan).0, 2);
    done(&folder, &format!("{MANY} apply"));
    assert!(state(&folder).contains("db.lab db "), "{}", state(&folder));
    assert_eq!(run(&folder, &plan).0, 0);
}

/// Its objects are unknown in a simulation of the hypervisors: no command takes them for done.
#[test]
fn a_provider_without_a_simulation_is_deferred_and_never_done() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &str| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io { folder: folder.path().to_owned(), ..Io::new(&mut out, &mut err) };
        let names = Names::new(&[("db.lab", "db", true), ("free.lab", "db", false)]).without_simulation();
        let arguments = ["fmc-registry"].into_iter().chain(arguments.split(' ')).map(OsString::from);
        let code = Program::new(cloud()).provider(names).run(arguments, &mut io);
        out.append(&mut err);
        (code, String::from_utf8(out).unwrap())
    };
    for arguments in ["apply --yes", "apply --yes"] {
        let (code, said) = run(arguments);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("names does not answer: it has no simulation"), "{said}");
    }
    let (code, said) = run("status");
    assert!(code == 1 && said.contains("it has no simulation") && !said.contains("as wanted"), "{said}");
    let (code, said) = run("plan --detailed-exitcode");
    assert!(code == 1 && said.contains("2 deferred"), "{said}");
    assert!(run("drift").1.contains("it has no simulation"));
}
