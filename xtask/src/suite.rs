//! The stages that CI runs.
//!
//! The stages share compiled dependencies: clippy and rustdoc use one set (metadata only), the tests,
//! examples and benches another, and the build without features a small third one. Another combination of
//! features would cost a cold machine a minute more, so these are the only ones.

use std::collections::BTreeSet;
use std::process::Command;

use crate::Failure;
use crate::ahead::Ahead;
use crate::api;
use crate::cold;
use crate::fuzz::{SECONDS, fuzz};
use crate::session;
use crate::setup::setup;
use crate::stage::Stages;
use crate::tidy::tidy;
use crate::workspace::{cargo, cargo_output, cargo_with, features_without_slow, has_member, root};

/// The extent of a test run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// The tests that every commit must pass.
    Usual,
    /// The usual tests, the slow ones (the crates' feature `full`), and a build of the benches as they are
    /// measured.
    Full,
}

/// Crates that a program on `fmc` with `default-features = false` must not depend on.
const NOT_WITHOUT_FEATURES: [&str; 7] =
    ["virt", "virt-sys", "libgssapi", "libgssapi-sys", "clap", "indicatif", "tokio"];

/// The crates that must build and pass with no feature at all.
const EMBEDDED: [&str; 2] = ["fmc-core", "fmc"];

pub(crate) fn test(tier: Tier) -> Result<(), Failure> {
    let mut stages = Stages::new();
    stages.run("setup", setup)?;
    let control_plane = Ahead::begin()?;
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
    // The tests that need it have waited for it.
    control_plane.join()?;
    stages.run("fuzz", || fuzz(SECONDS))?;
    stages.run("benches", || benches(tier))?;
    stages.run("no features", without_features)?;
    stages.run("no C, no CLI", no_c)?;
    stages.run("crates of fmc-core", crates)?;
    stages.run("public API", api::compare)?;
    stages.run("recorded session", session::compare)?;
    // Last: without a network there is no database of advisories, and the other stages have been judged by then.
    if tier == Tier::Full {
        stages.run("dependencies", deny)?;
    }
    stages.summary();
    Ok(())
}

/// Unit tests, integration tests, examples and doctests of every member with every feature.
fn tests(tier: Tier) -> Result<(), Failure> {
    match tier {
        Tier::Usual => {
            cargo(&["test", "--workspace", "--no-fail-fast", "--features", &features_without_slow()?])
        }
        Tier::Full => {
            cargo(&["test", "--workspace", "--no-fail-fast", "--all-features"])?;
            on_the_newest_kubernetes()
        }
    }
}

/// The tests of platforms again, with the newest release of Kubernetes in place of the one that K3s has.
fn on_the_newest_kubernetes() -> Result<(), Failure> {
    let tests = ["test", "--workspace", "--all-features", "--test", "platform", "--", "plane::", "server::"];
    cargo_with(&tests, &[(xtask::kube::RELEASE, xtask::kube::NEWEST)])
}

/// Runs every bench in its short form, because a bench that is only built stops working unnoticed. The tests'
/// profile is enough: only measuring needs an optimised build of every dependency.
fn benches(tier: Tier) -> Result<(), Failure> {
    let every = ["test", "--workspace", "--no-fail-fast", "--bench", "*"];
    cargo(&[&every[..], &["--features", &features_without_slow()?]].concat())?;
    match tier {
        Tier::Usual => Ok(()),
        Tier::Full => cargo(&["bench", "--workspace", "--bench", "*", "--all-features", "--no-run"]),
    }
}

/// Runs the tests with Ignition and labs as the only features, since most clouds of the tests boot with it and some tests are
/// about labs, and then without any feature, for the findings of such a build.
fn without_features() -> Result<(), Failure> {
    let features = EMBEDDED.map(|package| format!("{package}/ignition,{package}/lab")).join(",");
    let mut arguments = vec!["test", "--no-default-features", "--features", &features, "--lib", "--tests"];
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

/// The most crates that a program with `fmc-core` as its only dependency may compile, itself left out.
const MOST_CRATES: usize = 60;

/// A program that wants only the values and the check depends on `fmc-core` alone and compiles few crates.
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

/// The version of `cargo-deny` that CI uses. Building it takes minutes, so only the slow tier has it.
const CARGO_DENY: &str = "0.20.2";

/// Checks the licences, sources and duplicates of the dependencies, then known vulnerabilities. The second
/// check needs the network: the stage fails without the database, since it could not judge anything.
fn deny() -> Result<(), Failure> {
    let installed = cargo_output(&["deny", "--version"]);
    if !installed.is_ok_and(|version| version.trim().ends_with(CARGO_DENY)) {
        cargo(&["install", "--locked", "cargo-deny", "--version", &format!("={CARGO_DENY}")])?;
    }
    cargo(&["deny", "check", "licenses", "bans", "sources"])?;
    cargo(&["deny", "check", "advisories"])
}

/// Writes every golden file from the code's present output.
pub(crate) fn golden() -> Result<(), Failure> {
    let features = features_without_slow()?;
    cargo_with(&["test", "--workspace", "--features", &features], &[("UPDATE_EXPECT", "1")])
}

/// The benches whose tables the README has, in its order: package, bench, features, and arguments of the bench.
const FIGURES: [(&str, &str, &str, &[&str]); 5] = [
    ("fmc", "cloud", "sim", &["--", "--full"]),
    ("fmc", "keys", "keys", &[]),
    ("fmc", "start", "cli", &[]),
    ("fmc", "platform", "k8s,sim,yaml", &[]),
    ("fmc-libvirt", "libvirt", "unpack,virt", &[]),
];

/// Prints every figure of the README with its commit, and the cost of a cold build.
pub(crate) fn figures() -> Result<(), Failure> {
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root()).output()?;
    println!("figures of {}", String::from_utf8_lossy(&commit.stdout).trim());
    for (package, bench, features, rest) in FIGURES {
        let arguments = ["bench", "--package", package, "--bench", bench, "--features", features];
        cargo(&[&arguments[..], rest].concat())?;
    }
    cold::cold()
}

/// Runs the benches of every crate but the tools.
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
