//! `cargo xtask …`: every command that CI or a person runs on this workspace.
//!
//! It has few dependencies, so that a cold machine builds it in seconds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

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

  setup           install what the tests and the feature `virt` need (Debian, apt-get)
  test [--full]   setup, then everything that CI judges; --full adds the slow tier
  guest           builds the test guest if it is not there, and says where it is
  tidy            the house rules that no compiler knows
  layers [SRC]    circles of imports in fmc-core, and imports against the layers
  no-c            without default features there is no C library and no CLI in `fmc`
  api             the public items are those of docs/api
  crates          a program on fmc-core alone is at most 60 crates
  fuzz [SECONDS]  fuzz the file front end, for a minute if not said
  golden          write the golden files anew; `git diff` shows what changed
  golden api      write docs/api anew
  session         record docs/session.md and docs/session.svg anew
  bench [ARGS]    run the benches; ARGS go to them
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
