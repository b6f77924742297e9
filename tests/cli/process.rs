//! The program as a process: signals and colours.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// So many machines that the output of an apply does not fit into a pipe.
const MANY: usize = 900;

fn folder(machines: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut text = "name: first\nhosts: { local: {} }\nmachines:\n".to_owned();
    for number in 0..machines {
        text += &format!("  m{number}: {{ image: {{ os: none }}, root_disk: 1 GiB }}\n");
    }
    fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    folder
}

fn program(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
    command.args(arguments).current_dir(folder.path()).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

fn interrupt(child: &Child) {
    signal(child, "-INT");
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

/// An apply that has begun and blocks, because the test stops reading its output.
fn begun(folder: &TempDir) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = program(folder, &["apply"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::with_capacity(1, child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("done") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "the apply ended");
    }
    (child, said)
}

/// The same with an event for each step that is not begun, so that it blocks after an interrupt too.
fn begun_with_events(folder: &TempDir) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = program(folder, &["apply", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = BufReader::with_capacity(64, child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"event\":\"done\"") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "the apply ended");
    }
    (child, said)
}

/// Asserts that the next plan shows the remaining steps, and that its apply does them.
fn goes_on(folder: &TempDir) {
    assert_eq!(run(folder, &["plan", "--detailed-exitcode"]).status.code(), Some(2));
    let applied = run(folder, &["apply"]);
    assert!(applied.status.success(), "{applied:?}");
    assert_eq!(run(folder, &["plan", "--detailed-exitcode"]).status.code(), Some(0));
}

#[test]
fn one_interrupt_ends_the_apply_after_its_steps_and_says_what_is_left() {
    let folder = folder(MANY);
    let (mut child, mut said) = begun(&folder);
    interrupt(&child);
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{rest}");
    for words in
        ["Ctrl-C again stops at once", "error: stopped", "steps not begun", "`fmc plan` shows what is left"]
    {
        assert!(rest.contains(words), "it does not say {words:?}");
    }
    // Every step that began also ended.
    assert!(!rest.contains("failed"), "{rest}");
    goes_on(&folder);
}

#[test]
fn the_end_of_a_session_saves_what_is_done_as_an_interrupt_does() {
    for name in ["-TERM", "-HUP"] {
        let folder = folder(MANY);
        let (mut child, mut said) = begun(&folder);
        signal(&child, name);
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{name}: {rest}");
        assert!(rest.contains("error: stopped"), "{name}: {rest}");
        // The file has what the first step made.
        let world = fs::read_to_string(folder.path().join("first.sim.json")).unwrap();
        assert!(world.contains("fmc-first"), "{name}: {rest}");
        goes_on(&folder);
    }
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let folder = folder(MANY);
    let (mut child, said) = begun_with_events(&folder);
    let status = loop {
        // The test reads nothing, so the apply blocks while it prints a step, until it is ended.
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => interrupt(&child),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(130));
    drop(said);
    goes_on(&folder);
}

#[test]
fn a_second_interrupt_loses_nothing_of_a_simulation() {
    let folder = folder(MANY);
    // The first step that is done is told within the first half second, before the simulation is saved by itself.
    let (mut child, said) = begun_with_events(&folder);
    let world = folder.path().join("first.sim.json");
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => interrupt(&child),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(130));
    drop(said);
    let saved = fs::read_to_string(world).unwrap();
    assert!(saved.contains("fmc-first"), "the pool that was made is not in the file");
}

/// The output of a command on a terminal.
fn on_a_terminal(folder: &TempDir, command: &str, no_color: Option<&str>) -> String {
    let mut script = Command::new("script");
    let line = format!("{} {command}", env!("CARGO_BIN_EXE_fmc"));
    script
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .env("TERM", "xterm");
    match no_color {
        Some(value) => script.env("NO_COLOR", value),
        None => script.env_remove("NO_COLOR"),
    };
    String::from_utf8(script.output().unwrap().stdout).unwrap()
}

#[test]
fn colours_are_for_terminals() {
    let folder = folder(2);
    let coloured = |text: &str| text.contains("\u{1b}[");
    assert!(coloured(&on_a_terminal(&folder, "plan", None)));
    // https://no-color.org: the variable counts if it is set and not empty.
    assert!(coloured(&on_a_terminal(&folder, "plan", Some(""))));
    assert!(!coloured(&on_a_terminal(&folder, "plan", Some("1"))));
    assert!(coloured(&on_a_terminal(&folder, "plan --color always", Some("1"))));
    assert!(!coloured(&on_a_terminal(&folder, "plan --color never", None)));

    let piped = |arguments: &[&str]| String::from_utf8(run(&folder, arguments).stdout).unwrap();
    assert!(!coloured(&piped(&["plan"])) && !coloured(&piped(&["--help"])));
    assert!(coloured(&piped(&["plan", "--color", "always"])));
    let wrong = run(&folder, &["apply", "none.json"]);
    assert!(!coloured(&String::from_utf8(wrong.stderr).unwrap()));
    assert_eq!(run(&folder, &["plan", "--color", "sometimes"]).status.code(), Some(64));
}
