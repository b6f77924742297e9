//! The cost of a cold build: a program on `fmc-core` and `fmc-libvirt` without default features, crate by crate.
//!
//! CPU time, because a busy machine moves it less than the time of a clock. This program stands in for rustc
//! (`RUSTC_WRAPPER`) and asks the kernel what its one child took.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::process::{Command, ExitCode};

use crate::Failure;
use crate::workspace::{root, target_folder};

/// The most CPU seconds that the build may take on a machine that does nothing else.
const AIM: f64 = 30.0;

/// Set to the file of times for the program that stands in for rustc.
const TIMES: &str = "FMC_XTASK_TIMES";

/// A user's program on the two crates, which links all of the check and the documents.
const PROGRAM: &str = r#"use fmc_core::cloud::Cloud;

fn main() {
    if let Ok(checked) = Cloud::new("cold").check() {
        println!("{}", fmc_libvirt::documents::documents(&checked).nodes.len());
    }
}
"#;

/// Builds the program from nothing and prints the CPU seconds of each crate.
pub(crate) fn cold() -> Result<(), Failure> {
    let folder = std::path::PathBuf::from(target_folder()?).join("cold");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/main.rs"), PROGRAM)?;
    fs::write(folder.join("Cargo.toml"), manifest())?;
    // The versions that this workspace is tested with, not whichever are newest today.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let times = folder.join("times");
    let before = children()?;
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("RUSTC_WRAPPER", std::env::current_exe()?)
        .env(TIMES, &times)
        // Cargo compiles crates of a registry as a whole. Those of a path it prepares for changes, in 256 units each instead of 16,
        // which users of the published crates do not pay for.
        .env("CARGO_INCREMENTAL", "0")
        .status()?;
    if !status.success() {
        return Err(format!("the program did not build ({status})").into());
    }
    show(&fs::read_to_string(&times)?, children()? - before);
    Ok(())
}

fn manifest() -> String {
    let dependency = |name: &str| {
        format!(
            "{name} = {{ path = {:?}, default-features = false }}\n",
            root().join(name).display().to_string()
        )
    };
    format!(
        "[package]\nname = \"cold\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{}{}\n[workspace]\n",
        dependency("fmc-core"),
        dependency("fmc-libvirt")
    )
}

/// A table of the crates, those that take longest first.
fn show(times: &str, together: f64) {
    let mut crates: Vec<(&str, f64)> = times
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, seconds)| Some((name, seconds.parse().ok()?)))
        .collect();
    crates.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let ours = |name: &str| name.starts_with("fmc_") || name == "cold";
    for (name, seconds) in &crates {
        println!("  {seconds:>6.2} s  {name}");
    }
    let own: f64 = crates.iter().filter(|(name, _)| ours(name)).map(|(_, seconds)| seconds).sum();
    println!("  {together:>6.2} s  together, {own:.2} s of it our own crates; the aim is {AIM:.0} s");
}

/// Runs the real rustc and notes its time, if this program was started in its place.
pub(crate) fn as_rustc() -> Option<ExitCode> {
    let times = std::env::var_os(TIMES)?;
    let mut arguments = std::env::args_os().skip(1);
    let rustc = arguments.next()?;
    let arguments: Vec<_> = arguments.collect();
    let name = arguments.iter().skip_while(|argument| *argument != "--crate-name").nth(1);
    let name = name.map_or("-".to_owned(), |name| name.to_string_lossy().into_owned());
    let noted = Command::new(rustc).args(&arguments).status().map_err(Failure::from).and_then(|status| {
        let mut file = OpenOptions::new().create(true).append(true).open(times)?;
        file.write_all(format!("{name} {}\n", children()?).as_bytes())?;
        Ok(status)
    });
    Some(match noted {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: failed to run rustc: {error}");
            ExitCode::FAILURE
        }
    })
}

/// The CPU seconds, user and system, of the children that this process has waited for, and of theirs.
fn children() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("CPU time is read from Linux: {error}"))?;
    parse(&stat).ok_or_else(|| "/proc/self/stat has no times of children".into())
}

fn parse(stat: &str) -> Option<f64> {
    // The name of the program, in brackets, may hold spaces. `proc(5)`: cutime and cstime are the 16th and 17th field.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13).map(str::parse::<u32>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    // Linux tells user space hundredths of a second on every machine.
    Some(f64::from(user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_children_are_read() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 11 12 250 50 20 0 1";
        assert_eq!(parse(stat), Some(3.0));
        assert_eq!(parse("7 (a) S 1"), None);
        assert!(children().is_ok());
    }
}
