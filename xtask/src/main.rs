//! `cargo xtask …`: every command that CI or a person runs on this workspace.
//!
//! It has few dependencies, so that a cold machine builds it in seconds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod ahead;
mod api;
mod cold;
mod fuzz;
mod session;
mod setup;
mod stage;
mod suite;
mod tidy;
mod workspace;

use std::process::ExitCode;

use xtask::Failure;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup           install the packages of the tests and the feature `virt` (Debian, apt-get)
  test [--full]   setup, then all stages of CI; --full adds the slow tier
  guest           build the test guest if it is missing, and print its folder
  kube            build the control plane of the tests if it is missing, and print its path
  tidy            check the house rules that no compiler checks
  layers [SRC]    print circles of imports in fmc-core, and imports against the layers
  no-c            check that `fmc` without default features has no C library and no CLI
  api             compare the public items with docs/api
  crates          check that a program on fmc-core alone compiles at most 60 crates
  fuzz [SECONDS]  fuzz the file front end, by default for a minute
  golden          update the golden files; `git diff` shows the changes
  golden api      update docs/api
  session         record docs/session.md and docs/session.svg
  bench [ARGS]    run the benches; ARGS go to them
  bench --readme  every figure of the README, in the README's order; on a machine that does nothing else
  cold            CPU seconds, crate by crate, of a cold build on fmc-core and fmc-libvirt without default features
";

fn main() -> ExitCode {
    if let Some(code) = api::as_rustdoc().or_else(cold::as_rustc) {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["setup"] => setup::setup(),
        ["test"] => suite::test(suite::Tier::Usual),
        ["test", "--full"] => suite::test(suite::Tier::Full),
        ["guest"] => guest(),
        ["kube"] => kube(),
        ["tidy"] => tidy::tidy(),
        ["layers"] => tidy::layers::show(&workspace::root().join("fmc-core/src")),
        ["layers", folder] => tidy::layers::show(std::path::Path::new(folder)),
        ["no-c"] => suite::no_c(),
        ["api"] => api::compare(),
        ["crates"] => suite::crates(),
        ["fuzz"] => fuzz::fuzz(fuzz::SECONDS),
        ["fuzz", seconds] if seconds.parse::<u64>().is_ok() => {
            fuzz::fuzz(seconds.parse().unwrap_or(fuzz::SECONDS))
        }
        ["golden"] => suite::golden(),
        ["golden", "api"] => api::write(),
        ["session"] => session::record(),
        ["cold"] => cold::cold(),
        ["bench", "--readme"] => suite::figures(),
        ["bench", rest @ ..] => suite::bench(rest),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn guest() -> Result<(), Failure> {
    println!("{}", xtask::guest::prepare()?.display());
    Ok(())
}

fn kube() -> Result<(), Failure> {
    println!("{}", xtask::kube::prepare()?.display());
    Ok(())
}
