//! Every command of every program runs. The list comes from clap, so that no command can be forgotten.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fmc::cli::Program;
use fmc::prelude::*;

/// Each command's arguments, and its exit code. Every possible value of an option or argument is tried too.
const COMMANDS: &[(&str, &str, i32)] = &[
    ("check", "", 0),
    ("compile", "--out artifacts", 0),
    ("plan", "", 0),
    ("apply", "--yes", 0),
    ("status", "", 0),
    ("drift", "", 0),
    // A simulated machine has a console, but no login.
    ("console", "MACHINE", 0),
    ("ssh", "MACHINE", 1),
    ("ssh-config", "", 0),
    ("graph", "", 0),
    ("graph", "--flows", 0),
    // A cloud without DNS of its own has no zones.
    ("dns export", "--out zones", 1),
    ("dns help", "", 0),
    #[cfg(feature = "dns")]
    ("dns verify", "", 1),
    ("kubeconfig", "CLUSTER", 0),
    // A cloud without a tunnel has no configuration of one.
    ("vpn", "ana", 1),
    // A simulated host has no network of its own.
    ("host install", "", 64),
    ("host help", "", 0),
    ("convert", "CHOICE", 0),
    ("init", "another.yaml", 0),
    ("schema", "", 0),
    ("completions", "CHOICE", 0),
    ("man", "", 0),
    ("explain", "address-duplicate", 0),
    ("explain", "", 0),
    ("help", "", 0),
    ("root-key new", "", 0),
    ("root-key help", "", 0),
    // There is no input.
    ("import butane", "-", 1),
    ("import help", "", 0),
    ("images help", "", 0),
    // A real system would ask its upstream, which a test must not do, so the system is unknown.
    ("images resolve", "plan9", 64),
    #[cfg(feature = "k8s")]
    ("images list", "", 0),
    // There is no such image, so that nobody is asked.
    #[cfg(feature = "k8s")]
    ("images pin", "--update plan9", 64),
    ("destroy", "--yes", 0),
];

/// The commands that clap knows, each after the names of its parents.
fn leaves(command: &clap::Command, above: &str, into: &mut BTreeSet<String>) {
    for command in command.get_subcommands() {
        let path = format!("{above} {}", command.get_name()).trim().to_owned();
        if command.has_subcommands() && command.get_name() != "help" {
            leaves(command, &path, into);
        } else {
            into.insert(path);
        }
    }
}

fn find<'a>(command: &'a clap::Command, path: &str) -> &'a clap::Command {
    path.split(' ').fold(command, |command, name| command.find_subcommand(name).unwrap())
}

/// A command with each possible value of each option that has a choice.
fn choices(command: &clap::Command, arguments: &str) -> Vec<String> {
    let mut all = vec![arguments.to_owned()];
    for argument in command.get_arguments().filter(|argument| !argument.is_global_set()) {
        for value in argument.get_possible_values() {
            let value = value.get_name();
            match argument.get_long() {
                Some(_) if !argument.get_action().takes_values() => {}
                Some(long) => all.push(format!("{arguments} --{long} {value}")),
                None => all.push(arguments.replace("CHOICE", value)),
            }
        }
    }
    all.retain(|arguments| !arguments.contains("CHOICE"));
    all
}

/// Runs all commands of a program, one after the other in one folder.
fn all_run(program: &Path, machine: &str, cluster: Option<&str>, command: &clap::Command) {
    let folder = fmc_testkit::tree::scratch();
    let mut command = command.clone();
    command.build();
    let mut known = BTreeSet::new();
    leaves(&command, "", &mut known);
    let named: BTreeSet<String> = COMMANDS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(known, named, "a command that no test runs, or a test of none");
    if program.ends_with("fmc") {
        let init = Command::new(program).arg("init").current_dir(folder.path()).output().unwrap();
        assert!(init.status.success(), "{init:?}");
    }
    for (name, arguments, code) in COMMANDS {
        for arguments in choices(find(&command, name), arguments) {
            // A cloud without a cluster has no kubeconfig.
            let code = if arguments == "CLUSTER" && cluster.is_none() { &1 } else { code };
            // The seed's cloud has a DNS, whose server answers nobody here.
            let has_dns = program.ends_with("flatcar_micro_cloud");
            // Each template is written into the same file. A program with a cloud of its own has none.
            if *name == "init" {
                drop(std::fs::remove_file(folder.path().join("another.yaml")));
            }
            let is_of_template = arguments.contains("--template") && !program.ends_with("fmc");
            let code = match *name {
                "init" if is_of_template => &64,
                "dns export" if has_dns => &0,
                "dns verify" if has_dns => &2,
                // Its tunnel has other people.
                "vpn" if has_dns => &64,
                _ => code,
            };
            let arguments = arguments.replace("MACHINE", machine).replace("CLUSTER", cluster.unwrap_or(""));
            // The name of a host stands before what is done with it.
            let name = name.replace("host install", "host local install");
            let line: Vec<&str> = name.split(' ').chain(arguments.split_whitespace()).collect();
            let ran = Command::new(program)
                .args(&line)
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .env_remove("FMC_ROOT_KEY")
                .output()
                .unwrap();
            assert_eq!(ran.status.code(), Some(*code), "{} {line:?}: {ran:?}", program.display());
        }
    }
}

fn example(name: &str) -> PathBuf {
    // Cargo builds a package's examples beside its tests.
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples").join(name)
}

#[test]
fn every_command_of_the_program_fmc_runs() {
    all_run(Path::new(env!("CARGO_BIN_EXE_fmc")), "web", None, Program::of_file().command());
}

#[test]
fn every_command_of_every_example_runs() {
    let command = Program::new(Cloud::new("any"));
    for (name, machine, cluster) in [
        ("first_cloud", "web", None),
        ("flatcar_micro_cloud", "master1", Some("prod")),
        ("many_machines", "agent1", None),
        ("single_node", "node", Some("single")),
        ("two_hosts", "db", None),
    ] {
        all_run(&example(name), machine, cluster, command.command());
    }
}

#[test]
fn every_example_has_a_lab() {
    for name in ["first_cloud", "flatcar_micro_cloud", "many_machines", "single_node", "two_hosts"] {
        let folder = fmc_testkit::tree::scratch();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(example(name));
            command.args(arguments).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap()
        };
        let applied = run(&["--lab", "apply"]);
        assert!(applied.status.success(), "{name}: {applied:?}");
        let plan = run(&["--lab", "plan", "--detailed-exitcode"]);
        assert!(plan.status.success(), "{name}: {plan:?}");
    }
}
