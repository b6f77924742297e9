//! A program with flags of its own beside fmc's commands, and a program that has them as subcommands of its
//! own.

use clap::{CommandFactory as _, Parser as _};
use fmc::cli::{Commands, Io, Program};
use fmc::prelude::*;

use crate::stage::cloud;

#[derive(clap::Args)]
/// Flags of a program that serves.
struct Flags {
    /// How many more machines there are
    #[arg(long, default_value_t = 0)]
    more: u8,
    /// What the cloud is called
    #[arg(long)]
    name: String,
}

#[derive(Debug, clap::Parser)]
#[command(name = "tool")]
enum Tool {
    /// The machines
    Infra(Commands),
    /// Something else
    Count,
}

fn program() -> Program {
    Program::new(cloud()).flags(|_, flags: Flags| {
        (0..flags.more).fold(Cloud::new(flags.name.as_str()).host(Host::local()), |cloud, number| {
            cloud.machine(Machine::new(format!("more{number}"), Image::blank()))
        })
    })
}

fn ran(run: impl FnOnce(&mut Io<'_>) -> u8) -> (u8, String, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io { folder: folder.path().to_owned(), ..Io::new(&mut out, &mut err) };
    let code = run(&mut io);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn of(arguments: &str) -> (u8, String, String) {
    let arguments = ["shop"].into_iter().chain(arguments.split_whitespace()).map(Into::into);
    ran(|io| program().run(arguments, io))
}

#[test]
fn flags_of_the_program_stand_beside_those_of_fmc() {
    let (code, out, err) = of("--name shop plan --more 3 --lab");
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("shop on sim:shop-lab") && out.contains("machine more2"), "{out}");

    let (code, help, _) = of("--help");
    assert_eq!(code, 0);
    assert!(help.contains("--more <MORE>") && help.contains("--connect <URI>"), "{help}");
    assert!(!help.contains("Flags of a program that serves"), "{help}");
    let (_, completions, _) = of("--name shop completions bash");
    assert!(completions.contains("--more"));
    assert_eq!(of("plan --more 3").0, fmc::cli::USAGE, "a flag that must be given was not");
    assert_eq!(of("--name shop plan --more many").0, fmc::cli::USAGE);
}

#[test]
fn a_program_takes_the_commands_into_its_own() {
    let tool = Tool::try_parse_from(["tool", "infra", "plan", "--lab"]).unwrap();
    let Tool::Infra(commands) = tool else { panic!("{tool:?}") };
    let commands = commands.called("tool infra").within(Tool::command());
    let (code, out, err) = ran(|io| Program::new(cloud()).run_of(commands, io));
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("first on sim:first-lab"), "{out}");

    let completions = Tool::try_parse_from(["tool", "infra", "completions", "bash"]).unwrap();
    let Tool::Infra(commands) = completions else { panic!("not infra") };
    let commands = commands.called("tool").within(Tool::command());
    let (_, script, _) = ran(|io| Program::new(cloud()).run_of(commands, io));
    assert!(script.contains("count") && script.contains("plan"), "{script}");
}

#[test]
fn what_clap_asserts_of_commands_holds() {
    for program in [Program::new(cloud()), Program::of_file(), program()] {
        program.command().clone().debug_assert();
    }
}
