//! The start-up time of the program `fmc`: `--version`, and `check` of the seed's file, as processes of their
//! own.
//!
//! `cargo bench --bench start` prints the best and the median wall time of 50 runs, beside the time of
//! `true`. `cargo test` runs it in a short form: two runs each.

#![expect(clippy::expect_used, reason = "a bench that cannot go on says why")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fmc_testkit::bench::is_short;

const RUNS: usize = 50;

fn main() {
    let runs = if is_short() { 2 } else { RUNS };
    let fmc = env!("CARGO_BIN_EXE_fmc");
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/flatcar_micro_cloud/cloud.yaml");
    let mut text = "| process | best | median |\n| --- | ---: | ---: |\n".to_owned();
    for (name, program, arguments) in [
        ("`true`", "true", &[][..]),
        ("`fmc --version`", fmc, &["--version"]),
        ("`fmc check`, the seed's file", fmc, &["-f", seed, "check"]),
    ] {
        let mut times: Vec<Duration> = (0..runs).map(|_| run(program, arguments)).collect();
        times.sort();
        let at = |place: usize| times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3);
        text += &format!("| {name} | {:.1} ms | {:.1} ms |\n", at(0), at(runs / 2));
    }
    std::io::stdout().write_all(text.as_bytes()).expect("the table is written");
}

fn run(program: &str, arguments: &[&str]) -> Duration {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let started = Instant::now();
    let status = command.status().expect("the program starts");
    let time = started.elapsed();
    assert!(status.success(), "{program} {arguments:?}: {status}");
    time
}
