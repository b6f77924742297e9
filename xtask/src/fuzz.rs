//! The fuzzer on the stable toolchain: it does what `cargo fuzz run` does, without a tool to install.
//!
//! Coverage is a pass of LLVM that stable compilers have too. Only the sanitizers need nightly, and they find
//! faults that safe code cannot have. The layout is cargo-fuzz's, so that `cargo fuzz run cloud_file` works
//! where cargo-fuzz is installed.

use std::fs;
use std::process::Command;

use crate::Failure;
use crate::workspace::root;

/// How long each target runs in the test command.
pub(crate) const SECONDS: u64 = 60;

const TARGETS: [&str; 1] = ["cloud_file"];

/// The flags that cargo-fuzz gives to rustc, without a sanitizer.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// The limits of an input. One second is a thousand times as long as a file of this length needs.
const LIMITS: [&str; 5] =
    ["-max_len=16384", "-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=256", "-print_final_stats=1"];

/// Builds the targets and runs each for some seconds; an input that fails is kept in `fuzz/artifacts`.
pub(crate) fn fuzz(seconds: u64) -> Result<(), Failure> {
    let folder = root().join("fuzz");
    let host = host()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let built = target.join("fuzz");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&folder).args(["build", "--release", "--bins", "--target", &host]);
    cargo.arg("--target-dir").arg(&built).env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    println!("    cargo build --release --manifest-path fuzz/Cargo.toml, with coverage");
    if !cargo.status()?.success() {
        return Err("the fuzz targets do not build".into());
    }
    for target in TARGETS {
        let artifacts = folder.join("artifacts").join(target);
        let found = built.join("corpus").join(target);
        fs::create_dir_all(&artifacts)?;
        fs::create_dir_all(&found)?;
        let mut run = Command::new(built.join(&host).join("release").join(target));
        run.arg(&found).arg(folder.join("corpus").join(target)).args(LIMITS);
        run.arg(format!("-max_total_time={seconds}"));
        run.arg(format!("-artifact_prefix={}/", artifacts.display()));
        run.arg(format!("-dict={}", folder.join("fuzz_targets").join(format!("{target}.dict")).display()));
        println!("    {target}, for {seconds} s");
        let output = run.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let last: Vec<&str> = said.lines().rev().take(60).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            return Err(format!("{target} failed ({}):\n{}", output.status, last.join("\n")).into());
        }
        for line in said.lines().filter(|line| line.starts_with("stat::") || line.contains("DONE")) {
            println!("    {line}");
        }
    }
    Ok(())
}

/// The machine's own target. With a `--target`, cargo does not pass the flags to build scripts and proc
/// macros.
fn host() -> Result<String, Failure> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let said = String::from_utf8(output.stdout)?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not say its host")?.to_owned())
}
