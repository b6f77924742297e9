//! What CI judges.
//!
//! The stages share compiled dependencies: clippy and rustdoc one set (metadata only), the tests, examples and benches
//! another, and the build without features a small third one. Each further combination of features would cost a
//! cold machine a minute, so there is none.

use std::collections::BTreeSet;

use crate::Failure;
use crate::api;
use crate::fuzz::{SECONDS, fuzz};
use crate::session;
use crate::setup::setup;
use crate::stage::Stages;
use crate::tidy::tidy;
use crate::workspace::{cargo, cargo_output, cargo_with, features_without_slow, has_member};

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// What every commit must pass.
    Usual,
    /// The slow tests too: the crates' feature `full`, and the benches built as they are measured besides.
    Full,
}

/// What an embedder gets with `default-features = false` has none of these.
const NOT_WITHOUT_FEATURES: [&str; 5] = ["virt", "virt-sys", "clap", "indicatif", "tokio"];

/// The crates that must build and pass with no feature at all.
const EMBEDDED: [&str; 2] = ["fmc-core", "fmc"];

pub(crate) fn test(tier: Tier) -> Result<(), Failure> {
    let mut stages = Stages::new();
    stages.run("setup", setup)?;
    stages.run("format", || cargo(&["fmt", "--all", "--check"]))?;
    stages.run("tidy", tidy)?;
    stages.run("lints", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
    })?;
    stages.run("documentation", || {
        let document = ["doc", "--workspace", "--all-features", "--no-deps"];
        cargo_with(&document, &[("RUSTDOCFLAGS", "-D warnings")])
    })?;
    stages.run("test guest", || xtask::guest::prepare().map(drop))?;
    stages.run("tests", || tests(tier))?;
    stages.run("fuzz", || fuzz(SECONDS))?;
    stages.run("benches", || benches(tier))?;
    stages.run("no features", without_features)?;
    stages.run("no C, no CLI", no_c)?;
    stages.run("crates of fmc-core", crates)?;
    if tier == Tier::Full {
        stages.run("dependencies", deny)?;
    }
    stages.run("public API", api::compare)?;
    stages.run("recorded session", session::compare)?;
    stages.summary();
    Ok(())
}

/// Unit tests, integration tests, examples and doctests of every member with every feature.
fn tests(tier: Tier) -> Result<(), Failure> {
    match tier {
        Tier::Usual => {
            cargo(&["test", "--workspace", "--no-fail-fast", "--features", &features_without_slow()?])
        }
        Tier::Full => cargo(&["test", "--workspace", "--no-fail-fast", "--all-features"]),
    }
}

/// Every bench in its short form: one that is only built rots. The tests' profile serves: an optimised build of every
/// dependency is for those who measure.
fn benches(tier: Tier) -> Result<(), Failure> {
    let every = ["test", "--workspace", "--no-fail-fast", "--bench", "*"];
    cargo(&[&every[..], &["--features", &features_without_slow()?]].concat())?;
    match tier {
        Tier::Usual => Ok(()),
        Tier::Full => cargo(&["bench", "--workspace", "--bench", "*", "--all-features", "--no-run"]),
    }
}

/// Most clouds of the tests have a machine with Ignition; what a build without it says has a test of its own.
/// With Ignition alone, which most clouds of the tests boot with; then without it too, what that leaves.
fn without_features() -> Result<(), Failure> {
    let ignition = EMBEDDED.map(|package| format!("{package}/ignition")).join(",");
    let mut arguments = vec!["test", "--no-default-features", "--features", &ignition, "--lib", "--tests"];
    for package in EMBEDDED {
        arguments.extend(["--package", package]);
    }
    cargo(&arguments)?;
    cargo(&["test", "--no-default-features", "--package", "fmc-core", "--test", "without_ignition"])?;
    cargo(&["check", "--no-default-features", "--package", "fmc", "--lib"])
}

/// Without default features, `fmc` pulls in no C library, no CLI and no runtime.
pub(crate) fn no_c() -> Result<(), Failure> {
    let tree = cargo_output(&[
        "tree",
        "--package",
        "fmc",
        "--no-default-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ])?;
    let found: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| NOT_WITHOUT_FEATURES.contains(name))
        .collect();
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("`fmc` without default features depends on {}", found.join(", ")).into())
    }
}

/// The crates that a program on `fmc-core` alone compiles, itself left out.
const MOST_CRATES: usize = 60;

/// `fmc-core` alone is few crates: who only wants the values and the check compiles little.
pub(crate) fn crates() -> Result<(), Failure> {
    let tree = cargo_output(&["tree", "--package", "fmc-core", "--edges", "no-dev", "--prefix", "none"])?;
    let crates: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, rest)| (name, rest.split_whitespace().next().unwrap_or_default()))
        .collect();
    println!("    {} crates, at most {MOST_CRATES}", crates.len());
    if crates.len() > MOST_CRATES {
        let names: Vec<&str> = crates.iter().map(|(name, _)| *name).collect();
        return Err(format!("`fmc-core` is {} crates: {}", crates.len(), names.join(", ")).into());
    }
    Ok(())
}

/// The `cargo-deny` that CI uses. Building it takes minutes, so that only the slow tier has it.
const CARGO_DENY: &str = "0.20.2";

/// Licences, sources and duplicates of the dependencies, then known vulnerabilities. The second needs the network: where the
/// database cannot be had, the stage fails, since nothing was judged.
fn deny() -> Result<(), Failure> {
    let installed = cargo_output(&["deny", "--version"]);
    if !installed.is_ok_and(|version| version.trim().ends_with(CARGO_DENY)) {
        cargo(&["install", "--locked", "cargo-deny", "--version", &format!("={CARGO_DENY}")])?;
    }
    cargo(&["deny", "check", "licenses", "bans", "sources"])?;
    cargo(&["deny", "check", "advisories"])
}

/// Writes every golden file anew from what the code gives now.
pub(crate) fn golden() -> Result<(), Failure> {
    let features = features_without_slow()?;
    cargo_with(&["test", "--workspace", "--features", &features], &[("UPDATE_EXPECT", "1")])
}

/// Runs the benches, on everything but the tools.
pub(crate) fn bench(arguments: &[&str]) -> Result<(), Failure> {
    let features = features_without_slow()?;
    let mut command = vec!["bench", "--workspace", "--bench", "*", "--features", &features];
    for tool in ["xtask", "fmc-api", "fmc-testkit"] {
        if has_member(tool)? {
            command.extend(["--exclude", tool]);
        }
    }
    command.push("--");
    command.extend(arguments);
    cargo(&command)
}
