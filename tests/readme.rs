//! The README shows real programs and real output.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::process::Command;

const README: &str = include_str!("../README.md");

/// The README's code blocks in a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    let parts: Vec<&str> = README.split(fence.as_str()).skip(1).collect();
    parts.into_iter().map(|part| part.split_once("```").unwrap().0)
}

/// The standard output of a command of the first example in an empty folder.
fn said(command: &[&str]) -> String {
    let folder = fmc_testkit::tree::scratch();
    // Cargo builds a package's examples beside its tests.
    let example = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/first_cloud");
    let ran = Command::new(example).args(command).current_dir(folder.path()).output().unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn its_cloud_is_the_first_example() {
    let example = include_str!("../examples/first_cloud.rs");
    let code = blocks("rust,no_run").next().unwrap();
    assert!(example.ends_with(code), "the README's cloud differs from examples/first_cloud.rs");
}

#[test]
fn its_plan_is_the_one_that_is_printed() {
    let plan = said(&["plan"]);
    assert!(blocks("text").any(|block| block == plan), "the README lacks this plan:\n{plan}");
}

#[test]
fn its_picture_is_that_of_the_seeds_cloud() {
    let example =
        std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/flatcar_micro_cloud");
    let drawn = String::from_utf8(Command::new(example).arg("graph").output().unwrap().stdout).unwrap();
    assert!(blocks("mermaid").any(|block| block == drawn), "the README lacks this picture:\n{drawn}");
}

#[test]
fn its_finding_is_the_one_that_is_printed() {
    let findings = said(&["check", "--set", "machines.web.interfaces[0].address=10.17.4.10"]);
    let first = findings.split("\n\n").next().unwrap();
    assert!(
        blocks("text").any(|block| block.trim_end() == first),
        "the README lacks this finding:\n{findings}"
    );
}

#[test]
fn its_platform_is_that_of_the_example() {
    let example = include_str!("../examples/platform/cloud.yaml");
    assert!(blocks("yaml").any(|block| block.starts_with("roles:") && example.contains(block)));
}

/// Commands that need this machine's libvirt, or that install or run everything.
const NOT_HERE: [&str; 3] = [
    "cargo xtask test",
    "cargo xtask setup",
    "cargo run --features virt --example flatcar_micro_cloud -- --connect qemu:///system --lab apply",
];

#[test]
fn its_commands_run() {
    let mut left_out = Vec::new();
    let programs = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let folder = fmc_testkit::tree::scratch();
    for line in blocks("sh").flat_map(str::lines).filter(|line| !line.trim().is_empty()) {
        let line = line.split(" #").next().unwrap().trim();
        if NOT_HERE.contains(&line) {
            left_out.push(line);
            continue;
        }
        // The file is in the repository, and what an apply makes is in the folder.
        let line = line.replace(" examples/", concat!(" ", env!("CARGO_MANIFEST_DIR"), "/examples/"));
        if cfg!(not(feature = "k8s")) && line.contains("examples/platform") {
            continue;
        }
        let example = programs.join("examples");
        let line = match line.strip_prefix("cargo run --example ").and_then(|rest| rest.split_once(" -- ")) {
            Some((name, arguments)) => format!("{}/{name} {arguments}", example.display()),
            None => line.replacen("fmc ", &format!("{} ", env!("CARGO_BIN_EXE_fmc")), 1),
        };
        let ran = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
        assert!(ran.status.success(), "{line}: {ran:?}");
    }
    left_out.sort_unstable();
    left_out.dedup();
    assert_eq!(left_out.len(), NOT_HERE.len(), "the README no longer has one of these: {left_out:?}");
}
