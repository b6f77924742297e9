//! What the README shows is what there is.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::process::Command;

const README: &str = include_str!("../README.md");

/// The blocks of the README in a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    let parts: Vec<&str> = README.split(fence.as_str()).skip(1).collect();
    parts.into_iter().map(|part| part.split_once("```").unwrap().0)
}

/// What a command of the first example writes to stdout, in an empty folder.
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
    let code = blocks("rust").next().unwrap();
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
